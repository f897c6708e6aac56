"""Find another way to the documented result of a call with strides and a rate above 1."""

from __future__ import annotations

from dataclasses import replace

from tf_conv_conformance.convolution.arguments import (
    CAUSAL,
    FORMATS,
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
PAGE = "tf-conv-conformance docs stride-and-rate"


def remedy(arguments: Arguments) -> str | None:
    """Return what to do instead of a call with strides and a rate.

    Return None if the call breaks other rules as well.
    """
    rules, meaning = broken(arguments), interpret(arguments)
    if not rules or meaning is None or arguments.gradient is not None:
        return None
    if padding_of(arguments) == CAUSAL:  # which no function takes
        return None
    if not all(rule.id.endswith(RULE) for rule in rules):
        return None
    if not predict(arguments).has_values(DOCUMENTED):
        return None
    same = f"y[{subsample(meaning)}] of the same call with strides of 1"
    return f"{same}; or {dilated_conv2d(arguments, meaning)} (more: {PAGE})"


def subsample(meaning: Interpretation) -> str:
    """Return the index that selects the documented result from the result with strides of 1."""
    spatial = [_steps(meaning.height), _steps(meaning.width)]
    spatial = spatial[-meaning.dimensions :]
    batch = [":"] * len(meaning.batch_shape)
    return ", ".join([*batch, *([":", *spatial] if meaning.channels_first else spatial)])


def _steps(axis: Axis) -> str:
    """Return the slice of an axis. With a stride, SAME may pad less in front than without one."""
    first = documented_padding(replace(axis, stride=1))[0] - documented_padding(axis)[0]
    return ":" if axis.stride == 1 else f"{first or ''}::{axis.stride}"


def dilated_conv2d(arguments: Arguments, meaning: Interpretation) -> str:
    """Return the equivalent call of `tf.nn.conv2d` or `conv1d`, which dilate with strides.

    For a depthwise call it has a group for each channel.
    """
    *sizes, channels, multiplier = arguments.filter.shape
    depthwise = arguments.op == "depthwise_conv2d"
    axes = meaning.axes[-meaning.dimensions :]
    name, strides = ("conv1d", "stride") if meaning.dimensions == 1 else ("conv2d", "strides")
    given = {
        strides: [axis.stride for axis in axes],
        "padding": as_lists(padding_of(arguments)),
        "dilations": [axis.rate for axis in axes],
    }
    if meaning.channels_first:
        given["data_format"] = FORMATS[meaning.dimensions][1]
    kernel = f"tf.reshape(w, {[*sizes, 1, channels * multiplier]})" if depthwise else "w"
    keywords = "".join(f", {name}={value!r}" for name, value in given.items())
    return f"tf.nn.{name}(x, {kernel}{keywords})"
