"""The shards of a run that some records are: one as ``3/8``, or several as ``1,2,5/8``."""

from __future__ import annotations

import re
from dataclasses import dataclass

MOST = 9999
"""The most shards that a run may have."""


@dataclass(frozen=True)
class Shards:
    """Some of `of` shards, by their numbers from 1 in ascending order."""

    numbers: tuple[int, ...]
    of: int

    def __str__(self) -> str:
        return f"{','.join(map(str, self.numbers))}/{self.of}"

    @property
    def missing(self) -> tuple[int, ...]:
        """The numbers of the other shards."""
        return tuple(number for number in range(1, self.of + 1) if number not in self.numbers)

    @property
    def words(self) -> str:
        """Which shards are missing; empty if none is."""
        numbers = ", ".join(map(str, self.missing))
        if not numbers:
            return ""
        if len(self.missing) == 1:
            return f"shard {numbers} of {self.of} is missing"
        return f"shards {numbers} of {self.of} are missing"


def parse(text: str) -> Shards:
    """Return the shards that a text names. Raises ``ValueError``."""
    found = re.fullmatch(r"([0-9]{1,4}(?:,[0-9]{1,4})*)/([0-9]{1,4})", text)
    if found is None:
        raise ValueError(f"{text!r} is not K/N, as in 3/8")
    numbers, of = sorted({int(number) for number in found[1].split(",")}), int(found[2])
    if not 1 <= numbers[0] <= numbers[-1] <= of:
        raise ValueError(f"{text!r} is not K/N with K from 1 to N, as in 3/8")
    return Shards(tuple(numbers), of)
