"""Distributions of random numbers, each of which one line of NumPy draws."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from tf_conv_conformance.prediction.correlation import EXACT, Array

SMALL = 4  # the largest magnitude of `small_integers`


@dataclass(frozen=True)
class Signed:
    """Random integers of both signs, from 1 to `limit` in magnitude, all odd if `odd` is set.

    They are in float32 if it holds all of them, else in float64. The oracle relies on float32
    arrays to hold only integers, see :func:`correlation.dtype_of_sums`.
    """

    limit: int
    odd: bool = False

    def draw(self, rng: np.random.RandomState, shape: tuple[int, ...]) -> Array:
        """Draw integers, as the expression from :meth:`source` does."""
        dtype = np.float32 if self.limit <= EXACT else np.float64
        if self.odd:
            half = (self.limit + 1) // 2
            drawn = 2 * rng.randint(-half, half, size=shape, dtype=np.int64) + 1
            return np.asarray(drawn, dtype=dtype)
        magnitudes = rng.randint(1, self.limit + 1, size=shape)
        signs = 2 * rng.randint(2, size=shape) - 1  # the same as `choice([-1, 1])`, but faster
        return np.asarray(magnitudes * signs, dtype=dtype)

    def source(self, shape: tuple[int, ...]) -> str:
        """Return the Python expression that draws from `rng`."""
        if self.odd:
            half = (self.limit + 1) // 2
            return f"2 * rng.randint({-half}, {half}, size={shape}, dtype=np.int64) + 1"
        return f"rng.randint(1, {self.limit + 1}, size={shape}) * rng.choice([-1, 1], size={shape})"


@dataclass(frozen=True)
class Real:
    """Random reals of both signs with `precision` significant bits and magnitudes below 1."""

    precision: int

    def draw(self, rng: np.random.RandomState, shape: tuple[int, ...]) -> Array:
        """Draw reals in float64, as the expression from :meth:`source` does."""
        top = 2**self.precision
        integers = rng.randint(1 - top, top, size=shape, dtype=np.int64)
        return np.asarray(integers * 2.0 ** rng.randint(-8, 1, size=shape) / top, dtype=np.float64)

    def source(self, shape: tuple[int, ...]) -> str:
        """Return the Python expression that draws from `rng`."""
        top = 2**self.precision
        integers = f"rng.randint({1 - top}, {top}, size={shape}, dtype=np.int64)"
        return f"{integers} * 2.0 ** rng.randint(-8, 1, size={shape}) / {top}"


@dataclass(frozen=True)
class Normal:
    """Random reals of both signs, with `precision` significant bits, from 2**-`exponents` to 1.

    With 7 exponents, no product of two is subnormal in half. Emulators differ from processors in
    whether they flush subnormal numbers in half to zero.
    """

    precision: int
    exponents: int = 7

    def draw(self, rng: np.random.RandomState, shape: tuple[int, ...]) -> Array:
        """Draw reals in float64, as the expression from :meth:`source` does."""
        top = 2**self.precision
        magnitudes = rng.randint(top // 2, top, size=shape)
        signs = 2 * rng.randint(2, size=shape) - 1
        scales = 2.0 ** rng.randint(1 - self.exponents, 1, size=shape)
        return np.asarray(magnitudes * signs * scales / top, dtype=np.float64)

    def source(self, shape: tuple[int, ...]) -> str:
        """Return the Python expression that draws from `rng`."""
        top = 2**self.precision
        magnitudes = f"rng.randint({top // 2}, {top}, size={shape})"
        scales = f"2.0 ** rng.randint({1 - self.exponents}, 1, size={shape})"
        return f"{magnitudes} * rng.choice([-1, 1], size={shape}) * {scales} / {top}"


@dataclass(frozen=True)
class Chosen:
    """Some numbers, each as probable as the others."""

    numbers: tuple[float, ...]

    def draw(self, rng: np.random.RandomState, shape: tuple[int, ...]) -> Array:
        """Draw numbers in float64, as the expression from :meth:`source` does."""
        return np.asarray(rng.choice(self.numbers, size=shape), dtype=np.float64)

    def source(self, shape: tuple[int, ...]) -> str:
        """Return the Python expression that draws from `rng`."""
        return f"rng.choice({list(self.numbers)}, size={shape})"


Drawn = Signed | Real | Normal | Chosen


def distribution(kind: Mapping[str, Any]) -> Drawn:
    """Return the distribution with these fields."""
    if "exponents" in kind:
        return Normal(**kind)
    return Real(**kind) if "precision" in kind else Signed(**kind)
