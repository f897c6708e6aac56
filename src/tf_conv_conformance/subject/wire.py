"""Wire format of messages between the suite and its worker.

A message consists of the lengths of its head and its body, the head as JSON, and the body, which
has the bytes of its arrays, one after the other. The head's ``arrays`` has the dtype and shape of
each. bfloat16, which NumPy does not have, is sent as its bits in uint16.

Both sides use this file, so it keeps to Python 3.7 and NumPy 1.14.
"""

from __future__ import annotations

import io
import json
import mmap
import os
import re
import struct
from typing import Any

import numpy as np

LENGTHS = struct.Struct("!IQ")  # of the head and of the body
ALIGNED = 8  # bytes; each array begins at a multiple, so that NumPy need not copy it
JOINED = 2**16  # bytes; a message up to this size is written in one piece
DTYPE_KINDS = "biufcS"  # of dtypes; neither objects nor structures
# This takes half the time of json.dumps.
_encode = json.JSONEncoder(check_circular=False, separators=(",", ":")).encode
_DTYPE = re.compile(f"[<>|][{DTYPE_KINDS}][0-9]{{1,9}}")
_WRITTEN_AT_ONCE = 256  # pieces; the system allows 1024


def message(head: dict[str, Any], arrays: Any = ()) -> list[Any]:
    """Return a message as buffers to write in turn. Large arrays are not copied.

    Raises ValueError for an array of objects or structures.
    """
    arrays = [np.asarray(array, order="C") for array in arrays]
    body: list[Any] = []
    size = 0
    for array in arrays:
        if array.dtype.kind not in DTYPE_KINDS:
            raise ValueError(f"cannot send an array of {array.dtype}")
        body.append(array)
        size += array.nbytes
        if size % ALIGNED:
            body.append(bytes(-size % ALIGNED))
            size += len(body[-1])
    described = [[array.dtype.str, array.shape] for array in arrays]
    text = _encode(dict(head, arrays=described)).encode("utf-8")
    parts = [LENGTHS.pack(len(text), size), text]
    if size <= JOINED:
        return [b"".join(parts + body)]
    return parts + [_as_bytes(part) for part in body]


def _as_bytes(part: Any) -> Any:
    if isinstance(part, bytes):
        return np.frombuffer(part, np.uint8)
    return part.reshape(-1).view(np.uint8)


def receive(pipe: Any) -> tuple[dict[str, Any], list[Any]]:
    """Return the head of the next message, and its arrays as views of its body.

    Raises EOFError if the other side is gone, and ValueError, TypeError, KeyError or OverflowError
    for bytes that are not a message.
    """
    length, size = LENGTHS.unpack(pipe.read(LENGTHS.size))
    head = json.loads(pipe.read(length).decode("utf-8"))
    body = pipe.read(size)
    return head, views(head["arrays"], body)


def views(described: Any, body: Any) -> list[Any]:
    """Return the arrays with these dtypes and shapes in a body, without copies.

    Raises ValueError or TypeError if they do not fill it.
    """
    arrays, offset = [], 0
    for name, shape in described:
        if not _DTYPE.fullmatch(name):
            raise ValueError("invalid dtype {!r}".format(name))
        dtype = np.dtype(name)
        bytes_of = dtype.itemsize
        for size in shape:
            if not isinstance(size, int) or size < 0:
                raise ValueError("invalid shape {}".format(shape))
            bytes_of *= size
        if offset + bytes_of > len(body):
            raise ValueError("the arrays are larger than the message")
        arrays.append(np.ndarray(tuple(shape), dtype, body, offset))
        offset += bytes_of + -bytes_of % ALIGNED
    if offset != len(body):
        raise ValueError("the arrays are smaller than the message")
    return arrays


def write_some(descriptor: int, parts: list[Any]) -> list[Any]:
    """Write as much of these buffers as the pipe takes, and return the rest."""
    written = os.writev(descriptor, parts[:_WRITTEN_AT_ONCE])
    for number, part in enumerate(parts):
        size = memoryview(part).nbytes
        if written < size:
            return [memoryview(part)[written:], *parts[number + 1 :]]
        written -= size
    return []


class Pipe:
    """The worker's end: duplicates of standard input and output, which nothing else uses."""

    def __init__(self) -> None:
        self._reader = io.BufferedReader(io.FileIO(os.dup(0), "rb"), 2**16)
        self._writer = os.dup(1)
        self._writing = mmap.mmap(-1, 1)  # shared with processes that are forked from this one

    def read(self, count: int) -> bytearray:
        """Return the next `count` bytes. Raises EOFError if the other side is gone."""
        data = bytearray(count)
        if self._reader.readinto(data) < count:
            raise EOFError
        return data

    def skip_past(self, token: bytes) -> None:
        """Discard everything up to the token, after which the other side waits.

        Raises EOFError if the other side is gone. Must not be called after `read`, which reads
        ahead.
        """
        last = b""
        while not last.endswith(token):
            data = os.read(self._reader.fileno(), 2**16)
            if not data:
                raise EOFError
            last = (last + data)[-len(token) :]

    @property
    def writing(self) -> bool:
        """Whether this process, or one forked from it, is in the middle of writing a message."""
        return self._writing[0] != 0

    def send(self, head: dict[str, Any], arrays: Any = ()) -> None:
        """Write one message."""
        parts = message(head, arrays)
        self._writing[0] = 1
        while parts:
            parts = write_some(self._writer, parts)
        self._writing[0] = 0
