"""Write a call as its entry point takes it: keyword arguments and Python source."""

from __future__ import annotations

import math
from typing import Any

from tf_conv_conformance.convolution.arguments import (
    FORMATS,
    KERAS_FORMATS,
    Arguments,
    as_lists,
    dimension_names,
    in_channels_of,
)
from tf_conv_conformance.convolution.output_padding import output_padding


def keywords(arguments: Arguments) -> dict[str, Any]:
    """Return the keyword arguments of a call other than its tensors, as JSON values."""
    entry_point = arguments.entry_point
    given, own = {}, {"strides": entry_point.strides_name, "dilations": entry_point.dilations_name}
    for name in entry_point.parameters:
        value = as_lists(getattr(arguments, name))
        if value is not None:
            given[own.get(name, name)] = value
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
    sizes = arguments.input.shape
    names = dimension_names(arguments, len(sizes))
    shape = [None if name in unknown else size for name, size in zip(names, sizes, strict=True)]
    x = None if "rank" in unknown else shape
    w: list[int | None] | None = None if "filter" in unknown else list(arguments.filter.shape)
    return [x, w]


def source(arguments: Arguments) -> list[str]:
    """Return lines of Python that define `convolve`, a function of the input and the filter.

    For an entry point that computes a gradient, they define `gradient`, which takes the upstream
    gradient as well. For a Keras layer they take `x` and `w` from NumPy, since the layer is built
    before the graph.
    """
    entry_point = arguments.entry_point
    given = "".join(f", {name}={value!r}" for name, value in keywords(arguments).items())
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
