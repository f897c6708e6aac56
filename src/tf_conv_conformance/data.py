"""The data that goes through a call: chosen so that every partial sum is exact, and reproducible in a line of NumPy a tensor.

Two arms, both exact. ``small_integers`` catches wrong indexing; ``wide_integers`` (odd values as large as the sums allow, a filter
of 1 and -1) catches arithmetic in less precision than the dtype's. A zero in a filter would hide what it multiplies, so there is none.
"""

from __future__ import annotations

import hashlib
import math
from dataclasses import dataclass
from fractions import Fraction

import numpy as np

from tf_conv_conformance.arguments import Arguments, TensorSpec
from tf_conv_conformance.numbers import PRECISION
from tf_conv_conformance.oracle.correlation import Array

SMALL = 4  # the largest magnitude of `small_integers`


class Inexact(Exception):
    """Data that the dtype cannot sum exactly; the message shows the arithmetic."""


@dataclass(frozen=True)
class Signed:
    """Random integers of both signs, from 1 to `limit` in magnitude, all of them odd where `odd` is set."""

    limit: int
    odd: bool = False

    def draw(self, rng: np.random.RandomState, shape: tuple[int, ...]) -> Array:
        """Integers of this kind in float64; :meth:`source` says the same in words."""
        if self.odd:
            half = (self.limit + 1) // 2
            return np.asarray(2 * rng.randint(-half, half, size=shape, dtype=np.int64) + 1, dtype=np.float64)
        return np.asarray(rng.randint(1, self.limit + 1, size=shape) * rng.choice([-1, 1], size=shape), dtype=np.float64)

    def source(self, shape: tuple[int, ...]) -> str:
        """The Python expression that draws the same from `rng`."""
        if self.odd:
            half = (self.limit + 1) // 2
            return f"2 * rng.randint({-half}, {half}, size={shape}, dtype=np.int64) + 1"
        return f"rng.randint(1, {self.limit + 1}, size={shape}) * rng.choice([-1, 1], size={shape})"


@dataclass(frozen=True)
class Arm:
    """One set of data: its name, the seed of NumPy's ``RandomState``, and what input and filter are drawn from, if not given."""

    name: str
    seed: int
    input: Signed
    filter: Signed

    def arrays(self, arguments: Arguments) -> tuple[Array, Array]:
        """Input and filter in float64, drawn in this order."""
        rng = np.random.RandomState(self.seed)
        return _tensor(arguments.input, self.input, rng), _tensor(arguments.filter, self.filter, rng)


def _tensor(spec: TensorSpec, drawn: Signed, rng: np.random.RandomState) -> Array:
    if spec.values is not None:
        return np.array(spec.values, dtype=np.float64).reshape(spec.shape)
    return drawn.draw(rng, spec.shape)


def products(arguments: Arguments) -> int:
    """How many products one output element sums: filter height × width × in_channels, without the latter for depthwise."""
    return math.prod(arguments.filter.shape[: 2 if arguments.op == "depthwise_conv2d" else 3])


def arms(arguments: Arguments, salt: int = 0) -> tuple[Arm, ...]:
    """The arms of data of a call; another `salt` draws other numbers of the same kind.

    Raises :class:`Inexact` where the dtype cannot hold every partial sum: the case is then refused, not loosened.
    """
    if arguments.dtype not in PRECISION:  # one that must be refused: its sums do not matter
        return (Arm("small_integers", seed(arguments, "small_integers", salt), Signed(1), Signed(1)),)
    top = 2 ** PRECISION[arguments.dtype] - 1
    summed = max(products(arguments), 1)
    literal = [spec for spec in (arguments.input, arguments.filter) if spec.values is not None]
    if literal:
        _refuse_inexact_literals(arguments, top, summed)
    if summed > top:
        raise Inexact(
            f"sums of {summed} products do not stay exact in {arguments.dtype}: even with data of 1 and -1 they reach {summed}, and "
            f"it holds integers up to {top} only; use a smaller filter, fewer channels or a wider dtype"
        )
    small = max(1, min(SMALL, math.isqrt(top // summed)))
    wide = max(1, top // summed - (top // summed + 1) % 2)
    kinds = {"small_integers": (Signed(small), Signed(small)), "wide_integers": (Signed(wide, odd=True), Signed(1))}
    names = ("small_integers",) if literal else arguments.data
    return tuple(Arm("literal" if literal else name, seed(arguments, name, salt), *kinds[name]) for name in names)


def seed(arguments: Arguments, arm: str, salt: int) -> int:
    """A seed that depends on the arguments alone, so that neither the mode nor the order of a run changes the data."""
    text = repr((arguments, arm, salt))
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:4], "big")


def _refuse_inexact_literals(arguments: Arguments, top: int, summed: int) -> None:
    """Check that literal values, as multiples of a power of two, give sums that the dtype holds."""
    largest, step = Fraction(1), Fraction(1)
    for name, spec in (("input", arguments.input), ("filter", arguments.filter)):
        for value in {abs(value) for value in spec.values or ()}:
            exact = Fraction(value)
            if "int" in arguments.dtype and exact.denominator != 1:
                raise Inexact(f"the value {value:g} of `{name}` is not an integer, and {arguments.dtype} holds no other")
            if exact and _odd_part(exact) > top:
                raise Inexact(
                    f"the value {value:g} of `{name}` is not exact in {arguments.dtype}; take multiples of a power of two, such as 0.25"
                )
        values = [Fraction(abs(value)) for value in spec.values or (SMALL,)]
        largest *= max(values, default=Fraction(0))
        step *= min((Fraction(1, value.denominator) for value in values), default=Fraction(1))
    if summed * largest / step > top:
        raise Inexact(
            f"{summed} products of up to {float(largest):g}, in steps of {float(step):g}, do not stay exact in {arguments.dtype} "
            f"({summed} * {float(largest):g} / {float(step):g} > {top}); use smaller or rounder values"
        )


def _odd_part(value: Fraction) -> int:
    """The numerator without its factors of two: how many bits the value needs."""
    numerator = value.numerator
    return numerator // (numerator & -numerator)
