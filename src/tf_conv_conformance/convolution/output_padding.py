"""The output padding of Keras's transposed convolution, from the shape that its output has."""

from __future__ import annotations

from tf_conv_conformance.convolution.arguments import Arguments, Interpretation, interpret
from tf_conv_conformance.convolution.geometry import Axis, documented_size


def output_padding(arguments: Arguments) -> tuple[int, int] | None:
    """Return the output padding for height and width; None for the shape that Keras infers.

    The sizes are those of keras.src.backend.common.backend_utils.
    compute_conv_transpose_output_length. They may be out of what Keras allows.
    """
    meaning = interpret(arguments)
    if meaning is None:
        return None
    sizes = list(zip(meaning.axes, _upstream_sizes(arguments, meaning), strict=True))
    if all(axis.size == _inferred(axis, size) for axis, size in sizes):
        return None
    height, width = (axis.size - _least(axis, size) for axis, size in sizes)
    return height, width


def _upstream_sizes(arguments: Arguments, meaning: Interpretation) -> tuple[int, ...]:
    """Return the height and width of the layer's input."""
    if arguments.upstream is None or len(arguments.upstream) != 4:
        return tuple(map(documented_size, meaning.axes))
    return arguments.upstream[2:] if meaning.channels_first else arguments.upstream[1:3]


def _inferred(axis: Axis, size: int) -> int:
    if axis.padding == "SAME":
        return size * axis.stride
    return size * axis.stride + max(axis.dilated_filter - axis.stride, 0)


def _least(axis: Axis, size: int) -> int:
    """Return the size of an output without output padding."""
    beyond = axis.dilated_filter
    if axis.padding == "SAME":
        beyond -= 2 * (beyond // 2)
    return (size - 1) * axis.stride + beyond
