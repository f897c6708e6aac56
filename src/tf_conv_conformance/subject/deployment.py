"""Run a function where models are deployed: convert it, and run what the converter made.

Runs in the worker, on Python 3.7. A converted model has the filter as a constant, as models have,
so it is made again for each arm of data. A SavedModel takes the filter as an input.
"""

from __future__ import annotations

import importlib
import logging
import tempfile
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from .exceptions import WorkerError

RAM = "ram://tf-conv-conformance"  # TensorFlow's file system in memory


def deployed(
    tf: Any, mode: str, function: Callable[..., Any], specs: Any, each: int = 2
) -> Callable[..., Any]:
    """Return `function` in a mode of :data:`RUNTIMES`, as a function of the same tensors.

    `function` takes the tensors of one call or more, in turn: `each` has an input, a filter, and
    perhaps others. It returns a result, or a list with None for each call that raised. `specs` says
    what it knows of their shapes while it is traced; None if it knows all.
    """
    return lambda *tensors: Deployment(tf, function, tensors, mode, specs, each).results()


class Deployment:
    """A function on its way to a runtime, with the tensors of one arm."""

    def __init__(
        self, tf: Any, function: Callable[..., Any], tensors: Any, mode: str, specs: Any, each: int
    ) -> None:
        self.tf, self.function, self.mode = tf, function, mode
        is_saved = mode == "saved_model"
        each = 1 if is_saved else each
        self.inputs = tensors[0::each]
        # The constants of each input.
        self.constants = [
            [tensor.numpy() for tensor in tensors[first + 1 : first + each]]
            for first in range(0, len(tensors), each)
        ]
        self.traced: Any = None  # what the function returned while it was traced
        specs = tensors if specs is None else specs
        specs = specs[0::each]
        self.specs = [
            tf.TensorSpec(known.shape, known.dtype, name="x{}".format(number))
            for number, known in enumerate(specs)
        ]

    def results(self) -> Any:
        """Return the results as NumPy arrays or tensors, in the form of the function's."""
        values = list(RUNTIMES[self.mode](self))
        several = isinstance(self.traced, list)
        traced = self.traced if several else [self.traced]
        if len(values) != sum(result is not None for result in traced):
            raise WorkerError("the converted model has {} results".format(len(values)))
        results = [None if result is None else values.pop(0) for result in traced]
        return results if several else results[0]

    def trace(self, *inputs: Any) -> list[Any]:
        """Return the results of all calls that do not raise."""
        pairs = zip(inputs, self.constants)
        tensors = [tensor for first, others in pairs for tensor in (first, *others)]
        self.traced = self.function(*tensors)
        results = self.traced if isinstance(self.traced, list) else [self.traced]
        return [result for result in results if result is not None]

    @property
    def arrays(self) -> dict[str, Any]:
        """The inputs as arrays, by name."""
        return {spec.name: tensor.numpy() for spec, tensor in zip(self.specs, self.inputs)}

    def tflite_model(self) -> bytes:
        """Return the function as a model for TFLite."""
        traced = self.tf.function(self.trace, autograph=False)
        concrete = traced.get_concrete_function(*self.specs)
        with quiet():
            model: bytes = self.tf.lite.TFLiteConverter.from_concrete_functions(
                [concrete]
            ).convert()
        return model


def tflite(deployment: Deployment) -> Any:
    """Run a model in the TFLite of TensorFlow, as it is by default: with XNNPACK."""
    return interpreted(deployment, deployment.tf.lite.Interpreter)


def tflite_reference(deployment: Deployment) -> Any:
    """Run a model in the TFLite of TensorFlow with its reference kernels."""
    lite = deployment.tf.lite
    reference = lite.experimental.OpResolverType.BUILTIN_REF
    return interpreted(deployment, lite.Interpreter, experimental_op_resolver_type=reference)


def litert(deployment: Deployment) -> Any:
    """Run a model in the installed LiteRT."""
    return interpreted(deployment, imported("ai_edge_litert.interpreter").Interpreter)


def interpreted(deployment: Deployment, interpreter_class: Any, **options: Any) -> Any:
    """Run a model in an interpreter."""
    model, arrays = deployment.tflite_model(), deployment.arrays
    with quiet():
        interpreter = interpreter_class(model_content=model, **options)
    given = [
        (detail["index"], input_of(arrays, detail["name"]))
        for detail in interpreter.get_input_details()
    ]
    if any(spec.shape != tensor.shape for spec, tensor in zip(deployment.specs, deployment.inputs)):
        for index, array in given:
            interpreter.resize_tensor_input(index, array.shape)
    interpreter.allocate_tensors()
    for index, array in given:
        interpreter.set_tensor(index, array)
    interpreter.invoke()
    details = interpreter.get_output_details()
    return [interpreter.get_tensor(detail["index"]) for detail in details]


def onnx(deployment: Deployment) -> Any:
    """Convert with tf2onnx, and run the model in onnxruntime on the CPU."""
    onnxruntime, tf2onnx = imported("onnxruntime"), imported("tf2onnx")
    logging.getLogger("tf2onnx").setLevel(logging.ERROR)
    function = deployment.tf.function(deployment.trace, autograph=False)
    with quiet():
        model, _ = tf2onnx.convert.from_function(function, input_signature=deployment.specs)
    runtime = onnxruntime.InferenceSession(
        model.SerializeToString(), providers=["CPUExecutionProvider"]
    )
    arrays, names = deployment.arrays, [entry.name for entry in runtime.get_inputs()]
    return runtime.run(None, {name: input_of(arrays, name) for name in names})


def saved_model(deployment: Deployment) -> Any:
    """Save the function, and call what is loaded again."""
    tf = deployment.tf
    module = tf.Module()
    module.call = tf.function(deployment.trace, autograph=False, input_signature=deployment.specs)
    module.kept = module.call.get_concrete_function().variables  # of a Keras layer
    with folder(tf) as path:
        tf.compat.v2.saved_model.save(module, path)
        loaded = tf.compat.v2.saved_model.load(path)  # must outlive the call, with its variables
        return loaded.call(*deployment.inputs)


@contextmanager
def folder(tf: Any) -> Iterator[str]:
    """Yield a folder that is removed afterwards, in memory if TensorFlow can remove it there."""
    if tuple(map(int, tf.__version__.split(".")[:2])) < (2, 5):
        with tempfile.TemporaryDirectory() as path:
            yield path
        return
    try:
        yield RAM
    finally:
        if tf.io.gfile.exists(RAM):  # not if saving raised: that error would be lost
            tf.io.gfile.rmtree(RAM)


def input_of(arrays: dict[str, Any], name: str) -> Any:
    """Return the array for an input of a converted model."""
    if name not in arrays:
        raise WorkerError("the converted model has an input {!r}".format(name))
    return arrays[name]


def imported(name: str) -> Any:
    """Return a module that a mode needs. Raises :class:`WorkerError`."""
    try:
        return importlib.import_module(name)
    except ImportError as error:
        raise WorkerError("this mode needs {}: {}".format(name, error)) from error


@contextmanager
def quiet() -> Iterator[None]:
    """Issue no Python warning, such as that an API will move."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


RUNTIMES: dict[str, Callable[[Deployment], Any]] = {
    "saved_model": saved_model,
    "tflite": tflite,
    "tflite-reference": tflite_reference,
    "litert": litert,
    "onnx": onnx,
}
