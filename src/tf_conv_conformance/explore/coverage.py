"""Which classes of the argument space the calls fell in, and which pairs of classes of two dimensions were never met."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from itertools import combinations
from typing import Any

from tf_conv_conformance.casefile.call import Call
from tf_conv_conformance.convolution.arguments import (
    Arguments,
    IntOrInts,
    channels_first,
    interpret,
    outer,
    spatial,
)
from tf_conv_conformance.convolution.names import DTYPES, MODES, SYMBOLS
from tf_conv_conformance.explore.edges import INT32, LARGE, edges

Classify = Callable[[Arguments], str]
_LARGE_NUMBERS = ("101 to 32767", "32768 to 2**31 - 1", "2**31 or more")
NUMBERS = (
    "not given",
    "1",
    "2",
    "3 to 100",
    *_LARGE_NUMBERS,
    "unequal",
    "outer",
    "0 or less",
    "length",
)


def _number(value: IntOrInts | None, first: bool) -> str:
    if value is None:
        return "not given"
    pair = spatial(value, first)
    if pair is None:
        return "length"
    if min(pair) < 1:
        return "0 or less"
    if outer(value, first) != (1, 1):
        return "outer"
    largest = max(pair)
    for name, below in (
        ("2**31 or more", INT32),
        ("32768 to 2**31 - 1", LARGE),
        ("101 to 32767", 101),
    ):
        if largest >= below:
            return name
    return (
        "unequal"
        if pair[0] != pair[1]
        else "1"
        if largest == 1
        else "2"
        if largest == 2
        else "3 to 100"
    )


def _padding(arguments: Arguments) -> str:
    if isinstance(arguments.padding, str):
        return arguments.padding if arguments.padding in ("SAME", "VALID") else "another word"
    found = edges(arguments)
    kinds = {
        "padding of another form": "another form",
        "negative padding": "negative",
        "padding of batch or channels": "outer",
        "padding out of int32": "large",
        "large padding": "large",
    }
    return next((kind for edge, kind in kinds.items() if edge in found), "explicit")


def _reach(arguments: Arguments) -> str:
    """How the dilated filter compares with its input."""
    interpretation = interpret(arguments)
    if interpretation is None:
        return "no meaning"
    room = min(
        axis.size - axis.dilated_filter for axis in (interpretation.height, interpretation.width)
    )
    return "smaller" if room > 0 else "equal" if room == 0 else "larger"


def _multiple(arguments: Arguments) -> str:
    """How the input's size compares with multiples of a rate above 1."""
    interpretation = interpret(arguments)
    axes = (
        [axis for axis in (interpretation.height, interpretation.width) if axis.rate > 1]
        if interpretation is not None
        else []
    )
    if not axes:
        return "no rate"
    rests = {axis.size % axis.rate for axis in axes}
    if rests == {0}:
        return "a multiple"
    if 1 in rests:
        return "one above"
    return (
        "one below" if any(axis.size % axis.rate == axis.rate - 1 for axis in axes) else "between"
    )


def _empty(arguments: Arguments) -> str:
    found = edges(arguments)
    names = (
        "no batch",
        "no height or width",
        "no channels",
        "empty filter",
        "no result channels",
        "no result",
        "empty result",
    )
    return next((name for name in names if name in found), "nothing empty")


def _channels(arguments: Arguments) -> str:
    found = edges(arguments)
    return (
        "groups"
        if "groups" in found
        else "do not fit"
        if "channels that do not fit" in found
        else "fit"
    )


def _rank(arguments: Arguments) -> str:
    if len(arguments.filter.shape) != 4:
        return "filter not 4"
    return (
        {True: "below 4", False: "above 4"}[len(arguments.input.shape) < 4]
        if len(arguments.input.shape) != 4
        else "4"
    )


def _data(arguments: Arguments) -> str:
    values = (arguments.input.values or ()) + (arguments.filter.values or ())
    if values:
        return "literal" if all(map(math.isfinite, values)) else "not finite"
    return "reals" if "reals" in arguments.data else "integers"


def _filter_dtype(arguments: Arguments) -> str:
    return "the input's" if arguments.filter_dtype in (None, arguments.dtype) else "another"


DIMENSIONS: dict[str, tuple[tuple[str, ...], Classify]] = {
    "entry point": (tuple(symbol.removeprefix("tf.") for symbol in SYMBOLS), lambda a: a.entry_point.symbol.removeprefix("tf.")),
    "mode": (MODES, lambda a: ""),
    "dtype": (tuple(DTYPES), lambda a: a.dtype),
    "filter's dtype": (("the input's", "another"), _filter_dtype),
    "padding": (("SAME", "VALID", "explicit", "outer", "negative", "large", "another form", "another word"), _padding),
    "strides": (NUMBERS[1:], lambda a: _number(a.strides, channels_first(a))),
    "rates": (NUMBERS, lambda a: _number(a.dilations, channels_first(a))),
    "data format": (("not given", "NHWC", "NCHW", "another word"), lambda a: {None: "not given", "NHWC": "NHWC", "NCHW": "NCHW"}.get(
        a.data_format, "another word")),
    "gradient": (("none", "input", "filter"), lambda a: a.gradient or "none"),
    "filter against input": (("smaller", "equal", "larger", "no meaning"), _reach),
    "size against rate": (("no rate", "a multiple", "one above", "one below", "between"), _multiple),
    "emptiness": (("nothing empty", "no batch", "no height or width", "no channels", "empty filter", "no result channels", "no result",
                   "empty result"), _empty),
    "channels": (("fit", "groups", "do not fit"), _channels),
    "rank": (("4", "below 4", "above 4", "filter not 4"), _rank),
    "data": (("integers", "reals", "literal", "not finite"), _data),
}  # fmt: skip
"""The dimensions of the argument space: the classes of each, and the class of a call; that of the mode is the call's own."""
LETTERS = "abcdefghijklmnopqrstuvwxyz"


def code(call: Call) -> str:
    """The classes of a call, a letter for each dimension."""
    found = []
    for name, (classes, classify) in DIMENSIONS.items():
        found.append(
            LETTERS[classes.index(call.mode if name == "mode" else classify(call.arguments))]
        )
    return "".join(found)


@dataclass
class Coverage:
    """How many calls fell in each combination of classes."""

    codes: Counter[str] = field(default_factory=Counter)

    def add(self, codes: Mapping[str, int]) -> None:
        """Count calls by their codes."""
        self.codes.update(codes)

    def classes(self) -> dict[str, dict[str, int]]:
        """By dimension: how many calls fell in each class."""
        found = {name: dict.fromkeys(classes, 0) for name, (classes, _) in DIMENSIONS.items()}
        for letters, count in self.codes.items():
            for (name, (classes, _)), letter in zip(DIMENSIONS.items(), letters, strict=True):
                found[name][classes[LETTERS.index(letter)]] += count
        return found

    def never(self) -> dict[tuple[str, str], list[tuple[str, str]]]:
        """By two dimensions: the pairs of classes that no call fell in, of classes that others did fall in."""
        names = list(DIMENSIONS)
        met = {
            (one, other, a, b)
            for letters in self.codes
            for (one, a), (other, b) in combinations(enumerate(letters), 2)
        }
        found = {}
        for one, other in combinations(range(len(names)), 2):
            classes, others = DIMENSIONS[names[one]][0], DIMENSIONS[names[other]][0]
            pairs = [
                (a, b)
                for a in range(len(classes))
                for b in range(len(others))
                if (one, other, LETTERS[a], LETTERS[b]) not in met
            ]
            found[names[one], names[other]] = [(classes[a], others[b]) for a, b in pairs]
        return found

    def pairs(self) -> int:
        """How many pairs of classes there are."""
        return sum(
            len(one[0]) * len(other[0]) for one, other in combinations(DIMENSIONS.values(), 2)
        )

    def plain(self) -> dict[str, Any]:
        """All of it as JSON values."""
        never: Iterable[dict[str, Any]] = (
            {"dimensions": list(names), "never": [list(pair) for pair in pairs]}
            for names, pairs in self.never().items()
            if pairs
        )
        return {
            "calls": self.codes.total(),
            "classes": self.classes(),
            "pairs": self.pairs(),
            "pairs_never_met": list(never),
        }
