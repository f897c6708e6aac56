"""What a worker prints: a file, and where the part of the call at hand begins."""

from __future__ import annotations

import fcntl
import os
import tempfile
from collections.abc import Mapping
from typing import Any

from tf_conv_conformance.subject.answer import printed_in
from tf_conv_conformance.subject.execution import ADDRESS

HEAD, TAIL = (
    1500,
    800,
)  # bytes of what the worker printed in its last call that are kept, from either end


class Output:
    """The standard error of a worker, in a file without a name."""

    def __init__(self) -> None:
        self._file = tempfile.TemporaryFile(buffering=0)  # noqa: SIM115  # lives as long as this object
        fcntl.fcntl(
            self._file, fcntl.F_SETFL, os.O_APPEND
        )  # whoever has read it, the worker writes at its end
        self.before = 0  # bytes that were printed before the call at hand

    def fileno(self) -> int:
        """Return the file's descriptor, for the process that prints."""
        return self._file.fileno()

    @property
    def size(self) -> int:
        """How many bytes the worker has printed."""
        return os.fstat(self.fileno()).st_size

    def clear(self) -> None:
        """Forget what was printed."""
        self._file.truncate(0)
        self.before = 0

    def mark(self, head: Mapping[str, Any] | None = None) -> None:
        """Keep how much was printed up to a message, or up to now: what comes after it belongs to the next call."""
        printed = printed_in(head) if head else None
        self.before = self.size if printed is None else printed

    def tail(self) -> str:
        """What the worker printed since its last answer; of much, the beginning, where the reason stands, and the end."""
        end = self.size
        begin = min(self.before, end)
        printed = os.pread(self.fileno(), HEAD, begin)
        if end > begin + HEAD:
            rest = max(begin + HEAD, end - TAIL)
            printed += b"\n...\n" + os.pread(self.fileno(), end - rest, rest)
        return ADDRESS.sub("0x…", printed.decode("utf-8", "replace").strip())

    def close(self) -> None:
        """Close the file, and so delete it."""
        self._file.close()
