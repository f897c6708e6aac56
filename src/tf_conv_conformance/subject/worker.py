"""Answer calls on the subject's side of the pipe. Only this file imports TensorFlow.

It runs in a child process, perhaps on another machine, whose interpreter reads this file, wire.py,
exceptions.py, deployment.py, execution.py and forkserver.py from standard input. These files import
nothing else of this package, and keep to Python 3.7 and NumPy 1.14, so that an old TensorFlow can be
tested in the same way. With ``--tf-in-process`` the same functions run in the test process.

Protocol, on standard input and output, in the format of wire.py:

    worker → suite   {"type": "hello", "protocol": 3, "subject", "documentation", "printed"}
                         the docstrings by symbol, and the bytes printed so far
                     {"type": "failed", "message"}
                         TensorFlow cannot be imported; the worker ends
    suite → worker   {"type": "calls", "together", "calls": [call, ...]}
                         a call is {"function", "keywords", "gradient", "dtypes", "mode", "arms"};
                         each arm of a call has an array for each of the dtypes: input, filter, and
                         for a gradient the upstream gradient. Calls to be made together have one
                         mode, graph or xla, and the same number of arms, and share a tf.function
    worker → suite   {"type": "answer", "arms": [arm, ...], "seconds", "printed"}
                         one for each call, in order. An arm is
                         {"status": "value", "dtype", "shape", "warnings"}, with its array, or
                         {"status": "error", "error", "bases", "message", "warnings"};
                         "printed" is the size of standard error's file, null if it is not a file
                     {"type": "fault", "message", "printed"}
                         instead of an answer: the worker failed, not TensorFlow
    suite → worker   {"type": "close"}

After the greeting, calls may be sent before earlier ones are answered. If forkserver.py forks the
worker, which then greets on the same pipes:

    server → suite   {"type": "ended", "code", "token"}
                         the worker died: its exit status, or the negative number of its signal
    suite → server   the bytes of the token, which the message has in hexadecimal, and nothing more
                     before the greeting of the next worker
"""

from __future__ import annotations

import ctypes
import gc
import importlib
import json
import os
import platform
import stat
import sys
from typing import Any

import numpy as np

from . import forkserver
from .execution import execute_all, resolve
from .wire import Pipe, receive

PROTOCOL = 3
FUNCTIONS = (
    "tf.nn.conv2d",
    "tf.compat.v1.nn.conv2d",
    "tf.raw_ops.Conv2D",
    "tf.nn.convolution",
    "tf.nn.atrous_conv2d",
    "tf.keras.layers.Conv2D",
    "tf.nn.depthwise_conv2d",
    "tf.compat.v1.nn.depthwise_conv2d",
    "tf.raw_ops.DepthwiseConv2dNative",
    "tf.nn.separable_conv2d",
    "tf.keras.layers.DepthwiseConv2D",
)
CPU_FLAGS = (  # spelled as in /proc/cpuinfo
    "avx", "avx2", "fma", "avx512f", "avx512_vnni", "avx512_bf16", "avx512_fp16",
    "amx_tile", "amx_int8", "amx_bf16", "amx_fp16", "avx_ne_convert", "asimd", "sve",
)  # fmt: skip
PRINTED_LIMIT = 2**26  # bytes that may be printed


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
    if (2, 5) <= version <= (2, 8) and platform.machine() == "x86_64":
        # In these versions, IsMklEnabled only says how they were built.
        return os.environ.get("TF_ENABLE_ONEDNN_OPTS") == "1"
    # The newest module comes first.
    for module in ("util._pywrap_util_port", "_pywrap_util_port", "pywrap_tensorflow"):
        try:
            return bool(importlib.import_module("tensorflow.python." + module).IsMklEnabled())
        except (ImportError, AttributeError):
            continue
    return None


def cpu() -> dict[str, Any]:
    """Return the processor's name and its vector extensions, as this process sees them."""
    name, listed = listed_by_linux()
    flags = seen(listed, {**detected_by_numpy(), **detected_by_glibc()})
    if not set(listed) <= set(flags):
        name = ""  # the name is that of an emulator's host
    return {"name": name or platform.processor() or platform.machine(), "flags": flags}


def seen(listed: Any, detected: dict[str, bool]) -> list[str]:
    """Return the detected flags and, among the flags that cannot be detected, the listed ones.

    If a listed flag is not detected, an emulator shows the host's list, which is then ignored.
    """
    if not all(detected.get(flag, True) for flag in listed):
        listed = ()
    return [flag for flag in CPU_FLAGS if detected.get(flag, flag in listed)]


def listed_by_linux() -> tuple[str, list[str]]:
    """Return the name and the flags of the first processor in /proc/cpuinfo, if there is one."""
    name = ""
    try:
        with open("/proc/cpuinfo") as lines:
            for line in lines:
                key, _, value = line.partition(":")
                if key.strip() == "model name":
                    name = value.strip()
                if key.strip() in ("flags", "Features"):
                    return name, [flag for flag in CPU_FLAGS if flag in value.split()]
    except OSError:
        pass
    return name, []


def detected_by_numpy() -> dict[str, bool]:
    """Return, for each flag that NumPy knows, whether this process has it."""
    for package in ("numpy._core", "numpy.core"):  # NumPy 2, NumPy 1
        try:
            features = importlib.import_module(package + "._multiarray_umath").__cpu_features__
        except (ImportError, AttributeError):
            continue
        names = {flag: flag.replace("_", "").upper() for flag in CPU_FLAGS}
        names["fma"] = "FMA3"
        return {flag: features[name] for flag, name in names.items() if name in features}
    return {}


def detected_by_glibc() -> dict[str, bool]:
    """Return the two flags that neither Linux nor NumPy lists; none before glibc 2.33."""
    try:
        leaf = ctypes.CDLL(None).__x86_get_cpuid_feature_leaf
    except (AttributeError, OSError):
        return {}
    leaf.restype = ctypes.POINTER(ctypes.c_uint32 * 4)
    eax, _, _, edx = leaf(6).contents  # glibc's number for CPUID with EAX 7 and ECX 1
    return {"amx_fp16": bool(eax >> 21 & 1), "avx_ne_convert": bool(edx >> 5 & 1)}


def installed(package: str) -> str | None:
    """Return the version of a package; None if it is not installed."""
    try:
        from importlib import metadata
    except ImportError:  # Python 3.7
        return None
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return None


def runtimes(tf: Any) -> dict[str, str | None]:
    """Return the versions of what runs converted models; None for what is not installed."""
    lite = os.path.join(os.path.dirname(tf.__file__), "lite", "python", "interpreter.py")
    return {
        "tflite": tf.__version__ if os.path.exists(lite) else None,
        "litert": installed("ai-edge-litert"),
        "onnxruntime": installed("onnxruntime"),
        "tf2onnx": installed("tf2onnx"),
    }


def describe(tf: Any, settings: Any) -> dict[str, Any]:
    """Return the facts that identify the subject, as JSON values."""
    config = tf.config
    if not hasattr(config, "list_physical_devices"):  # TensorFlow 1
        config = config.experimental
    device = settings.get("device") or ("gpu" if config.list_physical_devices("GPU") else "cpu")
    switches = ("TF_", "XLA_", "ONEDNN_", "DNNL_", "OMP_", "CUDA_VISIBLE_DEVICES")
    no_switches = ("TF_CPP_MIN_LOG_LEVEL", "TF_CLI_CONFIG_FILE")
    return {
        "tensorflow": tf.__version__,
        "git_version": getattr(tf.version, "GIT_VERSION", ""),
        "python": platform.python_version(),
        "numpy": np.__version__,
        "keras": installed("keras"),
        **runtimes(tf),
        "platform": sys.platform,
        "machine": platform.machine(),
        "cpu": cpu(),
        "onednn": onednn_in_effect(tf),
        "device": device.partition(":")[0].lower(),
        "threads": settings.get("threads"),
        "environment": {
            name: value
            for name, value in sorted(os.environ.items())
            if name.startswith(switches) and name not in no_switches
        },
    }


def import_tensorflow() -> Any:
    """Import TensorFlow, and have it log only errors unless the environment says otherwise."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    import tensorflow as tf

    if not tf.executing_eagerly():  # TensorFlow 1
        tf.compat.v1.enable_eager_execution()
    return tf


def configure(tf: Any, settings: Any) -> Any:
    """Set the number of threads, and return a context manager for the device of calls."""
    if settings.get("threads"):
        tf.config.threading.set_intra_op_parallelism_threads(settings["threads"])
        tf.config.threading.set_inter_op_parallelism_threads(settings["threads"])
    return tf.device("/" + settings["device"] if settings.get("device") else None)


def limit(settings: Any) -> None:
    """Limit the memory of this process, and the size of its files, such as its output."""
    import resource

    resource.setrlimit(resource.RLIMIT_FSIZE, (PRINTED_LIMIT, PRINTED_LIMIT))
    if settings.get("memory") and hasattr(resource, "RLIMIT_DATA"):
        memory = int(settings["memory"] * 2**30)
        resource.setrlimit(resource.RLIMIT_DATA, (memory, memory))


def start_step(pipe: Any, step: Any, *arguments: Any) -> Any:
    """Run a step of the start. If it raises, report that to the suite first."""
    try:
        return step(*arguments)
    except Exception as error:
        pipe.send({"type": "failed", "message": "{}: {}".format(type(error).__name__, error)})
        raise


def serve(pipe: Any, tf: Any, settings: Any) -> None:
    """Answer requests until the suite closes the pipe."""
    device = start_step(pipe, configure, tf, settings)
    hello = {
        "type": "hello",
        "protocol": PROTOCOL,
        "subject": describe(tf, settings),
        "documentation": documentation(tf, settings["symbols"]),
        "printed": printed(),
    }
    pipe.send(hello)
    with device:
        while True:
            try:
                request, arrays = receive(pipe)
            except EOFError:
                return
            if request["type"] == "close":
                return
            for call in request["calls"]:
                if call["function"] not in FUNCTIONS:
                    raise ValueError("unknown function {!r}".format(call["function"]))
            for answer, results in execute_all(tf, request["calls"], arrays, request["together"]):
                answer["printed"] = printed()
                pipe.send(answer, results)


def printed() -> int | None:
    """Return the size of standard error's file; None if it is not a file."""
    status = os.fstat(2)
    return status.st_size if stat.S_ISREG(status.st_mode) else None


def main() -> None:
    """Keep the pipes for the protocol, redirect all output to standard error, and serve."""
    import faulthandler

    pipe = Pipe()
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    os.dup2(2, 1)
    sys.path.pop(0)  # the working directory, from which nothing may be imported by accident
    faulthandler.enable()
    settings = json.loads(sys.argv[1])
    limit(settings)
    # An import leaves nearly no garbage, and collecting it takes a fifth of the time. Imported
    # objects stay alive, so freeze them: collections need not visit them, and forks share pages.
    gc.disable()
    tf = start_step(pipe, import_tensorflow)
    gc.freeze()
    gc.enable()
    if forkserver.possible():
        forkserver.fork(pipe)
    serve(pipe, tf, settings)
