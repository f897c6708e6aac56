"""Read the convolutions of a model file, without running the model. Runs on Python 3.7.

A Keras model is built without its weights and traced. A SavedModel is not loaded: its graph is
read.
"""

from __future__ import annotations

import os
import traceback
from typing import Any

from .exceptions import MESSAGE_LIMIT
from .keras_files import EXPORT, built, check, configuration, conv_layers, hook, reason_of
from .model_graphs import UnreadableModelError, convolutions, flat_graph
from .symbols import plain_sizes

GRAPH_LIMIT = 2**31  # bytes


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
        reason = reason_of(error)
        raise UnreadableModelError("Keras cannot call it for this input: " + reason) from error
    found += list(convolutions(tf, graph, claimed))
    return {"format": "Keras model", "inputs": list(zip(names, shapes)), "convolutions": found}


def saved_model(tf: Any, folder: str, shape: Any) -> dict[str, Any]:
    """Return the inputs and convolutions of a SavedModel."""
    meta = meta_graph(folder)
    graph_def, signature = meta.graph_def, signature_of(meta)
    names = sorted(signature.inputs)
    nodes = {signature.inputs[name].name.partition(":")[0]: name for name in names}
    protos = {name: signature.inputs[name].tensor_shape for name in names}
    known = {name: plain_sizes(tf.TensorShape(proto)) for name, proto in protos.items()}
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
