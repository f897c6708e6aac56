"""Writes record files: each line as it comes, and when the run has ended all of them in the order of its plan."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any, TextIO

from tf_conv_conformance import __version__
from tf_conv_conformance.records.reader import Line, Records, now
from tf_conv_conformance.records.schema import SCHEMA


class Recorder:
    """Writes a record file, each line flushed. One for each run: xdist's workers send their lines to the controller."""

    def __init__(
        self, path: Path, plan: Iterable[Line], carried: Records | None = None, **header: Any
    ) -> None:
        """Start the file with header, plan, and what an earlier run `carried` to an end. OSError where it cannot be written."""
        path.parent.mkdir(parents=True, exist_ok=True)
        self._file: TextIO = path.open("w", encoding="utf-8", newline="\n")
        self.path = path
        self._subjects: set[str] = set()
        self._planned: set[str] = set()
        self._ended: set[str] = set()
        self._verdicts: dict[
            str, dict[str, str]
        ] = {}  # the last verdict of a call that did not conform, by subject
        self._write(
            {"type": "header", "schema": SCHEMA, "suite": __version__, "created": now(), **header}
        )
        for line in plan:
            if line["type"] == "call":
                self._planned.add(line["id"])
            self._write(line, flush=False)
        for line in carried.ends.values() if carried else ():
            self.end(line, carried.subjects.get(line["subject"]) if carried else None)
        self._file.flush()

    def start(self, identifier: str) -> None:
        """A planned call begins."""
        if identifier in self._planned:
            self._write({"type": "start", "id": identifier, "at": now()})

    def end(self, line: Line, subject: Line | None) -> str | None:
        """Write the end of a call; its subject before the first line that names it.

        Returns the verdict that this one replaces, where the call was made before on the same subject. The file keeps both.
        """
        if subject is not None and subject["key"] not in self._subjects:
            self._subjects.add(subject["key"])
            self._write(subject)
        if line["id"] not in self._planned:
            return None
        self._write(line)
        first = line["id"] not in self._ended
        self._ended.add(line["id"])
        verdicts = self._verdicts.get(line["id"], {})
        before = verdicts.get(line["subject"], None if first or verdicts else "conforms")
        if before is not None or line["verdict"] != "conforms":
            self._verdicts[line["id"]] = {**verdicts, line["subject"]: line["verdict"]}
        return before

    @property
    def missing(self) -> int:
        """How many planned calls have no end."""
        return len(self._planned) - len(self._ended)

    def close(self, **footer: Any) -> None:
        """Write the footer, which says how many of the planned calls have an end, and put the lines in the order of the plan."""
        self._write(
            {
                "type": "footer",
                "calls": len(self._planned),
                "ended": len(self._ended),
                "finished": now(),
                **footer,
            }
        )
        self._file.close()
        settle(self.path)

    def _write(self, line: Line, flush: bool = True) -> None:
        self._file.write(written(line))
        if flush:
            self._file.flush()


_encode = json.JSONEncoder(ensure_ascii=False, check_circular=False, separators=(",", ":")).encode


def written(line: Line) -> str:
    """A line as it stands in a record file."""
    return _encode(line) + "\n"


def in_order(plan: Iterable[Line]) -> list[Line]:
    """The lines of a plan by file, place in it and id, each case once and before its calls: the same whatever the order of the tests."""
    lines = {(line["type"], line.get("key", line.get("id"))): line for line in plan}
    cases = {
        line["key"]: (line["file"], line["line"], line["key"])
        for line in lines.values()
        if line["type"] == "case"
    }

    def key(line: Line) -> tuple[Any, ...]:
        parts = re.split(r"(\d+)", line.get("id", ""))  # 2 comes before 10
        return (
            *cases[line.get("case", line.get("key"))],
            line["type"] == "call",
            [int(part) if part.isdecimal() else part for part in parts],
        )

    return sorted(lines.values(), key=key)


_BEGINNING = re.compile(rb'\{"type":"(\w+)"(?:,"(?:id|key)":("[^"\\]*(?:\\.[^"\\]*)*"))?')
Key = tuple[int, str, int]
"""Where a line belongs: its group, its subject's key, and the place of its call in the plan."""


def settle(path: Path) -> None:
    """Put the lines of a finished file in the order of its plan: the same calls leave the same file, whoever made them and when."""
    settled = path.with_name(path.name + ".settled")
    with path.open("rb") as file, settled.open("wb") as target:
        for _, where, length in sorted(_pieces(file)):
            if where != file.tell():  # a seek throws away what was read ahead
                file.seek(where)
            target.write(file.read(length))
    settled.replace(path)


def _pieces(lines: Iterable[bytes]) -> list[tuple[Key, int, int]]:
    """Return pieces of a file whose lines have the same key: the key, where it begins, how long it is."""
    pieces: list[tuple[Key, int, int]] = []
    places: dict[str, int] = {}  # of the plan's calls
    where = 0
    for line in lines:
        kind, name = _beginning(line)
        if kind == "call":
            places[name] = len(places)
        group = {"subject": 1, "start": 2, "end": 2, "footer": 3}.get(kind, 0)
        key: Key = (
            group,
            name if kind == "subject" else "",
            places.get(name, -1) if group == 2 else 0,
        )
        if pieces and pieces[-1][0] == key:
            _, begins, length = pieces[-1]
            pieces[-1] = (key, begins, length + len(line))
        else:
            pieces.append((key, where, len(line)))
        where += len(line)
    return pieces


def _beginning(line: bytes) -> tuple[str, str]:
    """Return the type of a line, and its id or key: from how it begins, without parsing the rest, where that suffices."""
    if (found := _BEGINNING.match(line)) and found[2]:
        return found[1].decode(), json.loads(found[2])
    whole = json.loads(line)
    return whole["type"], whole.get("id", whole.get("key", ""))
