"""The two models of a call, ``documented`` and ``phase_strided``, which compute its result."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from tf_conv_conformance.convolution.arguments import Arguments, Interpretation, interpret
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
from tf_conv_conformance.prediction import company
from tf_conv_conformance.prediction.correlation import (
    Array,
    adjoint_filter,
    adjoint_input,
    correlate,
    grouped,
)
from tf_conv_conformance.prediction.layout import (
    flat,
    in_layout,
    interpretation_of,
    shape_in_layout,
)

SMALLEST_NORMAL = {"float16": 2.0**-14, "float64": 2.0**-1022}  # 2**-126 in other dtypes


def as_given(arguments: Arguments, interpretation: Interpretation) -> Interpretation:
    """Return what the arguments mean."""
    return interpretation


@dataclass(frozen=True)
class Model:
    """A way to compute the size, the padding and the indices of an axis.

    `reads` changes what the arguments mean. The other fields are departures from the arithmetic of
    real numbers: sizes are divided towards zero; products with padding are left out; subnormal
    inputs and results become zero; the dtype of sums differs from
    :data:`error_bounds.ACCUMULATOR`.
    """

    name: str
    padding: Callable[[Axis], tuple[int, int]]
    size: Callable[..., int]
    indices: Callable[[Axis], Indices]
    truncates_sizes: bool = False
    skips_padding: bool = False
    flushes_subnormals: bool = False
    accumulator: str | None = None
    reads: Callable[[Arguments, Interpretation], Interpretation] = as_given

    def interpretation(self, arguments: Arguments) -> Interpretation:
        """Return what the arguments mean to the model.

        Raises :class:`NoResultError` if they mean nothing.
        """
        return self.reads(arguments, interpretation_of(arguments))

    def taps(self, axis: Axis) -> Taps:
        """Return the indices within the input, -1 for padding."""
        return within(self.indices(axis), axis.size)

    def forward_shape(self, arguments: Arguments) -> tuple[int, ...]:
        """Return the shape of the convolution itself in the call's data format.

        Raises :class:`NoResultError`.
        """
        interpretation = self.interpretation(arguments)
        sizes = [self.size(axis, self.truncates_sizes) for axis in interpretation.axes]
        return shape_in_layout(arguments, interpretation, sizes)

    def shape(self, arguments: Arguments) -> tuple[int, ...]:
        """Return the shape of the result; for a gradient, the shape of its tensor.

        Raises :class:`NoResultError`.
        """
        forward = self.forward_shape(arguments)
        if arguments.gradient is None:
            return company.stages(arguments, forward)[-1]
        return arguments.input.shape if arguments.gradient == "input" else arguments.filter.shape

    def values(self, arguments: Arguments, *tensors: Array) -> Array:
        """Return the result in float64 and in the call's data format.

        `tensors` are input and filter, then the upstream gradient of a gradient, or the tensors of
        the operations after the convolution.
        """
        interpretation = self.interpretation(arguments)
        if self.flushes_subnormals:
            tensors = tuple(flushed(tensor, arguments.dtype) for tensor in tensors)
        rows, columns = map(self.indices, interpretation.axes)
        skips = self.skips_padding
        result = compute(arguments, interpretation, rows, columns, *tensors, skip_padding=skips)
        return flushed(result, arguments.dtype) if self.flushes_subnormals else result


DOCUMENTED = Model("documented", documented_padding, documented_size, documented_indices)
PHASE_STRIDED = Model(
    "phase_strided", phase_strided_padding, phase_strided_size, phase_strided_indices
)
MODELS = {model.name: model for model in (DOCUMENTED, PHASE_STRIDED)}


def flushed(numbers: Array, dtype: str) -> Array:
    """Replace numbers that are subnormal in a dtype with zero."""
    return np.where(np.abs(numbers) < SMALLEST_NORMAL.get(dtype, 2.0**-126), 0.0, numbers)


def compute(
    arguments: Arguments,
    interpretation: Interpretation,
    rows: Indices,
    columns: Indices,
    x: Array,
    w: Array,
    *others: Array,
    skip_padding: bool = False,
    after: Sequence[company.Step] | None = None,
) -> Array:
    """Return the convolution, or its gradient, that reads the input at these indices.

    The operations around the convolution are made, too; `after` are other ones than the call's.
    """
    across = flat(interpretation, company.padded(x, arguments.before))
    kernel = grouped(w, interpretation.in_channels, arguments.op == "depthwise_conv2d")
    is_gradient = arguments.gradient is not None and bool(others)
    upstream, rest = (others[0], others[1:]) if is_gradient else (None, others)
    steps = company.steps(arguments.after, rest) if after is None else after
    if upstream is None or steps:
        sums = correlate(across, kernel, rows, columns, skip_padding)
        result = in_layout(interpretation, _pointwise(arguments, sums))
        if upstream is None:
            return company.finished(arguments, result, steps)
        upstream = company.pulled_back(arguments, result, steps, upstream)
    upstream = flat(interpretation, upstream)
    if arguments.gradient == "input":
        sizes = (axis.size for axis in interpretation.axes)
        gradient = adjoint_input(upstream, kernel, rows, columns, *sizes)
        return company.cropped(in_layout(interpretation, gradient), arguments.before)
    channels = kernel.shape[2:4]
    return adjoint_filter(across, upstream, rows, columns, *channels).reshape(w.shape)


def _pointwise(arguments: Arguments, result: Array) -> Array:
    """Multiply by the identity that ``tf.nn.separable_conv2d`` gets: 0 times infinity is NaN."""
    if not arguments.entry_point.pointwise or np.isfinite(result).all():
        return result
    with np.errstate(invalid="ignore"):
        return result @ np.eye(result.shape[-1])


def is_atrous_strided(arguments: Arguments) -> bool:
    """Return whether a depthwise call has a rate and a stride above 1, so that models differ."""
    interpretation = interpret(arguments)
    if interpretation is None or arguments.op != "depthwise_conv2d":
        return False
    axes = interpretation.axes
    return any(axis.rate > 1 for axis in axes) and any(axis.stride > 1 for axis in axes)


def models_of(arguments: Arguments) -> tuple[Model, ...]:
    """Return the models of a call, which are both if they differ."""
    return (DOCUMENTED, PHASE_STRIDED) if is_atrous_strided(arguments) else (DOCUMENTED,)
