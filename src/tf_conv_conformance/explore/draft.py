"""Draft random cases that are valid, with sizes near the edges."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from random import Random
from typing import Any, TypeVar, get_args

from tf_conv_conformance.convolution.arguments import FORMATS
from tf_conv_conformance.convolution.entry_points import BY_OP, DEFAULTS, EntryPoint
from tf_conv_conformance.convolution.names import OPS, Held, Op, RelationName, Through
from tf_conv_conformance.prediction.rules.catalogue import RULES

Value = TypeVar("Value")
Pair = tuple[int, int]

EXPLICIT = frozenset(RULES["padding.amounts"].entry_points)
CAUSAL = frozenset(RULES["keras-conv1d.causal"].entry_points)
SIZES = range(1, 13)
LARGER = {(256, 256): 8, (1024, 1024): 1, (2**16, 0): 1, (0, 2**16): 1}
"""What is added to sizes now and then, so that kernels split their work."""
MULTIPLES = range(1, 6)
BESIDE = {0: 3, -1: 2, 1: 2}
NEAR = {"free": 3, "multiple": 4, "filter": 3}
FILTER = {1: 4, 2: 5, 3: 6, 4: 2, 5: 2, 7: 1}
STRIDE = {1: 8, 2: 6, 3: 3, 4: 2, 5: 1, 7: 1, 16: 1}
RATE = {1: 8, 2: 6, 3: 4, 4: 2, 5: 1, 8: 1}
CHANNELS = {1: 6, 2: 5, 3: 3, 4: 2, 8: 1}
OUT = {1: 5, 2: 5, 3: 2, 4: 1}
BATCH = {1: 6, 2: 3, 3: 1}
UPSTREAM = range(5)
SURROUNDINGS: tuple[RelationName, ...] = ("retraced", "threads")
"""Relations of a call to the same one in other surroundings."""
TRANSFORMATIONS, HELD = get_args(Through), get_args(Held)
UNKNOWN = ("batch", "height", "width", ["batch", "height", "width"], "filter", "rank")
AMOUNT = {0: 5, 1: 5, 2: 3, 3: 2, 7: 1}
DTYPE = {"float32": 6, "float64": 2, "half": 2, "bfloat16": 2}


@dataclass
class Draft:
    """A case that is being made: the keys of a YAML case without id and modes, and `random`.

    Values are drawn only with `Random.choices` and `Random.random`. Other methods of `Random` may
    draw differently in another version of Python, but a seed must give the same calls.
    """

    random: Random
    op: Op
    entry_point: EntryPoint
    channels_first: bool = False
    case: dict[str, Any] = field(default_factory=dict)

    @property
    def is_keras(self) -> bool:
        """Whether the entry point belongs to Keras."""
        return self.entry_point.is_keras

    @property
    def channel_place(self) -> int:
        """Return the index of the channels in a list of four."""
        return 1 if self.channels_first else 3

    def weighted(self, weights: Mapping[Value, int]) -> Value:
        """Return one of the keys at random, in proportion to their weights."""
        return self.random.choices(list(weights), list(weights.values()))[0]

    def choice(self, values: Sequence[Value]) -> Value:
        """Return one of the values at random."""
        return self.random.choices(values)[0]

    def one_in(self, count: int) -> bool:
        """Return True with a probability of 1 in `count`."""
        return self.random.random() * count < 1

    def spatial_place(self) -> int:
        """Return the index of height or width, at random, in a list of four."""
        return self.choice([2, 3] if self.channels_first else [1, 2])

    def in_four(self, pair: Sequence[int]) -> list[int]:
        """Return strides or dilations for height and width as a list of four."""
        return [1, 1, *pair] if self.channels_first else [1, *pair, 1]


def replaced(values: Sequence[Any], place: int, value: Any) -> list[Any]:
    """Return a copy of the values with another value at an index."""
    return [*values[:place], value, *values[place + 1 :]]


def draw_draft(random: Random) -> Draft:
    """Return a case without oddities."""
    op = random.choices(OPS)[0]
    weights = [8 if number == 0 else 2 for number in range(len(BY_OP[op]))]
    draft = Draft(random, op, random.choices(BY_OP[op], weights)[0])
    case = draft.case
    case |= {"op": op, "via": draft.entry_point.symbol, "dtype": draft.weighted(DTYPE)}
    takes_format = not draft.entry_point.needs_dilations
    draft.channels_first = takes_format and not draft.is_keras and draft.one_in(6)
    if draft.channels_first or (takes_format and draft.one_in(6)):
        case["data_format"] = "NCHW" if draft.channels_first else "NHWC"
    _add_shapes(draft)
    if draft.entry_point.computes is not None:
        _add_other_shapes(draft)
    elif draft.one_in(6):
        # A Keras layer holds its filter, so only the gradient of its input can be taken.
        case["gradient"] = "input" if draft.is_keras else draft.choice(["input", "filter"])
    if not draft.is_keras and draft.entry_point.computes is None and draft.one_in(12):
        case["through"] = draft.choice(TRANSFORMATIONS)
    elif not draft.is_keras and draft.one_in(16):
        case["variables"] = [draft.choice(HELD)]
    if draft.entry_point.computes is None and "through" not in case and draft.one_in(10):
        names = UNKNOWN[:-1] if draft.is_keras else UNKNOWN  # Keras takes no unknown rank
        case["unknown"] = draft.choice(names)
    if draft.one_in(8):
        case["data"] = ["reals"]
    if draft.one_in(16):
        case["relations"] = [draft.choice(SURROUNDINGS)]
    return draft


def drop_height(draft: Draft) -> None:
    """Take the height out of a case whose entry point has none."""
    if draft.entry_point.dimensions == 2:
        return
    case, from_end = draft.case, 2 if draft.channels_first else 3
    if len(case["input"]) >= from_end:
        case["input"] = _without(case["input"], len(case["input"]) - from_end)
    case["filter"] = case["filter"][1:]
    for key in ("strides", "dilations"):
        value = case.get(key)
        if isinstance(value, list) and len(value) in (2, 4):
            case[key] = _without(value, 0 if len(value) == 2 else 4 - from_end)
    if case.get("data_format") in FORMATS[2]:
        case["data_format"] = FORMATS[1][draft.channels_first]


def _without(values: Sequence[Any], place: int) -> list[Any]:
    """Return a copy of the values without the one at an index."""
    return [*values[:place], *values[place + 1 :]]


def _add_other_shapes(draft: Draft) -> None:
    """Give an entry point for gradients, now and then, shapes that do not fit."""
    if draft.one_in(6):
        draft.case["upstream"] = [draft.choice(UPSTREAM) for _ in range(draft.choice([3, 4, 4, 4]))]
    elif draft.one_in(12):
        draft.case["sizes"] = draft.case[draft.entry_point.computes or "input"][:-1]


def _add_shapes(draft: Draft) -> None:
    case = draft.case
    rates = _pair(draft, RATE)
    strides = (1, 1) if draft.entry_point.needs_dilations else _pair(draft, STRIDE)
    filters = (draft.weighted(FILTER), draft.weighted(FILTER))
    case["padding"] = _padding(draft)
    sizes = [_size(draft, filters[axis], rates[axis]) for axis in (0, 1)]
    if draft.one_in(100):
        more = draft.weighted(LARGER)
        sizes = [more[axis] + sizes[axis] for axis in (0, 1)]
    channels = draft.weighted(CHANNELS)
    inner = [channels, *sizes] if draft.channels_first else [*sizes, channels]
    case["input"] = [draft.weighted(BATCH), *inner]
    case["filter"] = [*filters, channels, draft.weighted(OUT)]
    case["strides"] = _strides(draft, strides)
    if max(rates) > 1 or draft.entry_point.needs_dilations or draft.one_in(2):
        case["dilations"] = _dilations(draft, rates)


def _pair(draft: Draft, weights: Mapping[int, int]) -> Pair:
    """Return numbers for height and width, which are mostly the same."""
    height = draft.weighted(weights)
    return height, draft.weighted(weights) if draft.one_in(3) else height


def _size(draft: Draft, filter_size: int, rate: int) -> int:
    """Return an input's size: small, near a multiple of the rate, or near the dilated filter."""
    near = draft.weighted(NEAR)
    if near == "free":
        return draft.choice(SIZES)
    multiple = rate * draft.choice(MULTIPLES)
    base = multiple if near == "multiple" else (filter_size - 1) * rate + 1
    return max(1, base + draft.weighted(BESIDE))


def _padding(draft: Draft) -> Any:
    if draft.entry_point not in EXPLICIT or draft.weighted({True: 3, False: 2}):
        return draft.choice(["SAME", "VALID", *["causal"] * (draft.entry_point in CAUSAL)])
    height, width = ([draft.weighted(AMOUNT), draft.weighted(AMOUNT)] for _ in range(2))
    none: list[int] = [0, 0]
    return [none, none, height, width] if draft.channels_first else [none, height, width, none]


def _strides(draft: Draft, pair: Pair) -> int | list[int]:
    equal = pair[0] == pair[1]
    if equal and draft.one_in(3):
        return pair[0]
    if (
        draft.is_keras
        or draft.entry_point.needs_dilations
        or draft.entry_point.counts_axes_by_filter
    ):
        return list(pair)
    if draft.entry_point is DEFAULTS["conv2d"] and draft.one_in(3):
        return [pair[0]] if equal else list(pair)
    return draft.in_four(pair)


def _dilations(draft: Draft, pair: Pair) -> int | list[int]:
    if draft.entry_point.needs_dilations:
        return pair[0]
    if draft.op == "depthwise_conv2d" and draft.entry_point.style != "raw op":
        return pair[0] if pair[0] == pair[1] and draft.one_in(3) else list(pair)
    return _strides(draft, pair)
