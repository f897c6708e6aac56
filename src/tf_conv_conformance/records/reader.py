"""Record files: what a run planned and what became of each call, one JSON value a line, written as it comes.

    {"type": "header", "schema": 4, "suite", "created", "shard"?}                       of a shard, "3/8"; of several, "1,2,5/8"
    {"type": "case", "key", "file", "line", "id", "yaml", "notes", "references", "expect", "deviations"}
    {"type": "call", "id", "hash", "case", "mode", "arguments", "rules", "predicted"}      the plan, complete before the first start
    {"type": "subject", "key", "subject", "sentences"}                                     when TensorFlow has started
    {"type": "start", "id", "at"}
    {"type": "end", "id", "subject", "verdict", "reason", "rules", "data", "excludes"?, "observed", "digest", ...}
                       "excludes": the wrong oracles that its data shows, as codes of exclusions.py; where it is held to an oracle
    {"type": "footer", "calls", "ended", "finished", "whole"?}                             only after a run that was not killed
                       "whole": of a shard, how many calls all shards have together

The header cannot hold the subject: TensorFlow starts with the first call, and the plan is on disk before it. What each key holds stands in
:mod:`record_lines`, which also updates the lines of files of schemas 2 and 3 while they are read.
"""

from __future__ import annotations

import datetime
import gc
import hashlib
import json
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO

from tf_conv_conformance import ConformanceError
from tf_conv_conformance.records.schema import READ, SCHEMA, is_left_out, kind_of, shown, updated
from tf_conv_conformance.records.schema import Line as Line  # for those that read records
from tf_conv_conformance.records.shards import Shards, parse
from tf_conv_conformance.records.shared_values import SharedValues
from tf_conv_conformance.verdict.kinds import FAILING


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
    calls: dict[str, Line] = field(default_factory=dict)
    started: set[str] = field(default_factory=set)
    ends: dict[str, Line] = field(default_factory=dict)
    every_end: list[Line] = field(default_factory=list)
    footer: Line | None = None

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
        """Say what of the whole run is missing."""
        said = [self.shards.words] if self.shards and self.shards.missing else []
        if self.footer is None or self.missing:
            missing = f"{self.missing:,} of {self.planned:,} planned calls have no result"
            said.append(missing if self.missing else "the run was interrupted")
        return said

    @property
    def planned(self) -> int:
        """How many calls were planned."""
        return len(self.calls)

    @property
    def missing(self) -> int:
        """How many planned calls have no end."""
        return self.planned - len(self.ends)


class RecordFileError(ConformanceError):
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


def record_files(path: Path) -> list[Path]:
    """Return the record file at a path, or those in a folder, at any depth. Raises :class:`RecordFileError` if it has none."""
    if not path.is_dir():
        return [path]
    found = sorted(path.rglob("results*.jsonl"))
    if not found:
        raise RecordFileError(
            f"{path}: expected a record file or a folder of them, got a folder without results*.jsonl"
        )
    return found


@uncollected()
def read(path: Path) -> Records:
    """Return the records in a file; a torn last line is left out. Raises :class:`RecordFileError`.

    Values that are the same in many lines are one object: none is to be changed.
    """
    records = Records()
    values = SharedValues()
    try:
        with path.open("rb") as file:
            for number, line in _parsed(path, file):
                try:
                    _take(records, line, values)
                except (ValueError, RecursionError) as error:
                    raise _not_a_line(path, number, error) from error
    except OSError as error:
        raise RecordFileError(f"{path}: cannot be read: {error.strerror}") from error
    if not records.header:
        raise RecordFileError(
            f"{path}: expected a record file, which begins with a header; got a file without a whole line"
        )
    records.header["schema"] = SCHEMA  # to which all lines have been updated
    return records


def _not_a_line(path: Path, number: int, error: Exception | str) -> RecordFileError:
    return RecordFileError(f"{path}:{number}: {error}")


_SURROGATE = re.compile(rb"\\u[dD][89a-fA-F]")
LINE_LIMIT = 2**24  # bytes: a case has at most 4 MiB
BATCH = 256
"""Lines that are parsed at once, so that they have their names in common: what a name of each line would take is half of the memory."""
BATCH_BYTES = 2**22  # that end a batch


def _batches(path: Path, file: BinaryIO) -> Iterator[list[bytes]]:
    """The lines, some at a time. What is after the last line break is empty, or a line that was cut."""
    batch: list[bytes] = []
    number = size = 0
    while text := file.readline(LINE_LIMIT):
        number, size = number + 1, size + len(text)
        if not text.endswith(b"\n"):
            if len(text) == LINE_LIMIT:
                raise _not_a_line(
                    path,
                    number,
                    f"expected a line of at most {LINE_LIMIT:,} bytes, got a longer one",
                )
            break
        batch.append(text)
        if len(batch) == BATCH or size > BATCH_BYTES:
            yield batch
            batch, size = [], 0
    if batch:
        yield batch


def _parsed(path: Path, file: BinaryIO) -> Iterator[tuple[int, Line]]:
    """The lines with their numbers, as values."""
    first = 1
    for texts in _batches(path, file):
        try:
            lines = json.loads(b"[" + b",".join(texts) + b"]")
        except (ValueError, RecursionError):
            lines = []
        if len(lines) == len(texts):
            for number, (line, text) in enumerate(zip(lines, texts, strict=True), first):
                if _SURROGATE.search(text) and not _encodes(line):
                    raise _not_a_line(
                        path,
                        number,
                        "expected text, got half of a surrogate pair, which no text file can hold",
                    )
                yield number, line
        else:  # one of them is no value, or two
            for number, text in enumerate(texts, first):
                try:
                    yield (
                        number,
                        json.loads(text),
                    )  # never written again: one of these lines is refused
                except (ValueError, RecursionError):
                    start = shown(text.rstrip(b"\n").decode("utf-8", "backslashreplace"))
                    got = "compressed data" if text.startswith(b"\x1f\x8b") else start
                    raise _not_a_line(path, number, f"expected a JSON object, got {got}") from None
        first += len(texts)


def _encodes(line: object) -> bool:
    """Whether all text of a line can be written again."""
    try:
        json.dumps(line, ensure_ascii=False).encode()
    except (UnicodeEncodeError, RecursionError):
        return False
    return True


def _take(records: Records, line: Line, values: SharedValues) -> None:
    """Check a line, and put it where it belongs. Raises ``ValueError``."""
    if not records.header:
        _take_header(records, line)
        return
    if is_left_out(line, records.header["schema"]):
        return
    kind = kind_of(line)
    if kind == "header":
        raise ValueError("expected no second header; merge joins record files")
    if kind == "end" and records.header["schema"] != SCHEMA:
        line = updated(line)
    values.share(line, kind)
    values.check(line, kind)
    _check_references(records, line, kind)
    if kind in ("start", "end"):
        line["id"] = records.calls.get(line["id"], line)["id"]
    if kind == "end":
        records.ends[line["id"]] = line
        records.every_end.append(line)
    elif kind == "start":
        records.started.add(line["id"])
    elif kind == "call":
        records.calls[line["id"]] = line
    elif kind == "case":
        records.cases[line["key"]] = line
    elif kind == "subject":
        records.subjects[line["key"]] = line
    else:
        records.footer = line


def _take_header(records: Records, line: Line) -> None:
    if not isinstance(line, dict) or line.get("type") != "header":
        raise ValueError(
            f'expected the header of a record file, {{"type": "header", …}}; got {shown(line)}'
        )
    if (schema := line.get("schema")) not in READ:
        newer = isinstance(schema, int) and schema > SCHEMA
        advice = "; a newer version of tf-conv-conformance wrote it" if newer else ""
        raise ValueError(
            f"expected a record file of schema {' or '.join(map(str, READ))}, got schema {shown(schema)}{advice}"
        )
    SharedValues().check(line, "header")
    if "shard" in line:
        try:
            parse(line["shard"])
        except ValueError as error:
            raise ValueError(f"header.shard: {error}") from error
    records.header = line


def _check_references(records: Records, line: Line, kind: str) -> None:
    """Raise ``ValueError`` if a line names what no line before it describes."""
    if kind == "call" and line["case"] not in records.cases:
        raise ValueError(
            f"{kind}.case: expected the key of a case in a line above, got {shown(line['case'])}"
        )
    if kind == "end" and line["id"] not in records.calls:
        raise ValueError(
            f"end.id: expected the id of a call in a line above, got {shown(line['id'])}"
        )
    if kind == "end" and line["subject"] is not None and line["subject"] not in records.subjects:
        raise ValueError(
            f"end.subject: expected the key of a subject in a line above, got {shown(line['subject'])}"
        )
