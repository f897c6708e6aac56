"""Writes record files, each line as it comes."""

from __future__ import annotations

import datetime
from collections.abc import Iterable
from importlib.metadata import version
from pathlib import Path
from typing import BinaryIO

import msgspec

from tf_conv_conformance.records.reader import Records
from tf_conv_conformance.records.schema import (
    SCHEMA,
    EndLine,
    FooterLine,
    HeaderLine,
    Line,
    PlanLine,
    SubjectLine,
)
from tf_conv_conformance.verdict.kinds import Kind


class Recorder:
    """Writes the record file of one subject, in pytest-xdist's controller if there are workers.

    Each line is on disk before the next call is made, so a run that is killed loses none.
    """

    def __init__(
        self,
        path: Path,
        plan: Iterable[PlanLine],
        carried: Records | None = None,
        shard: str | None = None,
    ) -> None:
        """Start the file with its header, the plan, and the ends `carried` from an earlier run.

        The first line of a case counts. Raises ``OSError`` if the file cannot be written.
        """
        path.parent.mkdir(parents=True, exist_ok=True)
        self.path = path
        self._file: BinaryIO = path.open("wb")
        self._subjects: set[str] = set()
        self._planned: set[str] = set()
        self._verdicts: dict[str, dict[str | None, Kind]] = {}
        self._write(_header(shard))
        self._write_plan(plan)
        for end in carried.ends.values() if carried else ():
            self.end(end, carried.subjects.get(end["subject"] or "") if carried else None)
        self._file.flush()

    def start(self, identifier: str) -> None:
        """Record that a planned call begins."""
        if identifier in self._planned:
            self._write({"type": "start", "id": identifier, "at": _now()})

    def end(self, line: EndLine, subject: SubjectLine | None) -> Kind | None:
        """Write the end of a planned call, after its subject if no end had it yet.

        Return the verdict that this one replaces, if the call was made on this subject before.
        """
        if subject is not None and subject["key"] not in self._subjects:
            self._subjects.add(subject["key"])
            self._write(subject)
        if line["id"] not in self._planned:
            return None
        self._write(line)
        verdicts = self._verdicts.setdefault(line["id"], {})
        before = verdicts.get(line["subject"])
        verdicts[line["subject"]] = line["verdict"]
        return before

    @property
    def missing(self) -> int:
        """The number of planned calls without an end."""
        return len(self._planned) - len(self._verdicts)

    def close(self, whole: int | None = None) -> None:
        """Write the footer, with the number of calls of all shards if this is one of several."""
        footer: FooterLine = {
            "type": "footer",
            "calls": len(self._planned),
            "ended": len(self._verdicts),
            "finished": _now(),
        }
        if whole is not None:
            footer["whole"] = whole
        self._write(footer)
        self._file.close()

    def _write_plan(self, plan: Iterable[PlanLine]) -> None:
        cases: set[str] = set()
        for line in plan:
            if line["type"] == "call":
                self._planned.add(line["id"])
            elif line["key"] in cases:
                continue
            else:
                cases.add(line["key"])
            self._file.write(encoded(line))

    def _write(self, line: Line) -> None:
        self._file.write(encoded(line))
        self._file.flush()


def encoded(line: Line) -> bytes:
    """Return a line as it stands in a record file."""
    return msgspec.json.encode(line) + b"\n"


def _now() -> str:
    """Return the time as ISO 8601, in UTC, to the millisecond."""
    return datetime.datetime.now(datetime.timezone.utc).isoformat(timespec="milliseconds")


def _header(shard: str | None) -> HeaderLine:
    header: HeaderLine = {
        "type": "header",
        "schema": SCHEMA,
        "suite": version("tf-conv-conformance"),
        "created": _now(),
    }
    if shard is not None:
        header["shard"] = shard
    return header
