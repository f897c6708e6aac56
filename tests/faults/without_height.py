"""Faults of the entry points whose input has no height, and of Keras's SeparableConv2D."""

from __future__ import annotations

from typing import Any

from altering import Alteration, Function, Invocation, When, again, keywords

CONV1D, CAUSAL = "tf.nn.conv1d", "tf.keras.layers.Conv1D"


def forward(change: Any, when: When) -> Alteration:
    """A fault in what comes out of a forward pass: `change` of the call and the result."""

    def make(invocation: Invocation) -> Function:
        real = invocation.real
        return lambda *tensors: change(invocation, real(*tensors))

    return Alteration(lambda a: a.gradient is None and when(a), make)


def rate(a: Invocation) -> int:
    """The rate of a layer without height."""
    given = a.keywords.get("dilation_rate", 1)
    return given[0] if isinstance(given, list) else given


def padded(before: Any, after: Any) -> Any:
    """How to make causal padding of zeros before and after, and of a call with VALID."""

    def make(invocation: Invocation) -> Function:
        function, tf = invocation.with_keywords(padding="valid"), invocation.tf
        pair = [before(invocation), after(invocation)]
        first = invocation.keywords.get("data_format") == "channels_first"
        pads = [[0, 0], [0, 0], pair] if first else [[0, 0], pair, [0, 0]]
        return lambda x, *others: function(tf.pad(x, pads), *others)

    return make


def is_causal(a: Invocation) -> bool:
    """Whether the call is of a layer with causal padding, and not of a gradient."""
    return a.symbol == CAUSAL and a.keywords["padding"] == "causal" and a.gradient is None


WITHOUT_HEIGHT: dict[str, tuple[str, Alteration]] = {
    "conv1d-drops-batch": (
        "tf.nn.conv1d drops a batch of 1 instead of the height",
        forward(lambda a, y: y[0], lambda a: a.symbol == CONV1D and a.x[0] == 1),
    ),
    "conv1d-batch-dimensions": (
        "tf.nn.conv1d swaps two batch dimensions",
        forward(
            lambda a, y: a.tf.transpose(y, [1, 0, 2, 3]),
            lambda a: a.symbol == CONV1D and len(a.x) == 4,
        ),
    ),
    "conv1d-stride-list": (
        "tf.nn.conv1d takes a list of three strides as 1",
        keywords(
            lambda a: {"stride": 1},
            lambda a: a.symbol == CONV1D and isinstance(a.keywords["stride"], list),
        ),
    ),
    "causal-behind": (
        "keras.layers.Conv1D pads behind the input instead of before it",
        Alteration(
            lambda a: is_causal(a) and rate(a) == 1,
            padded(lambda a: 0, lambda a: a.w[0] - 1),
        ),
    ),
    "causal-undilated": (
        "keras.layers.Conv1D pads for an undilated filter, and the rest behind the input",
        Alteration(
            lambda a: is_causal(a) and rate(a) > 1,
            padded(lambda a: a.w[0] - 1, lambda a: (rate(a) - 1) * (a.w[0] - 1)),
        ),
    ),
    "keras-1d-dilation": (
        "keras layers without height ignore dilation_rate",
        keywords(
            lambda a: {"dilation_rate": 1},
            lambda a: a.symbol.endswith("1D") and rate(a) > 1 and not is_causal(a),
        ),
    ),
    "separable-pointwise": (
        "keras.layers.SeparableConv2D skips the pointwise step",
        Alteration(
            lambda a: a.symbol.endswith("SeparableConv2D") and a.gradient is None and a.plain,
            lambda a: lambda x, w: again(a, x, w),
        ),
    ),
}
