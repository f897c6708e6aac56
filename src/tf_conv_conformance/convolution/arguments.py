"""The arguments of one call of an operator, with their documented meaning."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from functools import cached_property, lru_cache
from typing import Any, Literal

from tf_conv_conformance.convolution.company import Operation, Operations, Pairs, padded
from tf_conv_conformance.convolution.entry_points import DEFAULTS, ENTRY_POINTS, EntryPoint
from tf_conv_conformance.convolution.geometry import Axis, Padding
from tf_conv_conformance.convolution.names import (
    Held,
    Lost,
    Op,
    Optimizer,
    Symbol,
    Through,
    Unknown,
)

IntOrInts = int | tuple[int, ...]
Steps = Literal["strides", "dilations"]
FORMATS = {1: ("NWC", "NCW"), 2: ("NHWC", "NCHW")}
"""The data formats by the number of spatial axes: channels last, and channels first."""
CHANNELS_FIRST = ("NCHW", "NCW")
KERAS_FORMATS = ("channels_last", "channels_first")
CAUSAL = "CAUSAL"
"""The padding of Keras's ``Conv1D`` by which no output reads a later input."""


@dataclass(frozen=True)
class TensorSpec:
    """A tensor argument: its shape, and its values in row-major order if the case gives them."""

    shape: tuple[int, ...]
    values: tuple[float, ...] | None = None


@dataclass(frozen=True)
class Arguments:
    """Everything that determines what a call must return, in any mode. Hashable.

    `filter_dtype` is None if the filter has the input's dtype, and `via` is None for the operator's
    default entry point. With `gradient`, the call differentiates its result with respect to that
    tensor. `unknown` names what a traced function does not know of the shapes; it changes neither
    the data nor what must be returned. For an entry point that computes the gradient, `upstream`
    and `sizes` are what it is given if that is not what fits: the shape of the upstream gradient,
    and that of the tensor to differentiate by. A transformation that the call goes `through`
    changes nothing of what must be returned, nor do `variables` that hold its tensors. The
    `optimizer` rewrites the graph, and may change the precision of its sums.
    The operations `before` the convolution change its input, and those `after` it its result.
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
    # Seeds come from the representation, and do not depend on these.
    unknown: tuple[Unknown, ...] = field(default=(), repr=False)
    upstream: tuple[int, ...] | None = field(default=None, repr=False)
    sizes: tuple[int, ...] | None = field(default=None, repr=False)
    through: Through | None = field(default=None, repr=False)
    variables: tuple[Held, ...] = field(default=(), repr=False)
    op_name: str | None = field(default=None, repr=False)
    optimizer: Optimizer | None = field(default=None, repr=False)
    before: Operations = field(default=(), repr=False)
    after: Operations = field(default=(), repr=False)

    @cached_property
    def _hash(self) -> int:
        return hash(tuple(getattr(self, name) for name in FIELDS))

    def __hash__(self) -> int:
        return self._hash  # computed once, since caches need it dozens of times per call

    @property
    def entry_point(self) -> EntryPoint:
        """The entry point into TensorFlow that the call uses."""
        return ENTRY_POINTS[self.via] if self.via else DEFAULTS[self.op]

    @property
    def dimensions(self) -> int:
        """The number of spatial axes: height and width, or the width alone."""
        return self.entry_point.dimensions

    @property
    def given_sizes(self) -> tuple[int, ...]:
        """The shape of the tensor to differentiate by, as an entry point for gradients gets it."""
        if self.sizes is not None:
            return self.sizes
        return (self.filter if self.gradient == "filter" else self.input).shape

    @property
    def convolved(self) -> tuple[int, ...]:
        """The shape of what is convolved: the input after the operations before."""
        return padded(self.input.shape, self.before)

    @property
    def precision(self) -> str:
        """The dtype of the products: that of the call, unless the optimizer casts its tensors."""
        return CASTS.get(self.optimizer or "", self.dtype)

    @property
    def in_company(self) -> bool:
        """Whether there are operations around the convolution."""
        return bool(self.before or self.after)


CASTS = {"auto_mixed_precision_onednn_bfloat16": "bfloat16"}
"""The dtype to which an optimizer casts float32."""
FIELDS = tuple(one.name for one in fields(Arguments))
RARE = {
    "unknown": (),
    "upstream": None,
    "sizes": None,
    "through": None,
    "variables": (),
    "op_name": None,
    "optimizer": None,
    "before": (),
    "after": (),
}
"""The fields that a record leaves out if they have these values."""
COMPANY = {"before", "after"}
"""The fields that are operations."""


@dataclass(frozen=True)
class Interpretation:
    """The documented meaning of arguments: two axes, the channels, and the batch.

    With one of the `dimensions`, the tensors have no height, and it is 1.
    """

    batch_shape: tuple[int, ...]
    height: Axis
    width: Axis
    in_channels: int
    filter_in_channels: int
    filter_out: int
    channels_first: bool
    dimensions: int = 2

    @property
    def axes(self) -> tuple[Axis, Axis]:
        """Height and width."""
        return self.height, self.width


def in_groups(in_channels: int, filter_in: int, filter_out: int) -> bool:
    """Return whether the channels divide into equal groups, at least one.

    The filter's in_channels must divide the input's, and the number of groups must divide the
    filter's out_channels.
    """
    if in_channels == 0 or filter_in == 0 or in_channels % filter_in:
        return False
    return filter_out % (in_channels // filter_in) == 0


def as_lists(value: Any) -> Any:
    """Convert tuples at any depth to lists, which JSON and TensorFlow's Python code take."""
    return [as_lists(item) for item in value] if isinstance(value, tuple) else value


def as_tuples(value: Any) -> Any:
    """Convert lists at any depth to tuples, which are hashable."""
    return tuple(as_tuples(item) for item in value) if isinstance(value, list) else value


def to_record(arguments: Arguments) -> dict[str, Any]:
    """Return the same as ``dataclasses.asdict``, at a tenth of its cost, without what is rare."""
    plain = {name: getattr(arguments, name) for name in FIELDS}
    for name, default in RARE.items():
        if plain[name] == default:
            del plain[name]
    for name in COMPANY & plain.keys():
        plain[name] = [dict(vars(one)) for one in plain[name]]
    return {**plain, "input": dict(vars(arguments.input)), "filter": dict(vars(arguments.filter))}


def from_record(plain: Mapping[str, Any]) -> Arguments:
    """Return arguments from the result of :func:`to_record`, which may have gone through JSON."""
    given = {name: as_tuples(value) for name, value in plain.items()}
    for name in COMPANY & plain.keys():
        own = ({key: as_tuples(value) for key, value in one.items()} for one in plain[name])
        given[name] = tuple(Operation(**one) for one in own)
    for name in ("input", "filter"):
        # Infinities and NaN are strings in a record, since JSON has no numbers for them.
        values = plain[name]["values"]
        given[name] = TensorSpec(
            tuple(plain[name]["shape"]), None if values is None else tuple(map(float, values))
        )
    return Arguments(**given)


def channels_first(arguments: Arguments) -> bool:
    """Return whether the data format puts the channels before height and width."""
    return arguments.data_format in CHANNELS_FIRST


def dimension_names(arguments: Arguments, rank: int) -> tuple[Lost, ...]:
    """Return the names of the dimensions of an input or a result of a rank."""
    sizes: tuple[Lost, ...] = ("height", "width")
    sizes = sizes[-arguments.dimensions :]
    inner = ("channels", *sizes) if channels_first(arguments) else (*sizes, "channels")
    batch: tuple[Lost, ...] = ("batch",)
    return (*batch * rank, *inner)[len(inner) :]


def channel_place(arguments: Arguments) -> int:
    """Return the index of the channels of an input or a result, from its end."""
    return -1 - arguments.dimensions if channels_first(arguments) else -1


def with_height(arguments: Arguments) -> tuple[int, ...]:
    """Return the filter's shape, with a height of 1 if the filter has none."""
    shape = arguments.filter.shape
    return (1, *shape) if arguments.dimensions == 1 else shape


def in_channels_of(arguments: Arguments) -> int:
    """Return the input's number of channels; 0 if its rank is too low to have any."""
    shape = arguments.convolved
    return shape[channel_place(arguments)] if len(shape) > arguments.dimensions else 0


def spatial(arguments: Arguments, name: Steps) -> tuple[int, int] | None:
    """Return the strides or dilations of height and width; None if there are none for them."""
    value: IntOrInts | None = getattr(arguments, name)
    return as_pair(value, channels_first(arguments), arguments.dimensions)


def as_pair(value: IntOrInts | None, first: bool, dimensions: int = 2) -> tuple[int, int] | None:
    """Return the entries of strides or dilations for height and width; None if there are none."""
    if value is None:
        return 1, 1
    values = (value,) if isinstance(value, int) else value
    if len(values) == dimensions + 2:
        values = values[2:] if first else values[1:-1]
    elif len(values) == 1:
        values *= dimensions
    if len(values) != dimensions:
        return None
    return (1, values[0]) if dimensions == 1 else (values[0], values[1])


def outer(arguments: Arguments, name: Steps) -> tuple[int, int]:
    """Return the strides or dilations of batch and channels, which default to 1."""
    value: IntOrInts | None = getattr(arguments, name)
    if value is None or isinstance(value, int) or len(value) != arguments.dimensions + 2:
        return 1, 1
    return value[0], value[1 if channels_first(arguments) else -1]


def padding_of(arguments: Arguments) -> str | Pairs:
    """Return the padding with its name in capitals, since Keras accepts either case."""
    padding = arguments.padding
    if isinstance(padding, str) and arguments.entry_point.is_keras:
        return padding.upper()
    return padding


def spatial_padding(padding: str | Pairs, first: bool) -> tuple[Padding, Padding] | None:
    """Return the padding of height and of width; None if it has none for them."""
    if padding == "SAME":
        return "SAME", "SAME"
    if padding == "VALID":
        return "VALID", "VALID"
    if isinstance(padding, str) or len(padding) != 4 or any(len(pair) != 2 for pair in padding):
        return None
    height, width = padding[2:] if first else padding[1:3]
    return (height[0], height[1]), (width[0], width[1])


def _padding(arguments: Arguments, rate: int) -> tuple[Padding, Padding] | None:
    padding = padding_of(arguments)
    if padding == CAUSAL and arguments.dimensions == 1:
        return (0, 0), (rate * (arguments.filter.shape[0] - 1), 0)
    return spatial_padding(padding, channels_first(arguments))


def outer_padding(padding: str | Pairs, first: bool) -> tuple[tuple[int, ...], ...]:
    """Return the padding of batch and channels from explicit padding."""
    if isinstance(padding, str) or len(padding) != 4:
        return ()
    return padding[:2] if first else (padding[0], padding[3])


def split_shape(
    shape: Sequence[int], first: bool, dimensions: int = 2
) -> tuple[tuple[int, ...], int, int, int]:
    """Split an input's shape into batch shape, height, width and channels.

    It has at least one more than its spatial `dimensions`. Without a height, that is 1.
    """
    batch, inner = tuple(shape[: -1 - dimensions]), tuple(shape[-1 - dimensions :])
    channels, sizes = (inner[0], inner[1:]) if first else (inner[-1], inner[:-1])
    return batch, sizes[0] if dimensions == 2 else 1, sizes[-1], channels


@lru_cache(maxsize=8192)
def interpret(arguments: Arguments) -> Interpretation | None:
    """Return what the arguments mean; None if they mean nothing and can only be refused.

    Arguments that break a precondition may still have a meaning, since TensorFlow may accept them.
    """
    first, dimensions = channels_first(arguments), arguments.dimensions
    shape, sizes = arguments.convolved, with_height(arguments)
    if len(shape) < dimensions + 2 or len(sizes) != 4:
        return None
    strides, dilations = spatial(arguments, "strides"), spatial(arguments, "dilations")
    if strides is None or dilations is None or min(strides + dilations) < 1:
        return None
    padding = _padding(arguments, dilations[1])
    if padding is None:
        return None
    batch_shape, height, width, in_channels = split_shape(shape, first, dimensions)
    rows, columns, filter_in, filter_out = sizes
    return Interpretation(
        batch_shape=batch_shape,
        height=Axis(height, rows, strides[0], dilations[0], padding[0]),
        width=Axis(width, columns, strides[1], dilations[1], padding[1]),
        in_channels=in_channels,
        filter_in_channels=filter_in,
        filter_out=filter_out,
        channels_first=first,
        dimensions=dimensions,
    )
