"""Share the subjects of one process among all calls.

The first subject can be started ahead, while case files are collected. The others start with their
first call.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from tf_conv_conformance.subject.definition import DEFAULT, Definition
from tf_conv_conformance.subject.errors import SubjectUnavailableError
from tf_conv_conformance.subject.gateway import Gateway
from tf_conv_conformance.subject.in_process import InProcess
from tf_conv_conformance.subject.interface import Subject

ALIVE = 2  # subjects of a process that are alive at once; each takes half a gigabyte


class SubjectPool:
    """The subjects of this process by name. The subject of this interpreter has an empty name.

    The subjects return the docstrings of `symbols`. `time_limit` is in seconds, `memory` in GiB.
    """

    def __init__(
        self,
        symbols: Sequence[str],
        time_limit: float,
        definitions: Sequence[Definition] = (DEFAULT,),
        in_process: bool = False,
        memory: float | None = None,
    ) -> None:
        self._symbols = symbols
        self._time_limit = time_limit
        self._definitions = {definition.name: definition for definition in definitions}
        self._in_process = in_process
        self._memory = memory
        self._alive: dict[str, Subject] = {}  # in the order of their last use
        self._unavailable: dict[str, SubjectUnavailableError] = {}
        self._ahead: Gateway | None = None  # the first subject, until it is known to have started

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the subjects, in the order in which their calls are made."""
        return tuple(self._definitions)

    def subject(self, name: str = "") -> Subject:
        """Return a subject, and start it if it is not alive.

        Raises :class:`SubjectUnavailableError` if it cannot start. This is tried only once.
        """
        if name in self._unavailable:
            raise self._unavailable[name]
        subject = self._alive.pop(name, None) or self._start(name)
        self._alive[name] = subject
        return subject

    def start_ahead(self) -> None:
        """Start the first subject without waiting for it."""
        if not (self._ahead or self._alive or self._unavailable or self._in_process):
            self._ahead = self._gateway(self.names[0])

    def facts_ahead(self) -> dict[str, Any] | None:
        """Wait for the subject that was started ahead, and return its facts.

        Return None if there is none, or if it does not start, which its first call will report.
        """
        if self._ahead is None:
            return None
        try:
            return facts(self._ahead, self.names[0])
        except SubjectUnavailableError:
            return None

    def failed(self, name: str) -> bool:
        """Return whether a subject has failed to start."""
        return name in self._unavailable

    def give_up(self, name: str, error: SubjectUnavailableError) -> None:
        """Mark a subject as failed, after it died and could not be restarted."""
        self._alive.pop(name).close()
        self._unavailable[name] = error

    def close(self) -> None:
        """End all subjects."""
        for subject in (self._ahead, *self._alive.values()):
            if subject is not None:
                subject.close()
        self._alive.clear()

    def _start(self, name: str) -> Subject:
        while len(self._alive) >= ALIVE:
            self._alive.pop(next(iter(self._alive))).close()
        subject = InProcess(self._symbols) if self._in_process else self._gateway(name)
        try:
            facts(subject, name)
        except SubjectUnavailableError as error:
            self._unavailable[name] = error
            raise
        return subject

    def _gateway(self, name: str) -> Gateway:
        """Start a subject, or return the one that was started ahead."""
        if self._ahead is not None and name == self.names[0]:
            subject, self._ahead = self._ahead, None
            return subject
        return Gateway(self._symbols, self._time_limit, self._definitions[name], self._memory)


def facts(subject: Subject, name: str) -> dict[str, Any]:
    """Return the facts that identify a subject, including its name. Wait until it has started.

    Raises :class:`SubjectUnavailableError`.
    """
    return {**subject.subject, "name": name} if name else subject.subject
