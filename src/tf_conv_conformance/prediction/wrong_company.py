"""Errors in what comes after a convolution.

An operation is left out or loses a limit, or two operations change places.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import numpy as np

from tf_conv_conformance.convolution.arguments import Arguments
from tf_conv_conformance.convolution.company import Operations
from tf_conv_conformance.prediction.company import LIMITS, Step, drawn
from tf_conv_conformance.prediction.correlation import Array

Wrong = Callable[[Sequence[Step]], list[Step]]
SWAPPED = "order of operations swapped"
WITHOUT_LIMIT = {
    "relu6 without its lower limit": (np.array(-np.inf), np.array(6.0)),
    "relu6 without its upper limit": LIMITS["relu"],
}
"""The errors of an activation with two limits, and those that it has instead."""


def dropped(name: str) -> str:
    """Return the name of the error that leaves out an operation."""
    return f"{name} dropped"


def wrong_operations(after: Operations) -> Iterator[tuple[str, Wrong]]:
    """Yield the possible errors, each with its name.

    Another convolution is not among them, since it changes the shape or nearly every value.
    """
    alone = [place for place, one in enumerate(after) if one.filter is None]
    for place in alone:
        yield dropped(after[place].name), _without(place)
        if after[place].name == "relu6":
            for name, limits in WITHOUT_LIMIT.items():
                yield name, _limited(place, limits)
    for place in alone:
        if place + 1 in alone and after[place].name != after[place + 1].name:
            yield SWAPPED, _swapped(place)


def _without(place: int) -> Wrong:
    return lambda steps: [*steps[:place], *steps[place + 1 :]]


def _limited(place: int, limits: tuple[Array, ...]) -> Wrong:
    return lambda steps: [*steps[:place], (steps[place][0], limits), *steps[place + 1 :]]


def _swapped(place: int) -> Wrong:
    return lambda steps: [
        *steps[:place],
        steps[place + 1],
        steps[place],
        *steps[place + 2 :],
    ]


def contrasting_data(
    arguments: Arguments, like: Sequence[Array], summed: int, count: int, seed: int
) -> Iterator[tuple[Array, ...]]:
    """Yield random tensors, shaped as `like`, whose results differ if two functions do.

    `relu` hides what is negative and `relu6` what is above 6. So each filter comes with both signs,
    and in every other draw the sums of `summed` products are about as large as a bias. The upstream
    gradient of a gradient is as wide as input and filter.
    """
    random = np.random.RandomState(seed)
    # A product of two integers up to 2**12 deviates by 2**24 / 3, a sum by the root of its
    # products more.
    fitting = 2.0 ** -(21 + summed.bit_length() // 2)
    first = 2 if arguments.gradient is None else 3
    for draw in range(count):
        x, w, *others = (
            random.randint(-(2**12), 2**12, size=one.shape) * 1.0 for one in like[:first]
        )
        kinds = zip(drawn(arguments), like[first:], strict=True)
        others += [kind.draw(random, one.shape) for kind, one in kinds]
        x *= fitting if draw % 2 else 1.0
        yield (x, w, *others)
        yield (x, -w, *others)
