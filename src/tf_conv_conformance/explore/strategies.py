"""Hypothesis strategies of calls, as the mappings of YAML cases: mostly right, with an oddity or two, and sizes around the edges.

What the documentation of an entry point says nothing about is not asked of it: a dtype, say, where no rule names the dtypes.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

from hypothesis import strategies as st

from tf_conv_conformance.convolution.names import DOORS, DTYPES, OPS, Door, Op
from tf_conv_conformance.prediction.rules.catalogue import RULES

VERSION = 1
"""Of what is drawn from a seed: raised when a strategy changes."""
Draw = Callable[[st.SearchStrategy[Any]], Any]
Case = dict[str, Any]


def weighted(weights: Mapping[Any, int]) -> st.SearchStrategy[Any]:
    """One of the keys, as often as its weight says."""
    return st.sampled_from([value for value, weight in weights.items() for _ in range(weight)])


def _named(name: str) -> frozenset[Door]:
    """The entry points that have a rule of this name."""
    return frozenset(
        door for rule in RULES.values() if rule.id.partition(".")[2] == name for door in rule.doors
    )


DOOR = {
    op: weighted({door: 8 if number == 0 else 2 for number, door in enumerate(doors)})
    for op, doors in DOORS.items()
}
ATROUS = "tf.nn.atrous_conv2d"
RANKED, FILTER_RANKED, TYPED = _named("input-rank"), _named("filter-rank"), _named("input-dtype")
OUTER_STRIDED, OUTER_DILATED = (
    _named("unit-batch-and-channel-strides"),
    _named("unit-batch-and-depth-dilations"),
)
EXPLICIT = frozenset(RULES["padding.amounts"].doors)
SEVERAL_BATCHES = _named("outer-batch-dimensions")
FLOATS = ("float32", "float64", "half", "bfloat16")
ODD_DTYPES = tuple(dtype for dtype in DTYPES if dtype not in (*FLOATS, "float16"))

SIZE = st.sampled_from(range(1, 13))
MULTIPLE = st.sampled_from(range(1, 6))
BESIDE = weighted({0: 3, -1: 2, 1: 2})
NEAR = weighted({"free": 3, "multiple": 4, "filter": 3})
FILTER = weighted({1: 4, 2: 5, 3: 6, 4: 2, 5: 2, 7: 1})
STRIDE = weighted({1: 8, 2: 6, 3: 3, 4: 2, 5: 1, 7: 1, 16: 1})
RATE = weighted({1: 8, 2: 6, 3: 4, 4: 2, 5: 1, 8: 1})
CHANNELS = weighted({1: 6, 2: 5, 3: 3, 4: 2, 8: 1})
OUT = weighted({1: 5, 2: 5, 3: 2, 4: 1})
BATCH = weighted({1: 6, 2: 3, 3: 1})
HUGE = weighted(
    {
        100: 4,
        1000: 4,
        46341: 3,
        65536: 2,
        2**30: 1,
        2**31 - 1: 1,
        2**31: 1,
        2**32: 1,
        2**32 + 1: 1,
        2**63 - 1: 1,
    }
)
NOT_POSITIVE = st.sampled_from([0, -1, -2, -(2**31), -(2**63)])
AMOUNT = weighted({0: 5, 1: 5, 2: 3, 3: 2, 7: 1})
YES_1_IN = {count: weighted({False: count - 1, True: 1}) for count in (2, 3, 4, 6, 8)}
COUNT = weighted({0: 9, 1: 9, 2: 2})
"""How many oddities a call has."""
STRANGE = st.sampled_from([0.0, -0.0, float("inf"), float("-inf"), float("nan")])
SCALE = weighted({1.0: 4, 2.0**-149: 2, 2.0**-126: 1, 2.0**110: 1})
"""Of float32: plain, subnormal, the smallest normal number, large but for no partial sum too large. One for a tensor: sums stay exact."""
LITERALS = 400
"""Elements of a tensor whose values are written out, at most."""
MILD = st.sampled_from([1.0, 2.0, -1.0, 3.0, -2.0])


@st.composite
def cases(draw: Draw) -> Case:
    """A case without id and modes. Its keys go through the reader of case files like any other's."""
    op: Op = draw(st.sampled_from(OPS))
    door: Door = draw(DOOR[op])
    case: Case = {
        "op": op,
        "via": door,
        "dtype": draw(weighted({"float32": 6, "float64": 2, "half": 2, "bfloat16": 2})),
    }
    first = ".keras." not in door and door != ATROUS and draw(YES_1_IN[6])
    if first or (door != ATROUS and draw(YES_1_IN[6])):
        case["data_format"] = "NCHW" if first else "NHWC"
    rates, strides = _pair(draw, RATE), (1, 1) if door == ATROUS else _pair(draw, STRIDE)
    filters = (draw(FILTER), draw(FILTER))
    case["padding"] = _padding(draw, door, first)
    sizes = tuple(_size(draw, filters[axis], rates[axis]) for axis in (0, 1))
    channels = draw(CHANNELS)
    case["input"] = _laid_out(first, [draw(BATCH)], sizes, channels)
    case["filter"] = [*filters, channels, draw(OUT)]
    case["strides"] = _written(draw, door, strides, first)
    if max(rates) > 1 or door == ATROUS or draw(YES_1_IN[2]):
        case["dilations"] = _written_rates(draw, door, rates, first)
    if draw(YES_1_IN[6]):
        case["gradient"] = (
            draw(st.sampled_from(["input", "filter"])) if ".keras." not in door else "input"
        )  # a layer holds its filter
    if draw(YES_1_IN[8]):
        case["data"] = ["reals"]
    oddities = [draw(ODDITY) for _ in range(draw(COUNT))]
    for oddity in sorted(oddities, key=lambda one: one is _literal):  # the others change shapes
        oddity(draw, case, door, first)
    usual = {"via": DOORS[op][0], "dtype": "float32"}
    return {key: value for key, value in case.items() if usual.get(key) != value}


def _pair(draw: Draw, one: st.SearchStrategy[int]) -> tuple[int, int]:
    """A number for height and width: the same, more often than not."""
    height = draw(one)
    return height, draw(one) if draw(YES_1_IN[3]) else height


def _size(draw: Draw, filter_size: int, rate: int) -> int:
    """An input's size: anything small, near a multiple of the rate, or near the dilated filter."""
    near = draw(NEAR)
    if near == "free":
        return int(draw(SIZE))
    base = rate * draw(MULTIPLE) if near == "multiple" else (filter_size - 1) * rate + 1
    return max(1, base + int(draw(BESIDE)))


def _laid_out(first: bool, batch: list[int], sizes: tuple[int, ...], channels: int) -> list[int]:
    return [*batch, channels, *sizes] if first else [*batch, *sizes, channels]


def _padding(draw: Draw, door: Door, first: bool) -> Any:
    if door not in EXPLICIT or draw(weighted({True: 3, False: 2})):
        return draw(st.sampled_from(["SAME", "VALID"]))
    spatial = [[draw(AMOUNT), draw(AMOUNT)] for _ in range(2)]
    return [[0, 0], [0, 0], *spatial] if first else [[0, 0], *spatial, [0, 0]]


def _written(draw: Draw, door: Door, pair: tuple[int, int], first: bool) -> Any:
    """Strides in one of the forms that the entry point documents."""
    if pair[0] == pair[1] and draw(YES_1_IN[3]):
        return pair[0]
    if ".keras." in door or door in (ATROUS, "tf.nn.convolution"):
        return list(pair)
    if door == DOORS["conv2d"][0] and draw(YES_1_IN[3]):
        return [pair[0]] if pair[0] == pair[1] else list(pair)
    return [1, 1, *pair] if first else [1, *pair, 1]


def _written_rates(draw: Draw, door: Door, pair: tuple[int, int], first: bool) -> Any:
    """Dilations in one of the forms that the entry point documents."""
    if door == ATROUS:
        return pair[0]
    if door in DOORS["depthwise_conv2d"] and ".raw_ops." not in door:
        return pair[0] if pair[0] == pair[1] and draw(YES_1_IN[3]) else list(pair)
    return _written(draw, door, pair, first)


Oddity = Callable[[Draw, Case, Door, bool], None]
"""Makes something odd of a case, as far as the entry point's documentation speaks of it."""


def _place(draw: Draw, first: bool) -> int:
    """Where height or width stands in a list of four."""
    return int(draw(st.sampled_from([2, 3] if first else [1, 2])))


def _four(value: Any, first: bool) -> list[int]:
    """Strides or dilations as a list of four."""
    pair = (
        value
        if isinstance(value, list) and len(value) == 2
        else [value, value]
        if isinstance(value, int)
        else value * 2
    )
    return (
        value
        if isinstance(value, list) and len(value) == 4
        else [1, 1, *pair]
        if first
        else [1, *pair, 1]
    )


def _put(draw: Draw, case: Case, key: str, first: bool, number: int) -> None:
    """A number in the place of one of the spatial strides or dilations, or of both."""
    given = case.get(key, 1)
    if isinstance(given, int) or len(given) < 2:
        case[key] = number if isinstance(given, int) else [number]
    else:
        place = _place(draw, first) if len(given) == 4 else draw(st.sampled_from([0, 1]))
        case[key] = [number if index == place else item for index, item in enumerate(given)]
        if len(given) == 4 and draw(YES_1_IN[2]):
            case[key] = [1, 1, number, number] if first else [1, number, number, 1]


def _no_batch(draw: Draw, case: Case, door: Door, first: bool) -> None:
    case["input"] = [0, *case["input"][1:]]


def _no_size(draw: Draw, case: Case, door: Door, first: bool) -> None:
    if len(case["input"]) == 4:
        place = _place(draw, first)
        case["input"] = [0 if index == place else size for index, size in enumerate(case["input"])]


def _no_channels(draw: Draw, case: Case, door: Door, first: bool) -> None:
    if ".keras." not in door and len(case["input"]) == len(case["filter"]) == 4:
        case["input"] = [
            0 if index == (1 if first else 3) else size for index, size in enumerate(case["input"])
        ]
        case["filter"] = [*case["filter"][:2], 0, *case["filter"][3:]]


def _empty_filter(draw: Draw, case: Case, door: Door, first: bool) -> None:
    place = draw(st.sampled_from([0, 1, 3]))
    if ".keras." not in door:
        case["filter"] = [
            0 if index == place else size for index, size in enumerate(case["filter"])
        ]


def _large_filter(draw: Draw, case: Case, door: Door, first: bool) -> None:
    case["filter"] = [draw(st.sampled_from([8, 9, 15])), *case["filter"][1:]]


def _rank(draw: Draw, case: Case, door: Door, first: bool) -> None:
    shape = case["input"]
    if door in RANKED and len(shape) == 4:
        longer = door in SEVERAL_BATCHES and draw(weighted({True: 7, False: 1}))
        case["input"] = (
            [draw(BATCH), *shape]
            if longer
            else draw(st.sampled_from([shape[1:], [2, *shape], shape[1:3], []]))
        )


def _filter_rank(draw: Draw, case: Case, door: Door, first: bool) -> None:
    if door in FILTER_RANKED:
        case["filter"] = draw(
            st.sampled_from([case["filter"][:3], [*case["filter"], 1], case["filter"][:2]])
        )


def _channels(draw: Draw, case: Case, door: Door, first: bool) -> None:
    """Groups, which fit or do not."""
    groups, out = draw(st.sampled_from([(2, 2), (2, 4), (3, 3), (2, 3), (4, 4)]))
    place = 1 if first else 3
    if len(case["input"]) == len(case["filter"]) == 4 and case["filter"][2]:
        case["input"] = [
            size * groups if index == place else size for index, size in enumerate(case["input"])
        ]
        case["filter"] = [*case["filter"][:3], out]
        if ".keras." not in door and draw(YES_1_IN[4]):
            case["filter"][2] += 1


def _not_positive(draw: Draw, case: Case, door: Door, first: bool) -> None:
    key = draw(st.sampled_from(["strides", "dilations"]))
    if ".keras." not in door and (key, door) != ("strides", ATROUS):
        _put(draw, case, key, first, draw(NOT_POSITIVE))


def _huge(draw: Draw, case: Case, door: Door, first: bool) -> None:
    key = draw(st.sampled_from(["strides", "dilations"]))
    if (key, door) != ("strides", ATROUS):
        _put(draw, case, key, first, draw(HUGE))


def _length(draw: Draw, case: Case, door: Door, first: bool) -> None:
    key = draw(st.sampled_from(["strides", "dilations"]))
    if door != ATROUS:
        numbers = [draw(weighted({1: 2, 2: 1}))] * draw(st.sampled_from([0, 1, 2, 3, 4, 5]))
        case[key] = draw(
            st.sampled_from([numbers, numbers, {"verbatim": draw(weighted({1: 1, 2: 1}))}])
        )


def _outer(draw: Draw, case: Case, door: Door, first: bool) -> None:
    """A stride or a dilation of batch or channels."""
    key, spoken_of = draw(
        st.sampled_from([("strides", OUTER_STRIDED), ("dilations", OUTER_DILATED)])
    )
    given = case.get(key, 1)
    if (
        door in spoken_of
        and not isinstance(given, dict)
        and (isinstance(given, int) or 0 < len(given) in (1, 2, 4))
    ):
        place, number = (
            draw(st.sampled_from([0, 1 if first else 3])),
            draw(weighted({2: 3, 3: 1, 0: 1, -1: 1})),
        )
        case[key] = [
            number if index == place else item for index, item in enumerate(_four(given, first))
        ]


def _padding_word(draw: Draw, case: Case, door: Door, first: bool) -> None:
    words = (
        ["FULL", "same", ""] if ".raw_ops." in door else ["FULL", "same", "", "EXPLICIT"]
    )  # which is a word of the raw operators
    case["padding"] = {"verbatim": draw(st.sampled_from(words))}
    if ".keras." in door and case["padding"]["verbatim"] == "same":
        case["padding"] = "SAME"  # a Keras layer documents the small letters


def _padding_form(draw: Draw, case: Case, door: Door, first: bool) -> None:
    pairs = (
        case["padding"] if isinstance(case["padding"], list) else [[0, 0], [1, 1], [0, 1], [0, 0]]
    )
    case["padding"] = draw(
        st.sampled_from([pairs[:3], [*pairs, [0, 0]], [pair[:1] for pair in pairs], []])
    )


def _padding_amount(draw: Draw, case: Case, door: Door, first: bool) -> None:
    """A negative amount, one as large as the input, or one that no int holds."""
    if door in EXPLICIT:
        place, side = _place(draw, first), draw(st.sampled_from([0, 1]))
        pairs = [[0, 0] for _ in range(4)]
        pairs[place][side] = draw(
            weighted(
                {-1: 4, -3: 2, 12: 4, 40: 2, 2**31 - 1: 1, 2**31: 1, 2**63 - 1: 1, -(2**63): 1}
            )
        )
        case["padding"] = pairs


def _padding_outer(draw: Draw, case: Case, door: Door, first: bool) -> None:
    if door in EXPLICIT:
        pairs = (
            [list(pair) for pair in case["padding"]]
            if isinstance(case["padding"], list)
            else [[0, 0] for _ in range(4)]
        )
        place = draw(st.sampled_from([0, 1 if first else 3]))
        if len(pairs) == 4:
            pairs[place] = draw(st.sampled_from([[1, 0], [0, 1], [2, 2]]))
            case["padding"] = pairs


def _format(draw: Draw, case: Case, door: Door, first: bool) -> None:
    if door in _FORMATTED:
        case["data_format"] = {
            "verbatim": draw(st.sampled_from(["NHCW", "nhwc", "HWNC", "NCHW_VECT_C", ""]))
        }


def _dtype(draw: Draw, case: Case, door: Door, first: bool) -> None:
    if door in TYPED:
        case["dtype"] = draw(st.sampled_from(ODD_DTYPES))
        case.pop("data", None)


def _filter_dtype(draw: Draw, case: Case, door: Door, first: bool) -> None:
    if door in _FILTER_TYPED:
        case["filter_dtype"] = draw(
            weighted({**dict.fromkeys(FLOATS, 3), "int32": 1, "complex64": 1})
        )


def _literal(draw: Draw, case: Case, door: Door, first: bool) -> None:
    """A small tensor with values that are not plain: NaN, infinities, signed zeros; or all of them subnormal, or large."""
    name = draw(st.sampled_from(["input", "filter"]))
    shape = case[name]
    count = math.prod(shape) if isinstance(shape, list) else 0  # it may have values already
    if 0 < count <= LITERALS and case["dtype"] in FLOATS:
        scale = draw(SCALE) if case["dtype"] == "float32" else 1.0
        mild = [draw(MILD) * scale for _ in range(3)]
        values = [mild[index % 3] for index in range(count)]
        values[draw(st.sampled_from([0, -1]))] = draw(STRANGE)
        case[name] = {"shape": shape, "values": values}
        case.pop("data", None)


_FORMATTED, _FILTER_TYPED = _named("data-format"), _named("filter-dtype")
_WEIGHTS: dict[Oddity, int] = {
    _no_batch: 2, _no_size: 3, _no_channels: 2, _empty_filter: 3, _large_filter: 4, _rank: 5, _filter_rank: 2, _channels: 6,
    _not_positive: 4, _huge: 3, _length: 5, _outer: 4, _padding_word: 2, _padding_form: 2, _padding_amount: 4, _padding_outer: 3,
    _format: 2, _dtype: 4, _filter_dtype: 3, _literal: 5,
}  # fmt: skip
ODDITY: st.SearchStrategy[Oddity] = weighted(_WEIGHTS)
