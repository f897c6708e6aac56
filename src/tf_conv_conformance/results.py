"""Record files: what a run planned and what became of each call, one JSON value a line, written as it comes.

    {"type": "header", "schema": 2, "suite", "created", "shard"?}                       of a shard, "3/8"; of several, "1,2,5/8"
    {"type": "case", "key", "file", "line", "id", "yaml", "notes", "references", "expect", "deviations"}
    {"type": "call", "id", "hash", "case", "mode", "arguments", "rules", "predicted"}      the plan, complete before the first start
    {"type": "block", "id", "hash", "case", "mode", "calls"}                               planned calls of a large sweep; each has its line
                                                                                           (with "block", "number") just before its end
    {"type": "subject", "key", "subject", "sentences"}                                     when TensorFlow has started
    {"type": "start", "id", "at"}
    {"type": "end", "id", "subject", "verdict", "reason", "rules", "data", "excludes"?, "observed", "digest", ...}
                       "excludes": the wrong oracles that its data shows, as codes of exclusions.py; where it is held to an oracle
    {"type": "footer", "calls", "ended", "finished"}                                       only after a run that was not killed

The header cannot hold the subject: TensorFlow starts with the first call, and the plan is on disk before it.
"""

from __future__ import annotations

import datetime
import gc
import hashlib
import json
import marshal
import sys
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import chain, islice
from pathlib import Path
from typing import Any, BinaryIO

from tf_conv_conformance.shard import Shards, parse
from tf_conv_conformance.vocabulary import FAILING, KINDS

SCHEMA = 2
LISTED = 80_000
"""Calls that the page of a single run lists; of large sweeps it counts the others that conform."""
Line = dict[str, Any]


def now() -> str:
    """The time as ISO 8601, in UTC, to the millisecond."""
    return datetime.datetime.now(datetime.timezone.utc).isoformat(timespec="milliseconds")


def subject_key(subject: Mapping[str, Any]) -> str:
    """A short name for a subject that is the same in every process that runs it."""
    return hashlib.sha256(json.dumps(subject, sort_keys=True).encode()).hexdigest()[:12]


def file_name(subject: str) -> str:
    """The name of a subject's record file; an empty name is that of the suite's own interpreter."""
    return f"results-{subject}.jsonl" if subject else "results.jsonl"


def is_new_failure(end: Line) -> bool:
    """Whether a call fails, and not as a baseline says."""
    return end["verdict"] in FAILING and not end.get("known", False)


@dataclass
class Records:
    """A record file as read: `ends` by call id, `complete` where its footer is there and nothing is torn.

    A call has several ends where pytest-xdist's ``--dist each`` makes it on several subjects, or a plugin makes it again; `ends` has the
    last of them, `every_end` all.
    """

    header: Line = field(default_factory=dict)
    subjects: dict[str, Line] = field(default_factory=dict)
    cases: dict[str, Line] = field(default_factory=dict)
    blocks: dict[str, Line] = field(default_factory=dict)
    calls: dict[str, Line] = field(default_factory=dict)
    started: set[str] = field(default_factory=set)
    ends: dict[str, Line] = field(default_factory=dict)
    every_end: list[Line] = field(default_factory=list)
    footer: Line | None = None
    unheld: Counter[tuple[str, str]] = field(default_factory=Counter)
    """How many calls of a block with a verdict are counted and not held, where :func:`read` was given a limit."""

    @property
    def complete(self) -> bool:
        """Whether this is a whole run, and it came to its end with every planned call."""
        return not self.lacks

    @property
    def shards(self) -> Shards | None:
        """Which shards of a run these are; None for a whole one."""
        return parse(self.header["shard"]) if "shard" in self.header else None

    @property
    def lacks(self) -> list[str]:
        """What of the whole run is not here, in words."""
        said = [self.shards.words] if self.shards and self.shards.missing else []
        if self.footer is None or self.missing:
            missing = f"{self.missing:,} of {self.planned:,} planned calls have no end"
            said.append(missing if self.missing else "it did not come to its end")
        return said

    @property
    def planned(self) -> int:
        """How many calls were planned, those of blocks that were not begun among them."""
        alone = sum("number" not in call for call in self.calls.values())
        return alone + sum(int(block["calls"]) for block in self.blocks.values())

    @property
    def missing(self) -> int:
        """How many planned calls have no end."""
        return self.planned - len(self.ends) - self.unheld.total()

    @property
    def unlisted(self) -> int:
        """How many of those have no line: calls of blocks that have not been made."""
        return self.planned - len(self.calls) - self.unheld.total()

    @property
    def counted(self) -> Counter[str]:
        """The verdicts of the calls that are counted and not held."""
        counts: Counter[str] = Counter()
        for (_, verdict), count in self.unheld.items():
            counts[verdict] += count
        return counts


class NotRecords(Exception):
    """The file is not a record file that this version reads; the message says why."""


@contextmanager
def uncollected() -> Iterator[None]:
    """Without Python's collector of cycles: it would walk all records again and again, and they hold no cycle."""
    before = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if before:
            gc.enable()


@uncollected()
def read(path: Path, limit: int | None = None) -> Records:
    """The records in a file; a torn last line is left out. Values that are the same in many lines are one object: none is to be changed.

    With a `limit`, calls of blocks are counted and not held once there are so many calls: those that conform, and beyond twice as many
    any. Raises :class:`NotRecords`.
    """
    records = Records()
    shared: dict[str | bytes, Any] = {}
    try:
        with path.open("rb") as file:
            for number, line in _parsed(path, file):
                try:
                    again = line["type"] == "end" and line["id"] in records.ends
                    _take(records, line, shared)
                    if limit is not None and line["type"] == "end" and not again:
                        _bound(records, line, limit)
                except (ValueError, KeyError, TypeError, RecursionError) as error:
                    raise _not_a_line(path, number, error) from error
    except OSError as error:
        raise NotRecords(f"{path}: cannot be read: {error}") from error
    if records.header.get("schema") != SCHEMA:
        raise NotRecords(f"{path}: is not a record file of schema {SCHEMA}; it begins with {records.header or 'no header'}")
    try:
        _ = records.shards
    except ValueError as error:
        raise NotRecords(f"{path}: its header's shard: {error}") from error
    if lacking := _lacking(records):
        raise NotRecords(f"{path}: {lacking}")
    return records


def _not_a_line(path: Path, number: int, error: Exception) -> NotRecords:
    return NotRecords(f"{path}:{number}: not a line of a record file: {error}")


BATCH = 256
"""Lines that are parsed at once, so that they have their names in common: what a name of each line would take is half of the memory."""
SHARED = {
    "call": ("block", "case", "mode", "relation", "arguments", "rules", "predicted"),
    "end": ("subject", "verdict", "reason", "rules", "data", "excludes", "observed", "difference", "explained", "warnings"),
}
"""What is often the same from line to line, by their type: in the modes of a call if nowhere else."""
SHARED_LIMIT = 40_000  # values that are remembered; what is the same is not far away


def _parsed(path: Path, file: BinaryIO) -> Iterator[tuple[int, Line]]:
    """The lines with their numbers, as values. What is after the last line break is empty, or a line that was cut."""
    first = 1
    while texts := [text for text in islice(file, BATCH) if text.endswith(b"\n")]:
        try:
            lines = json.loads(b"[" + b",".join(texts) + b"]")
        except (ValueError, RecursionError):
            lines = []
        if len(lines) == len(texts):
            yield from enumerate(lines, first)
        else:  # one of them is no value, or two
            for number, text in enumerate(texts, first):
                try:
                    yield number, json.loads(text)
                except (ValueError, RecursionError) as error:
                    raise _not_a_line(path, number, error) from error
        first += len(texts)


def _take(records: Records, line: Line, shared: dict[str | bytes, Any]) -> None:
    kind = line["type"]
    if kind == "end":
        _share(line, kind, shared)
        line["id"] = records.calls.get(line["id"], line)["id"]
        records.ends[line["id"]] = line
        records.every_end.append(line)
    elif kind == "start":
        records.started.add(records.calls.get(line["id"], line)["id"])
    elif kind == "call":
        _share(line, kind, shared)
        records.calls[line["id"]] = line
    elif kind == "block":
        records.blocks[line["id"]] = line
    elif kind == "case":
        records.cases[line["key"]] = line
    elif kind == "subject":
        records.subjects[line["key"]] = line
    elif kind == "header":
        records.header = line
    elif kind == "footer":
        records.footer = line
    else:
        raise ValueError(f"unknown type {kind!r}")


def _bound(records: Records, end: Line, limit: int) -> None:
    """Count a call of a block instead of holding it, where enough are held."""
    held, call = len(records.calls), records.calls.get(end["id"], {})
    if "number" in call and held > (limit if end["verdict"] == "conforms" else 2 * limit):
        del records.calls[end["id"]], records.ends[end["id"]]
        records.every_end.pop()
        records.unheld[call["block"], end["verdict"]] += 1


def _share(line: Line, kind: str, shared: dict[str | bytes, Any]) -> None:
    """Put the object of an equal value of an earlier line in a value's place."""
    line["type"] = sys.intern(kind)
    if len(shared) > SHARED_LIMIT:
        shared.clear()
    for name in SHARED[kind]:
        if (value := line.get(name)) is not None:
            line[name] = _one(value, shared)


def _one(value: Any, shared: dict[str | bytes, Any]) -> Any:
    """The object that stands for all values equal to this one; so do those within it."""
    key = value if isinstance(value, str) else marshal.dumps(value, 2)
    if key in shared:
        return shared[key]
    places: Iterable[tuple[Any, Any]] = ()
    if isinstance(value, dict):
        places = value.items()
    elif isinstance(value, list) and value and not isinstance(value[0], int | float):
        places = enumerate(value)
    for place, inner in places:
        if isinstance(inner, str | list | dict):
            value[place] = _one(inner, shared)
    shared[key] = value
    return value


REQUIRED: dict[str, dict[str, None]] = {
    kind: dict.fromkeys(names)
    for kind, names in {
        "subject": ("key", "subject", "sentences"),
        "case": ("key", "file", "line", "deviations"),
        "block": ("id", "hash", "case", "calls"),
        "call": ("id", "hash", "case", "arguments", "predicted"),
        "end": ("id", "subject", "verdict", "reason", "rules", "data"),
    }.items()
}
"""What the readers of records rely on, by a line's type, in this order."""


def _lacking(records: Records) -> str | None:
    """What a line lacks that readers rely on, in words."""
    plan = (records.cases, records.blocks, records.calls)
    for line in chain(records.subjects.values(), *(lines.values() for lines in plan), records.every_end):
        if not line.keys() >= REQUIRED[line["type"]].keys():
            missing = [name for name in REQUIRED[line["type"]] if name not in line]
            return f"a line of type {line['type']!r} lacks {missing[0]!r}"
    uncounted = next((block["calls"] for block in records.blocks.values() if not isinstance(block["calls"], int)), None)
    if uncounted is not None:
        return f"{uncounted!r} is not how many calls a block has"
    other = next((end["verdict"] for end in records.every_end if end["verdict"] not in KINDS), None)
    if other is not None:
        return f"{other!r} is no verdict; they are {', '.join(KINDS)}"
    unknown = next((line for line in chain(records.blocks.values(), records.calls.values()) if line["case"] not in records.cases), None)
    return f"the {unknown['type']} {unknown['id']!r} is of a case that the file lacks" if unknown else None
