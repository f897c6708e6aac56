"""Count the classes of the argument space that calls belong to, and pairs that never occurred."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Mapping
from itertools import combinations, product
from string import ascii_letters
from typing import Any, get_args

from tf_conv_conformance.casefile.call import Call
from tf_conv_conformance.convolution.arguments import (
    CAUSAL,
    FORMATS,
    Arguments,
    Steps,
    interpret,
    outer,
    padding_of,
    spatial,
)
from tf_conv_conformance.convolution.company import TENSORS
from tf_conv_conformance.convolution.entry_points import ENTRY_POINTS
from tf_conv_conformance.convolution.names import DTYPES, MODES, Held, Through, Unknown
from tf_conv_conformance.explore.edges import INT32, LARGE, edges

LETTERS = ascii_letters
Pairs = list[tuple[str, str]]
Dimension = tuple[tuple[str, ...], Callable[[Arguments], str]]
"""The classes of a dimension, and a function that returns the class of a call."""


def _by_edge(otherwise: str, classes: Mapping[str, str]) -> Dimension:
    """Return a dimension whose class is the first of these edges on which a call lies."""

    def classify(arguments: Arguments) -> str:
        found = edges(arguments)
        return next((name for edge, name in classes.items() if edge in found), otherwise)

    return (otherwise, *classes.values()), classify


def _number(arguments: Arguments, name: Steps) -> str:
    pair = spatial(arguments, name)
    if pair is None:
        return "length"
    if getattr(arguments, name) is None:
        return "not given"
    pair = (pair[1],) * 2 if arguments.dimensions == 1 else pair
    if min(pair) < 1:
        return "0 or less"
    if outer(arguments, name) != (1, 1):
        return "outer"
    largest = max(pair)
    limits = {"2**31 or more": INT32, "16384 to 2**31 - 1": LARGE, "101 to 16383": 101}
    for size, limit in limits.items():
        if largest >= limit:
            return size
    if pair[0] != pair[1]:
        return "unequal"
    return str(largest) if largest < 3 else "3 to 100"


def _padding(arguments: Arguments) -> str:
    padding = padding_of(arguments)
    return ODD_PADDING[1](arguments) or (padding if isinstance(padding, str) else "explicit")


def _filter_size(arguments: Arguments) -> str:
    """Compare the dilated filter with its input."""
    meaning = interpret(arguments)
    if meaning is None:
        return "no meaning"
    room = min(axis.size - axis.dilated_filter for axis in meaning.axes)
    if room == 0:
        return "equal"
    return "smaller" if room > 0 else "larger"


def _input_size(arguments: Arguments) -> str:
    """Compare the input's size with multiples of a rate above 1."""
    meaning = interpret(arguments)
    axes = meaning.axes if meaning is not None else ()
    dilated = [axis for axis in axes if axis.rate > 1]
    if not dilated:
        return "no rate"
    if all(axis.size % axis.rate == 0 for axis in dilated):
        return "a multiple"
    if any(axis.size % axis.rate == 1 for axis in dilated):
        return "one above"
    below = any((axis.size + 1) % axis.rate == 0 for axis in dilated)
    return "one below" if below else "between"


def _data(arguments: Arguments) -> str:
    values = (arguments.input.values or ()) + (arguments.filter.values or ())
    if values:
        return "literal" if all(map(math.isfinite, values)) else "not finite"
    return "reals" if "reals" in arguments.data else "integers"


def _data_format(arguments: Arguments) -> str:
    if arguments.data_format is None:
        return "not given"
    known = FORMATS[arguments.dimensions]
    if arguments.data_format not in known:
        return "another word"
    return FORMATS[2][known.index(arguments.data_format)]


NUMBERS = (
    "not given", "1", "2", "3 to 100", "101 to 16383", "16384 to 2**31 - 1", "2**31 or more",
    "unequal", "outer", "0 or less", "length",
)  # fmt: skip
ODD_PADDING = _by_edge(
    "",
    {
        "unknown padding": "another word",
        "padding of another form": "another form",
        "negative padding": "negative",
        "padding of batch or channels": "outer",
        "padding out of int32": "large",
        "large padding": "large",
    },
)
PADDINGS = (
    "SAME", "VALID", CAUSAL, "explicit", "outer", "negative", "large", "another form",
    "another word",
)  # fmt: skip
EMPTY = (
    "no batch", "no height or width", "no channels", "empty filter", "no result channels",
    "no result", "empty result",
)  # fmt: skip
RANKS = {
    "input of rank below 4": "below 4",
    "input of rank above 4": "above 4",
    "filter of another rank": "filter not 4",
}
RATE_CLASSES = ("no rate", "a multiple", "one above", "one below", "between")
SHORT_SYMBOLS = tuple(symbol.removeprefix("tf.") for symbol in ENTRY_POINTS)
DIMENSIONS: dict[str, Dimension] = {
    "entry point": (SHORT_SYMBOLS, lambda a: a.entry_point.symbol.removeprefix("tf.")),
    "mode": (MODES, lambda a: ""),
    "dtype": (tuple(DTYPES), lambda a: a.dtype),
    "filter's dtype": _by_edge("the input's", {"filter of another dtype": "another"}),
    "padding": (PADDINGS, _padding),
    "strides": (NUMBERS[1:], lambda a: _number(a, "strides")),
    "rates": (NUMBERS, lambda a: _number(a, "dilations")),
    "data format": (("not given", *FORMATS[2], "another word"), _data_format),
    "gradient": (("none", "input", "filter"), lambda a: a.gradient or "none"),
    "through": (("none", *get_args(Through)), lambda a: a.through or "none"),
    "company": (
        ("alone", *TENSORS),
        lambda a: next((one.name for one in reversed((*a.before, *a.after))), "alone"),
    ),
    "variables": (("none", *get_args(Held)), lambda a: (*a.variables, "none")[0]),
    "unknown": (
        ("nothing", *get_args(Unknown), "several"),
        lambda a: "several" if len(a.unknown) > 1 else "".join(a.unknown) or "nothing",
    ),
    "filter against input": (("smaller", "equal", "larger", "no meaning"), _filter_size),
    "size against rate": (RATE_CLASSES, _input_size),
    "emptiness": _by_edge("nothing empty", {edge: edge for edge in EMPTY}),
    "channels": _by_edge("fit", {"groups": "groups", "channels that do not fit": "do not fit"}),
    "rank": _by_edge("4", RANKS),
    "data": (("integers", "reals", "literal", "not finite"), _data),
}
"""The dimensions by name. The class of the mode is the mode itself."""


def code(call: Call) -> str:
    """Return the classes of a call as text, with a letter for each dimension."""
    letters = []
    for name, (classes, classify) in DIMENSIONS.items():
        found = call.mode if name == "mode" else classify(call.arguments)
        letters.append(LETTERS[classes.index(found)])
    return "".join(letters)


def counts(codes: Counter[str]) -> dict[str, dict[str, int]]:
    """Return the number of calls in each class, for each dimension."""
    counted = {name: dict.fromkeys(classes, 0) for name, (classes, _) in DIMENSIONS.items()}
    for letters, count in codes.items():
        for letter, (name, (classes, _)) in zip(letters, DIMENSIONS.items(), strict=True):
            counted[name][classes[LETTERS.index(letter)]] += count
    return counted


def never_met(codes: Counter[str]) -> dict[tuple[str, str], Pairs]:
    """Return the pairs of classes that never occurred, for each pair of dimensions."""
    met = {pair for letters in codes for pair in combinations(enumerate(letters), 2)}
    never = {}
    for (i, one), (j, other) in combinations(enumerate(DIMENSIONS), 2):
        places = product(enumerate(DIMENSIONS[one][0]), enumerate(DIMENSIONS[other][0]))
        never[one, other] = [
            (a, b) for (m, a), (n, b) in places if ((i, LETTERS[m]), (j, LETTERS[n])) not in met
        ]
    return never


def pair_count() -> int:
    """Return the number of pairs of classes, over all pairs of dimensions."""
    sizes = [len(classes) for classes, _ in DIMENSIONS.values()]
    return sum(one * other for one, other in combinations(sizes, 2))


def plain(codes: Counter[str]) -> dict[str, Any]:
    """Return the coverage as JSON values."""
    never = ((list(names), pairs) for names, pairs in never_met(codes).items() if pairs)
    return {
        "calls": codes.total(),
        "classes": counts(codes),
        "pairs": pair_count(),
        "pairs_never_met": [{"dimensions": names, "never": pairs} for names, pairs in never],
    }
