"""The two models of a call: ``documented`` and ``phase_strided``. Each turns arguments into a shape, and data into values."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from cachetools import LRUCache, cached

from tf_conv_conformance import ConformanceError
from tf_conv_conformance.convolution.arguments import (
    Arguments,
    Interpretation,
    in_groups,
    interpret,
)
from tf_conv_conformance.convolution.geometry import (
    Axis,
    Indices,
    Taps,
    documented_indices,
    documented_padding,
    documented_size,
    phase_strided_indices,
    phase_strided_padding,
    phase_strided_size,
    within,
)
from tf_conv_conformance.prediction.correlation import (
    Array,
    adjoint_filter,
    adjoint_input,
    correlate,
    grouped,
)


@dataclass(frozen=True)
class Model:
    """A way to compute sizes and reads an axis at a time.

    The rest is how a subject may depart from the arithmetic of real numbers: divide towards zero where it computes sizes, leave out
    what is padded, flush subnormal numbers to zero before and after, sum in another dtype than :data:`error_bounds.ACCUMULATOR` has.
    """

    name: str
    padding: Callable[[Axis], tuple[int, int]]
    size: Callable[..., int]
    indices: Callable[[Axis], Indices]
    truncates_sizes: bool = False
    skips_padding: bool = False
    flushes_subnormals: bool = False
    accumulator: str | None = None

    def taps(self, axis: Axis) -> Taps:
        """The reads within the input, -1 where padding is read."""
        return within(self.indices(axis), axis.size)


DOCUMENTED = Model("documented", documented_padding, documented_size, documented_indices)
PHASE_STRIDED = Model(
    "phase_strided", phase_strided_padding, phase_strided_size, phase_strided_indices
)
MODELS = {model.name: model for model in (DOCUMENTED, PHASE_STRIDED)}


@cached(LRUCache(2**23, getsizeof=lambda positions: 2**10 + positions.nbytes))
def kept(reads: Callable[[Axis], Indices], axis: Axis) -> Indices:
    """What a model's `reads` says of an axis, kept for the next call, whose axis often is the same. Not to be written to."""
    positions = reads(axis)
    positions.flags.writeable = False
    return positions


class NoResultError(ConformanceError):
    """The model gives no result for these arguments; the message says why."""


def channels_out(arguments: Arguments, interpretation: Interpretation) -> int:
    """How many channels the result has. Raises :class:`NoResultError` where input and filter do not fit."""
    ours, theirs, out = (
        interpretation.in_channels,
        interpretation.filter_in_channels,
        interpretation.filter_out,
    )
    if arguments.op == "depthwise_conv2d":
        if ours != theirs:
            raise NoResultError(
                f"the filter is made for {theirs} channels and the input has {ours}"
            )
        return ours * out
    if ours == theirs:
        return out
    if not in_groups(ours, theirs, out):
        raise NoResultError(
            f"{ours} input channels in groups of {theirs} do not fit {out} output channels"
        )
    return out


def interpretation_of(arguments: Arguments) -> Interpretation:
    """The reading of the arguments. Raises :class:`NoResultError` where they have none."""
    interpretation = interpret(arguments)
    if interpretation is None:
        raise NoResultError("the arguments have no meaning as a convolution")
    return interpretation


def forward_shape(model: Model, arguments: Arguments) -> tuple[int, ...]:
    """The convolution's shape in the call's data format. Raises :class:`NoResultError` where there is none."""
    interpretation = interpretation_of(arguments)
    height, width = (
        model.size(axis, model.truncates_sizes)
        for axis in (interpretation.height, interpretation.width)
    )
    if height < 0 or width < 0:
        raise NoResultError(f"the size of the result would be {height} × {width}")
    channels = channels_out(arguments, interpretation)
    inner = (
        (channels, height, width) if interpretation.channels_first else (height, width, channels)
    )
    return (*interpretation.batch_shape, *inner)


def shape(model: Model, arguments: Arguments) -> tuple[int, ...]:
    """The result's shape: the convolution's, or that of the tensor by which its gradient is taken. Raises :class:`NoResultError`."""
    forward = forward_shape(model, arguments)
    if arguments.gradient is None:
        return forward
    return arguments.input.shape if arguments.gradient == "input" else arguments.filter.shape


def values(model: Model, arguments: Arguments, *tensors: Array) -> Array:
    """The result's values in float64 and in the call's data format, for input and filter, and for a gradient what comes from above."""
    interpretation = interpretation_of(arguments)
    if model.flushes_subnormals:
        tensors = tuple(flushed(tensor, arguments.dtype) for tensor in tensors)
    rows, columns = (
        kept(model.indices, interpretation.height),
        kept(model.indices, interpretation.width),
    )
    result = compute(
        arguments, interpretation, rows, columns, *tensors, skip_padding=model.skips_padding
    )
    return flushed(result, arguments.dtype) if model.flushes_subnormals else result


def flushed(numbers: Array, dtype: str) -> Array:
    """The numbers with those that are subnormal in a dtype as zero."""
    smallest_normal = {"float16": 2.0**-14, "float64": 2.0**-1022}.get(dtype, 2.0**-126)
    return np.where(np.abs(numbers) < smallest_normal, 0.0, numbers)


def compute(
    arguments: Arguments,
    interpretation: Interpretation,
    rows: Indices,
    columns: Indices,
    x: Array,
    w: Array,
    dy: Array | None = None,
    *,
    skip_padding: bool = False,
) -> Array:
    """The convolution or its gradient with the given reads."""
    across = flat(interpretation, x)
    kernel = grouped(w, interpretation.in_channels, arguments.op == "depthwise_conv2d")
    if arguments.gradient is None or dy is None:
        return _layout(
            interpretation,
            _pointwise(arguments, correlate(across, kernel, rows, columns, skip_padding)),
        )
    upstream = flat(interpretation, dy)
    if arguments.gradient == "input":
        return _layout(
            interpretation,
            adjoint_input(
                upstream,
                kernel,
                rows,
                columns,
                interpretation.height.size,
                interpretation.width.size,
            ),
        )
    return adjoint_filter(
        across, upstream, rows, columns, kernel.shape[2], kernel.shape[3]
    ).reshape(w.shape)


def _pointwise(arguments: Arguments, result: Array) -> Array:
    """The result of the depthwise part times the identity that ``tf.nn.separable_conv2d`` is given: a zero times infinity is NaN."""
    if not arguments.entry_point.pointwise or np.isfinite(result).all():
        return result
    with np.errstate(invalid="ignore"):
        return result @ np.eye(result.shape[-1])


def flat(interpretation: Interpretation, tensor: Array) -> Array:
    """A tensor in the call's data format as ``(batch, height, width, channels)``."""
    channels_last = np.moveaxis(tensor, -3, -1) if interpretation.channels_first else tensor
    return channels_last.reshape(math.prod(interpretation.batch_shape), *channels_last.shape[-3:])


def _layout(interpretation: Interpretation, result: Array) -> Array:
    """A ``(batch, height, width, channels)`` result in the data format and with the batch shape of the call."""
    shaped = result.reshape(*interpretation.batch_shape, *result.shape[1:])
    return np.moveaxis(shaped, -1, -3) if interpretation.channels_first else shaped


def is_atrous_strided(arguments: Arguments) -> bool:
    """Whether this is a depthwise call with a rate and a stride above one: where the two models part."""
    interpretation = interpret(arguments)
    if interpretation is None or arguments.op != "depthwise_conv2d":
        return False
    axes = (interpretation.height, interpretation.width)
    return any(axis.rate > 1 for axis in axes) and any(axis.stride > 1 for axis in axes)


def models_of(arguments: Arguments) -> tuple[Model, ...]:
    """The models that have something to say about a call: both where they part."""
    return (DOCUMENTED, PHASE_STRIDED) if is_atrous_strided(arguments) else (DOCUMENTED,)
