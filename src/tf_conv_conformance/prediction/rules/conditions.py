"""Conditions on the arguments of a call; rules.yaml names them."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from tf_conv_conformance.convolution.arguments import (
    Arguments,
    Interpretation,
    IntOrInts,
    channels_first,
    in_channels_of,
    in_groups,
    interpret,
    outer,
    outer_padding,
    padding_of,
    spatial,
)
from tf_conv_conformance.convolution.geometry import Axis, documented_padding, documented_size

Condition = Callable[[Arguments], bool]
FLOATS = ("float16", "bfloat16", "float32", "float64")


def _means(condition: Callable[[Interpretation], bool]) -> Condition:
    """Return a condition on what arguments mean: False if they cannot be interpreted."""

    def check(arguments: Arguments) -> bool:
        interpretation = interpret(arguments)
        return interpretation is not None and condition(interpretation)

    return check


def _either_axis(condition: Callable[[Axis], bool]) -> Condition:
    return _means(lambda meaning: condition(meaning.height) or condition(meaning.width))


def _form(name: str, allowed: Sequence[str | int]) -> Condition:
    """Return whether an argument is an integer, or a list of one of the allowed lengths."""

    def check(arguments: Arguments) -> bool:
        value: IntOrInts | None = getattr(arguments, name)
        if isinstance(value, tuple):
            return len(value) in allowed
        return value is not None and "integer" in allowed

    return check


def strides(*allowed: str | int) -> Condition:
    """Return whether the strides have an allowed form: ``integer``, or the length of a list."""
    return _form("strides", allowed)


def dilations(*allowed: str | int) -> Condition:
    """Return whether dilations that are given have an allowed form."""
    return _form("dilations", allowed)


def always(_: Arguments) -> bool:
    """Hold for every call."""
    return True


def rank_at_least_4(arguments: Arguments) -> bool:
    """Return whether the input has rank 4 or more."""
    return len(arguments.input.shape) >= 4


def rank_4(arguments: Arguments) -> bool:
    """Return whether the input has rank 4."""
    return len(arguments.input.shape) == 4


def rank_above_4(arguments: Arguments) -> bool:
    """Return whether the input has outer batch dimensions."""
    return len(arguments.input.shape) > 4


def filter_rank_4(arguments: Arguments) -> bool:
    """Return whether the filter has rank 4."""
    return len(arguments.filter.shape) == 4


def float_dtype(arguments: Arguments) -> bool:
    """Return whether the dtype is one of the four that convolutions document."""
    return arguments.dtype in FLOATS


def float_or_int32(arguments: Arguments) -> bool:
    """Return whether the dtype is one that the operator behind conv2d documents."""
    return arguments.dtype in (*FLOATS, "int32")


def filter_of_same_dtype(arguments: Arguments) -> bool:
    """Return whether the filter has the input's dtype."""
    return arguments.filter_dtype in (None, arguments.dtype)


def same_in_channels(arguments: Arguments) -> bool:
    """Return whether the filter's in_channels are the input's.

    True if the ranks do not have channels; other rules cover that.
    """
    if len(arguments.input.shape) < 3 or len(arguments.filter.shape) != 4:
        return True
    return arguments.filter.shape[2] == in_channels_of(arguments)


def grouped(arguments: Arguments) -> bool:
    """Return whether the filter's in_channels are not the input's."""
    return not same_in_channels(arguments)


def groups_fit(arguments: Arguments) -> bool:
    """Return whether the channels divide into groups that fit the filter.

    True if the arguments cannot be interpreted; other rules cover that.
    """
    meaning = interpret(arguments)
    if meaning is None or meaning.filter_in_channels in (0, meaning.in_channels):
        return True
    return in_groups(meaning.in_channels, meaning.filter_in_channels, meaning.filter_out)


def outer_strides_1(arguments: Arguments) -> bool:
    """Return whether the strides of batch and channels are 1."""
    return outer(arguments.strides, channels_first(arguments)) == (1, 1)


def outer_dilations_1(arguments: Arguments) -> bool:
    """Return whether the dilations of batch and channels are 1."""
    return outer(arguments.dilations, channels_first(arguments)) == (1, 1)


def strides_positive(arguments: Arguments) -> bool:
    """Return whether the strides of height and width are 1 or more."""
    steps = spatial(arguments.strides, channels_first(arguments))
    return steps is None or min(steps) >= 1


def dilations_positive(arguments: Arguments) -> bool:
    """Return whether the dilations of height and width are 1 or more."""
    rates = spatial(arguments.dilations, channels_first(arguments))
    return rates is None or min(rates) >= 1


def strides_unequal(arguments: Arguments) -> bool:
    """Return whether the strides of height and width differ."""
    steps = spatial(arguments.strides, channels_first(arguments))
    return steps is not None and steps[0] != steps[1]


def all_strides_1(arguments: Arguments) -> bool:
    """Return whether every stride is 1."""
    steps = arguments.strides if isinstance(arguments.strides, tuple) else (arguments.strides,)
    return all(step == 1 for step in steps)


def atrous(arguments: Arguments) -> bool:
    """Return whether a dilation of height or width is above 1."""
    rates = spatial(arguments.dilations, channels_first(arguments))
    return rates is not None and max(rates) > 1


def no_strides_with_rate(arguments: Arguments) -> bool:
    """Return whether no stride is above 1, or no dilation."""
    steps = spatial(arguments.strides, channels_first(arguments))
    return steps is None or max(steps) <= 1 or not atrous(arguments)


def given_dilations(arguments: Arguments) -> bool:
    """Return whether dilations are given."""
    return arguments.dilations is not None


def no_dilations(arguments: Arguments) -> bool:
    """Return whether dilations are not given."""
    return arguments.dilations is None


def no_format(arguments: Arguments) -> bool:
    """Return whether the data format is not given."""
    return arguments.data_format is None


def known_format(arguments: Arguments) -> bool:
    """Return whether the data format is not given, NHWC or NCHW."""
    return arguments.data_format in (None, "NHWC", "NCHW")


def nchw(arguments: Arguments) -> bool:
    """Return whether the data format is NCHW."""
    return arguments.data_format == "NCHW"


def same(arguments: Arguments) -> bool:
    """Return whether padding is SAME."""
    return padding_of(arguments) == "SAME"


def valid(arguments: Arguments) -> bool:
    """Return whether padding is VALID."""
    return padding_of(arguments) == "VALID"


def same_or_valid(arguments: Arguments) -> bool:
    """Return whether padding is SAME or VALID."""
    return padding_of(arguments) in ("SAME", "VALID")


def explicit(arguments: Arguments) -> bool:
    """Return whether padding is a list."""
    return not isinstance(arguments.padding, str)


def explicit_nchw(arguments: Arguments) -> bool:
    """Return whether padding is a list, and the data format NCHW."""
    return explicit(arguments) and nchw(arguments)


def known_padding(arguments: Arguments) -> bool:
    """Return whether padding is a list, SAME or VALID."""
    return explicit(arguments) or same_or_valid(arguments)


def pairs_for_4_dimensions(arguments: Arguments) -> bool:
    """Return whether explicit padding has a pair for each of 4 dimensions."""
    padding = arguments.padding
    return isinstance(padding, str) or [len(pair) for pair in padding] == [2] * 4


def outer_padding_0(arguments: Arguments) -> bool:
    """Return whether explicit padding of batch and channels is zero."""
    return not any(map(any, outer_padding(arguments.padding, channels_first(arguments))))


def no_negative_padding(arguments: Arguments) -> bool:
    """Return whether no explicit padding is negative: an amount of padding counts zeros."""
    padding = arguments.padding
    return (
        isinstance(padding, str) or min((min(pair, default=0) for pair in padding), default=0) >= 0
    )


def size_not_negative(arguments: Arguments) -> bool:
    """Return whether the documented size of the result is that of a tensor.

    True if the arguments cannot be interpreted; other rules cover that.
    """
    meaning = interpret(arguments)
    if meaning is None:
        return True
    return min(documented_size(meaning.height), documented_size(meaning.width)) >= 0


def with_gradient(arguments: Arguments) -> bool:
    """Return whether the call takes a gradient."""
    return arguments.gradient is not None


def printed_example(input: Sequence[int], filter: Sequence[int], valid: bool) -> Condition:  # noqa: A002
    """Return whether a call is a usage example: these shapes, literal values, VALID or not."""
    shapes = tuple(input), tuple(filter)

    def check(arguments: Arguments) -> bool:
        if arguments.input.values is None or arguments.filter.values is None:
            return False
        is_valid = padding_of(arguments) == "VALID"
        return (arguments.input.shape, arguments.filter.shape) == shapes and is_valid == valid

    return check


same_example = _means(
    lambda meaning: (
        meaning.batch_shape == (2,)
        and meaning.height == Axis(5, 3, 2, 1, "SAME")
        and meaning.width == Axis(2, 2, 1, 1, "SAME")
    )
)
unit_strides_same = _means(
    lambda meaning: (
        meaning.height.padding == "SAME" and meaning.height.stride == meaning.width.stride == 1
    )
)
several_channels = _means(lambda meaning: meaning.in_channels > 1)
several_multiplied = _means(lambda meaning: meaning.filter_out > 1)
dilated_sizes = _either_axis(lambda axis: axis.rate > 1 and axis.padding != "SAME")
pads_zeros = _either_axis(lambda axis: max(documented_padding(axis)) > 0)
pads_unevenly = _either_axis(
    lambda axis: axis.padding == "SAME" and sum(documented_padding(axis)) % 2 == 1
)
same_pads = _either_axis(lambda axis: axis.padding == "SAME" and sum(documented_padding(axis)) > 0)
