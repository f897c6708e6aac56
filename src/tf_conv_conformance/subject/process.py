"""Run a worker's process: its program, its messages and its end."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

from tf_conv_conformance.subject import (
    company,
    deployment,
    exceptions,
    execution,
    forkserver,
    host,
    keras_files,
    keras_subject,
    model_graphs,
    models,
    onednn,
    optimization,
    state,
    symbols,
    tensorflow_subject,
    transformations,
    wire,
    worker,
)
from tf_conv_conformance.subject.channel import Channel
from tf_conv_conformance.subject.errors import WorkerDiedError
from tf_conv_conformance.subject.output import Output

_MODULES = (
    wire, exceptions, onednn, host, symbols, company, deployment, optimization, transformations,
    state, execution, tensorflow_subject, keras_subject, model_graphs, keras_files, models,
    forkserver, worker,
)  # fmt: skip
_FILES = [(module.__name__.rpartition(".")[2], str(module.__file__)) for module in _MODULES]
_SOURCES = [(name, file, Path(file).read_text(encoding="utf-8")) for name, file in _FILES]
PROGRAM = f"""import os, sys
# A process with threads cannot be forked safely. TensorFlow does not use NumPy's threads.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
sys.modules["subject"] = type(sys)("subject")
for name, file, source in {_SOURCES!r}:
    module = sys.modules["subject." + name] = type(sys)("subject." + name)
    module.__package__ = "subject"
    exec(compile(source, file, "exec"), module.__dict__)
if __name__ == "__main__":
    sys.modules["subject.worker"].main()
""".encode()
# Seconds that a process may take to end after its pipe has ended, or after a request to close.
END_LIMIT = 5.0
PREFIX = "tf-conv-conformance-"


def _started(
    words: Sequence[str], environment: Mapping[str, str], output: Output
) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        words,
        env=environment,
        bufsize=0,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=output.fileno(),
        start_new_session=True,
    )


class Process:
    """A worker, or a fork server with its worker, in a new session.

    A worker on this machine has a folder for temporary files, such as AutoGraph's, which a worker
    that is killed does not remove. Raises OSError if the command cannot be started.
    """

    def __init__(
        self, words: Sequence[str], environment: Mapping[str, str], output: Output
    ) -> None:
        around = environment.get("TMPDIR") or None
        self._folder = TemporaryDirectory(prefix=PREFIX, dir=around, ignore_cleanup_errors=True)
        try:
            self._popen = _started(words, {**environment, "TMPDIR": self._folder.name}, output)
        except OSError:
            self._folder.cleanup()
            raise
        self._channel = Channel(self._popen)
        self._channel.write([PROGRAM])
        self._time_limit = 0.0
        self._code, self._token = 0, b""
        self.died = False  # True if there is a fork server whose worker has died

    @property
    def pid(self) -> int:
        """The id of the process that was started."""
        return self._popen.pid

    @property
    def seconds(self) -> float:
        """The time that the last message took to arrive."""
        return self._time_limit - self._channel.patience

    def send(self, head: dict[str, Any], arrays: Sequence[np.ndarray] = ()) -> None:
        """Send a message, or as much of it as the pipe takes before the next wait."""
        self._channel.write(wire.message(head, arrays))

    def receive(self, time_limit: float) -> tuple[dict[str, Any], list[np.ndarray]]:
        """Return the next message.

        Raises EOFError if the worker ends, and :class:`WorkerDiedError` if another can be forked.
        """
        self._time_limit = self._channel.patience = time_limit
        head, arrays = wire.receive(self._channel)
        if head.get("type") == "ended":
            self._code, self._token = int(head["code"]), bytes.fromhex(head["token"])
            self.died = True
            raise WorkerDiedError
        return head, arrays

    def fork(self) -> None:
        """Have the fork server replace a worker that died.

        Nothing may be sent before the greeting of the new worker has arrived.
        """
        self.died = False
        self._channel.drop()
        self._channel.write([self._token])

    def ending(self, error: BaseException) -> int:
        """Return the return code of a worker, given the error that receiving from it raised.

        This ends the process, except after :class:`WorkerDiedError`, when the fork server lives on.
        """
        if isinstance(error, WorkerDiedError):
            return self._code
        if not isinstance(error, EOFError):
            self.kill()
        return self.reap()

    def close(self) -> None:
        """Ask the worker to end, and kill it if it does not."""
        self.send({"type": "close"})
        self.reap()

    def kill(self) -> None:
        """Kill the process and its forks."""
        # Both errors mean that it has ended; the second is raised by macOS.
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(self._popen.pid, signal.SIGKILL)

    def reap(self) -> int:
        """Wait for the end of the process, and return its return code. Kill it if it takes long."""
        try:
            code = self._popen.wait(timeout=END_LIMIT)
        except subprocess.TimeoutExpired:  # its pipe is closed, but it still runs
            self.kill()
            code = self._popen.wait()
        self._channel.close()
        self._folder.cleanup()
        return code
