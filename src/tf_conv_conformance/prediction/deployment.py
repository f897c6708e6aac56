"""Write how a function is converted and run where models are deployed, as Python source."""

from __future__ import annotations

from collections.abc import Sequence

from tf_conv_conformance.convolution.names import Mode

_CONVERT = """\
    concrete = model.get_concrete_function(tf.TensorSpec({shape}, x.dtype, name="x"))
    converted = tf.lite.TFLiteConverter.from_concrete_functions([concrete]).convert()
    interpreter = {interpreter}
    interpreter.resize_tensor_input(interpreter.get_input_details()[0]["index"], x.shape)
    interpreter.allocate_tensors()
    interpreter.set_tensor(interpreter.get_input_details()[0]["index"], x)
    interpreter.invoke()
    return interpreter.get_tensor(interpreter.get_output_details()[0]["index"])"""
_REFERENCE = """tf.lite.Interpreter(
        model_content=converted,
        experimental_op_resolver_type=tf.lite.experimental.OpResolverType.BUILTIN_REF,
    )"""
_ONNX = """\
    converted, _ = tf2onnx.convert.from_function(
        model, input_signature=[tf.TensorSpec({shape}, x.dtype, name="x")]
    )
    session = onnxruntime.InferenceSession(
        converted.SerializeToString(), providers=["CPUExecutionProvider"]
    )
    return session.run(None, {{"x": x}})[0]"""
_INTERPRETERS: dict[Mode, str] = {
    "tflite": "tf.lite.Interpreter(model_content=converted)",
    "tflite-reference": _REFERENCE,
    "litert": "Interpreter(model_content=converted)",
}
IMPORTS: dict[Mode, tuple[str, ...]] = {
    "saved_model": ("import tempfile",),
    "litert": ("from ai_edge_litert.interpreter import Interpreter",),
    "onnx": ("import onnxruntime", "import tf2onnx"),
}
"""The imports of a mode's source, beside NumPy and TensorFlow."""


def converted(
    mode: Mode, shape: str, call: str = "convolve", beside: Sequence[str] = ()
) -> list[str]:
    """Return lines that define `deployed`, a function of arrays, by the function `call`.

    The arrays are `x`, `w` and those `beside`. `shape` is what the model knows of the input's
    shape, as source.
    """
    arrays = ", ".join(["x", "w", *beside])
    if mode == "onnx":
        body = _ONNX.format(shape=shape)
    else:
        body = _CONVERT.format(shape=shape, interpreter=_INTERPRETERS[mode])
    if shape == "x.shape":
        body = "\n".join(line for line in body.splitlines() if "resize" not in line)
    return [
        f"def deployed({arrays}):",
        f"    model = tf.function(lambda x: {call}({arrays}), autograph=False)",
        *body.splitlines(),
    ]


def saved(call: str, tensors: str, traced: str) -> list[str]:
    """Return lines that save the function `call`, and load it again under the same name.

    `traced` has more arguments of ``tf.function``, as source.
    """
    return [
        "module = tf.Module()",
        f"module.call = tf.function({call}, autograph=False{traced})",
        f"module.kept = module.call.get_concrete_function({tensors}).variables",
        "with tempfile.TemporaryDirectory() as folder:",
        "    tf.saved_model.save(module, folder)",
        "    loaded = tf.saved_model.load(folder)",
        f"{call} = loaded.call",
    ]
