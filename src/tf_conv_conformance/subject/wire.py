"""Messages between the suite and its worker: how they cross. Both sides use this file, so it keeps to Python 3.7 and NumPy 1.14.

A message is the lengths of its head and of its body, the head as JSON, and the body: the bytes of its arrays, one after the other. The
head's ``arrays`` has dtype and shape of each. bfloat16, which NumPy does not have, crosses as its bits in uint16.
"""

from __future__ import annotations

import io
import json
import mmap
import os
import re
import struct
from functools import lru_cache
from typing import Any

import numpy as np

LENGTHS = struct.Struct("!IQ")  # of the head and of the body
ALIGNED = 8  # bytes: each array begins at a multiple, so that NumPy can read it where it lies
JOINED = 2**16  # bytes: a message up to this is written as one piece
KINDS = "biufcS"  # of dtypes: what is no object and no structure
_encode = json.JSONEncoder(
    check_circular=False, separators=(",", ":")
).encode  # in half the time of json.dumps
_DTYPE = re.compile(f"[<>|][{KINDS}][0-9]{{1,9}}")
_WRITTEN_AT_ONCE = 256  # pieces; the system takes 1024


def message(head: dict[str, Any], arrays: Any = ()) -> list[Any]:
    """A message as buffers to be written one after the other; large arrays are not copied. ValueError for an array that cannot cross."""
    arrays = [np.asarray(array, order="C") for array in arrays]
    body: list[Any] = []
    size = 0
    for array in arrays:
        if array.dtype.kind not in KINDS:
            raise ValueError(f"an array of {array.dtype} cannot cross")
        body.append(array)
        size += array.nbytes
        if size % ALIGNED:
            body.append(bytes(-size % ALIGNED))
            size += len(body[-1])
    text = _encode(dict(head, arrays=[[array.dtype.str, array.shape] for array in arrays])).encode(
        "utf-8"
    )
    parts = [LENGTHS.pack(len(text), size), text]
    if size <= JOINED:
        return [b"".join(parts + body)]
    return parts + [
        np.frombuffer(part, np.uint8)
        if isinstance(part, bytes)
        else part.reshape(-1).view(np.uint8)
        for part in body
    ]


def receive(pipe: Any) -> tuple[dict[str, Any], list[Any]]:
    """Read one message: its head and its arrays, which are views of its body. EOFError when the other side is gone.

    Raises ValueError, TypeError, KeyError or OverflowError for what is no message.
    """
    length, size = LENGTHS.unpack(pipe.read(LENGTHS.size))
    head = json.loads(pipe.read(length).decode("utf-8"))
    body = pipe.read(size)
    return head, views(head["arrays"], body)


@lru_cache(maxsize=64)
def _dtype(name: str) -> Any:
    if not _DTYPE.fullmatch(name):
        raise ValueError("no array is of {!r}".format(name))
    return np.dtype(name)


def views(described: Any, body: Any) -> list[Any]:
    """The arrays of these dtypes and shapes in a body, not copied. Raises ValueError or TypeError for a body that is not theirs."""
    arrays, offset = [], 0
    for name, shape in described:
        dtype = _dtype(name)
        bytes_of = dtype.itemsize
        for size in shape:
            if not isinstance(size, int) or size < 0:
                raise ValueError("no array is of shape {}".format(shape))
            bytes_of *= size
        if offset + bytes_of > len(body):
            raise ValueError("the arrays are larger than the message")
        arrays.append(np.ndarray(tuple(shape), dtype, body, offset))
        offset += bytes_of + -bytes_of % ALIGNED
    if offset != len(body):
        raise ValueError("the arrays are smaller than the message")
    return arrays


def write_some(descriptor: int, parts: list[Any]) -> list[Any]:
    """Write of these buffers what the pipe takes at once; return the rest."""
    written = os.writev(descriptor, parts[:_WRITTEN_AT_ONCE])
    for number, part in enumerate(parts):
        size = memoryview(part).nbytes
        if written < size:
            return [memoryview(part)[written:], *parts[number + 1 :]]
        written -= size
    return []


class Pipe:
    """The worker's end: its standard input and output, duplicated before anything else can write to them."""

    def __init__(self) -> None:
        self._reader = io.BufferedReader(io.FileIO(os.dup(0), "rb"), 2**16)
        self._writer = os.dup(1)
        self._writing = mmap.mmap(-1, 1)  # shared with the processes that are forked from this one

    def read(self, count: int) -> bytearray:
        """So many bytes; EOFError when the other side is gone."""
        data = bytearray(count)
        if self._reader.readinto(data) < count:
            raise EOFError
        return data

    def skip_past(self, token: bytes) -> None:
        """Discard what comes up to the token, after which the other side waits.

        EOFError when it is gone. Only for a process that has not called `read`, which reads ahead.
        """
        last = b""
        while not last.endswith(token):
            data = os.read(self._reader.fileno(), 2**16)
            if not data:
                raise EOFError
            last = (last + data)[-len(token) :]

    @property
    def writing(self) -> bool:
        """Whether this process, or one forked from it, has begun to write a message and not ended."""
        return self._writing[0] != 0

    def send(self, head: dict[str, Any], arrays: Any = ()) -> None:
        """Write one message."""
        parts = message(head, arrays)
        self._writing[0] = 1
        while parts:
            parts = write_some(self._writer, parts)
        self._writing[0] = 0
