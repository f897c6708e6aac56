"""The entry points into TensorFlow that reach the two operators: what each calls its arguments, and the call as Python."""

from __future__ import annotations

import math
from typing import Any

from tf_conv_conformance.convolution.arguments import Arguments, as_lists, channels_first

KERAS_FORMATS = {"NHWC": "channels_last", "NCHW": "channels_first"}


def keywords(arguments: Arguments) -> dict[str, Any]:
    """The keyword arguments that the entry point gets beside its tensors, as JSON values."""
    given = {
        "strides": as_lists(arguments.strides),
        "padding": as_lists(arguments.padding),
        "dilations": as_lists(arguments.dilations),
        "data_format": arguments.data_format,
    }
    named = _named(arguments.door, given)
    return {name: value for name, value in named.items() if value is not None}


def _named(door: str, given: dict[str, Any]) -> dict[str, Any]:
    """The arguments under the names that the entry point has for them."""
    if door == "tf.compat.v1.nn.depthwise_conv2d":
        return {
            **{name: value for name, value in given.items() if name != "dilations"},
            "rate": given["dilations"],
        }
    if door == "tf.nn.atrous_conv2d":
        return {"rate": given["dilations"], "padding": given["padding"]}
    if ".raw_ops." in door and isinstance(given["padding"], list):
        return {
            **given,
            "padding": "EXPLICIT",
            "explicit_paddings": [amount for pair in given["padding"] for amount in pair],
        }
    if ".keras." in door:
        data_format = KERAS_FORMATS.get(given["data_format"], given["data_format"])
        return {
            "strides": given["strides"],
            "padding": given["padding"],
            "dilation_rate": given["dilations"],
            "data_format": data_format,
        }
    return given


def source(arguments: Arguments) -> list[str]:
    """Return lines of Python that define `convolve`, a function of input `x` and filter `w`, by way of the entry point.

    The lines of a Keras layer take both from NumPy, since it is built before a graph is.
    """
    door = arguments.door
    given = "".join(f", {name}={value!r}" for name, value in keywords(arguments).items())
    if ".keras." not in door:
        tensors = "input=x, filter=w" if ".raw_ops." in door else "x, w"
        if door == "tf.nn.separable_conv2d":
            size = math.prod(arguments.filter.shape[2:])
            tensors = f"x, w, tf.eye({size}, dtype=w.dtype)[None, None]"
        return [f"convolve = lambda x, w: {door}({tensors}{given})"]
    height, width, filter_in_channels, out = arguments.filter.shape
    sizes = f"({height}, {width}), depth_multiplier={out}"
    if arguments.op == "conv2d":
        groups = _in_channels(arguments) // filter_in_channels
        sizes = f"{out}, ({height}, {width})" + (f", groups={groups}" if groups > 1 else "")
    return [
        f"layer = {door}({sizes}{given}, use_bias=False, dtype={arguments.dtype!r})",
        "layer.build(x.shape)",
        "layer.set_weights([w])",
        "convolve = lambda x, w: layer(x)",
    ]


def _in_channels(arguments: Arguments) -> int:
    """Return the input's channels; 0 if its rank has none."""
    shape = arguments.input.shape
    return shape[-3 if channels_first(arguments) else -1] if len(shape) > 2 else 0


def undilated(arguments: Arguments) -> int | None:
    """Return the `dilations` by which the entry point is called without any: the rate of atrous_conv2d is mandatory."""
    return 1 if arguments.door == "tf.nn.atrous_conv2d" else None


def obstacle(arguments: Arguments) -> tuple[str, str] | None:
    """Return the key of an argument that cannot be passed through the entry point, and why; None if all can.

    What an entry point takes and its documentation refuses is no obstacle: that it is refused is worth a test.
    """
    door = arguments.door
    if door == "tf.nn.atrous_conv2d":
        return _atrous_obstacle(arguments)
    if ".keras." in door:
        return _keras_obstacle(arguments)
    if door == "tf.nn.separable_conv2d":
        return _separable_obstacle(arguments)
    if door == "tf.nn.convolution" and len(arguments.filter.shape) != 4:
        return (
            "filter",
            f"{door} has as many dimensions as its filter, and this suite knows two; give a filter of rank 4",
        )
    if ".raw_ops." in door and arguments.padding == "EXPLICIT":
        return (
            "padding",
            f"{door} gets EXPLICIT with its amounts; write a pair for each dimension: [[0, 0], [1, 1], [1, 1], [0, 0]]",
        )
    return None


def _separable_obstacle(arguments: Arguments) -> tuple[str, str] | None:
    """It is called with a pointwise identity, whose size and dtype come from the filter."""
    door = arguments.door
    if len(arguments.filter.shape) != 4:
        return (
            "filter",
            f"{door} is called with a pointwise identity, which needs a filter of rank 4",
        )
    if (arguments.filter_dtype or arguments.dtype) == "string":
        return "dtype", f"{door} is called with a pointwise identity, and there is none of strings"
    return None


def _atrous_obstacle(arguments: Arguments) -> tuple[str, str] | None:
    door = arguments.door
    if arguments.dilations is None:
        return "rate", f"{door} needs a rate; write `rate: 1` for none"
    if set(arguments.strides if isinstance(arguments.strides, tuple) else [arguments.strides]) != {
        1
    }:
        return (
            "strides",
            f"{door} takes no strides, it always steps by 1; write `strides: 1`, or use tf.nn.convolution",
        )
    if arguments.data_format not in (None, "NHWC"):
        return (
            "data_format",
            f"{door} takes no data_format, its input is NHWC; leave it out, or use tf.nn.convolution",
        )
    return None


def _keras_obstacle(arguments: Arguments) -> tuple[str, str] | None:
    """A layer makes its filter by itself, so that of a case must be one that it can make."""
    door, filter_shape, in_channels = (
        arguments.door,
        arguments.filter.shape,
        _in_channels(arguments),
    )
    if len(arguments.input.shape) < 3:
        return (
            "input",
            f"{door} makes its filter for the channels of its input, and one of rank {len(arguments.input.shape)} has none",
        )
    if arguments.filter_dtype not in (None, arguments.dtype):
        return (
            "filter_dtype",
            f"{door} makes its filter in the dtype of the layer; leave `filter_dtype` out",
        )
    if "float" not in arguments.dtype:
        return (
            "dtype",
            f"{door} fills its filter with random reals, so it takes no {arguments.dtype}; use a floating dtype",
        )
    if len(filter_shape) != 4:
        return (
            "filter",
            f"{door} makes a filter of rank 4, so it cannot be given one of shape {list(filter_shape)}",
        )
    if 0 in filter_shape:
        return (
            "filter",
            f"{door} makes a filter with sizes of 1 or more, so it cannot be given one of shape {list(filter_shape)}",
        )
    if arguments.op == "depthwise_conv2d" and filter_shape[2] != in_channels:
        return (
            "filter",
            f"{door} makes a filter for the input's {in_channels} channels, so it cannot be given one for {filter_shape[2]}",
        )
    if in_channels % filter_shape[2]:
        return "filter", (
            f"{door} makes a filter for the input's channels, or a part of them in `groups`: {filter_shape[2]} in_channels of the "
            f"filter are no such part of {in_channels}"
        )
    return None
