"""How a call breaks a precondition, in the call's own numbers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tf_conv_conformance.convolution.arguments import (
    Arguments,
    IntOrInts,
    as_lists,
    channels_first,
    interpret,
    outer,
    outer_padding,
    spatial,
)
from tf_conv_conformance.convolution.geometry import documented_size
from tf_conv_conformance.prediction.rules import conditions as c
from tf_conv_conformance.prediction.rules.catalogue import RULES
from tf_conv_conformance.prediction.rules.rule import Rule

Mismatch = Callable[[Arguments], str]


def mismatch(rule: Rule, arguments: Arguments) -> str:
    """Return how a call breaks this precondition."""
    return _MISMATCHES[rule.holds](arguments)


def refusal(reason: str, arguments: Arguments) -> str:
    """Return how a call breaks a rule, and which; a reason that is no rule says it itself."""
    return f"{mismatch(RULES[reason], arguments)} ({reason})" if reason in RULES else reason


def _rank(name: str, documented: str) -> Mismatch:
    def text(arguments: Arguments) -> str:
        return (
            f"the {name} has rank {len(getattr(arguments, name).shape)}, documented is {documented}"
        )

    return text


def _dtype(documented: str) -> Mismatch:
    return lambda arguments: f"the dtype is {arguments.dtype}, documented are {documented}"


def _length(name: str, documented: str) -> Mismatch:
    """Return the mismatch of `strides` or `dilations` with the documented lengths."""

    def text(arguments: Arguments) -> str:
        value: IntOrInts | None = getattr(arguments, name)
        if not isinstance(value, tuple):
            return f"{name} is {value}, documented is {documented}"
        return f"{name} {_shown(value)} has {_counted(len(value), 'entry', 'entries')}, documented is {documented}"

    return text


def _outer(name: str) -> Mismatch:
    def text(arguments: Arguments) -> str:
        value: IntOrInts = getattr(arguments, name)
        batch, channels = outer(value, channels_first(arguments))
        return f"{name} {_shown(value)} has {batch} for the batch and {channels} for the channels"

    return text


def _spatial(name: str) -> Mismatch:
    def text(arguments: Arguments) -> str:
        value: IntOrInts = getattr(arguments, name)
        if isinstance(value, int):
            return f"{name} is {value}"
        height, width = spatial(value, channels_first(arguments)) or (0, 0)
        return f"{name} {_shown(value)} has {height} for the height and {width} for the width"

    return text


def _in_channels(arguments: Arguments) -> str:
    channels = arguments.input.shape[-3 if channels_first(arguments) else -1]
    return f"the filter has {arguments.filter.shape[2]} in_channels, the input has {channels}"


def _groups(arguments: Arguments) -> str:
    return f"{_in_channels(arguments)}, and the filter has {arguments.filter.shape[3]} out_channels"


def _strides_with_rate(arguments: Arguments) -> str:
    return f"strides {_shown(arguments.strides)} with dilations {_shown(arguments.dilations)}"


def _padding(arguments: Arguments) -> str:
    return f"padding {_shown(arguments.padding)}"


def _pairs(arguments: Arguments) -> str:
    if len(arguments.padding) != 4:
        return f"padding has {_counted(len(arguments.padding), 'pair', 'pairs')}, documented are 4"
    odd = next(pair for pair in arguments.padding if len(pair) != 2)
    return f"padding has {_shown(odd)} in place of a pair"


def _outer_padding(arguments: Arguments) -> str:
    batch, channels = outer_padding(arguments.padding, channels_first(arguments))
    return f"padding has {_shown(batch)} for the batch and {_shown(channels)} for the channels"


def _negative_padding(arguments: Arguments) -> str:
    return f"padding {_shown(arguments.padding)} has a negative amount"


def _size(arguments: Arguments) -> str:
    interpretation = interpret(arguments)
    assert interpretation is not None  # the rule is kept by arguments without a meaning
    return f"the result would have {documented_size(interpretation.height)} rows and {documented_size(interpretation.width)} columns"


def _counted(count: int, one: str, many: str) -> str:
    return f"{count} {one if count == 1 else many}"


def _shown(value: Any) -> str:
    """Return a value as YAML has it, without spaces: a summary of 80 columns has room for little."""
    return str(as_lists(value)).replace(" ", "")


_MISMATCHES: dict[Callable[[Arguments], bool], Mismatch] = {
    c.rank_at_least_4: _rank("input", "4 or more"),
    c.rank_4: _rank("input", "4"),
    c.filter_rank_4: _rank("filter", "4"),
    c.float_dtype: _dtype("float16, bfloat16, float32 and float64"),
    c.float_or_int32: _dtype("float16, bfloat16, float32, float64 and int32"),
    c.filter_of_same_dtype: lambda arguments: (
        f"the filter is {arguments.filter_dtype}, the input is {arguments.dtype}"
    ),
    c.same_in_channels: _in_channels,
    c.groups_fit: _groups,
    c.strides_int_or_1_2_4: _length("strides", "an integer, or a list of 1, 2 or 4"),
    c.strides_of_4: _length("strides", "a list of 4"),
    c.strides_of_2: _length("strides", "a list of 2"),
    c.strides_int_or_2: _length("strides", "an integer, or a list of 2"),
    c.dilations_int_or_1_2_4: _length("dilations", "an integer, or a list of 1, 2 or 4"),
    c.dilations_of_4: _length("dilations", "a list of 4"),
    c.dilations_of_2: _length("dilations", "a list of 2"),
    c.dilations_int_or_2: _length("dilations", "an integer, or a list of 2"),
    c.dilation_is_an_integer: _length("dilations", "an integer"),
    c.outer_strides_1: _outer("strides"),
    c.outer_dilations_1: _outer("dilations"),
    c.strides_positive: _spatial("strides"),
    c.dilations_positive: _spatial("dilations"),
    c.all_strides_1: _strides_with_rate,
    c.no_strides_with_rate: _strides_with_rate,
    c.known_padding: _padding,
    c.same_or_valid: _padding,
    c.pairs_for_4_dimensions: _pairs,
    c.outer_padding_0: _outer_padding,
    c.no_negative_padding: _negative_padding,
    c.known_format: lambda arguments: f"data_format is {arguments.data_format!r}",
    c.size_not_negative: _size,
}
"""For each condition that a rule has as `holds`, the words for a call that does not meet it."""
