"""Test Keras without TensorFlow, on JAX or PyTorch. Runs in the worker, on Python 3.7.

Keras is the subject if the environment variable KERAS_BACKEND names another backend than
TensorFlow. TensorFlow is then not imported, and need not be installed. Calls take and return NumPy
arrays, in eager mode.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import nullcontext
from typing import Any

import numpy as np

from . import host
from .deployment import quiet
from .exceptions import SettingError, WorkerError, check_device, observed
from .execution import ArmCall, arrays_of, attempted
from .symbols import keras_layer, symbolic_shapes

SWITCHES = ("KERAS_", "JAX_", "TORCH_", "PYTORCH_", "XLA_", "ONEDNN_", "DNNL_", "OMP_", "MKL_")
RUNTIMES = ("tflite", "litert", "onnxruntime", "tf2onnx")


def selected() -> bool:
    """Return whether the environment selects Keras on a backend other than TensorFlow."""
    return os.environ.get("KERAS_BACKEND", "") not in ("", "tensorflow")


def load() -> Any:
    """Import Keras and its backend."""
    host.without_configuration()
    import keras

    return keras


def configure(keras: Any, settings: Any) -> Any:
    """Set the number of threads, and return a context manager for the device of calls.

    Raises :class:`SettingError`.
    """
    if settings.get("deterministic"):
        raise SettingError("deterministic=true can be set for TensorFlow alone")
    if settings.get("threads"):
        backend = keras.backend.backend()
        if backend != "torch":
            raise SettingError("threads=N cannot be set for Keras on {}".format(backend))
        import torch

        torch.set_num_threads(settings["threads"])
        torch.set_num_interop_threads(settings["threads"])
    device = settings.get("device")
    if not device:
        return nullcontext()
    check_device(device, devices(keras.backend.backend()))
    return keras.device(device.lower())


def devices(backend: str) -> list[str]:
    """Return the names of the devices of a backend, such as CPU:0."""
    counts = {"cpu": 1, "gpu": 0}
    if backend == "jax":
        import jax

        for kind in counts:
            try:
                counts[kind] = len(jax.devices(kind))
            except RuntimeError:
                counts[kind] = 0
    elif backend == "torch":
        import torch

        counts["gpu"] = torch.cuda.device_count()
    return [
        "{}:{}".format(kind.upper(), number)
        for kind, count in counts.items()
        for number in range(count)
    ]


def instructions(keras: Any) -> dict[str, str]:
    """Return nothing: what the backends do with oneDNN is not known."""
    return {}


def describe(keras: Any, settings: Any, said: Any) -> dict[str, Any]:
    """Return the facts that identify the subject, as JSON values."""
    backend = keras.backend.backend()
    return {
        "tensorflow": None,
        "git_version": None,
        "keras": keras.__version__,
        "backend": " ".join(filter(None, (backend, host.installed(backend)))),
        **dict.fromkeys(RUNTIMES),
        "onednn": None,
        "onednn_version": None,
        "isa": None,
        **said,
        **host.facts(settings, settings.get("device") or default_device(keras), SWITCHES),
    }


def default_device(keras: Any) -> str:
    """Return the kind of device on which the backend creates tensors, cpu or gpu."""
    device = getattr(keras.ops.convert_to_tensor(np.zeros(1, np.float32)), "device", "cpu")
    kind = getattr(device, "platform", None) or getattr(device, "type", None) or "cpu"  # JAX, torch
    return "cpu" if kind == "cpu" else "gpu"


def documentation(keras: Any, symbols: Any) -> dict[str, str]:
    """Return the installed docstring of each symbol; an empty string if it is not of Keras."""
    found = {}
    for symbol in symbols:
        try:
            found[symbol] = resolve(keras, symbol).__doc__ or ""
        except AttributeError:
            found[symbol] = ""
    return found


def resolve(keras: Any, symbol: str) -> Any:
    """Return the function or class of a symbol such as ``tf.keras.layers.Conv2D``."""
    root, _, path = symbol.partition("keras.")
    if root not in ("", "tf.") or not path:
        raise AttributeError("{} is not a symbol of Keras".format(symbol))
    target = keras
    for name in path.split("."):
        target = getattr(target, name)
    return target


def execute_all(
    keras: Any, requests: list[Any], arrays: list[Any], together: bool
) -> Iterator[tuple[dict[str, Any], list[Any]]]:
    """Yield the answers to calls in order. Each call is made when its answer is drawn."""
    for request, own in zip(requests, arrays_of(requests, arrays)):
        yield attempt(keras, request, own)


def attempt(keras: Any, request: Any, arrays: list[Any]) -> tuple[dict[str, Any], list[Any]]:
    """Make one call, and return its answer or a report of the worker's fault."""

    return attempted(None, LayerCall(keras, request), arms_of(request["dtypes"], arrays))


class LayerCall(ArmCall):
    """The call of a request, as a function of one arm's arrays."""

    def __init__(self, keras: Any, request: Any) -> None:
        super().__init__()
        self.keras, self.request = keras, request

    def __call__(self, tensors: list[Any]) -> Any:
        """Return the result for one arm's arrays. Raises :class:`RaisedError`."""
        return result(self.keras, self.request, *tensors)

    def shapes(self, tensors: list[Any]) -> dict[str, Any]:
        """Return what a layer knows of the result's shape without data."""
        symbol = self.request["function"]
        if ".layers." not in symbol:
            return {}
        function = resolve(self.keras, symbol)
        return symbolic_shapes(function, self.keras.Input, self.request, tensors)


def arms_of(dtypes: list[str], arrays: list[Any]) -> Iterator[list[Any]]:
    """Return the arrays of each arm in turn, in the dtypes of the call."""
    for first in range(0, len(arrays), len(dtypes)):
        of_arm = zip(arrays[first : first + len(dtypes)], dtypes)
        yield [as_dtype(array, dtype) for array, dtype in of_arm]


def as_dtype(array: Any, dtype: str) -> Any:
    """Return an array in its dtype. bfloat16 is sent as its bits."""
    if dtype != "bfloat16":
        return array
    import ml_dtypes

    return array.view(ml_dtypes.bfloat16)


def result(keras: Any, request: Any, x: Any, w: Any, *upstream: Any) -> Any:
    """Return the result of a call as a NumPy array. Raises :class:`RaisedError`."""
    symbol, keywords = request["function"], request["keywords"]
    if request["mode"] != "eager" or upstream:
        raise WorkerError("Keras alone makes calls in eager mode, without gradients")
    function = observed(resolve, keras, symbol)
    if ".layers." in symbol:
        tensor = observed(keras_layer(function, symbol, keywords, x, w), x)
    else:
        tensor = observed(function, x, w, **keywords)
    with quiet():
        return observed(keras.ops.convert_to_numpy, tensor)
