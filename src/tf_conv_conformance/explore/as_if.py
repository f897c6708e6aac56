"""Ways in which TensorFlow may read arguments that are not as documented: as if it had been given others."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

from tf_conv_conformance.convolution.arguments import (
    Arguments,
    IntOrInts,
    as_lists,
    channels_first,
    spatial,
)

AsIf = Callable[[Arguments], Arguments]


def _without_outer_padding(arguments: Arguments) -> Arguments:
    padding = arguments.padding
    if isinstance(padding, str) or len(padding) != 4:
        return arguments
    zero = (0,) * 2
    kept = (zero, zero, *padding[2:]) if channels_first(arguments) else (zero, *padding[1:3], zero)
    return replace(arguments, padding=kept)


def _pair(value: IntOrInts | None, first: bool, height: int, width: int) -> IntOrInts:
    """Both numbers in the form of `value`, with 1 for batch and channels."""
    if isinstance(value, tuple) and len(value) == 4:
        return (1, 1, height, width) if first else (1, height, width, 1)
    return (height, width)


def _numbers(name: str, choose: Callable[[int, int], tuple[int, int]]) -> AsIf:
    def as_if(arguments: Arguments) -> Arguments:
        value, first = getattr(arguments, name), channels_first(arguments)
        pair = spatial(value, first)
        if value is None or pair is None:
            return arguments
        other: Any = {name: _pair(value, first, *choose(*pair))}
        return replace(arguments, **other)

    return as_if


AS_IF: dict[str, AsIf] = {
    "as given": lambda arguments: arguments,
    "no padding of batch and channels": _without_outer_padding,
    "strides of batch and channels 1": _numbers("strides", lambda height, width: (height, width)),
    "rates of batch and channels 1": _numbers("dilations", lambda height, width: (height, width)),
    "rate 1": _numbers("dilations", lambda height, width: (1, 1)),
    "the height's rate for both": _numbers("dilations", lambda height, width: (height, height)),
    "the width's rate for both": _numbers("dilations", lambda height, width: (width, width)),
    "the height's stride for both": _numbers("strides", lambda height, width: (height, height)),
    "the width's stride for both": _numbers("strides", lambda height, width: (width, width)),
}
"""Other arguments to stand in, by what they are."""


def readings(arguments: Arguments) -> Iterator[tuple[str, Arguments]]:
    """The arguments as they are, then each other reading of them that differs."""
    seen = []
    for name, as_if in AS_IF.items():
        other = as_if(arguments)
        if other not in seen:
            seen.append(other)
            yield name, other


def changes(arguments: Arguments, other: Arguments) -> dict[str, Any]:
    """What `as_if` of a deviation says, so that the one arguments are read as the other."""
    names = ("strides", "dilations", "padding")
    return {
        name: as_lists(getattr(other, name))
        for name in names
        if getattr(other, name) != getattr(arguments, name)
    }
