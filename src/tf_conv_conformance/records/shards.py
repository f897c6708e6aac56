"""Which shards of a run some records are: one as ``3/8``, or several as ``1,2,5/8``."""

from __future__ import annotations

import re
from dataclasses import dataclass

MOST = 9999
"""The most shards that a run may have."""


@dataclass(frozen=True)
class Shards:
    """Some of `of` shards, by their numbers from 1, ascending."""

    numbers: tuple[int, ...]
    of: int

    def __str__(self) -> str:
        return f"{','.join(map(str, self.numbers))}/{self.of}"

    @property
    def missing(self) -> tuple[int, ...]:
        """The numbers of the others."""
        return tuple(number for number in range(1, self.of + 1) if number not in self.numbers)

    @property
    def words(self) -> str:
        """Say which shards are missing; empty if none is."""
        missing = self.missing
        if not missing:
            return ""
        shards = "shard" if len(missing) == 1 else "shards"
        return f"{shards} {', '.join(map(str, missing))} of {self.of} {'is' if len(missing) == 1 else 'are'} missing"


def parse(text: object) -> Shards:
    """The shards that a text names. Raises ``ValueError``."""
    found = (
        re.fullmatch(r"([0-9]{1,4}(?:,[0-9]{1,4})*)/([0-9]{1,4})", text)
        if isinstance(text, str)
        else None
    )
    if found is None:
        raise ValueError(f"{text!r} is not K/N, as in 3/8")
    numbers, of = sorted({int(number) for number in found[1].split(",")}), int(found[2])
    if not 1 <= numbers[0] <= numbers[-1] <= of:
        raise ValueError(f"{text!r} is not K/N with K from 1 to N, as in 3/8")
    return Shards(tuple(numbers), of)
