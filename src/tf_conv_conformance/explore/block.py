"""Blocks of random calls, each of which is a test."""

from __future__ import annotations

import re
from dataclasses import dataclass

SIZE = 250
"""The number of calls in a block."""
_ID = re.compile(r"explore::seed(-?\d+)\[(?:.*-)?calls(\d+)-(\d+)\]")


@dataclass(frozen=True)
class Block:
    """A block of random calls: its seed, its number from 0, and its number of calls."""

    seed: int
    number: int
    count: int = SIZE

    @property
    def name(self) -> str:
        """The name of its test, which counts calls from 1."""
        first = self.number * SIZE
        return f"seed{self.seed}[calls{first + 1}-{first + self.count}]"


def blocks_of(calls: int, seed: int) -> list[Block]:
    """Divide a number of calls into blocks."""
    firsts = range(0, calls, SIZE)
    return [Block(seed, first // SIZE, min(SIZE, calls - first)) for first in firsts]


def block_with_id(identifier: str) -> Block | None:
    """Return the block whose test has this id; None if it is not an id of a block."""
    match = _ID.fullmatch(identifier)
    if match is None:
        return None
    seed, first, last = map(int, match.groups())
    return Block(seed, (first - 1) // SIZE, last - first + 1)
