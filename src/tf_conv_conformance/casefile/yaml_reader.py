"""Parse YAML text to plain values with their line and column.

Values are built from PyYAML's events, not by its constructors. So no tag can create an object, and
scalars follow YAML 1.2's core schema (``NO`` is a string, ``1e-3`` a number). Size, depth and the
expansion of aliases are limited.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

from tf_conv_conformance.casefile.diagnostic import (
    Diagnostic,
    Keys,
    UnreadableFileError,
    key_path,
    quote,
)
from tf_conv_conformance.casefile.source import Source

FILE_LIMIT = 4 * 2**20  # bytes of a file
DEPTH_LIMIT = 24  # levels of nested collections
NODE_LIMIT = 100_000  # keys and values, aliases expanded
DIGITS_LIMIT = 20  # of an integer; 2**63 has 19

_INTEGER = re.compile(r"[-+]?(0|[1-9][0-9]*)")
_LEADING_ZERO = re.compile(r"[-+]?0[0-9]+")
_OTHER_BASE = re.compile(r"[-+]?0[box][0-9a-fA-F_]+")
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?")
_SPECIAL_FLOAT = re.compile(r"[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)")
_CONSTANTS = {
    **dict.fromkeys(("null", "Null", "NULL", "~", ""), None),
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
}
_HINTS = {
    "could not find expected ':'": "a key is followed by a colon and a space, as in `strides: 2`",
    "found unexpected end of stream": "the quotation mark that opens here is not closed",
    "mapping values are not allowed in this context": "keys of a mapping start in the same column; "
    "a text that contains `: ` must be quoted",
    "did not find expected '-' indicator": "keys of a case start in the same column, after the "
    "dash",
    "did not find expected key": "keys of a mapping start in the same column",
    "did not find expected ',' or ']'": "the list that opens here is not closed, or lacks a comma",
    "did not find expected ',' or '}'": "the mapping that opens here is not closed, or lacks a "
    "comma",
}
# The parser reports these problems later than the place where they begin.
_NOTICED_LATE = (
    "could not find expected ':'",
    "found unexpected end of stream",
    "did not find expected ',' or ']'",
    "did not find expected ',' or '}'",
)


def read_text(path: Path) -> str:
    """Return the text of a case file.

    Raises :class:`UnreadableFileError` if it is too large or not UTF-8.
    """
    try:
        with path.open("rb") as file:
            data = file.read(FILE_LIMIT + 1)
    except OSError as error:
        raise _unreadable(1, 1, f"cannot be read: {error.strerror}") from error
    if len(data) > FILE_LIMIT:
        message = f"is larger than {FILE_LIMIT} bytes; split it into several files"
        raise _unreadable(1, 1, message)
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        before = data[: error.start]
        line, column = before.count(b"\n") + 1, error.start - before.rfind(b"\n")
        message = f"byte 0x{data[error.start]:02x} is not UTF-8; save the file as UTF-8"
        raise _unreadable(line, column, message) from error


def read_source(text: str) -> Source:
    """Return the values of a YAML text with their places.

    Raises :class:`UnreadableFileError` if the text is not one YAML document.
    """
    try:
        return _Reader(text).read()
    except yaml.MarkedYAMLError as error:
        problem = error.problem or "is not YAML"
        marks = [error.problem_mark, error.context_mark]
        mark = next(filter(None, reversed(marks) if problem in _NOTICED_LATE else marks), None)
        line, column = (mark.line + 1, mark.column + 1) if mark else (1, 1)
        hint = _hint(text, line, column, problem)
        raise _unreadable(line, column, f"not YAML: {problem}{hint}") from error
    except yaml.reader.ReaderError as error:
        before = text[: error.position]
        line, column = before.count("\n") + 1, len(before) - before.rfind("\n")
        message = f"not YAML: character {quote(error.character)} is not allowed"
        raise _unreadable(line, column, message) from error


def _unreadable(line: int, column: int, message: str) -> UnreadableFileError:
    return UnreadableFileError(Diagnostic(line, column, "", message))


def _hint(text: str, line: int, column: int, problem: str) -> str:
    """Return how to fix a common YAML mistake."""
    lines = text.splitlines()
    wrong = lines[line - 1] if line <= len(lines) else ""
    if re.search(r":\s*[>|][=\d.~]", wrong):
        return ' (a value that starts with > must be quoted: ">=2.12")'
    if "\t" in wrong[:column]:
        return " (YAML is indented with spaces, not with tabs)"
    if re.search(r":\s*[%@`*&!]", wrong):
        return " (a value that starts with a special character must be quoted)"
    return f" ({_HINTS[problem]})" if problem in _HINTS else ""


def scalar(text: str) -> Any:
    """Return the value of a plain scalar in YAML 1.2's core schema.

    Raises ValueError if YAML readers disagree about the value.
    """
    if text in _CONSTANTS:
        return _CONSTANTS[text]
    if _LEADING_ZERO.fullmatch(text):
        reason = "is octal to some readers and decimal to others"
        raise ValueError(f"{text} {reason}; write the number without the leading zero")
    if _OTHER_BASE.fullmatch(text):
        raise ValueError(f"{text}: write the number in decimal")
    if _INTEGER.fullmatch(text):
        if len(text) > DIGITS_LIMIT:
            message = f"a number of {len(text)} digits is out of range; {DIGITS_LIMIT} are the most"
            raise ValueError(message)
        return int(text)
    if _SPECIAL_FLOAT.fullmatch(text):
        return float(text.replace(".", ""))
    if not _FLOAT.fullmatch(text):
        return text
    if math.isinf(value := float(text)):
        raise ValueError(
            f"{text} is out of range; the largest number is 1.79e308, infinity is .inf"
        )
    return value


class _Reader:
    """Builds the values of one document by recursive descent, at most `DEPTH_LIMIT` deep."""

    def __init__(self, text: str) -> None:
        loader = getattr(yaml, "CLoader", yaml.Loader)
        self.events: Iterator[yaml.Event] = yaml.parse(text, Loader=loader)
        self.source = Source()
        self.anchors: dict[str, tuple[Any, int]] = {}  # a value, and how many nodes it holds
        self.nodes = 0

    def read(self) -> Source:
        next(self.events)  # the start of the stream
        if isinstance(next(self.events), yaml.DocumentStartEvent):
            self.source.value = self._value(next(self.events), ())
            next(self.events)  # the end of the document
            event = next(self.events)
            if isinstance(event, yaml.DocumentStartEvent):
                message = "contains a second document (---); a case file is a single document"
                raise _unreadable(*_place(event), message)
        return self.source

    def _value(self, event: Any, keys: Keys) -> Any:
        self.source.places.setdefault(keys, _place(event))  # the first place of a repeated key
        if isinstance(event, yaml.AliasEvent):
            return self._aliased(event)
        self._refuse_tag(event, keys)
        before = self.nodes
        self._count(event, 1)
        value: Any
        if isinstance(event, yaml.ScalarEvent):
            value = self._scalar(event, keys)
        elif len(keys) >= DEPTH_LIMIT:
            raise _unreadable(*_place(event), f"is nested deeper than {DEPTH_LIMIT} levels")
        elif isinstance(event, yaml.SequenceStartEvent):
            items = enumerate(self._events_until(yaml.SequenceEndEvent))
            value = [self._value(item, (*keys, index)) for index, item in items]
        else:
            value = self._mapping(keys)
        if event.anchor is not None:
            self.anchors[event.anchor] = value, self.nodes - before
        return value

    def _mapping(self, keys: Keys) -> dict[str, Any]:
        mapping: dict[str, Any] = {}
        for event in self._events_until(yaml.MappingEndEvent):
            if not isinstance(event, yaml.ScalarEvent):
                message = "a key must be a plain word, not a list or a mapping"
                raise _unreadable(*_place(event), message)
            self._count(event, 1)
            key = str(event.value)
            path = (*keys, key)
            self._refuse_tag(event, path)
            if key == "<<":
                self._fault(event, path, "<< (merge) is not part of YAML 1.2; use `defaults`")
            if key in mapping:
                line = self.source.key_places[path][0]
                message = f"the key {quote(key)} is already given in line {line}; keep one"
                self._fault(event, path, message)
            self.source.key_places.setdefault(path, _place(event))
            mapping.setdefault(key, self._value(next(self.events), path))
        return mapping

    def _scalar(self, event: yaml.ScalarEvent, keys: Keys) -> Any:
        value: Any = event.value
        if not event.implicit[0]:  # quoted, or a block
            return value
        try:
            value = scalar(event.value)
        except ValueError as error:
            self._fault(event, keys, str(error))
        if value is None and keys:
            self._fault(event, keys, "is empty (null); give a value, or remove the key")
        return value

    def _aliased(self, event: yaml.AliasEvent) -> Any:
        name = event.anchor
        if name not in self.anchors:
            message = f"*{name} has no anchor &{name} that is complete before it"
            raise _unreadable(*_place(event), message)
        value, nodes = self.anchors[name]
        self._count(event, nodes)
        return value

    def _events_until(self, end: type[yaml.Event]) -> Iterator[yaml.Event]:
        while not isinstance(event := next(self.events), end):
            yield event

    def _count(self, event: yaml.Event, nodes: int) -> None:
        self.nodes += nodes
        if self.nodes > NODE_LIMIT:
            message = f"has more than {NODE_LIMIT} values, aliases expanded"
            raise _unreadable(*_place(event), f"{message}; split it into several files")

    def _refuse_tag(self, event: Any, keys: Keys) -> None:
        if event.tag not in (None, "!"):
            message = f"tags are not used in case files; remove {quote(event.tag)}"
            self._fault(event, keys, message)

    def _fault(self, event: yaml.Event, keys: Keys, message: str) -> None:
        self.source.faults.append((keys, Diagnostic(*_place(event), key_path(keys), message)))


def _place(event: yaml.Event) -> tuple[int, int]:
    """Return the line and column, from 1, at which an event starts."""
    mark = event.start_mark
    assert mark is not None  # every event of a parser has one
    return mark.line + 1, mark.column + 1
