"""The data that goes through a call: chosen so that its sums can be judged, and reproducible in a line of NumPy a tensor.

Two arms are exact. ``small_integers`` catches wrong indexing; ``wide_integers`` (odd values as large as the sums allow, a filter of
1 and -1) catches arithmetic in less precision than the dtype's. A zero in a filter would hide what it multiplies, so there is none.
``reals`` have all the significant bits of the dtype, and are held to the a-priori bound of :mod:`oracle.error_bounds`. Literal values are
exact (the arm ``literal``), or reals where the case says so.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np
from cachetools import LRUCache, cached

from tf_conv_conformance import ConformanceError
from tf_conv_conformance.convolution.arguments import Arguments, TensorSpec, channels_first
from tf_conv_conformance.convolution.dtypes import EXPONENTS, PRECISION, largest
from tf_conv_conformance.prediction import models
from tf_conv_conformance.prediction.correlation import EXACT, Array
from tf_conv_conformance.prediction.rules.catalogue import broken

SMALL = 4  # the largest magnitude of `small_integers`
KEPT = 2**26  # bytes of arrays that are kept: the modes of the same arguments follow one another
BESIDE = (
    2**12
)  # bytes that one entry may take beside its arrays, so that tiny ones have a bound too


class InexactDataError(ConformanceError):
    """Data that the dtype cannot sum exactly; the message shows the arithmetic. `tensor` is the one to blame, if one value is."""

    def __init__(self, message: str, tensor: str | None = None) -> None:
        super().__init__(message)
        self.tensor = tensor


@dataclass(frozen=True)
class Signed:
    """Random integers of both signs, from 1 to `limit` in magnitude, all of them odd where `odd` is set.

    They are in float32 if it holds them all, else in float64. Nothing but integers is in float32: the
    oracle relies on it, see :func:`correlation.dtype_of_sums`.
    """

    limit: int
    odd: bool = False

    def draw(self, rng: np.random.RandomState, shape: tuple[int, ...]) -> Array:
        """Integers of this kind; :meth:`source` says the same in words."""
        dtype = np.float32 if self.limit <= EXACT else np.float64
        if self.odd:
            half = (self.limit + 1) // 2
            return np.asarray(
                2 * rng.randint(-half, half, size=shape, dtype=np.int64) + 1, dtype=dtype
            )
        magnitudes = rng.randint(1, self.limit + 1, size=shape)
        signs = 2 * rng.randint(2, size=shape) - 1  # what `choice([-1, 1])` draws, at less cost
        return np.asarray(magnitudes * signs, dtype=dtype)

    def source(self, shape: tuple[int, ...]) -> str:
        """The Python expression that draws the same from `rng`."""
        if self.odd:
            half = (self.limit + 1) // 2
            return f"2 * rng.randint({-half}, {half}, size={shape}, dtype=np.int64) + 1"
        return f"rng.randint(1, {self.limit + 1}, size={shape}) * rng.choice([-1, 1], size={shape})"


@dataclass(frozen=True)
class Real:
    """Random reals of both signs with `precision` significant bits and magnitudes below 1: what a dtype of that precision holds."""

    precision: int

    def draw(self, rng: np.random.RandomState, shape: tuple[int, ...]) -> Array:
        """Reals of this kind in float64."""
        top = 2**self.precision
        integers = rng.randint(1 - top, top, size=shape, dtype=np.int64)
        return np.asarray(integers * 2.0 ** rng.randint(-8, 1, size=shape) / top, dtype=np.float64)

    def source(self, shape: tuple[int, ...]) -> str:
        """The Python expression that draws the same from `rng`."""
        top = 2**self.precision
        return f"rng.randint({1 - top}, {top}, size={shape}, dtype=np.int64) * 2.0 ** rng.randint(-8, 1, size={shape}) / {top}"


Drawn = Signed | Real


@dataclass(frozen=True)
class Arm:
    """One set of data: its name, the seed of NumPy's ``RandomState``, and what its tensors are drawn from, where they are not given.

    `upstream` is what comes from above into a gradient.
    """

    name: str
    seed: int
    input: Drawn
    filter: Drawn
    upstream: Drawn | None = None

    def arrays(self, arguments: Arguments) -> tuple[Array, ...]:
        """Input and filter, and for a gradient what comes from above, drawn in this order. Not to be written to."""
        return _drawn(self, arguments)


def to_plain(arm: Arm) -> dict[str, Any]:
    """Return an arm as ``dataclasses.asdict`` does, at a tenth of its cost."""
    drawn = {name: getattr(arm, name) for name in ("input", "filter", "upstream")}
    return vars(arm) | {name: kind and dict(vars(kind)) for name, kind in drawn.items()}


_RNG = (
    np.random.RandomState()
)  # always seeded anew, in a hundredth of the time that another one takes


def _bytes(tensors: tuple[Array, ...]) -> int:
    return BESIDE + sum(tensor.nbytes for tensor in tensors)


@cached(LRUCache(KEPT, getsizeof=_bytes))
def _drawn(arm: Arm, arguments: Arguments) -> tuple[Array, ...]:
    """The tensors of an arm, read-only, since all that ask for them share them."""
    _RNG.seed(arm.seed)
    tensors = [
        _tensor(arguments.input, arm.input, _RNG),
        _tensor(arguments.filter, arm.filter, _RNG),
    ]
    if arm.upstream is not None:
        tensors.append(arm.upstream.draw(_RNG, result_shape(arguments)))
    for tensor in tensors:
        tensor.flags.writeable = False
    return tuple(tensors)


def _tensor(spec: TensorSpec, drawn: Drawn, rng: np.random.RandomState) -> Array:
    if spec.values is not None:
        return np.array(spec.values, dtype=np.float64).reshape(spec.shape)
    return drawn.draw(rng, spec.shape)


def computed_model(arguments: Arguments) -> models.Model:
    """Return the model of what TensorFlow computes, as far as the models tell.

    Where the documentation rules a call out, TensorFlow may still compute it in phases; else it is held to what is documented.
    """
    in_phases = models.is_atrous_strided(arguments) and broken(arguments)
    return models.PHASE_STRIDED if in_phases else models.DOCUMENTED


def result_shape(arguments: Arguments) -> tuple[int, ...]:
    """The shape of the convolution that TensorFlow computes; that of a scalar where the models do not tell."""
    try:
        return computed_model(arguments).forward_shape(arguments)
    except models.NoResultError:
        return ()


def products(arguments: Arguments) -> int:
    """How many products one element of the result sums.

    For a convolution filter height × width × in_channels, without the latter for depthwise; for a gradient by the input at most filter
    height × width × out_channels; for one by the filter batch × height × width of what comes from above.
    """
    if arguments.gradient == "filter":
        shape = result_shape(arguments)
        return (
            math.prod(shape) // max(shape[-3 if channels_first(arguments) else -1], 1)
            if shape
            else 1
        )
    sizes = arguments.filter.shape
    if arguments.gradient == "input":
        return math.prod((*sizes[:2], *sizes[3:]))
    return math.prod(sizes[: 2 if arguments.op == "depthwise_conv2d" else 3])


def arms(arguments: Arguments, salt: int = 0) -> tuple[Arm, ...]:
    """The arms of data of a call; another `salt` draws other numbers of the same kind.

    Raises :class:`InexactDataError` where the dtype cannot hold every partial sum: the case is then refused, not loosened.
    """
    names = arguments.data
    if arguments.input.values is not None or arguments.filter.values is not None:
        names = tuple(dict.fromkeys("reals" if name == "reals" else "literal" for name in names))
        _refuse_literals(arguments, names, max(products(arguments), 1))
    kinds = {
        name: _kinds(arguments, "small_integers" if name == "literal" else name) for name in names
    }
    return tuple(Arm(name, seed(arguments, name, salt), *kinds[name]) for name in names)


def _kinds(arguments: Arguments, name: str) -> tuple[Drawn, Drawn, Drawn | None]:
    """What input, filter and what comes from above are drawn from in one arm."""
    gradient = arguments.gradient
    if arguments.dtype not in PRECISION:  # one that must be refused: its sums do not matter
        return Signed(1), Signed(1), Signed(1) if gradient else None
    precision = PRECISION[arguments.dtype]
    if name == "reals" and "int" in arguments.dtype:
        raise InexactDataError(f"{arguments.dtype} holds integers alone; leave out `reals`")
    if name == "reals":
        real = Real(precision)
        return real, real, real if gradient else None
    top, summed = 2**precision - 1, max(products(arguments), 1)
    if summed > top:
        raise InexactDataError(
            f"sums of {summed} products do not stay exact in {arguments.dtype}: even with data of 1 and -1 they reach {summed}, and "
            f"it holds integers up to {top} only; use a smaller filter, fewer channels or a wider dtype"
        )
    if name == "small_integers":
        small = Signed(max(1, min(SMALL, math.isqrt(top // summed))))
        return small, small, small if gradient else None
    wide = Signed(max(1, top // summed - (top // summed + 1) % 2), odd=True)
    if gradient == "input":
        return Signed(1), Signed(1), wide
    return wide, Signed(1), Signed(1) if gradient else None


def seed(arguments: Arguments, arm: str, salt: int) -> int:
    """A seed that depends on the arguments alone, so that neither the mode nor the order of a run changes the data."""
    text = repr((arguments, arm, salt))
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:4], "big")


def _refuse_literals(arguments: Arguments, names: Sequence[str], summed: int) -> None:
    """Refuse literal values whose sums cannot be judged in these arms. Raises :class:`InexactDataError`."""
    if "literal" in names and arguments.dtype in PRECISION:
        _refuse_inexact_literals(arguments, 2 ** PRECISION[arguments.dtype] - 1, summed)
    if "reals" not in names or arguments.dtype not in EXPONENTS:
        return
    finite = [
        [abs(value) for value in spec.values or () if math.isfinite(value)]
        for spec in (arguments.input, arguments.filter)
    ]
    most = math.prod(Fraction(max([1.0, *values])) for values in finite)  # what is drawn is below 1
    if summed * most > Fraction(largest(arguments.dtype)) / 2:
        raise InexactDataError(
            f"{summed} products of up to {_written(most)} may overflow {arguments.dtype}, which ends at {largest(arguments.dtype):.4g}, "
            "and whether they do depends on their order; take smaller values or a wider dtype"
        )


def _refuse_inexact_literals(arguments: Arguments, top: int, summed: int) -> None:
    """Check that literal values, as multiples of a power of two, give sums that the dtype holds."""
    most, step = Fraction(1), Fraction(1)
    for name, spec in (("input", arguments.input), ("filter", arguments.filter)):
        finite = [
            abs(value) for value in spec.values or () if math.isfinite(value)
        ]  # the others are exact by IEEE 754's own rules
        for value in set(finite):
            exact = Fraction(value)
            if "int" in arguments.dtype and exact.denominator != 1:
                raise InexactDataError(
                    f"the value {value:g} of `{name}` is not an integer, and {arguments.dtype} holds no other",
                    name,
                )
            if exact and _odd_part(exact) > top:
                raise InexactDataError(
                    f"the value {value:g} of `{name}` is not exact in {arguments.dtype}; write `data: [reals]` to hold the result to a "
                    "rounding bound, or take multiples of a power of two, such as 0.25",
                    name,
                )
        values = [Fraction(value) for value in (finite if spec.values is not None else (SMALL,))]
        most *= max(values, default=Fraction(0))
        step *= min((_step(value) for value in values if value), default=Fraction(1))
    if summed * most / step > top:
        raise InexactDataError(
            f"{summed} products of up to {_written(most)}, in steps of {float(step):g}, do not stay exact in {arguments.dtype} "
            f"({summed} * {_written(most)} / {float(step):g} > {top}); use smaller or rounder values, or `data: [reals]` alone, "
            "which holds the result to a rounding bound"
        )


def _written(value: Fraction | int) -> str:
    """Return a number in a few digits, however large it is."""
    return f"{float(value):g}" if value < 2**1023 else "1e308 and more"


def _step(value: Fraction) -> Fraction:
    """The largest power of two of which a value is a multiple."""
    return Fraction(value.numerator & -value.numerator, value.denominator)


def _odd_part(value: Fraction) -> int:
    """The numerator without its factors of two: how many bits the value needs."""
    numerator = value.numerator
    return numerator // (numerator & -numerator)
