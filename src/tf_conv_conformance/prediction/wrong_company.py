"""Errors in what comes after a convolution: an operation is left out, or two change places."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from tf_conv_conformance.convolution.company import Operations
from tf_conv_conformance.prediction.company import Step

Wrong = Callable[[Sequence[Step]], list[Step]]
SWAPPED = "order of operations swapped"


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
    for place in alone:
        if place + 1 in alone and after[place].name != after[place + 1].name:
            yield SWAPPED, _swapped(place)


def _without(place: int) -> Wrong:
    return lambda steps: [*steps[:place], *steps[place + 1 :]]


def _swapped(place: int) -> Wrong:
    return lambda steps: [
        *steps[:place],
        steps[place + 1],
        steps[place],
        *steps[place + 2 :],
    ]
