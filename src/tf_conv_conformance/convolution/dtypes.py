"""What each dtype holds exactly, and conversion between bits and numbers."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

PRECISION = {"float16": 11, "bfloat16": 8, "float32": 24, "float64": 53, "int32": 31}
"""Bits of precision: every integer of magnitude up to ``2**p - 1`` is exact in the dtype."""
EXPONENTS = {
    "float16": (-24, 16),
    "bfloat16": (-133, 128),
    "float32": (-149, 128),
    "float64": (-1074, 1024),
}
"""Exponents of a dtype's smallest positive number and of the first power of two beyond it."""


def nearest(value: float, dtype: str) -> float:
    """Round a value to a floating dtype: ties to even, infinity beyond the largest number."""
    if dtype not in EXPONENTS or value == 0 or not math.isfinite(value):
        return value
    smallest, beyond = EXPONENTS[dtype]
    unit = max(math.frexp(value)[1] - PRECISION[dtype], smallest)
    rounded = math.copysign(math.ldexp(round(math.ldexp(value, -unit)), unit), value)
    return rounded if math.frexp(rounded)[1] <= beyond else math.copysign(math.inf, value)


def largest(dtype: str) -> float:
    """Return the largest finite number of a floating dtype."""
    return math.ldexp(1 - 2.0 ** -PRECISION[dtype], EXPONENTS[dtype][1])


def canonical(dtype: str) -> str:
    """Return TensorFlow's own name for a dtype: ``half`` is float16."""
    return "float16" if dtype == "half" else dtype


def encode(numbers: NDArray[np.floating[Any]], dtype: str) -> NDArray[Any]:
    """Convert numbers that `dtype` holds exactly to its bits; bfloat16 becomes uint16."""
    if dtype == "bfloat16":
        return (numbers.astype(np.float32).view(np.uint32) >> 16).astype(np.uint16)
    if dtype == "string":
        return np.char.encode(numbers.astype(np.int64).astype(str), "ascii")
    if "int" in dtype:
        return numbers.astype(np.int64).astype(dtype)
    return numbers.astype(dtype)


def as_numbers(bits: NDArray[Any], dtype: str) -> NDArray[Any]:
    """Convert the bits of a result to numbers: float64, or complex128 for complex64."""
    if dtype == "bfloat16":
        return (bits.astype(np.uint32) << 16).view(np.float32).astype(np.float64)
    return bits.astype(np.complex128 if np.iscomplexobj(bits) else np.float64)
