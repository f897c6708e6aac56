"""Read the convolutions of a model file, without running the model. Runs on Python 3.7.

A Keras model is built from its configuration, without its weights and without its code: what a
file could have Python execute is refused before Keras sees it. A SavedModel is not loaded; its
graph is read.
"""

from __future__ import annotations

import json
import os
import re
import traceback
import zipfile
from typing import Any

from .exceptions import MESSAGE_LIMIT, clean_message
from .model_graphs import UnreadableModelError, convolutions, flat_graph, sizes_of, uncovered

CONFIGURATION_LIMIT = 2**26  # bytes
GRAPH_LIMIT = 2**31
DEPTH_LIMIT = 200  # of a configuration
KERAS_MODULES = re.compile(r"(keras|tf_keras|tensorflow\.keras)(\.|$)|builtins$")
FUNCTION_MODULES = re.compile(
    r"(keras|tf_keras)(\.src)?\.(activations|constraints|initializers|regularizers)(\.|$)"
    r"|builtins$"
)
"""The modules whose functions a configuration may name; others of Keras read and write files."""
LAYERS = {
    "Conv1D": "conv2d",
    "Conv2D": "conv2d",
    "DepthwiseConv1D": "depthwise_conv2d",
    "DepthwiseConv2D": "depthwise_conv2d",
    "SeparableConv2D": "depthwise_conv2d",
}
"""The layers that are read, with their operators. A separable one has a second convolution, which
is read as the operation that it is."""
EXPORT = "export it, with model.export(FOLDER): the graph of a SavedModel is read without its code"


def read_model(tf: Any, request: Any) -> dict[str, Any]:
    """Return the message about the model file of a request."""
    try:
        if os.path.isdir(request["path"]):
            found = saved_model(tf, request["path"], request["input"])
        else:
            found = keras_model(tf, request["path"], request["input"])
        return dict(found, type="model")
    except UnreadableModelError as error:
        return {"type": "unreadable", "message": str(error)[:MESSAGE_LIMIT]}
    except Exception:
        return {"type": "fault", "message": traceback.format_exc()[-MESSAGE_LIMIT:]}


def keras_model(tf: Any, path: str, shape: Any) -> dict[str, Any]:
    """Return the inputs and convolutions of a Keras model."""
    config = configuration(path)
    if not isinstance(config, dict):
        raise UnreadableModelError("its configuration is not that of a model")
    config.pop("compile_config", None)  # how to train it
    check(config, 0)
    try:
        model = built(tf, config)
    except Exception as error:
        reason = reason_of(error)
        raise UnreadableModelError("Keras refuses its configuration: {}".format(reason)) from error
    if not getattr(model, "built", False) or not getattr(model, "inputs", None):
        raise UnreadableModelError("it has no inputs of known rank; " + EXPORT)
    names = [tensor.name.partition(":")[0] for tensor in model.inputs]
    shapes = [list(tensor.shape) for tensor in model.inputs]
    dtypes = [getattr(one.dtype, "name", one.dtype) for one in model.inputs]
    shapes = completed(names, shapes, shape)
    found: list[dict[str, Any]] = []
    claimed: set[str] = set()
    for layer in conv_layers(model):
        hook(tf, layer, found, claimed)
    specs = [tf.TensorSpec(one, dtype) for one, dtype in zip(shapes, dtypes)]
    given = specs if len(specs) > 1 else specs[0]
    try:
        function = tf.function(lambda x: model(x, training=False), autograph=False)
        graph = function.get_concrete_function(given).graph
    except Exception as error:
        raise UnreadableModelError(
            "Keras cannot call it for this input: {}".format(error)
        ) from error
    found += list(convolutions(tf, graph, claimed))
    return {"format": "Keras model", "inputs": list(zip(names, shapes)), "convolutions": found}


def reason_of(error: Exception) -> str:
    """Return the last reason in the message of an exception, on one line."""
    message = clean_message(str(error), type(error).__name__)
    reason = message.rpartition("Exception encountered: ")[2].partition("Full object config")[0]
    return (reason.strip() or type(error).__name__).partition("\n")[0]


def built(tf: Any, config: Any) -> Any:
    """Return the model of a configuration, which has no modules in the older format."""
    if "module" in config:
        return tf.keras.models.model_from_json(json.dumps(config))
    for layer in config["config"]["layers"]:
        if layer["class_name"] == "DepthwiseConv2D":
            layer["config"].pop("groups", None)  # Keras 2 wrote it, and Keras 3 refuses it
    kind = tf.keras.Sequential if config["class_name"] == "Sequential" else tf.keras.Model
    return kind.from_config(config["config"])


def configuration(path: str) -> Any:
    """Return the configuration in a Keras file, of either format."""
    try:
        if zipfile.is_zipfile(path):
            with zipfile.ZipFile(path) as archive, archive.open("config.json") as file:
                text = file.read(CONFIGURATION_LIMIT + 1)
        else:
            import h5py

            with h5py.File(path, "r") as file:
                text = file.attrs["model_config"]
        if len(text) > CONFIGURATION_LIMIT:
            raise UnreadableModelError("its configuration is too large")
        return json.loads(text)
    except KeyError as error:
        advice = "save the whole model, with model.save(FILE.keras)"
        raise UnreadableModelError(
            "it has no configuration, only weights perhaps; " + advice
        ) from error
    except (OSError, ValueError, RuntimeError, RecursionError, zipfile.BadZipFile) as error:
        raise UnreadableModelError("it is not a Keras model: {}".format(error)) from error


def check(value: Any, depth: int) -> None:
    """Refuse a configuration for which Keras would import or run code that is not its own."""
    if depth > DEPTH_LIMIT:
        raise UnreadableModelError("its configuration is nested too deeply")
    if isinstance(value, list):
        for item in value:
            check(item, depth + 1)
    if not isinstance(value, dict):
        return
    name, module = value.get("class_name"), value.get("module")
    if name in ("Lambda", "__lambda__"):
        raise UnreadableModelError("it has a Lambda layer, which is Python code; " + EXPORT)
    allowed = FUNCTION_MODULES if name == "function" else KERAS_MODULES
    if isinstance(module, str) and not allowed.match(module):
        what = "{}.{}".format(module, value.get("registered_name") or name)
        raise UnreadableModelError("it needs {}, which is not Keras's; {}".format(what, EXPORT))
    for item in value.values():
        check(item, depth + 1)


def conv_layers(model: Any) -> list[Any]:
    """Return the layers of a model that convolve, inner ones included."""
    return [one for one in model._flatten_layers() if "Conv" in type(one).__name__]


def hook(tf: Any, layer: Any, found: list[dict[str, Any]], claimed: set[str]) -> None:
    """Have a layer record each of its calls, and the operations that the call adds."""
    original, kind = layer.call, type(layer).__name__

    def call(x: Any, *arguments: Any, **keywords: Any) -> Any:
        graph = tf.compat.v1.get_default_graph()
        before = {one.name for one in graph.get_operations()}
        found.append(of_layer(layer, kind, sizes_of(x.shape), x.dtype.name))
        result = original(x, *arguments, **keywords)
        new = [one for one in graph.get_operations() if one.name not in before]
        claimed.update(one.name for one in new if (kind, one.type) != ("SeparableConv2D", "Conv2D"))
        return result

    layer.call = call


def of_layer(layer: Any, kind: str, shape: Any, dtype: str) -> dict[str, Any]:
    """Return what is known of a layer's convolution."""
    if kind not in LAYERS:
        return uncovered(layer.name, kind, "no case is made of this layer")
    channels_first, inner = layer.data_format == "channels_first", "W" if "1D" in kind else "HW"
    channels = None if shape is None else shape[1 if channels_first else -1]
    if LAYERS[kind] == "conv2d":
        sizes = [None if channels is None else channels // layer.groups, layer.filters]
    else:
        sizes = [channels, layer.depth_multiplier]
    return {
        "name": layer.name,
        "type": kind,
        "op": LAYERS[kind],
        "via": "tf.keras.layers." + kind,
        "input": shape,
        "filter": list(layer.kernel_size) + sizes,
        "strides": list(layer.strides),
        "dilations": list(layer.dilation_rate),
        "padding": layer.padding,
        "data_format": "NC" + inner if channels_first else "N" + inner + "C",
        "dtype": dtype,
    }


def saved_model(tf: Any, folder: str, shape: Any) -> dict[str, Any]:
    """Return the inputs and convolutions of a SavedModel."""
    meta = meta_graph(folder)
    graph_def, signature = meta.graph_def, signature_of(meta)
    names = sorted(signature.inputs)
    nodes = {signature.inputs[name].name.partition(":")[0]: name for name in names}
    known = {name: plain_shape(signature.inputs[name].tensor_shape) for name in names}
    shapes = dict(zip(names, completed(names, [known[name] for name in names], shape)))
    results = [one.name.partition(":")[0] for one in signature.outputs.values()]
    try:
        graph_def = tf.compat.v1.graph_util.extract_sub_graph(graph_def, results)
        with tf.Graph().as_default():
            library = tf.compat.v1.GraphDef(versions=graph_def.versions, library=graph_def.library)
            tf.graph_util.import_graph_def(library, name="")
            flat = flat_graph(tf, graph_def)
        for node in flat.node:
            if node.op == "Placeholder" and node.name in nodes:
                proto = tf.TensorShape(shapes[nodes[node.name]]).as_proto()
                node.attr["shape"].shape.CopyFrom(proto)
        with tf.Graph().as_default() as graph:
            tf.graph_util.import_graph_def(flat, name="")
    except UnreadableModelError:
        raise
    except Exception as error:
        raise UnreadableModelError("TensorFlow cannot read it: " + reason_of(error)) from error
    found = list(convolutions(tf, graph, set()))
    return {"format": "SavedModel", "inputs": list(shapes.items()), "convolutions": found}


def meta_graph(folder: str) -> Any:
    """Return the graph of a SavedModel that is meant for serving."""
    from tensorflow.core.protobuf import saved_model_pb2

    path, saved = os.path.join(folder, "saved_model.pb"), saved_model_pb2.SavedModel()
    try:
        if os.path.getsize(path) >= GRAPH_LIMIT:
            raise UnreadableModelError("its graph is larger than 2 GiB")
        with open(path, "rb") as file:
            saved.ParseFromString(file.read())
    except OSError as error:
        message = "{}: {}; give the folder of a SavedModel, or a .keras or .h5 file"
        raise UnreadableModelError(message.format(path, error.strerror)) from error
    except UnreadableModelError:
        raise
    except Exception as error:  # protobuf's DecodeError
        raise UnreadableModelError("saved_model.pb cannot be read: {}".format(error)) from error
    graphs = list(saved.meta_graphs)
    serving = [one for one in graphs if "serve" in one.meta_info_def.tags]
    if not graphs:
        raise UnreadableModelError("it contains no graph")
    return (serving or graphs)[0]


def signature_of(meta: Any) -> Any:
    """Return the signature that a SavedModel serves by default, or its only one."""
    signatures = {
        name: one for name, one in meta.signature_def.items() if not name.startswith("__")
    }
    if "serving_default" in signatures:
        return signatures["serving_default"]
    if len(signatures) != 1:
        known = ", ".join(sorted(signatures)) or "none"
        message = "it has no signature serving_default ({}); ".format(known)
        advice = "save it with tf.saved_model.save(model, FOLDER, signatures=FUNCTION)"
        raise UnreadableModelError(message + advice)
    return next(iter(signatures.values()))


def plain_shape(proto: Any) -> Any:
    """Return the shape in a signature, as :func:`sizes_of` does."""
    if proto.unknown_rank:
        return None
    return [None if one.size < 0 else int(one.size) for one in proto.dim]


def completed(names: list[str], shapes: list[Any], given: Any) -> list[Any]:
    """Return the shapes of a model's inputs, with a batch of 1 and the sizes of `--input`."""
    lacking = [n for n, one in enumerate(shapes) if one is None or None in one[1:]]
    if given is not None:
        place = lacking[0] if len(lacking) == 1 else 0
        if len(lacking) > 1 or (not lacking and len(shapes) > 1):
            raise UnreadableModelError("--input is for one input, and it has several; " + EXPORT)
        own = shapes[place]
        fits = own is None or (
            len(own) == len(given) and all(a in (None, b) for a, b in zip(own, given))
        )
        if not fits:
            message = "--input {} does not fit its input {}".format(given, written(own))
            raise UnreadableModelError(message)
        shapes[place] = list(given)
    elif lacking:
        own = shapes[lacking[0]]
        known = written(own)
        message = "its input {} has unknown sizes, {}; give --input, as in --input 1,224,224,3"
        raise UnreadableModelError(message.format(names[lacking[0]], known))
    return [[1 if size is None else size for size in one] for one in shapes]


def written(shape: Any) -> str:
    """Return a shape as text."""
    if shape is None:
        return "of unknown rank"
    return "[{}]".format(", ".join("?" if size is None else str(size) for size in shape))
