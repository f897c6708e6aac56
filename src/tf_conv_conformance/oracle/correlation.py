"""The sum that a convolution is, given which input element each output element reads."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from tf_conv_conformance.geometry import Taps

Array = NDArray[np.float64]


def correlate(x: Array, w: Array, rows: Taps, columns: Taps, depthwise: bool) -> Array:
    """Correlate `x` with `w` where `rows` and `columns` say what is read.

    `x` has the shape ``(batch, height, width, in_channels)``, `w` ``(height, width, filter_in, filter_out)``, `rows`
    ``(out_height, filter height)``, `columns` ``(out_width, filter width)``. The result has the shape
    ``(batch, out_height, out_width, channels)`` with channels = filter_out (groups = in_channels / filter_in), or in_channels *
    filter_out for depthwise. A read of padding (-1) is a zero that is multiplied like any other element. Sums are made in
    float64: exact in any order as long as every partial sum is an integer below 2**53.
    """
    padded = np.pad(x, ((0, 0), (0, 1), (0, 1), (0, 0)))  # the position -1 is then a zero
    batch, in_channels = x.shape[0], x.shape[3]
    filter_in, filter_out = w.shape[2:]
    groups = in_channels // filter_in if filter_in and not depthwise else 1
    size = (batch, rows.shape[0], columns.shape[0])
    result = np.zeros((*size, in_channels, filter_out) if depthwise else (*size, groups, filter_out // groups))
    for i in range(w.shape[0]):
        for j in range(w.shape[1]):
            read = padded[:, rows[:, i]][:, :, columns[:, j]]
            if depthwise:
                result += read[..., None] * w[i, j]
            else:
                kernel = w[i, j].reshape(filter_in, groups, filter_out // groups).transpose(1, 0, 2)
                result += np.matmul(read.reshape(*size, groups, 1, filter_in), kernel)[..., 0, :]
    return result.reshape(*size, -1) if result.size else result.reshape(*size, result.shape[3] * result.shape[4])
