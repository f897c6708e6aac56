"""Preconditions of calls, and the message for a call that breaks one, with its own numbers.

rules.yaml refers to the preconditions by name.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from tf_conv_conformance.convolution.arguments import (
    Arguments,
    IntOrInts,
    Steps,
    as_lists,
    channels_first,
    in_channels_of,
    interpret,
    outer,
    outer_padding,
    spatial,
)
from tf_conv_conformance.convolution.geometry import documented_size
from tf_conv_conformance.convolution.output_padding import output_padding
from tf_conv_conformance.prediction.rules import conditions
from tf_conv_conformance.prediction.rules.conditions import CONDITIONS

Mismatch = Callable[[Arguments], str]


@dataclass(frozen=True)
class Precondition:
    """A condition that a call must fulfil, and the message for a call that does not."""

    holds: conditions.Condition
    mismatch: Mismatch


def _strides(*allowed: str | int) -> Precondition:
    return Precondition(conditions.strides(*allowed), _form("strides", allowed))


def _dilations(*allowed: str | int) -> Precondition:
    return Precondition(conditions.dilations(*allowed), _form("dilations", allowed))


def _form(name: str, allowed: tuple[str | int, ...]) -> Mismatch:
    """Return the message for strides or dilations without a documented form."""
    lengths = _joined([str(length) for length in allowed if length != "integer"], "or")
    forms = (["an integer"] if "integer" in allowed else []) + (
        [f"a list of {lengths}"] if lengths else []
    )
    documented = " or ".join(forms)

    def text(arguments: Arguments) -> str:
        value: IntOrInts | None = getattr(arguments, name)
        if not isinstance(value, tuple):
            return f"{name} is {value}, not {documented} as documented"
        length = len(value)
        return f"{name} {_compact(value)} is a list of {length}, not {documented} as documented"

    return text


def _rank(name: str, documented: str) -> Mismatch:
    def text(arguments: Arguments) -> str:
        rank = len(getattr(arguments, name).shape)
        return f"the {name} has rank {rank}, not {documented} as documented"

    return text


def _dtype(*documented: str) -> Mismatch:
    names = _joined(documented, "or")
    return lambda arguments: f"the dtype is {arguments.dtype}, not {names} as documented"


def _outer(name: Steps) -> Mismatch:
    def text(arguments: Arguments) -> str:
        value: IntOrInts = getattr(arguments, name)
        batch, channels = outer(arguments, name)
        return f"{name} {_compact(value)} has {batch} for the batch and {channels} for the channels"

    return text


def _spatial(name: Steps) -> Mismatch:
    def text(arguments: Arguments) -> str:
        value: IntOrInts = getattr(arguments, name)
        if isinstance(value, int):
            return f"{name} is {value}"
        pair = spatial(arguments, name)
        assert pair is not None  # a list without height and width does not break the rule
        height, width = pair
        if arguments.dimensions == 1:
            return f"{name} {_compact(value)} has {width} for the width"
        return f"{name} {_compact(value)} has {height} for the height and {width} for the width"

    return text


def _in_channels(arguments: Arguments) -> str:
    filter_in, input_in = arguments.filter.shape[-2], in_channels_of(arguments)
    return f"the filter has {filter_in} in_channels, but the input has {input_in}"


def _groups(arguments: Arguments) -> str:
    out = arguments.filter.shape[-1]
    return f"{_in_channels(arguments)}, and the filter has {out} out_channels"


def _strides_with_rate(arguments: Arguments) -> str:
    return f"strides {_compact(arguments.strides)} with dilations {_compact(arguments.dilations)}"


def _padding(arguments: Arguments) -> str:
    return f"padding {_compact(arguments.padding)}"


def _pairs(arguments: Arguments) -> str:
    count = len(arguments.padding)
    if count != 4:
        return f"padding has {count} {'pair' if count == 1 else 'pairs'}, not 4 as documented"
    odd = next(pair for pair in arguments.padding if len(pair) != 2)
    return f"padding has {_compact(odd)} instead of a pair"


def _outer_padding(arguments: Arguments) -> str:
    batch, channels = map(_compact, outer_padding(arguments.padding, channels_first(arguments)))
    return f"padding has {batch} for the batch and {channels} for the channels"


def _size(arguments: Arguments) -> str:
    meaning = interpret(arguments)
    assert meaning is not None  # arguments without an interpretation do not break the rule
    rows, columns = map(documented_size, meaning.axes)
    if meaning.dimensions == 1:
        return f"the result would have a width of {columns}"
    return f"the result would have {rows} rows and {columns} columns"


def _sizes(arguments: Arguments) -> str:
    name, given = arguments.entry_point.sizes_name, _compact(arguments.given_sizes)
    return f"{name} is {given}, which is no shape of 4 sizes"


def _upstream(arguments: Arguments) -> str:
    fits = _compact(conditions.upstream_shape(arguments))
    given = f"the upstream gradient has the shape {_compact(arguments.upstream)}"
    return f"{given}, but the result of the convolution has {fits}"


def _joined(words: tuple[str, ...] | list[str], conjunction: str) -> str:
    return f" {conjunction} ".join(filter(None, (", ".join(words[:-1]), *words[-1:])))


def _compact(value: Any) -> str:
    """Return a value as YAML without spaces, since a summary of 80 columns has little room."""
    return str(as_lists(value)).replace(" ", "")


MISMATCHES: dict[str, Mismatch] = {
    "rank_at_least_4": _rank("input", "4 or more"),
    "rank_4": _rank("input", "4"),
    "filter_rank_4": _rank("filter", "4"),
    "float_dtype": _dtype(*conditions.FLOATS),
    "rank_at_least_3": _rank("input", "3 or more"),
    "rank_3": _rank("input", "3"),
    "filter_rank_3": _rank("filter", "3"),
    "half_float_or_double": _dtype(*conditions.HALF_FLOAT_DOUBLE),
    "float_or_int32": _dtype(*conditions.FLOATS, "int32"),
    "filter_of_same_dtype": (
        lambda call: f"the filter is {call.filter_dtype}, but the input is {call.dtype}"
    ),
    "same_in_channels": _in_channels,
    "groups_fit": _groups,
    "outer_strides_1": _outer("strides"),
    "outer_dilations_1": _outer("dilations"),
    "strides_positive": _spatial("strides"),
    "dilations_positive": _spatial("dilations"),
    "all_strides_1": _strides_with_rate,
    "no_strides_with_rate": _strides_with_rate,
    "known_padding": _padding,
    "same_or_valid": _padding,
    "same_valid_or_causal": _padding,
    "pairs_for_4_dimensions": _pairs,
    "outer_padding_0": _outer_padding,
    "no_negative_padding": lambda call: f"{_padding(call)} has a negative amount",
    "known_format": lambda call: f"data_format is {call.data_format!r}",
    "size_not_negative": _size,
    "rates_equal": _spatial("dilations"),
    "output_padding_below_strides": (
        lambda call: (
            f"output_padding is {_compact(output_padding(call))} with strides "
            f"{_compact(call.strides)}"
        )
    ),
    "sizes_fit": _sizes,
    "upstream_fits": _upstream,
}
PRECONDITIONS: dict[str, Precondition | Callable[..., Precondition]] = {
    "strides": _strides,
    "dilations": _dilations,
} | {name: Precondition(CONDITIONS[name], mismatch) for name, mismatch in MISMATCHES.items()}
