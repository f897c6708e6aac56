"""Turn pydantic's errors into messages that say what is wrong and how to fix it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from pydantic_core import ErrorDetails

from tf_conv_conformance.casefile.advice import near, nearest, unknown_key, unknown_word
from tf_conv_conformance.casefile.company_fields import EXAMPLE
from tf_conv_conformance.casefile.diagnostic import Keys, quote
from tf_conv_conformance.casefile.expectations import VERSIONED
from tf_conv_conformance.casefile.fields import REFERENCES
from tf_conv_conformance.casefile.model import model_at
from tf_conv_conformance.casefile.names import own_name

FEW = 4  # up to this many choices, the hint comes after the list
_PAIRS = "[[0, 0], [1, 1], [1, 1], [0, 0]]"
PADDING = f"SAME, VALID or a pair [before, after] for each dimension, such as {_PAIRS}"
_KINDS = {list: "the list ", int: "the integer ", float: "the number ", str: "the string "}
_FORMS = {"<scalar>": "a single value", "<list>": "a list", "<mapping>": "a mapping"}
_WANTED = {
    "dict_type": "a mapping",
    "model_type": "a mapping",
    "model_attributes_type": "a mapping",
    "list_type": "a list",
    "string_type": "text",
    "bool_type": "true or false",
    "float_type": "a number",
    "int_type": "an integer",
    "int_from_float": "an integer",
}
_TENSORS = {
    "input": "a shape such as [1, 24, 24, 3], or {shape, values}",
    "filter": "a shape such as [3, 3, 3, 8], or {shape, values}",
}
_WHEN = '{tensorflow: ">=2.12"}'
_EXAMPLES = {
    "cases": "{id: plain, op: conv2d}",
    "before": f"{{pad: {_PAIRS}}}",
    "after": EXAMPLE,
    "conv2d": "{filter: [1, 1, 8, 2], padding: SAME}",
    "depthwise_conv2d": "{filter: [3, 3, 8, 1], padding: SAME}",
    "sweep": "{strides: [1, 2]}",
    "where": "{strides: [2]}",
    "observed": "{model: phase_strided}",
    "expect": "{error: InvalidArgumentError} or {shape: [1, 4, 4, 8]}",
    "when": _WHEN,
    "requires": _WHEN,
    "deviations": "{rule: conv2d.values, observed: {model: documented}, reported: unreported}",
}
"""Examples of the mapping under a key, or in the list under it."""
_NAMES = {
    "error": "an exception such as InvalidArgumentError",
    "warning": "a warning such as UserWarning",
    "crash": "a signal such as SIGSEGV",
}
_SHAPE_TEXT = re.compile(r"[(\[]?\s*(\d+(?:\s*[,x×]\s*\d+)+)\s*,?\s*[)\]]?")
_NUMBER_TEXT = re.compile(r"\s*[+-]?\d{1,20}(\.\d+)?\s*")
_TRUE, _FALSE = ("yes", "on", "true"), ("no", "off", "false")


def keys_of(error: ErrorDetails) -> Keys:
    """Return the key path of an error, without the tags of unions."""
    return tuple(key for key in error["loc"] if not (isinstance(key, str) and key.startswith("<")))


def message_of(error: ErrorDetails, keys: Keys) -> str:
    """Return the message for an error, in one sentence."""
    kind, value = error["type"], error["input"]
    context: Mapping[str, Any] = error.get("ctx", {})
    if kind == "extra_forbidden":
        return unknown_key(keys)
    if kind == "missing":
        return f"is missing{_meaning(keys)}"
    if kind == "one_alternative":
        advice = f"write [{quote(value)}] if the whole list is one"
        return f"every item of this list is one alternative; {advice}"
    if kind == "unknown_name":
        return f"{quote(value)} is not {context['what']}; {_meant_name(str(value), context)}"
    return (
        _padding_message(kind, value, keys, context)
        or _word_message(kind, value, _key_of(keys), context)
        or _form_message(kind, value, keys, context)
        or _bound_message(kind, value, context)
        or error["msg"]
    )


def _key_of(keys: Keys) -> str:
    """Return the innermost key of a mapping. All items of a list have the same."""
    return next((key for key in reversed(keys) if isinstance(key, str)), "")


def _meaning(keys: Keys) -> str:
    field = model_at(keys).model_fields.get(str(keys[-1]))
    meaning = field.description if field else None
    return f": {meaning[0].lower()}{meaning[1:].rstrip('.')}" if meaning else ""


def _padding_message(kind: str, value: Any, keys: Keys, context: Mapping[str, Any]) -> str | None:
    is_word = kind == "literal_error" and "SAME" in context["expected"]
    if kind == "flat_padding" or (is_word and _key_of(keys) == "padding"):
        return f"expected {PADDING}; got {describe(value)}{_meant_padding(value)}"
    if kind == "list_type" and len(keys) > 1 and keys[-2] == "padding":
        return f"expected a pair [before, after]; got {describe(value)}"
    return None


def _meant_padding(value: Any) -> str:
    if isinstance(value, str):
        known = unknown_word(value, ("SAME", "VALID"))
        return known or f"; to pass the word on to TensorFlow, write {{verbatim: {value}}}"
    numbers = value if isinstance(value, list) else [value]
    if any(isinstance(number, bool) or not isinstance(number, int) for number in numbers):
        return ""
    if len(numbers) == 8:
        return f"; write {[numbers[first : first + 2] for first in range(0, 8, 2)]}"
    if len(numbers) in (1, 2):  # as PyTorch has it: the same before and after
        return f"; in NHWC that may be {[[0, 0], [numbers[0]] * 2, [numbers[-1]] * 2, [0, 0]]}"
    return ""


def _word_message(kind: str, value: Any, name: str, context: Mapping[str, Any]) -> str | None:
    """Return the message for a text that is not a known word or has the wrong form."""
    if kind == "string_type" and name in VERSIONED:
        got = f"{describe(value)}, and as a number 2.10 would be 2.1"
        return f'expected a version range in quotes, such as ">=2.12"; got {got}'
    if kind == "literal_error":
        return _unknown_choice(value, context["expected"], name)
    if kind in ("string_type", "string_pattern_mismatch") and name in _NAMES:
        return f"expected {_NAMES[name]}; got {describe(value)}"
    if kind == "string_pattern_mismatch":
        return f"{quote(value)} {_pattern(str(value), context['pattern'])}"
    return None


def _unknown_choice(value: Any, expected: str, name: str) -> str:
    """Return the message for a value that is not one of the choices.

    If there are many, the choice that was probably meant comes first.
    """
    choices = re.findall(r"'([^']*)'", expected)
    if len(choices) < 2:
        example = f" or a mapping such as {_EXAMPLES[name]}" if name in _EXAMPLES else ""
        wanted = "a size or unknown" if name == "static" else expected.strip("'").lower()
        return f"expected {wanted}{example}; got {describe(value)}"
    if isinstance(value, list):
        advice = f"write alternatives as `sweep: {{{name}: {quote(value)}}}`"
        return f"expected a single value; got {describe(value)}; {advice}"
    hint = unknown_word(value, choices)
    if len(choices) <= FEW:
        return f"{quote(value)} is not one of {expected}{hint}"
    if name == "after" and value == "pad":
        return f"pad belongs in `before`, as in before: {_EXAMPLES['before']}"
    if name in _EXAMPLES:
        choices.append(f"or {_EXAMPLES[name]}")
    known = " Known" if hint.endswith("?") else "; known"
    return f"{quote(value)} is unknown{hint}{known}: {', '.join(choices)}"


def _pattern(value: str, pattern: str) -> str:
    if value.startswith("$"):
        return f"refers to nothing; {nearest(value, [f'${name}' for name in REFERENCES])}"
    if "unreported" in pattern:
        return "is neither an address (https://…) nor `unreported`"
    if "(" in pattern:
        return "is not an operation, such as _FusedConv2D or _FusedConv2D(BiasAdd, Relu)"
    if not pattern.startswith("^[A-Za-z0-9]"):
        return "is not a single word, such as linux or avx2"
    right = re.sub(r"[^A-Za-z0-9._-]+", "-", value).strip("-._")
    characters = "may contain only letters, digits, `.`, `_` and `-`"
    allowed = f"{characters}, and must start with a letter or a digit"
    return f"{allowed}; write {quote(right)}" if right else allowed


def _meant_name(name: str, context: Mapping[str, Any]) -> str:
    """Return the name that was probably meant, or how to write a class of another package."""
    if (found := near(own_name(name), context["known"])) is not None:
        return f"did you mean {found!r}?"
    if context["what"] == "a signal":
        return "expected one such as SIGSEGV"
    return "write a class of another package with its module, as in absl.app.UsageError"


def _form_message(kind: str, value: Any, keys: Keys, context: Mapping[str, Any]) -> str | None:
    """Return the message for a value of the wrong kind for its key."""
    name = _key_of(keys)
    if kind == "union_tag_invalid":
        forms = " or ".join(_FORMS[tag] for tag in _FORMS if tag in context["expected_tags"])
        rewritten = _rewritten_shape(value)
        if name in _EXAMPLES:
            forms += f" such as {_EXAMPLES[name]}"
        return f"expected {_TENSORS.get(name, forms)}; got {describe(value)}{rewritten}"
    wanted = _WANTED.get(kind)
    if wanted is None:
        return None
    has_example = wanted == "a mapping" and name in _EXAMPLES
    example = f" such as {_EXAMPLES[name]}" if has_example else ""
    got = f"{describe(value)}{_meant_value(kind, value, keys)}"
    return f"expected {wanted}{example}; got {got}"


def _meant_value(kind: str, value: Any, keys: Keys) -> str:
    if kind == "list_type":
        return _meant_list(value, keys)
    if kind.startswith("int"):
        if isinstance(value, float) and value.is_integer():
            return f"; write {int(value)}"
        if value in REFERENCES:
            return f"; write ${value}"
        if value == "None":
            return "; a size must be known here"
    is_text = kind in ("int_type", "float_type") and isinstance(value, str)
    if is_text and _NUMBER_TEXT.fullmatch(value):
        return f"; write {value.strip()} without quotes"
    word = str(value).lower()
    if kind == "bool_type" and word in (*_TRUE, *_FALSE):
        return f"; write {'true' if word in _TRUE else 'false'}"
    if kind == "string_type" and isinstance(value, int | float) and not isinstance(value, bool):
        return f'; write "{quote(value)}" in quotes'
    return _rewritten_shape(value)


def _meant_list(value: Any, keys: Keys) -> str:
    if len(keys) > 1 and keys[-2] in ("sweep", "where"):
        return f"; write a list of alternatives, such as [{quote(value)}]"
    if isinstance(value, dict):
        return "; start each item with a dash"
    if (rewritten := _rewritten_shape(value)) or value is None:
        return rewritten
    return "; write a list as [1, 2]" if str(value)[0:1] == "(" else f"; write [{str(value)[:60]}]"


def _rewritten_shape(value: Any) -> str:
    """Return a shape that was written as text, such as (1, 24, 24, 3), as a list."""
    found = _SHAPE_TEXT.fullmatch(value.strip()) if isinstance(value, str) else None
    return f"; write [{', '.join(re.findall(r'[0-9]+', found[1]))}]" if found else ""


def _bound_message(kind: str, value: Any, context: Mapping[str, Any]) -> str | None:
    """Return the message for a value that is too small, too large, too short or too long."""
    if kind == "greater_than_equal":
        return f"{quote(value)} is out of range; it must be at least {context['ge']}"
    if kind == "less_than_equal":
        return f"{quote(value)} is out of range; it must be at most {context['le']}"
    if kind == "too_short":
        is_empty = context["actual_length"] == 0
        return "must not be empty" if is_empty else f"must have {context['min_length']} items"
    if kind == "too_long":
        return f"has {context['actual_length']} items; the limit is {context['max_length']}"
    return None


def describe(value: Any) -> str:
    """Return a value with its kind, in the terms of YAML."""
    if value is None:
        return "nothing (null)"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, dict):
        return "a mapping"
    return f"{_KINDS.get(type(value), '')}{quote(value)}"
