"""Check that the data of a call detects wrong oracles. If it does not, the call is *vacuous*.

One differing element is enough to detect a wrong oracle. So each is first evaluated for a single
output pixel, where its indices or its filter differ most from the right ones. Only the wrong
oracles that agree there are evaluated in full.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from tf_conv_conformance.convolution.arguments import Arguments
from tf_conv_conformance.convolution.dtypes import PRECISION
from tf_conv_conformance.convolution.geometry import Axis, Indices
from tf_conv_conformance.prediction.correlation import Array
from tf_conv_conformance.prediction.data import products
from tf_conv_conformance.prediction.error_bounds import Values
from tf_conv_conformance.prediction.models import (
    MODELS,
    Model,
    compute,
    interpretation_of,
)

Tensors = tuple[Array, ...]
FEWER_BITS = {"float16": 8, "float32": 11, "float64": 24, "int32": 24}
"""The bits of sums in less precision: bfloat16's for half, TF32's for float32, else float32's.

bfloat16 has no entry, since no convolution of TensorFlow computes in fewer than 8 bits.
"""


@dataclass(frozen=True)
class Detection:
    """Which wrong oracles some arm of data detects, by name.

    `missed` is the first that it does not detect, although other data would.
    """

    excluded: tuple[str, ...] = ()
    missed: str | None = None


@dataclass(frozen=True)
class WrongOracle:
    """An oracle with an error: in the indices of the two axes, or in its filter."""

    name: str
    model: Model
    height: Axis
    width: Axis
    filter: Callable[[Array], Array] | None = None

    def values(self, arguments: Arguments, tensors: Tensors) -> Array:
        """Return the result for input, filter and, for a gradient, the upstream gradient."""
        axes = self.height, self.width
        return self.compute(arguments, tensors, *map(self.model.indices, axes))

    def compute(
        self, arguments: Arguments, tensors: Tensors, rows: Indices, columns: Indices
    ) -> Array:
        """Return the result at some rows and columns, which read these indices."""
        x, w, *upstream = tensors
        w = w if self.filter is None else self.filter(w)
        return compute(arguments, interpretation_of(arguments), rows, columns, x, w, *upstream)


def wrong_oracles(model: Model, arguments: Arguments) -> Iterator[WrongOracle]:
    """Yield the wrong oracles of a call, starting with those that have wrong indices.

    Some may compute the same function as the right oracle. For example, shifted padding changes
    nothing if only padding is read.
    """
    interpretation = interpretation_of(arguments)
    height, width = interpretation.axes
    yield WrongOracle("height padding shifted by one", model, _shifted(model, height), width)
    yield WrongOracle("width padding shifted by one", model, height, _shifted(model, width))
    if (height.stride, height.rate, height.padding) != (width.stride, width.rate, width.padding):
        swapped = _with(height, width), _with(width, height)
        yield WrongOracle("height and width swapped", model, *swapped)
    if height.rate > 1 or width.rate > 1:
        undilated = replace(height, rate=1), replace(width, rate=1)
        yield WrongOracle("dilation ignored", model, *undilated)
    for other in MODELS.values():
        if other.name != model.name:
            yield WrongOracle(f"{other.name} instead of {model.name}", other, height, width)
    if arguments.gradient != "filter":
        for name, changed in _wrong_filters(arguments.filter.shape):
            yield WrongOracle(name, model, height, width, changed)


def _shifted(model: Model, axis: Axis) -> Axis:
    """Return the axis with one padded element moved from its end to its start."""
    before, after = model.padding(axis)
    return Axis(axis.size, axis.filter, axis.stride, axis.rate, (before + 1, after - 1))


def _with(axis: Axis, other: Axis) -> Axis:
    return Axis(axis.size, axis.filter, other.stride, other.rate, other.padding)


def _wrong_filters(shape: Sequence[int]) -> Iterator[tuple[str, Callable[[Array], Array]]]:
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
    dropped = w.copy()
    dropped[tap, tap] = 0
    return dropped


def detect(
    model: Model,
    arguments: Arguments,
    arms: Mapping[str, Tensors],
    right: Sequence[Values],
    held: Callable[[Array], Array],
    seed: int,
) -> Detection:
    """Return which wrong oracles the arms of data detect, by their names.

    `right` has the right values of each arm, and `held` rounds exact sums to the result's dtype.
    """
    found = detect_wrong_function(model, arguments, list(arms.values()), right, held, seed)
    less = detect_low_precision(model, arguments, arms, right, seed)
    return Detection(found.excluded + less.excluded, found.missed or less.missed)


def detect_wrong_function(
    model: Model,
    arguments: Arguments,
    arms: Sequence[Tensors],
    right: Sequence[Values],
    held: Callable[[Array], Array],
    seed: int,
) -> Detection:
    """Return which of :func:`wrong_oracles` some arm detects.

    A wrong oracle that computes the right function is neither detected nor missed.
    """
    resized, samples = _samples(model, arguments)
    pending = samples
    if arguments.gradient is None:
        for tensors, values in zip(arms, right, strict=True):
            pending = [one for one in pending if _agrees(one, arguments, tensors, values, held)]
    left = [sample.oracle for sample in pending]
    for tensors, values in zip(arms, right, strict=True):
        left = [
            one for one in left if not values.unlike(held(one.values(arguments, tensors))).any()
        ]
    names = {oracle.name for oracle in left}
    detected = (sample.oracle.name for sample in samples if sample.oracle.name not in names)
    if not left:
        return Detection((*resized, *detected))
    wide, exact = _wide(model, arguments, arms[0], seed)
    missed = (one.name for one in left if not np.array_equal(one.values(arguments, wide), exact))
    return Detection((*resized, *detected), next(missed, None))


@dataclass(frozen=True)
class _Sample:
    """The output pixel for which a wrong oracle is evaluated first, and its indices there."""

    oracle: WrongOracle
    row: int
    column: int
    rows: Indices
    columns: Indices


def _samples(model: Model, arguments: Arguments) -> tuple[list[str], list[_Sample]]:
    """Return the wrong oracles with another shape, and samples of the others.

    Any data detects a different shape. Wrong oracles with the right indices and filter have no
    sample.
    """
    interpretation = interpretation_of(arguments)
    same = [_contrast(model, axis, model, axis) for axis in interpretation.axes]
    resized, samples = [], []
    for wrong in wrong_oracles(model, arguments):
        down, along = same
        if wrong.filter is None:
            down = _contrast(model, interpretation.height, wrong.model, wrong.height)
            along = _contrast(model, interpretation.width, wrong.model, wrong.width)
        if down is None or along is None:
            resized.append(wrong.name)
        elif min(down.output, along.output) >= 0 and (
            down.differs or along.differs or wrong.filter
        ):
            samples.append(_Sample(wrong, down.output, along.output, down.reads, along.reads))
    return resized, samples


@dataclass(frozen=True)
class _Contrast:
    """The output of an axis at which wrong indices differ most, and the wrong indices there.

    `output` is -1 if the axis has no outputs.
    """

    differs: bool
    output: int
    reads: Indices


def _contrast(model: Model, axis: Axis, other: Model, changed: Axis) -> _Contrast | None:
    """Return where the indices of two models differ most; None if their sizes differ.

    Among several such outputs, return the one that reads most of the input. Padding is index -1.
    """
    size = max(model.size(axis), 0)
    # Compare sizes before computing indices, since a huge size has as many indices.
    if size != max(other.size(changed), 0):
        return None
    right, wrong = model.taps(axis), other.taps(changed)
    if not size:
        return _Contrast(False, -1, wrong)
    unlike = np.add.reduce(right != wrong, axis=1)
    output = int((unlike * (axis.filter + 1) + np.add.reduce(wrong >= 0, axis=1)).argmax())
    return _Contrast(bool(unlike[output]), output, wrong[output : output + 1])


def _agrees(
    sample: _Sample,
    arguments: Arguments,
    tensors: Tensors,
    right: Values,
    held: Callable[[Array], Array],
) -> bool:
    """Return whether a sample's pixel has the right values, in all batch elements and channels."""
    interpretation = interpretation_of(arguments)
    pixel = sample.oracle.compute(arguments, tensors, sample.rows, sample.columns)
    place = slice(sample.row, sample.row + 1), slice(sample.column, sample.column + 1)
    here = (..., *place) if interpretation.channels_first else (..., *place, slice(None))
    return not right.at(lambda numbers: numbers[here]).unlike(held(pixel)).any()


def detect_low_precision(
    model: Model,
    arguments: Arguments,
    arms: Mapping[str, Tensors],
    right: Sequence[Values],
    seed: int,
) -> Detection:
    """Return whether some arm detects sums with fewer bits than the dtype's.

    Such sums count as missed only for wide integers, which are drawn to need all bits of the dtype.
    They do not count as missed if random sums may all fit into the fewer bits. A random sum of K
    products is smaller than the largest by a factor of sqrt(K), and by another 4 for safety.
    """
    bits = FEWER_BITS.get(arguments.dtype)
    if bits is None:
        return Detection()
    name = f"sums of {bits} bits"
    if any(_needs_more(values, bits) for values in reversed(right)):  # wide integers come last
        return Detection((name,))
    most = 4 ** (PRECISION[arguments.dtype] - bits - 2)
    if "wide_integers" not in arms or products(arguments) > most:
        return Detection()
    _, wide = _wide(model, arguments, arms["wide_integers"], seed)
    return Detection() if np.array_equal(_rounded(wide, bits), wide) else Detection(missed=name)


def _needs_more(right: Values, bits: int) -> bool:
    """Return whether some of the right values change if they are rounded to these bits."""
    corner = right.at(lambda numbers: numbers[..., :2, :2, :])  # cheap, and usually enough
    return any(part.unlike(_rounded(part.numbers, bits)).any() for part in (corner, right))


def _rounded(numbers: Array, bits: int) -> Array:
    """Round numbers to `bits` significant bits. Infinities and NaN stay as they are."""
    fractions, exponents = np.frexp(numbers)
    rounded: Array = np.ldexp(np.rint(np.ldexp(fractions, bits)), exponents - bits)
    return rounded


def _wide(model: Model, arguments: Arguments, like: Tensors, seed: int) -> tuple[Tensors, Array]:
    """Return random data, wide enough that equality is no coincidence, and its right values."""
    random = np.random.RandomState(seed)
    tensors = tuple(random.randint(1, 2**16, size=array.shape).astype(np.float64) for array in like)
    interpretation = interpretation_of(arguments)
    right = WrongOracle("", model, *interpretation.axes)
    return tensors, right.values(arguments, tensors)
