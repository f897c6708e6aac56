"""The modes in which a call is made, and the calls that can be made in them.

eager, graph (``tf.function``), xla (``tf.function(jit_compile=True)``) and saved_model (a function
that is saved and loaded again) run TensorFlow. In a converted mode, a converter makes a model with
the filter as a constant, and a runtime runs it: tflite (``tf.lite.Interpreter`` with its default
kernels), tflite-reference (with its reference kernels), litert (``ai_edge_litert``) and onnx
(``tf2onnx`` and ``onnxruntime``).
"""

from __future__ import annotations

from tf_conv_conformance.convolution.arguments import Arguments
from tf_conv_conformance.convolution.names import CONVERTED_MODES, GRAPH_MODES, MODES, Mode

TENSORFLOW_MODES: tuple[Mode, ...] = tuple(mode for mode in MODES if mode not in CONVERTED_MODES)
"""The modes that run TensorFlow."""
RUNTIMES: dict[Mode, dict[str, str]] = {
    "saved_model": {"tensorflow": ">=2"},
    "tflite": {"tflite": ">=2"},
    "tflite-reference": {"tflite": ">=2.5"},
    "litert": {"tflite": ">=2", "litert": ""},
    "onnx": {"onnxruntime": "", "tf2onnx": ""},
}
"""The versions that a mode needs, as PEP 440 ranges by the facts of a subject."""
DTYPES: dict[Mode, tuple[str, ...]] = {"onnx": ("float32", "float16")}
"""The dtypes that a converted mode takes, if not float32 alone.

TensorFlow Lite converts no convolution in another dtype; onnxruntime runs none in float64 and
bfloat16.
"""
EXTRAS = {"litert": "litert", "onnxruntime": "onnx", "tf2onnx": "onnx"}
"""The extra of this package that installs what a mode needs."""


def obstacle(arguments: Arguments, mode: Mode) -> str | None:
    """Return why a call cannot be made in a mode; None if it can."""
    if mode == "eager" and arguments.unknown:
        return f"it traces no function, so `unknown: {arguments.unknown[0]}` means nothing"
    if arguments.op_name is not None and mode in ("eager", *CONVERTED_MODES):
        return "it has no TensorFlow graph, so `op_name` means nothing"
    if arguments.optimizer is not None and mode not in GRAPH_MODES:
        return "it has no graph that `optimizer` rewrites"
    if mode == "saved_model" and {"input", "filter"} & set(arguments.variables):
        return "a saved function takes tensors; name a captured variable"
    if mode not in CONVERTED_MODES:
        return None
    if "filter" in arguments.unknown:
        return "the filter is a constant of the model, so it cannot be `unknown`"
    if arguments.variables:
        return "a converted model has no variables"
    if arguments.gradient is not None or arguments.through is not None:
        what = "gradient" if arguments.through is None else "transformation"
        return f"the model has no {what}"
    for dtype in (arguments.dtype, arguments.filter_dtype):
        if dtype is not None and dtype not in (taken := DTYPES.get(mode, ("float32",))):
            return f"it takes only {' and '.join(taken)}, not {dtype}"
    if arguments.filter_dtype not in (None, arguments.dtype):
        return "the filter is a constant of the model, which takes the dtype of the input"
    return None


def can_be_made(arguments: Arguments, mode: Mode) -> bool:
    """Return whether a call can be made in a mode."""
    return obstacle(arguments, mode) is None


def needs_tensorflow(arguments: Arguments, mode: Mode) -> str | None:
    """Return for what a call needs TensorFlow; None if Keras can make it on another backend."""
    if not arguments.entry_point.is_keras:
        return arguments.entry_point.symbol
    if mode != "eager":
        return f"the mode {mode}"
    return "a gradient" if arguments.gradient is not None else None
