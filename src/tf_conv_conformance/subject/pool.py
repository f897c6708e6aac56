"""The subjects of one pytest process: each shared by all of its calls, ended with the run or for another.

The first is started while case files are collected, so that it is there when the first call is made; the others with their first call.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from tf_conv_conformance.prediction.rules.rule import SYMBOLS
from tf_conv_conformance.records import lines
from tf_conv_conformance.records.schema import SubjectLine
from tf_conv_conformance.subject.definition import DEFAULT, Definition
from tf_conv_conformance.subject.errors import SubjectUnavailableError
from tf_conv_conformance.subject.gateway import Gateway
from tf_conv_conformance.subject.in_process import InProcess
from tf_conv_conformance.subject.lookahead import LookAhead
from tf_conv_conformance.verdict.perform import Subject

KEPT = 2  # subjects of a process that are alive at once: each takes half a gigabyte


@dataclass(frozen=True)
class Running:
    """A subject that has started, and its line in a record file."""

    subject: Subject
    record: SubjectLine
    ahead: LookAhead


class Session:
    """How calls are made in this process, and the subjects that make them."""

    def __init__(
        self,
        time_limit: float,
        definitions: Sequence[Definition] = (DEFAULT,),
        in_process: bool = False,
        memory: float | None = None,
    ) -> None:
        self.definitions = {definition.name: definition for definition in definitions}
        self._time_limit = time_limit
        self._memory = memory
        self._in_process = in_process
        self._running: dict[str, Running] = {}
        self._unavailable: dict[str, SubjectUnavailableError] = {}
        self._ahead: Gateway | None = (
            None  # the first subject, of which nobody knows yet whether it starts
        )

    @property
    def names(self) -> tuple[str, ...]:
        """The subjects' names, in the order in which they are asked; that of this interpreter is empty."""
        return tuple(self.definitions)

    def running(self, name: str = "") -> Running:
        """A subject, started when it is not alive. Raises :class:`SubjectUnavailableError` when it cannot start, which is tried once."""
        if name in self._unavailable:
            raise self._unavailable[name]
        running = self._running.pop(name, None) or self._start(name)
        self._running[name] = running  # the last used is the last
        return running

    def start_ahead(self) -> None:
        """Start the first subject, and do not wait for it."""
        if not (self._ahead or self._running or self._unavailable or self._in_process):
            self._ahead = self._gateway(self.names[0])

    def ahead(self) -> dict[str, Any] | None:
        """Wait for the subject that was started ahead, and return its facts; None if there is none, or it does not start."""
        if self._ahead is None:
            return None
        try:
            return self._facts(self.names[0], self._ahead)
        except SubjectUnavailableError:  # raised again, and reported, with the first call
            return None

    def failed(self, name: str) -> bool:
        """Whether a subject has been found not to start."""
        return name in self._unavailable

    def give_up(self, name: str, error: SubjectUnavailableError) -> None:
        """Start a subject no more: it died, and no other came in its place."""
        self._running.pop(name).subject.close()
        self._unavailable[name] = error

    def close(self) -> None:
        """End all subjects."""
        if self._ahead is not None:
            self._ahead.close()
        for running in self._running.values():
            running.subject.close()
        self._running.clear()

    def _start(self, name: str) -> Running:
        while len(self._running) >= KEPT:
            self._running.pop(next(iter(self._running))).subject.close()
        try:
            subject = InProcess(SYMBOLS) if self._in_process else self._gateway(name)
            facts = self._facts(name, subject)
        except SubjectUnavailableError as error:
            self._unavailable[name] = error
            raise
        return Running(
            subject, lines.subject_line(facts, subject.documentation), LookAhead(subject)
        )

    def _facts(self, name: str, subject: Subject) -> dict[str, Any]:
        """Return what identifies a subject; waits until it has started."""
        return {**subject.subject, "name": name} if name else subject.subject

    def _gateway(self, name: str) -> Gateway:
        """A subject that starts; the one that was started ahead, where this is it."""
        if self._ahead is not None and name == self.names[0]:
            subject, self._ahead = self._ahead, None
            return subject
        return Gateway(SYMBOLS, self._time_limit, self.definitions[name], self._memory)
