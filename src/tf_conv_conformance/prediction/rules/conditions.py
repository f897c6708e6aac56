"""Conditions on the arguments of a call, which rules.yaml refers to by name."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from tf_conv_conformance.convolution.arguments import (
    CAUSAL,
    FORMATS,
    Arguments,
    Interpretation,
    IntOrInts,
    Steps,
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
from tf_conv_conformance.convolution.output_padding import output_padding

Condition = Callable[[Arguments], bool]
FLOATS = ("float16", "bfloat16", "float32", "float64")
HALF_FLOAT_DOUBLE = ("float16", "float32", "float64")


def strides(*allowed: str | int) -> Condition:
    """Return a condition on the form of strides: ``integer``, or the length of a list."""
    return _form("strides", allowed)


def dilations(*allowed: str | int) -> Condition:
    """Return a condition on the form of dilations, if they are given."""
    return _form("dilations", allowed)


def before(*names: str) -> Condition:
    """Return the condition that an operation before the convolution has one of these names."""
    return lambda call: any(operation.name in names for operation in call.before)


def after(*names: str) -> Condition:
    """Return the condition that an operation after the convolution has one of these names."""
    return lambda call: any(operation.name in names for operation in call.after)


def gradient_through(*names: str) -> Condition:
    """Return the condition that a gradient goes through an operation with one of these names."""
    return lambda call: call.gradient is not None and after(*names)(call)


def printed_example(input: Sequence[int], filter: Sequence[int], valid: bool) -> Condition:  # noqa: A002
    """Return the condition for a usage example: these shapes, literal values, VALID or not."""
    shapes = tuple(input), tuple(filter)

    def check(call: Arguments) -> bool:
        if call.input.values is None or call.filter.values is None:
            return False
        is_valid = padding_of(call) == "VALID"
        return (call.input.shape, call.filter.shape) == shapes and is_valid == valid

    return check


def through(*transformations: str) -> Condition:
    """Return the condition that one of these transformations leads to the result."""
    return lambda call: call.through in transformations


def _form(name: str, allowed: Sequence[str | int]) -> Condition:
    """Return a condition: an argument is an integer, or a list of one of the allowed lengths."""

    def check(call: Arguments) -> bool:
        value: IntOrInts | None = getattr(call, name)
        if isinstance(value, tuple):
            return len(value) in allowed
        return value is not None and "integer" in allowed

    return check


def _means(condition: Callable[[Interpretation], bool], otherwise: bool = False) -> Condition:
    """Return a condition on the interpretation of arguments, or `otherwise` if there is none."""

    def check(call: Arguments) -> bool:
        meaning = interpret(call)
        return otherwise if meaning is None else condition(meaning)

    return check


def _either_axis(condition: Callable[[Axis], bool]) -> Condition:
    return _means(lambda meaning: any(map(condition, meaning.axes)))


def _spatial(
    name: Steps, condition: Callable[[tuple[int, int]], bool], otherwise: bool
) -> Condition:
    """Return a condition on strides or dilations of height and width, or `otherwise` if absent."""

    def check(call: Arguments) -> bool:
        pair = spatial(call, name)
        return otherwise if pair is None else condition(pair)

    return check


def _same_in_channels(call: Arguments) -> bool:
    dimensions = call.dimensions
    if len(call.input.shape) <= dimensions or len(call.filter.shape) != dimensions + 2:
        return True  # there are no channels, which other rules cover
    return call.filter.shape[-2] == in_channels_of(call)


def _groups_fit(meaning: Interpretation) -> bool:
    if meaning.filter_in_channels in (0, meaning.in_channels):
        return True
    return in_groups(meaning.in_channels, meaning.filter_in_channels, meaning.filter_out)


def _upstream_fits(call: Arguments) -> bool:
    """Return whether the upstream gradient has the documented shape of the convolution's result."""
    meaning = interpret(call)
    return call.upstream is None or meaning is None or call.upstream == upstream_shape(call)


def upstream_shape(call: Arguments) -> tuple[int, ...]:
    """Return the shape of the convolution's result by the documented formula.

    The call must have an interpretation.
    """
    meaning = interpret(call)
    assert meaning is not None
    sizes = tuple(map(documented_size, meaning.axes))
    depthwise = call.op == "depthwise_conv2d"
    channels = meaning.filter_out * (meaning.in_channels if depthwise else 1)
    if meaning.channels_first:
        return (*meaning.batch_shape, channels, *sizes)
    return (*meaning.batch_shape, *sizes, channels)


def _output_padding_fits(call: Arguments) -> bool:
    amounts, steps = output_padding(call), spatial(call, "strides")
    if amounts is None or steps is None:
        return True
    return all(amount < step for amount, step in zip(amounts, steps, strict=True))


def _as_tuple(value: IntOrInts) -> tuple[int, ...]:
    return value if isinstance(value, tuple) else (value,)


def _has_pairs_for_4_dimensions(call: Arguments) -> bool:
    padding = call.padding
    return isinstance(padding, str) or [len(pair) for pair in padding] == [2] * 4


def _has_no_negative_padding(call: Arguments) -> bool:
    pairs = () if isinstance(call.padding, str) else call.padding
    return all(amount >= 0 for pair in pairs for amount in pair)


_atrous = _spatial("dilations", lambda rates: max(rates) > 1, False)
_unit_steps = _spatial("strides", lambda steps: max(steps) <= 1, True)

CONDITIONS: dict[str, Condition] = {
    "always": lambda call: True,
    # Ranks and dtypes
    "rank_at_least_4": lambda call: len(call.input.shape) >= 4,
    "rank_4": lambda call: len(call.input.shape) == 4,
    "rank_above_4": lambda call: len(call.input.shape) > 4,
    "filter_rank_4": lambda call: len(call.filter.shape) == 4,
    "rank_at_least_3": lambda call: len(call.input.shape) >= 3,
    "rank_3": lambda call: len(call.input.shape) == 3,
    "rank_above_3": lambda call: len(call.input.shape) > 3,
    "filter_rank_3": lambda call: len(call.filter.shape) == 3,
    "float_dtype": lambda call: call.dtype in FLOATS,
    "half_float_or_double": lambda call: call.dtype in HALF_FLOAT_DOUBLE,
    "float_or_int32": lambda call: call.dtype in (*FLOATS, "int32"),
    "filter_of_same_dtype": lambda call: call.filter_dtype in (None, call.dtype),
    # Channels
    "same_in_channels": _same_in_channels,
    "grouped": lambda call: not _same_in_channels(call),
    "groups_fit": _means(_groups_fit, otherwise=True),
    "several_channels": _means(lambda meaning: meaning.in_channels > 1),
    "several_multiplied": _means(lambda meaning: meaning.filter_out > 1),
    # Strides and dilations
    "outer_strides_1": lambda call: outer(call, "strides") == (1, 1),
    "outer_dilations_1": lambda call: outer(call, "dilations") == (1, 1),
    "strides_positive": _spatial("strides", lambda steps: min(steps) >= 1, True),
    "rates_equal": _spatial("dilations", lambda rates: rates[0] == rates[1], True),
    "dilations_positive": _spatial("dilations", lambda rates: min(rates) >= 1, True),
    "strides_unequal": _spatial("strides", lambda steps: steps[0] != steps[1], False),
    "all_strides_1": lambda call: set(_as_tuple(call.strides)) <= {1},
    "atrous": _atrous,
    "no_strides_with_rate": lambda call: _unit_steps(call) or not _atrous(call),
    "given_dilations": lambda call: call.dilations is not None,
    "no_dilations": lambda call: call.dilations is None,
    # Data format and padding
    "no_format": lambda call: call.data_format is None,
    "known_format": lambda call: call.data_format in (None, *FORMATS[call.dimensions]),
    "nchw": channels_first,
    "same": lambda call: padding_of(call) == "SAME",
    "valid": lambda call: padding_of(call) == "VALID",
    "same_or_valid": lambda call: padding_of(call) in ("SAME", "VALID"),
    "causal": lambda call: padding_of(call) == CAUSAL,
    "same_valid_or_causal": lambda call: padding_of(call) in ("SAME", "VALID", CAUSAL),
    "explicit": lambda call: not isinstance(call.padding, str),
    "explicit_nchw": lambda call: not isinstance(call.padding, str) and channels_first(call),
    "known_padding": lambda call: (
        not isinstance(padding_of(call), str) or padding_of(call) in ("SAME", "VALID")
    ),
    "pairs_for_4_dimensions": _has_pairs_for_4_dimensions,
    "outer_padding_0": lambda call: (
        not any(map(any, outer_padding(call.padding, channels_first(call))))
    ),
    "no_negative_padding": _has_no_negative_padding,
    "pads_zeros": _either_axis(lambda axis: max(documented_padding(axis)) > 0),
    "pads_unevenly": _either_axis(
        lambda axis: axis.padding == "SAME" and sum(documented_padding(axis)) % 2 == 1
    ),
    "same_pads": _either_axis(
        lambda axis: axis.padding == "SAME" and sum(documented_padding(axis)) > 0
    ),
    # Results
    "size_not_negative": _means(
        lambda meaning: min(map(documented_size, meaning.axes)) >= 0,
        otherwise=True,
    ),
    "dilated_sizes": _either_axis(lambda axis: axis.rate > 1 and axis.padding != "SAME"),
    "same_example": _means(
        lambda meaning: (
            meaning.batch_shape == (2,)
            and meaning.height == Axis(5, 3, 2, 1, "SAME")
            and meaning.width == Axis(2, 2, 1, 1, "SAME")
        )
    ),
    "unit_strides_same": _means(
        lambda meaning: (
            meaning.height.padding == "SAME" and meaning.height.stride == meaning.width.stride == 1
        )
    ),
    # Gradients
    "with_gradient": lambda call: call.gradient is not None and call.entry_point.computes is None,
    "named": lambda call: call.op_name is not None,
    "output_padding_below_strides": _output_padding_fits,
    "sizes_fit": lambda call: call.sizes is None,
    "upstream_fits": _upstream_fits,
}
MAKERS: dict[str, Callable[..., Condition]] = {
    "strides": strides,
    "dilations": dilations,
    "before": before,
    "after": after,
    "gradient_through": gradient_through,
    "printed_example": printed_example,
    "through": through,
}
"""Conditions with arguments of their own."""
