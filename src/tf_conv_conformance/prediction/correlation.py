"""Compute convolutions and their adjoints for given indices into the input.

All arrays have channels last: `x` is ``(batch, height, width, in_channels)``, `rows` is
``(out_height, filter height)`` and `columns` is ``(out_width, filter width)``. An index outside of
the input reads padding: a zero that is multiplied like any other element. Filters are in groups:
``(height, width, filter_in, groups, out of a group)``; see :func:`grouped`.

Results are float64. Sums in float64 are exact in any order, as long as every partial sum is an
integer up to 2**53 (or that times a power of two). If float32 gives the same numbers, it is used
instead and takes half the time; see :func:`dtype_of_sums`.

Input elements are copied for one block of output rows at a time, so that memory stays small
compared with input and output. A matrix product sums each block. If the indices advance evenly, as
the documented ones do, a block is copied by slices, and a depthwise block as whole rows.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.lib.stride_tricks import as_strided
from numpy.typing import NDArray

from tf_conv_conformance.convolution.geometry import Indices, within

Array = NDArray[np.floating[Any]]
"""Numbers: float64, or float32 for integers, see :func:`dtype_of_sums`. Results are float64."""
Places = NDArray[np.int64]
"""The input pixel that each tap of each output pixel reads; negative for padding.

Pixels are counted in ``height × width``. The shape is ``(out pixels, taps)``.
"""

EXACT = 2**24  # float32 holds all integers up to this magnitude
SMALL = 2**14  # up to this many elements read, a single gather is faster than slices
BLOCK = 2**19  # elements of a block: 4 MiB, or 2 MiB in float32
RUN = 2**10  # desired elements per run of the inner loop of a depthwise sum
STRIP = 2**21  # elements in the input rows of a block, at most; wider filters are gathered


def grouped(w: Array, in_channels: int, depthwise: bool) -> Array:
    """Return a filter ``(height, width, filter_in, filter_out)`` with an extra axis for groups.

    A depthwise filter has a group for each channel. A filter without height gets one of 1.
    """
    height, width, filter_in, filter_out = (1, *w.shape)[-4:]
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
    line = columns.size * rows.shape[1] * x.shape[3]  # elements that an output row reads
    if size[0] * size[1] * line <= SMALL:
        read = taken(x, _all_places(x, rows, columns))
        return multiplied(read, w.astype(np.float64, copy=False)).reshape(size)
    result = np.empty(size)
    w = w.astype(dtype_of_sums(x, w), copy=False)
    down, along = _advance(rows), _advance(columns)
    if down is not None and along is not None and _strip_size(w, down, along, size) <= STRIP:
        _by_slices(x, w, down, along, result)
        return result
    for items, lines, sums in _blocks(result, w.dtype, line):
        multiplied(taken(x[items], _all_places(x, rows[lines], columns)), w, sums)
    return result


def dtype_of_sums(x: Array, w: Array) -> type[np.float32] | type[np.float64]:
    """Return the dtype in which to sum products: float32 if it is exact, else float64.

    Arrays in float32 hold only integers, as :class:`distributions.Signed` ensures. So a sum of K
    products, and each of its partial sums in any order, is an integer of magnitude
    ``K * max|x| * max|w|`` at most. float32 holds every integer up to 2**24. Up to there nothing is
    rounded, with or without fused multiply-add, and the sums equal the sums in float64 bit for bit.
    """
    if not x.dtype == w.dtype == np.float32:
        return np.float64
    return np.float32 if math.prod(w.shape[:3]) * _largest(x) * _largest(w) <= EXACT else np.float64


def _largest(numbers: Array) -> float:
    """Return the largest magnitude, in two passes but without the copy that ``abs`` makes."""
    return max(float(numbers.max(initial=0)), -float(numbers.min(initial=0)))


def adjoint_input(
    dy: Array, w: Array, rows: Indices, columns: Indices, height: int, width: int
) -> Array:
    """Return the gradient of ``sum(dy * correlate(x, w))`` with respect to `x`."""
    dy, w = (array.astype(np.float64, copy=False) for array in (dy, w))
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
    x, dy = (array.astype(np.float64, copy=False) for array in (x, dy))
    out = dy.shape[3] // groups if groups else 0
    upstream = dy.reshape(math.prod(dy.shape[:3]), groups, out)
    places = _all_places(x, rows, columns)
    result = np.zeros((rows.shape[1] * columns.shape[1], depth, groups, out))
    for tap in range(len(result)):
        read = taken(x, places[:, tap : tap + 1]).reshape(len(upstream), groups, depth)
        result[tap] = np.einsum("ngq,ngo->qgo", read, upstream)
    return result.reshape(rows.shape[1], columns.shape[1], depth, groups, out)


def places(rows: Indices, columns: Indices, height: int, width: int) -> Places:
    """Return the places that pixels read, from the indices of their rows and columns."""
    down = within(rows, height) * width
    outside = -max(height * width, 1)  # stays negative when a row is added
    along = np.where((columns >= 0) & (columns < width), columns, outside)
    both = down[..., :, None] + along[..., None, :]
    return both.reshape(math.prod(both.shape[:-2]), rows.shape[-1] * columns.shape[-1])


def _all_places(x: Array, rows: Indices, columns: Indices) -> Places:
    """Return the places that all pixels of the result read."""
    return places(rows[:, None], columns[None], *x.shape[1:3])


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


def multiplied(read: Array, w: Array, into: Array | None = None) -> Array:
    """Multiply ``(batch, out pixels, taps, channels)`` by the filter, and sum the products.

    The result is ``(batch, out pixels, out channels)`` in the dtype of `w`. `into` is contiguous
    memory for it.
    """
    batch, pixels, taps, channels = read.shape
    depth, groups, out = w.shape[2:]
    count = batch * pixels
    read = read.astype(w.dtype, copy=False)
    into = np.empty((batch, pixels, groups * out), w.dtype) if into is None else into
    result = into.reshape(count, groups, out)
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
    w = w.astype(np.float64, copy=False)
    for tap, kernel in enumerate(w.reshape(-1, 1, 1, *w.shape[2:])):
        place = places[:, tap : tap + 1]
        result += np.where(place >= 0, multiplied(taken(x, place), kernel), 0)
    return result


Advance = tuple[int, int, int]
"""The first index, and its steps to the next output and to the next tap."""


def _advance(indices: Indices) -> Advance | None:
    """Return how indices advance; None if they do not advance evenly."""
    if not indices.size:
        return None
    outputs, taps = indices.shape
    start = int(indices[0, 0])
    stride = int(indices[1, 0]) - start if outputs > 1 else 1
    rate = int(indices[0, 1]) - start if taps > 1 else 1
    even = start + stride * np.arange(outputs)[:, None] + rate * np.arange(taps)
    return (
        (start, stride, rate) if min(stride, rate) > 0 and np.array_equal(indices, even) else None
    )


def _blocks(
    result: Array, dtype: np.dtype[Any], line: int, fewest: int = 1
) -> Iterator[tuple[slice, slice, Array]]:
    """Yield batch elements, output rows, and memory for their sums in a dtype.

    A block has as many rows as fill it, at least `fewest`. It has several batch elements if all
    rows of one do not fill it. An output row reads `line` elements. If the dtypes of sums and
    result differ, the memory is a copy, which is written back before the next block.
    """
    size = result.shape
    line = max(line, math.prod(size[2:]), 1)
    lines, items = max(fewest, BLOCK // line), max(1, BLOCK // max(line * size[1], 1))
    for item in range(0, size[0], items):
        for first in range(0, size[1], lines):
            part = slice(item, item + items), slice(first, min(first + lines, size[1]))
            block = result[part]
            sums = block if block.dtype == dtype else np.empty(block.shape, dtype)
            yield *part, sums
            if sums is not block:
                block[...] = sums


def _span(advance: Advance, outputs: int, taps: int) -> int:
    """Return the number of elements from the first that is read to the last."""
    return (outputs - 1) * advance[1] + (taps - 1) * advance[2] + 1


def _fewest(down: Advance, taps: int) -> int:
    """Return the fewest rows of a block, so that it reads at most half of its input rows twice."""
    return max(1, -(-(taps - 1) * down[2] // down[1]))


def _strip_size(w: Array, down: Advance, along: Advance, size: tuple[int, ...]) -> int:
    """Return the number of elements in the input rows of the smallest block."""
    height, width, depth, groups, out = w.shape
    lines = min(size[1], _fewest(down, height))
    channels = groups * out if _is_depthwise(w) else groups * depth
    return _span(down, lines, height) * _span(along, size[2], width) * int(channels)


def _is_depthwise(w: Array) -> bool:
    return bool(w.shape[2] == 1 and w.shape[3] > 1)


def _by_slices(x: Array, w: Array, down: Advance, along: Advance, result: Array) -> None:
    """Fill `result`, one block of rows at a time."""
    height, width, depth, groups, out = w.shape
    depthwise, across = _is_depthwise(w), result.shape[2]
    line = across * groups * out if depthwise else across * height * width * depth * groups
    copies = out if depthwise else 1
    for items, lines, sums in _blocks(result, w.dtype, line, _fewest(down, height)):
        count, first = lines.stop - lines.start, down[0] + lines.start * down[1]
        size = _span(down, count, height), _span(along, across, width)
        strip = _strip(x[items], (first, along[0]), size, copies, w.dtype)
        if depthwise:
            _sum_depthwise(strip, w.reshape(height, width, groups * out), down, along, sums)
        else:
            windows = _windows(strip, (count, across), (height, width), down, along)
            read = windows.reshape(len(strip), count * across, height * width, groups * depth)
            multiplied(read, w, sums)


def _strip(
    x: Array, start: tuple[int, int], size: tuple[int, int], copies: int, dtype: np.dtype[Any]
) -> Array:
    """Return a part of the input with each channel repeated, and with zeros outside of the input.

    Its shape is ``(batch, *size, channels × copies)``.
    """
    (top, left), (height, width) = start, size
    above, before = min(max(-top, 0), height), min(max(-left, 0), width)
    below = min(max(x.shape[1] - top, above), height)
    behind = min(max(x.shape[2] - left, before), width)
    inside = x[:, top + above : top + below, left + before : left + behind]
    if copies == 1 and inside.shape[1:3] == size:
        return inside.astype(dtype, copy=False)
    strip = np.empty((x.shape[0], *size, x.shape[3], copies), dtype)
    strip[:, :above] = strip[:, below:] = 0
    strip[:, above:below, :before] = strip[:, above:below, behind:] = 0
    strip[:, above:below, before:behind] = inside[..., None]
    return strip.reshape(x.shape[0], *size, x.shape[3] * copies)


def _windows(
    strip: Array,
    outputs: tuple[int, int],
    taps: tuple[int, int],
    down: Advance,
    along: Advance,
    run: int = 1,
) -> Array:
    """Return a view of the elements that each output reads: ``(batch, *outputs, *taps, channels)``.

    `run` outputs in a row count as one output with more channels.
    """
    item, row, column, channel = strip.strides
    shape = (len(strip), outputs[0], outputs[1] // run, *taps, strip.shape[3] * run)
    outer = (item, row * down[1], column * along[1] * run)
    inner = (row * down[2], column * along[2], channel)
    return as_strided(strip, shape, (*outer, *inner), writeable=False)


def _sum_depthwise(strip: Array, w: Array, down: Advance, along: Advance, result: Array) -> None:
    """Fill a block of a depthwise result.

    Adjacent channels and outputs are multiplied and added in one run per tap.
    """
    batch, lines, across, channels = result.shape
    run = max(1, min(across, RUN // max(channels, 1))) if along[1] == 1 else 1
    whole = across - across % run
    for first, last, side in ((0, whole, run), (whole, across, across - whole)):
        if last > first:
            outputs, part = (lines, last - first), strip[:, :, first * along[1] :]
            windows = _windows(part, outputs, (w.shape[0], w.shape[1]), down, along, side)
            size = (batch, lines, (last - first) // side, side * channels)
            out = result[:, :, first:last].reshape(size)  # a view: outputs are contiguous
            np.einsum("bhwijc,ijc->bhwc", windows, np.tile(w, side), out=out)
