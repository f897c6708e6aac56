"""Compute sizes and padding of a convolution along one axis, in exact integers.

The documented sizes follow the notes on padding of ``tf.nn``, which are the module docstring of
``tensorflow/python/ops/nn_ops.py``. The phase-strided sizes follow ``tf.nn.with_space_to_batch``
in the same file.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

Padding = Literal["SAME", "VALID"] | tuple[int, int]
Taps = NDArray[np.int64]
"""The input element that each tap of each output reads, -1 for padding. Shape: (outputs, taps)."""
Indices = NDArray[np.int64]
"""The same, but with positions in the padding: negative before the input, `size` or more after."""
FAR = 2**62
"""A position outside of any input, small enough to be added to in 64 bits."""


@dataclass(frozen=True)
class Axis:
    """One spatial axis of a convolution. A pair as padding is (before, after)."""

    size: int
    filter: int
    stride: int
    rate: int
    padding: Padding

    @property
    def dilated_filter(self) -> int:
        """The filter's size after dilation, ``(k - 1) * r + 1``."""
        return (self.filter - 1) * self.rate + 1


def ceil_div(numerator: int, denominator: int) -> int:
    """Return ``ceil(numerator / denominator)`` in exact integers."""
    return -(-numerator // denominator)


def documented_padding(axis: Axis) -> tuple[int, int]:
    """Return the documented zeros before and after the axis. ``SAME`` puts an odd zero after it."""
    if axis.padding == "VALID":
        return 0, 0
    if axis.padding == "SAME":
        remainder = axis.size % axis.stride
        total = max(axis.dilated_filter - (remainder or axis.stride), 0)
        return total // 2, total - total // 2
    return axis.padding


def same_total(axis: Axis) -> int:
    """Return ``(out - 1) * s + (k - 1) * r + 1 - n``: SAME's padding if it is not negative."""
    last = (ceil_div(axis.size, axis.stride) - 1) * axis.stride
    return last + axis.dilated_filter - axis.size


def truncated_steps(room: int, stride: int) -> int:
    """Return ``room / stride + 1``, divided as in C++: a size just below zero becomes zero."""
    steps = room + stride
    return steps // stride if steps >= 0 else -(-steps // stride)


def documented_size(axis: Axis, truncated: bool = False) -> int:
    """Return the documented output size; negative if no such tensor exists.

    If `truncated`, divide towards zero as TensorFlow's kernels do.
    """
    if axis.padding == "SAME":
        return ceil_div(axis.size, axis.stride)
    before, after = documented_padding(axis)
    room = axis.size + before + after - axis.dilated_filter
    return truncated_steps(room, axis.stride) if truncated else ceil_div(room + 1, axis.stride)


def documented_indices(axis: Axis) -> Indices:
    """Return the positions ``stride * i + rate * d - before`` for outputs ``i`` and taps ``d``."""
    outputs, taps = _counted(axis, documented_size(axis))
    return _as_indices(axis.stride * outputs + axis.rate * taps - documented_padding(axis)[0])


def phase_strided_padding(axis: Axis) -> tuple[int, int]:
    """Return the zeros that ``with_space_to_batch`` adds. Its ``SAME`` ignores the stride."""
    if axis.padding == "SAME":
        total = (axis.filter - 1) * axis.rate
        return total // 2, total - total // 2
    return documented_padding(axis)


@dataclass(frozen=True)
class Phases:
    """An axis split into phases.

    `padded` is its size with padding. `excess` is the number of zeros that make this a multiple of
    the rate. `result` is the size of each phase's result, which may be negative.
    """

    padded: int
    excess: int
    result: int


def phases(axis: Axis, truncated: bool = False) -> Phases:
    """Return the phases of space to batch, each convolved with the stride and VALID padding."""
    padded = axis.size + sum(phase_strided_padding(axis))
    excess = -padded % axis.rate
    room = (padded + excess) // axis.rate - axis.filter
    steps = truncated_steps(room, axis.stride) if truncated else ceil_div(room + 1, axis.stride)
    return Phases(padded, excess, steps)


def phase_strided_size(axis: Axis, truncated: bool = False) -> int:
    """Return the output size of space to batch, strided convolution and batch to space.

    It is negative if a phase is too short for the filter, or the crop is larger than the result.
    If `truncated`, divide towards zero as TensorFlow's kernels do.
    """
    cut = phases(axis, truncated)
    return cut.result if cut.result < 0 else axis.rate * cut.result - cut.excess


def phase_strided_indices(axis: Axis) -> Indices:
    """Return the positions ``i mod r + r * (s * (i div r) + d) - before``: steps within a phase."""
    outputs, taps = _counted(axis, phase_strided_size(axis))
    steps = axis.stride * (outputs // axis.rate) + taps
    return _as_indices(outputs % axis.rate + axis.rate * steps - phase_strided_padding(axis)[0])


def _counted(axis: Axis, size: int) -> tuple[NDArray[Any], NDArray[Any]]:
    """Return the numbers of the outputs of an axis, as a column, and of its taps.

    They are Python integers if 64 bits might not hold the positions computed from them.
    """
    count = max(size, 0)
    pads = sum(map(abs, phase_strided_padding(axis)))
    reach = axis.stride * count + axis.rate * axis.filter + pads
    kind = np.int64 if reach < FAR else object
    return np.arange(count, dtype=kind)[:, None], np.arange(axis.filter, dtype=kind)


def _as_indices(places: NDArray[Any]) -> Indices:
    """Return positions in 64 bits. Those too far outside for 64 bits are clipped."""
    return places if places.dtype == np.int64 else np.clip(places, -FAR, FAR).astype(np.int64)


def within(indices: Indices, size: int) -> Taps:
    """Replace indices outside of the input, which read a padded zero, with -1."""
    return np.where((indices >= 0) & (indices < size), indices, -1)
