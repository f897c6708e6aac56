"""The operations around a convolution: what a call has before it and after it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from tf_conv_conformance.convolution.names import OperationName

Pairs = tuple[tuple[int, ...], ...]
TENSORS: dict[OperationName, tuple[str, ...]] = {
    "pad": (),
    "bias_add": ("bias",),
    "add": ("addend",),
    "relu": (),
    "relu6": (),
    "fused_batch_norm": ("scale", "offset", "mean", "variance"),
    "conv2d": ("filter",),
    "depthwise_conv2d": ("filter",),
}
"""The tensors that an operation takes beside its input."""
CONVOLUTIONS: tuple[OperationName, ...] = ("conv2d", "depthwise_conv2d")
AFTER = tuple(name for name in TENSORS if name not in ("pad", *CONVOLUTIONS))
"""The operations after a convolution that are no convolutions."""
DTYPES: dict[OperationName, tuple[str, ...]] = {
    "bias_add": ("float32", "float64", "int32"),
    "relu6": ("float32", "float64", "int32"),
    "fused_batch_norm": ("float16", "bfloat16", "float32"),
}
"""The dtypes that an operation documents, if they are not those of convolutions."""
EPSILON = 1.0
"""The epsilon of `fused_batch_norm`, which makes its variance plus epsilon a power of 4."""


SYMBOLS: dict[OperationName, str] = {
    "pad": "tf.pad",
    "bias_add": "tf.nn.bias_add",
    "add": "tf.add",
    "relu": "tf.nn.relu",
    "relu6": "tf.nn.relu6",
    "fused_batch_norm": "tf.compat.v1.nn.fused_batch_norm",
    "conv2d": "tf.nn.conv2d",
    "depthwise_conv2d": "tf.nn.depthwise_conv2d",
}
"""The functions of TensorFlow. They take the input, then the tensors in their order."""


@dataclass(frozen=True)
class Operation:
    """An operation beside the convolution.

    `padding` is that of `pad` or of another convolution, which also has a `filter` and `strides`.
    """

    name: OperationName
    padding: str | Pairs | None = None
    filter: tuple[int, ...] | None = None
    strides: tuple[int, int] = (1, 1)

    def keywords(self, data_format: str) -> dict[str, Any]:
        """Return the keyword arguments of its function in TensorFlow."""
        padding = self.padding if isinstance(self.padding, str) else _lists(self.padding or ())
        if self.name == "pad":
            return {"paddings": padding}
        if self.filter is not None:
            strides = [*self.strides]
            strides = [1, 1, *strides] if data_format == "NCHW" else [1, *strides, 1]
            return {"strides": strides, "padding": padding, "data_format": data_format}
        if self.name == "fused_batch_norm":
            return {"epsilon": EPSILON, "data_format": data_format, "is_training": False}
        return {"data_format": data_format} if self.name == "bias_add" else {}

    @property
    def text(self) -> str:
        """The operation in a few words: `relu`, `pad [[0,0],[1,1],[2,0],[0,0]]`."""
        words = [str(self.name)]
        if self.filter is not None:
            words.append("x".join(map(str, self.filter)))
        if self.padding is not None:
            padding = self.padding if isinstance(self.padding, str) else _lists(self.padding)
            words.append(str(padding).replace(" ", ""))
        if self.strides != (1, 1):
            words.append("strides {}x{}".format(*self.strides))
        return " ".join(words)


Operations = tuple[Operation, ...]


def _lists(pairs: Pairs) -> list[list[int]]:
    return [list(pair) for pair in pairs]


def padded(shape: tuple[int, ...], before: Operations) -> tuple[int, ...]:
    """Return the shape of an input after the operations before a convolution."""
    for one in before:
        if isinstance(one.padding, tuple):
            pairs = zip(shape, one.padding, strict=False)
            shape = tuple(size + sum(pair) for size, pair in pairs)
    return shape


def listed(operations: Iterable[Operation]) -> str:
    """Return operations in a line of text."""
    return ", ".join(one.text for one in operations)
