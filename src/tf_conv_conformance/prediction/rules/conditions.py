"""The functions behind the rules: when one speaks about a call, and whether a call keeps a precondition."""

from __future__ import annotations

from collections.abc import Callable

from tf_conv_conformance.convolution.arguments import (
    Arguments,
    Interpretation,
    IntOrInts,
    channels_first,
    in_groups,
    interpret,
    outer,
    outer_padding,
    padding_of,
    spatial,
)
from tf_conv_conformance.convolution.geometry import Axis, documented_padding, documented_size

Condition = Callable[[Arguments], bool]


def _length(value: IntOrInts | None) -> int:
    """The length of `strides` or `dilations`; 0 for an integer, -1 where there is none."""
    if value is None:
        return -1
    return 0 if isinstance(value, int) else len(value)


def _of_interpretation(condition: Callable[[Interpretation], bool]) -> Condition:
    """A condition on what the arguments mean; False where they mean nothing."""

    def about(arguments: Arguments) -> bool:
        interpretation = interpret(arguments)
        return interpretation is not None and condition(interpretation)

    return about


def _axes(condition: Callable[..., bool]) -> Condition:
    """A condition that height or width meets."""
    return _of_interpretation(
        lambda interpretation: condition(interpretation.height) or condition(interpretation.width)
    )


def rank_at_least_4(arguments: Arguments) -> bool:
    """The input has rank 4 or more."""
    return len(arguments.input.shape) >= 4


def rank_4(arguments: Arguments) -> bool:
    """The input has rank 4."""
    return len(arguments.input.shape) == 4


def rank_above_4(arguments: Arguments) -> bool:
    """The input has outer batch dimensions."""
    return len(arguments.input.shape) > 4


def filter_of_same_dtype(arguments: Arguments) -> bool:
    """The filter has the input's dtype."""
    return arguments.filter_dtype in (None, arguments.dtype)


def float_or_int32(arguments: Arguments) -> bool:
    """The dtype is one of the five that the operator behind conv2d documents."""
    return float_dtype(arguments) or arguments.dtype == "int32"


def float_dtype(arguments: Arguments) -> bool:
    """The dtype is one of the four that are documented."""
    return arguments.dtype in ("float16", "bfloat16", "float32", "float64")


def filter_rank_4(arguments: Arguments) -> bool:
    """The filter has rank 4."""
    return len(arguments.filter.shape) == 4


def same_in_channels(arguments: Arguments) -> bool:
    """The filter's in_channels are the input's. Kept where the ranks already say otherwise: another rule speaks there."""
    if len(arguments.input.shape) < 3 or len(arguments.filter.shape) != 4:
        return True
    return (
        arguments.filter.shape[2] == arguments.input.shape[-3 if channels_first(arguments) else -1]
    )


def strides_int_or_1_2_4(arguments: Arguments) -> bool:
    """Strides are an integer, or a list of 1, 2 or 4."""
    return _length(arguments.strides) in (0, 1, 2, 4)


def strides_of_4(arguments: Arguments) -> bool:
    """Strides are a list of 4."""
    return _length(arguments.strides) == 4


def outer_strides_1(arguments: Arguments) -> bool:
    """The strides of batch and channels are 1."""
    return outer(arguments.strides, channels_first(arguments)) == (1, 1)


def strides_positive(arguments: Arguments) -> bool:
    """The strides of height and width are 1 or more."""
    strides = spatial(arguments.strides, channels_first(arguments))
    return strides is None or min(strides) >= 1


def strides_unequal(arguments: Arguments) -> bool:
    """The strides of height and width differ."""
    strides = spatial(arguments.strides, channels_first(arguments))
    return strides is not None and strides[0] != strides[1]


def dilations_int_or_1_2_4(arguments: Arguments) -> bool:
    """Dilations are not given, an integer, or a list of 1, 2 or 4."""
    return _length(arguments.dilations) in (-1, 0, 1, 2, 4)


def dilations_of_4(arguments: Arguments) -> bool:
    """Dilations are not given, or a list of 4."""
    return _length(arguments.dilations) in (-1, 4)


def strides_of_2(arguments: Arguments) -> bool:
    """Strides are a list of 2."""
    return _length(arguments.strides) == 2


def strides_int_or_2(arguments: Arguments) -> bool:
    """Strides are an integer, or a list of 2."""
    return _length(arguments.strides) in (0, 2)


def dilations_int_or_2(arguments: Arguments) -> bool:
    """Dilations are not given, an integer, or a list of 2."""
    return _length(arguments.dilations) in (-1, 0, 2)


def dilation_is_an_integer(arguments: Arguments) -> bool:
    """The rate is an integer."""
    return _length(arguments.dilations) == 0


def no_strides_with_rate(arguments: Arguments) -> bool:
    """No stride is above 1, or no rate is."""
    strides = spatial(arguments.strides, channels_first(arguments))
    return strides is None or max(strides) <= 1 or not atrous(arguments)


def groups_fit(arguments: Arguments) -> bool:
    """The filter's in_channels divide the input's into groups that divide its out_channels."""
    interpretation = interpret(arguments)
    if interpretation is None or interpretation.filter_in_channels in (
        0,
        interpretation.in_channels,
    ):
        return True
    return in_groups(
        interpretation.in_channels, interpretation.filter_in_channels, interpretation.filter_out
    )


def grouped(arguments: Arguments) -> bool:
    """The filter's in_channels are not the input's."""
    return not same_in_channels(arguments)


def printed_example(x: tuple[int, ...], w: tuple[int, ...], valid_padding: bool) -> Condition:
    """The call of a usage example: tensors of these shapes with literal values, VALID or not."""

    def is_example(arguments: Arguments) -> bool:
        given = arguments.input.values is not None and arguments.filter.values is not None
        return (
            given
            and (arguments.input.shape, arguments.filter.shape) == (x, w)
            and valid(arguments) == valid_padding
        )

    return is_example


def with_gradient(arguments: Arguments) -> bool:
    """The call takes a gradient."""
    return arguments.gradient is not None


def same_or_valid(arguments: Arguments) -> bool:
    """Padding is SAME or VALID."""
    return padding_of(arguments) in ("SAME", "VALID")


def dilations_of_2(arguments: Arguments) -> bool:
    """Dilations are not given, or a list of 2."""
    return _length(arguments.dilations) in (-1, 2)


def outer_dilations_1(arguments: Arguments) -> bool:
    """The dilations of batch and channels are 1."""
    return outer(arguments.dilations, channels_first(arguments)) == (1, 1)


def dilations_positive(arguments: Arguments) -> bool:
    """The dilations of height and width are 1 or more."""
    dilations = spatial(arguments.dilations, channels_first(arguments))
    return dilations is None or min(dilations) >= 1


def given_dilations(arguments: Arguments) -> bool:
    """Dilations are given."""
    return arguments.dilations is not None


def atrous(arguments: Arguments) -> bool:
    """A dilation of height or width is above 1."""
    dilations = spatial(arguments.dilations, channels_first(arguments))
    return dilations is not None and max(dilations) > 1


def all_strides_1(arguments: Arguments) -> bool:
    """Every stride is 1."""
    strides = arguments.strides if isinstance(arguments.strides, tuple) else (arguments.strides,)
    return all(stride == 1 for stride in strides)


def known_format(arguments: Arguments) -> bool:
    """The data format is not given, NHWC or NCHW."""
    return arguments.data_format in (None, "NHWC", "NCHW")


def nchw(arguments: Arguments) -> bool:
    """The data format is NCHW."""
    return arguments.data_format == "NCHW"


def single_stride(arguments: Arguments) -> bool:
    """Strides are an integer, or a list of one."""
    return _length(arguments.strides) in (0, 1)


def no_outer_strides(arguments: Arguments) -> bool:
    """Strides say nothing of batch and channels."""
    return _length(arguments.strides) in (0, 1, 2)


def no_dilations(arguments: Arguments) -> bool:
    """Dilations are not given."""
    return arguments.dilations is None


def no_format(arguments: Arguments) -> bool:
    """The data format is not given."""
    return arguments.data_format is None


def explicit_nchw(arguments: Arguments) -> bool:
    """Padding is a list, in NCHW."""
    return explicit(arguments) and nchw(arguments)


def explicit(arguments: Arguments) -> bool:
    """Padding is a list."""
    return not isinstance(arguments.padding, str)


def known_padding(arguments: Arguments) -> bool:
    """Padding is a list, SAME or VALID."""
    return explicit(arguments) or padding_of(arguments) in ("SAME", "VALID")


def pairs_for_4_dimensions(arguments: Arguments) -> bool:
    """Explicit padding has a pair for each of 4 dimensions."""
    return isinstance(arguments.padding, str) or (
        len(arguments.padding) == 4 and all(len(pair) == 2 for pair in arguments.padding)
    )


def outer_padding_0(arguments: Arguments) -> bool:
    """Explicit padding of batch and channels is zero."""
    return all(
        amount == 0
        for pair in outer_padding(arguments.padding, channels_first(arguments))
        for amount in pair
    )


def no_negative_padding(arguments: Arguments) -> bool:
    """No explicit padding is negative: an amount of padding is a count of zeros."""
    return isinstance(arguments.padding, str) or all(
        amount >= 0 for pair in arguments.padding for amount in pair
    )


def same(arguments: Arguments) -> bool:
    """Padding is SAME."""
    return padding_of(arguments) == "SAME"


def valid(arguments: Arguments) -> bool:
    """Padding is VALID."""
    return padding_of(arguments) == "VALID"


def size_not_negative(arguments: Arguments) -> bool:
    """The documented size of the result is that of a tensor. Kept where the arguments mean nothing: another rule speaks there."""
    interpretation = interpret(arguments)
    return (
        interpretation is None
        or min(documented_size(interpretation.height), documented_size(interpretation.width)) >= 0
    )


same_example = _of_interpretation(
    lambda r: (
        r.height == Axis(5, 3, 2, 1, "SAME")
        and r.width == Axis(2, 2, 1, 1, "SAME")
        and r.batch_shape == (2,)
    )
)
dilated_sizes = _axes(lambda axis: axis.rate > 1 and axis.padding != "SAME")
pads_zeros = _axes(lambda axis: max(documented_padding(axis)) > 0)
pads_unevenly = _axes(
    lambda axis: axis.padding == "SAME" and sum(documented_padding(axis)) % 2 == 1
)
same_pads = _axes(lambda axis: axis.padding == "SAME" and sum(documented_padding(axis)) > 0)
unit_strides_same = _of_interpretation(
    lambda r: r.height.padding == "SAME" and r.height.stride == r.width.stride == 1
)
several_channels = _of_interpretation(lambda interpretation: interpretation.in_channels > 1)
several_multiplied = _of_interpretation(lambda interpretation: interpretation.filter_out > 1)
