"""Test TensorFlow: import it, describe it, and make calls with it. Runs on Python 3.7."""

from __future__ import annotations

import importlib
import os
import platform
from typing import Any

from . import execution, host, onednn
from .exceptions import SettingError, check_device
from .symbols import resolve

SWITCHES = ("TF_", "XLA_", "ONEDNN_", "DNNL_", "OMP_", "CUDA_VISIBLE_DEVICES")
attempt, execute_all = execution.attempt, execution.execute_all


def load() -> Any:
    """Import TensorFlow, and have it log only errors unless the environment says otherwise."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    host.without_configuration()
    import tensorflow as tf

    if not tf.executing_eagerly():  # TensorFlow 1
        tf.compat.v1.enable_eager_execution()
    return tf


def configure(tf: Any, settings: Any) -> Any:
    """Set threads and determinism, and return a context manager for the device of calls.

    Raises :class:`SettingError`.
    """
    if settings.get("deterministic"):
        enable = getattr(tf.config.experimental, "enable_op_determinism", None)
        if enable is None:
            raise SettingError("TensorFlow {} has no op determinism".format(tf.__version__))
        enable()
    if settings.get("threads"):
        tf.config.threading.set_intra_op_parallelism_threads(settings["threads"])
        tf.config.threading.set_inter_op_parallelism_threads(settings["threads"])
    if settings.get("device"):
        check_device(settings["device"], devices(tf))
    return tf.device("/" + settings["device"] if settings.get("device") else None)


def devices(tf: Any) -> list[str]:
    """Return the names of the devices that this process has, such as CPU:0."""
    config = tf.config
    if not hasattr(config, "list_logical_devices"):  # TensorFlow 1
        config = config.experimental
    listed = [device.name.rpartition("device:")[2] for device in config.list_logical_devices()]
    return [name for name in listed if name.startswith(("CPU:", "GPU:"))]


def instructions(tf: Any) -> dict[str, str]:
    """Return what oneDNN states of itself. This process must be one that can be forked."""
    return onednn.ask(tf)


def describe(tf: Any, settings: Any, said: Any) -> dict[str, Any]:
    """Return the facts that identify the subject, as JSON values.

    `said` are the facts that oneDNN states, from :func:`instructions`.
    """
    config = tf.config
    if not hasattr(config, "list_physical_devices"):  # TensorFlow 1
        config = config.experimental
    device = settings.get("device") or ("gpu" if config.list_physical_devices("GPU") else "cpu")
    facts = host.facts(settings, device, SWITCHES)
    return {
        "tensorflow": tf.__version__,
        "git_version": getattr(tf.version, "GIT_VERSION", ""),
        "keras": host.installed("keras"),
        **runtimes(tf),
        "onednn": onednn_in_effect(tf),
        "onednn_version": None,
        "isa": None if onednn.limited() else facts["cpu"]["isa"],
        **said,
        **facts,
    }


def documentation(tf: Any, symbols: Any) -> dict[str, str]:
    """Return the installed docstring of each symbol; an empty string if there is no such symbol."""
    found = {}
    for symbol in symbols:
        if symbol == "tf.nn":  # its notes on padding are the docstring of nn_ops
            from tensorflow.python.ops import nn_ops

            found[symbol] = nn_ops.__doc__ or ""
            continue
        try:
            found[symbol] = getattr(resolve(tf, symbol), "__doc__", None) or ""
        except (AttributeError, ImportError):  # an older TensorFlow, or one without Keras
            found[symbol] = ""
    return found


def onednn_in_effect(tf: Any) -> bool | None:
    """Return whether TensorFlow uses oneDNN's kernels in this process; None if it does not say."""
    version = tuple(map(int, tf.__version__.split(".")[:2]))
    if (2, 5) <= version <= (2, 10) and platform.machine() == "x86_64":
        # In these versions, IsMklEnabled only says how they were built.
        setting = os.environ.get("TF_ENABLE_ONEDNN_OPTS", "")
        return onednn.preferred(version, host.cpu()["flags"], setting)
    # The newest module comes first.
    for module in ("util._pywrap_util_port", "_pywrap_util_port", "pywrap_tensorflow"):
        try:
            return bool(importlib.import_module("tensorflow.python." + module).IsMklEnabled())
        except (ImportError, AttributeError):
            continue
    return None


def runtimes(tf: Any) -> dict[str, str | None]:
    """Return the versions of what runs converted models; None for what is not installed."""
    lite = os.path.join(os.path.dirname(tf.__file__), "lite", "python", "interpreter.py")
    return {
        "tflite": tf.__version__ if os.path.exists(lite) else None,
        "litert": host.installed("ai-edge-litert"),
        "onnxruntime": host.installed("onnxruntime"),
        "tf2onnx": host.installed("tf2onnx"),
    }
