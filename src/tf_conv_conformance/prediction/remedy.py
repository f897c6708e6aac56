"""The documented result by other means, for calls whose stride and rate must not both be above 1."""

from __future__ import annotations

from dataclasses import replace

from tf_conv_conformance.convolution.arguments import (
    Arguments,
    Interpretation,
    as_lists,
    interpret,
    padding_of,
)
from tf_conv_conformance.convolution.geometry import Axis, documented_padding
from tf_conv_conformance.prediction.models import DOCUMENTED
from tf_conv_conformance.prediction.predict import predict
from tf_conv_conformance.prediction.rules.catalogue import broken

RULE = ".unit-strides-when-atrous"
PAGE = "docs/stride-and-rate.md"


def remedy(arguments: Arguments) -> str | None:
    """Return what to do instead of a call with strides and a rate; None if that is not all that is wrong with it."""
    rules = broken(arguments)
    if (
        not rules
        or not all(rule.id.endswith(RULE) for rule in rules)
        or arguments.gradient is not None
    ):
        return None
    interpretation = interpret(arguments)
    if interpretation is None or not predict(arguments).has_values(DOCUMENTED):
        return None
    return f"y[{subsample(interpretation)}] of the same call with strides of 1; or {dilated_conv2d(arguments, interpretation)} ({PAGE})"


def subsample(interpretation: Interpretation) -> str:
    """Return the index that takes the documented result from that of the same call with strides of 1."""
    spatial = [_steps(interpretation.height), _steps(interpretation.width)]
    batch = [":"] * len(interpretation.batch_shape)
    return ", ".join([*batch, *([":", *spatial] if interpretation.channels_first else spatial)])


def _steps(axis: Axis) -> str:
    """Return the slice of an axis; SAME with a stride may pad less in front than with a stride of 1."""
    first = documented_padding(replace(axis, stride=1))[0] - documented_padding(axis)[0]
    return ":" if axis.stride == 1 else f"{first or ''}::{axis.stride}"


def dilated_conv2d(arguments: Arguments, interpretation: Interpretation) -> str:
    """Return the call of `tf.nn.conv2d`, which dilates with strides; depthwise, it has a group for each channel."""
    rows, columns, channels, multiplier = arguments.filter.shape
    depthwise = arguments.op == "depthwise_conv2d"
    kernel = f"tf.reshape(w, {[rows, columns, 1, channels * multiplier]})" if depthwise else "w"
    strides = [interpretation.height.stride, interpretation.width.stride]
    dilations = [interpretation.height.rate, interpretation.width.rate]
    layout = ", data_format='NCHW'" if interpretation.channels_first else ""
    return f"tf.nn.conv2d(x, {kernel}, strides={strides}, padding={as_lists(padding_of(arguments))!r}, dilations={dilations}{layout})"
