"""Writes record files: each line as it comes, and when the run has ended all of them in the order of its plan."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import Any, TextIO

from tf_conv_conformance import __version__
from tf_conv_conformance.record_lines import SCHEMA
from tf_conv_conformance.results import Line, Records, now


class Recorder:
    """Writes a record file, each line flushed. One for each run: xdist's workers send their lines to the controller."""

    def __init__(self, path: Path, plan: Iterable[Line], carried: Records | None = None, **header: Any) -> None:
        """Start the file with header, plan, and what an earlier run `carried` to an end. OSError where it cannot be written."""
        path.parent.mkdir(parents=True, exist_ok=True)
        self._file: TextIO = path.open("w", encoding="utf-8", newline="\n")
        self.path = path
        self._subjects: set[str] = set()
        self._calls = self._done = 0  # how many are planned, and how many of them have an end
        self._planned: dict[str, int] = {}  # calls that are tests, and blocks: how many calls each makes
        self._ended: Counter[str] = Counter()  # which of those calls have an end, a bit each: there may be a million
        self._verdicts: dict[str, dict[str, str]] = {}  # the last verdict of a call that did not conform, by subject
        self._write({"type": "header", "schema": SCHEMA, "suite": __version__, "created": now(), **header})
        for line in plan:
            if line["type"] in ("call", "block"):
                self._planned[line["id"]] = line.get("calls", 1)
                self._calls += line.get("calls", "block" not in line)
            self._write(line, flush=False)
        for line in carried.ends.values() if carried else ():
            self.end(line, carried.subjects.get(line["subject"]) if carried else None)
        self._file.flush()

    def start(self, identifier: str) -> None:
        """A planned call begins."""
        if identifier in self._planned:
            self._write({"type": "start", "id": identifier, "at": now()})

    def end(self, line: Line, subject: Line | None, call: Line | None = None) -> str | None:
        """Write the end of a call; its subject before the first line that names it, a `call` of a planned block before its end.

        Returns the verdict that this one replaces, where the call was made before on the same subject. The file keeps both.
        """
        if subject is not None and subject["key"] not in self._subjects:
            self._subjects.add(subject["key"])
            self._write(subject)
        test = call["block"] if call else line["id"]
        if test not in self._planned:
            return None
        if call is not None:
            self._write(call, flush=False)
        self._write(line)
        bit = 1 << (call["number"] % self._planned[test] if call else 0)  # numbers of a block are consecutive
        first = not self._ended[test] & bit
        self._ended[test] |= bit
        self._done += first
        verdicts = self._verdicts.get(line["id"], {})
        before = verdicts.get(line["subject"], None if first or verdicts else "conforms")
        if before is not None or line["verdict"] != "conforms":
            self._verdicts[line["id"]] = {**verdicts, line["subject"]: line["verdict"]}
        return before

    @property
    def missing(self) -> int:
        """How many planned calls have no end."""
        return self._calls - self._done

    def close(self) -> None:
        """Write the footer, which says how many of the planned calls have an end, and put the lines in the order of the plan."""
        self._write({"type": "footer", "calls": self._calls, "ended": self._done, "finished": now()})
        self._file.close()
        settle(self.path)

    def _write(self, line: Line, flush: bool = True) -> None:
        self._file.write(written(line))
        if flush:
            self._file.flush()


def written(line: Line) -> str:
    """A line as it stands in a record file."""
    return json.dumps(line, ensure_ascii=False, separators=(",", ":")) + "\n"


def in_order(plan: Iterable[Line]) -> list[Line]:
    """The lines of a plan by file, place in it and id, each case once and before its calls: the same whatever the order of the tests."""
    lines = {(line["type"], line.get("key", line.get("id"))): line for line in plan}
    cases = {line["key"]: (line["file"], line["line"], line["key"]) for line in lines.values() if line["type"] == "case"}

    def key(line: Line) -> tuple[Any, ...]:
        parts = re.split(r"(\d+)", line.get("id", ""))  # 2 comes before 10
        return (
            *cases[line.get("case", line.get("key"))],
            ("case", "block", "call").index(line["type"]),
            [int(part) if part.isdecimal() else part for part in parts],
        )

    return sorted(lines.values(), key=key)


_BEGINNING = re.compile(rb'\{"type":"(\w+)"(?:,"(?:id|key)":("[^"\\]*(?:\\.[^"\\]*)*"))?')
Key = tuple[int, str, tuple[int, int]]
"""Where a line belongs: its group, its subject's key, and the place of its test in the plan with the number in a block."""


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
    """Pieces of a file that belong together in their order: the key of the first line, where it begins, how long it is.

    What a block has written is one piece for many calls, so that a million of them have room in memory.
    """
    pieces: list[tuple[Key, int, int]] = []
    tests: dict[str, tuple[int, int]] = {}  # the places of the plan's calls and blocks
    pending: dict[str, tuple[int, int]] = {}  # those of calls of blocks that have no end yet
    where = 0
    last: tuple[str, Key] | None = None
    for line in lines:
        kind, name, in_block = _told(line)
        if in_block is not None:
            place = pending[name] = (tests.get(in_block[0], (-1, -1))[0], in_block[1])
        elif kind in ("call", "block"):
            place = tests[name] = (len(tests), -1)
        else:
            place = pending.pop(name) if name in pending else tests.get(name, (-1, -1))
        group = 2 if kind in ("start", "end") or in_block is not None else {"subject": 1, "footer": 3}.get(kind, 0)
        key: Key = (group, name if kind == "subject" else "", place if group == 2 else (0, 0))
        if last is not None and _follows(kind, key, *last):
            first, begins, length = pieces[-1]
            pieces[-1] = (first, begins, length + len(line))
        else:
            pieces.append((key, where, len(line)))
        where, last = where + len(line), (kind, key)
    return pieces


def _follows(kind: str, key: Key, last_kind: str, last: Key) -> bool:
    """Whether nothing can belong between a line and the one before it: it is of the same test, or the next call of a block."""
    next_call = (kind, last_kind) == ("call", "end") and key[2] == (last[2][0], last[2][1] + 1)
    return key[:2] == last[:2] and (key[2] == last[2] or next_call)


def _told(line: bytes) -> tuple[str, str, tuple[str, int] | None]:
    """The type of a line, its id or key, and for a call of a block the block's id and its number there.

    From how the line begins, without parsing the rest, where that tells: a call says late whether it is of a block.
    """
    if (found := _BEGINNING.match(line)) and found[2] and (found[1] != b"call" or b'"block":' not in line):
        return found[1].decode(), json.loads(found[2]), None
    whole = json.loads(line)
    place = (whole["block"], whole["number"]) if "number" in whole else None
    return whole["type"], whole.get("id", whole.get("key", "")), place
