"""Names that cases, options and markers share.

pytest loads this module in every run, so it imports nothing that is slow to import.
"""

from __future__ import annotations

from typing import Literal, get_args

Op = Literal["conv2d", "depthwise_conv2d"]
Mode = Literal[
    "eager", "graph", "xla", "saved_model", "tflite", "tflite-reference", "litert", "onnx"
]
"""How a call is made; see modes.py."""
Dtype = Literal[
    "float16", "bfloat16", "float32", "float64", "int32", "int8", "uint8", "int16", "int64",
    "complex64", "bool", "string",
]  # fmt: skip
"""float16 is also called half. Convolutions document the four floating dtypes, and the operator
behind conv2d int32 as well."""
Symbol = Literal[
    "tf.nn.conv2d",
    "tf.compat.v1.nn.conv2d",
    "tf.raw_ops.Conv2D",
    "tf.nn.convolution",
    "tf.nn.atrous_conv2d",
    "tf.keras.layers.Conv2D",
    "keras.ops.conv",
    "tf.nn.conv1d",
    "tf.keras.layers.Conv1D",
    "tf.raw_ops.Conv2DBackpropInput",
    "tf.raw_ops.Conv2DBackpropFilter",
    "tf.compat.v1.nn.conv2d_backprop_input",
    "tf.compat.v1.nn.conv2d_backprop_filter",
    "tf.nn.conv2d_transpose",
    "tf.nn.atrous_conv2d_transpose",
    "tf.keras.layers.Conv2DTranspose",
    "tf.nn.depthwise_conv2d",
    "tf.compat.v1.nn.depthwise_conv2d",
    "tf.raw_ops.DepthwiseConv2dNative",
    "tf.nn.separable_conv2d",
    "tf.keras.layers.DepthwiseConv2D",
    "keras.ops.depthwise_conv",
    "tf.keras.layers.SeparableConv2D",
    "tf.keras.layers.DepthwiseConv1D",
    "tf.raw_ops.DepthwiseConv2dNativeBackpropInput",
    "tf.raw_ops.DepthwiseConv2dNativeBackpropFilter",
    "tf.nn.depthwise_conv2d_backprop_input",
    "tf.nn.depthwise_conv2d_backprop_filter",
]
"""The entry points into TensorFlow and Keras that reach the two operators or their gradients; see
entry_points.py."""
Gradient = Literal["input", "filter"]
Through = Literal[
    "gradient_by_input", "gradient_by_filter", "forward_accumulator", "vectorized_map",
    "vectorized_input", "vectorized_filter", "jacobian", "batch_jacobian", "recompute_grad",
]  # fmt: skip
"""The transformations of TensorFlow that lead to a result; see subject/transformations.py."""
Held = Literal["input", "filter", "captured_input", "captured_filter"]
"""A tensor that is a variable, passed to the function or captured by it."""
Unknown = Literal["batch", "height", "width", "rank", "filter"]
"""What a function does not know while it is traced: a size of the input, its rank, or the shape of
the filter."""
Lost = Literal["batch", "height", "width", "channels", "rank"]
"""What a static shape may not know of a result."""
Optimizer = Literal["auto_mixed_precision_onednn_bfloat16", "NCHW_TO_NHWC"]
"""A rewriting of graphs that TensorFlow makes on request, by its own name; see
subject/optimization.py."""
OperationName = Literal[
    "pad", "bias_add", "add", "relu", "relu6", "fused_batch_norm", "conv2d", "depthwise_conv2d",
]  # fmt: skip
"""The operations that a call may have around its convolution; see company.py."""
CpuFlag = Literal[
    "avx", "avx2", "fma", "avx_vnni", "avx_vnni_int8", "avx_ne_convert",
    "avx512f", "avx512_vnni", "avx512_bf16", "avx512_fp16",
    "amx_tile", "amx_int8", "amx_bf16", "amx_fp16",
    "asimd", "asimdhp", "asimddp", "bf16", "i8mm", "sve", "sve2",
]  # fmt: skip
"""Vector extensions of a processor, spelled as in Linux."""
RelationName = Literal[
    "grouped", "zero-filled", "explicit", "linear", "translation", "batch", "transposed", "again",
    "modes", "subjects", "retraced", "threads",
]  # fmt: skip

OPS: tuple[Op, ...] = get_args(Op)
MODES: tuple[Mode, ...] = get_args(Mode)
LAYER_MODES: tuple[Mode, ...] = ("eager", "graph")
"""The modes in which a Keras layer also computes the shape of its result without data."""
TRACING_MODES: tuple[Mode, ...] = ("graph", "xla", "saved_model")
"""The modes in which TensorFlow runs a function that it has traced."""
GRAPH_MODES: tuple[Mode, ...] = ("graph", "saved_model")
"""The modes in which the operations of the executed graph are observed."""
MODES_OF_SHAPES: dict[str, tuple[Mode, ...]] = {
    "static": TRACING_MODES,
    "symbolic": LAYER_MODES,
    "computed": LAYER_MODES,
}
"""The modes in which a shape is known before the call, by who knows it."""
DEFAULT_MODES: tuple[Mode, ...] = ("eager", "graph", "xla")
"""The modes of a case that names none."""
CONVERTED_MODES: tuple[Mode, ...] = ("tflite", "tflite-reference", "litert", "onnx")
"""The modes in which a converter and another runtime take TensorFlow's place."""
DTYPES: tuple[Dtype, ...] = get_args(Dtype)
SYMBOLS: tuple[Symbol, ...] = get_args(Symbol)
