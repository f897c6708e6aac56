"""What a worker prints: a file, and where the output of the current call begins."""

from __future__ import annotations

import fcntl
import os
import re
import tempfile
from collections.abc import Mapping
from typing import Any

from tf_conv_conformance.subject.exceptions import ADDRESS

# Bytes of a call's output that are kept, from its beginning and from its end.
HEAD, TAIL = 1500, 800
_STACKS = re.compile(r"^(?:Traceback \(|Current thread 0x|Thread 0x)", re.MULTILINE)


class Output:
    """The standard error of a worker, in a file without a name."""

    def __init__(self) -> None:
        self._file = tempfile.TemporaryFile(buffering=0)  # noqa: SIM115  # lives as long as this object
        # Reading moves the position that the worker shares, so it must append.
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
        """Begin the output of the next call after what a message says was printed, or after all."""
        printed = head.get("printed") if head else None
        is_usable = isinstance(printed, int) and printed >= 0
        self.before = printed if printed is not None and is_usable else self.size

    def tail(self) -> str:
        """Return the output since the last answer; if it is long, only its beginning and end."""
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
    """Return a worker's output up to the first traceback or faulthandler dump."""
    return _STACKS.split(printed)[0].strip()
