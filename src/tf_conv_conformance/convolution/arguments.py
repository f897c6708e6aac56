"""The arguments of one call of an operator, and how its documentation reads them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from functools import cached_property, lru_cache
from typing import Any

from tf_conv_conformance.convolution.entry_points import DEFAULTS, ENTRY_POINTS, EntryPoint
from tf_conv_conformance.convolution.geometry import Axis, Padding
from tf_conv_conformance.convolution.names import Op, Symbol

IntOrInts = int | tuple[int, ...]
Pairs = tuple[tuple[int, ...], ...]


@dataclass(frozen=True)
class TensorSpec:
    """A tensor argument: its shape, and its values in row-major order where the case gives them."""

    shape: tuple[int, ...]
    values: tuple[float, ...] | None = None


@dataclass(frozen=True)
class Arguments:
    """All that determines what a call must return, whatever the mode. Hashable; `dilations` is also called rate.

    `filter_dtype` is the filter's where it is not the input's, `via` the entry point where it is not the operator's own, and `gradient`
    the tensor by which the call takes the gradient of its result.
    """

    op: Op
    input: TensorSpec
    filter: TensorSpec
    strides: IntOrInts
    padding: str | Pairs
    dilations: IntOrInts | None = None
    data_format: str | None = None
    dtype: str = "float32"
    data: tuple[str, ...] = ("small_integers", "wide_integers")
    filter_dtype: str | None = None
    via: Symbol | None = None
    gradient: str | None = None

    @cached_property
    def _hash(self) -> int:
        return hash(tuple(getattr(self, name) for name in FIELDS))

    def __hash__(self) -> int:
        """Computed once: caches ask for it dozens of times a call."""
        return self._hash

    @property
    def entry_point(self) -> EntryPoint:
        """The entry point into TensorFlow that the call uses."""
        return ENTRY_POINTS[self.via] if self.via else DEFAULTS[self.op]


FIELDS = tuple(field.name for field in fields(Arguments))


@dataclass(frozen=True)
class Interpretation:
    """The arguments as the documentation reads them: two axes, the channels, and what surrounds them.

    `groups` is how many times the filter's in_channels fit into the input's (1 for most; the input's channels for depthwise).
    """

    batch_shape: tuple[int, ...]
    height: Axis
    width: Axis
    in_channels: int
    filter_in_channels: int
    filter_out: int
    channels_first: bool


def in_groups(in_channels: int, filter_in: int, filter_out: int) -> bool:
    """Whether the filter's in_channels divide the input's into groups, at least one, that divide its out_channels."""
    if in_channels == 0 or filter_in == 0 or in_channels % filter_in:
        return False
    return filter_out % (in_channels // filter_in) == 0


def as_lists(value: Any) -> Any:
    """Tuples, at any depth, as lists: the form that JSON and TensorFlow's Python code take."""
    return [as_lists(item) for item in value] if isinstance(value, tuple) else value


def as_tuples(value: Any) -> Any:
    """Lists, at any depth, as tuples: the form in which arguments are hashable."""
    return tuple(as_tuples(item) for item in value) if isinstance(value, list) else value


def to_record(arguments: Arguments) -> dict[str, Any]:
    """The arguments as ``dataclasses.asdict`` would have them, at a tenth of its cost."""
    plain = {name: getattr(arguments, name) for name in FIELDS}
    return {**plain, "input": dict(vars(arguments.input)), "filter": dict(vars(arguments.filter))}


def from_record(plain: Mapping[str, Any]) -> Arguments:
    """The arguments that :func:`to_record` and JSON made plain."""
    given = {name: as_tuples(value) for name, value in plain.items()}
    for name in ("input", "filter"):
        values = plain[name]["values"]  # what JSON has no number for is text in a record
        given[name] = TensorSpec(
            tuple(plain[name]["shape"]), None if values is None else tuple(map(float, values))
        )
    return Arguments(**given)


def channels_first(arguments: Arguments) -> bool:
    """Whether the data format puts the channels before height and width."""
    return arguments.data_format == "NCHW"


def in_channels_of(arguments: Arguments) -> int:
    """Return the input's channels; 0 if its rank has none."""
    shape = arguments.input.shape
    return shape[-3 if channels_first(arguments) else -1] if len(shape) > 2 else 0


def spatial(value: IntOrInts | None, first: bool) -> tuple[int, int] | None:
    """The height and width entries of `strides` or `dilations`; None where the value has no such interpretation."""
    if value is None:
        return 1, 1
    values = (value,) if isinstance(value, int) else value
    if len(values) == 1:
        return values[0], values[0]
    if len(values) == 2:
        return values[0], values[1]
    if len(values) == 4:
        return (values[2], values[3]) if first else (values[1], values[2])
    return None


def outer(value: IntOrInts | None, first: bool) -> tuple[int, int]:
    """The batch and channel entries of `strides` or `dilations`; 1 where they are not given."""
    if value is None or isinstance(value, int) or len(value) != 4:
        return 1, 1
    return (value[0], value[1]) if first else (value[0], value[3])


def spatial_padding(padding: str | Pairs, first: bool) -> tuple[Padding, Padding] | None:
    """The padding of height and of width; None where it has no such interpretation."""
    if padding == "SAME":
        return "SAME", "SAME"
    if padding == "VALID":
        return "VALID", "VALID"
    if isinstance(padding, str) or len(padding) != 4 or any(len(pair) != 2 for pair in padding):
        return None
    height, width = padding[2:] if first else padding[1:3]
    return (height[0], height[1]), (width[0], width[1])


def padding_of(arguments: Arguments) -> str | Pairs:
    """Return the padding as the entry point reads it: Keras takes its names in either case."""
    padding = arguments.padding
    return (
        padding.upper() if isinstance(padding, str) and arguments.entry_point.is_layer else padding
    )


def outer_padding(padding: str | Pairs, first: bool) -> tuple[tuple[int, ...], ...]:
    """The padding of batch and of channels that explicit padding states."""
    if isinstance(padding, str) or len(padding) != 4:
        return ()
    return padding[:2] if first else (padding[0], padding[3])


def split_shape(shape: Sequence[int], first: bool) -> tuple[tuple[int, ...], int, int, int]:
    """Batch shape, height, width and channels of an input's shape of rank 3 or more."""
    batch, inner = tuple(shape[:-3]), tuple(shape[-3:])
    return (batch, inner[1], inner[2], inner[0]) if first else (batch, inner[0], inner[1], inner[2])


@lru_cache(maxsize=8192)
def interpret(arguments: Arguments) -> Interpretation | None:
    """What the arguments mean; None where the documentation gives them no meaning, so that only a refusal is left.

    Lenient on purpose: it reads arguments that break a precondition too, since TensorFlow may accept them.
    """
    first = channels_first(arguments)
    strides, dilations = spatial(arguments.strides, first), spatial(arguments.dilations, first)
    padding = spatial_padding(padding_of(arguments), first)
    shapes = len(arguments.input.shape) >= 4 and len(arguments.filter.shape) == 4
    if (
        not shapes
        or strides is None
        or dilations is None
        or padding is None
        or min(strides + dilations) < 1
    ):
        return None
    batch_shape, height, width, in_channels = split_shape(arguments.input.shape, first)
    rows, columns, filter_in, filter_out = arguments.filter.shape
    return Interpretation(
        batch_shape=batch_shape,
        height=Axis(height, rows, strides[0], dilations[0], padding[0]),
        width=Axis(width, columns, strides[1], dilations[1], padding[1]),
        in_channels=in_channels,
        filter_in_channels=filter_in,
        filter_out=filter_out,
        channels_first=first,
    )
