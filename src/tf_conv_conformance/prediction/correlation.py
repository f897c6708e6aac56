"""The sum that a convolution is, and its adjoints, given which input element each output element reads.

All arrays have channels last: `x` is ``(batch, height, width, in_channels)``; `rows` is ``(out_height,
filter height)`` and `columns` ``(out_width, filter width)``, and a position outside of the input reads
padding. Filters are in groups: ``(height, width, filter_in, groups, out of a group)``; see
:func:`grouped`. A read of padding is a zero that is multiplied like any other element.

Results are float64. Sums are made in float64, exact in any order as long as every partial sum is an
integer up to 2**53 (or that times a power of two). They are made in float32, in half the time, where
that gives the same numbers: see :func:`dtype_of_sums`.

What is read is copied in blocks of output rows, so that memory stays small beside input and output, and is then one product of matrices.
Where the positions advance evenly, as those of the documentation do, a block is copied by slices, and of a depthwise one just its rows.
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
"""Numbers; in float32 if they are integers, see :func:`dtype_of_sums`. Results are in float64."""
Places = NDArray[np.int64]
"""Which pixel of ``height × width`` each output pixel reads by each tap: ``(out pixels, taps)``, negative where it is padding."""

EXACT = 2**24  # float32 holds all integers up to this magnitude
SMALL = (
    2**14
)  # elements read up to which one gather takes less time than the slices need to be set up
BLOCK = 2**19  # elements of a block: 4 MiB, or 2 MiB in float32
RUN = 2**10  # elements that one run of a depthwise sum's inner loop should have
STRIP = (
    2**21
)  # elements that the input rows of a block may have; a filter dilated wider than that is gathered


def grouped(w: Array, in_channels: int, depthwise: bool) -> Array:
    """A filter ``(height, width, filter_in, filter_out)`` with its groups apart: a depthwise one has a group for each channel."""
    height, width, filter_in, filter_out = w.shape
    if depthwise:
        return w.reshape(height, width, 1, filter_in, filter_out)
    groups = in_channels // filter_in if filter_in else 1
    return w.reshape(height, width, filter_in, groups, filter_out // groups)


def correlate(
    x: Array, w: Array, rows: Indices, columns: Indices, skip_padding: bool = False
) -> Array:
    """The convolution: ``(batch, out_height, out_width, groups × out of a group)``.

    With `skip_padding` what would be multiplied with a padded zero is left out: another result only where a tap is not finite.
    """
    size = (x.shape[0], rows.shape[0], columns.shape[0], math.prod(w.shape[3:]))
    x = np.ascontiguousarray(x)
    if skip_padding and not np.isfinite(w).all():
        return _without_padding(x, w, _all_places(x, rows, columns)).reshape(size)
    line = columns.size * rows.shape[1] * x.shape[3]  # what an output row reads
    if size[0] * size[1] * line <= SMALL:
        return multiplied(
            taken(x, _all_places(x, rows, columns)), w.astype(np.float64, copy=False)
        ).reshape(size)
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
    """Return the dtype in which the products of these are summed: float32 where it is exact, else float64.

    Arrays in float32 hold integers; their maker sees to it (:class:`data.Signed`). A sum of K products,
    and each partial sum of it in whatever order, is then an integer of at most ``K * max|x| * max|w|``
    in magnitude. Up to 2**24 float32 holds every integer. So nothing is rounded, with fused
    multiply-add or without, and the sums are those of float64 to the bit.
    """
    if not x.dtype == w.dtype == np.float32:
        return np.float64
    return np.float32 if math.prod(w.shape[:3]) * _largest(x) * _largest(w) <= EXACT else np.float64


def _largest(numbers: Array) -> float:
    """Return the largest magnitude. Two passes, and no copy as ``abs`` makes."""
    return max(float(numbers.max(initial=0)), -float(numbers.min(initial=0)))


def adjoint_input(
    dy: Array, w: Array, rows: Indices, columns: Indices, height: int, width: int
) -> Array:
    """The gradient of ``sum(dy * correlate(x, w))`` by `x`, of this height and width."""
    dy, w = (array.astype(np.float64, copy=False) for array in (dy, w))
    depth, groups, out = w.shape[2:]
    size = dy.shape[:3]
    upstream = dy.reshape(*size, groups, 1, out)
    rows, columns = within(rows, height), within(columns, width)
    result = np.zeros(
        (size[0], height + 1, width + 1, groups * depth)
    )  # the last row and column take what padding gets
    for i in range(w.shape[0]):
        for j in range(w.shape[1]):
            part = np.matmul(upstream, w[i, j].transpose(1, 2, 0)).reshape(*size, groups * depth)
            result[:, rows[:, i][:, None], columns[:, j][None, :]] += (
                part  # one tap reads no element twice, padding apart
            )
    return result[:, :height, :width]


def adjoint_filter(
    x: Array, dy: Array, rows: Indices, columns: Indices, depth: int, groups: int
) -> Array:
    """The gradient of ``sum(dy * correlate(x, w))`` by `w`, its groups apart."""
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
    """The places that pixels read, from the positions of the rows and of the columns that each of them reads."""
    down = within(rows, height) * width
    along = np.where(
        (columns >= 0) & (columns < width), columns, -max(height * width, 1)
    )  # negative whatever is added to it
    both = down[..., :, None] + along[..., None, :]
    return both.reshape(math.prod(both.shape[:-2]), rows.shape[-1] * columns.shape[-1])


def _all_places(x: Array, rows: Indices, columns: Indices) -> Places:
    """The places that all pixels of the result read."""
    return places(rows[:, None], columns[None], *x.shape[1:3])


def taken(x: Array, places: Places) -> Array:
    """What is read at these places: ``(batch, out pixels, taps, channels)``."""
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
    """The products of what is read, ``(batch, out pixels, taps, channels)``, summed: ``(batch, out pixels, out channels)``.

    The sums have the dtype of `w`; `into` is contiguous memory for them.
    """
    batch, pixels, taps, channels = read.shape
    depth, groups, out = w.shape[2:]
    read = read.astype(w.dtype, copy=False)
    result = (np.empty((batch, pixels, groups * out), w.dtype) if into is None else into).reshape(
        batch * pixels, groups, out
    )
    if groups == 1:
        np.matmul(
            read.reshape(batch * pixels, taps * channels),
            w.reshape(taps * channels, out),
            out=result[:, 0],
        )
    elif depth == 1:
        np.einsum(
            "pkg,kgo->pgo",
            read.reshape(batch * pixels, taps, groups),
            w.reshape(taps, groups, out),
            out=result,
        )
    else:
        apart = (
            read.reshape(batch * pixels, taps, groups, depth)
            .transpose(2, 0, 1, 3)
            .reshape(groups, batch * pixels, taps * depth)
        )
        kernel = (
            w.reshape(taps, depth, groups, out)
            .transpose(2, 0, 1, 3)
            .reshape(groups, taps * depth, out)
        )
        result[...] = (apart @ kernel).transpose(1, 0, 2)
    return result.reshape(batch, pixels, groups * out)


def _without_padding(x: Array, w: Array, places: Places) -> Array:
    """The sums without the products that a padded zero has part in, a tap at a time."""
    result, w = (
        np.zeros((x.shape[0], len(places), math.prod(w.shape[3:]))),
        w.astype(np.float64, copy=False),
    )
    for tap, kernel in enumerate(w.reshape(-1, 1, 1, *w.shape[2:])):
        place = places[:, tap : tap + 1]
        result += np.where(place >= 0, multiplied(taken(x, place), kernel), 0)
    return result


Advance = tuple[int, int, int]
"""Where the first element read is, how far on the next output's is, and how far on the next tap's."""


def _advance(reads: Indices) -> Advance | None:
    """How the positions advance; None where they do not do so evenly."""
    if not reads.size:
        return None
    start = int(reads[0, 0])
    stride = int(reads[1, 0]) - start if reads.shape[0] > 1 else 1
    rate = int(reads[0, 1]) - start if reads.shape[1] > 1 else 1
    even = start + stride * np.arange(reads.shape[0])[:, None] + rate * np.arange(reads.shape[1])
    return (start, stride, rate) if min(stride, rate) > 0 and np.array_equal(reads, even) else None


def _blocks(
    result: Array, dtype: np.dtype[Any], line: int, fewest: int = 1
) -> Iterator[tuple[slice, slice, Array]]:
    """Batch elements and output rows, and memory in which to make their sums in this dtype.

    There are so many rows that a block is full, and batch elements where all rows of one do not fill it.
    `line` is what an output row reads. Sums of another dtype than the result's are a block of their own, which is copied into the
    result when the caller is done with it and takes the next block.
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
    """How many elements lie from the first that is read to the last."""
    return (outputs - 1) * advance[1] + (taps - 1) * advance[2] + 1


def _fewest(down: Advance, taps: int) -> int:
    """The output rows of a block whose input rows overlap with those of the next by no more than half."""
    return max(1, -(-(taps - 1) * down[2] // down[1]))


def _strip_size(w: Array, down: Advance, along: Advance, size: tuple[int, ...]) -> int:
    """How many elements the input rows of the smallest block have."""
    height, width, depth, groups, out = w.shape
    lines = min(size[1], _fewest(down, height))
    channels = groups * out if _is_depthwise(w) else groups * depth
    return _span(down, lines, height) * _span(along, size[2], width) * int(channels)


def _is_depthwise(w: Array) -> bool:
    return bool(w.shape[2] == 1 and w.shape[3] > 1)


def _by_slices(x: Array, w: Array, down: Advance, along: Advance, result: Array) -> None:
    """Fill `result`, a block of rows at a time."""
    height, width, depth, groups, out = w.shape
    depthwise, across = _is_depthwise(w), result.shape[2]
    line = across * groups * out if depthwise else across * height * width * depth * groups
    for items, lines, sums in _blocks(result, w.dtype, line, _fewest(down, height)):
        count, first = lines.stop - lines.start, down[0] + lines.start * down[1]
        size = _span(down, count, height), _span(along, across, width)
        strip = _strip(
            x[items], first, size[0], along[0], size[1], out if depthwise else 1, w.dtype
        )
        if depthwise:
            _summed(strip, w.reshape(height, width, groups * out), down, along, sums)
        else:
            read = _windows(strip, (count, across), (height, width), down, along)
            multiplied(
                read.reshape(len(strip), count * across, height * width, groups * depth), w, sums
            )


def _strip(
    x: Array, top: int, height: int, left: int, width: int, copies: int, dtype: np.dtype[Any]
) -> Array:
    """A part of the input, zeros where it is outside, each channel so many times: ``(batch, height, width, channels × copies)``."""
    above, before = min(max(-top, 0), height), min(max(-left, 0), width)
    below, behind = (
        min(max(x.shape[1] - top, above), height),
        min(max(x.shape[2] - left, before), width),
    )
    inside = x[:, top + above : top + below, left + before : left + behind]
    if copies == 1 and inside.shape[1:3] == (height, width):
        return inside.astype(dtype, copy=False)
    strip = np.empty((x.shape[0], height, width, x.shape[3], copies), dtype)
    strip[:, :above] = strip[:, below:] = strip[:, above:below, :before] = strip[
        :, above:below, behind:
    ] = 0
    strip[:, above:below, before:behind] = inside[..., None]
    return strip.reshape(x.shape[0], height, width, x.shape[3] * copies)


def _windows(
    strip: Array,
    outputs: tuple[int, int],
    taps: tuple[int, int],
    down: Advance,
    along: Advance,
    run: int = 1,
) -> Array:
    """A view of what each output reads: ``(batch, *outputs, *taps, channels)``; with `run`, that of as many outputs in a row as one."""
    item, row, column, channel = strip.strides
    strides = (
        item,
        row * down[1],
        column * along[1] * run,
        row * down[2],
        column * along[2],
        channel,
    )
    return as_strided(
        strip,
        (len(strip), outputs[0], outputs[1] // run, *taps, strip.shape[3] * run),
        strides,
        writeable=False,
    )


def _summed(strip: Array, w: Array, down: Advance, along: Advance, result: Array) -> None:
    """Fill a block of a depthwise result: a multiplication with addition for each tap, along channels and outputs side by side."""
    batch, lines, across, channels = result.shape
    run = max(1, min(across, RUN // max(channels, 1))) if along[1] == 1 else 1
    whole = across - across % run
    for first, last, side in ((0, whole, run), (whole, across, across - whole)):
        if last > first:
            windows = _windows(
                strip[:, :, first * along[1] :],
                (lines, last - first),
                w.shape[:2],
                down,
                along,
                side,
            )
            out = result[:, :, first:last].reshape(
                batch, lines, (last - first) // side, side * channels
            )  # a view: outputs are contiguous
            np.einsum("bhwijc,ijc->bhwc", windows, np.tile(w, side), out=out)
