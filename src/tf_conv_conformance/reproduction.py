"""A call as Python that can be pasted and run without this suite."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from tf_conv_conformance.arguments import Arguments, TensorSpec
from tf_conv_conformance.data import Arm, Signed

LITERAL_LIMIT = 4000  # numbers that are printed out in full


def python(arguments: Arguments, mode: str, arm: Arm) -> str:
    """The program that makes one arm's call: imports, data, the call in its mode, and a print."""
    decorated = {
        "eager": "call = {}",
        "graph": "call = tf.function({})",
        "xla": "call = tf.function({}, jit_compile=True)",
    }[mode]
    keywords = "".join(f", {name}={value!r}" for name, value in arguments.keywords().items())
    lines = [
        "import numpy as np",
        "import tensorflow as tf",
        "",
        f"rng = np.random.RandomState({arm.seed})",
        f"x = {_tensor(arguments.input, arm.input)}",
        f"w = {_tensor(arguments.filter, arm.filter)}",
        decorated.format(f"lambda x, w: tf.nn.{arguments.op}(x, w{keywords})"),
        f"y = call({_constant('x', arguments.dtype)}, {_constant('w', arguments.dtype)})",
        "print(y.shape, y.dtype)",
        "print(y.numpy())",
    ]
    return "\n".join(lines)


def _tensor(spec: TensorSpec, drawn: Signed) -> str:
    if spec.values is None:
        return drawn.source(spec.shape)
    if len(spec.values) > LITERAL_LIMIT:
        return f"...  # {len(spec.values)} values, in the case file"
    numbers: Sequence[float] = [int(value) if value.is_integer() else value for value in spec.values]
    return f"np.array({list(numbers)!r}).reshape({spec.shape})"


def _constant(name: str, dtype: str) -> str:
    """A tensor with the array's numbers; by way of float64 NumPy where the dtype is TensorFlow's own."""
    if dtype == "bfloat16":
        return f"tf.cast(tf.constant({name}.astype(np.float32)), tf.bfloat16)"
    return f"tf.constant({name}.astype(np.{'bool_' if dtype == 'bool' else dtype}))"


def from_record(arguments: Arguments, mode: str, arm: Mapping[str, Any]) -> str:
    """The same, with the arm as a record holds it."""
    return python(arguments, mode, Arm(arm["name"], arm["seed"], Signed(**arm["input"]), Signed(**arm["filter"])))
