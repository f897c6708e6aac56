"""Make the operations around a convolution, and read what TensorFlow made of them.

Runs in the worker, on Python 3.7.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from .symbols import resolve

PLUMBING = (
    "_Arg", "_Retval", "_DeviceArg", "_DeviceRetval", "Const", "_HostConst", "Identity",
    "IdentityN", "NoOp", "Placeholder", "_Send", "_Recv", "_HostSend", "_HostRecv",
)  # fmt: skip
"""Operations that compute nothing."""


def in_company(tf: Any, request: Any, function: Callable[..., Any]) -> Callable[..., Any]:
    """Return `function` with the operations of a request around it.

    It takes input and filter, then the tensors of the operations after the convolution.
    """

    def call(x: Any, w: Any, *others: Any) -> Any:
        for symbol, _, keywords in request["before"]:
            x = resolve(tf, symbol)(x, **keywords)
        y, rest = function(x, w), list(others)
        for symbol, count, keywords in request["after"]:
            y = resolve(tf, symbol)(y, *rest[:count], **keywords)
            y = y[0] if isinstance(y, (tuple, list)) else y
            del rest[:count]
        return y

    return call


@contextmanager
def executed(tf: Any) -> Iterator[list[str]]:
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
    finally:
        metadata = context.export_run_metadata()
        context.disable_graph_collection()
        for graph in metadata.partition_graphs:
            found += operations(graph)


def operations(graph: Any) -> list[str]:
    """Return the operations of a graph that compute something, each after those that it needs.

    What is fused into one is in parentheses: ``_FusedConv2D(BiasAdd, Relu)``.
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
    return [_name(node) for node in found if node.op not in PLUMBING]


def _name(node: Any) -> str:
    if "fused_ops" not in node.attr or not node.attr["fused_ops"].list.s:
        return str(node.op)
    fused = ", ".join(name.decode() for name in node.attr["fused_ops"].list.s)
    return "{}({})".format(node.op, fused)
