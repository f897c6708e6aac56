"""The suite's end of the pipes to a worker: reads time out, and waiting does not block writes."""

from __future__ import annotations

import fcntl
import os
import select
import subprocess
import time
from contextlib import suppress
from typing import Any

from tf_conv_conformance.subject import wire
from tf_conv_conformance.subject.errors import LateAnswerError, LongAnswerError

MESSAGE_LIMIT = 2**32  # bytes of a message, enough for a large call; more is not read
READ_AT_ONCE = 2**16
# Bytes that a pipe may buffer, so that neither side waits while the other computes.
PIPE_SIZE = 2**20


class Channel:
    """Standard input and output of a worker's process.

    `patience` is the number of seconds that reads may still wait.
    """

    def __init__(self, process: subprocess.Popen[bytes]) -> None:
        assert process.stdin is not None
        assert process.stdout is not None
        self._files = (process.stdin, process.stdout)
        self._writer, self._reader = process.stdin.fileno(), process.stdout.fileno()
        for descriptor in (self._writer, self._reader):
            os.set_blocking(descriptor, False)
            # Fails on systems other than Linux, and if the user has too many pipes of this size.
            with suppress(OSError, AttributeError):
                fcntl.fcntl(descriptor, fcntl.F_SETPIPE_SZ, PIPE_SIZE)
        self._unsent: list[Any] = []
        self._ahead = memoryview(b"")
        self.patience = 0.0

    def write(self, parts: list[Any]) -> None:
        """Write as much as the pipe takes now, and the rest while waiting for an answer.

        If the worker has ended, only reading reports that.
        """
        self._unsent += parts
        self._flush()

    def drop(self) -> None:
        """Drop what has not been written yet."""
        self._unsent = []

    def _flush(self) -> None:
        try:
            while self._unsent:
                self._unsent = wire.write_some(self._writer, self._unsent)
        except BlockingIOError:
            pass
        except OSError:
            self._unsent = []

    def read(self, count: int) -> bytearray:
        """Return the next `count` bytes.

        Raises :class:`LateAnswerError`, :class:`LongAnswerError`, and EOFError if the worker died.
        """
        if count > MESSAGE_LIMIT:
            raise LongAnswerError(f"more than {MESSAGE_LIMIT} bytes")
        if count <= len(self._ahead):
            data, self._ahead = bytearray(self._ahead[:count]), self._ahead[count:]
            return data
        data = bytearray(count)
        filled = len(self._ahead)
        data[:filled], self._ahead = self._ahead, memoryview(b"")
        view = memoryview(data)
        while filled < count:
            try:
                filled += self._read_into(view[filled:])
            except BlockingIOError:
                self._wait()
        return data

    def _read_into(self, view: memoryview) -> int:
        """Fill a part of the view, and return its size.

        A large array is read directly into the view. Small messages are read together, and bytes
        beyond the view are kept for later.
        """
        if len(view) >= READ_AT_ONCE:
            got = os.readv(self._reader, [view])
        else:
            read = os.read(self._reader, READ_AT_ONCE)
            got = min(len(read), len(view))
            view[:got] = read[:got]
            self._ahead = memoryview(read)[got:]
        if got == 0:
            raise EOFError
        return got

    def _wait(self) -> None:
        """Wait until there is something to read, and write meanwhile.

        Only this wait costs patience, since the suite may be busy between reads.
        """
        poll = select.poll()
        poll.register(self._reader, select.POLLIN)
        if self._unsent:
            poll.register(self._writer, select.POLLOUT)
        began = time.monotonic()
        events = poll.poll(max(0.0, self.patience) * 1000)
        self.patience -= time.monotonic() - began
        if not events:
            raise LateAnswerError
        self._flush()

    def close(self) -> None:
        """Close both pipes."""
        for file in self._files:
            with suppress(OSError):
                file.close()
