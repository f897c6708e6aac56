"""Starts the worker that holds TensorFlow, hands it calls, and survives its end."""

from __future__ import annotations

import json
import os
import re
import shlex
import signal
import subprocess
import tempfile
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import numpy as np

from tf_conv_conformance.subject import worker
from tf_conv_conformance.subject.answer import Nonsense, arms_of, greeting
from tf_conv_conformance.subject.definition import DEFAULT, Definition
from tf_conv_conformance.subject.observation import Observation

WORKER_FILE = Path(worker.__file__)
PROGRAM = WORKER_FILE.read_bytes()
BOOTSTRAP = """import os
os.environ.update({environment!r})
program = b""
while len(program) < {length}:
    program += os.read(0, {length} - len(program)) or exit("the pipe ended")
exec(compile(program, {name!r}, "exec"), {{"__name__": "__main__"}})"""
START_LIMIT = 180.0  # seconds that importing TensorFlow may take, on a loaded machine
_STACKS = re.compile(r"^(?:Traceback \(|Current thread 0x|Thread 0x)", re.MULTILINE)  # from there on: where Python was
START_TRIES = 3  # of a worker that follows one that died
MESSAGE_LIMIT = 2**31 - 1  # bytes of a message; more is not read
PRINTED_KEPT = 2**20  # bytes of what a worker printed in earlier calls
HEAD, TAIL = 1500, 800  # bytes of what the worker printed in its last call that are kept, from either end


class SubjectUnavailable(Exception):
    """No TensorFlow could be started; the message says what was tried and what it printed last, `brief` leaves out its tracebacks."""

    def __init__(self, tried: str, printed: str = "", advice: str = "") -> None:
        super().__init__("\n".join([tried, *(["its last output:", printed or "(none)", advice] if advice else [])]))
        self.brief = "\n".join(part for part in (tried, without_stacks(printed), advice) if part)


def without_stacks(printed: str) -> str:
    """What the worker printed before Python told where it was."""
    return _STACKS.split(printed)[0].strip()


def command(definition: Definition, memory: float | None, symbols: Sequence[str]) -> list[str]:
    """The command line that starts a worker. ssh hands its words to a shell on the other side, so they are quoted for it."""
    bootstrap = BOOTSTRAP.format(length=len(PROGRAM), environment=dict(definition.environment), name=str(WORKER_FILE))
    settings = json.dumps({"threads": definition.threads, "device": definition.device, "memory": memory, "symbols": list(symbols)})
    words = ["-u", "-c", bootstrap, settings]
    remote = Path(definition.command[0]).name == "ssh"
    return [*definition.command, *(map(shlex.quote, words) if remote else words)]


class InProcess:
    """The worker's code in this process, for a debugger: no time limit, and a crash ends the run."""

    def __init__(self, symbols: Sequence[str]) -> None:
        try:
            self._tf = worker.import_tensorflow()
        except ImportError as error:
            raise SubjectUnavailable(f"TensorFlow cannot be imported in this process: {error}") from error
        self.subject: dict[str, Any] = worker.describe(self._tf, {})
        self.documentation: dict[str, str] = worker.documentation(self._tf, symbols)

    def call(self, head: Mapping[str, Any], arrays: Sequence[np.ndarray]) -> Observation:
        """Carry out one call here."""
        answer, results = worker.execute(self._tf, head, list(arrays))
        return Observation("answered", arms_of(answer, results, len(answer["arms"])), answer["seconds"])

    def close(self) -> None:
        """Nothing was started, so there is nothing to end."""


class Gateway:
    """A worker process, started at construction and again after it has died. Not for use by several threads.

    Raises :class:`SubjectUnavailable` when TensorFlow does not start.
    """

    def __init__(self, symbols: Sequence[str], time_limit: float, definition: Definition = DEFAULT, memory: float | None = None) -> None:
        self._definition = definition
        self.documentation: dict[str, str] = {}
        self._time_limit = time_limit
        self._memory = memory
        self._output = tempfile.TemporaryFile("a+b")  # noqa: SIM115  # lives as long as this object
        self._start(symbols)

    def call(self, head: Mapping[str, Any], arrays: Sequence[np.ndarray]) -> Observation:
        """Hand one call to the worker, starting a new one if the last has died; wait for the answer within the time limit."""
        if self._process is None:
            self._start_again()
        self._printed_before = self._output.seek(0, os.SEEK_END)
        if self._printed_before > PRINTED_KEPT:
            self._output.truncate(0)
            self._printed_before = 0
        began = time.perf_counter()
        with self._limit(self._time_limit) as overdue:
            observed, nonsense = self._exchange(head, arrays)
        if observed is not None and not overdue.is_set():
            return observed
        if nonsense and self._process is not None:
            self._process.kill()
        ended = self._reap()
        seconds = round(time.perf_counter() - began, 6)
        if overdue.is_set():
            return Observation("timed out", seconds=seconds, signal=f"{self._time_limit:g} s", last_output=self._tail())
        signal_or_why = f"ended for an answer that is none: {nonsense}" if nonsense else ended
        return Observation("crashed", seconds=seconds, signal=signal_or_why, last_output=self._tail())

    def _exchange(self, head: Mapping[str, Any], arrays: Sequence[np.ndarray]) -> tuple[Observation | None, str]:
        """Send a call and read its answer; where there is none, what was wrong with the message that came instead, if one did."""
        try:
            worker.send(self, dict(head), arrays)
            answer, results = worker.receive(self)
            arms = arms_of(answer, results, len(arrays) // len(head["dtypes"]))
        except (EOFError, OSError) as error:
            return None, f"more than {MESSAGE_LIMIT} bytes" if str(error) == "bad message length" else ""
        except (Nonsense, ValueError, KeyError, TypeError, AttributeError, MemoryError) as error:
            return None, f"{error}" or type(error).__name__
        return Observation("answered", arms, float(answer["seconds"])), ""

    def close(self) -> None:
        """Ask the worker to end, and end it if it does not."""
        if self._process is not None:
            try:
                worker.send(self, {"type": "close"})
                self._process.wait(timeout=5)
            except (OSError, subprocess.TimeoutExpired):
                self._process.kill()
            self._reap()
        self._output.close()

    def send_bytes(self, data: bytes) -> None:
        """Write to the worker."""
        self._writer.send_bytes(data)

    def recv_bytes(self) -> bytes:
        """Read from the worker; EOFError when it has died."""
        return self._reader.recv_bytes(MESSAGE_LIMIT)

    def _start_again(self) -> None:
        """Start a worker in place of one that died; a machine that is short of something for a moment gets a few tries."""
        for _ in range(START_TRIES - 1):
            with suppress(SubjectUnavailable):
                self._start()
                return
        self._start()

    def _start(self, symbols: Sequence[str] = ()) -> None:
        """Start a worker; it tells the docstrings of these symbols, which a later one need not."""
        self._output.truncate(0)
        self._printed_before = 0
        try:
            self._process: subprocess.Popen[bytes] | None = subprocess.Popen(
                command(self._definition, self._memory, symbols),
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=self._output,
                start_new_session=True,
            )
        except OSError as error:
            self._process = None
            raise self._unavailable(f"{error.filename or self._definition.command[0]}: {error.strerror}") from error
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._writer = Connection(os.dup(self._process.stdin.fileno()), readable=False)
        self._reader = Connection(os.dup(self._process.stdout.fileno()), writable=False)
        self._process.stdin.close()
        self._process.stdout.close()
        with self._limit(START_LIMIT) as overdue:
            try:
                self._send_program()
                hello, _ = worker.receive(self)
                if isinstance(hello, dict) and hello.get("type") == "failed":
                    raise Nonsense(str(hello.get("message")))
                self.subject, documentation = greeting(hello)
            except (EOFError, OSError) as error:
                ended = self._reap()
                raise self._unavailable(f"no answer in {START_LIMIT:g} s" if overdue.is_set() else ended) from error
            except (Nonsense, ValueError, KeyError, TypeError) as error:
                self._process.kill()
                self._reap()
                raise self._unavailable(str(error)) from error
        self.documentation = self.documentation or documentation

    def _send_program(self) -> None:
        """Write the worker's own source, which the bootstrap reads: the interpreter may be on a machine that does not have it."""
        data = memoryview(PROGRAM)
        while data:
            data = data[os.write(self._writer.fileno(), data) :]

    def _unavailable(self, reason: str) -> SubjectUnavailable:
        name, words = self._definition.name, " ".join(self._definition.command)
        who = f"subject {name} ({words})" if name else words
        advice = f"Install it there: {words} -m pip install tensorflow, or a build of your own."
        return SubjectUnavailable(f"TensorFlow did not start in {who}: {reason}", self._tail(), advice)

    @contextmanager
    def _limit(self, seconds: float) -> Iterator[threading.Event]:
        """Kill the worker when the block takes longer: whatever it was doing, the pipe then ends."""
        overdue = threading.Event()
        process = self._process
        assert process is not None

        def kill() -> None:
            overdue.set()
            process.kill()

        timer = threading.Timer(seconds, kill)
        timer.daemon = True
        timer.start()
        try:
            yield overdue
        finally:
            timer.cancel()
            timer.join()  # it may be at it just now

    def _reap(self) -> str:
        """Collect the ended worker; say how it ended."""
        assert self._process is not None
        try:
            code = self._process.wait(timeout=5)
        except subprocess.TimeoutExpired:  # its pipe is closed and yet it lives
            self._process.kill()
            code = self._process.wait()
        self._process = None
        self._reader.close()
        self._writer.close()
        return signal.Signals(-code).name if code < 0 else f"exit status {code}"

    def _tail(self) -> str:
        """What the worker printed since its last call began; of much, the beginning, where the reason stands, and the end."""
        end = self._output.seek(0, os.SEEK_END)
        self._output.seek(self._printed_before)
        printed = self._output.read(HEAD)
        if end > self._output.tell():
            self._output.seek(max(self._output.tell(), end - TAIL))
            printed += b"\n...\n" + self._output.read()
        return worker.ADDRESS.sub("0x…", printed.decode("utf-8", "replace").strip())
