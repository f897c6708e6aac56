"""Reads record files, one JSON object a line; :mod:`schema` says what the lines hold."""

from __future__ import annotations

from collections.abc import Container
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import msgspec

from tf_conv_conformance import ConformanceError
from tf_conv_conformance.convolution.quantity import quantity
from tf_conv_conformance.records.decoder import Head, LineError, decode, head, plain, shown
from tf_conv_conformance.records.old_schemas import LEFT_OUT, updated, with_instruction_set
from tf_conv_conformance.records.schema import (
    LINES,
    SCHEMA,
    SCHEMAS,
    CallLine,
    CaseLine,
    EndLine,
    FooterLine,
    HeaderLine,
    SubjectLine,
)
from tf_conv_conformance.records.shards import Shards, parse
from tf_conv_conformance.verdict.kinds import FAILING

LINE_LIMIT = 2**24  # bytes: a case has at most 4 MiB
REMEMBERED = 40_000  # values: equal ones are rarely far apart


class RecordFileError(ConformanceError):
    """The file is not a record file that this version reads; the message says why."""


@dataclass
class Records:
    """The lines of a record file.

    A call has several ends if pytest-xdist's ``--dist each`` makes it on several subjects, or a
    plugin makes it again: `ends` has the last one of each call by its id, `every_end` all of them.
    """

    header: HeaderLine
    subjects: dict[str, SubjectLine] = field(default_factory=dict)
    cases: dict[str, CaseLine] = field(default_factory=dict)
    calls: dict[str, CallLine] = field(default_factory=dict)
    started: set[str] = field(default_factory=set)
    ends: dict[str, EndLine] = field(default_factory=dict)
    every_end: list[EndLine] = field(default_factory=list)
    footer: FooterLine | None = None

    @property
    def complete(self) -> bool:
        """Whether these are the records of a whole run that was not interrupted."""
        return not self.lacks

    @property
    def shards(self) -> Shards | None:
        """The shards of a run that these are; None for a whole run."""
        return parse(self.header["shard"]) if "shard" in self.header else None

    @property
    def lacks(self) -> list[str]:
        """What is missing of the whole run, in words."""
        said = [self.shards.words] if self.shards and self.shards.missing else []
        if self.footer is None or self.missing:
            verb = "has" if self.missing == 1 else "have"
            missing = (
                f"{self.missing:,} of {quantity(self.planned, 'planned call')} {verb} no result"
            )
            said.append(missing if self.missing else "the run was interrupted")
        return said

    @property
    def planned(self) -> int:
        """The number of planned calls."""
        return len(self.calls)

    @property
    def missing(self) -> int:
        """The number of planned calls without an end."""
        return self.planned - len(self.ends)


def file_name(subject: str) -> str:
    """Return the name of a subject's record file; the suite's own interpreter has an empty name."""
    return f"results-{subject}.jsonl" if subject else "results.jsonl"


def is_new_failure(end: EndLine) -> bool:
    """Return whether a call fails otherwise than a baseline says."""
    return end["verdict"] in FAILING and not end.get("known", False)


def record_files(path: Path) -> list[Path]:
    """Return a record file, or those in a folder.

    Raises :class:`RecordFileError` if the folder has none.
    """
    if not path.is_dir():
        return [path]
    found = sorted(path.rglob("results*.jsonl"))
    if not found:
        raise RecordFileError(
            f"{path}: expected a record file or a folder of them, "
            "got a folder without results*.jsonl"
        )
    return found


def read(path: Path) -> Records:
    """Return the records in a file, without a last line that was cut.

    Equal values of many lines are one object, so do not change them. Raises
    :class:`RecordFileError`.
    """
    reader = _Reader()
    number = 0
    try:
        with path.open("rb") as file:
            while text := file.readline(LINE_LIMIT):
                number += 1
                if text.endswith(b"\n"):
                    reader.take(text)
                elif len(text) == LINE_LIMIT:
                    raise LineError(
                        f"expected a line of at most {LINE_LIMIT:,} bytes, got a longer one"
                    )
    except OSError as error:
        raise RecordFileError(f"{path}: cannot be read: {error.strerror}") from error
    except LineError as error:
        raise RecordFileError(f"{path}:{number}: {error}") from error
    if reader.records is None:
        raise RecordFileError(
            f"{path}: expected a record file, which begins with a header; "
            "got a file without a whole line"
        )
    return reader.records


_REPEATED = {
    "call": ("id", "case", "arguments", "rules", "predicted"),
    "start": ("id",),
    "end": ("id", "subject", "reason", "rules", "data", "excludes", "observed", "warnings"),
}
"""The values that lines of a type often have in common."""


class _Reader:
    """Takes the lines of one file."""

    def __init__(self) -> None:
        self.records: Records | None = None
        self._schema = SCHEMA
        self._values: dict[bytes, Any] = {}

    def take(self, text: bytes) -> None:
        """Decode a line, and put it where it belongs. Raises :class:`LineError`."""
        read = head(text)
        if self.records is None:
            self.records = Records(_header(text, read))
            self._schema = read.schema
            return
        kind = read.type
        if kind == LEFT_OUT and self._schema < SCHEMA:
            return
        if not isinstance(kind, str) or kind not in LINES:
            raise LineError(
                f"expected a line of type {', '.join(LINES)}, got the type {shown(kind)}"
            )
        if kind == "header":
            raise LineError("expected no second header; merge joins record files")
        line = decode(text, kind)
        if kind == "end" and self._schema < SCHEMA:
            line = updated(line)
        for name in _REPEATED.get(kind, ()):
            if name in line:
                line[name] = self._shared(line[name])
        _add(self.records, kind, line)

    def _shared(self, value: Any) -> Any:
        """Return the first value that equals this one.

        Without this, a file of 60,000 calls takes two and a half times the memory: each call has
        dozens of rules, and its modes have the same arguments, data and result.
        """
        if len(self._values) > REMEMBERED:
            self._values.clear()
        return self._values.setdefault(msgspec.json.encode(value), value)


def _header(text: bytes, read: Head) -> HeaderLine:
    """Return the header, as that of a file of this version."""
    if read.type != "header":
        got = shown(plain(text))
        raise LineError(f'expected the header of a record file, {{"type": "header", …}}; got {got}')
    if read.schema not in SCHEMAS:
        newer = isinstance(read.schema, int) and read.schema > SCHEMA
        advice = "; a newer version of tf-conv-conformance wrote it" if newer else ""
        raise LineError(
            f"expected a record file of schema {' or '.join(map(str, SCHEMAS))}, "
            f"got schema {shown(read.schema)}{advice}"
        )
    header: HeaderLine = decode(text, "header")
    if "shard" in header:
        try:
            parse(header["shard"])
        except ValueError as error:
            raise LineError(f"header.shard: {error}") from error
    return {**header, "schema": SCHEMA}


def _add(records: Records, kind: str, line: Any) -> None:
    """Add a line to records. Raises :class:`LineError` if it refers to what no line above names."""
    if kind == "case":
        records.cases[line["key"]] = line
    elif kind == "call":
        _check_reference("call.case", line["case"], records.cases, "the key of a case")
        records.calls[line["id"]] = line
    elif kind == "subject":
        records.subjects[line["key"]] = with_instruction_set(line)
    elif kind == "start":
        records.started.add(line["id"])
    elif kind == "end":
        _check_reference("end.id", line["id"], records.calls, "the id of a call")
        if line["subject"] is not None:
            _check_reference(
                "end.subject", line["subject"], records.subjects, "the key of a subject"
            )
        records.ends[line["id"]] = line
        records.every_end.append(line)
    else:
        records.footer = line


def _check_reference(place: str, name: str, known: Container[str], what: str) -> None:
    if name not in known:
        raise LineError(f"{place}: expected {what} in a line above, got {shown(name)}")
