"""Wrong oracles. Data that cannot tell one of them from the right one proves nothing: the call is then *vacuous*.

A wrong oracle is noticed as soon as one element of its result is another. So all are asked for one output pixel each, where what they
read or multiply with is another; in full only those that agree there.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np

from tf_conv_conformance.convolution.arguments import Arguments
from tf_conv_conformance.convolution.dtypes import PRECISION
from tf_conv_conformance.convolution.geometry import Axis, Taps, within
from tf_conv_conformance.prediction.correlation import Array, grouped, multiplied, places, taken
from tf_conv_conformance.prediction.data import products
from tf_conv_conformance.prediction.error_bounds import Values
from tf_conv_conformance.prediction.models import (
    MODELS,
    Model,
    compute,
    flat,
    interpretation_of,
    kept,
)

Tensors = tuple[Array, ...]
LESS = {"float16": 8, "float32": 11, "float64": 24, "int32": 24}
"""The bits that sums have where a dtype's are made in less precision: bfloat16's, TF32's (bfloat16 has fewer), and float32's twice.

There is nothing less for bfloat16: no convolution of TensorFlow's computes in 8 bits a number.
"""
CHANNELS = 8  # of each group's result, in which a wrong oracle is looked for first


@dataclass(frozen=True)
class Told:
    """What the data of a call tells: which wrong oracles it excludes, by name, and the first that it does not although other data would."""

    excluded: tuple[str, ...] = ()
    unnoticed: str | None = None


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
            arguments,
            interpretation_of(arguments),
            kept(self.model.indices, self.height),
            kept(self.model.indices, self.width),
            x,
            other,
            *upstream,
        )


def wrong_oracles(model: Model, arguments: Arguments) -> Iterator[Wrong]:
    """The wrong oracles of a call, the wrong ideas of what is read first.

    Some may be the right one: where padding alone is read, its shift is no other function.
    """
    interpretation = interpretation_of(arguments)
    height, width = interpretation.height, interpretation.width
    yield Wrong("height padding shifted by one", model, _shifted(model, height), width)
    yield Wrong("width padding shifted by one", model, height, _shifted(model, width))
    if (height.stride, height.rate, height.padding) != (width.stride, width.rate, width.padding):
        yield Wrong("height and width swapped", model, _with(height, width), _with(width, height))
    if height.rate > 1 or width.rate > 1:
        yield Wrong("dilation ignored", model, replace(height, rate=1), replace(width, rate=1))
    for other in MODELS.values():
        if other.name != model.name:
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


def told(
    model: Model,
    arguments: Arguments,
    arms: Sequence[Tensors],
    said: Sequence[Values],
    encoded: Callable[[Array], Array],
    seed: int,
) -> Told:
    """Which wrong oracles some arm of data notices. One that is no other function is neither excluded nor unnoticed.

    `encoded` makes of sums what the dtype of the result holds.
    """
    resized, samples = _samples(model, arguments)
    pending = samples
    if arguments.gradient is None:
        for tensors, right in zip(arms, said, strict=True):
            pending = _agreeing(pending, arguments, tensors, right, encoded) if pending else []
    for tensors, right in zip(arms, said, strict=True):
        pending = [
            one
            for one in pending
            if not right.unlike(encoded(one.wrong.values(arguments, tensors))).any()
        ]
    left = {one.wrong.name for one in pending}
    excluded = (*resized, *(one.wrong.name for one in samples if one.wrong.name not in left))
    return Told(
        excluded,
        next(
            (
                one.wrong.name
                for one in pending
                if _differs(one.wrong, model, arguments, arms[0], seed)
            ),
            None,
        ),
    )


@dataclass(frozen=True)
class _Sample:
    """An output pixel where a wrong oracle should be seen, and what it reads there."""

    wrong: Wrong
    row: int
    column: int
    rows: tuple[int, ...]
    columns: tuple[int, ...]


def _samples(model: Model, arguments: Arguments) -> tuple[list[str], list[_Sample]]:
    """The wrong oracles with another shape, which any data shows; and where to look at the others, but for those that read the same."""
    interpretation = interpretation_of(arguments)
    same = [
        _parting(model, axis, model, axis) for axis in (interpretation.height, interpretation.width)
    ]
    resized, samples = [], []
    for wrong in wrong_oracles(model, arguments):
        down = (
            same[0]
            if wrong.filter
            else _parting(model, interpretation.height, wrong.model, wrong.height)
        )
        along = (
            same[1]
            if wrong.filter
            else _parting(model, interpretation.width, wrong.model, wrong.width)
        )
        if down is None or along is None:
            resized.append(wrong.name)
        elif min(down.output, along.output) >= 0 and (
            down.differs or along.differs or wrong.filter
        ):
            samples.append(_Sample(wrong, down.output, along.output, down.indices, along.indices))
    return resized, samples


@dataclass(frozen=True)
class _Parting:
    """An output of an axis for which a wrong idea of what is read is wrong, if there is one, and what it reads there; -1 for no output."""

    differs: bool
    output: int
    indices: tuple[int, ...]


@lru_cache(maxsize=4096)
def _parting(model: Model, axis: Axis, other: Model, changed: Axis) -> _Parting | None:
    """Where the two part most, of such where most is read, -1 for padding; None where the sizes are unlike."""
    size = max(model.size(axis), 0)
    if size != max(
        other.size(changed), 0
    ):  # told first: a size without bound has reads without bound
        return None
    if not size:
        return _Parting(False, -1, ())
    right, wrong = _within(model, axis), _within(other, changed)
    unlike = np.add.reduce(right != wrong, axis=1)
    output = int((unlike * (axis.filter + 1) + np.add.reduce(wrong >= 0, axis=1)).argmax())
    return _Parting(bool(unlike[output]), output, tuple(wrong[output].tolist()))


@lru_cache(maxsize=4)  # of both axes the right one and a wrong one: they may be large
def _within(model: Model, axis: Axis) -> Taps:
    """Return what a model reads of an axis: the right oracle's is compared with that of each wrong one."""
    return within(kept(model.indices, axis), axis.size)


def _agreeing(
    samples: Sequence[_Sample],
    arguments: Arguments,
    tensors: Tensors,
    said: Values,
    encoded: Callable[[Array], Array],
) -> list[_Sample]:
    """The samples that come to the right values on this data, in all batch elements and channels."""
    interpretation, depthwise, (x, w) = (
        interpretation_of(arguments),
        arguments.op == "depthwise_conv2d",
        tensors,
    )
    plain = [one for one in samples if one.wrong.filter is None]
    filters = [one.wrong.filter for one in samples if one.wrong.filter is not None]
    seen = samples[: len(plain) + 1]  # the other filters come last, and are all asked for one pixel
    across = flat(interpretation, x)
    rows, columns = (
        np.array(positions, dtype=np.int64)
        for positions in ([one.rows for one in seen], [one.columns for one in seen])
    )
    read = taken(across, places(rows, columns, across.shape[1], across.shape[2])).astype(
        np.float64, copy=False
    )

    kernels = [
        grouped(w if change is None else change(w), interpretation.in_channels, depthwise)
        for change in (None, *filters)
    ]
    groups, out = kernels[0].shape[3:]
    few = [kernel[..., :CHANNELS] for kernel in kernels]
    sums = multiplied(read[:, : len(plain)], few[0].astype(np.float64, copy=False))
    if filters:  # side by side, as one filter that has more channels
        beside = multiplied(read[:, -1:], np.concatenate(few[1:], axis=4, dtype=np.float64))
        beside = beside.reshape(len(read), groups, len(filters), few[0].shape[4]).swapaxes(1, 2)
        sums = np.concatenate(
            [sums, beside.reshape(len(read), len(filters), sums.shape[2])], axis=1
        )
    row, column = [one.row for one in samples], [one.column for one in samples]

    def there(numbers: Array) -> Array:
        pixels = flat(interpretation, numbers)[:, row, column].reshape(
            len(read), len(samples), groups, out
        )
        return pixels[..., :CHANNELS].reshape(sums.shape)

    unlike = said.at(there).unlike(encoded(sums))
    noticed = set(np.flatnonzero(unlike.any(axis=(0, 2))).tolist())
    return [one for number, one in enumerate(samples) if number not in noticed]


def less_precise(
    model: Model,
    arguments: Arguments,
    arms: Mapping[str, Tensors],
    said: Sequence[Values],
    seed: int,
) -> Told:
    """Whether some arm of data, by name, notices sums in less precision than the dtype's.

    Only wide integers, which are drawn to need all of the dtype's bits, are held to it; and not where random sums of so many products
    may all stay below what the fewer bits hold: a sum of K of them is smaller by sqrt(K) than the largest, and four times more to be sure.
    """
    bits = LESS.get(arguments.dtype)
    if bits is None:
        return Told()
    name = f"sums of {bits} bits"
    if any(_needs_more(right, bits) for right in reversed(said)):  # the wide ones come last
        return Told((name,))
    if "wide_integers" not in arms or products(arguments) > 4 ** (
        PRECISION[arguments.dtype] - bits - 2
    ):
        return Told()
    right = _wide(model, arguments, arms["wide_integers"], seed)[1]
    return Told() if np.array_equal(_rounded(right, bits), right) else Told(unnoticed=name)


def _needs_more(said: Values, bits: int) -> bool:
    """Whether some of the right values are not the same in so many bits."""
    corner = said.at(lambda numbers: numbers[..., :2, :2, :])  # tells as a rule
    return any(right.unlike(_rounded(right.numbers, bits)).any() for right in (corner, said))


def _rounded(numbers: Array, bits: int) -> Array:
    """To so many significant bits; infinities and NaN as they are."""
    fractions, exponents = np.frexp(numbers)
    rounded: Array = np.ldexp(np.rint(np.ldexp(fractions, bits)), exponents - bits)
    return rounded


def _differs(wrong: Wrong, model: Model, arguments: Arguments, like: Tensors, seed: int) -> bool:
    """Whether a wrong oracle differs from the right one at all."""
    tensors, right = _wide(model, arguments, like, seed)
    return not np.array_equal(wrong.values(arguments, tensors), right)


def _wide(model: Model, arguments: Arguments, like: Tensors, seed: int) -> tuple[Tensors, Array]:
    """Wide random data, on which a coincidence is out of the question, and the right values."""
    random = np.random.RandomState(seed)
    tensors = tuple(random.randint(1, 2**16, size=array.shape).astype(np.float64) for array in like)
    interpretation = interpretation_of(arguments)
    return tensors, Wrong("", model, interpretation.height, interpretation.width).values(
        arguments, tensors
    )
