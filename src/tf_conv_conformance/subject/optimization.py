"""Have TensorFlow's graph optimizer rewrite more, and read the graphs that are executed after it.

Runs in the worker, on Python 3.7.
"""

from __future__ import annotations

import importlib
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

PLUMBING = (
    "_Arg", "_Retval", "_DeviceArg", "_DeviceRetval", "Const", "_HostConst", "Identity",
    "IdentityN", "NoOp", "Placeholder", "_Send", "_Recv", "_HostSend", "_HostRecv",
)  # fmt: skip
"""Operations that compute nothing."""
SAVING = ("SaveV2", "MergeV2Checkpoints", "RestoreV2")
"""Operations of the graphs that save and restore a SavedModel, which are none of a call's."""
REWRITES = {
    "auto_mixed_precision_onednn_bfloat16": ("auto_mixed_precision_onednn_bfloat16", "ON"),
    "NCHW_TO_NHWC": ("cpu_layout_conversion", "NCHW_TO_NHWC"),
}
"""The fields of TensorFlow's `RewriterConfig` by the name of an optimizer, and their values."""


@contextmanager
def optimizing(tf: Any, name: str | None) -> Iterator[None]:
    """Have the optimizer of this name rewrite the functions that are called inside.

    It rewrites nothing if this TensorFlow does not have it.
    """
    if name is None:
        yield
        return
    context = importlib.import_module("tensorflow.python.eager.context").context()
    config = tf.compat.v1.ConfigProto()
    rewriting = config.graph_options.rewrite_options
    rewriting.min_graph_nodes = -1  # small graphs are not rewritten by default
    field, value = REWRITES[name]
    if hasattr(rewriting, field):
        setattr(rewriting, field, getattr(rewriting, value))
    before, context._config = context._config, config
    try:
        tf.config.optimizer.set_experimental_options({})  # so that the configuration is read again
        yield
    finally:
        context._config = before
        tf.config.optimizer.set_experimental_options({})


@contextmanager
def executed(tf: Any, request: Any) -> Iterator[list[str]]:
    """Yield a list that will have the operations of the graphs that are executed inside.

    They are the operations after TensorFlow's own optimizations. A function that has been called
    before has no new graph. The list stays empty if this TensorFlow does not report them.
    """
    found: list[str] = []
    try:
        context = importlib.import_module("tensorflow.python.eager.context").context()
        context.enable_graph_collection()
    except (ImportError, AttributeError):
        yield found
        return
    try:
        yield found
    except BaseException:
        # The graph of a call that fails is reported with the next one that does not fail.
        tf.function(lambda: tf.zeros([]))()
        raise
    finally:
        metadata = context.export_run_metadata()
        context.disable_graph_collection()
        for graph in metadata.partition_graphs:
            if not any(node.op in SAVING for node in graph.node):
                found += operations(tf, graph, usual_of(request))


def usual_of(request: Any) -> tuple[str, str]:
    """Return the dtype and the data format that the convolutions of a request have."""
    given = request["keywords"].get("data_format") or ""
    is_first = given.startswith("NC") or given == "channels_first"
    return request["dtypes"][0], "NCHW" if is_first else "NHWC"


def operations(tf: Any, graph: Any, usual: tuple[str, str]) -> list[str]:
    """Return the operations of a graph that compute something, each after those that it needs.

    What is fused into one is in parentheses: ``_FusedConv2D(BiasAdd, Relu)``. A convolution in
    another dtype or data format than the `usual` ones ends with it: ``Conv2D in bfloat16``.
    """
    nodes, seen, found = {node.name: node for node in graph.node}, set(), []
    waiting = [(name, False) for name in reversed(list(nodes))]
    while waiting:
        name, is_ready = waiting.pop()
        if is_ready:
            found.append(nodes[name])
        elif name in nodes and name not in seen:
            seen.add(name)
            needed = [wire.lstrip("^").split(":")[0] for wire in nodes[name].input]
            waiting += [(name, True), *((one, False) for one in reversed(needed))]
    return [_name(tf, node, usual) for node in found if node.op not in PLUMBING]


def _name(tf: Any, node: Any, usual: tuple[str, str]) -> str:
    name = str(node.op)
    if "fused_ops" in node.attr and node.attr["fused_ops"].list.s:
        fused = ", ".join(part.decode() for part in node.attr["fused_ops"].list.s)
        name += f"({fused})"
    if "Conv" in node.op and "T" in node.attr and "data_format" in node.attr:
        own = tf.as_dtype(node.attr["T"].type).name, node.attr["data_format"].s.decode()
        name += "".join(" in " + one for one in own if one not in usual)
    return name
