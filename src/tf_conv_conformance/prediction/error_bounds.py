"""Compute the a-priori error bound: how far each element of a right result may be from the exact.

The computed sum of K products, with recursive summation in any order, and with or without fused
multiply-add, differs from the exact sum by at most ``gamma(K) * sum(|x| |w|)``. ``gamma(K)`` is
``K u / (1 - K u)``, and u is the unit roundoff of the accumulator (Higham, *Accuracy and Stability
of Numerical Algorithms*, 2nd edition, sections 3.1 and 4.2). Rounding the sum to the dtype adds
its unit roundoff once.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from tf_conv_conformance.convolution.arguments import Arguments
from tf_conv_conformance.convolution.company import TENSORS
from tf_conv_conformance.convolution.dtypes import EXPONENTS, PRECISION
from tf_conv_conformance.prediction import company
from tf_conv_conformance.prediction.correlation import Array
from tf_conv_conformance.prediction.data import products
from tf_conv_conformance.prediction.models import Model

ACCUMULATOR = dict.fromkeys(("float16", "bfloat16", "float32"), "float32") | {"float64": "float64"}
"""The dtype in which the products of each dtype are summed.

TensorFlow does not document it. A subject that sums in less precision exceeds the bound.
"""
SMALLEST = {dtype: 2.0**smallest for dtype, (smallest, _) in EXPONENTS.items()}


@dataclass(frozen=True)
class Values:
    """The right values, and the largest permitted distance from each; None if they are exact."""

    numbers: Array
    bound: Array | None = None

    def differing(self, numbers: Array) -> NDArray[np.bool_]:
        """Return a mask of the numbers that are farther from the right ones than permitted.

        NaN equals NaN, and an infinity equals only itself.
        """
        near: NDArray[np.bool_] = np.equal(numbers, self.numbers)
        if self.bound is not None:
            with np.errstate(invalid="ignore"):
                near |= np.isfinite(self.numbers) & (np.abs(numbers - self.numbers) <= self.bound)
        return ~near if near.all() else ~(near | (np.isnan(numbers) & np.isnan(self.numbers)))

    def at(self, part: Callable[[Array], Array]) -> Values:
        """Return the values for a part of the result."""
        return Values(part(self.numbers), None if self.bound is None else part(self.bound))


def unit_roundoff(dtype: str) -> float:
    """Return half the distance from 1 to the next number: the relative error of rounding."""
    return 2.0 ** -PRECISION[dtype]


def gamma(terms: int, unit: float) -> float:
    """Return ``gamma(K)``: the relative error of K operations with this unit roundoff."""
    return terms * unit / (1 - terms * unit)


def bound(model: Model, arguments: Arguments, *tensors: Array) -> Array:
    """Return the largest permitted distance of each element of the result from the oracle's.

    The oracle sums in float64. Its own error is part of the bound, so the bound for float64 is
    twice as large.
    """
    if arguments.after:
        alone = bound(model, replace(arguments, after=()), *tensors[:2])
        return _bound_after(model, arguments, alone, *tensors)
    magnitudes = model.values(arguments, *(np.abs(tensor) for tensor in tensors))
    terms, dtype = products(arguments), arguments.precision
    accumulator = model.accumulator or ACCUMULATOR[dtype]
    summing = gamma(terms, unit_roundoff(accumulator)) + gamma(terms, unit_roundoff("float64"))
    rounding = unit_roundoff(dtype) * (1 + summing)
    # The documentation does not say whether subnormal products and partial sums are flushed to
    # zero, so each may be off by the smallest normal number.
    underflow = 2 * terms * (2.0**-1022 if accumulator == "float64" else 2.0**-126)
    underflows = np.where(magnitudes > 0, underflow, 0.0)
    return magnitudes * (summing + rounding) + underflows + SMALLEST[dtype]


ADDED = ("bias", "addend", "offset", "mean")
"""The tensors of operations that are added to a result."""
ROUNDINGS = {"bias_add": 1, "add": 1, "fused_batch_norm": 4}
"""How many roundings an operation makes at most, if it makes any and is no convolution.

A batch norm subtracts and adds, and its factors are powers of two. Half of its operations may be
those of folding it into the filter and into a bias.
"""


def _bound_after(model: Model, arguments: Arguments, error: Array, *tensors: Array) -> Array:
    """Return the bound after the operations after a convolution, whose own bound is `error`.

    Each passes on what its input is off by, multiplied at most with its own factors, since an
    activation brings no two numbers further apart. Then it rounds, relative to the sum of all
    magnitudes so far. A kernel may begin its sum with a bias, so that each of its products is
    rounded relative to that, too. The oracle rounds as often.
    """
    x, w, *others = (np.abs(tensor) for tensor in tensors)
    most = model.values(replace(arguments, after=()), x, w)
    unit = unit_roundoff(arguments.precision)
    accumulated = unit_roundoff(model.accumulator or ACCUMULATOR[arguments.precision])
    terms = products(arguments)
    for operation, own in company.steps(arguments.after, others):
        if operation.name in company.LIMITS:
            continue
        named = list(zip(TENSORS[operation.name], own, strict=True))
        factors = tuple(one * (name not in ADDED) for name, one in named)
        sizes = tuple(-one if name == "mean" else one for name, one in named)  # is subtracted
        error = company.finished(arguments, error, [(operation, factors)])
        most = company.finished(arguments, most, [(operation, sizes)])
        terms = company.products((operation,)) or terms
        rounding = gamma(terms, accumulated) + gamma(ROUNDINGS.get(operation.name, 1), unit)
        underflow = 2 * terms * 2.0**-126 + SMALLEST[arguments.precision]
        error = error + 2 * rounding * (most + error) + underflow
    return error
