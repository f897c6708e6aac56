"""pydantic's errors as diagnostics: what is wrong, and what would be right."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from pydantic_core import ErrorDetails

from tf_conv_conformance.casefile.advice import near, nearest, unknown_key, unknown_word
from tf_conv_conformance.casefile.diagnostic import Keys, quote
from tf_conv_conformance.casefile.fields import REFERENCES
from tf_conv_conformance.casefile.model import model_at
from tf_conv_conformance.casefile.names import own_name

PADDING = "SAME, VALID or a pair [before, after] for each dimension, such as [[0, 0], [1, 1], [1, 1], [0, 0]]"
_KINDS = {
    dict: "a mapping",
    list: "the list",
    bool: "",
    int: "the integer",
    float: "the number",
    str: "the string",
}
_FORMS = {"<scalar>": "a single value", "<list>": "a list", "<mapping>": "a mapping"}
_WANTED = {
    "dict_type": "a mapping", "model_type": "a mapping", "model_attributes_type": "a mapping", "list_type": "a list",
    "string_type": "text", "bool_type": "true or false", "float_type": "a number", "int_type": "an integer",
    "int_from_float": "an integer",
}  # fmt: skip
_TENSORS = {
    "input": "a shape such as [1, 24, 24, 3], or {shape, values}", "filter": "a shape such as [3, 3, 3, 8], or {shape, values}",
}  # fmt: skip
_EXAMPLES = {
    "cases": "{id: plain, op: conv2d}", "sweep": "{strides: [1, 2]}", "where": "{strides: [2]}", "observed": "{model: phase_strided}",
    "expect": "{error: InvalidArgumentError} or {shape: [1, 4, 4, 8]}",
    "when": '{tensorflow: ">=2.12"}', "requires": '{tensorflow: ">=2.12"}',
    "deviations": "{rule: conv2d.values, observed: {model: documented}, reported: unreported}",
}  # fmt: skip
"""What a mapping under a key, or in the list under it, looks like."""
_NAMES = {
    "error": "an exception such as InvalidArgumentError", "warning": "a warning such as UserWarning", "crash": "a signal such as SIGSEGV",
}  # fmt: skip
_SHAPE_TEXT = re.compile(r"[(\[]?\s*(\d+(?:\s*[,x×]\s*\d+)+)\s*,?\s*[)\]]?")
FEW = 4  # choices that are listed before the one that was probably meant


def keys_of(error: ErrorDetails) -> Keys:
    """Return the key path of an error, without the tags of unions."""
    return tuple(key for key in error["loc"] if not (isinstance(key, str) and key.startswith("<")))


def message_of(error: ErrorDetails, keys: Keys) -> str:
    """Return one sentence about one fault."""
    kind, value = error["type"], error["input"]
    context: Mapping[str, Any] = error.get("ctx", {})
    name = next((key for key in reversed(keys) if isinstance(key, str)), "")
    if kind == "extra_forbidden":
        return unknown_key(keys)
    if kind == "missing":
        return f"is missing{_meaning(keys)}"
    if kind == "flat_padding" or (name == "padding" and _takes_pairs(kind, context)):
        return f"expected {PADDING}; got {describe(value)}{_meant_padding(value)}"
    if kind == "list_type" and len(keys) > 1 and keys[-2] == "padding":
        return f"expected a pair [before, after]; got {describe(value)}"
    if kind == "one_alternative":
        return f"every item of this list is one alternative; write [{quote(value)}] if the whole list is one"
    if kind == "string_type" and name in ("tensorflow", "keras"):
        return f'expected a version range in quotes, such as ">=2.12"; got {describe(value)}, which would read 2.10 as 2.1'
    if kind == "literal_error":
        return _unknown_word(value, context["expected"], name)
    if name in _NAMES and kind in ("string_type", "string_pattern_mismatch"):
        return f"expected {_NAMES[name]}; got {describe(value)}"
    if kind == "string_pattern_mismatch":
        return f"{quote(value)} {_pattern(str(value), context['pattern'])}"
    if kind == "union_tag_invalid":
        forms = " or ".join(_FORMS[tag] for tag in _FORMS if tag in context["expected_tags"])
        return f"expected {_TENSORS.get(name, forms)}; got {describe(value)}{_rewritten(value)}"
    if kind == "unknown_name":
        return f"{quote(value)} is no {context['what']}; {_named(str(value), context)}"
    if kind in _WANTED:
        example = (
            f" such as {_EXAMPLES[name]}"
            if _WANTED[kind] == "a mapping" and name in _EXAMPLES
            else ""
        )
        return (
            f"expected {_WANTED[kind]}{example}; got {describe(value)}{_meant(kind, value, keys)}"
        )
    return _bound(kind, value, context) or error["msg"]


def _bound(kind: str, value: Any, context: Mapping[str, Any]) -> str | None:
    """Return what is said of a value that is too small, too large, too short or too long."""
    if kind in ("greater_than_equal", "less_than_equal"):
        bound = "at least" if kind == "greater_than_equal" else "at most"
        return f"{quote(value)} is out of range; it must be {bound} {context.get('ge', context.get('le'))}"
    if kind == "too_short":
        return (
            "must not be empty"
            if context["actual_length"] == 0
            else f"must have {context['min_length']} items"
        )
    if kind == "too_long":
        return f"has {context['actual_length']} items; {context['max_length']} is the limit"
    return None


def _meaning(keys: Keys) -> str:
    """Return what a missing key is for."""
    field = model_at(keys).model_fields.get(str(keys[-1]))
    meaning = field.description if field else None
    return f": {meaning[0].lower()}{meaning[1:].rstrip('.')}" if meaning else ""


def _takes_pairs(kind: str, context: Mapping[str, Any]) -> bool:
    """Whether a fault is about the words that stand beside explicit padding."""
    return kind == "literal_error" and "SAME" in context["expected"]


def _meant_padding(value: Any) -> str:
    """Return how the padding that was probably meant is written."""
    if isinstance(value, str):
        known = unknown_word(value, ("SAME", "VALID"))
        return known or f"; to pass the word on to TensorFlow as it is, write {{verbatim: {value}}}"
    numbers = value if isinstance(value, list) else [value]
    if any(isinstance(number, bool) or not isinstance(number, int) for number in numbers):
        return ""
    if len(numbers) == 8:
        return f"; write {[numbers[first : first + 2] for first in range(0, 8, 2)]}"
    if len(numbers) in (1, 2):  # as PyTorch has it: the same before and after
        return f"; in NHWC that may be {[[0, 0], [numbers[0]] * 2, [numbers[-1]] * 2, [0, 0]]}"
    return ""


def describe(value: Any) -> str:
    """Return a value with its kind, as YAML has it."""
    if value is None or isinstance(value, bool):
        return "nothing (null)" if value is None else str(value).lower()
    return (
        "a mapping"
        if isinstance(value, dict)
        else f"{_KINDS.get(type(value), '')} {quote(value)}".lstrip()
    )


def _meant(kind: str, value: Any, keys: Keys) -> str:
    """Return how the value that was probably meant is written."""
    if kind.startswith("int"):
        if isinstance(value, float) and value.is_integer():
            return f"; write {int(value)}"
        if value in REFERENCES:
            return f"; write ${value}"
        if value == "None":
            return "; a size must be known here"
    number = (
        kind in ("int_type", "float_type")
        and isinstance(value, str)
        and re.fullmatch(r"\s*[+-]?\d{1,20}(\.\d+)?\s*", value)
    )
    if number:
        return f"; write {number[0].strip()} without quotes"
    if kind == "bool_type" and str(value).lower() in ("yes", "on", "true", "no", "off", "false"):
        return f"; write {str(str(value).lower() in ('yes', 'on', 'true')).lower()}"
    if kind == "string_type" and isinstance(value, int | float) and not isinstance(value, bool):
        return f'; write "{quote(value)}" in quotes'
    if kind == "list_type" and len(keys) > 1 and keys[-2] in ("sweep", "where"):
        return f"; write a list of alternatives, such as [{quote(value)}]"
    if kind == "list_type" and isinstance(value, dict):
        return "; start each item with a dash"
    rewritten = _rewritten(value)
    if kind == "list_type" and not rewritten and value is not None:
        return (
            "; write a list as [1, 2]"
            if str(value).startswith("(")
            else f"; write [{str(value)[:60]}]"
        )
    return rewritten


def _rewritten(value: Any) -> str:
    """Return a shape that was written as text, such as (1, 24, 24, 3), as a list."""
    found = _SHAPE_TEXT.fullmatch(value.strip()) if isinstance(value, str) else None
    return f"; write [{', '.join(re.findall(r'[0-9]+', found[1]))}]" if found else ""


def _named(name: str, context: Mapping[str, Any]) -> str:
    """Return the name that was probably meant, or how a class of another package is written."""
    found = near(own_name(name), context["known"])
    other = (
        ""
        if context["what"] == "signal"
        else "one of another package has its module in front, as in absl.app.UsageError"
    )
    return f"did you mean {found!r}?" if found else other or "expected one such as SIGSEGV"


def _unknown_word(value: Any, expected: str, name: str) -> str:
    """Return what is said of a value that is none of the choices: the one that was meant first, if they are many."""
    choices = re.findall(r"'([^']*)'", expected)
    if len(choices) < 2:
        example = f" or a mapping such as {_EXAMPLES[name]}" if name in _EXAMPLES else ""
        return f"expected {expected.strip(chr(39)).lower()}{example}; got {describe(value)}"
    if isinstance(value, list):
        return f"expected a single value; got {describe(value)}; write alternatives as `sweep: {{{name}: {quote(value)}}}`"
    hint = unknown_word(value, choices)
    if len(choices) <= FEW:
        return f"{quote(value)} is not one of {expected}{hint}"
    return f"{quote(value)} is unknown{hint}{' K' if hint.endswith('?') else '; k'}nown: {', '.join(choices)}"


def _pattern(value: str, pattern: str) -> str:
    if value.startswith("$"):
        return f"refers to nothing; {nearest(value, [f'${name}' for name in REFERENCES])}"
    if "unreported" in pattern:
        return "is neither an address (https://…) nor `unreported`"
    if not pattern.startswith("^[A-Za-z0-9]"):
        return "is not a single word, such as linux or avx2"
    right = re.sub(r"[^A-Za-z0-9._-]+", "-", value).strip("-._")
    allowed = (
        "may hold only letters, digits, `.`, `_` and `-`, and must start with a letter or a digit"
    )
    return f"{allowed}; write {quote(right)}" if right else allowed
