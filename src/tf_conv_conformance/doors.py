"""The entry points into TensorFlow that reach the two operators: what each calls its arguments, and the call as Python."""

from __future__ import annotations

from typing import Any

from tf_conv_conformance.arguments import Arguments, as_lists

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
        return {**{name: value for name, value in given.items() if name != "dilations"}, "rate": given["dilations"]}
    if door == "tf.nn.atrous_conv2d":
        return {"rate": given["dilations"], "padding": given["padding"]}
    if ".raw_ops." in door and isinstance(given["padding"], list):
        return {**given, "padding": "EXPLICIT", "explicit_paddings": [amount for pair in given["padding"] for amount in pair]}
    if ".keras." in door:
        data_format = KERAS_FORMATS.get(given["data_format"], given["data_format"])
        return {"strides": given["strides"], "padding": given["padding"], "dilation_rate": given["dilations"], "data_format": data_format}
    return given


def source(arguments: Arguments) -> list[str]:
    """Lines of Python that define `convolve`, a function of input `x` and filter `w`, by way of the entry point."""
    door = arguments.door
    given = "".join(f", {name}={value!r}" for name, value in keywords(arguments).items())
    if ".keras." not in door:
        tensors = "input=x, filter=w" if ".raw_ops." in door else "x, w"
        if door == "tf.nn.separable_conv2d":
            tensors = "x, w, tf.eye(w.shape[2] * w.shape[3], dtype=w.dtype)[None, None]"
        return [f"convolve = lambda x, w: {door}({tensors}{given})"]
    if arguments.op == "conv2d":
        sizes = "w.shape[3], w.shape[:2], groups=x.shape[-1] // w.shape[2]"
    else:
        sizes = "w.shape[:2], depth_multiplier=w.shape[3]"
    return [
        "def convolve(x, w):",
        f"    layer = {door}({sizes}{given}, use_bias=False, dtype=x.dtype.name)",
        "    layer.build(x.shape)",
        "    layer.set_weights([w.numpy()])",
        "    return layer(x)",
    ]
