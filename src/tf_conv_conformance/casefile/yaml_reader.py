"""YAML text to plain values that know their line and column.

The tree is built from PyYAML's events, without recursion and without its constructors: no tag can make an object, scalars follow
YAML 1.2's core schema (``NO`` is a string, ``1e-3`` a number), and size, depth and the expansion of aliases have a bound.
"""

from __future__ import annotations

import itertools
import re
import textwrap
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import yaml

from tf_conv_conformance import ConformanceError
from tf_conv_conformance.casefile.diagnostic import Diagnostic, key_path, quote

FILE_LIMIT = 4 * 2**20  # bytes of a file
DEPTH_LIMIT = 24  # collections in collections
NODE_LIMIT = 100_000  # values, aliases expanded
BLOCK_LINES, BLOCK_LIMIT = 200, 4000  # lines and characters of a case that a record quotes

_INTEGER = re.compile(r"[-+]?(0|[1-9][0-9]*)")
_LEADING_ZERO = re.compile(r"[-+]?0[0-9]+")
_OTHER_BASE = re.compile(r"[-+]?0[box][0-9a-fA-F_]+")
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?")
_SPECIAL = {
    **dict.fromkeys(("null", "Null", "NULL", "~", ""), None),
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
    **{
        sign + dot: float(sign + "inf")
        for sign in ("", "+", "-")
        for dot in (".inf", ".Inf", ".INF")
    },
    **dict.fromkeys((".nan", ".NaN", ".NAN"), float("nan")),
}
DIGITS_LIMIT = 20  # of an integer: 2**63 has 19

Path_ = tuple[str | int, ...]


class UnreadableFileError(ConformanceError):
    """The file cannot be read as YAML at all; holds the one diagnostic that says why."""

    def __init__(self, diagnostic: Diagnostic) -> None:
        super().__init__(diagnostic.message)
        self.diagnostic = diagnostic


@dataclass(frozen=True)
class Fault:
    """Something wrong that was found while reading, which leaves the rest of the file readable."""

    keys: Path_
    message: str
    line: int
    column: int


@dataclass
class Source:
    """The values of a case file, and the place of each by its key path; `faults` are those found while reading.

    `key_places` has the place of the key itself, for each value of a mapping.
    """

    value: Any
    places: dict[Path_, tuple[int, int]]
    faults: list[Fault] = field(default_factory=list)
    text: str = ""
    key_places: dict[Path_, tuple[int, int]] = field(default_factory=dict)

    def place(self, keys: Path_) -> tuple[int, int]:
        """Line and column of the value at `keys`, or of the nearest that encloses it."""
        while keys and keys not in self.places:
            keys = keys[:-1]
        return self.places.get(keys, (1, 1))

    @cached_property
    def _lines(self) -> list[str]:
        return self.text.split("\n")

    def block(self, keys: Path_) -> str:
        """The lines of the block mapping at `keys` as they stand in the file; of a long one the beginning."""
        line, column = self.place(keys)
        first, *rest = self._lines[line - 1 : line - 1 + BLOCK_LINES]
        inside = itertools.takewhile(
            lambda text: not text.strip() or len(text) - len(text.lstrip()) >= column - 1, rest
        )
        return textwrap.dedent("\n".join([first, *inside])).rstrip()[:BLOCK_LIMIT]

    def diagnostics(self) -> list[Diagnostic]:
        """The faults found while reading, as diagnostics."""
        return [
            Diagnostic(fault.line, fault.column, key_path(fault.keys), fault.message)
            for fault in self.faults
        ]

    def diagnostic(
        self, keys: Path_, message: str, case: str | None = None, about_key: bool = False
    ) -> Diagnostic:
        """A diagnostic about the value at `keys`, or about the last of the keys itself."""
        line, column = (
            self.key_places[keys] if about_key and keys in self.key_places else self.place(keys)
        )
        return Diagnostic(line, column, key_path(keys), message, case)


def read_text(path: Path) -> str:
    """The text of a case file. Raises :class:`UnreadableFileError` for one that is too large, or not UTF-8."""
    try:
        with path.open("rb") as file:
            data = file.read(FILE_LIMIT + 1)
    except OSError as error:
        raise UnreadableFileError(
            Diagnostic(1, 1, "", f"cannot be read: {error.strerror}")
        ) from error
    if len(data) > FILE_LIMIT:
        raise UnreadableFileError(
            Diagnostic(1, 1, "", f"is larger than {FILE_LIMIT} bytes; split it into several files")
        )
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        before = data[: error.start]
        line, column = before.count(b"\n") + 1, error.start - (before.rfind(b"\n") + 1) + 1
        message = f"byte 0x{data[error.start]:02x} is not UTF-8; save the file as UTF-8"
        raise UnreadableFileError(Diagnostic(line, column, "", message)) from error


def read_source(text: str) -> Source:
    """The values in YAML `text` with their places. Raises :class:`UnreadableFileError` where the text is not one YAML document."""
    builder = _Builder()
    loader = getattr(yaml, "CLoader", yaml.Loader)
    try:
        for event in yaml.parse(text, Loader=loader):
            builder.take(event)
    except yaml.MarkedYAMLError as error:
        problem = error.problem or "is not YAML"
        marks = [error.problem_mark, error.context_mark]
        mark = next(filter(None, reversed(marks) if problem in _FROM_THE_START else marks), None)
        line, column = (mark.line + 1, mark.column + 1) if mark else (1, 1)
        raise UnreadableFileError(
            Diagnostic(line, column, "", f"not YAML: {problem}{_hint(text, line, column, problem)}")
        ) from error
    except yaml.reader.ReaderError as error:
        before = text[: error.position]
        line, column = before.count("\n") + 1, len(before) - (before.rfind("\n") + 1) + 1
        raise UnreadableFileError(
            Diagnostic(
                line, column, "", f"not YAML: character {quote(error.character)} is not allowed"
            )
        ) from error
    return replace(builder.source(), text=text)


_FROM_THE_START = (
    "could not find expected ':'",
    "found unexpected end of stream",
)  # noticed further down than it is
_HINTS = {
    "could not find expected ':'": "a key is followed by a colon and a space, as in `strides: 2`",
    "found unexpected end of stream": "the quotation mark that opens here is not closed",
    "mapping values are not allowed in this context": "keys of a mapping start in the same column; a text that holds `: ` must be quoted",
    "did not find expected '-' indicator": "keys of a case start in the same column, after the dash",
    "did not find expected key": "keys of a mapping start in the same column",
    "did not find expected ',' or ']'": "a list that was opened with [ is not closed",
    "did not find expected ',' or '}'": "a mapping that was opened with { is not closed",
}


def _hint(text: str, line: int, column: int, problem: str) -> str:
    """What would be right, for the mistakes in YAML that case files invite."""
    lines = text.splitlines()
    shown_line = lines[line - 1] if line <= len(lines) else ""
    if re.search(r":\s*[>|][=\d.~]", shown_line):
        return ' (a value that starts with > must be quoted: ">=2.12")'
    if "\t" in shown_line[:column]:
        return " (YAML is indented with spaces, not with tabs)"
    if re.search(r":\s*[%@`*&!]", shown_line):
        return " (a value that starts with a special character must be quoted)"
    return f" ({_HINTS[problem]})" if problem in _HINTS else ""


def scalar(text: str) -> Any:
    """The value of a plain scalar in YAML 1.2's core schema. Raises ValueError where a reader could take it for two things."""
    if text in _SPECIAL:
        return _SPECIAL[text]
    if _LEADING_ZERO.fullmatch(text):
        raise ValueError(
            f"{text} is octal to some readers and decimal to others; write the number without the leading zero"
        )
    if _OTHER_BASE.fullmatch(text):
        raise ValueError(f"{text}: write the number in decimal")
    if _INTEGER.fullmatch(text):
        if len(text) > DIGITS_LIMIT:
            raise ValueError(f"a number of {len(text)} digits is out of range")
        return int(text)
    return float(text) if _FLOAT.fullmatch(text) else text


@dataclass
class _Open:
    """A collection that is being read: its value so far, its path, and the key that waits for a value."""

    value: dict[str, Any] | list[Any]
    keys: Path_
    anchor: str | None
    key: str | None = None
    skipping: bool = False


class _Builder:
    """Takes events, builds values. One collection is open for each level; finished ones are shared by aliases."""

    def __init__(self) -> None:
        self.root: Any = None
        self.places: dict[Path_, tuple[int, int]] = {}
        self.key_places: dict[Path_, tuple[int, int]] = {}
        self.faults: list[Fault] = []
        self.stack: list[_Open] = []
        self.anchors: dict[str, tuple[Any, int]] = {}
        self.nodes = 0
        self.documents = 0

    def source(self) -> Source:
        return Source(self.root, self.places, self.faults, key_places=self.key_places)

    def take(self, event: yaml.Event) -> None:
        if isinstance(event, yaml.DocumentStartEvent):
            self.documents += 1
            if self.documents > 1:
                raise self._unreadable(
                    event, "holds a second document (---); a case file is one document"
                )
        elif isinstance(event, yaml.AliasEvent):
            value, nodes = self._alias(event)
            self._count(event, nodes)
            self._place(event, value)
        elif isinstance(event, yaml.ScalarEvent):
            self._count(event, 1)
            self._scalar(event)
        elif isinstance(event, yaml.CollectionStartEvent):
            self._count(event, 1)
            self._open(event)
        elif isinstance(event, yaml.CollectionEndEvent):
            done = self.stack.pop()
            if done.anchor is not None:
                self.anchors[done.anchor] = (done.value, _size(done.value))

    def _unreadable(self, event: yaml.Event, message: str) -> UnreadableFileError:
        return UnreadableFileError(Diagnostic(*_mark(event), "", message))

    def _fault(self, event: yaml.Event, keys: Path_, message: str) -> None:
        self.faults.append(Fault(keys, message, *_mark(event)))

    def _count(self, event: yaml.Event, nodes: int) -> None:
        self.nodes += nodes
        if self.nodes > NODE_LIMIT:
            raise self._unreadable(
                event,
                f"holds more than {NODE_LIMIT} values, aliases expanded; split it into several files",
            )

    def _alias(self, event: yaml.AliasEvent) -> tuple[Any, int]:
        if event.anchor not in self.anchors:
            raise self._unreadable(
                event, f"*{event.anchor} names no anchor &{event.anchor} that is complete before it"
            )
        return self.anchors[event.anchor]

    def _scalar(self, event: yaml.ScalarEvent) -> None:
        value: Any = event.value
        keys = self._keys_of_next()
        awaits_key = (
            bool(self.stack)
            and isinstance(self.stack[-1].value, dict)
            and self.stack[-1].key is None
        )
        self._refuse_tag(event, keys)
        if (
            event.implicit[0] and not awaits_key
        ):  # quoted and block scalars are strings, and so is every key
            try:
                value = scalar(event.value)
            except ValueError as error:
                self._fault(event, keys, str(error))
            if value is None and self.stack:
                self._fault(event, keys, "is empty (null); give a value, or take the key away")
        if event.anchor is not None:
            self.anchors[event.anchor] = (value, 1)
        if awaits_key:
            self._key(event)
        else:
            self._place(event, value)

    def _open(self, event: yaml.CollectionStartEvent) -> None:
        if len(self.stack) >= DEPTH_LIMIT:
            raise self._unreadable(event, f"is nested deeper than {DEPTH_LIMIT} levels")
        keys = self._keys_of_next()
        self._refuse_tag(event, keys)
        if self.stack and isinstance(self.stack[-1].value, dict) and self.stack[-1].key is None:
            raise self._unreadable(event, "a key must be a plain word, not a list or a mapping")
        value: dict[str, Any] | list[Any] = {} if isinstance(event, yaml.MappingStartEvent) else []
        self._place(event, value)
        self.stack.append(_Open(value, keys, event.anchor))

    def _refuse_tag(self, event: yaml.ScalarEvent | yaml.CollectionStartEvent, keys: Path_) -> None:
        if event.tag not in (None, "!"):
            self._fault(event, keys, f"tags are not used in case files; remove {quote(event.tag)}")

    def _key(self, event: yaml.ScalarEvent) -> None:
        mapping = self.stack[-1]
        key = str(event.value)
        keys = (*mapping.keys, key)
        assert isinstance(mapping.value, dict)
        if key == "<<":
            self._fault(event, keys, "<< (merge) is not part of YAML 1.2; use `defaults`")
        if key in mapping.value:
            mapping.skipping = True
            self._fault(
                event,
                keys,
                f"the key {quote(key)} is already given in line {self.key_places[keys][0]}; keep one",
            )
        mapping.key = key
        self.key_places.setdefault(keys, _mark(event))
        mapping.value.setdefault(key, None)

    def _keys_of_next(self) -> Path_:
        if not self.stack:
            return ()
        top = self.stack[-1]
        if isinstance(top.value, list):
            return (*top.keys, len(top.value))
        return (*top.keys, top.key) if top.key is not None else top.keys

    def _place(self, event: yaml.Event, value: Any) -> None:
        """Put a value where the next one belongs, and remember where it stands."""
        keys = self._keys_of_next()
        if not self.stack:
            self.root = value
        elif isinstance(self.stack[-1].value, list):
            self.stack[-1].value.append(value)
        else:
            top = self.stack[-1]
            assert isinstance(top.value, dict)
            assert top.key is not None
            if not top.skipping:
                top.value[top.key] = value
            top.key, top.skipping = None, False
        self.places.setdefault(keys, _mark(event))  # a key given twice keeps its first value


def _mark(event: yaml.Event) -> tuple[int, int]:
    """The line and column, from 1, at which an event starts."""
    mark = event.start_mark
    assert mark is not None  # every event of a parser has one
    return mark.line + 1, mark.column + 1


def _size(value: Any) -> int:
    """How many values a value holds, itself included. Iterative: aliases make values of any depth."""
    pending, count = [value], 0
    while pending:
        item = pending.pop()
        count += 1
        if count > NODE_LIMIT:
            break
        pending.extend(
            item.values() if isinstance(item, dict) else item if isinstance(item, list) else ()
        )
    return count
