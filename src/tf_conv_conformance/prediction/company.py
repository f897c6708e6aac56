"""Compute what the operations around a convolution make of its input and result."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from contextlib import suppress
from fractions import Fraction

import numpy as np

from tf_conv_conformance.convolution.arguments import (
    Arguments,
    Interpretation,
    TensorSpec,
    channel_place,
    channels_first,
)
from tf_conv_conformance.convolution.company import (
    EPSILON,
    TENSORS,
    Operation,
    Operations,
)
from tf_conv_conformance.convolution.geometry import Indices, documented_indices, documented_size
from tf_conv_conformance.prediction.correlation import (
    Array,
    adjoint_input,
    correlate,
    grouped,
)
from tf_conv_conformance.prediction.distributions import Chosen, Drawn, Signed
from tf_conv_conformance.prediction.layout import (
    NoResultError,
    flat,
    in_layout,
    interpretation_of,
    shape_in_layout,
)

SMALL = 4  # the largest magnitude of a bias and the like
DRAWN: dict[str, Drawn] = {
    "bias": Signed(SMALL),
    "addend": Signed(SMALL),
    "filter": Signed(1),
    "scale": Chosen((-2.0, -1.0, -0.5, 0.5, 1.0, 2.0)),
    "offset": Signed(SMALL),
    "mean": Signed(SMALL),
    "variance": Chosen((0.0, 3.0)),
}
"""How the tensors of operations are drawn, by their names.

Scales are powers of two, and variances plus epsilon are powers of four, so that no product and no
root is rounded.
"""
FACTORS = [Fraction(2) ** exponent for exponent in (-2, -1, 0, 1)]
"""The magnitudes of scales divided by roots."""
LIMITS: dict[str, tuple[Array, Array]] = {
    "relu": (np.array(0.0), np.array(np.inf)),
    "relu6": (np.array(0.0), np.array(6.0)),
}
"""The least and the largest value that an activation leaves."""
Step = tuple[Operation, tuple[Array, ...]]
"""An operation and what it takes beside its input: its tensors, or its limits."""


def second(operation: Operation, shape: tuple[int, ...], beside: Arguments) -> Arguments:
    """Return the arguments of another convolution, of a tensor of this shape."""
    height, width = operation.strides
    first = channels_first(beside)
    assert operation.filter is not None
    return Arguments(
        op="conv2d" if operation.name == "conv2d" else "depthwise_conv2d",
        input=TensorSpec(shape),
        filter=TensorSpec(operation.filter),
        strides=(1, 1, height, width) if first else (1, height, width, 1),
        padding=operation.padding or "VALID",
        data_format=beside.data_format,
        dtype=beside.dtype,
    )


def stages(arguments: Arguments, result: tuple[int, ...]) -> list[tuple[int, ...]]:
    """Return the shape of the convolution's `result`, and the shapes after each operation.

    Raises :class:`tf_conv_conformance.prediction.layout.NoResultError`.
    """
    shapes = [result]
    for operation in arguments.after:
        if operation.filter is not None:
            result = after_second(second(operation, result, arguments))
        shapes.append(result)
    return shapes


def tensor_shapes(arguments: Arguments, result: tuple[int, ...]) -> list[tuple[int, ...]]:
    """Return the shapes of the tensors that the operations after a convolution take.

    `result` is the shape of the convolution; () if it has no result.
    """
    shapes: list[tuple[int, ...]] = []
    between: list[tuple[int, ...]] = [()] * (len(arguments.after) + 1)
    with suppress(NoResultError):  # a record may have any operations
        between = stages(arguments, result) if result else between
    for operation, given in zip(arguments.after, between[:-1], strict=True):
        if operation.filter is not None:
            shapes.append(operation.filter)
        elif operation.name == "add":
            shapes.append(given)
        else:
            channels = given[channel_place(arguments)] if given else 1
            shapes += [(channels,)] * len(TENSORS[operation.name])
    return shapes


def drawn(arguments: Arguments) -> list[Drawn]:
    """Return how the tensors of the operations after a convolution are drawn."""
    return [DRAWN[name] for operation in arguments.after for name in TENSORS[operation.name]]


def after_second(arguments: Arguments) -> tuple[int, ...]:
    """Return the shape of another convolution's result. Raises :class:`NoResultError`."""
    meaning = interpretation_of(arguments)
    return shape_in_layout(arguments, meaning, list(map(documented_size, meaning.axes)))


def padded(x: Array, before: Operations) -> Array:
    """Return the input of the convolution: what the operations before make of an input."""
    for operation in before:
        assert isinstance(operation.padding, tuple)  # only `pad` comes before
        x = np.pad(x, operation.padding)
    return x


def cropped(x: Array, before: Operations) -> Array:
    """Return the gradient by an input from that by what :func:`padded` makes of it."""
    for operation in reversed(before):
        assert isinstance(operation.padding, tuple)
        pairs = zip(operation.padding, x.shape, strict=True)
        x = x[tuple(slice(first, size - last) for (first, last), size in pairs)]
    return x


def steps(operations: Operations, tensors: Sequence[Array]) -> list[Step]:
    """Return operations with their tensors, which are in the same order, or with their limits."""
    rest, made = list(tensors), []
    for operation in operations:
        count = len(TENSORS[operation.name])
        made.append((operation, LIMITS.get(operation.name, tuple(rest[:count]))))
        del rest[:count]
    return made


def finished(arguments: Arguments, result: Array, after: Sequence[Step]) -> Array:
    """Return what the operations after a convolution make of its result."""
    for operation, tensors in after:
        if operation.filter is not None:
            result = _convolved(second(operation, result.shape, arguments), result, *tensors)
        elif operation.name in LIMITS:
            result = np.clip(result, *tensors)
        elif operation.name == "add":
            result = result + tensors[0]
        else:
            sizes = _channels(arguments)
            result = BY_CHANNEL[operation.name](result, *(one.reshape(sizes) for one in tensors))
    return result


def pulled_back(
    arguments: Arguments, result: Array, after: Sequence[Step], upstream: Array
) -> Array:
    """Return the gradient by the convolution's `result` from that by what is made of it.

    An activation passes on nothing where its input is at a limit or beyond it.
    """
    given = [result]
    for step in after[:-1]:
        given.append(finished(arguments, given[-1], [step]))
    for (operation, tensors), x in zip(reversed(after), reversed(given), strict=True):
        if operation.filter is not None:
            upstream = _adjoint(second(operation, x.shape, arguments), tensors[0], upstream)
        elif operation.name in LIMITS:
            least, largest = tensors
            upstream = np.where((least < x) & (x < largest), upstream, 0.0)
        elif operation.name == "fused_batch_norm":
            scale, _, _, variance = (one.reshape(_channels(arguments)) for one in tensors)
            upstream = upstream * scale / np.sqrt(variance + EPSILON)
    return upstream


def _channels(arguments: Arguments) -> tuple[int, ...]:
    """Return the shape in which a number for each channel is multiplied with a result."""
    return (-1, 1, 1) if channels_first(arguments) else (-1,)


def _convolved(arguments: Arguments, x: Array, w: Array) -> Array:
    meaning = interpretation_of(arguments)
    result = correlate(flat(meaning, x), *_kernel_and_indices(arguments, meaning, w))
    return in_layout(meaning, result)


def _adjoint(arguments: Arguments, w: Array, upstream: Array) -> Array:
    """Return the gradient of another convolution by its input."""
    meaning = interpretation_of(arguments)
    sizes = (axis.size for axis in meaning.axes)
    taken = _kernel_and_indices(arguments, meaning, w)
    return in_layout(meaning, adjoint_input(flat(meaning, upstream), *taken, *sizes))


def _kernel_and_indices(
    arguments: Arguments, meaning: Interpretation, w: Array
) -> tuple[Array, Indices, Indices]:
    """Return a filter in groups, and the rows and columns that its elements read."""
    kernel = grouped(w, meaning.in_channels, arguments.op == "depthwise_conv2d")
    rows, columns = map(documented_indices, meaning.axes)
    return kernel, rows, columns


def _normalized(x: Array, scale: Array, offset: Array, mean: Array, variance: Array) -> Array:
    normal: Array = (x - mean) * scale / np.sqrt(variance + EPSILON) + offset
    return normal


BY_CHANNEL: dict[str, Callable[..., Array]] = {
    "bias_add": lambda x, bias: x + bias,
    "fused_batch_norm": _normalized,
}
"""The operations that have a number for each channel."""


def products(after: Operations) -> int:
    """Return how many products an element of the results of other convolutions sums at most."""
    return sum(
        math.prod(one.filter[: 2 if one.name == "depthwise_conv2d" else 3])
        for one in after
        if one.filter is not None
    )


def passed_back(after: Operations) -> tuple[int, Fraction]:
    """Return how large an upstream gradient of 1 is at most before operations, and its step."""
    most, step = 1, Fraction(1)
    for operation in after:
        if operation.filter is not None:
            height, width, _, out = operation.filter
            most *= max(height * width * out, 1)
        elif operation.name == "fused_batch_norm":
            most, step = most * 2, step * min(FACTORS)
    return most, step


def is_exact(arguments: Arguments, most: Fraction, step: Fraction, top: int) -> bool:
    """Return whether all sums of the operations after a convolution are exact in the dtype.

    The result of the convolution has multiples of `step` up to `most`, and a dtype holds multiples
    of a step up to `top` times the step. A batch norm may be computed in any order: it may be
    folded into the filter, too.
    """
    channels = [(most, step)]  # the different channels that there may be
    for operation in arguments.after:
        if operation.filter is not None:
            most, step = max(one for one, _ in channels), min(one for _, one in channels)
            channels = [(most * max(products((operation,)), 1), step)]
        elif operation.name == "fused_batch_norm":
            channels = [
                ((most + SMALL) * factor + SMALL, min(step * factor, Fraction(1)))
                for most, step in channels
                for factor in FACTORS
            ]
        elif TENSORS[operation.name]:
            channels = [(most + SMALL, min(step, Fraction(1))) for most, step in channels]
        if any(most > top * step for most, step in channels):
            return False
        if operation.name == "relu6":
            channels = [(min(most, Fraction(6)), step) for most, step in channels]
    return True
