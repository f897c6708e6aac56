"""Find another way to the documented result of a call with strides and a rate above 1."""

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
    """Return what to do instead of a call with strides and a rate.

    Return None if the call breaks other rules as well.
    """
    rules, meaning = broken(arguments), interpret(arguments)
    if not rules or meaning is None or arguments.gradient is not None:
        return None
    if not all(rule.id.endswith(RULE) for rule in rules):
        return None
    if not predict(arguments).has_values(DOCUMENTED):
        return None
    same = f"y[{subsample(meaning)}] of the same call with strides of 1"
    return f"{same}; or {dilated_conv2d(arguments, meaning)} ({PAGE})"


def subsample(meaning: Interpretation) -> str:
    """Return the index that selects the documented result from the result with strides of 1."""
    spatial = [_steps(meaning.height), _steps(meaning.width)]
    batch = [":"] * len(meaning.batch_shape)
    return ", ".join([*batch, *([":", *spatial] if meaning.channels_first else spatial)])


def _steps(axis: Axis) -> str:
    """Return the slice of an axis. With a stride, SAME may pad less in front than without one."""
    first = documented_padding(replace(axis, stride=1))[0] - documented_padding(axis)[0]
    return ":" if axis.stride == 1 else f"{first or ''}::{axis.stride}"


def dilated_conv2d(arguments: Arguments, meaning: Interpretation) -> str:
    """Return the equivalent call of `tf.nn.conv2d`, which supports dilations with strides.

    For a depthwise call it has a group for each channel.
    """
    rows, columns, channels, multiplier = arguments.filter.shape
    depthwise = arguments.op == "depthwise_conv2d"
    strides, rates = zip(*((axis.stride, axis.rate) for axis in meaning.axes), strict=True)
    padding = as_lists(padding_of(arguments))
    given = {"strides": list(strides), "padding": padding, "dilations": list(rates)}
    if meaning.channels_first:
        given["data_format"] = "NCHW"
    kernel = f"tf.reshape(w, {[rows, columns, 1, channels * multiplier]})" if depthwise else "w"
    keywords = "".join(f", {name}={value!r}" for name, value in given.items())
    return f"tf.nn.conv2d(x, {kernel}{keywords})"
