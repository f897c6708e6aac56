"""Sizes and padding of a convolution, an axis at a time, in exact integers.

Every function takes one :class:`Axis`. Nothing here knows of channels, data or TensorFlow. Sources: the notes on padding of
``tf.nn`` (module docstring of ``tensorflow/python/ops/nn_ops.py``) for the documented sizes; ``tf.nn.with_space_to_batch`` in the
same file for the phase-strided ones.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

Padding = Literal["SAME", "VALID"] | tuple[int, int]
Taps = NDArray[np.int64]
"""Which input element each output element reads: shape ``(out, size of the filter)``, -1 where it reads padding."""
Indices = NDArray[np.int64]
"""The same with padding in its place: negative before the input, its size or more after it."""


FAR = 2**62
"""A position that is within no input, and leaves room to count on in 64 bits."""


@dataclass(frozen=True)
class Axis:
    """One spatial axis of a convolution: input size, filter size, stride, rate, and its padding (a pair is before, after)."""

    size: int
    filter: int
    stride: int
    rate: int
    padding: Padding

    @property
    def dilated_filter(self) -> int:
        """The filter's size after dilation: ``(k - 1) * r + 1``."""
        return (self.filter - 1) * self.rate + 1


def ceil_div(numerator: int, denominator: int) -> int:
    """``ceil(numerator / denominator)`` in exact integers."""
    return -(-numerator // denominator)


def documented_padding(axis: Axis) -> tuple[int, int]:
    """Zeros before and after the axis as TensorFlow documents them. ``SAME`` pads the odd one at the end."""
    if axis.padding == "VALID":
        return 0, 0
    if axis.padding == "SAME":
        remainder = axis.size % axis.stride
        total = max(axis.dilated_filter - (remainder or axis.stride), 0)
        return total // 2, total - total // 2
    return axis.padding


def truncated_steps(room: int, stride: int) -> int:
    """``room / stride + 1`` as C++ divides: towards zero. With `room` between -stride and 0 that is 0, and not the negative number."""
    steps = room + stride
    return steps // stride if steps >= 0 else -(-steps // stride)


def documented_size(axis: Axis, truncated: bool = False) -> int:
    """The documented output size; negative where no such tensor exists. `truncated`: with the division of TensorFlow's kernels."""
    if axis.padding == "SAME":
        return ceil_div(axis.size, axis.stride)
    before, after = documented_padding(axis)
    room = axis.size + before + after - axis.dilated_filter
    return truncated_steps(room, axis.stride) if truncated else ceil_div(room + 1, axis.stride)


def documented_indices(axis: Axis) -> Indices:
    """``out[i]`` reads ``input[stride * i + rate * d - before]`` for each filter element ``d``."""
    outputs, taps = _counted(axis, documented_size(axis))
    return _as_positions(axis.stride * outputs + axis.rate * taps - documented_padding(axis)[0])


def phase_strided_padding(axis: Axis) -> tuple[int, int]:
    """Zeros before and after as ``with_space_to_batch`` adds them: its ``SAME`` does not look at the stride."""
    if axis.padding == "SAME":
        total = (axis.filter - 1) * axis.rate
        return total // 2, total - total // 2
    return documented_padding(axis)


@dataclass(frozen=True)
class Phases:
    """An axis cut into phases: its size with padding, the zeros that make this a multiple of the rate, the size of a phase's result."""

    padded: int
    excess: int
    result: int


def phases(axis: Axis, truncated: bool = False) -> Phases:
    """What space to batch and a strided VALID convolution of each phase make of an axis. The result's size may be negative."""
    padded = axis.size + sum(phase_strided_padding(axis))
    excess = -padded % axis.rate
    room = (padded + excess) // axis.rate - axis.filter
    return Phases(
        padded,
        excess,
        truncated_steps(room, axis.stride) if truncated else ceil_div(room + 1, axis.stride),
    )


def phase_strided_size(axis: Axis, truncated: bool = False) -> int:
    """The size that space to batch, a strided VALID convolution of each phase, and batch to space with its crop leave.

    Negative where a phase is too short for the filter, or the crop is larger than what there is to crop. `truncated`: with the division
    of TensorFlow's kernels.
    """
    cut = phases(axis, truncated)
    return cut.result if cut.result < 0 else axis.rate * cut.result - cut.excess


def phase_strided_indices(axis: Axis) -> Indices:
    """``out[i]`` reads ``input[i mod r + r * (s * (i div r) + d) - before]``: the stride steps within a phase."""
    outputs, taps = _counted(axis, phase_strided_size(axis))
    steps = axis.stride * (outputs // axis.rate) + taps
    return _as_positions(outputs % axis.rate + axis.rate * steps - phase_strided_padding(axis)[0])


def _counted(axis: Axis, size: int) -> tuple[NDArray[Any], NDArray[Any]]:
    """The output elements of an axis, in a column, and the filter's: Python's integers where 64 bits may not hold what is read."""
    count = max(size, 0)
    reach = (
        axis.stride * count + axis.rate * axis.filter + sum(map(abs, phase_strided_padding(axis)))
    )
    kind = np.int64 if reach < FAR else object
    return np.arange(count, dtype=kind)[:, None], np.arange(axis.filter, dtype=kind)


def _as_positions(reads: NDArray[Any]) -> Indices:
    """In 64 bits: what is read further outside than these hold is read as far outside as they do."""
    return reads if reads.dtype == np.int64 else np.clip(reads, -FAR, FAR).astype(np.int64)


def within(reads: Indices, size: int) -> Taps:
    """The positions read, with those outside ``0 .. size - 1`` marked -1: they read a padded zero."""
    return np.where((reads >= 0) & (reads < size), reads, -1)
