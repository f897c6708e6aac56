"""Decodes the lines of a record file, and says what is wrong with one that does not fit its type.

A record file is untrusted: msgspec checks types and closed sets of words while it decodes, without
building what it then refuses.
"""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Iterator
from contextlib import suppress
from typing import Any, Literal, get_args, get_origin

import msgspec
from typing_extensions import get_type_hints, is_typeddict

from tf_conv_conformance import ConformanceError
from tf_conv_conformance.records.schema import LINES, EndLine

SHOWN = 60  # characters of a value in a message


class LineError(ConformanceError):
    """The line is not one of a record file; the message says what was expected."""


class Head(msgspec.Struct):
    """What is read of a line first: its type, and the version if it is a header."""

    type: Any = None
    schema: Any = None


_NOT_JSON = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)
_HEAD = msgspec.json.Decoder(Head)
_DECODERS = {kind: msgspec.json.Decoder[Any](record) for kind, record in LINES.items()}


def head(text: bytes) -> Head:
    """Return the type of a line. Raises :class:`LineError` if it is not a JSON object."""
    try:
        return _HEAD.decode(text)
    except msgspec.ValidationError:
        raise LineError(f"expected an object with a type, got {shown(plain(text))}") from None
    except _NOT_JSON as error:
        raise _not_json(text, error) from None


def decode(text: bytes, kind: str) -> Any:
    """Return a line of a type of :data:`LINES`. Raises :class:`LineError` if it is none."""
    try:
        line = _DECODERS[kind].decode(text)
    except msgspec.ValidationError as error:
        raise LineError(_explained(str(error), kind, plain(text))) from None
    except _NOT_JSON as error:
        raise _not_json(text, error) from None
    if kind == "end":
        check_keys(line)
    return line


def shown(value: object) -> str:
    """Return a value as it stands in the file, shortened."""
    kinds: dict[type, str] = {str: "the string ", dict: "the object ", list: "the list "}
    text = json.dumps(value, ensure_ascii=False)
    return kinds.get(type(value), "") + (text if len(text) <= SHOWN else text[:SHOWN] + "…")


def plain(text: bytes) -> Any:
    """Return a line as plain values. Raises :class:`LineError` if it is not JSON.

    A line may be found wrong in a place before the one that is not JSON.
    """
    try:
        return msgspec.json.decode(text)
    except _NOT_JSON as error:
        raise _not_json(text, error) from None


def _not_json(text: bytes, error: Exception) -> LineError:
    if text.startswith(b"\x1f\x8b"):
        return LineError("expected a JSON object, got compressed data")
    if not text.strip():
        return LineError("expected a JSON object, got an empty line")
    if isinstance(error, RecursionError):
        return LineError("expected a JSON object, got one with too many levels of nesting")
    start = shown(text[: 2 * SHOWN].rstrip(b"\n").decode("utf-8", "backslashreplace"))
    return LineError(f"expected a JSON object, got {start}: {error}")


_MESSAGE = re.compile(r"(?P<what>.*?)(?: - at `\$(?P<place>.*)`)?")
_EXPECTED = re.compile(r"Expected `(?P<types>.*?)`(?P<bound> [<>]= \S+)?(?:, got `(?P<got>.*)`)?")
_MISSING = re.compile(r"Object missing required field `(?P<name>.*)`")
_TYPES = {
    "str": "a string",
    "int": "an integer",
    "float": "a number",
    "bool": "true or false",
    "null": "null",
    "object": "an object",
    "array": "a list",
}


def _explained(error: str, kind: str, line: Any) -> str:
    """Return a message of msgspec in the form of this suite: the place, expected, got."""
    message = _MESSAGE.fullmatch(error)
    what, place = message.group("what", "place") if message else (error, None)
    place = place or ""
    if missing := _MISSING.fullmatch(what):
        return f"{kind}{place}.{missing['name']}: expected a value, got nothing"
    if what.startswith("Invalid enum value"):
        wanted = ", ".join(sorted(_words(kind, place)))
    elif expected := _EXPECTED.fullmatch(what):
        types = [_TYPES.get(name, name) for name in expected["types"].split(" | ")]
        wanted = " or ".join(types) + (expected["bound"] or "")
    else:
        wanted = what
    return f"{kind}{place}: expected {wanted}, got {shown(_value_at(line, place))}"


def _value_at(line: Any, place: str) -> Any:
    """Return the value at a place such as ``.arguments.padding[0][1]``.

    If a key is repeated, the place may be in another value than the one that is kept.
    """
    with suppress(LookupError, TypeError):
        for name, number in re.findall(r"\.(\w+)|\[(\d+)\]", place):
            line = line[name] if name else line[int(number)]
    return line


def _words(kind: str, place: str) -> Iterator[str]:
    """Yield the words that a place may hold."""
    hint: Any = LINES[kind]
    for name in re.findall(r"\.(\w+)", place):
        record = next(part for part in _parts(hint) if is_typeddict(part))
        hint = get_type_hints(record)[name]
    for part in _parts(hint):
        yield from get_args(part) if get_origin(part) is Literal else ()


def _parts(hint: Any) -> Iterator[Any]:
    """Yield a type, and those that it is made of."""
    yield hint
    if get_origin(hint) is not Literal:
        for inner in get_args(hint):
            yield from _parts(inner)


_OBSERVED = (("shape", "dtype"), ("error", "message"), ("ended", "output"))
_DISTRIBUTION = (("precision",), ("precision", "exponents"), ("limit", "odd"))


def check_keys(line: EndLine) -> None:
    """Raise :class:`LineError` if an object in an end has keys that do not go together.

    Python has no type for an object with one of several sets of keys that msgspec can decode.
    """
    for number, arm in enumerate(line["data"]):
        tensors = {"input": arm["input"], "filter": arm["filter"], "upstream": arm.get("upstream")}
        for name, drawn in tensors.items():
            if drawn is not None and not any(drawn.keys() == {*keys} for keys in _DISTRIBUTION):
                raise _other_keys(f"end.data[{number}].{name}", drawn, _DISTRIBUTION)
    observed = line.get("observed")
    if observed is not None and not any(observed.keys() >= {*keys} for keys in _OBSERVED):
        raise _other_keys("end.observed", observed, _OBSERVED)


def _other_keys(place: str, value: object, choices: Collection[Collection[str]]) -> LineError:
    expected = ", or ".join(" and ".join(keys) for keys in choices)
    return LineError(f"{place}: expected an object with {expected}; got {shown(value)}")
