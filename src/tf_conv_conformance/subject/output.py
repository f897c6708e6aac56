"""Collect what a worker prints, and separate the output of the current call."""

from __future__ import annotations

import fcntl
import os
import re
import tempfile
from collections.abc import Mapping
from typing import Any

from tf_conv_conformance.subject.exceptions import ADDRESS

# Bytes to keep from the beginning and from the end of a call's output.
HEAD, TAIL = 1500, 800
_STACKS = re.compile(r"^(?:Traceback \(|Current thread 0x|Thread 0x)", re.MULTILINE)


class Output:
    """The standard error of a worker, in a file without a name."""

    def __init__(self) -> None:
        self._file = tempfile.TemporaryFile(buffering=0)  # noqa: SIM115  # lives as long as this object
        # Reading moves the file position, which the worker shares, so the worker must append.
        fcntl.fcntl(self._file, fcntl.F_SETFL, os.O_APPEND)
        self.before = 0  # bytes that were printed before the current call

    def fileno(self) -> int:
        """Return the file's descriptor, for the process that prints."""
        return self._file.fileno()

    @property
    def size(self) -> int:
        """Return how many bytes the worker has printed."""
        return os.fstat(self.fileno()).st_size

    def clear(self) -> None:
        """Delete what was printed."""
        self._file.truncate(0)
        self.before = 0

    def mark(self, head: Mapping[str, Any] | None = None) -> None:
        """Start the output of the next call where a message says that printing ended, or now."""
        printed = head.get("printed") if head else None
        is_usable = isinstance(printed, int) and printed >= 0
        self.before = printed if printed is not None and is_usable else self.size

    def tail(self) -> str:
        """Return the output since the last answer, or its beginning and end if it is long."""
        end = self.size
        begin = min(self.before, end)
        printed = os.pread(self.fileno(), HEAD, begin)
        if end > begin + HEAD:
            rest = max(begin + HEAD, end - TAIL)
            printed += b"\n...\n" + os.pread(self.fileno(), end - rest, rest)
        return ADDRESS.sub("0x…", printed.decode("utf-8", "replace").strip())

    def close(self) -> None:
        """Close the file, which deletes it."""
        self._file.close()


def without_stacks(printed: str) -> str:
    """Return a worker's output before the first traceback or faulthandler dump."""
    return _STACKS.split(printed)[0].strip()
