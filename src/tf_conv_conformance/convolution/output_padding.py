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
    if all(axis.size == inferred_size(axis, size) for axis, size in sizes):
        return None
    height, width = (axis.size - least_size(axis, size) for axis, size in sizes)
    return height, width


def _upstream_sizes(arguments: Arguments, meaning: Interpretation) -> tuple[int, ...]:
    """Return the height and width of the layer's input."""
    if arguments.upstream is None or len(arguments.upstream) != 4:
        return tuple(map(documented_size, meaning.axes))
    return arguments.upstream[2:] if meaning.channels_first else arguments.upstream[1:3]


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
