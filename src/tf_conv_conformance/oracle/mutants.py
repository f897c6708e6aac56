"""Wrong oracles. Data that cannot tell one of them from the right one proves nothing: the call is then *vacuous*."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np

from tf_conv_conformance.arguments import Arguments
from tf_conv_conformance.geometry import Axis, Taps
from tf_conv_conformance.oracle.correlation import Array
from tf_conv_conformance.oracle.models import MODELS, Model, compute, reading_of, values


def _shifted(model: Model, axis: Axis) -> Axis:
    """The axis with one padded element moved from its end to its start."""
    before, after = model.padding(axis)
    return replace(axis, padding=(before + 1, after - 1))


def wrong_oracles(model: Model, arguments: Arguments, *tensors: Array) -> Iterator[tuple[str, Array | None]]:
    """Each wrong oracle's name and values; None where its result has another shape, which any data shows."""
    reading = reading_of(arguments)
    height, width = reading.height, reading.width
    rows, columns = model.taps(height), model.taps(width)
    for name, (other_rows, other_columns) in _other_reads(model, height, width):
        same_shape = (other_rows.shape, other_columns.shape) == (rows.shape, columns.shape)
        yield name, compute(arguments, reading, other_rows, other_columns, *tensors) if same_shape else None
    if arguments.gradient != "filter":
        x, w, *upstream = tensors
        for name, other in _other_filters(w):
            yield name, compute(arguments, reading, rows, columns, x, other, *upstream)


def _other_reads(model: Model, height: Axis, width: Axis) -> Iterator[tuple[str, tuple[Taps, Taps]]]:
    """Wrong ideas of what is read."""
    rows, columns = model.taps(height), model.taps(width)
    yield "height padding shifted by one", (model.taps(_shifted(model, height)), columns)
    yield "width padding shifted by one", (rows, model.taps(_shifted(model, width)))
    yield "height and width swapped", (model.taps(_with(height, width)), model.taps(_with(width, height)))
    yield "dilation ignored", (model.taps(replace(height, rate=1)), model.taps(replace(width, rate=1)))
    for other in MODELS.values():
        if other is not model:
            yield f"{other.name} instead of {model.name}", (other.taps(height), other.taps(width))


def _other_filters(w: Array) -> Iterator[tuple[str, Array]]:
    """Wrong ideas of what it is multiplied with."""
    if w.shape[0] == w.shape[1]:
        yield "filter transposed", w.transpose(1, 0, 2, 3)
    if w.shape[0] * w.shape[1] > 1:
        dropped = w.copy()
        dropped[-1, -1] = 0
        yield "last tap dropped", dropped
    if w.shape[2] > 1:
        yield "channels reversed", w[:, :, ::-1]
    if w.shape[3] > 1:
        yield "filters reversed", w[..., ::-1]


def _with(axis: Axis, other: Axis) -> Axis:
    """The axis with the other's stride, rate and padding."""
    return replace(axis, stride=other.stride, rate=other.rate, padding=other.padding)


def unnoticed(model: Model, arguments: Arguments, arms: Sequence[tuple[Array, ...]], seed: int) -> str | None:
    """The first wrong oracle that all arms of data fail to notice although other data would; None where there is none."""
    right = [values(model, arguments, *tensors) for tensors in arms]
    noticed: dict[str, bool] = {}
    for tensors, expected in zip(arms, right, strict=True):
        for name, wrong in wrong_oracles(model, arguments, *tensors):
            noticed[name] = noticed.get(name, False) or wrong is None or not np.array_equal(wrong, expected, equal_nan=True)
        if all(noticed.values()):
            return None
    return next((name for name in _different(model, arguments, arms[0], seed) if not noticed[name]), None)


def _different(model: Model, arguments: Arguments, like: tuple[Array, ...], seed: int) -> list[str]:
    """The wrong oracles that differ from the right one at all: on wide random data a coincidence is out of the question."""
    random = np.random.RandomState(seed)
    tensors = tuple(random.randint(1, 2**16, size=array.shape).astype(np.float64) for array in like)
    expected = values(model, arguments, *tensors)
    found = wrong_oracles(model, arguments, *tensors)
    return [name for name, wrong in found if wrong is not None and not np.array_equal(wrong, expected)]
