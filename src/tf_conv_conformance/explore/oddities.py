"""Make a case odd: empty tensors, wrong ranks, huge numbers, unknown words, special values.

An oddity leaves a case unchanged if the documentation of its entry point does not cover it. For
example, an entry point without a rule about dtypes gets only the usual dtypes.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from tf_conv_conformance.convolution.entry_points import EntryPoint
from tf_conv_conformance.convolution.names import DTYPES
from tf_conv_conformance.explore.draft import BATCH, EXPLICIT, Draft, replaced
from tf_conv_conformance.prediction.rules.catalogue import RULES

Oddity = Callable[[Draft], None]


def _with_rule(rule_name: str) -> frozenset[EntryPoint]:
    """Return the entry points that have a rule with this name."""
    named = (rule for rule in RULES.values() if rule.id.partition(".")[2] == rule_name)
    return frozenset(entry_point for rule in named for entry_point in rule.entry_points)


RANKED, FILTER_RANKED = _with_rule("input-rank"), _with_rule("filter-rank")
TYPED, FILTER_TYPED = _with_rule("input-dtype"), _with_rule("filter-dtype")
FORMATTED = _with_rule("data-format")
SEVERAL_BATCHES = _with_rule("outer-batch-dimensions")
OUTER = {
    "strides": _with_rule("unit-batch-and-channel-strides"),
    "dilations": _with_rule("unit-batch-and-depth-dilations"),
}
FLOATS = ("float32", "float64", "half", "bfloat16")
ODD_DTYPES = tuple(dtype for dtype in DTYPES if dtype not in (*FLOATS, "float16"))
FILTER_DTYPE = {**dict.fromkeys(FLOATS, 3), "int32": 1, "complex64": 1}
GROUPS = ((2, 2), (2, 4), (3, 3), (2, 3), (4, 4))
NOT_POSITIVE = (0, -1, -2, -(2**31), -(2**63))
HUGE = {100: 4, 1000: 4, 46341: 3, 65536: 2} | dict.fromkeys(
    (2**30, 2**31 - 1, 2**31, 2**32, 2**32 + 1, 2**63 - 1), 1
)
ODD_AMOUNT = {-1: 4, -3: 2, 12: 4, 40: 2} | dict.fromkeys(
    (2**31 - 1, 2**31, 2**63 - 1, -(2**63)), 1
)
LITERALS = 400  # a tensor with literal values has at most this many elements
MILD = (1.0, 2.0, -1.0, 3.0, -2.0)
STRANGE = (0.0, -0.0, float("inf"), float("-inf"), float("nan"))
# Factors for float32 values: none, subnormal, the smallest normal number, and large without
# overflow in any partial sum. A tensor has one factor, so that its sums stay exact.
SCALE = {1.0: 4, 2.0**-149: 2, 2.0**-126: 1, 2.0**110: 1}


def _set_spatial(draft: Draft, key: str, number: int) -> None:
    """Set a stride or dilation of height or width, or both, to a number."""
    given = draft.case.get(key, 1)
    if isinstance(given, int):
        draft.case[key] = number
    elif len(given) < 2:
        draft.case[key] = [number]
    elif len(given) == 4 and draft.one_in(2):
        draft.case[key] = draft.in_four([number, number])
    else:
        place = draft.spatial_place() if len(given) == 4 else draft.choice([0, 1])
        draft.case[key] = replaced(given, place, number)


def _number_key(draft: Draft) -> str:
    """Choose whether strides or dilations become odd. atrous_conv2d has no strides."""
    key = draft.choice(["strides", "dilations"])
    return "dilations" if draft.entry_point.needs_dilations else key


def _no_batch(draft: Draft) -> None:
    draft.case["input"] = [0, *draft.case["input"][1:]]


def _no_size(draft: Draft) -> None:
    if len(draft.case["input"]) == 4:
        draft.case["input"] = replaced(draft.case["input"], draft.spatial_place(), 0)


def _no_channels(draft: Draft) -> None:
    case = draft.case
    if not draft.is_keras and len(case["input"]) == len(case["filter"]) == 4:
        case["input"] = replaced(case["input"], draft.channel_place, 0)
        case["filter"] = replaced(case["filter"], 2, 0)


def _empty_filter(draft: Draft) -> None:
    place = draft.choice([0, 1, 3])
    if not draft.is_keras and place < len(draft.case["filter"]):
        draft.case["filter"] = replaced(draft.case["filter"], place, 0)


def _large_filter(draft: Draft) -> None:
    draft.case["filter"] = replaced(draft.case["filter"], 0, draft.choice([8, 9, 15]))


def _rank(draft: Draft) -> None:
    shape = draft.case["input"]
    if draft.entry_point not in RANKED or len(shape) != 4:
        return
    if draft.entry_point in SEVERAL_BATCHES and not draft.one_in(8):
        draft.case["input"] = [draft.weighted(BATCH), *shape]
    else:
        draft.case["input"] = draft.choice([shape[1:], [2, *shape], shape[1:3], []])


def _filter_rank(draft: Draft) -> None:
    shape = draft.case["filter"]
    if draft.entry_point in FILTER_RANKED:
        draft.case["filter"] = draft.choice([shape[:3], [*shape, 1], shape[:2]])


def _channels(draft: Draft) -> None:
    """Make groups of channels, which may or may not fit."""
    case, place = draft.case, draft.channel_place
    if len(case["input"]) != 4 or len(case["filter"]) != 4 or not case["filter"][2]:
        return
    groups, out = draft.choice(GROUPS)
    case["input"] = replaced(case["input"], place, case["input"][place] * groups)
    misfit = not draft.is_keras and draft.one_in(4)
    case["filter"] = [*case["filter"][:2], case["filter"][2] + misfit, out]


def _not_positive(draft: Draft) -> None:
    if not draft.is_keras:
        _set_spatial(draft, _number_key(draft), draft.choice(NOT_POSITIVE))


def _huge(draft: Draft) -> None:
    _set_spatial(draft, _number_key(draft), draft.weighted(HUGE))


def _length(draft: Draft) -> None:
    if draft.entry_point.needs_dilations:
        return
    number = draft.weighted({1: 2, 2: 1})
    numbers = [number] * draft.choice(range(6))
    draft.case[_number_key(draft)] = {"verbatim": number} if draft.one_in(3) else numbers


def _outer(draft: Draft) -> None:
    key = draft.choice(list(OUTER))
    given = draft.case.get(key, 1)
    if draft.entry_point not in OUTER[key] or isinstance(given, dict):
        return
    numbers = [given] if isinstance(given, int) else given
    if len(numbers) not in (1, 2, 4):
        return
    four = numbers if len(numbers) == 4 else draft.in_four(numbers * (2 // len(numbers)))
    place = draft.choice([0, draft.channel_place])
    draft.case[key] = replaced(four, place, draft.weighted({2: 3, 3: 1, 0: 1, -1: 1}))


def _padding_word(draft: Draft) -> None:
    words = ["FULL", "same", ""]
    if draft.entry_point.style != "raw op":
        words.append("EXPLICIT")  # a word that only the raw operators know
    word = draft.choice(words)
    known = draft.is_keras and word == "same"  # Keras documents lower case
    draft.case["padding"] = "SAME" if known else {"verbatim": word}


def _padding_form(draft: Draft) -> None:
    given = draft.case["padding"]
    pairs = given if isinstance(given, list) else [[0, 0], [1, 1], [0, 1], [0, 0]]
    forms = [pairs[:3], [*pairs, [0, 0]], [pair[:1] for pair in pairs], []]
    draft.case["padding"] = draft.choice(forms)


def _padding_amount(draft: Draft) -> None:
    """Set an amount that is negative, as large as the input, or too large for an int."""
    if draft.entry_point in EXPLICIT:
        pair = replaced([0, 0], draft.choice([0, 1]), draft.weighted(ODD_AMOUNT))
        draft.case["padding"] = replaced([[0, 0]] * 4, draft.spatial_place(), pair)


def _padding_outer(draft: Draft) -> None:
    given = draft.case["padding"]
    pairs = given if isinstance(given, list) else [[0, 0]] * 4
    if draft.entry_point in EXPLICIT and len(pairs) == 4:
        place = draft.choice([0, draft.channel_place])
        draft.case["padding"] = replaced(pairs, place, draft.choice([[1, 0], [0, 1], [2, 2]]))


def _data_format(draft: Draft) -> None:
    if draft.entry_point in FORMATTED:
        word = draft.choice(["NHCW", "nhwc", "HWNC", "NCHW_VECT_C", ""])
        draft.case["data_format"] = {"verbatim": word}


def _dtype(draft: Draft) -> None:
    if draft.entry_point in TYPED:
        draft.case["dtype"] = draft.choice(ODD_DTYPES)
        draft.case.pop("data", None)


def _filter_dtype(draft: Draft) -> None:
    if draft.entry_point in FILTER_TYPED:
        draft.case["filter_dtype"] = draft.weighted(FILTER_DTYPE)


def literal_values(draft: Draft) -> None:
    """Give a small tensor literal values, one of them special and others perhaps extreme."""
    case, name = draft.case, draft.choice(["input", "filter"])
    shape: Any = case[name]
    count = math.prod(shape) if isinstance(shape, list) else 0  # a mapping already has values
    if not 0 < count <= LITERALS or case["dtype"] not in FLOATS:
        return
    scale = draft.weighted(SCALE) if case["dtype"] == "float32" else 1.0
    mild = [draft.choice(MILD) * scale for _ in range(3)]
    values = [mild[index % 3] for index in range(count)]
    values[draft.choice([0, -1])] = draft.choice(STRANGE)
    case[name] = {"shape": shape, "values": values}
    case.pop("data", None)


ODDITIES: dict[Oddity, int] = {
    _no_batch: 2,
    _no_size: 3,
    _no_channels: 2,
    _empty_filter: 3,
    _large_filter: 4,
    _rank: 5,
    _filter_rank: 2,
    _channels: 6,
    _not_positive: 4,
    _huge: 3,
    _length: 5,
    _outer: 4,
    _padding_word: 2,
    _padding_form: 2,
    _padding_amount: 4,
    _padding_outer: 3,
    _data_format: 2,
    _dtype: 4,
    _filter_dtype: 3,
    literal_values: 5,
}
"""The oddities with their weights."""
