"""Start the worker's process, and restart it after it has died."""

from __future__ import annotations

import signal
from collections.abc import Sequence
from contextlib import suppress
from typing import Any

from tf_conv_conformance.subject.command_line import command, environment
from tf_conv_conformance.subject.definition import Definition
from tf_conv_conformance.subject.errors import (
    RECEIVING_ERRORS,
    LateAnswerError,
    SettingRefusedError,
    SubjectUnavailableError,
)
from tf_conv_conformance.subject.messages import greeting
from tf_conv_conformance.subject.output import Output
from tf_conv_conformance.subject.process import PROGRAM, Process

START_LIMIT = 180.0  # seconds that importing TensorFlow may take, on a loaded machine
START_TRIES = 3  # to start a worker after another one has died


class Supervisor:
    """The current process of a worker, and what it prints.

    `process` is None if none was launched. It can be used once it has `started`, that is, when its
    greeting has arrived. From then on, `greeting` holds the subject and its docstrings.
    """

    def __init__(
        self, symbols: Sequence[str], definition: Definition, memory: float | None
    ) -> None:
        self.output = Output()
        self.process: Process | None = None
        self.started = False
        self._symbols = symbols
        self._definition = definition
        self._memory = memory
        self.greeting: tuple[dict[str, Any], dict[str, str]] | None = None

    def launch(self) -> None:
        """Launch a worker without waiting for it. :meth:`start` raises any error."""
        with suppress(SubjectUnavailableError):
            self._launch()

    def start(self) -> tuple[dict[str, Any], dict[str, str]]:
        """Wait until a worker has started, and return the subject and its docstrings.

        If another worker has died before, this is tried a few times, since the machine may be short
        of memory or processes for a moment. Raises :class:`SubjectUnavailableError`.
        """
        tries = START_TRIES if self.greeting else 1
        while not self.started:
            tries -= 1
            try:
                self._start()
            except SubjectUnavailableError:
                if not tries:
                    raise
        assert self.greeting is not None
        return self.greeting

    def end(self, error: BaseException) -> int:
        """Return the return code of the worker, given the error that receiving from it raised."""
        assert self.process is not None
        code = self.process.ending(error)
        self.started = False
        if not self.process.died:
            self.process = None
        return code

    def kill(self) -> None:
        """Kill the process and its forks, if there is one."""
        if self.process is not None:
            self.process.kill()
            self.process.reap()
        self.process, self.started = None, False

    def close(self, busy: bool) -> None:
        """Ask the worker to end. Kill it if it is `busy`, starting or does not respond."""
        if self.process is not None:
            if busy or not self.started:
                self.process.kill()
            self.process.close()
            self.process, self.started = None, False
        self.output.close()

    def _start(self) -> None:
        """Wait for the greeting of a worker, and launch it if necessary."""
        if self.process is None or self.process.died:
            self._launch()
        assert self.process is not None
        try:
            hello, _ = self.process.receive(START_LIMIT)
            subject, documentation = greeting(hello)
        except RECEIVING_ERRORS as error:
            code = self.end(error)
            self.kill()  # a fork server gets no second try
            reason = str(error)
            if isinstance(error, LateAnswerError):
                reason = f"no answer within {START_LIMIT:g} s"
            elif isinstance(error, EOFError):
                reason = signal_name(code) if code < 0 else f"exit status {code}"
            is_refused = isinstance(error, SettingRefusedError)
            raise self._unavailable(reason, is_installed=is_refused) from error
        self.output.mark(hello)
        self.started = True
        # Only the first worker sends the docstrings.
        self.greeting = subject, self.greeting[1] if self.greeting else documentation

    def _launch(self) -> None:
        """Have the fork server replace a worker that died, or start a process."""
        self.output.clear()
        if self.process is not None:
            self.process.fork()
            return
        symbols = () if self.greeting else self._symbols
        words = command(self._definition, self._memory, symbols, len(PROGRAM))
        try:
            self.process = Process(words, environment(self._definition), self.output)
        except OSError as error:
            what = error.filename or self._definition.command[0]
            raise self._unavailable(f"{what}: {error.strerror}") from error

    def _unavailable(self, reason: str, is_installed: bool = False) -> SubjectUnavailableError:
        name, words = self._definition.name, " ".join(self._definition.command)
        subject = f"subject {name} ({words})" if name else words
        tried = f"{self._definition.library} did not start in {subject}: {reason}"
        if is_installed:
            return SubjectUnavailableError(tried)
        return SubjectUnavailableError(
            tried,
            self.output.tail(),
            f"Install it there: {words} -m pip install {self._definition.packages}.",
        )


def signal_name(code: int) -> str:
    """Return the name of the signal behind a negative return code, if it has one."""
    try:
        return signal.Signals(-code).name
    except ValueError:  # most real-time signals
        return f"signal {-code}"
