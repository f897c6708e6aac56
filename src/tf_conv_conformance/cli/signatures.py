"""The parameters of each entry point, in the order in which it takes them."""

from __future__ import annotations

_RAW = "use_cudnn_on_gpu, explicit_paddings, data_format, dilations, name"
_NATIVE = "explicit_paddings, data_format, dilations, name"
_REST = "data_format, dilations, name"
_LAYER = "activation, use_bias"
_SUFFIXES = ("initializer", "regularizer", "constraint")
_KEYWORDS = "activity_regularizer, name, dtype, trainable, autocast, input_shape, batch_input_shape"

_TEXTS = {
    "tf.nn.conv2d": f"input, filters, strides, padding, {_REST}",
    "tf.compat.v1.nn.conv2d": (
        f"input, filter, strides, padding, use_cudnn_on_gpu, {_REST}, filters"
    ),
    "tf.raw_ops.Conv2D": f"input, filter, strides, padding, {_RAW}",
    "tf.nn.convolution": f"input, filters, strides, padding, {_REST}",
    "tf.nn.atrous_conv2d": "value, filters, rate, padding, name",
    "tf.keras.layers.Conv2D": (
        "filters, kernel_size, strides, padding, data_format, dilation_rate, groups"
    ),
    "keras.ops.conv": "inputs, kernel, strides, padding, data_format, dilation_rate",
    "tf.nn.conv1d": f"input, filters, stride, padding, {_REST}",
    "tf.keras.layers.Conv1D": (
        "filters, kernel_size, strides, padding, data_format, dilation_rate, groups"
    ),
    "tf.raw_ops.Conv2DBackpropInput": (
        f"input_sizes, filter, out_backprop, strides, padding, {_RAW}"
    ),
    "tf.raw_ops.Conv2DBackpropFilter": (
        f"input, filter_sizes, out_backprop, strides, padding, {_RAW}"
    ),
    "tf.compat.v1.nn.conv2d_backprop_input": (
        f"input_sizes, filter, out_backprop, strides, padding, use_cudnn_on_gpu, {_REST}, filters"
    ),
    "tf.compat.v1.nn.conv2d_backprop_filter": (
        f"input, filter_sizes, out_backprop, strides, padding, use_cudnn_on_gpu, {_REST}"
    ),
    "tf.nn.conv2d_transpose": f"input, filters, output_shape, strides, padding, {_REST}",
    "tf.nn.atrous_conv2d_transpose": "value, filters, output_shape, rate, padding, name",
    "tf.keras.layers.Conv2DTranspose": (
        "filters, kernel_size, strides, padding, output_padding, data_format, dilation_rate"
    ),
    "tf.nn.depthwise_conv2d": f"input, filter, strides, padding, {_REST}",
    "tf.compat.v1.nn.depthwise_conv2d": (
        "input, filter, strides, padding, rate, name, data_format, dilations"
    ),
    "tf.raw_ops.DepthwiseConv2dNative": f"input, filter, strides, padding, {_NATIVE}",
    "tf.nn.separable_conv2d": (
        f"input, depthwise_filter, pointwise_filter, strides, padding, {_REST}"
    ),
    "tf.keras.layers.DepthwiseConv2D": (
        "kernel_size, strides, padding, depth_multiplier, data_format, dilation_rate"
    ),
    "keras.ops.depthwise_conv": "inputs, kernel, strides, padding, data_format, dilation_rate",
    "tf.keras.layers.SeparableConv2D": (
        "filters, kernel_size, strides, padding, data_format, dilation_rate, depth_multiplier"
    ),
    "tf.keras.layers.DepthwiseConv1D": (
        "kernel_size, strides, padding, depth_multiplier, data_format, dilation_rate"
    ),
    "tf.raw_ops.DepthwiseConv2dNativeBackpropInput": (
        f"input_sizes, filter, out_backprop, strides, padding, {_NATIVE}"
    ),
    "tf.raw_ops.DepthwiseConv2dNativeBackpropFilter": (
        f"input, filter_sizes, out_backprop, strides, padding, {_NATIVE}"
    ),
    "tf.nn.depthwise_conv2d_backprop_input": (
        f"input_sizes, filter, out_backprop, strides, padding, {_REST}"
    ),
    "tf.nn.depthwise_conv2d_backprop_filter": (
        f"input, filter_sizes, out_backprop, strides, padding, {_REST}"
    ),
}


def _parameters(symbol: str, text: str) -> tuple[str, ...]:
    if ".layers." not in symbol:
        return tuple(text.split(", "))
    of = ["depthwise" if "Depthwise" in symbol else "kernel", "bias"]
    if "Separable" in symbol:
        of = ["depthwise", "pointwise", "bias"]
    weights = [f"{name}_{suffix}" for suffix in _SUFFIXES for name in of]
    return (*text.split(", "), *_LAYER.split(", "), *weights, *_KEYWORDS.split(", "))


SIGNATURES = {symbol: _parameters(symbol, text) for symbol, text in _TEXTS.items()}
"""The names of an entry point's parameters. Keras's layers take those after `use_bias` by name."""
