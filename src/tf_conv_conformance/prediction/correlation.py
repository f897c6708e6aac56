"""Compute convolutions and their adjoints for given indices into the input.

All arrays have channels last: `x` is ``(batch, height, width, in_channels)``, `rows` is
``(out_height, filter height)`` and `columns` is ``(out_width, filter width)``. An index outside of
the input reads padding: a zero that is multiplied like any other element. Filters are in groups:
``(height, width, filter_in, groups, out of a group)``; see :func:`grouped`.

All numbers are float64. Sums are exact in any order, as long as every partial sum is an integer up
to 2**53 (or that times a power of two).

Input elements are copied for one block of output rows at a time, so that memory stays small
compared with input and output. A matrix product sums each block.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from tf_conv_conformance.convolution.geometry import Indices, within

Array = NDArray[np.float64]
Places = NDArray[np.int64]
"""The input pixel that each tap of each output pixel reads; negative for padding.

Pixels are counted in ``height × width``. The shape is ``(out pixels, taps)``.
"""

BLOCK = 2**19  # elements of a block: 4 MiB


def grouped(w: Array, in_channels: int, depthwise: bool) -> Array:
    """Return a filter ``(height, width, filter_in, filter_out)`` with an extra axis for groups.

    A depthwise filter has a group for each channel.
    """
    height, width, filter_in, filter_out = w.shape
    if depthwise:
        return w.reshape(height, width, 1, filter_in, filter_out)
    groups = in_channels // filter_in if filter_in else 1
    return w.reshape(height, width, filter_in, groups, filter_out // groups)


def correlate(
    x: Array, w: Array, rows: Indices, columns: Indices, skip_padding: bool = False
) -> Array:
    """Return the convolution: ``(batch, out_height, out_width, groups × out of a group)``.

    With `skip_padding`, products with padding are left out. This changes the result only if an
    element of the filter is not finite.
    """
    size = (x.shape[0], rows.shape[0], columns.shape[0], math.prod(w.shape[3:]))
    x = np.ascontiguousarray(x)
    if skip_padding and not np.isfinite(w).all():
        return _without_padding(x, w, _all_places(x, rows, columns)).reshape(size)
    result = np.empty(size)
    # A block has several output rows, or several batch elements if their rows do not fill it.
    line = max(columns.size * rows.shape[1] * x.shape[3], math.prod(size[2:]), 1)
    lines, items = max(1, BLOCK // line), max(1, BLOCK // (line * max(size[1], 1)))
    for item in range(0, size[0], items):
        for first in range(0, size[1], lines):
            read = _all_places(x, rows[first : first + lines], columns)
            block = result[item : item + items, first : first + lines]
            block[...] = multiplied(taken(x[item : item + items], read), w).reshape(block.shape)
    return result


def adjoint_input(
    dy: Array, w: Array, rows: Indices, columns: Indices, height: int, width: int
) -> Array:
    """Return the gradient of ``sum(dy * correlate(x, w))`` with respect to `x`."""
    depth, groups, out = w.shape[2:]
    size = dy.shape[:3]
    upstream = dy.reshape(*size, groups, 1, out)
    rows, columns = within(rows, height), within(columns, width)
    # The last row and column take the gradient of the padding, whose index is -1.
    result = np.zeros((size[0], height + 1, width + 1, groups * depth))
    for i in range(w.shape[0]):
        for j in range(w.shape[1]):
            part = np.matmul(upstream, w[i, j].transpose(1, 2, 0)).reshape(*size, groups * depth)
            # Apart from padding, a tap reads each element at most once.
            result[:, rows[:, i][:, None], columns[:, j][None, :]] += part
    return result[:, :height, :width]


def adjoint_filter(
    x: Array, dy: Array, rows: Indices, columns: Indices, depth: int, groups: int
) -> Array:
    """Return the gradient of ``sum(dy * correlate(x, w))`` with respect to `w`, in groups."""
    out = dy.shape[3] // groups if groups else 0
    upstream = dy.reshape(math.prod(dy.shape[:3]), groups, out)
    places = _all_places(x, rows, columns)
    result = np.zeros((rows.shape[1] * columns.shape[1], depth, groups, out))
    for tap in range(len(result)):
        read = taken(x, places[:, tap : tap + 1]).reshape(len(upstream), groups, depth)
        result[tap] = np.einsum("ngq,ngo->qgo", read, upstream)
    return result.reshape(rows.shape[1], columns.shape[1], depth, groups, out)


def _all_places(x: Array, rows: Indices, columns: Indices) -> Places:
    height, width = x.shape[1:3]
    down = within(rows, height) * width
    outside = -max(height * width, 1)  # stays negative when a row is added
    along = np.where((columns >= 0) & (columns < width), columns, outside)
    both: Places = down[:, None, :, None] + along[:, None]
    return both.reshape(len(rows) * len(columns), rows.shape[1] * columns.shape[1])


def taken(x: Array, places: Places) -> Array:
    """Return the elements at these places: ``(batch, out pixels, taps, channels)``."""
    batch, height, width, channels = x.shape
    shape = (batch, *places.shape, channels)
    if not height * width:
        return np.zeros(shape)
    read = x.reshape(batch, height * width, channels).take(places.ravel(), axis=1, mode="clip")
    outside = np.flatnonzero(places < 0)
    if outside.size:
        read[:, outside] = 0
    return read.reshape(shape)


def multiplied(read: Array, w: Array) -> Array:
    """Multiply ``(batch, out pixels, taps, channels)`` by the filter, and sum the products.

    The result is ``(batch, out pixels, out channels)``.
    """
    batch, pixels, taps, channels = read.shape
    depth, groups, out = w.shape[2:]
    count = batch * pixels
    result = np.empty((count, groups, out))
    if groups == 1:
        matrix = w.reshape(taps * channels, out)
        np.matmul(read.reshape(count, taps * channels), matrix, out=result[:, 0])
    elif depth == 1:
        kernel = w.reshape(taps, groups, out)
        np.einsum("pkg,kgo->pgo", read.reshape(count, taps, groups), kernel, out=result)
    else:
        of_group = read.reshape(count, taps, groups, depth).transpose(2, 0, 1, 3)
        per_group = w.reshape(taps, depth, groups, out).transpose(2, 0, 1, 3)
        matrices = per_group.reshape(groups, taps * depth, out)
        sums = of_group.reshape(groups, count, taps * depth) @ matrices
        result[...] = sums.transpose(1, 0, 2)
    return result.reshape(batch, pixels, groups * out)


def _without_padding(x: Array, w: Array, places: Places) -> Array:
    """Return the sums without products with padding, computed one tap at a time."""
    result = np.zeros((x.shape[0], len(places), math.prod(w.shape[3:])))
    for tap, kernel in enumerate(w.reshape(-1, 1, 1, *w.shape[2:])):
        place = places[:, tap : tap + 1]
        result += np.where(place >= 0, multiplied(taken(x, place), kernel), 0)
    return result
