"""The dtypes: what each holds exactly, and how its bits become numbers to compare."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

PRECISION = {"float16": 11, "bfloat16": 8, "float32": 24, "float64": 53, "int32": 31}
"""``p`` of each dtype that a convolution may have: every integer up to ``2**p - 1`` in magnitude is exact in it."""


def canonical(dtype: str) -> str:
    """The name that TensorFlow gives a dtype: ``half`` is float16."""
    return "float16" if dtype == "half" else dtype


def encode(numbers: NDArray[np.float64], dtype: str) -> NDArray[Any]:
    """Numbers that `dtype` holds exactly, in its bits; bfloat16 as uint16."""
    if dtype == "bfloat16":
        return (numbers.astype(np.float32).view(np.uint32) >> 16).astype(np.uint16)
    if dtype == "string":
        return np.char.encode(numbers.astype(np.int64).astype(str), "ascii")
    if "int" in dtype:
        return numbers.astype(np.int64).astype(dtype)
    return numbers.astype(dtype)


def as_numbers(bits: NDArray[Any], dtype: str) -> NDArray[Any]:
    """The numbers in the bits of a result, in float64 (complex128 for complex64)."""
    if dtype == "bfloat16":
        return (bits.astype(np.uint32) << 16).view(np.float32).astype(np.float64)
    return bits.astype(np.complex128 if np.iscomplexobj(bits) else np.float64)
