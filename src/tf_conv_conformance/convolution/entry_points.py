"""The entry points into TensorFlow and Keras that reach the two operators."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from tf_conv_conformance.convolution.names import OPS, Gradient, Op, Symbol

Style = Literal["function", "raw op", "layer"]
ListForm = Literal["spatial", "full"]
"""The list that an integer stands for: ``[s, s]`` if ``spatial``, ``[1, s, s, 1]`` if ``full``."""


@dataclass(frozen=True)
class EntryPoint:
    """A function or layer of TensorFlow or Keras that reaches an operator.

    The ids of its rules begin with `rules`. Its tensors have `dimensions` spatial axes: height and
    width, or the width alone. Without a list form, strides or dilations may be an integer.
    `parameters` are its parameters other than tensors; it has its own names for strides and
    dilations. A `pointwise` entry point takes a second filter.

    One that `computes` a gradient takes the upstream gradient, which it calls `upstream_name`, the
    tensor that it does not differentiate by, `tensor_name`, and the shape of the other one,
    `sizes_name`. A layer takes the upstream gradient alone.
    """

    symbol: Symbol
    op: Op
    rules: str
    style: Style = "function"
    strides_form: ListForm | None = None
    dilations_form: ListForm | None = None
    strides_name: str = "strides"
    dilations_name: str = "dilations"
    parameters: tuple[str, ...] = ("strides", "padding", "dilations", "data_format")
    needs_dilations: bool = False
    pointwise: bool = False
    counts_axes_by_filter: bool = False
    computes: Gradient | None = None
    upstream_name: str = "out_backprop"
    tensor_name: str = "filter"
    sizes_name: str = "input_sizes"
    dimensions: int = 2

    @property
    def is_layer(self) -> bool:
        """Whether it is a Keras layer, which creates its own filter."""
        return self.style == "layer"

    @property
    def splits_into_phases(self) -> bool:
        """Whether TensorFlow makes a dilated call of space to batch and batch to space."""
        generic = self.symbol in ("tf.nn.convolution", "tf.nn.atrous_conv2d")
        own = self.style == "raw op" or self.computes is not None
        return generic or (self.op == "depthwise_conv2d" and not own)

    @property
    def is_keras(self) -> bool:
        """Whether it belongs to Keras, which also runs without TensorFlow.

        Its words for padding may be in lower case, and those for data formats are its own.
        """
        return "keras." in self.symbol

    @property
    def is_default(self) -> bool:
        """Whether calls of its operator use it by default."""
        return self is DEFAULTS[self.op]


_TABLE = (
    EntryPoint("tf.nn.conv2d", "conv2d", "conv2d"),
    EntryPoint("tf.compat.v1.nn.conv2d", "conv2d", "v1-conv2d"),
    EntryPoint("tf.raw_ops.Conv2D", "conv2d", "raw-conv2d", "raw op", "full", "full"),
    EntryPoint(
        "tf.nn.convolution", "conv2d", "convolution", "function", "spatial", "spatial",
        counts_axes_by_filter=True,
    ),
    EntryPoint(
        "tf.nn.atrous_conv2d", "conv2d", "atrous", dilations_name="rate",
        parameters=("dilations", "padding"), needs_dilations=True,
    ),
    EntryPoint(
        "tf.keras.layers.Conv2D", "conv2d", "keras-conv2d", "layer",
        dilations_name="dilation_rate",
    ),
    EntryPoint(
        "keras.ops.conv", "conv2d", "keras-ops-conv", dilations_name="dilation_rate",
        counts_axes_by_filter=True,
    ),
    EntryPoint("tf.nn.conv1d", "conv2d", "conv1d", strides_name="stride", dimensions=1),
    EntryPoint(
        "tf.keras.layers.Conv1D", "conv2d", "keras-conv1d", "layer",
        dilations_name="dilation_rate", dimensions=1,
    ),
    EntryPoint(
        "tf.raw_ops.Conv2DBackpropInput", "conv2d", "raw-conv2d-input", "raw op", "full", "full",
        computes="input",
    ),
    EntryPoint(
        "tf.raw_ops.Conv2DBackpropFilter", "conv2d", "raw-conv2d-filter", "raw op", "full", "full",
        computes="filter", tensor_name="input", sizes_name="filter_sizes",
    ),
    EntryPoint(
        "tf.compat.v1.nn.conv2d_backprop_input", "conv2d", "v1-conv2d-input", "function",
        "full", "full", computes="input",
    ),
    EntryPoint(
        "tf.compat.v1.nn.conv2d_backprop_filter", "conv2d", "v1-conv2d-filter", "function",
        "full", "full", computes="filter", tensor_name="input", sizes_name="filter_sizes",
    ),
    EntryPoint(
        "tf.nn.conv2d_transpose", "conv2d", "transpose", computes="input",
        upstream_name="input", tensor_name="filters", sizes_name="output_shape",
    ),
    EntryPoint(
        "tf.nn.atrous_conv2d_transpose", "conv2d", "atrous-transpose", dilations_name="rate",
        parameters=("dilations", "padding"), needs_dilations=True, computes="input",
        upstream_name="value", tensor_name="filters", sizes_name="output_shape",
    ),
    EntryPoint(
        "tf.keras.layers.Conv2DTranspose", "conv2d", "keras-transpose", "layer",
        dilations_name="dilation_rate", computes="input", upstream_name="inputs",
    ),
    EntryPoint(
        "tf.nn.depthwise_conv2d", "depthwise_conv2d", "depthwise", "function", "full", "spatial",
    ),
    EntryPoint(
        "tf.compat.v1.nn.depthwise_conv2d", "depthwise_conv2d", "v1-depthwise", "function",
        "full", "spatial", dilations_name="rate",
    ),
    EntryPoint(
        "tf.raw_ops.DepthwiseConv2dNative", "depthwise_conv2d", "raw-depthwise", "raw op",
        "full", "full",
    ),
    EntryPoint(
        "tf.nn.separable_conv2d", "depthwise_conv2d", "separable", "function", "full", "spatial",
        pointwise=True,
    ),
    EntryPoint(
        "tf.keras.layers.DepthwiseConv2D", "depthwise_conv2d", "keras-depthwise", "layer",
        dilations_name="dilation_rate",
    ),
    EntryPoint(
        "keras.ops.depthwise_conv", "depthwise_conv2d", "keras-ops-depthwise",
        dilations_name="dilation_rate", counts_axes_by_filter=True,
    ),
    EntryPoint(
        "tf.keras.layers.SeparableConv2D", "depthwise_conv2d", "keras-separable", "layer",
        dilations_name="dilation_rate", pointwise=True,
    ),
    EntryPoint(
        "tf.keras.layers.DepthwiseConv1D", "depthwise_conv2d", "keras-depthwise1d", "layer",
        dilations_name="dilation_rate", dimensions=1,
    ),
    EntryPoint(
        "tf.raw_ops.DepthwiseConv2dNativeBackpropInput", "depthwise_conv2d", "raw-depthwise-input",
        "raw op", "full", "full", computes="input",
    ),
    EntryPoint(
        "tf.raw_ops.DepthwiseConv2dNativeBackpropFilter", "depthwise_conv2d",
        "raw-depthwise-filter", "raw op", "full", "full", computes="filter", tensor_name="input",
        sizes_name="filter_sizes",
    ),
    EntryPoint(
        "tf.nn.depthwise_conv2d_backprop_input", "depthwise_conv2d", "depthwise-input",
        "function", "full", "full", computes="input",
    ),
    EntryPoint(
        "tf.nn.depthwise_conv2d_backprop_filter", "depthwise_conv2d", "depthwise-filter",
        "function", "full", "full", computes="filter", tensor_name="input",
        sizes_name="filter_sizes",
    ),
)  # fmt: skip
ENTRY_POINTS: dict[str, EntryPoint] = {entry.symbol: entry for entry in _TABLE}
BY_OP: dict[Op, tuple[EntryPoint, ...]] = {
    op: tuple(entry for entry in _TABLE if entry.op == op) for op in OPS
}
DEFAULTS: dict[Op, EntryPoint] = {op: entries[0] for op, entries in BY_OP.items()}
