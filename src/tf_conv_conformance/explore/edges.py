"""What is unusual about a call: by this a declared deviation is told from another cause with the same outcome."""

from __future__ import annotations

import math
from collections.abc import Iterator
from functools import lru_cache

from tf_conv_conformance.convolution.arguments import (
    Arguments,
    Interpretation,
    IntOrInts,
    channels_first,
    interpret,
    outer,
    outer_padding,
    spatial,
)
from tf_conv_conformance.convolution.geometry import Axis, documented_padding, documented_size

INT32 = 2**31
LARGE = 2**15  # a stride, rate or padding as no network has it
FLOATS = ("float16", "bfloat16", "float32", "float64")


@lru_cache(maxsize=4096)
def edges(arguments: Arguments) -> frozenset[str]:
    """The edges on which a call lies; empty for an everyday one."""
    interpretation = interpret(arguments)
    found = (
        set(_of_tensors(arguments))
        | set(_of_numbers(arguments))
        | set(_of_padding(arguments))
        | set(_of_dtypes(arguments))
    )
    return frozenset(
        found | (set(_of_axes(interpretation)) if interpretation is not None else set())
    )


def stands_for(ours: Arguments, theirs: Arguments) -> bool:
    """Whether what is seen of plainer arguments is seen of others, too: they have its edges and more, and what is not plain of it."""
    alike = (
        ours.op == theirs.op
        and ours.gradient in (None, theirs.gradient)
        and ours.dtype in ("float32", theirs.dtype)
    )
    return alike and edges(ours) <= edges(theirs)


def _of_tensors(arguments: Arguments) -> Iterator[str]:
    shape, sizes = arguments.input.shape, arguments.filter.shape
    if len(shape) != 4:
        yield "input of rank below 4" if len(shape) < 4 else "input of rank above 4"
    if len(sizes) != 4:
        yield "filter of another rank"
    if channels_first(arguments):
        yield "channels first"
    elif arguments.data_format not in (None, "NHWC"):
        yield "unknown data format"
    if len(shape) == len(sizes) == 4:
        yield from _of_four(arguments, shape, sizes)


def _of_four(arguments: Arguments, shape: tuple[int, ...], sizes: tuple[int, ...]) -> Iterator[str]:
    channels = shape[1 if channels_first(arguments) else 3]
    if shape[0] == 0:
        yield "no batch"
    if math.prod(shape) == 0 and shape[0] and channels:
        yield "no height or width"
    if channels == 0:
        yield "no channels"
    if sizes[0] == 0 or sizes[1] == 0:
        yield "empty filter"
    if sizes[3] == 0:
        yield "no result channels"
    if channels != sizes[2]:
        fit = (
            arguments.op == "conv2d"
            and sizes[2]
            and channels % sizes[2] == 0
            and sizes[3] % (channels // sizes[2] or 1) == 0
        )
        yield "groups" if fit else "channels that do not fit"


def _of_numbers(arguments: Arguments) -> Iterator[str]:
    first = channels_first(arguments)
    for name, value in (("stride", arguments.strides), ("rate", arguments.dilations)):
        if value is None:
            continue
        numbers = _numbers(value)
        if any(number < 1 for number in numbers):
            yield f"{name} below 1"
        if any(not -INT32 <= number < INT32 for number in numbers):
            yield f"{name} out of int32"
        elif any(number >= LARGE for number in numbers):
            yield f"large {name}"
        if (pair := spatial(value, first)) is None:
            yield f"{name}s of length {len(numbers)}"
        elif pair[0] != pair[1] and name == "stride":
            yield "unequal strides"
        if outer(value, first) != (1, 1):
            yield f"{name} of batch or channels"


def _numbers(value: IntOrInts) -> tuple[int, ...]:
    return (value,) if isinstance(value, int) else value


def _of_padding(arguments: Arguments) -> Iterator[str]:
    padding = arguments.padding
    if isinstance(padding, str):
        if padding not in ("SAME", "VALID"):
            yield "unknown padding"
        return
    if len(padding) != 4 or any(len(pair) != 2 for pair in padding):
        yield "padding of another form"
    if any(amount < 0 for pair in padding for amount in pair):
        yield "negative padding"
    if any(not -INT32 <= amount < INT32 for pair in padding for amount in pair):
        yield "padding out of int32"
    elif any(amount >= LARGE for pair in padding for amount in pair):
        yield "large padding"
    if any(amount for pair in outer_padding(padding, channels_first(arguments)) for amount in pair):
        yield "padding of batch or channels"


def _of_dtypes(arguments: Arguments) -> Iterator[str]:
    if arguments.dtype not in FLOATS:
        yield "int32" if arguments.dtype == "int32" else "odd dtype"
    if arguments.filter_dtype not in (None, arguments.dtype):
        yield "filter of another dtype"
    values = (arguments.input.values or ()) + (arguments.filter.values or ())
    if not all(map(math.isfinite, values)):
        yield "not finite"
    if any(0 < abs(value) < 2.0**-126 for value in values):
        yield "subnormal"


def _of_axes(interpretation: Interpretation) -> Iterator[str]:
    axes = (interpretation.height, interpretation.width)
    sizes = [documented_size(axis) for axis in axes]
    if min(sizes) < 0:
        yield "no result"
    elif min(sizes) == 0:
        yield "empty result"
    if any(_padded(axis) < axis.dilated_filter for axis in axes):
        yield "filter beyond the input"
    if max(axis.rate for axis in axes) > 1 and max(axis.stride for axis in axes) > 1:
        yield "stride and rate"


def _padded(axis: Axis) -> int:
    return axis.size + sum(documented_padding(axis))
