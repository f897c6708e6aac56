"""Wrong oracles. Data that cannot tell one of them from the right one proves nothing: the call is then *vacuous*.

A wrong oracle is noticed as soon as one element of its result is another. So all are asked for one output pixel each, where what they
read or multiply with is another; in full only those that agree there.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np

from tf_conv_conformance.arguments import Arguments
from tf_conv_conformance.geometry import Axis, within
from tf_conv_conformance.oracle.correlation import Array, grouped, multiplied, places, taken
from tf_conv_conformance.oracle.error_bounds import Values
from tf_conv_conformance.oracle.models import MODELS, Model, compute, flat, kept, reading_of

Tensors = tuple[Array, ...]
LESS = {"float32": 11, "float64": 24}
"""The bits that sums have where a dtype's are made in less precision: TF32's (bfloat16 has fewer), and float32's."""
CHANNELS = 8  # of each group's result, in which a wrong oracle is looked for first


@dataclass(frozen=True)
class Wrong:
    """A wrong oracle: how it reads the two axes, and what it makes of the filter."""

    name: str
    model: Model
    height: Axis
    width: Axis
    filter: Callable[[Array], Array] | None = None

    def values(self, arguments: Arguments, tensors: Tensors) -> Array:
        """What it computes, from input, filter, and what comes from above into a gradient."""
        x, w, *upstream = tensors
        other = w if self.filter is None else self.filter(w)
        return compute(
            arguments, reading_of(arguments), kept(self.model.reads, self.height), kept(self.model.reads, self.width), x, other, *upstream
        )


def wrong_oracles(model: Model, arguments: Arguments) -> Iterator[Wrong]:
    """The wrong oracles of a call, the wrong ideas of what is read first.

    Some may be the right one: where padding alone is read, its shift is no other function.
    """
    reading = reading_of(arguments)
    height, width = reading.height, reading.width
    yield Wrong("height padding shifted by one", model, _shifted(model, height), width)
    yield Wrong("width padding shifted by one", model, height, _shifted(model, width))
    if (height.stride, height.rate, height.padding) != (width.stride, width.rate, width.padding):
        yield Wrong("height and width swapped", model, _with(height, width), _with(width, height))
    if height.rate > 1 or width.rate > 1:
        yield Wrong("dilation ignored", model, replace(height, rate=1), replace(width, rate=1))
    for other in MODELS.values():
        if other is not model:
            yield Wrong(f"{other.name} instead of {model.name}", other, height, width)
    if arguments.gradient != "filter":
        for name, changed in _other_filters(arguments.filter.shape):
            yield Wrong(name, model, height, width, changed)


def _shifted(model: Model, axis: Axis) -> Axis:
    """The axis with one padded element moved from its end to its start."""
    before, after = model.padding(axis)
    return Axis(axis.size, axis.filter, axis.stride, axis.rate, (before + 1, after - 1))


def _with(axis: Axis, other: Axis) -> Axis:
    """The axis with the other's stride, rate and padding."""
    return Axis(axis.size, axis.filter, other.stride, other.rate, other.padding)


def _other_filters(shape: Sequence[int]) -> Iterator[tuple[str, Callable[[Array], Array]]]:
    """Wrong ideas of what is multiplied with, for a filter of this shape."""
    if shape[0] == shape[1] > 1:
        yield "filter transposed", lambda w: w.transpose(1, 0, 2, 3)
    if shape[0] * shape[1] > 1:
        yield "last tap dropped", lambda w: _dropped(w, -1)
        yield "first tap dropped", lambda w: _dropped(w, 0)
    if shape[0] > 1:
        yield "filter flipped in height", lambda w: w[::-1]
    if shape[1] > 1:
        yield "filter flipped in width", lambda w: w[:, ::-1]
    if shape[0] > 1 and shape[1] > 1:
        yield "filter flipped in height and width", lambda w: w[::-1, ::-1]
    if shape[2] > 1:
        yield "channels reversed", lambda w: w[:, :, ::-1]
    if shape[3] > 1:
        yield "filters reversed", lambda w: w[..., ::-1]


def _dropped(w: Array, tap: int) -> Array:
    """The filter with zeros as its first (0) or last (-1) tap."""
    dropped = w.copy()
    dropped[tap, tap] = 0
    return dropped


def unnoticed(
    model: Model, arguments: Arguments, arms: Sequence[Tensors], said: Sequence[Values], encoded: Callable[[Array], Array], seed: int
) -> str | None:
    """The first wrong oracle that all arms of data fail to notice although other data would; None where there is none.

    `encoded` makes of sums what the dtype of the result holds.
    """
    pending = _samples(model, arguments)
    if arguments.gradient is None:
        for tensors, right in zip(arms, said, strict=True):
            pending = _agreeing(pending, arguments, tensors, right, encoded) if pending else []
    for tensors, right in zip(arms, said, strict=True):
        pending = [one for one in pending if not right.unlike(encoded(one.wrong.values(arguments, tensors))).any()]
    return next((one.wrong.name for one in pending if _differs(one.wrong, model, arguments, arms[0], seed)), None)


@dataclass(frozen=True)
class _Sample:
    """An output pixel where a wrong oracle should be seen, and what it reads there."""

    wrong: Wrong
    row: int
    column: int
    rows: tuple[int, ...]
    columns: tuple[int, ...]


def _samples(model: Model, arguments: Arguments) -> list[_Sample]:
    """Where to look at the wrong oracles that there is something to see of: not another shape, which any data shows, nor the same reads."""
    reading = reading_of(arguments)
    same = [_parting(model, axis, model, axis) for axis in (reading.height, reading.width)]
    samples = []
    for wrong in wrong_oracles(model, arguments):
        down = same[0] if wrong.filter else _parting(model, reading.height, wrong.model, wrong.height)
        along = same[1] if wrong.filter else _parting(model, reading.width, wrong.model, wrong.width)
        if down is not None and along is not None and (down.differs or along.differs or wrong.filter):
            samples.append(_Sample(wrong, down.output, along.output, down.reads, along.reads))
    return samples


@dataclass(frozen=True)
class _Parting:
    """An output of an axis for which a wrong idea of what is read is wrong, if there is one, and what it reads there."""

    differs: bool
    output: int
    reads: tuple[int, ...]


@lru_cache(maxsize=4096)
def _parting(model: Model, axis: Axis, other: Model, changed: Axis) -> _Parting | None:
    """Where the two part most, of such where most is read, -1 for padding; None where the sizes are unlike, or nothing comes out."""
    if not 0 < model.size(axis) == other.size(changed):  # told first: a size without bound has reads without bound
        return None
    right, wrong = within(kept(model.reads, axis), axis.size), within(kept(other.reads, changed), axis.size)
    unlike, inside = (right != wrong).sum(axis=1), (wrong >= 0).sum(axis=1)
    output = int(np.argmax(unlike * (axis.filter + 1) + inside))
    return _Parting(bool(unlike.any()), output, tuple(wrong[output].tolist()))


def _agreeing(
    samples: Sequence[_Sample], arguments: Arguments, tensors: Tensors, said: Values, encoded: Callable[[Array], Array]
) -> list[_Sample]:
    """The samples that come to the right values on this data, in all batch elements and channels."""
    reading, depthwise, (x, w) = reading_of(arguments), arguments.op == "depthwise_conv2d", tensors
    plain = [one for one in samples if one.wrong.filter is None]
    filters = [one.wrong.filter for one in samples if one.wrong.filter is not None]
    seen = samples[: len(plain) + 1]  # the other filters come last, and are all asked for one pixel
    across = flat(reading, x)
    rows, columns = (np.array(positions, dtype=np.int64) for positions in ([one.rows for one in seen], [one.columns for one in seen]))
    read = taken(across, places(rows, columns, across.shape[1], across.shape[2]))

    kernels = [grouped(w if change is None else change(w), reading.in_channels, depthwise) for change in (None, *filters)]
    groups, out = kernels[0].shape[3:]
    few = [kernel[..., :CHANNELS] for kernel in kernels]
    sums = multiplied(read[:, : len(plain)], few[0])
    if filters:  # side by side, as one filter that has more channels
        beside = multiplied(read[:, -1:], np.concatenate(few[1:], axis=4))
        beside = beside.reshape(len(read), groups, len(filters), few[0].shape[4]).swapaxes(1, 2)
        sums = np.concatenate([sums, beside.reshape(len(read), len(filters), sums.shape[2])], axis=1)
    row, column = [one.row for one in samples], [one.column for one in samples]

    def there(numbers: Array) -> Array:
        pixels = flat(reading, numbers)[:, row, column].reshape(len(read), len(samples), groups, out)
        return pixels[..., :CHANNELS].reshape(sums.shape)

    unlike = said.at(there).unlike(encoded(sums))
    noticed = set(np.flatnonzero(unlike.any(axis=(0, 2))).tolist())
    return [one for number, one in enumerate(samples) if number not in noticed]


def less_precise(model: Model, arguments: Arguments, said: Values, like: Tensors, seed: int) -> str | None:
    """Sums in less precision than the dtype's, if this arm of data does not notice them although other data would."""
    bits = LESS.get(arguments.dtype)
    if bits is None:
        return None
    for numbers in (said.numbers[..., :2, :2, :], said.numbers):  # a corner tells as a rule
        if not np.array_equal(_rounded(numbers, bits), numbers):
            return None
    right = _wide(model, arguments, like, seed)[1]
    return None if np.array_equal(_rounded(right, bits), right) else f"sums of {bits} bits"


def _rounded(numbers: Array, bits: int) -> Array:
    """To so many significant bits, as Veltkamp splits a number: the difference from a large multiple loses the others."""
    multiple = numbers * (2.0 ** (53 - bits) + 1)
    return multiple - (multiple - numbers)


def _differs(wrong: Wrong, model: Model, arguments: Arguments, like: Tensors, seed: int) -> bool:
    """Whether a wrong oracle differs from the right one at all."""
    tensors, right = _wide(model, arguments, like, seed)
    return not np.array_equal(wrong.values(arguments, tensors), right)


def _wide(model: Model, arguments: Arguments, like: Tensors, seed: int) -> tuple[Tensors, Array]:
    """Wide random data, on which a coincidence is out of the question, and the right values."""
    random = np.random.RandomState(seed)
    tensors = tuple(random.randint(1, 2**16, size=array.shape).astype(np.float64) for array in like)
    reading = reading_of(arguments)
    return tensors, Wrong("", model, reading.height, reading.width).values(arguments, tensors)
