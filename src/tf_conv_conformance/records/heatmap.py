"""Maps of where and by how much a result differs, small enough for a record."""

from __future__ import annotations

import numpy as np

from tf_conv_conformance.convolution.arguments import Arguments, channels_first
from tf_conv_conformance.prediction.correlation import Array
from tf_conv_conformance.records.schema import HeatRecord

SIDE = 32  # cells of a map, at most, on each of its two axes
LEVELS = 9


def heat(distance: Array, arguments: Arguments) -> HeatRecord | None:
    """Return the largest distance in each block of rows and columns.

    None for a result without elements, or of rank below 2. `distance` has the shape of the result
    and is not negative. `levels` has a digit for each block, row by row: 0 if nothing differs, or
    else the ninths of the largest distance, rounded up; 9 stands for infinity.
    """
    if distance.size == 0 or distance.ndim < 2:
        return None
    if arguments.dimensions == 1:
        inner = 1 if channels_first(arguments) else 2
        place = 0 if arguments.gradient == "filter" else distance.ndim - inner
        distance = np.expand_dims(distance, place)
    rows, columns = _spatial_axes(arguments, distance.ndim)
    plane = (
        np.moveaxis(distance, (rows, columns), (0, 1))
        .reshape(distance.shape[rows], distance.shape[columns], -1)
        .max(axis=2)
    )
    block = [-(-size // SIDE) for size in plane.shape]
    strips = np.maximum.reduceat(plane, range(0, plane.shape[0], block[0]), axis=0)
    blocks = np.maximum.reduceat(strips, range(0, plane.shape[1], block[1]), axis=1)
    finite = blocks[np.isfinite(blocks)]
    top = float(finite.max()) if finite.size else 0.0
    levels = np.where(np.isfinite(blocks), np.ceil(LEVELS * blocks / (top or 1.0)), LEVELS).astype(
        int
    )
    return {
        "size": list(plane.shape),
        "block": block,
        "levels": ["".join(map(str, row)) for row in levels.tolist()],
    }


def _spatial_axes(arguments: Arguments, rank: int) -> tuple[int, int]:
    """Return the axes of rows and columns: the first of a filter, or else by the data format."""
    if arguments.gradient == "filter" or rank < 3:
        return 0, 1
    return (rank - 2, rank - 1) if channels_first(arguments) else (rank - 3, rank - 2)
