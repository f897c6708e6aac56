"""Pydantic types for the values of a case file.

The kind of a YAML value selects the member of a union, so a mistake gives only one diagnostic,
about the form that was meant.
"""

from __future__ import annotations

import datetime
from collections.abc import Sequence
from difflib import get_close_matches
from typing import Annotated, Any, Literal, TypeVar

import regex
from packaging.specifiers import InvalidSpecifier, SpecifierSet
from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Discriminator,
    Field,
    StringConstraints,
    Tag,
)
from pydantic_core import PydanticCustomError
from typing_extensions import TypeAliasType

from tf_conv_conformance.casefile.names import ERRORS, SIGNALS, WARNINGS, is_known
from tf_conv_conformance.convolution.instruction_sets import INSTRUCTION_SETS, is_within, terms
from tf_conv_conformance.convolution.names import CpuFlag, Dtype, Lost, Mode

BACKENDS = ("tensorflow", "jax", "torch", "numpy", "openvino")
"""The backends of Keras, by the values of KERAS_BACKEND."""
REFERENCES = ("batch", "height", "width", "in_channels")
TEXT_LIMIT = 2**20  # characters of notes
Item = TypeVar("Item")


class Strict(BaseModel):
    """The base of all models: frozen, without conversions, and without unknown keys."""

    model_config = ConfigDict(
        extra="forbid", strict=True, frozen=True, use_attribute_docstrings=True
    )


def kind(value: Any) -> str:
    """Return the tag of a YAML value in a union. Angle brackets keep it out of key paths."""
    if isinstance(value, dict | Strict):
        return "<mapping>"
    return "<list>" if isinstance(value, list | tuple) else "<scalar>"


BY_KIND = Discriminator(kind)
SCALAR, LIST, MAPPING = Tag("<scalar>"), Tag("<list>"), Tag("<mapping>")


def as_list(value: Any) -> Any:
    """Return a value that may be a list as one."""
    return value if isinstance(value, list) else [value]


def distinct(value: Any) -> Any:
    """Return a value that may be a list as one. Refuse a list that has an item twice."""
    items = as_list(value)
    seen = set[Any]()
    for item in items:
        if item in seen:
            raise PydanticCustomError("twice", "{item} is listed twice; keep one", {"item": item})
        seen.add(item)
    return items


def _version_range(text: str) -> str:
    try:
        SpecifierSet(text)
    except InvalidSpecifier as error:
        is_version = regex.fullmatch(r"\d+(\.\d+)*", text)
        right = f'"=={text}.*" or ">={text}"' if is_version else '">=2.12,<2.22"'
        message = "{text} is not a version range; write one such as {right}"
        context = {"text": repr(text), "right": right}
        raise PydanticCustomError("version", message, context) from error
    return text


def _isa_range(text: str) -> str:
    try:
        terms(text)
    except ValueError as error:
        name = str(error).lstrip("<>=! ").lower()
        right = (get_close_matches(name, INSTRUCTION_SETS, 1) or ["avx512_core"])[0]
        message = "{text} is not a range of instruction sets; write one such as {right}"
        context = {"text": repr(text), "right": f'">={right}"'}
        raise PydanticCustomError("version", message, context) from error
    if not any(is_within(one, text) for one in INSTRUCTION_SETS):
        message = "no instruction set is in the range {text}"
        raise PydanticCustomError("version", message, {"text": repr(text)})
    return text


def _backend(text: str) -> str:
    """Check the name of a backend, perhaps with a range of its versions: jax, torch>=2.4."""
    found = regex.fullmatch(rf"({'|'.join(BACKENDS)})\b\s*(.*)", text)
    if found is None:
        message = "{text} is not a backend of Keras; write {known}, or one with versions: {right}"
        context = {"text": repr(text), "known": " or ".join(BACKENDS), "right": '"jax>=0.5"'}
        raise PydanticCustomError("version", message, context)
    _version_range(found[2])
    return text


def _regular_expression(text: str) -> str:
    try:
        regex.compile(text)
    except regex.error as error:
        message = "is not a regular expression: {why}"
        raise PydanticCustomError("pattern", message, {"why": str(error)}) from error
    return text


def _date(text: str) -> str:
    try:
        datetime.date.fromisoformat(text)
    except ValueError as error:
        message = "{text} is not a date; write it as 2027-01-31"
        raise PydanticCustomError("date", message, {"text": repr(text)}) from error
    return text


def _name_of(what: str, known: Sequence[str]) -> AfterValidator:
    """Return a validator that refuses unknown names. It accepts any name with a module."""

    def check(name: str) -> str:
        if is_known(name, known):
            return name
        raise PydanticCustomError("unknown_name", "{what}", {"what": what, "known": list(known)})

    return AfterValidator(check)


def _nested(value: Any) -> Any:
    """Refuse a list without inner lists, with one error rather than one for each item."""
    if isinstance(value, list) and value and not any(isinstance(item, list) for item in value):
        raise PydanticCustomError("flat_padding", "is a list of single values")
    return value


def alternatives(depth: int) -> BeforeValidator:
    """Return a validator that refuses a single alternative, which is a list of this depth."""

    def check(value: Any) -> Any:
        levels, item = 0, value
        while isinstance(item, list) and item:
            levels, item = levels + 1, item[0]
        if levels == depth and isinstance(item, int | str):
            raise PydanticCustomError("one_alternative", "is one alternative")
        return value

    return BeforeValidator(check)


def _size_kind(value: Any) -> str:
    return "<reference>" if isinstance(value, str) and value.startswith("$") else "<size>"


Int = Annotated[int, Field(ge=-(2**63), le=2**63 - 1)]
Ints = Annotated[list[Int], Field(max_length=8)]
Pairs = Annotated[list[Ints], Field(max_length=8), BeforeValidator(_nested)]
Size = Annotated[int, Field(ge=0, le=2**31)]
Shape = Annotated[list[Size], Field(max_length=8)]
Reference = Annotated[str, StringConstraints(pattern=rf"^\$({'|'.join(REFERENCES)})$")]
SizeOrReference = Annotated[
    Annotated[Size, Tag("<size>")] | Annotated[Reference, Tag("<reference>")],
    Discriminator(_size_kind),
]
Number = float  # includes .inf and .nan
# Numbers in nested lists. A flat list is valid if a shape is given.
Values = TypeAliasType(
    "Values", "Annotated[Annotated[Number, SCALAR] | Annotated[list[Values], LIST], BY_KIND]"
)
OneOrMore = Annotated[
    Annotated[Item, SCALAR] | Annotated[list[Item], Field(min_length=1), LIST],
    BY_KIND,
    AfterValidator(distinct),
]
AnyNumberOf = Annotated[
    Annotated[Item, SCALAR] | Annotated[list[Item], LIST], BY_KIND, AfterValidator(distinct)
]
Text = Annotated[str, Field(max_length=TEXT_LIMIT)]
Texts = AnyNumberOf[Text]
Word = Annotated[str, StringConstraints(pattern=r"^[A-Za-z_][A-Za-z0-9_.]*$", max_length=100)]
ErrorName = Annotated[Word, _name_of("an exception of Python or TensorFlow", ERRORS)]
WarningName = Annotated[Word, _name_of("a Python warning", WARNINGS)]
SignalName = Annotated[Word, _name_of("a signal", SIGNALS)]
OperationText = Annotated[
    str,
    StringConstraints(pattern=r"^[A-Za-z_][A-Za-z0-9_]*(\([A-Za-z0-9_, ]+\))?$", max_length=200),
]
Identifier = Annotated[
    str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$", max_length=100)
]
Pattern = Annotated[str, Field(max_length=500), AfterValidator(_regular_expression)]
VersionRange = Annotated[str, AfterValidator(_version_range)]
IsaRange = Annotated[str, Field(max_length=100), AfterValidator(_isa_range)]
Backend = Annotated[str, Field(max_length=100), AfterValidator(_backend)]
Date = Annotated[str, AfterValidator(_date)]
DtypeName = Literal["half", Dtype]
Exceptions = OneOrMore[ErrorName]
Signals = OneOrMore[SignalName]
Modes = OneOrMore[Mode]
CpuFlags = OneOrMore[CpuFlag]
LostSizes = OneOrMore[Lost]
StaticSize = Annotated[
    Annotated[Size, Tag("<size>")] | Annotated[Literal["unknown"], Tag("<word>")],
    Discriminator(lambda value: "<word>" if isinstance(value, str) else "<size>"),
]
StaticSizes = Annotated[list[StaticSize], Field(max_length=8)]
Arms = OneOrMore[Literal["small_integers", "wide_integers", "reals"]]
