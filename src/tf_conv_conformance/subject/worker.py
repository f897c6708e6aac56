"""Answer calls on the subject's side of the pipe.

It runs in a child process, perhaps on another machine, whose interpreter reads this file and those
that it imports from standard input (see process.py). They import nothing else of this package, and
keep to Python 3.7 and NumPy 1.14, so that an old TensorFlow can be tested in the same way. Only
tensorflow_subject.py imports TensorFlow, and only keras_subject.py Keras on another backend. With
``--tf-in-process`` the same functions run in the test process.

Protocol, on standard input and output, in the format of wire.py:

    worker → suite   {"type": "hello", "protocol": 3, "subject", "documentation", "printed"}
                         the docstrings by symbol, and the bytes printed so far
                     {"type": "failed", "message", "installed"}
                         the worker ends: the library cannot be imported or, if it is "installed",
                         cannot have a setting of the subject's definition
    suite → worker   {"type": "calls", "together", "calls": [call, ...]}
                         a call is {"function", "keywords", "gradient", "dtypes", "mode", "arms"},
                         with "tensors" if the function computes a gradient (symbols.py), with
                         "through" if a transformation leads to it (transformations.py), with
                         "variables" and "how" if a tensor is held in one, or if it is made in
                         other surroundings (state.py), with
                         "before" and "after" if operations are around it (company.py), with
                         "optimizer" if TensorFlow is to rewrite its graph (optimization.py), and
                         with "operations" to ask for those of the executed graph;
                         each arm of a call has an array for each of the dtypes: input, filter, for
                         a gradient the upstream gradient, and the tensors of "after". Calls to be
                         made together have one mode, graph or xla, and the same number of arms, and
                         share a tf.function
    worker → suite   {"type": "answer", "arms": [arm, ...], "seconds", "printed"}
                         one for each call, in order. An arm is
                         {"status": "value", "dtype", "shape", "warnings"}, with its array. It
                         has "static" if a function was traced, the shape that was known then,
                         and "symbolic" and "computed" if Keras says the shape without data:
                         null for an unknown size or rank, an exception's name instead, and
                         "operations" if the call wants them; or
                         {"status": "error", "error", "bases", "message", "warnings"};
                         "printed" is the size of standard error's file, null if it is not a file
                     {"type": "fault", "message", "printed"}
                         instead of an answer: the worker failed, not TensorFlow
    suite → worker   {"type": "model", "path", "input"}
                         a model file or the folder of a SavedModel, and the shape of its input, or
                         null if the model knows it
    worker → suite   {"type": "model", "format", "inputs", "convolutions"}
                         the inputs are pairs of a name and a shape; a convolution is what
                         model_graphs.py and models.py return
                     {"type": "unreadable", "message"}
                         the file cannot be read, and why; or a fault as above
    suite → worker   {"type": "close"}

After the greeting, calls may be sent before earlier ones are answered. If forkserver.py forks the
worker, which then greets on the same pipes:

    server → suite   {"type": "ended", "code", "token"}
                         the worker died: its exit status, or the negative number of its signal
    suite → server   the bytes of the token, which the message has in hexadecimal, and nothing more
                     before the greeting of the next worker
"""

from __future__ import annotations

import gc
import json
import os
import stat
import sys
from typing import Any

from . import forkserver, keras_subject, models, tensorflow_subject
from .exceptions import SettingError
from .wire import Pipe, receive

PROTOCOL = 3
FUNCTIONS = (
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
)
AROUND = (
    "tf.pad",
    "tf.nn.bias_add",
    "tf.add",
    "tf.nn.relu",
    "tf.nn.relu6",
    "tf.compat.v1.nn.fused_batch_norm",
    "tf.nn.conv2d",
    "tf.nn.depthwise_conv2d",
)
"""The functions that a call may have around its own."""
PRINTED_LIMIT = 2**26  # bytes that may be printed


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
    except SettingError as error:
        pipe.send({"type": "failed", "message": str(error), "installed": True})
        raise
    except Exception as error:
        message = "{}: {}".format(type(error).__name__, error)
        pipe.send({"type": "failed", "message": message, "installed": False})
        raise


def chosen() -> Any:
    """Return the module that tests the library which the environment selects."""
    return keras_subject if keras_subject.selected() else tensorflow_subject


def serve(pipe: Any, subject: Any, library: Any, settings: Any, said: Any) -> None:
    """Answer requests until the suite closes the pipe.

    `subject` is the module from :func:`chosen`, `library` what it has loaded, and `said` what its
    oneDNN states.
    """
    device = start_step(pipe, subject.configure, library, settings)
    hello = {
        "type": "hello",
        "protocol": PROTOCOL,
        "subject": subject.describe(library, settings, said),
        "documentation": subject.documentation(library, settings["symbols"]),
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
            if request["type"] == "model":
                pipe.send(dict(models.read_model(library, request), printed=printed()))
                continue
            for call in request["calls"]:
                check_known(call)
            calls, together = request["calls"], request["together"]
            for answer, results in subject.execute_all(library, calls, arrays, together):
                answer["printed"] = printed()
                pipe.send(answer, results)


def check_known(call: Any) -> None:
    """Raise an exception for a call of a function that no request has."""
    around = {one[0] for key in ("before", "after") for one in call.get(key, ())}
    unknown = ({call["function"]} - set(FUNCTIONS)) | (around - set(AROUND))
    if unknown:
        raise ValueError("unknown function {!r}".format(unknown.pop()))


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
    if sys.path[0] == "":  # the working directory, from which nothing may be imported by accident
        sys.path.pop(0)
    faulthandler.enable()
    settings = json.loads(sys.argv[1])
    limit(settings)
    # An import leaves nearly no garbage, and collecting it takes a fifth of the time. Imported
    # objects stay alive, so freeze them: collections need not visit them, and forks share pages.
    gc.disable()
    subject = chosen()
    library = start_step(pipe, subject.load)
    gc.freeze()
    gc.enable()
    said = {}
    if forkserver.possible():
        said = subject.instructions(library)
        forkserver.fork(pipe)
    serve(pipe, subject, library, settings, said)
