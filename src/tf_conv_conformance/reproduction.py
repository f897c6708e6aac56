"""A call as Python that can be pasted and run without this suite."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from tf_conv_conformance.arguments import Arguments, TensorSpec
from tf_conv_conformance.data import Arm, Drawn, Real, Signed, result_shape
from tf_conv_conformance.doors import source

LITERAL_LIMIT = 4000  # numbers that are printed out in full


def python(arguments: Arguments, mode: str, arm: Arm) -> str:
    """The program that makes one arm's call: imports, data, the call in its mode, and a print."""
    tensors = {"x": _tensor(arguments.input, arm.input), "w": _tensor(arguments.filter, arm.filter)}
    dtypes = {"x": arguments.dtype, "w": arguments.filter_dtype or arguments.dtype}
    lines = ["import numpy as np", "import tensorflow as tf", "", f"rng = np.random.RandomState({arm.seed})"]
    lines += [f"{name} = {made}" for name, made in tensors.items()]
    lines += source(arguments)
    call = "convolve"
    if arm.upstream is not None:
        lines.append(f"dy = {arm.upstream.source(result_shape(arguments))}")
        dtypes["dy"] = arguments.dtype
        call = "gradient"
        lines += _gradient(arguments.gradient or "input")
    if mode != "eager":
        lines.append(f"{call} = tf.function({call}{', jit_compile=True' if mode == 'xla' else ''})")
    lines += [
        f"y = {call}({', '.join(_constant(name, dtype) for name, dtype in dtypes.items())})",
        "print(y.shape, y.dtype)",
        "print(y.numpy())",
    ]
    return "\n".join(lines)


def _gradient(by: str) -> list[str]:
    target = "x" if by == "input" else "w"
    return [
        "def gradient(x, w, dy):",
        "    with tf.GradientTape() as tape:",
        f"        tape.watch({target})",
        "        y = convolve(x, w)",
        f"    return tape.gradient(y, {target}, output_gradients=dy)",
    ]


def _tensor(spec: TensorSpec, drawn: Drawn) -> str:
    if spec.values is None:
        return drawn.source(spec.shape)
    if len(spec.values) > LITERAL_LIMIT:
        return f"...  # {len(spec.values)} values, in the case file"
    numbers = ", ".join(f"{value:.17g}" if math.isfinite(value) else f"float('{value}')" for value in spec.values)
    return f"np.array([{numbers}]).reshape({spec.shape})"


def _constant(name: str, dtype: str) -> str:
    """A tensor with the array's numbers; by way of float64 NumPy where the dtype is TensorFlow's own."""
    if dtype == "bfloat16":
        return f"tf.cast(tf.constant({name}.astype(np.float32)), tf.bfloat16)"
    if dtype == "string":
        return f"tf.constant({name}.astype(np.int64).astype(str))"
    return f"tf.constant({name}.astype(np.{'bool_' if dtype == 'bool' else dtype}))"


def from_record(arguments: Arguments, mode: str, arm: Mapping[str, Any]) -> str:
    """The same, with the arm as a record holds it."""
    drawn = {name: _drawn(arm[name]) for name in ("input", "filter", "upstream") if arm.get(name)}
    return python(arguments, mode, Arm(arm["name"], arm["seed"], **drawn))


def _drawn(plain: Mapping[str, Any]) -> Drawn:
    return Real(**plain) if "precision" in plain else Signed(**plain)
