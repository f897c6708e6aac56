"""Wrong oracles. Data that cannot tell one of them from the right one proves nothing: the call is then *vacuous*."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from tf_conv_conformance.arguments import Arguments
from tf_conv_conformance.geometry import Axis, Taps
from tf_conv_conformance.oracle.correlation import Array
from tf_conv_conformance.oracle.models import MODELS, Model, convolve, layout, reading_of, values


def _shifted(model: Model, axis: Axis) -> Axis:
    """The axis with one padded element moved from its end to its start."""
    before, after = model.padding(axis)
    return replace(axis, padding=(before + 1, after - 1))


def wrong_oracles(model: Model, arguments: Arguments, x: Array, w: Array) -> Iterator[tuple[str, Array | None]]:
    """Each wrong oracle's name and values; None where its result has another shape, which any data shows."""
    reading = reading_of(arguments)
    height, width = reading.height, reading.width
    rows, columns = model.taps(height), model.taps(width)
    right = (rows.shape[0], columns.shape[0])

    def result(rows: Taps, columns: Taps, x: Array = x, w: Array = w) -> Array | None:
        if (rows.shape[0], columns.shape[0]) != right:
            return None
        return layout(reading, convolve(arguments, reading, x, w, rows, columns))

    yield "height padding shifted by one", result(model.taps(_shifted(model, height)), columns)
    yield "width padding shifted by one", result(rows, model.taps(_shifted(model, width)))
    swapped_height, swapped_width = _with(height, width), _with(width, height)
    yield "height and width swapped", result(model.taps(swapped_height), model.taps(swapped_width))
    if w.shape[0] == w.shape[1]:
        yield "filter transposed", result(rows, columns, w=w.transpose(1, 0, 2, 3))
    if w.shape[0] * w.shape[1] > 1:
        dropped = w.copy()
        dropped[-1, -1] = 0
        yield "last tap dropped", result(rows, columns, w=dropped)
    undilated = replace(height, rate=1), replace(width, rate=1)
    yield "dilation ignored", result(model.taps(undilated[0]), model.taps(undilated[1]))
    for other in MODELS.values():
        if other is not model:
            yield f"{other.name} instead of {model.name}", result(other.taps(height), other.taps(width))
    if reading.filter_in_channels > 1:
        yield "channels reversed", result(rows, columns, w=w[:, :, ::-1])
    if reading.filter_out > 1:
        yield "filters reversed", result(rows, columns, w=w[..., ::-1])


def _with(axis: Axis, other: Axis) -> Axis:
    """The axis with the other's stride, rate and padding."""
    return replace(axis, stride=other.stride, rate=other.rate, padding=other.padding)


def unnoticed(model: Model, arguments: Arguments, arms: list[tuple[Array, Array]], seed: int) -> str | None:
    """The first wrong oracle that all arms of data fail to notice although other data would; None where there is none."""
    right = [values(model, arguments, x, w) for x, w in arms]
    noticed: dict[str, bool] = {}
    for (x, w), expected in zip(arms, right, strict=True):
        for name, wrong in wrong_oracles(model, arguments, x, w):
            noticed[name] = noticed.get(name, False) or wrong is None or not np.array_equal(wrong, expected)
        if all(noticed.values()):
            return None
    return next((name for name in _different(model, arguments, arms[0], seed) if not noticed[name]), None)


def _different(model: Model, arguments: Arguments, like: tuple[Array, Array], seed: int) -> list[str]:
    """The wrong oracles that differ from the right one at all: on wide random data a coincidence is out of the question."""
    random = np.random.RandomState(seed)
    x, w = (random.randint(1, 2**16, size=array.shape).astype(np.float64) for array in like)
    expected = values(model, arguments, x, w)
    found = wrong_oracles(model, arguments, x, w)
    return [name for name, wrong in found if wrong is not None and not np.array_equal(wrong, expected)]
