"""Relations between calls, which need no oracle: TensorFlow is held against itself.

A relation makes other calls from a call, and says which parts of the results must then be equal: bit for bit on exact data, within
the sum of their error bounds on reals.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from tf_conv_conformance.convolution import obstacles
from tf_conv_conformance.convolution.arguments import (
    Arguments,
    Interpretation,
    IntOrInts,
    TensorSpec,
    as_tuples,
    channels_first,
    interpret,
    padding_of,
)
from tf_conv_conformance.convolution.geometry import documented_padding
from tf_conv_conformance.prediction.correlation import Array
from tf_conv_conformance.prediction.models import is_atrous_strided
from tf_conv_conformance.prediction.predict import Refuses, predict

Tensors = tuple[Array, ...]


def _unchanged(tensors: Tensors) -> Tensors:
    return tensors


@dataclass(frozen=True)
class Other:
    """A call that a relation makes.

    `tensors` turns the first call's tensors into its own, and `x` and `w` are the same in NumPy, for people. `breaks` are the rules
    that it breaks on purpose.
    """

    arguments: Arguments
    mode: str
    tensors: Callable[[Tensors], Tensors] = _unchanged
    x: str = "x"
    w: str = "w"
    breaks: tuple[str, ...] = ()


Make = Callable[[Arguments, Interpretation, str], Sequence[Other]]
Halves = Callable[[Interpretation, Array, Sequence[Array]], tuple[Array, Array]]


@dataclass(frozen=True)
class Relation:
    """A statement about a call and `others`: that both of `equal`, of its result and theirs, are the same.

    `needs` says to which calls it `applies`. `halves` is `equal` in NumPy, of `y` and `y1`, `y2`. `bitwise` holds for reals as well.
    """

    name: str
    says: str
    needs: str
    applies: Callable[[Arguments, Interpretation, str], bool]
    others: Make
    equal: Halves
    halves: Callable[[Interpretation], str]
    bitwise: bool = False


def _result(_: Interpretation, result: Array, others: Sequence[Array]) -> tuple[Array, Array]:
    return result, others[0]


def _y_and_y1(_: Interpretation) -> str:
    return "y, y1"


def _as_grouped(arguments: Arguments, interpretation: Interpretation, mode: str) -> list[Other]:
    """conv2d with a group for each channel, its filter the depthwise one with channels and multipliers in one axis."""
    height, width, in_channels, multiplier = arguments.filter.shape
    shape = (height, width, 1, in_channels * multiplier)
    rates = (interpretation.height.rate, interpretation.width.rate)
    grouped = replace(
        arguments,
        op="conv2d",
        filter=TensorSpec(shape),
        padding=padding_of(arguments),
        dilations=(1, 1, *rates) if interpretation.channels_first else (1, *rates, 1),
        via=None,
    )
    return [
        Other(
            grouped,
            mode,
            lambda tensors: (tensors[0], tensors[1].reshape(shape)),
            w=f"w.reshape({shape})",
            breaks=("conv2d.in-channels",),  # tf.nn.conv2d computes groups, and documents none
        )
    ]


def _zero_filled(arguments: Arguments, interpretation: Interpretation, mode: str) -> list[Other]:
    """No dilation, and a filter with the skipped cells written out as zeros."""
    sizes = (interpretation.height.dilated_filter, interpretation.width.dilated_filter)
    rates = (interpretation.height.rate, interpretation.width.rate)
    shape = (*sizes, *arguments.filter.shape[2:])

    def filled(tensors: Tensors) -> Tensors:
        kernel = np.zeros(shape)
        kernel[:: rates[0], :: rates[1]] = tensors[1]
        return tensors[0], kernel

    rows, columns = (f"np.eye({size})[::{rate}]" for size, rate in zip(sizes, rates, strict=True))
    undilated = replace(
        arguments,
        filter=TensorSpec(shape),
        dilations=1 if arguments.entry_point.needs_dilations else None,
    )
    return [
        Other(undilated, mode, filled, w=f"np.einsum('hH,wW,hwio->HWio', {rows}, {columns}, w)")
    ]


def _explicitly_padded(
    arguments: Arguments, interpretation: Interpretation, mode: str
) -> list[Other]:
    """SAME as the explicit padding that its documentation computes."""
    spatial = [
        list(documented_padding(axis)) for axis in (interpretation.height, interpretation.width)
    ]
    pairs = (
        [[0, 0], [0, 0], *spatial] if interpretation.channels_first else [[0, 0], *spatial, [0, 0]]
    )
    return [Other(replace(arguments, padding=as_tuples(pairs)), mode)]


def _parts(arguments: Arguments, interpretation: Interpretation, mode: str) -> list[Other]:
    """The input in two parts that add up to it: its elements of even and of odd number."""

    def part(odd: bool) -> Other:
        def made(tensors: Tensors) -> Tensors:
            x = tensors[0]
            return np.where(np.arange(x.size).reshape(x.shape) % 2 == odd, x, 0), *tensors[1:]

        expression = f"np.where(np.arange(x.size).reshape(x.shape) % 2 == {int(odd)}, x, 0)"
        return Other(
            replace(arguments, input=TensorSpec(arguments.input.shape)), mode, made, x=expression
        )

    return [part(odd=False), part(odd=True)]


def _rows(interpretation: Interpretation) -> int:
    """The axis of the rows."""
    return -2 if interpretation.channels_first else -3


def _shifted(arguments: Arguments, interpretation: Interpretation, mode: str) -> list[Other]:
    """The input moved down by as many rows as one step takes."""
    stride, axis = interpretation.height.stride, _rows(interpretation)
    moved = replace(arguments, input=TensorSpec(arguments.input.shape))
    return [
        Other(
            moved,
            mode,
            lambda tensors: (np.roll(tensors[0], stride, axis=axis), *tensors[1:]),
            x=f"np.roll(x, {stride}, axis={axis})",
        )
    ]


def _rows_but_one(
    interpretation: Interpretation, result: Array, others: Sequence[Array]
) -> tuple[Array, Array]:
    """The rows of the result but the last, and those of the moved one but the first, which alone saw the rows that came around."""
    axis = _rows(interpretation)
    count = result.shape[axis]
    return np.take(result, range(count - 1), axis=axis), np.take(
        others[0], range(1, count), axis=axis
    )


def _rows_but_one_text(interpretation: Interpretation) -> str:
    rest = ", :" * (-_rows(interpretation) - 1)
    return f"y[..., :-1{rest}], y1[..., 1:{rest}]"


def _batch_reversed(arguments: Arguments, interpretation: Interpretation, mode: str) -> list[Other]:
    turned = replace(arguments, input=TensorSpec(arguments.input.shape))
    return [Other(turned, mode, lambda tensors: (tensors[0][::-1], *tensors[1:]), x="x[::-1]")]


def _channels_second(value: IntOrInts | None) -> IntOrInts | None:
    """Strides or dilations with the entry of the channels second; those without one stay as they are."""
    if isinstance(value, tuple) and len(value) == 4:
        return value[0], value[3], value[1], value[2]
    return value


def _transposed(arguments: Arguments, interpretation: Interpretation, mode: str) -> list[Other]:
    """The same in NCHW."""
    batch, height, width, in_channels = arguments.input.shape
    padding = arguments.padding
    strides = _channels_second(arguments.strides)
    assert strides is not None
    moved = replace(
        arguments,
        input=TensorSpec((batch, in_channels, height, width)),
        strides=strides,
        padding=padding
        if isinstance(padding, str)
        else (padding[0], padding[3], padding[1], padding[2]),
        dilations=_channels_second(arguments.dilations),
        data_format="NCHW",
    )
    return [
        Other(
            moved,
            mode,
            lambda tensors: (np.moveaxis(tensors[0], -1, -3), *tensors[1:]),
            x="np.moveaxis(x, -1, -3)",
        )
    ]


def _forward(arguments: Arguments, _: Interpretation, mode: str) -> bool:
    return arguments.gradient is None


def _documented_forward(arguments: Arguments) -> bool:
    return arguments.gradient is None and not is_atrous_strided(arguments)


RELATIONS: dict[str, Relation] = {
    relation.name: relation
    for relation in (
        Relation(
            "grouped",
            "a depthwise convolution is conv2d with a group for each channel",
            "a depthwise_conv2d call without a gradient, and without a stride and a rate above 1 together",
            lambda arguments, _, mode: (
                arguments.op == "depthwise_conv2d" and _documented_forward(arguments)
            ),
            _as_grouped,
            _result,
            _y_and_y1,
        ),
        Relation(
            "zero-filled",
            "a dilation is a filter with zeros between its elements",
            "a rate above 1 and no gradient; for depthwise_conv2d also strides of 1",
            lambda arguments, r, mode: (
                max(r.height.rate, r.width.rate) > 1 and _documented_forward(arguments)
            ),
            _zero_filled,
            _result,
            _y_and_y1,
        ),
        Relation(
            "explicit",
            "SAME is the explicit padding that it documents",
            "SAME padding and no gradient, and for depthwise_conv2d not a stride and a rate above 1 together",
            lambda arguments, r, mode: (
                r.height.padding == "SAME" and _documented_forward(arguments)
            ),
            _explicitly_padded,
            _result,
            _y_and_y1,
        ),
        Relation(
            "linear",
            "the result of a sum is the sum of the results",
            "no gradient",
            _forward,
            _parts,
            lambda _, y, parts: (y, parts[0] + parts[1]),
            lambda _: "y, y1 + y2",
        ),
        Relation(
            "translation",
            "an input moved by a stride moves the result by one",
            "VALID padding and no gradient, and for depthwise_conv2d not a stride and a rate above 1 together",
            lambda arguments, r, mode: (
                r.height.padding == "VALID" and _documented_forward(arguments)
            ),
            _shifted,
            _rows_but_one,
            _rows_but_one_text,
        ),
        Relation(
            "batch",
            "batch elements are independent",
            "a batch of 2 or more and no gradient",
            lambda arguments, r, mode: arguments.gradient is None and r.batch_shape[0] > 1,
            _batch_reversed,
            lambda _, y, others: (y, others[0][::-1]),
            lambda _: "y, y1[::-1]",
        ),
        Relation(
            "transposed",
            "NCHW is NHWC transposed",
            "an NHWC input of rank 4 and no gradient",
            lambda arguments, r, mode: (
                arguments.gradient is None
                and not channels_first(arguments)
                and len(r.batch_shape) == 1
            ),
            _transposed,
            lambda _, y, others: (y, np.moveaxis(others[0], -3, -1)),
            lambda _: "y, np.moveaxis(y1, -3, -1)",
        ),
        Relation(
            "again",
            "a second run gives the same bits",
            "a result",
            lambda arguments, _, mode: True,
            lambda arguments, _, mode: [Other(arguments, mode)],
            _result,
            _y_and_y1,
            bitwise=True,
        ),
        Relation(
            "modes",
            "every mode gives the result of eager mode",
            "graph or xla mode",
            lambda arguments, _, mode: mode != "eager",
            lambda arguments, _, mode: [Other(arguments, "eager")],
            _result,
            _y_and_y1,
        ),
    )
}


def obstacle(name: str, arguments: Arguments, mode: str) -> str | None:
    """Return why a relation cannot be held for a call that has a result; None if it can."""
    relation, interpretation = RELATIONS[name], interpret(arguments)
    if interpretation is None or not relation.applies(arguments, interpretation, mode):
        return f"{name} needs {relation.needs}"
    for other in relation.others(arguments, interpretation, mode):
        if other.arguments == arguments:
            continue  # whatever the documentation says of it, the call has a result
        if reason := obstacles.obstacle(other.arguments):
            return f"{name} makes another call, which cannot be made: {reason[1]}"
        documented = predict(other.arguments).documented
        because = documented.because if isinstance(documented, Refuses) else ()
        rules = [rule for rule in because if rule not in other.breaks]
        if rules and documented != predict(arguments).documented:
            return (
                f"{name} makes another call, which the documentation refuses ({', '.join(rules)})"
            )
    return None


def others_of(name: str, arguments: Arguments, mode: str) -> Sequence[Other]:
    """Return the calls that a relation makes of a call."""
    interpretation = interpret(arguments)
    assert interpretation is not None  # the relation applies to the call
    return RELATIONS[name].others(arguments, interpretation, mode)
