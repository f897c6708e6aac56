"""What the arguments of a call mean, and its tensors in one layout whatever the data format."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from tf_conv_conformance import ConformanceError
from tf_conv_conformance.convolution.arguments import (
    Arguments,
    Interpretation,
    in_groups,
    interpret,
)
from tf_conv_conformance.prediction.correlation import Array


class NoResultError(ConformanceError):
    """A model has no result for the arguments; the message says why."""


def interpretation_of(arguments: Arguments) -> Interpretation:
    """Return what the arguments mean. Raises :class:`NoResultError` if they mean nothing."""
    interpretation = interpret(arguments)
    if interpretation is None:
        raise NoResultError("the arguments have no meaning as a convolution")
    return interpretation


def channels_out(arguments: Arguments, interpretation: Interpretation) -> int:
    """Return the channels of the result.

    Raises :class:`NoResultError` if input and filter do not fit.
    """
    in_channels, out = interpretation.in_channels, interpretation.filter_out
    depth = interpretation.filter_in_channels
    if arguments.op == "depthwise_conv2d":
        if in_channels != depth:
            message = f"the filter is for {depth} channels, but the input has {in_channels}"
            raise NoResultError(message)
        return in_channels * out
    if in_channels != depth and not in_groups(in_channels, depth, out):
        groups = f"{in_channels} input channels in groups of {depth}"
        raise NoResultError(f"{groups} do not fit {out} output channels")
    return out


def shape_in_layout(
    arguments: Arguments, interpretation: Interpretation, sizes: Sequence[int]
) -> tuple[int, ...]:
    """Return the shape of a result with this height and width, in the call's data format.

    Raises :class:`NoResultError`.
    """
    sizes = sizes[-interpretation.dimensions :]
    if min(sizes) < 0:
        raise NoResultError(f"the size of the result would be {' × '.join(map(str, sizes))}")
    batch, channels = interpretation.batch_shape, channels_out(arguments, interpretation)
    if interpretation.channels_first:
        return (*batch, channels, *sizes)
    return (*batch, *sizes, channels)


def flat(interpretation: Interpretation, tensor: Array) -> Array:
    """Return a tensor in the call's data format as ``(batch, height, width, channels)``."""
    first = -1 - interpretation.dimensions
    channels_last = np.moveaxis(tensor, first, -1) if interpretation.channels_first else tensor
    inner = channels_last.shape[first:]
    height = (1,) if interpretation.dimensions == 1 else ()
    return channels_last.reshape(math.prod(interpretation.batch_shape), *height, *inner)


def in_layout(interpretation: Interpretation, result: Array) -> Array:
    """Return ``(batch, height, width, channels)`` in the call's data format and batch shape."""
    dimensions = interpretation.dimensions
    shaped = result.reshape(*interpretation.batch_shape, *result.shape[-1 - dimensions :])
    return np.moveaxis(shaped, -1, -1 - dimensions) if interpretation.channels_first else shaped
