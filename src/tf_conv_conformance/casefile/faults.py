"""pydantic's errors as complaints: what is wrong, and what would be right."""

from __future__ import annotations

import difflib
from collections.abc import Mapping, Sequence
from typing import Any

from pydantic_core import ErrorDetails

from tf_conv_conformance.casefile.complaint import shown
from tf_conv_conformance.casefile.model import KNOWN, REFERENCES, CaseFile

_KINDS = {dict: "a mapping", list: "a list", bool: "true or false", int: "an integer", float: "a number", str: "text"}


def keys_of(error: ErrorDetails) -> tuple[str | int, ...]:
    """The key path of an error, without the tags of unions."""
    return tuple(key for key in error["loc"] if not (isinstance(key, str) and key.startswith("<")))


def nearest(name: str, known: Sequence[str]) -> str:
    """The known name that was probably meant, as a hint; all of them where none is near."""
    near = difflib.get_close_matches(name, known, n=1, cutoff=0.5)
    return f"did you mean {near[0]!r}?" if near else f"known here: {', '.join(known)}"


def message_of(error: ErrorDetails, keys: tuple[str | int, ...]) -> str:
    """One sentence about one fault."""
    kind, value = error["type"], error["input"]
    context: Mapping[str, Any] = error.get("ctx", {})
    if kind == "extra_forbidden":
        parents = [key for key in keys[:-1] if isinstance(key, str)]
        model = KNOWN.get(parents[-1], CaseFile) if parents else CaseFile
        return f"unknown key; {nearest(str(keys[-1]), list(model.model_fields))}"
    if kind == "union_tag_invalid":
        forms = " or ".join(_FORMS[tag] for tag in _FORMS if tag in context["expected_tags"])
        return f"{forms} belongs here, not {_described(value)}"
    if kind == "missing":
        return "is missing"
    if kind in ("int_type", "int_from_float"):
        return f"an integer belongs here, not {_described(value)}{_as_integer(value)}"
    if kind == "string_type" and keys[-1] in ("tensorflow", "keras"):
        return f'a version must be quoted, as in ">=2.12": unquoted, {shown(value)} is a number, and 2.10 is 2.1'
    if kind == "literal_error":
        return f"{shown(value)} is not one of {context['expected']}{_guess(value, context['expected'])}"
    if kind == "string_pattern_mismatch":
        return f"{shown(value)} {_pattern(str(value), context['pattern'])}"
    if kind.endswith("_type") and (wanted := _WANTED.get(kind)):
        return f"{wanted} belongs here, not {_described(value)}"
    if kind in ("greater_than_equal", "less_than_equal"):
        bound = "at least" if kind == "greater_than_equal" else "at most"
        return f"{shown(value)} is out of range; it must be {bound} {context.get('ge', context.get('le'))}"
    if kind == "too_short":
        return "must not be empty"
    if kind == "finite_number":
        return f"{shown(value)} is not a finite number"
    return error["msg"]


_FORMS = {"<scalar>": "a single value", "<list>": "a list", "<mapping>": "a mapping"}
_WANTED = {
    "dict_type": "a mapping", "model_type": "a mapping", "list_type": "a list", "string_type": "text", "bool_type": "true or false",
    "float_type": "a number", "model_attributes_type": "a mapping",
}  # fmt: skip


def _described(value: Any) -> str:
    return f"{_KINDS.get(type(value), 'this')} {shown(value)}" if not isinstance(value, dict) else "a mapping"


def _as_integer(value: Any) -> str:
    """How the integer that was probably meant is written."""
    if isinstance(value, float) and value.is_integer():
        return f"; write {int(value)}"
    if isinstance(value, str) and value.lstrip("+-").isdecimal():
        return f"; write {int(value)} without quotes"
    return ""


def _guess(value: Any, expected: str) -> str:
    choices = expected.replace(" or ", ", ").replace("'", "").split(", ")
    near = difflib.get_close_matches(str(value).upper(), [choice.upper() for choice in choices], n=1, cutoff=0.5)
    match = [choice for choice in choices if near and choice.upper() == near[0]]
    return f"; did you mean {match[0]!r}?" if match else ""


def _pattern(value: str, pattern: str) -> str:
    if value.startswith("$"):
        known = [f"${name}" for name in REFERENCES]
        return f"refers to nothing; {nearest(value, known)}"
    if "unreported" in pattern:
        return "is neither an address (https://…) nor `unreported`"
    return "may hold only letters, digits, `.`, `_` and `-`, and starts with a letter or a digit"
