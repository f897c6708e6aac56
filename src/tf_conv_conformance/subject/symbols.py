"""Find the symbols of TensorFlow and Keras, and make functions of input and filter with them.

Runs in the worker, on Python 3.7.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable
from typing import Any

import numpy as np

from .exceptions import RaisedError, observed


def resolve(tf: Any, symbol: str) -> Any:
    """Return the function or class of a symbol such as ``tf.nn.conv2d`` or ``keras.ops.conv``."""
    root, *path = symbol.split(".")
    target = tf if root == "tf" else importlib.import_module(root)
    for name in path:
        target = getattr(target, name)
    return target


def convolution(
    tf: Any, symbol: str, keywords: dict[str, Any], x: Any, w: Any
) -> tuple[Callable[..., Any], Any]:
    """Return the call as a function of input and filter, and the variable that holds the filter.

    The variable is None except for a Keras layer. The layer is built here, since a graph may not
    create its variables. The function itself computes nothing, so any exception that it raises
    comes from TensorFlow.
    """
    function = observed(resolve, tf, symbol)
    if ".raw_ops." in symbol:
        return lambda x, w: function(input=x, filter=w, **keywords), None
    if symbol == "tf.nn.separable_conv2d":
        size, dtype = int(w.shape[2]) * int(w.shape[3]), w.dtype

        def separable(x: Any, w: Any) -> Any:
            return function(x, w, tf.eye(size, dtype=dtype)[None, None], **keywords)

        return separable, None
    if ".keras." not in symbol:
        return lambda x, w: function(x, w, **keywords), None
    layer = keras_layer(function, symbol, keywords, x, w)
    return lambda x, w: layer(x), layer.trainable_weights[0]


def gradient_operator(
    tf: Any, symbol: str, keywords: dict[str, Any], places: dict[str, int], tensors: list[Any]
) -> Callable[..., Any]:
    """Return the call as a function of input, filter and upstream gradient.

    `places` says which of these the operator takes, by its name for them. A Keras layer is built
    here, for the given `tensors`.
    """
    function = observed(resolve, tf, symbol)
    if ".keras." in symbol:
        layer = transposed_layer(function, keywords, *tensors[1:])
        return lambda x, w, upstream: layer(upstream)

    def call(*tensors: Any) -> Any:
        return function(**{name: tensors[place] for name, place in places.items()}, **keywords)

    return call


def transposed_layer(function: Any, keywords: dict[str, Any], w: Any, upstream: Any) -> Any:
    """Return Keras's layer for transposed convolution that holds the filter `w`."""
    return built(new_transposed_layer(function, keywords, w, upstream), upstream.shape, w)


def new_transposed_layer(function: Any, keywords: dict[str, Any], w: Any, upstream: Any) -> Any:
    """Return Keras's layer for transposed convolution that can hold the filter `w`."""
    given = dict(use_bias=False, dtype=upstream.dtype.name, **keywords)
    return observed(function, filters=w.shape[2], kernel_size=tuple(w.shape[:2]), **given)


def keras_layer(function: Any, symbol: str, keywords: dict[str, Any], x: Any, w: Any) -> Any:
    """Return a Keras layer that holds the filter `w`."""
    return built(new_layer(function, symbol, keywords, x, w), x.shape, w)


def built(layer: Any, shape: Any, w: Any) -> Any:
    """Build a Keras layer for an input's shape, and return it with the filter `w`."""
    observed(layer.build, shape)
    weights = [np.asarray(w)]
    if len(layer.trainable_weights) > 1:  # a pointwise filter
        weights.append(np.eye(int(w.shape[2]) * int(w.shape[3]))[None, None])
    layer.set_weights(weights)
    return layer


def new_layer(function: Any, symbol: str, keywords: dict[str, Any], x: Any, w: Any) -> Any:
    """Return a Keras layer that can hold the filter `w`."""
    sizes: dict[str, Any] = {"depth_multiplier": w.shape[-1]}
    name = symbol.rpartition(".")[2]
    if name in ("Conv1D", "Conv2D"):
        sizes = {"filters": w.shape[-1]}
        first = 1 - len(w.shape)  # the place of channels that come before the sizes
        in_channels = x.shape[first if keywords.get("data_format") == "channels_first" else -1]
        if in_channels != w.shape[-2]:
            sizes["groups"] = in_channels // w.shape[-2]  # TensorFlow 1 has no such argument
    elif name == "SeparableConv2D":
        sizes["filters"] = w.shape[-2] * w.shape[-1]
    given = dict(sizes, use_bias=False, dtype=x.dtype.name, **keywords)
    return observed(function, kernel_size=tuple(w.shape[:-2]), **given)


def symbolic_shapes(
    function: Any, keras_input: Any, request: Any, tensors: list[Any]
) -> dict[str, Any]:
    """Return what a Keras layer knows of its result's shape without data, if it is a layer's.

    `symbolic` is the shape of its call with ``keras.Input``, and `computed` that of its method
    ``compute_output_shape``, both for an unknown batch. Each is of a layer of its own, since older
    layers remember the shape of their first call. An exception is its name.
    """
    x, w = tensors[:2]
    is_transposed = "tensors" in request
    given = tensors[2] if is_transposed else x
    known = request["signature"][0] if "signature" in request else list(given.shape)
    if (request["gradient"] and not is_transposed) or known is None:
        return {}
    sizes = [None if size is None else int(size) for size in known[1:]]

    def new() -> Any:
        if is_transposed:
            return new_transposed_layer(function, request["keywords"], w, given)
        return new_layer(function, request["function"], request["keywords"], x, w)

    def symbolic() -> Any:
        return layer(keras_input(shape=sizes, dtype=given.dtype.name)).shape

    def computed() -> Any:
        return layer.compute_output_shape((None, *sizes))

    found: dict[str, Any] = {}
    for name, ask in (("symbolic", symbolic), ("computed", computed)):
        try:
            layer = new()
            shape = observed(ask)
        except RaisedError as raised:
            found[name] = type(raised.error).__name__
        else:
            found[name] = plain_sizes(shape)
    return found


def plain_sizes(shape: Any) -> list[int | None] | None:
    """Return a shape of TensorFlow or Keras as a list, None for a size or a rank not known."""
    if getattr(shape, "ndims", 0) is None:
        return None
    sizes = shape.as_list() if hasattr(shape, "as_list") else shape
    return [None if size is None else int(size) for size in sizes]
