"""Relations between calls, which compare TensorFlow with itself and need no oracle.

A relation makes other calls from a call, and states which parts of their results are equal: bit for
bit on exact data, and within the sum of their error bounds on reals.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Literal

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
from tf_conv_conformance.convolution.names import Mode
from tf_conv_conformance.prediction.correlation import Array
from tf_conv_conformance.prediction.models import is_atrous_strided
from tf_conv_conformance.prediction.predict import Refuses, predict

Tensors = tuple[Array, ...]


@dataclass(frozen=True)
class Other:
    """Another call that a relation makes.

    `tensors` makes its tensors from those of the first call; `x` and `w` are the same as NumPy
    source. `breaks` names the rules that it breaks on purpose. `how` are its surroundings: after a
    call of another shape, or in several threads.
    """

    arguments: Arguments
    mode: Mode
    tensors: Callable[[Tensors], Tensors] = lambda tensors: tensors
    x: str = "x"
    w: str = "w"
    breaks: tuple[str, ...] = ()
    how: Literal["retraced", "threads"] | None = None


Make = Callable[[Arguments, Interpretation, Mode], Sequence[Other]]
Applies = Callable[[Arguments, Interpretation, Mode], bool]
Sides = Callable[[Interpretation, Array, Sequence[Array]], tuple[Array, Array]]


@dataclass(frozen=True)
class Relation:
    """A statement about a call and `others`: the two sides that `equal` returns are equal.

    `needs` describes the calls to which it `applies`. `equal` takes the result of the call and the
    results of the others; `sides` is the same as NumPy source with `y`, `y1` and `y2`. A `bitwise`
    relation also holds bit for bit on reals. The call of one `across_subjects` is the same, on
    another subject.
    """

    name: str
    says: str
    needs: str
    applies: Applies
    others: Make
    equal: Sides = lambda _, result, others: (result, others[0])
    sides: Callable[[Interpretation], str] = lambda _: "y, y1"
    bitwise: bool = False
    across_subjects: bool = False


def _as_grouped(arguments: Arguments, meaning: Interpretation, mode: Mode) -> list[Other]:
    """Return conv2d with a group for each channel. Channels and multipliers share an axis."""
    height, width, in_channels, multiplier = arguments.filter.shape
    shape = (height, width, 1, in_channels * multiplier)
    rates = [axis.rate for axis in meaning.axes]
    grouped = replace(
        arguments,
        op="conv2d",
        filter=TensorSpec(shape),
        padding=padding_of(arguments),
        dilations=(1, 1, *rates) if meaning.channels_first else (1, *rates, 1),
        via=None,
    )

    def tensors(own: Tensors) -> Tensors:
        return own[0], own[1].reshape(shape)

    # tf.nn.conv2d computes groups but does not document them.
    breaks = ("conv2d.in-channels",)
    return [Other(grouped, mode, tensors, w=f"w.reshape({shape})", breaks=breaks)]


def _zero_filled(arguments: Arguments, meaning: Interpretation, mode: Mode) -> list[Other]:
    """Return a call without dilation, with zeros in its filter for the skipped elements."""
    sizes = [axis.dilated_filter for axis in meaning.axes]
    rates = [axis.rate for axis in meaning.axes]
    shape = (*sizes, *arguments.filter.shape[2:])

    def tensors(own: Tensors) -> Tensors:
        kernel = np.zeros(shape)
        kernel[:: rates[0], :: rates[1]] = own[1]
        return own[0], kernel

    rows, columns = (f"np.eye({size})[::{rate}]" for size, rate in zip(sizes, rates, strict=True))
    w = f"np.einsum('hH,wW,hwio->HWio', {rows}, {columns}, w)"
    dilations = 1 if arguments.entry_point.needs_dilations else None
    undilated = replace(arguments, filter=TensorSpec(shape), dilations=dilations)
    return [Other(undilated, mode, tensors, w=w)]


def _explicitly_padded(arguments: Arguments, meaning: Interpretation, mode: Mode) -> list[Other]:
    spatial = [list(documented_padding(axis)) for axis in meaning.axes]
    pairs = [[0, 0], [0, 0], *spatial] if meaning.channels_first else [[0, 0], *spatial, [0, 0]]
    return [Other(replace(arguments, padding=as_tuples(pairs)), mode)]


def _with_input(
    arguments: Arguments, mode: Mode, change: Callable[[Array], Array], x: str
) -> Other:
    """Return the call with a changed input; `x` is the change as NumPy source."""
    changed = replace(arguments, input=TensorSpec(arguments.input.shape))
    return Other(changed, mode, lambda tensors: (change(tensors[0]), *tensors[1:]), x=x)


def _parts(arguments: Arguments, meaning: Interpretation, mode: Mode) -> list[Other]:
    """Return calls with two parts of the input: its even-numbered and odd-numbered elements."""

    def part(odd: int) -> Other:
        def change(x: Array) -> Array:
            return np.where(np.arange(x.size).reshape(x.shape) % 2 == odd, x, 0)

        text = f"np.where(np.arange(x.size).reshape(x.shape) % 2 == {odd}, x, 0)"
        return _with_input(arguments, mode, change, text)

    return [part(0), part(1)]


def _rows(meaning: Interpretation) -> int:
    return -2 if meaning.channels_first else -3


def _shifted(arguments: Arguments, meaning: Interpretation, mode: Mode) -> list[Other]:
    stride, axis = meaning.height.stride, _rows(meaning)
    text = f"np.roll(x, {stride}, axis={axis})"
    return [_with_input(arguments, mode, lambda x: np.roll(x, stride, axis=axis), text)]


def _rows_but_one(
    meaning: Interpretation, result: Array, others: Sequence[Array]
) -> tuple[Array, Array]:
    """Return the result without its last row, and the moved result without its first row.

    The first rows of the moved input are its last rows, wrapped around.
    """
    axis = _rows(meaning)
    count = result.shape[axis]
    but_last = np.take(result, range(count - 1), axis=axis)
    return but_last, np.take(others[0], range(1, count), axis=axis)


def _rows_but_one_text(meaning: Interpretation) -> str:
    rest = ", :" * (-_rows(meaning) - 1)
    return f"y[..., :-1{rest}], y1[..., 1:{rest}]"


def _channels_second(value: IntOrInts | None) -> IntOrInts | None:
    """Convert strides or dilations from NHWC to NCHW."""
    if isinstance(value, tuple) and len(value) == 4:
        return value[0], value[3], value[1], value[2]
    return value


def _transposed(arguments: Arguments, meaning: Interpretation, mode: Mode) -> list[Other]:
    batch, height, width, in_channels = arguments.input.shape
    padding, strides = arguments.padding, _channels_second(arguments.strides)
    if not isinstance(padding, str):
        padding = (padding[0], padding[3], padding[1], padding[2])
    assert strides is not None
    moved = replace(
        arguments,
        input=TensorSpec((batch, in_channels, height, width)),
        strides=strides,
        padding=padding,
        dilations=_channels_second(arguments.dilations),
        data_format="NCHW",
    )

    def tensors(own: Tensors) -> Tensors:
        return np.moveaxis(own[0], -1, -3), *own[1:]

    return [Other(moved, mode, tensors, x="np.moveaxis(x, -1, -3)")]


def _documented_forward(arguments: Arguments) -> bool:
    return arguments.gradient is None and not is_atrous_strided(arguments)


_NOT_BOTH = "no gradient, and for depthwise_conv2d no stride above 1 together with a rate above 1"
_RELATIONS = (
    Relation(
        "grouped",
        "a depthwise convolution is conv2d with a group for each channel",
        "a depthwise_conv2d call without a gradient, and without a stride and a rate above 1 "
        "together",
        lambda arguments, _, mode: (
            arguments.op == "depthwise_conv2d" and _documented_forward(arguments)
        ),
        _as_grouped,
    ),
    Relation(
        "zero-filled",
        "a dilated convolution equals one whose filter has zeros between its elements",
        "a rate above 1 and no gradient; for depthwise_conv2d also strides of 1",
        lambda arguments, meaning, mode: (
            max(meaning.height.rate, meaning.width.rate) > 1 and _documented_forward(arguments)
        ),
        _zero_filled,
    ),
    Relation(
        "explicit",
        "SAME equals the explicit padding that is documented for it",
        f"SAME padding and {_NOT_BOTH}",
        lambda arguments, meaning, mode: (
            meaning.height.padding == "SAME" and _documented_forward(arguments)
        ),
        _explicitly_padded,
    ),
    Relation(
        "linear",
        "the result of a sum is the sum of the results",
        "no gradient",
        lambda arguments, _, mode: arguments.gradient is None,
        _parts,
        lambda _, y, parts: (y, parts[0] + parts[1]),
        lambda _: "y, y1 + y2",
    ),
    Relation(
        "translation",
        "moving the input by one stride moves the result by one element",
        f"VALID padding and {_NOT_BOTH}",
        lambda arguments, meaning, mode: (
            meaning.height.padding == "VALID" and _documented_forward(arguments)
        ),
        _shifted,
        _rows_but_one,
        _rows_but_one_text,
    ),
    Relation(
        "batch",
        "batch elements are independent",
        "a batch of 2 or more and no gradient",
        lambda arguments, meaning, mode: arguments.gradient is None and meaning.batch_shape[0] > 1,
        lambda arguments, _, mode: [_with_input(arguments, mode, lambda x: x[::-1], "x[::-1]")],
        lambda _, y, others: (y, others[0][::-1]),
        lambda _: "y, y1[::-1]",
    ),
    Relation(
        "transposed",
        "NCHW is NHWC transposed",
        "an NHWC input of rank 4 and no gradient",
        lambda arguments, meaning, mode: (
            arguments.gradient is None
            and not channels_first(arguments)
            and len(meaning.batch_shape) == 1
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
        bitwise=True,
    ),
    Relation(
        "modes",
        "every mode gives the result of eager mode",
        "a mode other than eager",
        lambda arguments, _, mode: mode != "eager",
        lambda arguments, _, mode: [Other(arguments, "eager")],
    ),
    Relation(
        "subjects",
        "every subject of a run gives the same result",
        "a result",
        lambda arguments, _, mode: True,
        lambda arguments, _, mode: [Other(arguments, mode)],
        across_subjects=True,
    ),
    Relation(
        "retraced",
        "a traced function gives the same result after a call with tensors of other shapes",
        "mode graph or xla, known sizes, and an entry point of TensorFlow that takes no sizes",
        lambda arguments, _, mode: (
            mode in ("graph", "xla")
            and arguments.entry_point.computes is None
            and not arguments.unknown
            and not arguments.variables
            and not arguments.entry_point.is_keras
        ),
        lambda arguments, _, mode: [Other(arguments, mode, how="retraced")],
    ),
    Relation(
        "threads",
        "calls in several threads at once give the result of a single one",
        "mode eager, graph or xla, and an entry point of TensorFlow",
        lambda arguments, _, mode: (
            mode in ("eager", "graph", "xla")
            and not arguments.variables
            and not arguments.entry_point.is_keras
        ),
        lambda arguments, _, mode: [Other(arguments, mode, how="threads")],
    ),
)
OF_HEIGHT = ("grouped", "zero-filled", "explicit", "translation", "transposed")
"""The relations that change or move axes, which they find where an input with a height has them."""
COMPANIONS = ("again", "modes", "subjects", "retraced", "threads")
"""The relations that also hold with operations around the convolution."""
RELATIONS: dict[str, Relation] = {relation.name: relation for relation in _RELATIONS}


def obstacle(name: str, arguments: Arguments, mode: Mode) -> str | None:
    """Return why a relation cannot be checked for a call with a result; None if it can."""
    relation, meaning = RELATIONS[name], interpret(arguments)
    if arguments.dimensions == 1 and name in OF_HEIGHT:
        return f"{name} needs an entry point whose input has a height"
    if arguments.in_company and name not in COMPANIONS:
        return f"{name} needs a convolution without `before` and `after`"
    if meaning is None or not relation.applies(arguments, meaning, mode):
        return f"{name} needs {relation.needs}"
    for other in relation.others(arguments, meaning, mode):
        if other.arguments == arguments:
            continue  # the call has a result, even if it is not documented
        if reason := obstacles.obstacle(other.arguments):
            return f"{name} makes another call, which cannot be made: {reason[1]}"
        documented = predict(other.arguments).documented
        because = documented.because if isinstance(documented, Refuses) else ()
        rules = ", ".join(rule for rule in because if rule not in other.breaks)
        if rules and documented != predict(arguments).documented:
            return f"{name} makes another call, which the documentation refuses ({rules})"
    return None


def is_across_subjects(name: str | None) -> bool:
    """Return whether a relation compares the call with the same one on another subject."""
    return name is not None and RELATIONS[name].across_subjects


def others_of(name: str, arguments: Arguments, mode: Mode) -> Sequence[Other]:
    """Return the calls that a relation makes of a call."""
    meaning = interpret(arguments)
    assert meaning is not None  # the relation applies to the call
    return RELATIONS[name].others(arguments, meaning, mode)
