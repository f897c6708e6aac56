"""The sum that a convolution is, and its adjoints, given which input element each output element reads.

All arrays are float64 with channels last: `x` is ``(batch, height, width, in_channels)``; `rows` is ``(out_height, filter height)`` and
`columns` ``(out_width, filter width)``, -1 where padding is read. Filters are in groups: ``(height, width, filter_in, groups, out of a
group)``; see :func:`grouped`. Sums are exact in any order as long as every partial sum is an integer below 2**53 (or that times a power
of two). A read of padding is a zero that is multiplied like any other element.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from tf_conv_conformance.geometry import Taps

Array = NDArray[np.float64]


def grouped(w: Array, in_channels: int, depthwise: bool) -> Array:
    """A filter ``(height, width, filter_in, filter_out)`` with its groups apart: a depthwise one has a group for each channel."""
    height, width, filter_in, filter_out = w.shape
    if depthwise:
        return w.reshape(height, width, 1, filter_in, filter_out)
    groups = in_channels // filter_in if filter_in else 1
    return w.reshape(height, width, filter_in, groups, filter_out // groups)


def correlate(x: Array, w: Array, rows: Taps, columns: Taps, skip_padding: bool = False) -> Array:
    """The convolution: ``(batch, out_height, out_width, groups × out of a group)``.

    With `skip_padding` what would be multiplied with a padded zero is left out: another result only where a tap is not finite.
    """
    depth, groups, out = w.shape[2:]
    size = (x.shape[0], rows.shape[0], columns.shape[0])
    padded = _with_a_zero(x)
    result = np.zeros((*size, groups, out))
    for i in range(w.shape[0]):
        for j in range(w.shape[1]):
            read = padded[:, rows[:, i]][:, :, columns[:, j]]
            if depth == 1:  # depthwise: one product, no sum
                part = read.reshape(*size, groups, 1) * w[i, j, 0]
            elif groups == 1:  # one large product of matrices, many times faster than a small one for each pixel
                part = (read.reshape(math.prod(size), depth) @ w[i, j, :, 0]).reshape(*size, 1, out)
            else:
                part = np.matmul(read.reshape(*size, groups, 1, depth), w[i, j].transpose(1, 0, 2))[..., 0, :]
            if skip_padding:
                inside = (rows[:, i] >= 0)[:, None] & (columns[:, j] >= 0)
                part = np.where(inside[..., None, None], part, 0)
            result += part
    return result.reshape(*size, groups * out)


def adjoint_input(dy: Array, w: Array, rows: Taps, columns: Taps, height: int, width: int) -> Array:
    """The gradient of ``sum(dy * correlate(x, w))`` by `x`, of this height and width."""
    depth, groups, out = w.shape[2:]
    size = dy.shape[:3]
    upstream = dy.reshape(*size, groups, 1, out)
    result = np.zeros((size[0], height + 1, width + 1, groups * depth))  # the last row and column take what padding gets
    for i in range(w.shape[0]):
        for j in range(w.shape[1]):
            part = np.matmul(upstream, w[i, j].transpose(1, 2, 0)).reshape(*size, groups * depth)
            result[:, rows[:, i][:, None], columns[:, j][None, :]] += part  # one tap reads no element twice, padding apart
    return result[:, :height, :width]


def adjoint_filter(x: Array, dy: Array, rows: Taps, columns: Taps, depth: int, groups: int) -> Array:
    """The gradient of ``sum(dy * correlate(x, w))`` by `w`, its groups apart."""
    out = dy.shape[3] // groups if groups else 0
    size = dy.shape[:3]
    padded = _with_a_zero(x)
    upstream = dy.reshape(math.prod(size), groups, out)
    result = np.zeros((rows.shape[1], columns.shape[1], depth, groups, out))
    for i in range(rows.shape[1]):
        for j in range(columns.shape[1]):
            read = padded[:, rows[:, i]][:, :, columns[:, j]].reshape(math.prod(size), groups, depth)
            result[i, j] = np.einsum("ngq,ngo->qgo", read, upstream)
    return result


def _with_a_zero(x: Array) -> Array:
    """`x` with a row and a column of zeros at the end, where the position -1 reads."""
    return np.pad(x, ((0, 0), (0, 1), (0, 1), (0, 0)))
