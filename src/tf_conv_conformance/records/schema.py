"""The lines of a record file, as types that the reader checks and that other modules rely on.

One JSON object a line: the header; the plan, which is a case before its calls; then each subject
before its first end, a start and an end for each call; and a footer unless the run was killed. The
header cannot hold the subject: TensorFlow starts with the first call, and the plan is on disk
before it.

Files of versions 2 and 3 are still read; :mod:`old_schemas` updates their lines.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from msgspec import Meta
from typing_extensions import NotRequired, TypedDict

from tf_conv_conformance.convolution.names import (
    Dtype,
    Gradient,
    Held,
    Mode,
    Op,
    OperationName,
    Optimizer,
    RelationName,
    Symbol,
    Through,
    Unknown,
)
from tf_conv_conformance.verdict.kinds import Kind

SCHEMA = 4
SCHEMAS = (2, 3, SCHEMA)
"""The versions that are read."""

Count = Annotated[int, Meta(ge=0, le=2**53 - 1)]
Integer = Annotated[int, Meta(ge=-(2**63), le=2**63 - 1)]
Seed = Annotated[int, Meta(ge=0, le=2**32 - 1)]
Precision = Annotated[int, Meta(ge=1, le=64)]
Exponents = Annotated[int, Meta(ge=1, le=64)]
Shape = list[Count]
KnownShape = list[Count | None] | str | None
"""A shape with null for unknown sizes, null for an unknown rank, or the name of an exception."""
Integers = Integer | list[Integer]


class HeaderLine(TypedDict):
    """The first line. `shard` says which part of a run the file holds: "3/8", or "1,2,5/8"."""

    type: Literal["header"]
    schema: int
    suite: str
    created: str
    shard: NotRequired[str]


class DeviationRecord(TypedDict):
    """A deviation that a case declares, as its case file has it."""

    rule: str
    reported: str
    when: NotRequired[dict[str, Any]]
    where: NotRequired[Any]
    observed: NotRequired[Any]
    expires: NotRequired[str | None]
    notes: NotRequired[str | None]


class CaseLine(TypedDict):
    """A case of a case file. `problems` counts the axis problems of an exhaustive scope."""

    type: Literal["case"]
    key: str
    file: str
    line: Count
    id: str
    yaml: str
    notes: str | None
    references: list[str]
    problems: Count | None
    expect: Any
    deviations: list[DeviationRecord]


class TensorRecord(TypedDict):
    """A tensor argument. Values that are not finite are text, since JSON has no number for them."""

    shape: Shape
    values: list[int | float | Literal["nan", "inf", "-inf"]] | None


class OperationRecord(TypedDict):
    """An operation around the convolution, with its padding, and the filter of another."""

    name: OperationName
    padding: str | list[list[Integer]] | None
    filter: Shape | None
    strides: Annotated[list[Count], Meta(min_length=2, max_length=2)]


class ArgumentsRecord(TypedDict):
    """The arguments of a call."""

    op: Op
    input: TensorRecord
    filter: TensorRecord
    strides: Integers
    padding: str | list[list[Integer]]
    dilations: Integers | None
    data_format: str | None
    dtype: Dtype
    data: list[str]
    filter_dtype: Dtype | None
    via: Symbol | None
    gradient: Gradient | None
    unknown: NotRequired[list[Unknown]]
    through: NotRequired[Through]
    variables: NotRequired[list[Held]]
    op_name: NotRequired[str]
    optimizer: NotRequired[Optimizer]
    upstream: NotRequired[Shape | None]
    sizes: NotRequired[list[Integer] | None]
    before: NotRequired[list[OperationRecord]]
    after: NotRequired[list[OperationRecord]]


class PredictedRecord(TypedDict):
    """What is documented: the rules that refuse the call, and the shape by the formula."""

    refuses: list[str] | None
    shape: Shape | None


class CallLine(TypedDict):
    """A planned call."""

    type: Literal["call"]
    id: str
    hash: str
    case: str
    mode: Mode
    relation: RelationName | None
    arguments: ArgumentsRecord
    rules: list[str]
    predicted: PredictedRecord


class CpuRecord(TypedDict):
    """A processor, as the subject's process sees it, with oneDNN's name for its instructions."""

    name: str
    flags: list[str]
    isa: NotRequired[str | None]


class SubjectRecord(TypedDict):
    """The facts that describe a subject: TensorFlow, or Keras on another backend without it."""

    tensorflow: str | None
    python: str
    numpy: str
    platform: str
    machine: str
    device: str
    git_version: str | None
    keras: str | None
    backend: NotRequired[str | None]
    tflite: NotRequired[str | None]
    litert: NotRequired[str | None]
    onnxruntime: NotRequired[str | None]
    tf2onnx: NotRequired[str | None]
    name: NotRequired[str | None]
    threads: NotRequired[Integer | None]
    deterministic: NotRequired[bool]
    onednn: bool | None
    onednn_version: NotRequired[str | None]
    isa: NotRequired[str | None]
    cpu: CpuRecord
    environment: dict[str, str]


class SubjectLine(TypedDict):
    """A subject that started, with the sentence that its documentation has for each rule.

    `measured` is false if the cases state where they were measured, and name no such subject.
    """

    type: Literal["subject"]
    key: str
    subject: SubjectRecord
    sentences: dict[str, str | None]
    measured: NotRequired[bool]


class StartLine(TypedDict):
    """The start of a call."""

    type: Literal["start"]
    id: str
    at: NotRequired[str]


class DistributionRecord(TypedDict, total=False):
    """How a tensor was drawn: reals of a `precision`, or integers up to a `limit`."""

    precision: Precision
    exponents: Exponents
    limit: Count
    odd: bool


class ArmRecord(TypedDict):
    """An arm of data."""

    name: str
    seed: Seed
    input: DistributionRecord
    filter: DistributionRecord
    upstream: NotRequired[DistributionRecord | None]


class ObservedRecord(TypedDict, total=False):
    """What the subject did: a value, an error, or why there is no answer, with the last output.

    `static` is what a traced function knew of the shape. `symbolic` and `computed` are the shapes
    that a Keras layer gives for an unknown batch, called with ``keras.Input`` and by its method
    ``compute_output_shape``. `operations` are those of the graph that was executed.
    """

    shape: Shape
    dtype: str
    static: KnownShape
    symbolic: KnownShape
    computed: KnownShape
    operations: list[str]
    error: str
    message: str
    ended: Literal["crashed", "timed out", "suite error"]
    output: str
    signal: str
    time_limit: float
    exit_status: Integer
    protocol_error: str


class HeatRecord(TypedDict):
    """A map of differences: the size of the result, the size of a block, a digit for each block."""

    size: Shape
    block: Shape
    levels: list[str]


class WarningRecord(TypedDict):
    """A warning of TensorFlow."""

    category: str
    message: str


class EndLine(TypedDict):
    """The end of a call.

    `excludes` has the codes of the wrong oracles that the data excludes, if the call is held to an
    oracle. `known` is true if the call fails as a baseline says.
    """

    type: Literal["end"]
    id: str
    subject: str | None
    verdict: Kind
    reason: str
    rules: list[str]
    data: list[ArmRecord]
    excludes: NotRequired[list[str]]
    by_expect: NotRequired[bool]
    observed: NotRequired[ObservedRecord]
    digest: NotRequired[str | None]
    difference: NotRequired[str | None]
    explained: NotRequired[str | None]
    largest: NotRequired[float | None]
    ulp: NotRequired[float | None]
    largest_at: NotRequired[Shape | None]
    heat: NotRequired[HeatRecord | None]
    warnings: NotRequired[list[WarningRecord]]
    seconds: NotRequired[float]
    known: NotRequired[bool]


class FooterLine(TypedDict):
    """The last line of a run that was not killed. `whole` counts the calls of all its shards."""

    type: Literal["footer"]
    calls: Count
    ended: Count
    finished: str
    whole: NotRequired[Count]


Line = HeaderLine | CaseLine | CallLine | SubjectLine | StartLine | EndLine | FooterLine
LINES: dict[str, type[Line]] = {
    "header": HeaderLine,
    "case": CaseLine,
    "call": CallLine,
    "subject": SubjectLine,
    "start": StartLine,
    "end": EndLine,
    "footer": FooterLine,
}
PlanLine = CaseLine | CallLine
