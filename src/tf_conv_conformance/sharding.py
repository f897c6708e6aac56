"""Which shard makes which test: by a hash of its id, or so that by the durations of an earlier run all shards take as long."""

from __future__ import annotations

import hashlib
import heapq
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from statistics import median

import pytest

from tf_conv_conformance.options import given, shard
from tf_conv_conformance.planning import planned
from tf_conv_conformance.results import NotRecords, read, record_files
from tf_conv_conformance.shard import Shards

OVERHEAD = 0.005
"""Seconds that a call takes outside of TensorFlow, which no record tells: its prediction, its verdict, pytest."""


@dataclass(frozen=True)
class Part:
    """The shard that is asked for, and how many seconds the tests of an earlier run took, if they are to balance the shards."""

    shard: Shards
    seconds: Mapping[str, float] | None = None

    def leaves_out(self, items: Iterable[pytest.Item]) -> list[pytest.Item]:
        """The tests that other shards make. What is asked of all subjects is in one shard; a test of another kind goes by its own id."""
        tests = list(items)
        asked = {one.test: one for one in planned(tests)}
        ids = [asked[item.nodeid].id if item.nodeid in asked else item.nodeid for item in tests]
        places = {identifier: hashed(identifier, self.shard.of) for identifier in ids}
        if self.seconds is not None:
            places |= balanced({one.id: one.call.mode for one in asked.values()}, self.seconds, self.shard.of)
        return [item for item, identifier in zip(tests, ids, strict=True) if places[identifier] not in self.shard.numbers]


def asked(config: pytest.Config) -> Part | None:
    """What the options ask for; an xdist worker is told the durations, since the file may be one that its run writes anew.

    Raises ``pytest.UsageError``.
    """
    one, path = shard(config), config.getoption("--tf-durations")
    if one is None:
        return None
    told = getattr(config, "workerinput", None)
    if told is not None:
        return Part(one, told["tf_conv_seconds"])
    try:
        return Part(one, None if path is None else durations(given(config, path)))
    except NotRecords as error:
        raise pytest.UsageError(f"--tf-durations: {error}") from error


def durations(path: Path) -> dict[str, float]:
    """Return how many seconds each test took, by the id of its call.

    The path is that of a record file, or of a folder of them, such as shards. A call that was not made is left out.
    """
    found: dict[str, float] = {}
    for records in map(read, record_files(path)):
        for identifier, end in records.ends.items():
            if "seconds" in end:
                found[identifier] = end["seconds"]
    return found


def hashed(identifier: str, of: int) -> int:
    """The number of the shard, from 1, that an id falls into: it depends on nothing else, so that a new case moves no other."""
    return int.from_bytes(hashlib.sha256(identifier.encode("utf-8", "surrogatepass")).digest()[:8], "big") % of + 1


def balanced(modes: Mapping[str, str], seconds: Mapping[str, float], of: int) -> dict[str, int]:
    """The numbers of the shards of tests, whose modes are given by id: the longest first, each into the shard that has the least to do.

    A test of unknown duration counts as the median of those of its mode; where none is known, of all.
    """
    known: dict[str, list[float]] = {}
    for identifier, mode in modes.items():
        if identifier in seconds:
            known.setdefault(mode, []).append(seconds[identifier])
    every = median(one for taken in known.values() for one in taken) if known else 1.0
    typical = {mode: median(known[mode]) if mode in known else every for mode in modes.values()}
    taken = {one: seconds.get(one, typical[mode]) + OVERHEAD for one, mode in modes.items()}
    loads = [(0.0, number) for number in range(1, of + 1)]
    places = {}
    for identifier in sorted(taken, key=lambda identifier: (-taken[identifier], identifier)):
        load, number = loads[0]
        places[identifier] = number
        heapq.heapreplace(loads, (load + taken[identifier], number))
    return places
