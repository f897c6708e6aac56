"""Models of the arguments of a call, as a case file gives them."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from tf_conv_conformance.casefile.company_fields import AfterOperations, BeforeOperations
from tf_conv_conformance.casefile.fields import (
    BY_KIND,
    LIST,
    MAPPING,
    SCALAR,
    AnyNumberOf,
    DtypeName,
    Int,
    Ints,
    Pairs,
    Shape,
    SizeOrReference,
    Strict,
    Values,
    alternatives,
)
from tf_conv_conformance.convolution.names import (
    Gradient,
    Held,
    Op,
    Optimizer,
    Symbol,
    Through,
    Unknown,
)


class VerbatimInts(Strict):
    """Passed to TensorFlow unchanged: an integer stays one even if the operator takes a list."""

    verbatim: Annotated[Annotated[Int, SCALAR] | Annotated[Ints, LIST], BY_KIND]
    """The value to pass on."""


class VerbatimText(Strict):
    """A string that is passed to TensorFlow unchanged, even if it means nothing there."""

    verbatim: Annotated[str, Field(max_length=100)]
    """The word to pass on."""


class Tensor(Strict):
    """A tensor with literal values: nested lists, or a flat list with a shape."""

    values: Annotated[list[Values], Field(min_length=1)]
    """Numbers that the dtype holds exactly. With `data: [reals]`, any numbers; they are rounded."""
    shape: Shape | None = None
    """The shape, if `values` is a flat list."""


TensorShape = Annotated[list[SizeOrReference], Field(max_length=8)]
TensorLike = Annotated[Annotated[TensorShape, LIST] | Annotated[Tensor, MAPPING], BY_KIND]
IntOrInts = Annotated[
    Annotated[Int, SCALAR] | Annotated[Ints, LIST] | Annotated[VerbatimInts, MAPPING], BY_KIND
]
PaddingLike = Annotated[
    Annotated[Literal["SAME", "VALID", "same", "valid", "causal"], SCALAR]
    | Annotated[Pairs, LIST]
    | Annotated[VerbatimText, MAPPING],
    BY_KIND,
]
FormatLike = Annotated[
    Annotated[Literal["NHWC", "NCHW", "NWC", "NCW"], SCALAR] | Annotated[VerbatimText, MAPPING],
    BY_KIND,
]


UnknownSizes = AnyNumberOf[Unknown]
HeldTensors = AnyNumberOf[Held]
OperationName = Annotated[str, Field(pattern=r"^[A-Za-z][A-Za-z0-9_]*$", max_length=50)]


class ArgumentFields(Strict):
    """The arguments of the operator, in a case, in its file's defaults or in `as_if`."""

    op: Op | None = None
    """The operator: `tf.nn.conv2d` or `tf.nn.depthwise_conv2d`."""
    input: TensorLike | None = None
    """The input's shape, `[batch, height, width, in_channels]` in NHWC, or its literal values.

    For a 1-D entry point it is `[batch, width, in_channels]`.
    """
    filter: TensorLike | None = None
    """The filter's shape, `[height, width, in_channels, out_channels or channel_multiplier]`.

    For a 1-D entry point it has no height.
    `$in_channels` means the input's channels.
    """
    strides: IntOrInts | None = None
    """The strides, 1 by default. Passed on as written.

    An integer means `[1, s, s, 1]` for depthwise_conv2d, which takes only lists.
    """
    padding: PaddingLike | None = None
    """`SAME`, `VALID`, or a pair of integers for each dimension. Required.

    An example of pairs: `[[0, 0], [1, 1], [1, 1], [0, 0]]`. Keras layers also take `same` and
    `valid`, and Conv1D `causal`.
    """
    dilations: IntOrInts | None = None
    """The dilations. Passed on as written; an integer for depthwise_conv2d means `[r, r]`."""
    rate: IntOrInts | None = None
    """Another name for `dilations`."""
    data_format: FormatLike | None = None
    """`NHWC` or `NCHW`; for a 1-D entry point `NWC` or `NCW`."""
    dtype: DtypeName | None = None
    """The dtype of input and filter, float32 by default."""
    filter_dtype: DtypeName | None = None
    """The dtype of the filter, if it differs from the input's."""
    via: Symbol | None = None
    """The entry point into TensorFlow, such as tf.raw_ops.Conv2D. By default the operator's own."""
    gradient: Gradient | None = None
    """Differentiate the result with respect to this tensor."""
    through: Through | None = None
    """A transformation that computes the same result, such as a gradient of a gradient."""
    op_name: OperationName | None = None
    """The name of the operation in the graph of a traced function."""
    optimizer: Optimizer | None = None
    """A rewriting that TensorFlow's graph optimizer makes on request: to bfloat16, or to NHWC.

    A call whose executed graph has no such convolution is vacuous.
    """
    variables: HeldTensors | None = None
    """Tensors that are a `tf.Variable`: `input` or `filter` if it is passed to the traced function,
    `captured_input` or `captured_filter` if it is captured."""
    unknown: UnknownSizes | None = None
    """What a traced function does not know: `batch`, `height`, `width`, `rank` or `filter`.

    `[]` is nothing, as one of the alternatives of a sweep.
    """
    upstream: Shape | None = None
    """For an entry point that computes a gradient: the shape of the upstream gradient.

    By default it is the shape of the convolution's result.
    """
    sizes: Ints | None = None
    """For an entry point that computes a gradient: what is passed as `input_sizes` or the like.

    By default it is the shape of `input` or `filter`.
    """
    before: BeforeOperations | None = None
    """Operations on the input, before it is convolved: `{pad: …}`, or a list."""
    after: AfterOperations | None = None
    """Operations on the result, in order: one, or a list such as `[bias_add, relu]`.

    They are `bias_add`, `add` (of a tensor of the result's shape), `relu`, `relu6`,
    `fused_batch_norm` or another convolution.
    """


class Alternatives(Strict):
    """A list of alternatives for each argument. A list as an alternative needs its own brackets."""

    op: Annotated[list[Op], Field(min_length=1)] | None = None
    input: Annotated[list[TensorLike], Field(min_length=1), alternatives(1)] | None = None
    filter: Annotated[list[TensorLike], Field(min_length=1), alternatives(1)] | None = None
    strides: Annotated[list[IntOrInts], Field(min_length=1)] | None = None
    padding: Annotated[list[PaddingLike], Field(min_length=1), alternatives(2)] | None = None
    dilations: Annotated[list[IntOrInts], Field(min_length=1)] | None = None
    rate: Annotated[list[IntOrInts], Field(min_length=1)] | None = None
    data_format: Annotated[list[FormatLike], Field(min_length=1)] | None = None
    dtype: Annotated[list[DtypeName], Field(min_length=1)] | None = None
    filter_dtype: Annotated[list[DtypeName], Field(min_length=1)] | None = None
    via: Annotated[list[Symbol], Field(min_length=1)] | None = None
    gradient: Annotated[list[Gradient], Field(min_length=1)] | None = None
    through: Annotated[list[Through], Field(min_length=1)] | None = None
    op_name: Annotated[list[OperationName], Field(min_length=1)] | None = None
    optimizer: Annotated[list[Optimizer], Field(min_length=1)] | None = None
    variables: Annotated[list[HeldTensors], Field(min_length=1)] | None = None
    unknown: Annotated[list[UnknownSizes], Field(min_length=1)] | None = None
    upstream: Annotated[list[Shape], Field(min_length=1), alternatives(1)] | None = None
    sizes: Annotated[list[Ints], Field(min_length=1), alternatives(1)] | None = None
    before: Annotated[list[BeforeOperations], Field(min_length=1)] | None = None
    after: Annotated[list[AfterOperations], Field(min_length=1)] | None = None


ScopePair = Annotated[
    list[Annotated[int, Field(ge=0, le=64)]], Field(min_length=2, max_length=2), LIST
]
ScopePadding = Annotated[Annotated[Literal["SAME", "VALID"], SCALAR] | ScopePair, BY_KIND]


class Scope(Strict):
    """Every problem of one axis up to these sizes.

    Each call has two of the problems, one for its height and one for its width, with two channels
    and two filters.
    """

    sizes: Annotated[int, Field(ge=1, le=64)]
    """Input sizes, from 1."""
    filters: Annotated[int, Field(ge=1, le=16)]
    """Filter sizes, from 1."""
    strides: Annotated[int, Field(ge=1, le=16)]
    """Strides, from 1."""
    rates: Annotated[int, Field(ge=1, le=16)]
    """Rates, from 1."""
    paddings: Annotated[list[ScopePadding], Field(min_length=1, max_length=8)]
    """`SAME`, `VALID`, or the padding before and after an axis."""
    results: Literal["some", "none"]
    """`some`: problems with a result in both models. `none`: all others."""
    sample: Annotated[int, Field(ge=1)]
    """How many calls to make. `--tf-exhaustive` makes all of them."""
