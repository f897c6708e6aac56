"""List ways in which TensorFlow may behave as if it had received other arguments."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

from tf_conv_conformance.convolution.arguments import (
    Arguments,
    Steps,
    as_lists,
    channels_first,
    spatial,
)

AsIf = Callable[[Arguments], Arguments]


def _without_outer_padding(arguments: Arguments) -> Arguments:
    padding = arguments.padding
    if isinstance(padding, str) or len(padding) != 4:
        return arguments
    zero = (0, 0)
    if channels_first(arguments):
        return replace(arguments, padding=(zero, zero, *padding[2:]))
    return replace(arguments, padding=(zero, *padding[1:3], zero))


def _numbers(name: Steps, choose: Callable[[int, int], tuple[int, int]]) -> AsIf:
    """Return a change of strides or dilations, with 1 for batch and channels."""

    def as_if(arguments: Arguments) -> Arguments:
        value, pair = getattr(arguments, name), spatial(arguments, name)
        if value is None or pair is None:
            return arguments
        dimensions = arguments.dimensions
        numbers: tuple[int, ...] = choose(*pair)[-dimensions:]
        if isinstance(value, tuple) and len(value) == dimensions + 2:
            numbers = (1, 1, *numbers) if channels_first(arguments) else (1, *numbers, 1)
        other: Any = {name: numbers}
        return replace(arguments, **other)

    return as_if


def _rate_1(arguments: Arguments) -> Arguments:
    """Return the arguments with dilations of 1, whatever length their own list has."""
    if (value := arguments.dilations) is None:
        return arguments
    entry_point, count = arguments.entry_point, arguments.dimensions
    in_four = isinstance(value, tuple) and len(value) == count + 2
    if in_four or entry_point.style == "raw op" or entry_point.computes:
        count += 2
    return replace(arguments, dilations=(1,) * count)


AS_IF: dict[str, AsIf] = {
    "as given": lambda arguments: arguments,
    "no padding of batch and channels": _without_outer_padding,
    "strides of batch and channels 1": _numbers("strides", lambda height, width: (height, width)),
    "rates of batch and channels 1": _numbers("dilations", lambda height, width: (height, width)),
    "rate 1": _rate_1,
    "the height's rate for both": _numbers("dilations", lambda height, width: (height, height)),
    "the width's rate for both": _numbers("dilations", lambda height, width: (width, width)),
    "the height's stride for both": _numbers("strides", lambda height, width: (height, height)),
    "the width's stride for both": _numbers("strides", lambda height, width: (width, width)),
}
"""Changes of arguments, by their description."""


def alternatives(arguments: Arguments) -> Iterator[tuple[str, Arguments]]:
    """Yield the arguments as they are, and then each change that makes a difference."""
    seen = []
    for name, as_if in AS_IF.items():
        other = as_if(arguments)
        if other not in seen:
            seen.append(other)
            yield name, other


def as_if_keys(arguments: Arguments, other: Arguments) -> dict[str, Any]:
    """Return the `as_if` of a deviation for the other arguments."""
    names = ("strides", "dilations", "padding")
    changed = (name for name in names if getattr(other, name) != getattr(arguments, name))
    return {name: as_lists(getattr(other, name)) for name in changed}
