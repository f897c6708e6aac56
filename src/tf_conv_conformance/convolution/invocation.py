"""Write a call as its entry point takes it: keyword arguments and Python source."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from typing import Any

from tf_conv_conformance.convolution.arguments import (
    FORMATS,
    KERAS_FORMATS,
    Arguments,
    as_lists,
    channels_first,
    dimension_names,
    in_channels_of,
)
from tf_conv_conformance.convolution.company import SYMBOLS, TENSORS
from tf_conv_conformance.convolution.output_padding import output_padding


def keywords(arguments: Arguments) -> dict[str, Any]:
    """Return the keyword arguments of a call other than its tensors, as JSON values."""
    entry_point = arguments.entry_point
    given, own = {}, {"strides": entry_point.strides_name, "dilations": entry_point.dilations_name}
    for name in entry_point.parameters:
        value = as_lists(getattr(arguments, name))
        if value is not None:
            given[own.get(name, name)] = value
    if arguments.op_name is not None:
        given["name"] = arguments.op_name
    if entry_point.is_keras and "data_format" in given:
        words = dict(zip(FORMATS[arguments.dimensions], KERAS_FORMATS, strict=True))
        given["data_format"] = words.get(given["data_format"], given["data_format"])
    if entry_point.is_keras and given["padding"] in ("SAME", "VALID") and not entry_point.is_layer:
        given["padding"] = given["padding"].lower()
    if entry_point.style == "raw op" and isinstance(given["padding"], list):
        amounts = [amount for pair in given["padding"] for amount in pair]
        given |= {"padding": "EXPLICIT", "explicit_paddings": amounts}
    if entry_point.computes is not None and entry_point.is_layer:
        padding = output_padding(arguments)
        return given if padding is None else {**given, "output_padding": list(padding)}
    if entry_point.computes is not None:
        given = {entry_point.sizes_name: list(arguments.given_sizes), **given}
    return given


def company(arguments: Arguments) -> dict[str, list[Any]]:
    """Return the operations before and after the convolution as JSON values.

    Each has its function, the number of tensors that it takes beside its input, and its keyword
    arguments. It is empty for a convolution alone.
    """
    made = {
        name: [
            [SYMBOLS[one.name], len(TENSORS[one.name]), one.keywords(_format(arguments))]
            for one in getattr(arguments, name)
        ]
        for name in ("before", "after")
    }
    return made if arguments.in_company else {}


def _format(arguments: Arguments) -> str:
    return "NCHW" if channels_first(arguments) else "NHWC"


def beside(arguments: Arguments) -> dict[str, str]:
    """Return the names of the tensors of the operations after the convolution, with their dtypes.

    Names that come more than once are numbered.
    """
    found, counts = dict[str, str](), Counter[str]()
    for operation in arguments.after:
        is_normal = operation.name == "fused_batch_norm"
        for name in TENSORS[operation.name]:
            counts[name] += 1
            number = counts[name] + (name == "filter")  # the convolution has the first
            written = "w" if name == "filter" else name
            dtype = "float32" if is_normal else arguments.dtype
            found[f"{written}{number}" if number > 1 else written] = dtype
    return found


def tensor_names(arguments: Arguments) -> dict[str, int] | None:
    """Return the tensors that an entry point for gradients takes, by name.

    The numbers are their places among input, filter and upstream gradient. It is None for other
    entry points.
    """
    entry_point = arguments.entry_point
    if entry_point.computes is None:
        return None
    if entry_point.is_layer:
        return {entry_point.upstream_name: 2}
    other = {"input": 1, "filter": 0}[entry_point.computes]
    return {entry_point.tensor_name: other, entry_point.upstream_name: 2}


def signature(arguments: Arguments) -> list[list[int | None] | None] | None:
    """Return the shapes that a traced function knows of input and filter; None if it knows all.

    A size or a shape that is not known is None.
    """
    unknown = arguments.unknown
    if not unknown:
        return None
    x = None if "rank" in unknown else known_sizes(arguments, arguments.input.shape)
    w: list[int | None] | None = None if "filter" in unknown else list(arguments.filter.shape)
    return [x, w]


def known_sizes(arguments: Arguments, sizes: Sequence[int]) -> list[int | None]:
    """Return the sizes of an input or a result, None for those that a traced function ignores."""
    named = zip(dimension_names(arguments, len(sizes)), sizes, strict=True)
    return [None if name in arguments.unknown else size for name, size in named]


def known_beside(arguments: Arguments, shapes: Sequence[Sequence[int]]) -> list[list[int | None]]:
    """Return what a traced function knows of the shapes of the tensors from :func:`beside`.

    An addend is known as well as the result that it is added to.
    """
    named = zip(beside(arguments), shapes, strict=True)
    return [
        known_sizes(arguments, shape) if name.startswith("addend") else list(shape)
        for name, shape in named
    ]


def source(arguments: Arguments) -> list[str]:
    """Return lines of Python that define `convolve`, a function of the input and the filter.

    For an entry point that computes a gradient, they define `gradient`, which takes the upstream
    gradient as well. For a Keras layer they take `x` and `w` from NumPy, since the layer is built
    before the graph.
    """
    entry_point = arguments.entry_point
    given = _as_source(keywords(arguments))
    size = math.prod(arguments.filter.shape[2:])  # of the pointwise identity
    if entry_point.is_layer:
        x, taken = ("x", "x, w") if entry_point.computes is None else ("dy", "x, w, dy")
        name = "convolve" if entry_point.computes is None else "gradient"
        identity = f", np.eye({size})[None, None]" if entry_point.pointwise else ""
        return [
            f"layer = {entry_point.symbol}({_layer_sizes(arguments)}{given}, use_bias=False, "
            f"dtype={arguments.dtype!r})",
            f"layer.build({x}.shape)",
            f"layer.set_weights([w{identity}])",
            f"{name} = lambda {taken}: layer({x})",
        ]
    if (names := tensor_names(arguments)) is not None:
        tensors = ", ".join(f"{name}={('x', 'w', 'dy')[place]}" for name, place in names.items())
        return [f"gradient = lambda x, w, dy: {entry_point.symbol}({tensors}{given})"]
    tensors = "input=x, filter=w" if entry_point.style == "raw op" else "x, w"
    if entry_point.pointwise:
        tensors = f"x, w, tf.eye({size}, dtype=w.dtype)[None, None]"
    return [f"convolve = lambda x, w: {entry_point.symbol}({tensors}{given})"]


def source_in_company(arguments: Arguments) -> list[str]:
    """Return lines that define `in_company`: `convolve` with the operations around it.

    It takes input and filter, then the tensors that :func:`beside` names.
    """
    names, made = list(beside(arguments)), company(arguments)
    lines = [f"def in_company({', '.join(['x', 'w', *names])}):"]
    for symbol, _, given in made["before"]:
        lines.append(f"    x = {symbol}(x{_as_source(given)})")
    lines.append("    y = convolve(x, w)")
    for symbol, count, given in made["after"]:
        own, names = names[:count], names[count:]
        first = "[0]" if symbol == SYMBOLS["fused_batch_norm"] else ""
        lines.append(f"    y = {symbol}({', '.join(['y', *own])}{_as_source(given)}){first}")
    return [*lines, "    return y"]


def _as_source(given: dict[str, Any]) -> str:
    return "".join(f", {name}={value!r}" for name, value in given.items())


def _layer_sizes(arguments: Arguments) -> str:
    """Return the arguments for which a Keras layer creates a filter of the call's shape."""
    *sizes, filter_in_channels, out = arguments.filter.shape
    kernel = str(tuple(sizes))
    if arguments.entry_point.computes is not None:
        return f"{filter_in_channels}, {kernel}"
    if arguments.op == "depthwise_conv2d":
        filters = f"{filter_in_channels * out}, " if arguments.entry_point.pointwise else ""
        return f"{filters}{kernel}, depth_multiplier={out}"
    groups = in_channels_of(arguments) // filter_in_channels
    return f"{out}, {kernel}" + (f", groups={groups}" if groups > 1 else "")
