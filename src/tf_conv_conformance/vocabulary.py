"""The names that cases, options and markers share. Imports nothing that takes time: pytest loads it in every run."""

from __future__ import annotations

from typing import Literal, get_args

Op = Literal["conv2d", "depthwise_conv2d"]
Mode = Literal["eager", "graph", "xla"]
Dtype = Literal["float16", "bfloat16", "float32", "float64", "int32", "int8", "uint8", "int16", "int64", "complex64", "bool"]
"""float16 is also called half. Convolutions document the four floating ones; the operator behind conv2d takes int32 as well."""

OPS: tuple[Op, ...] = get_args(Op)
MODES: tuple[Mode, ...] = get_args(Mode)
DTYPES: tuple[Dtype, ...] = get_args(Dtype)
