"""The output padding of Keras's transposed convolution, and the shape of its output."""

from __future__ import annotations

from collections.abc import Sequence

from tf_conv_conformance.convolution.arguments import (
    CHANNELS_FIRST,
    Arguments,
    Interpretation,
    IntOrInts,
    TensorSpec,
    interpret,
)
from tf_conv_conformance.convolution.company import Pairs
from tf_conv_conformance.convolution.geometry import Axis, documented_size
from tf_conv_conformance.convolution.names import Symbol

SYMBOL: Symbol = "tf.keras.layers.Conv2DTranspose"


def output_padding(arguments: Arguments) -> tuple[int, int] | None:
    """Return the output padding for height and width; None for the shape that Keras infers.

    The sizes are those of keras.src.backend.common.backend_utils.
    compute_conv_transpose_output_length. They may be out of what Keras allows.
    """
    meaning = interpret(arguments)
    if meaning is None:
        return None
    sizes = list(zip(meaning.axes, _upstream_sizes(arguments, meaning), strict=True))
    if all(axis.size == inferred_size(axis, size) for axis, size in sizes):
        return None
    height, width = (axis.size - least_size(axis, size) for axis, size in sizes)
    return height, width


def _upstream_sizes(arguments: Arguments, meaning: Interpretation) -> tuple[int, ...]:
    """Return the height and width of the layer's input."""
    if arguments.upstream is None or len(arguments.upstream) != 4:
        return tuple(map(documented_size, meaning.axes))
    return arguments.upstream[2:] if meaning.channels_first else arguments.upstream[1:3]


def output_shape(
    upstream: Sequence[int],
    filter_sizes: Sequence[int],
    added: Sequence[int | None],
    *,
    strides: IntOrInts,
    dilations: IntOrInts,
    padding: str | Pairs,
    data_format: str | None,
) -> list[int] | None:
    """Return the shape of the layer's output for that of its input, which is `upstream`.

    What is `added` to height and width is the layer's `output_padding`, or None. The shape is None
    if the documentation gives none.
    """
    first = data_format in CHANNELS_FIRST
    output = list(upstream)
    output[1 if first else -1] = filter_sizes[2]
    x, w = TensorSpec(tuple(output)), TensorSpec(tuple(filter_sizes))
    meaning = interpret(
        Arguments("conv2d", x, w, strides, padding, dilations, data_format, via=SYMBOL)
    )
    if meaning is None:
        return None
    places = (2, 3) if first else (1, 2)
    for place, axis, more in zip(places, meaning.axes, added, strict=True):
        size = upstream[place]
        output[place] = inferred_size(axis, size) if more is None else least_size(axis, size) + more
    return output


def inferred_size(axis: Axis, size: int) -> int:
    """Return the size of the output for an input's size, without `output_padding`."""
    if axis.padding == "SAME":
        return size * axis.stride
    return size * axis.stride + max(axis.dilated_filter - axis.stride, 0)


def least_size(axis: Axis, size: int) -> int:
    """Return the size of the output to which `output_padding` adds."""
    beyond = axis.dilated_filter
    if axis.padding == "SAME":
        beyond -= 2 * (beyond // 2)
    return (size - 1) * axis.stride + beyond
