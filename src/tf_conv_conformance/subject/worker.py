"""The subject's side of the pipe: the one file that imports TensorFlow.

It runs in a child process, whose interpreter reads it from standard input and may be on another machine. It imports nothing of this
package, and keeps to Python 3.7 and NumPy 1.14, so that an old TensorFlow can be asked the same questions. The same functions run in
the test process with ``--tf-in-process``.

Protocol, over ``multiprocessing.connection`` on standard input and output. Each message is one JSON text (the head), followed by
as many ``.npy`` byte strings as the head's ``arrays`` says:

    worker → suite   {"type": "hello", "protocol": 1, "subject": {...}, "documentation": {symbol: docstring}}
                     {"type": "failed", "message": "..."}           TensorFlow cannot be imported; the worker ends
    suite → worker   {"type": "call", "function", "keywords", "gradient", "dtypes", "mode", "arrays"}
                     for each arm an array for each of the dtypes: input, filter, and for a gradient what comes from above
    worker → suite   {"type": "answer", "arms": [...], "seconds", "arrays"}
                     an arm is {"status": "value", "dtype", "shape", "warnings"}, its array following, or
                     {"status": "error", "error", "bases", "message", "warnings"}
    suite → worker   {"type": "close"}

bfloat16 has no ``.npy`` form: its bits cross as uint16.
"""

from __future__ import annotations

import importlib
import io
import json
import os
import platform
import re
import sys
import time
import warnings
from typing import Any, Callable

import numpy as np

PROTOCOL = 1
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
PRINTED_LIMIT = 2**26  # bytes that may be printed
MESSAGE_LIMIT = 4000  # characters of an exception's message that are kept

ADDRESS = re.compile(r"0x[0-9a-fA-F]{6,}")
_NOISE = [  # what names a node, an address or a place in a file, not the reason
    (re.compile(r"^in user code:\n.*\n(?=\s*\w+(Error|Exception): )", re.S), ""),
    (re.compile(r"\{\{(?:function_node|node) [^}]*\}\}\s*"), ""),
    (re.compile(r"Detected at node .*?(?=\n\n|\Z)", re.S), ""),
    (re.compile(r"\s*\[\[.*?\]\]", re.S), ""),
    (re.compile(r"\s*\[Op:[^\]]*\]"), ""),
    (re.compile(r"\s+name:\s*\w*\s*\Z"), ""),
    (re.compile(r"\s*Stack trace for op definition:.*\Z", re.S), ""),
    (re.compile(r"\s*;?\s*NodeDef: .*\Z", re.S), ""),
    (re.compile(r"\s*tf2xla conversion failed while converting .*\Z", re.S), ""),
    (re.compile(r"goo\.gle/debug(?:str|proto|only)\s*"), ""),
    (ADDRESS, "0x…"),
]


def clean_message(message: str, error: str) -> str:
    """The message of an exception of class `error` without node names, addresses and traces, so that two runs print the same."""
    for pattern, replacement in _NOISE:
        message = pattern.sub(replacement, message)
    lines = [line.strip() for line in message.strip().splitlines() if line.strip()]
    cleaned = "\n".join(lines)
    return (cleaned[len(error) + 2 :] if cleaned.startswith(error + ": ") else cleaned)[:MESSAGE_LIMIT]


def class_names(tf: Any, error: BaseException) -> list[str]:
    """The names of an exception's class and of its bases, and of the TensorFlow error that it replaces.

    While a graph is built, TensorFlow raises InvalidArgumentError anew as ValueError, "for backwards compatibility".
    """
    names: list[str] = []
    link: BaseException | None = error
    while link is not None and len(names) < 50:
        if link is error or isinstance(link, tf.errors.OpError):
            names += [base.__name__ for base in type(link).__mro__ if base not in (object, BaseException, Exception)]
        link = link.__cause__ or link.__context__
    return list(dict.fromkeys(names))


def pack(array: Any) -> bytes:
    """An array as ``.npy`` bytes, bit for bit."""
    buffer = io.BytesIO()
    np.lib.format.write_array(buffer, np.ascontiguousarray(array), allow_pickle=False)
    return buffer.getvalue()


def unpack(data: bytes) -> Any:
    """The array in ``.npy`` bytes; a pickled one is refused with ValueError."""
    return np.lib.format.read_array(io.BytesIO(data), allow_pickle=False)


def send(connection: Any, head: dict[str, Any], arrays: Any = ()) -> None:
    """Write one message: its head, then its arrays."""
    connection.send_bytes(json.dumps(dict(head, arrays=len(arrays))).encode("utf-8"))
    for array in arrays:
        connection.send_bytes(pack(array))


def receive(connection: Any) -> tuple[dict[str, Any], list[Any]]:
    """Read one message: its head and its arrays. EOFError when the other side is gone."""
    head = json.loads(connection.recv_bytes().decode("utf-8"))
    return head, [unpack(connection.recv_bytes()) for _ in range(int(head.get("arrays", 0)))]


def resolve(tf: Any, symbol: str) -> Any:
    """The function or class of a TensorFlow symbol such as ``tf.nn.conv2d``."""
    target = tf
    for name in symbol.split(".")[1:]:
        target = getattr(target, name)
    return target


def documentation(tf: Any, symbols: Any) -> dict[str, str]:
    """The installed docstring of each symbol; an empty string where the symbol is not there."""
    found = {}
    for symbol in symbols:
        if symbol == "tf.nn":  # its notes on padding are the docstring of the module behind it
            from tensorflow.python.ops import nn_ops

            found[symbol] = nn_ops.__doc__ or ""
            continue
        try:
            found[symbol] = getattr(resolve(tf, symbol), "__doc__", None) or ""
        except (AttributeError, ImportError):  # an older TensorFlow, or one without Keras
            found[symbol] = ""
    return found


def onednn_in_effect(tf: Any) -> bool | None:
    """Whether TensorFlow uses oneDNN's kernels in this process: True, False, or None where it cannot be asked."""
    if tuple(map(int, tf.__version__.split(".")[:2])) in ((2, 5), (2, 6), (2, 7), (2, 8)) and platform.machine() == "x86_64":
        return os.environ.get("TF_ENABLE_ONEDNN_OPTS") == "1"  # IsMklEnabled tells there how TensorFlow was built
    for module in ("util._pywrap_util_port", "_pywrap_util_port", "pywrap_tensorflow"):  # the newest first
        try:
            return bool(importlib.import_module("tensorflow.python." + module).IsMklEnabled())
        except (ImportError, AttributeError):
            continue
    return None


def cpu() -> dict[str, Any]:
    """The processor's name and those of its vector extensions that choose another kernel."""
    name, flags = platform.processor() or platform.machine(), []
    try:
        with open("/proc/cpuinfo") as lines:
            for line in lines:
                key, _, value = line.partition(":")
                if key.strip() == "model name":
                    name = value.strip()
                if key.strip() in ("flags", "Features"):
                    wanted = ("avx", "avx2", "fma", "avx512f", "avx512_bf16", "avx512_fp16", "amx_tile", "asimd", "sve")
                    flags = [flag for flag in wanted if flag in value.split()]
                    break
    except OSError:
        pass
    return {"name": name, "flags": flags}


def installed(package: str) -> str | None:
    """The version of an installed package; None where there is none."""
    try:
        from importlib import metadata
    except ImportError:  # Python 3.7
        return None
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return None


def describe(tf: Any, settings: Any) -> dict[str, Any]:
    """What identifies the subject, as JSON values."""
    config = tf.config if hasattr(tf.config, "list_physical_devices") else tf.config.experimental  # TensorFlow 1
    switches = ("TF_", "XLA_", "ONEDNN_", "DNNL_", "OMP_", "CUDA_VISIBLE_DEVICES")
    return {
        "tensorflow": tf.__version__,
        "git_version": getattr(tf.version, "GIT_VERSION", ""),
        "python": platform.python_version(),
        "numpy": np.__version__,
        "keras": installed("keras"),
        "platform": sys.platform,
        "machine": platform.machine(),
        "cpu": cpu(),
        "onednn": onednn_in_effect(tf),
        "device": (settings.get("device") or ("gpu" if config.list_physical_devices("GPU") else "cpu")).partition(":")[0].lower(),
        "threads": settings.get("threads"),
        "environment": {
            k: v
            for k, v in sorted(os.environ.items())
            if k.startswith(switches) and k not in ("TF_CPP_MIN_LOG_LEVEL", "TF_CLI_CONFIG_FILE")
        },
    }


def to_tensor(tf: Any, array: Any, dtype: str) -> Any:
    """A TensorFlow constant with just these bits."""
    if dtype == "bfloat16":
        return tf.constant(array.view(tf.bfloat16.as_numpy_dtype))
    return tf.constant(array)


def portable(array: Any, dtype: str) -> Any:
    """An array in a form that ``.npy`` has: bfloat16 as its bits, anything else as it is."""
    array = np.asarray(array)
    return array.view(np.uint16) if dtype == "bfloat16" else array


def convolution(tf: Any, symbol: str, keywords: dict[str, Any], x: Any, w: Any) -> Callable[..., Any]:
    """The call as a function of input and filter. A Keras layer is built for this filter, since a graph may not make its variables."""
    function = resolve(tf, symbol)
    if ".raw_ops." in symbol:
        return lambda x, w: function(input=x, filter=w, **keywords)
    if symbol == "tf.nn.separable_conv2d":
        return lambda x, w: function(x, w, tf.eye(int(w.shape[2]) * int(w.shape[3]), dtype=w.dtype)[None, None], **keywords)
    if ".keras." not in symbol:
        return lambda x, w: function(x, w, **keywords)
    sizes: dict[str, Any] = {"depth_multiplier": w.shape[3]}
    if symbol.endswith(".Conv2D"):
        sizes = {"filters": w.shape[3]}
        if x.shape[-1] != w.shape[2]:
            sizes["groups"] = x.shape[-1] // w.shape[2]  # TensorFlow 1 has no such argument
    layer = function(kernel_size=tuple(w.shape[:2]), use_bias=False, dtype=x.dtype.name, **dict(sizes, **keywords))
    layer.build(x.shape)
    layer.set_weights([w.numpy()])
    return lambda x, w: layer(x)


def with_gradient(tf: Any, function: Callable[..., Any], by: str) -> Callable[..., Any]:
    """The gradient of a function of input and filter by one of them, as a function of both and of what comes from above."""

    def gradient(x: Any, w: Any, upstream: Any) -> Any:
        with tf.GradientTape() as tape:
            target = x if by == "input" else w
            tape.watch(target)
            result = function(x, w)
        return tape.gradient(result, target, output_gradients=upstream)

    return gradient


def in_mode(tf: Any, function: Callable[..., Any], mode: str) -> Callable[..., Any]:
    """The function as `mode` runs it."""
    if mode == "eager":
        return function
    compiled: Callable[..., Any]
    try:
        compiled = tf.function(function, jit_compile=True) if mode == "xla" else tf.function(function)
    except TypeError:  # before TensorFlow 2.5
        compiled = tf.function(function, experimental_compile=True)
    return compiled


class Prepared:
    """The call of a request. What it compiles is kept for its other arms, but for a Keras layer, which holds its filter."""

    def __init__(self, tf: Any, request: Any) -> None:
        self.tf, self.request = tf, request
        self.function: Callable[..., Any] | None = None

    def __call__(self, tensors: list[Any]) -> Any:
        """The result for one arm's tensors."""
        function = self.function
        if function is None:
            function = convolution(self.tf, self.request["function"], self.request["keywords"], *tensors[:2])
            if self.request["gradient"]:
                function = with_gradient(self.tf, function, self.request["gradient"])
            function = in_mode(self.tf, function, self.request["mode"])
            if ".keras." not in self.request["function"]:
                self.function = function
        return function(*tensors)


def run_arm(tf: Any, call: Callable[..., Any], tensors: list[Any]) -> tuple[dict[str, Any], Any]:
    """One arm's observation and its array, if any. Only what TensorFlow raises is an observation; our own faults are not caught."""
    arm: dict[str, Any]
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            result = call(tensors)
            array = result.numpy()
        except Exception as error:
            name = type(error).__name__
            arm = {"status": "error", "error": name, "bases": class_names(tf, error), "message": clean_message(str(error), name)}
            array = None
        else:
            array = portable(array, result.dtype.name)
            arm = {"status": "value", "dtype": result.dtype.name, "shape": list(array.shape)}
    arm["warnings"] = [{"category": warned.category.__name__, "message": str(warned.message)[:MESSAGE_LIMIT]} for warned in caught]
    return arm, array


def execute(tf: Any, request: Any, arrays: list[Any]) -> tuple[dict[str, Any], list[Any]]:
    """Carry out a ``call`` request; return the head of its answer and its arrays."""
    if request["function"] not in FUNCTIONS:
        raise ValueError("the protocol names no function {!r}".format(request["function"]))
    call = Prepared(tf, request)
    arms, results = [], []
    began = time.perf_counter()
    count = len(request["dtypes"])
    for first in range(0, len(arrays), count):
        tensors = [to_tensor(tf, array, dtype) for array, dtype in zip(arrays[first : first + count], request["dtypes"])]
        arm, array = run_arm(tf, call, tensors)
        arms.append(arm)
        if array is not None:
            results.append(array)
    return {"type": "answer", "arms": arms, "seconds": round(time.perf_counter() - began, 6)}, results


def import_tensorflow() -> Any:
    """TensorFlow, with its logging kept to errors unless the environment says otherwise, and eager also before version 2."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    import tensorflow as tf

    if not tf.executing_eagerly():
        tf.compat.v1.enable_eager_execution()
    return tf


def configure(tf: Any, settings: Any) -> Any:
    """Set the number of threads, and return the device on which calls are made: a context."""
    if settings.get("threads"):
        tf.config.threading.set_intra_op_parallelism_threads(settings["threads"])
        tf.config.threading.set_inter_op_parallelism_threads(settings["threads"])
    return tf.device("/" + settings["device"] if settings.get("device") else None)


def limit(settings: Any) -> None:
    """Bound the memory of this process, in GiB, and the size of the files that it writes, what it prints among them."""
    import resource

    resource.setrlimit(resource.RLIMIT_FSIZE, (PRINTED_LIMIT, PRINTED_LIMIT))
    if settings.get("memory") and hasattr(resource, "RLIMIT_DATA"):
        memory = int(settings["memory"] * 2**30)
        resource.setrlimit(resource.RLIMIT_DATA, (memory, memory))


def serve(connection: Any, settings: Any) -> None:
    """Answer requests until the other side closes."""
    limit(settings)
    try:
        tf = import_tensorflow()
        device = configure(tf, settings)
    except Exception as error:
        send(connection, {"type": "failed", "message": "{}: {}".format(type(error).__name__, error)})
        raise
    hello = {
        "type": "hello",
        "protocol": PROTOCOL,
        "subject": describe(tf, settings),
        "documentation": documentation(tf, settings["symbols"]),
    }
    send(connection, hello)
    with device:
        while True:
            try:
                request, arrays = receive(connection)
            except EOFError:
                return
            if request["type"] == "close":
                return
            send(connection, *execute(tf, request, arrays))


def main() -> None:
    """Keep the pipes for the protocol, send everything that prints to standard error, and serve."""
    import faulthandler
    from multiprocessing.connection import Connection

    class Duplex:
        """Standard input and output, duplicated before anything else can write to them."""

        def __init__(self) -> None:
            self.reader = Connection(os.dup(0), writable=False)
            self.writer = Connection(os.dup(1), readable=False)
            self.recv_bytes, self.send_bytes = self.reader.recv_bytes, self.writer.send_bytes

    connection = Duplex()
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    os.dup2(2, 1)
    sys.path.pop(0)  # the working directory: nothing in it may be imported by accident
    faulthandler.enable()
    serve(connection, json.loads(sys.argv[1]))


if __name__ == "__main__":
    main()
