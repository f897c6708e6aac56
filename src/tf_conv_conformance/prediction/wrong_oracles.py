"""Check that the data of a call detects wrong oracles. If it does not, the call is *vacuous*.

One differing element is enough to detect a wrong oracle. So each is first evaluated for a single
output pixel, where its indices or its filter differ most from the right ones. Only the wrong
oracles that agree there are evaluated in full.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np

from tf_conv_conformance.convolution.arguments import Arguments, with_height
from tf_conv_conformance.convolution.dtypes import PRECISION
from tf_conv_conformance.convolution.geometry import Axis
from tf_conv_conformance.prediction import company
from tf_conv_conformance.prediction.correlation import Array, grouped, multiplied, places, taken
from tf_conv_conformance.prediction.data import products
from tf_conv_conformance.prediction.error_bounds import Values
from tf_conv_conformance.prediction.layout import flat, interpretation_of
from tf_conv_conformance.prediction.models import MODELS, Model, compute
from tf_conv_conformance.prediction.wrong_company import Wrong, contrasting_data, wrong_operations

Tensors = tuple[Array, ...]
FEWER_BITS = {"float16": 8, "float32": 11, "float64": 24, "int32": 24}
"""The bits of sums in less precision: bfloat16's for half, TF32's for float32, else float32's.

bfloat16 has no entry, since no convolution of TensorFlow computes in fewer than 8 bits.
"""
DRAWS = 16  # that show whether a wrong oracle before other operations is the same function
WORK = 2**24  # products that these draws may take, if they are more than one
CHANNELS = 8  # the single pixel is evaluated for this many channels of each group, at most


@dataclass(frozen=True)
class Detection:
    """Which wrong oracles some arm of data detects, by name.

    `missed` is the first that it does not detect, although other data would.
    """

    excluded: tuple[str, ...] = ()
    missed: str | None = None


@dataclass(frozen=True)
class WrongOracle:
    """An oracle with an error: in the indices of the two axes, in its filter, or `after` both."""

    name: str
    model: Model
    height: Axis
    width: Axis
    filter: Callable[[Array], Array] | None = None
    after: Wrong | None = None

    def values(self, arguments: Arguments, tensors: Tensors) -> Array:
        """Return the result for the tensors of an arm."""
        x, w, *others = tensors
        w = w if self.filter is None else self.filter(w.reshape(with_height(arguments)))
        indices = self.model.indices(self.height), self.model.indices(self.width)
        rest = others if arguments.gradient is None else others[1:]
        after = self.after and self.after(company.steps(arguments.after, rest))
        meaning = interpretation_of(arguments)
        return compute(arguments, meaning, *indices, x, w, *others, after=after)


def wrong_oracles(model: Model, arguments: Arguments) -> Iterator[WrongOracle]:
    """Yield the wrong oracles of a call, starting with those that have wrong indices.

    Some may compute the same function as the right oracle. For example, shifted padding changes
    nothing if only padding is read.
    """
    interpretation = interpretation_of(arguments)
    height, width = interpretation.height, interpretation.width
    has_height = interpretation.dimensions == 2
    if has_height:
        yield WrongOracle("height padding shifted by one", model, _shifted(model, height), width)
    yield WrongOracle("width padding shifted by one", model, height, _shifted(model, width))
    steps = [(axis.stride, axis.rate, axis.padding) for axis in interpretation.axes]
    if has_height and steps[0] != steps[1]:
        swapped = _with(height, width), _with(width, height)
        yield WrongOracle("height and width swapped", model, *swapped)
    if height.rate > 1 or width.rate > 1:
        undilated = replace(height, rate=1), replace(width, rate=1)
        yield WrongOracle("dilation ignored", model, *undilated)
    for other in MODELS.values():
        if other.name != model.name:
            yield WrongOracle(f"{other.name} instead of {model.name}", other, height, width)
    if arguments.gradient != "filter":
        for name, changed in _wrong_filters(with_height(arguments)):
            yield WrongOracle(name, model, height, width, changed)
    for name, after in wrong_operations(arguments.after):
        yield WrongOracle(name, model, height, width, after=after)


def _shifted(model: Model, axis: Axis) -> Axis:
    """Return the axis with one padded element moved from its end to its start."""
    before, after = model.padding(axis)
    return Axis(axis.size, axis.filter, axis.stride, axis.rate, (before + 1, after - 1))


def _with(axis: Axis, other: Axis) -> Axis:
    """Return the axis with the stride, rate and padding of another."""
    return Axis(axis.size, axis.filter, other.stride, other.rate, other.padding)


def _wrong_filters(shape: Sequence[int]) -> Iterator[tuple[str, Callable[[Array], Array]]]:
    """Yield the possible errors in a filter of this shape, each with its name."""
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
    """Return the filter with zeros in its first (0) or last (-1) tap."""
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
    if arguments.gradient is None and not arguments.in_company:
        for tensors, values in zip(arms, right, strict=True):
            pending = _agreeing(pending, arguments, tensors, values, held) if pending else []
    for tensors, values in zip(arms, right, strict=True):
        pending = [
            sample
            for sample in pending
            if not values.differing(held(sample.oracle.values(arguments, tensors))).any()
        ]
    left = {sample.oracle.name for sample in pending}
    detected = (sample.oracle.name for sample in samples if sample.oracle.name not in left)
    differing = (
        sample.oracle.name
        for sample in pending
        if _differs(sample.oracle, model, arguments, arms[0], seed)
    )
    return Detection((*resized, *detected), next(differing, None))


@dataclass(frozen=True)
class _Sample:
    """The output pixel for which a wrong oracle is evaluated first, and its indices there."""

    oracle: WrongOracle
    row: int
    column: int
    rows: tuple[int, ...]
    columns: tuple[int, ...]


def _samples(model: Model, arguments: Arguments) -> tuple[list[str], list[_Sample]]:
    """Return the wrong oracles with another shape, and samples of the others.

    Any data detects a different shape. Wrong oracles with the right indices and filter have no
    sample.
    """
    interpretation = interpretation_of(arguments)
    same = [
        _contrast(model, axis, model, axis)
        for axis in (interpretation.height, interpretation.width)
    ]
    resized, samples = [], []
    for wrong in wrong_oracles(model, arguments):
        down, along = same
        if wrong.filter is None and wrong.after is None:
            down = _contrast(model, interpretation.height, wrong.model, wrong.height)
            along = _contrast(model, interpretation.width, wrong.model, wrong.width)
        if down is None or along is None:
            resized.append(wrong.name)
        elif min(down.output, along.output) >= 0 and (
            down.differs or along.differs or wrong.filter or wrong.after
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
    reads: tuple[int, ...]


@lru_cache(maxsize=4096)
def _contrast(model: Model, axis: Axis, other: Model, changed: Axis) -> _Contrast | None:
    """Return where the indices of two models differ most; None if their sizes differ.

    Among several such outputs, return the one that reads most of the input. Padding is index -1.
    """
    size = max(model.size(axis), 0)
    # Compare sizes before computing indices, since a huge size has as many indices.
    if size != max(other.size(changed), 0):
        return None
    if not size:
        return _Contrast(False, -1, ())
    right, wrong = model.taps(axis), other.taps(changed)
    unlike = np.add.reduce(right != wrong, axis=1)
    output = int((unlike * (axis.filter + 1) + np.add.reduce(wrong >= 0, axis=1)).argmax())
    return _Contrast(bool(unlike[output]), output, tuple(wrong[output].tolist()))


def _agreeing(
    samples: Sequence[_Sample],
    arguments: Arguments,
    tensors: Tensors,
    right: Values,
    held: Callable[[Array], Array],
) -> list[_Sample]:
    """Return the samples whose pixel has the right values, in all batch elements and channels."""
    interpretation, (x, w) = interpretation_of(arguments), tensors
    w = w.reshape(with_height(arguments))
    depthwise = arguments.op == "depthwise_conv2d"
    filters = [one.oracle.filter for one in samples if one.oracle.filter is not None]
    plain = len(samples) - len(filters)
    # Samples with a wrong filter come last and share one pixel, which is read once for all.
    seen = samples[: plain + 1]
    across = flat(interpretation, x)
    rows = np.array([one.rows for one in seen], dtype=np.int64)
    columns = np.array([one.columns for one in seen], dtype=np.int64)
    read = taken(across, places(rows, columns, *across.shape[1:3])).astype(np.float64, copy=False)

    kernels = [
        grouped(w if change is None else change(w), interpretation.in_channels, depthwise)
        for change in (None, *filters)
    ]
    groups, out = kernels[0].shape[3:]
    few = [kernel[..., :CHANNELS] for kernel in kernels]
    sums = multiplied(read[:, :plain], few[0].astype(np.float64, copy=False))
    if filters:  # side by side, as one filter with more channels
        beside = multiplied(read[:, -1:], np.concatenate(few[1:], axis=4, dtype=np.float64))
        beside = beside.reshape(len(read), groups, len(filters), few[0].shape[4]).swapaxes(1, 2)
        beside = beside.reshape(len(read), len(filters), sums.shape[2])
        sums = np.concatenate([sums, beside], axis=1)
    row, column = [one.row for one in samples], [one.column for one in samples]

    def sampled(numbers: Array) -> Array:
        pixels = flat(interpretation, numbers)[:, row, column]
        pixels = pixels.reshape(len(read), len(samples), groups, out)
        return pixels[..., :CHANNELS].reshape(sums.shape)

    agreeing = ~right.at(sampled).differing(held(sums)).any(axis=(0, 2))
    return [samples[number] for number in np.flatnonzero(agreeing).tolist()]


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
    bits = FEWER_BITS.get(arguments.precision)
    if bits is None:
        return Detection()
    name = f"sums of {bits} bits"
    if any(_needs_more(values, bits) for values in reversed(right)):  # wide integers come last
        return Detection((name,))
    most = 4 ** (PRECISION[arguments.precision] - bits - 2)
    if "wide_integers" not in arms or arguments.after or products(arguments) > most:
        return Detection()
    _, wide = _wide(model, arguments, arms["wide_integers"], seed)
    return Detection() if np.array_equal(_rounded(wide, bits), wide) else Detection(missed=name)


def _needs_more(right: Values, bits: int) -> bool:
    """Return whether some of the right values change if they are rounded to these bits."""
    corner = right.at(lambda numbers: numbers[..., :2, :2, :])  # cheap, and usually enough
    return any(part.differing(_rounded(part.numbers, bits)).any() for part in (corner, right))


def _rounded(numbers: Array, bits: int) -> Array:
    """Round numbers to `bits` significant bits. Infinities and NaN stay as they are."""
    fractions, exponents = np.frexp(numbers)
    rounded: Array = np.ldexp(np.rint(np.ldexp(fractions, bits)), exponents - bits)
    return rounded


def _differs(
    wrong: WrongOracle, model: Model, arguments: Arguments, like: Tensors, seed: int
) -> bool:
    """Return whether a wrong oracle and the right one compute different functions."""
    if not arguments.after:
        tensors, numbers = _wide(model, arguments, like, seed)
        return not np.array_equal(wrong.values(arguments, tensors), numbers)
    right = _right(model, arguments)
    summed = max(products(replace(arguments, gradient=None)), 1)
    sums = max(math.prod(model.forward_shape(arguments)), 1)
    work = sums * (summed + company.products(arguments.after))
    count = max(1, min(DRAWS, WORK // work))  # one draw of many sums is enough
    return any(
        not np.array_equal(wrong.values(arguments, one), right.values(arguments, one))
        for one in contrasting_data(arguments, like, summed, count, seed)
    )


def _right(model: Model, arguments: Arguments) -> WrongOracle:
    """Return the right oracle, as one without an error."""
    interpretation = interpretation_of(arguments)
    return WrongOracle("", model, interpretation.height, interpretation.width)


def _wide(model: Model, arguments: Arguments, like: Tensors, seed: int) -> tuple[Tensors, Array]:
    """Return random data, wide enough that equality is no coincidence, and its right values."""
    random = np.random.RandomState(seed)
    tensors = tuple(random.randint(1, 2**16, size=one.shape).astype(np.float64) for one in like)
    return tensors, _right(model, arguments).values(arguments, tensors)
