"""Relations between calls, which need no oracle: TensorFlow is held against itself.

A relation makes other calls from a call, and says which parts of the results must then be equal, bit for bit on exact data.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from tf_conv_conformance.arguments import Arguments, Reading, TensorSpec, as_tuples, channels_first, read
from tf_conv_conformance.geometry import documented_padding
from tf_conv_conformance.oracle.correlation import Array
from tf_conv_conformance.oracle.models import is_atrous_strided

Tensors = tuple[Array, ...]


@dataclass(frozen=True)
class Other:
    """A call that a relation makes: its arguments and data, and its mode."""

    arguments: Arguments
    tensors: Tensors
    mode: str


Make = Callable[[Arguments, Reading, Tensors, str], Sequence[Other]]
Halves = Callable[[Reading, Array, Sequence[Array]], tuple[Array, Array]]


@dataclass(frozen=True)
class Relation:
    """A statement about a call and `others`: that both of `equal`, of its result and theirs, are the same."""

    name: str
    says: str
    others: Make
    equal: Halves
    applies: Callable[[Arguments, Reading, str], bool]


def _same(_: Reading, result: Array, others: Sequence[Array]) -> tuple[Array, Array]:
    return result, others[0]


def _spec(tensor: Array) -> TensorSpec:
    return TensorSpec(tuple(int(size) for size in tensor.shape))


def _four(arguments: Arguments, height: int, width: int) -> tuple[int, ...]:
    return (1, 1, height, width) if channels_first(arguments) else (1, height, width, 1)


def _as_grouped(arguments: Arguments, reading: Reading, tensors: Tensors, mode: str) -> list[Other]:
    """conv2d with a group for each channel, its filter the depthwise one with channels and multipliers in one axis."""
    x, w = tensors
    kernel = w.reshape(*w.shape[:2], 1, w.shape[2] * w.shape[3])
    dilations = _four(arguments, reading.height.rate, reading.width.rate)
    other = replace(arguments, op="conv2d", filter=_spec(kernel), dilations=dilations, via=None)
    return [Other(other, (x, kernel), mode)]


def _zero_filled(arguments: Arguments, reading: Reading, tensors: Tensors, mode: str) -> list[Other]:
    """No dilation, and a filter with the skipped cells written out as zeros."""
    x, w = tensors
    kernel = np.zeros((reading.height.dilated_filter, reading.width.dilated_filter, *w.shape[2:]))
    kernel[:: reading.height.rate, :: reading.width.rate] = w
    return [Other(replace(arguments, filter=_spec(kernel), dilations=None), (x, kernel), mode)]


def _explicitly_padded(arguments: Arguments, reading: Reading, tensors: Tensors, mode: str) -> list[Other]:
    """SAME as the explicit padding that its documentation computes."""
    spatial = [list(documented_padding(axis)) for axis in (reading.height, reading.width)]
    pairs = [[0, 0], [0, 0], *spatial] if reading.channels_first else [[0, 0], *spatial, [0, 0]]
    return [Other(replace(arguments, padding=as_tuples(pairs)), tensors, mode)]


def _parts(arguments: Arguments, reading: Reading, tensors: Tensors, mode: str) -> list[Other]:
    """The input in two parts that add up to it."""
    x, w = tensors
    part = np.where(np.arange(x.size).reshape(x.shape) % 2 == 0, x, 0)
    return [Other(arguments, (part, w), mode), Other(arguments, (x - part, w), mode)]


def _shifted(arguments: Arguments, reading: Reading, tensors: Tensors, mode: str) -> list[Other]:
    """The input moved down by as many rows as one step takes."""
    x, w = tensors
    axis = -2 if reading.channels_first else -3
    return [Other(arguments, (np.roll(x, reading.height.stride, axis=axis), w), mode)]


def _rows_but_one(reading: Reading, result: Array, others: Sequence[Array]) -> tuple[Array, Array]:
    """The rows of the result, and those of the moved one below its first, which alone saw the rows that came around."""
    axis = -2 if reading.channels_first else -3
    count = result.shape[axis]
    return np.take(result, range(count - 1), axis=axis), np.take(others[0], range(1, count), axis=axis)


def _batch_reversed(arguments: Arguments, reading: Reading, tensors: Tensors, mode: str) -> list[Other]:
    return [Other(arguments, (tensors[0][::-1], *tensors[1:]), mode)]


def _transposed(arguments: Arguments, reading: Reading, tensors: Tensors, mode: str) -> list[Other]:
    """The same in NCHW."""
    x = np.moveaxis(tensors[0], -1, -3)
    strides = (1, 1, reading.height.stride, reading.width.stride)
    padding = arguments.padding if isinstance(arguments.padding, str) else tuple(arguments.padding[index] for index in (0, 3, 1, 2))
    return [Other(replace(arguments, input=_spec(x), strides=strides, padding=padding, data_format="NCHW"), (x, *tensors[1:]), mode)]


def _again(arguments: Arguments, reading: Reading, tensors: Tensors, mode: str) -> list[Other]:
    return [Other(arguments, tensors, mode)]


def _eagerly(arguments: Arguments, reading: Reading, tensors: Tensors, mode: str) -> list[Other]:
    return [Other(arguments, tensors, "eager")]


def _forward(arguments: Arguments, _: Reading, mode: str) -> bool:
    return arguments.gradient is None


def _is_depthwise(arguments: Arguments, _: Reading, mode: str) -> bool:
    return arguments.op == "depthwise_conv2d" and arguments.gradient is None and not is_atrous_strided(arguments)


def _is_dilated(arguments: Arguments, reading: Reading, mode: str) -> bool:
    dilated = reading.height.rate > 1 or reading.width.rate > 1
    return dilated and arguments.gradient is None and not is_atrous_strided(arguments)


def _is_same(arguments: Arguments, reading: Reading, mode: str) -> bool:
    return arguments.padding == "SAME" and arguments.gradient is None and not is_atrous_strided(arguments)


def _can_be_moved(arguments: Arguments, reading: Reading, mode: str) -> bool:
    return arguments.padding == "VALID" and arguments.gradient is None and not is_atrous_strided(arguments)


def _has_batches(arguments: Arguments, reading: Reading, mode: str) -> bool:
    return arguments.gradient is None and reading.batch_shape[0] > 1


def _is_nhwc(arguments: Arguments, reading: Reading, mode: str) -> bool:
    return arguments.gradient is None and not reading.channels_first and len(reading.batch_shape) == 1


RELATIONS: dict[str, Relation] = {
    relation.name: relation
    for relation in (
        Relation("grouped", "a depthwise convolution is conv2d with a group for each channel", _as_grouped, _same, _is_depthwise),
        Relation("zero-filled", "a dilation is a filter with zeros between its elements", _zero_filled, _same, _is_dilated),
        Relation("explicit", "SAME is the explicit padding that it documents", _explicitly_padded, _same, _is_same),
        Relation("linear", "the result of a sum is the sum of the results", _parts, lambda _, y, parts: (y, parts[0] + parts[1]), _forward),
        Relation("translation", "an input moved by a stride moves the result by one", _shifted, _rows_but_one, _can_be_moved),
        Relation("batch", "the elements of a batch do not meet", _batch_reversed, lambda _, y, others: (y, others[0][::-1]), _has_batches),
        Relation("transposed", "NCHW is NHWC transposed", _transposed, lambda _, y, o: (y, np.moveaxis(o[0], -3, -1)), _is_nhwc),
        Relation("again", "a second run gives the same bits", _again, _same, lambda _a, _r, mode: True),
        Relation("modes", "every mode gives the bits that eager does", _eagerly, _same, lambda _a, _r, mode: mode != "eager"),
    )
}


def speaks_about(name: str, arguments: Arguments, mode: str) -> bool:
    """Whether a relation says anything about a call."""
    reading = read(arguments)
    return reading is not None and RELATIONS[name].applies(arguments, reading, mode)
