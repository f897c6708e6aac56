"""Find the edges on which a call lies. They distinguish deviations with the same outcome."""

from __future__ import annotations

import math
from collections.abc import Iterator
from functools import lru_cache

from tf_conv_conformance.convolution.arguments import (
    CAUSAL,
    FORMATS,
    Arguments,
    IntOrInts,
    Steps,
    channel_place,
    channels_first,
    in_groups,
    interpret,
    outer,
    outer_padding,
    padding_of,
    spatial,
    with_height,
)
from tf_conv_conformance.convolution.geometry import documented_padding, documented_size
from tf_conv_conformance.explore.matching import broken_rules
from tf_conv_conformance.prediction.data import result_shape

INT32 = 2**31
LARGE = 2**14  # a stride, rate or padding larger than in any network
FLOATS = ("float16", "bfloat16", "float32", "float64")


@lru_cache(maxsize=4096)
def edges(arguments: Arguments) -> frozenset[str]:
    """Return the edges on which a call lies. An ordinary call lies on none."""
    parts = (_of_tensors, _of_numbers, _of_padding, _of_dtypes, _of_axes)
    return frozenset(edge for part in parts for edge in part(arguments))


def generalizes(plain: Arguments, arguments: Arguments) -> bool:
    """Return whether a call is expected to behave like a plainer one.

    This is the case if it has all edges of the plainer call, and all its other unusual arguments.
    """
    same_op = plain.op == arguments.op
    same_gradient = plain.gradient in (None, arguments.gradient)
    same_dtype = plain.dtype in ("float32", arguments.dtype)
    return same_op and same_gradient and same_dtype and edges(plain) <= edges(arguments)


def _of_tensors(arguments: Arguments) -> Iterator[str]:
    shape, sizes = arguments.input.shape, with_height(arguments)
    rank = arguments.dimensions + 2
    if len(shape) != rank:
        yield "input of rank below 4" if len(shape) < rank else "input of rank above 4"
    if len(sizes) != 4:
        yield "filter of another rank"
    if channels_first(arguments):
        yield "channels first"
    elif arguments.data_format not in (None, FORMATS[arguments.dimensions][0]):
        yield "unknown data format"
    if len(shape) < rank or len(sizes) != 4:
        return
    if arguments.entry_point.computes and len(result_shape(arguments)) != len(shape):
        yield "upstream gradient of another rank"
    if 0 in (arguments.upstream or ()):
        yield "empty upstream gradient"
    channels, batch = shape[channel_place(arguments)], math.prod(shape[: 1 - rank])
    if batch == 0:
        yield "no batch"
    if math.prod(shape) == 0 and batch and channels:
        yield "no height or width"
    if channels == 0:
        yield "no channels"
    if sizes[0] == 0 or sizes[1] == 0:
        yield "empty filter"
    if sizes[3] == 0:
        yield "no result channels"
    if channels != sizes[2]:
        fit = arguments.op == "conv2d" and (channels == 0 or in_groups(channels, *sizes[2:]))
        yield "groups" if fit and sizes[2] else "channels that do not fit"


def _of_numbers(arguments: Arguments) -> Iterator[str]:
    names: tuple[tuple[str, Steps], ...] = (("stride", "strides"), ("rate", "dilations"))
    rules = broken_rules(arguments)
    for name, key in names:
        value: IntOrInts | None = getattr(arguments, key)
        if value is None:
            continue
        numbers = (value,) if isinstance(value, int) else value
        if any(number < 1 for number in numbers):
            yield f"{name} below 1"
        if any(not -INT32 <= number < INT32 for number in numbers):
            yield f"{name} out of int32"
        elif any(number >= LARGE for number in numbers):
            yield f"large {name}"
        pair = spatial(arguments, key)
        if pair is None or f"{key}-length" in rules:
            yield f"{name}s of another length"
        elif pair[0] != pair[1] and name == "stride" and arguments.dimensions == 2:
            yield "unequal strides"
        if outer(arguments, key) != (1, 1):
            yield f"{name} of batch or channels"


def _of_padding(arguments: Arguments) -> Iterator[str]:
    padding = padding_of(arguments)
    if isinstance(padding, str):
        if padding not in ("SAME", "VALID", CAUSAL):
            yield "unknown padding"
        return
    if len(padding) != 4 or any(len(pair) != 2 for pair in padding):
        yield "padding of another form"
    amounts = [amount for pair in padding for amount in pair]
    if any(amount < 0 for amount in amounts):
        yield "negative padding"
    if any(not -INT32 <= amount < INT32 for amount in amounts):
        yield "padding out of int32"
    elif any(amount >= LARGE for amount in amounts):
        yield "large padding"
    if any(map(any, outer_padding(padding, channels_first(arguments)))):
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


def _of_axes(arguments: Arguments) -> Iterator[str]:
    meaning = interpret(arguments)
    if meaning is None:
        return
    axes = meaning.axes
    smallest = min(map(documented_size, axes))
    if smallest <= 0:
        yield "no result" if smallest < 0 else "empty result"
    if any(axis.size + sum(documented_padding(axis)) < axis.dilated_filter for axis in axes):
        yield "filter beyond the input"
    if max(axis.rate for axis in axes) > 1 and max(axis.stride for axis in axes) > 1:
        yield "stride and rate"
