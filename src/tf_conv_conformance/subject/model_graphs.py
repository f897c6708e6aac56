"""Find the convolutions in a graph of TensorFlow, which is not run. Runs on Python 3.7."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import numpy as np

from .symbols import plain_sizes

OPERATORS = {"Conv2D": "conv2d", "DepthwiseConv2dNative": "depthwise_conv2d"}
"""The operators that are read, by their type in a graph."""
TRANSPOSED = {
    "Conv2DBackpropInput": "conv2d",
    "DepthwiseConv2dNativeBackpropInput": "depthwise_conv2d",
}
"""The same of transposed convolutions, which are given the sizes of their results."""
CALLS = ("PartitionedCall", "StatefulPartitionedCall")
OPAQUE = ("XlaCallModule", "PyFunc", "EagerPyFunc", "TPUPartitionedCall", "TRTEngineOp")
"""Types of operations that may contain convolutions of which the graph shows nothing."""
CONVOLUTION = re.compile(r"Conv([123]D|[123]d|V2|$)|Conv2d")
"""Matches the types of all operations that convolve."""
ARITHMETIC = (
    "Add", "AddV2", "Cast", "ConcatV2", "Const", "ExpandDims", "FloorDiv", "FloorMod", "GatherV2",
    "Identity", "Maximum", "Minimum", "Mul", "Neg", "Pack", "Reshape", "Slice", "Squeeze",
    "StridedSlice", "Sub",
)  # fmt: skip
"""The types of operations that a padding may be computed with."""
ARITHMETIC_LIMIT = 500  # operations
NODE_LIMIT = 500000
DEPTH_LIMIT = 50  # of functions that call functions
FORMATS = {"NHWC": (0, 1, 2, 3), "NCHW": (0, 2, 3, 1)}
"""The places of batch, height, width and channels."""


class UnreadableModelError(Exception):
    """A model that cannot be read; the message says why, and what to do."""


def flat_graph(tf: Any, graph_def: Any) -> Any:
    """Return a graph with the calls of functions replaced by the nodes of those functions."""
    from tensorflow.python.framework.function_def_to_graph import function_def_to_graph_def

    library = {one.signature.name: one for one in graph_def.library.function}
    flat, alias = tf.compat.v1.GraphDef(), {}
    flat.versions.CopyFrom(graph_def.versions)

    def add(nodes: Any, prefix: str, given: dict[str, str], depth: int) -> None:
        if depth > DEPTH_LIMIT or len(flat.node) + len(nodes) > NODE_LIMIT:
            raise UnreadableModelError("its graph is too large, or its functions never end")
        for node in nodes:
            if node.name in given:
                alias[prefix + node.name + ":0"] = given[node.name]
                continue
            inputs = [full(prefix, name) for name in node.input if not name.startswith("^")]
            if node.op in CALLS and node.attr["f"].func.name in library:
                function = library[node.attr["f"].func.name]
                body, flat_names = function_def_to_graph_def(function)
                inner, names = prefix + node.name + "/", function.signature
                arguments = dict(zip([one.name for one in names.input_arg], inputs))
                for number, output in enumerate(names.output_arg):
                    result = full(inner, flat_names[function.ret[output.name]])
                    alias["{}{}:{}".format(prefix, node.name, number)] = result
                add(body.node, inner, arguments, depth + 1)
                continue
            copy = flat.node.add()
            copy.CopyFrom(node)
            copy.name = prefix + node.name
            copy.attr.pop("_output_shapes", None)
            copy.attr.pop("_class", None)  # names another node
            del copy.input[:]
            copy.input.extend(inputs)

    add(graph_def.node, "", {}, 0)
    for node in flat.node:
        resolved = [source(alias, name) for name in node.input]
        del node.input[:]
        node.input.extend(resolved)
    flat.library.CopyFrom(graph_def.library)
    return flat


def full(prefix: str, name: str) -> str:
    """Return the name of a tensor with its prefix and its number."""
    return prefix + (name if ":" in name else name + ":0")


def source(alias: dict[str, str], name: str) -> str:
    """Return the tensor to which a name leads in the end."""
    for _ in range(len(alias) + 1):
        if name not in alias:
            return name
        name = alias[name]
    raise UnreadableModelError("its functions return one another's results")


def convolutions(tf: Any, graph: Any, ignored: set[str]) -> Iterator[dict[str, Any]]:
    """Yield what is known of each convolution in a graph, except of the ignored operations.

    One that cannot be read has a "problem".
    """
    for operation in graph.get_operations():
        if operation.name in ignored:
            continue
        if operation.type in OPAQUE:
            yield uncovered(operation.name, operation.type, "its graph does not show what it does")
        elif CONVOLUTION.search(operation.type):
            yield convolution(tf, operation)
    for function in graph.as_graph_def().library.function:
        for node in function.node_def:
            if CONVOLUTION.search(node.op) and is_inside(graph, function.signature.name):
                yield uncovered(node.name, node.op, "it is inside of a loop or a branch")


def is_inside(graph: Any, name: str) -> bool:
    """Return whether an operation of a graph names a function, other than to call it."""
    for operation in graph.get_operations():
        if operation.type in CALLS:
            continue
        for value in operation.node_def.attr.values():
            if value.func.name == name or any(one.name == name for one in value.list.func):
                return True
    return False


def uncovered(name: str, kind: str, why: str) -> dict[str, Any]:
    """Return a convolution of which no case can be made."""
    return {"name": shortened(name), "type": kind, "problem": why}


def shortened(name: str) -> str:
    """Return the name of an operation without the functions that contain it."""
    parts = [part for part in name.split("/") if not part.startswith(CALLS)]
    return "/".join(parts) or name


def convolution(tf: Any, operation: Any) -> dict[str, Any]:
    """Return what is known of a convolution."""
    if operation.type in TRANSPOSED:
        return transposed(tf, operation)
    if operation.type not in OPERATORS:
        return uncovered(operation.name, operation.type, "no case is made of this operator")
    x, w = operation.inputs[:2]
    read = arguments_of(operation, x, w)
    if x.op.type == "SpaceToBatchND":
        return dict(read, **dilated(tf, x.op, operation, read))
    if operation.type == "DepthwiseConv2dNative" and set(read["dilations"]) != {1}:
        read["via"] = "tf.raw_ops.DepthwiseConv2dNative"
    return read


def transposed(tf: Any, operation: Any) -> dict[str, Any]:
    """Return what is known of a transposed convolution."""
    sizes, w, upstream = operation.inputs
    read = arguments_of(operation, upstream, w)
    read.update(op=TRANSPOSED[operation.type], via="tf.raw_ops." + operation.type)
    shape = constant(tf, sizes)
    if shape is None:
        return dict(read, problem="the shape of its result is computed while it runs")
    if upstream.op.type == "SpaceToBatchND":
        return dict(read, problem="it is dilated by space to batch")
    return dict(read, input=shape, upstream=read["input"])


def arguments_of(operation: Any, x: Any, w: Any) -> dict[str, Any]:
    """Return the arguments of a convolution with this input and filter."""
    data_format = operation.get_attr("data_format").decode()
    padding = operation.get_attr("padding").decode()
    if padding == "EXPLICIT":
        amounts = operation.get_attr("explicit_paddings")
        padding = [list(amounts[first : first + 2]) for first in range(0, 8, 2)]
    return {
        "name": shortened(operation.name),
        "type": operation.type,
        "op": OPERATORS.get(operation.type),
        "via": None,
        "input": plain_sizes(x.shape),
        "filter": plain_sizes(w.shape),
        "strides": list(operation.get_attr("strides")),
        "dilations": list(operation.get_attr("dilations")),
        "padding": padding,
        "data_format": data_format,
        "dtype": x.dtype.base_dtype.name,
    }


def dilated(tf: Any, to_batch: Any, operation: Any, read: dict[str, Any]) -> dict[str, Any]:
    """Return how a convolution between space to batch and batch to space was called."""
    rates, paddings = [constant(tf, tensor) for tensor in to_batch.inputs[1:]]
    ends = [one for one in operation.outputs[0].consumers() if one.type == "BatchToSpaceND"]
    if rates is None or paddings is None or len(ends) != 1:
        return {"problem": "its rate or padding is computed while it runs"}
    crops = constant(tf, ends[0].inputs[2])
    places, shape = FORMATS[read["data_format"]], plain_sizes(to_batch.inputs[0].shape)
    if crops is None or read["data_format"] != "NHWC" or len(rates) > 2 or shape is None:
        return {"problem": "its space to batch is of another form than that of tf.nn"}
    if len(shape) != 4 or read["filter"] is None or None in read["filter"]:
        return {"problem": "its filter or input has an unknown shape"}
    amounts = [[0, 0], [0, 0], [0, 0], [0, 0]]
    full_rates = [1, 1]
    for axis, (rate, padded, crop) in enumerate(zip(rates, paddings, crops)):
        amounts[places[axis + 1]] = [int(padded[0]), int(padded[1]) - int(crop[1])]
        full_rates[axis] = int(rate)
        if crop[0] or amounts[places[axis + 1]][1] < 0:
            return {"problem": "its batch to space crops another part than that of tf.nn"}
    found = {"input": shape, "dilations": full_rates, "padding": amounts}
    if read["padding"] == "SAME":
        return {"problem": "it is padded before and after space to batch"}
    if not any(map(any, amounts)):
        found["padding"] = "VALID"
    elif amounts[1:3] == [same(*one) for one in zip(read["filter"], full_rates)]:
        found["padding"] = "SAME"
    if read["op"] == "conv2d":
        found.update(via="tf.nn.convolution", strides=read["strides"][1:3])
    return found


def same(size: int, rate: int) -> list[int]:
    """Return the padding of SAME for a dilated filter with strides of 1."""
    total = (size - 1) * rate
    return [total // 2, total - total // 2]


def constant(tf: Any, tensor: Any) -> Any:
    """Return the value of a tensor as lists, if it follows from the shapes; None otherwise.

    Where sizes were unknown, a graph computes the padding of space to batch from them. Only
    operations that have no effect are run for it.
    """
    given, waiting, seen = {}, [tensor], set()
    while waiting:
        one = waiting.pop()
        if one.op.name in seen:
            continue
        seen.add(one.op.name)
        if one.op.type == "Shape" and one.op.inputs[0].shape.is_fully_defined():
            shape = one.op.inputs[0].shape.as_list()
            given[one] = np.array(shape, one.dtype.as_numpy_dtype)
        elif one.op.type not in ARITHMETIC or len(seen) > ARITHMETIC_LIMIT:
            return None
        else:
            waiting += one.op.inputs
    with tf.compat.v1.Session(graph=tensor.graph) as session:
        return session.run(tensor, given).tolist()
