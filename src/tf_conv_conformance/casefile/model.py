"""What a case file may say: pydantic models, from which its JSON Schema is made.

Models are strict (no value is converted) and frozen. A union is told apart by the kind of YAML value it got, so that a fault is
reported once, against the form that was meant.
"""

from __future__ import annotations

import datetime
from collections.abc import Sequence
from typing import Annotated, Any, Literal, TypeVar

import regex
from packaging.specifiers import InvalidSpecifier, SpecifierSet
from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Discriminator,
    Field,
    StringConstraints,
    Tag,
    model_validator,
)
from pydantic_core import PydanticCustomError
from typing_extensions import TypeAliasType

from tf_conv_conformance.casefile.names import ERRORS, SIGNALS, WARNINGS, is_known
from tf_conv_conformance.convolution.names import (
    CpuFlag,
    Dtype,
    Gradient,
    Mode,
    Op,
    RelationName,
    Symbol,
)

REFERENCES = ("batch", "height", "width", "in_channels")
TEXT_LIMIT = 2**20  # characters of notes

DtypeName = Literal["half", Dtype]
ModelName = Literal["documented", "phase_strided"]
Data = Literal["small_integers", "wide_integers", "reals"]


class Strict(BaseModel):
    """Base of all: unknown keys are refused, values are not converted, and nothing changes after reading."""

    model_config = ConfigDict(
        extra="forbid", strict=True, frozen=True, use_attribute_docstrings=True
    )


def kind(value: Any) -> str:
    """The kind of a YAML value, by which a union is told apart. The brackets keep it out of key paths."""
    if isinstance(value, dict | Strict):
        return "<mapping>"
    return "<list>" if isinstance(value, list | tuple) else "<scalar>"


def one_or_list(value: Any) -> Any:
    """A lone value where a list may stand, as a list of it."""
    return value if isinstance(value, list) else [value]


def version_range(text: str) -> str:
    """Refuse what is not a PEP 440 version range."""
    try:
        SpecifierSet(text)
    except InvalidSpecifier as error:
        right = (
            f'"=={text}.*" or ">={text}"'
            if regex.fullmatch(r"\d+(\.\d+)*", text)
            else '">=2.12,<2.22"'
        )
        raise PydanticCustomError(
            "version",
            "{text} is not a version range; write one such as {right}",
            {"text": repr(text), "right": right},
        ) from error
    return text


def regular_expression(text: str) -> str:
    """Refuse what is not a regular expression."""
    try:
        regex.compile(text)
    except regex.error as error:
        raise PydanticCustomError(
            "pattern", "is not a regular expression: {why}", {"why": str(error)}
        ) from error
    return text


def named(what: str, known: Sequence[str]) -> AfterValidator:
    """Return a validator that refuses a name that is none of those that are known; one with its module is not looked up."""

    def check(name: str) -> str:
        if is_known(name, known):
            return name
        raise PydanticCustomError("unknown_name", "{what}", {"what": what, "known": list(known)})

    return AfterValidator(check)


def date(text: str) -> str:
    """Refuse what is not a day of the calendar."""
    try:
        datetime.date.fromisoformat(text)
    except ValueError as error:
        raise PydanticCustomError(
            "date", "{text} is not a date; write it as 2027-01-31", {"text": repr(text)}
        ) from error
    return text


def pairs(value: Any) -> Any:
    """Refuse a list without any list in it, once rather than for each of its items; pairs of any number are passed on."""
    if isinstance(value, list) and value and not any(isinstance(item, list) for item in value):
        raise PydanticCustomError("flat_padding", "is a list of single values")
    return value


def refuses_one(depth: int) -> BeforeValidator:
    """Return a validator that refuses one alternative, a list of this depth, where a list of alternatives belongs."""

    def check(value: Any) -> Any:
        levels, item = 0, value
        while isinstance(item, list) and item:
            levels, item = levels + 1, item[0]
        if levels == depth and isinstance(item, int | str):
            raise PydanticCustomError("one_alternative", "is one alternative")
        return value

    return BeforeValidator(check)


Int = Annotated[int, Field(ge=-(2**63), le=2**63 - 1)]
Size = Annotated[int, Field(ge=0, le=2**31)]
Reference = Annotated[str, StringConstraints(pattern=rf"^\$({'|'.join(REFERENCES)})$")]
SizeOrReference = Annotated[
    Annotated[Size, Tag("<size>")] | Annotated[Reference, Tag("<reference>")],
    Discriminator(
        lambda value: (
            "<reference>" if isinstance(value, str) and value.startswith("$") else "<size>"
        )
    ),
]
Ints = Annotated[list[Int], Field(max_length=8)]
Pairs = Annotated[list[Ints], Field(max_length=8), BeforeValidator(pairs)]
Number = float  # .inf and .nan are data like any other
Values = TypeAliasType(  # numbers in lists in lists; flat is fine where a shape is given
    "Values",
    "Annotated[Annotated[Number, Tag('<scalar>')] | Annotated[list[Values], Tag('<list>')], Discriminator(kind)]",
)
Item = TypeVar("Item")
OneOrMore = Annotated[
    Annotated[Item, Tag("<scalar>")] | Annotated[list[Item], Field(min_length=1), Tag("<list>")],
    Discriminator(kind),
    AfterValidator(one_or_list),
]
Text = Annotated[str, Field(max_length=TEXT_LIMIT)]
Word = Annotated[str, StringConstraints(pattern=r"^[A-Za-z_][A-Za-z0-9_.]*$", max_length=100)]
ErrorName = Annotated[Word, named("exception of Python or of TensorFlow", ERRORS)]
WarningName = Annotated[Word, named("warning of Python", WARNINGS)]
SignalName = Annotated[Word, named("signal", SIGNALS)]
Exceptions = OneOrMore[ErrorName]
Signals = OneOrMore[SignalName]
Identifier = Annotated[
    str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$", max_length=100)
]
Pattern = Annotated[str, Field(max_length=500), AfterValidator(regular_expression)]
VersionRange = Annotated[str, AfterValidator(version_range)]
Modes = OneOrMore[Mode]
CpuFlags = OneOrMore[CpuFlag]
Arms = OneOrMore[Data]
References = Annotated[
    Annotated[Text, Tag("<scalar>")] | Annotated[list[Text], Tag("<list>")],
    Discriminator(kind),
    AfterValidator(one_or_list),
]
Shape = Annotated[list[Size], Field(max_length=8)]


class VerbatimInts(Strict):
    """Passed to TensorFlow just as it is: an integer stays one where the operator documents a list."""

    verbatim: Annotated[
        Annotated[Int, Tag("<scalar>")] | Annotated[Ints, Tag("<list>")], Discriminator(kind)
    ]
    """The value to pass on."""


class VerbatimText(Strict):
    """A string that is passed to TensorFlow just as it is, whether or not it means anything there."""

    verbatim: Annotated[str, Field(max_length=100)]
    """The word to pass on."""


class Tensor(Strict):
    """A tensor with literal values: nested lists, or a flat list with a shape."""

    values: Annotated[list[Values], Field(min_length=1)]
    """Numbers that the dtype holds exactly; with `data: [reals]` any numbers, which are rounded to the dtype."""
    shape: Shape | None = None
    """The shape, where `values` is flat."""


TensorShape = Annotated[list[SizeOrReference], Field(max_length=8)]
TensorLike = Annotated[
    Annotated[TensorShape, Tag("<list>")] | Annotated[Tensor, Tag("<mapping>")], Discriminator(kind)
]
IntOrInts = Annotated[
    Annotated[Int, Tag("<scalar>")]
    | Annotated[Ints, Tag("<list>")]
    | Annotated[VerbatimInts, Tag("<mapping>")],
    Discriminator(kind),
]
PaddingLike = Annotated[
    Annotated[Literal["SAME", "VALID", "same", "valid"], Tag("<scalar>")]
    | Annotated[Pairs, Tag("<list>")]
    | Annotated[VerbatimText, Tag("<mapping>")],
    Discriminator(kind),
]
FormatLike = Annotated[
    Annotated[Literal["NHWC", "NCHW"], Tag("<scalar>")] | Annotated[VerbatimText, Tag("<mapping>")],
    Discriminator(kind),
]


class ArgumentFields(Strict):
    """The arguments of the operator, each where a case, its file's defaults, or a condition may give it."""

    op: Op | None = None
    """The operator: `tf.nn.conv2d` or `tf.nn.depthwise_conv2d`."""
    input: TensorLike | None = None
    """The input's shape, `[batch, height, width, in_channels]` in NHWC; or its literal values."""
    filter: TensorLike | None = None
    """The filter's shape, `[height, width, in_channels, out_channels or channel_multiplier]`; `$in_channels` is the input's."""
    strides: IntOrInts | None = None
    """1 unless given. Passed on as written; an integer for depthwise_conv2d, which takes only lists, means `[1, s, s, 1]`."""
    padding: PaddingLike | None = None
    """`SAME`, `VALID`, or a pair of integers for each dimension: `[[0, 0], [1, 1], [1, 1], [0, 0]]`. Required.

    Keras layers take `same` and `valid`, too.
    """
    dilations: IntOrInts | None = None
    """Passed on as written; an integer for depthwise_conv2d means `[r, r]`."""
    rate: IntOrInts | None = None
    """The same as `dilations`."""
    data_format: FormatLike | None = None
    """`NHWC` or `NCHW`."""
    dtype: DtypeName | None = None
    """The dtype of input and filter; float32 unless given."""
    filter_dtype: DtypeName | None = None
    """The dtype of the filter, where it is not the input's."""
    via: Symbol | None = None
    """The entry point into TensorFlow, where it is not the operator's own: tf.raw_ops.Conv2D."""
    gradient: Gradient | None = None
    """Take the gradient of the result by this tensor."""


class Alternatives(Strict):
    """For each argument a list of alternatives; an alternative that is a list itself stands in a list of its own."""

    op: Annotated[list[Op], Field(min_length=1)] | None = None
    input: Annotated[list[TensorLike], Field(min_length=1), refuses_one(1)] | None = None
    filter: Annotated[list[TensorLike], Field(min_length=1), refuses_one(1)] | None = None
    strides: Annotated[list[IntOrInts], Field(min_length=1)] | None = None
    padding: Annotated[list[PaddingLike], Field(min_length=1), refuses_one(2)] | None = None
    dilations: Annotated[list[IntOrInts], Field(min_length=1)] | None = None
    rate: Annotated[list[IntOrInts], Field(min_length=1)] | None = None
    data_format: Annotated[list[FormatLike], Field(min_length=1)] | None = None
    dtype: Annotated[list[DtypeName], Field(min_length=1)] | None = None
    filter_dtype: Annotated[list[DtypeName], Field(min_length=1)] | None = None
    via: Annotated[list[Symbol], Field(min_length=1)] | None = None
    gradient: Annotated[list[Gradient], Field(min_length=1)] | None = None


class Scope(Strict):
    """Every problem of one axis up to these sizes: a call for each two of them, with two channels and two filters."""

    sizes: Annotated[int, Field(ge=1, le=64)]
    """Input sizes, from 1."""
    filters: Annotated[int, Field(ge=1, le=16)]
    """Filter sizes, from 1."""
    strides: Annotated[int, Field(ge=1, le=16)]
    """Strides, from 1."""
    rates: Annotated[int, Field(ge=1, le=16)]
    """Rates, from 1."""
    paddings: Annotated[
        list[
            Annotated[
                Annotated[Literal["SAME", "VALID"], Tag("<scalar>")]
                | Annotated[
                    list[Annotated[int, Field(ge=0, le=64)]],
                    Field(min_length=2, max_length=2),
                    Tag("<list>"),
                ],
                Discriminator(kind),
            ]
        ],
        Field(min_length=1, max_length=8),
    ]
    """`SAME`, `VALID`, or the padding before and after an axis."""
    results: Literal["some", "none"]
    """Problems that have a result by documentation and in phases (`some`), or the others (`none`)."""
    sample: Annotated[int, Field(ge=1)]
    """How many calls are made where `--tf-exhaustive` does not ask for all."""


class When(Strict):
    """A condition on the subject and the mode; what is not stated does not matter."""

    tensorflow: VersionRange | None = None
    """A PEP 440 range of TensorFlow versions, quoted: `">=2.12,<2.22"`."""
    keras: VersionRange | None = None
    """A range of versions of the Keras beside TensorFlow, quoted."""
    modes: Modes | None = None
    """The modes in which it holds."""
    onednn: bool | None = None
    """Whether oneDNN's kernels are in effect."""
    device: Literal["cpu", "gpu"] | None = None
    """The device on which TensorFlow runs."""
    platform: Word | None = None
    """Python's `sys.platform`: linux, darwin."""
    machine: Word | None = None
    """Python's `platform.machine()`: x86_64, aarch64."""
    cpu: CpuFlags | None = None
    """Vector extensions that the processor has, all of them: avx2, avx512f."""
    cpu_without: CpuFlags | None = None
    """Vector extensions that the processor lacks, all of them."""


class Expect(Strict):
    """What the case claims instead of the documentation, or beside it: an exception, or a shape and values."""

    error: Exceptions | None = None
    """The exception's class, one of its bases, or the TensorFlow error that it replaces; a list: any of them; `Exception`: any.

    A class that is neither Python's nor TensorFlow's is written with its module.
    """
    match: Pattern | None = None
    """A regular expression that is found in the exception's message."""
    shape: Shape | None = None
    """The shape of the result."""
    values: Annotated[list[Values], Field(min_length=1)] | None = None
    """The values of the result, nested or flat."""

    @model_validator(mode="after")
    def _one_kind(self) -> Expect:
        if self.error is None and self.shape is None and self.values is None:
            raise PydanticCustomError(
                "expect",
                "expects nothing; give `error`, or `shape` and `values`, or leave `expect` out",
            )
        if self.error is not None and (self.shape is not None or self.values is not None):
            raise PydanticCustomError(
                "expect",
                "a call cannot both raise `error` and return `shape` or `values`; keep one",
            )
        if self.match is not None and self.error is None:
            raise PydanticCustomError(
                "expect", "`match` looks into the message of an `error`; name the error"
            )
        return self


class Observed(Strict):
    """What TensorFlow does instead of what it documents. Everything stated here is checked."""

    model: ModelName | None = None
    """The oracle that predicts shape and values."""
    sizes: Literal["truncated"] | None = None
    """`truncated`: the model divides towards zero, so that a size just below zero is zero."""
    accumulator: Literal["float16", "bfloat16", "float32"] | None = None
    """For reals: the dtype in which the model sums products, where that is less than the bound takes for granted."""
    padding: Literal["skipped"] | None = None
    """`skipped`: the model leaves out what would be multiplied with a padded zero, which shows where a tap is not finite."""
    subnormals: Literal["flushed"] | None = None
    """`flushed`: the model takes and returns subnormal numbers as zero."""
    as_if: ArgumentFields | None = None
    """Arguments for which the model stands: TensorFlow acts as if it had been given these."""
    shape: Shape | None = None
    """The shape; checked against the model where there is one."""
    dtype: Dtype | None = None
    """The dtype of a result without a model, where it is not the call's."""
    values: Literal["unspecified"] | None = None
    """`unspecified`: the values cannot be predicted (memory that nobody wrote)."""
    error: Exceptions | None = None
    """The exception's class, one of its bases, or the TensorFlow error that it replaces; a list means any of them."""
    match: Pattern | None = None
    """A regular expression that is found in the exception's message."""
    crash: Signals | None = None
    """The signal by which the process dies: SIGFPE."""
    timeout: Literal[True] | None = None
    """The call does not end in time."""
    warning: WarningName | None = None
    """The category of a Python warning that is issued."""

    @model_validator(mode="after")
    def _one_kind(self) -> Observed:
        value = self.model is not None or self.shape is not None or self.values is not None
        kinds = [value, self.error is not None, self.crash is not None, self.timeout is not None]
        if sum(kinds) != 1:
            raise PydanticCustomError(
                "observed",
                "give just one of `model` (or `shape` with `values: unspecified`), `error`, `crash`, `timeout`",
            )
        empty = (
            self.model is None and self.values is None and 0 in (self.shape or ())
        )  # no values, so none to explain
        if value and not empty and (self.model is None) == (self.values is None):
            raise PydanticCustomError(
                "observed",
                "give the `model` that explains the values, or `shape` with `values: unspecified` where none can",
            )
        if self.values is not None and self.shape is None:
            raise PydanticCustomError(
                "observed", "`values: unspecified` needs a `shape`, or nothing would be checked"
            )
        changes = {
            name: getattr(self, name)
            for name in ("as_if", "sizes", "accumulator", "padding", "subnormals")
        }
        for name, value in changes.items():
            if value is not None and self.model is None:
                raise PydanticCustomError(
                    "observed", "`{name}` changes a `model`; name the model", {"name": name}
                )
        if self.dtype is not None and (self.shape is None or self.model is not None):
            raise PydanticCustomError(
                "observed", "`dtype` is that of a `shape` without a `model`, which has the call's"
            )
        if self.match is not None and self.error is None:
            raise PydanticCustomError(
                "observed", "`match` looks into the message of an `error`; name the error"
            )
        return self

    @property
    def returns(self) -> bool:
        """Whether a result is declared, with values or without."""
        return self.error is None and self.crash is None and self.timeout is None


class Deviation(Strict):
    """A declared difference between TensorFlow and its documentation."""

    rule: Annotated[str, Field(max_length=100)]
    """The id of the documented rule that is not kept; `docs/rules.md` lists them."""
    observed: Observed
    """What TensorFlow does instead."""
    reported: Annotated[
        str, StringConstraints(pattern=r"^(https?://\S+|unreported)$", max_length=500)
    ]
    """The address of a public report, or `unreported`."""
    when: When = When()
    """Where it was seen; everywhere unless given."""
    where: Alternatives = Alternatives()
    """In a sweep: the arguments for which it was seen."""
    expires: Annotated[str, AfterValidator(date)] | None = None
    """A day after which it must be looked at again."""
    notes: Text | None = None


Expectation = Annotated[
    Annotated[Literal["result"], Tag("<scalar>")] | Annotated[Expect, Tag("<mapping>")],
    Discriminator(kind),
]


class Defaults(ArgumentFields):
    """What every case of the file has, unless it says otherwise."""

    modes: Modes | None = None
    """Execution modes; all three unless given."""
    data: Arms | None = None
    """Arms of data; both unless given."""
    large: bool | None = None
    """The calls take long: they are made only with `--tf-large` or `-m tf_large`."""
    requires: When | None = None
    """What the subject must be; elsewhere the case is skipped as unsupported."""
    references: References | None = None
    """Addresses of documentation, reports, papers."""
    expect: Expectation | None = None
    """What must come out; what the documentation says unless given. `result`: what it says, and that must be a result."""

    @property
    def claim(self) -> Expect | None:
        """What is claimed in place of the documentation; None also for `expect: result`."""
        return None if self.expect == "result" else self.expect

    @property
    def plain_expect(self) -> Any:
        """`expect` as a case file has it."""
        return (
            self.expect.model_dump(exclude_none=True)
            if isinstance(self.expect, Expect)
            else self.expect
        )


class Case(Defaults):
    """One question to TensorFlow, or, with a sweep, the product of several."""

    id: Identifier
    """Its name, unique in the file."""
    sweep: Alternatives = Alternatives()
    """Alternatives for arguments: one call for each combination."""
    scope: Scope | None = None
    """In place of input, filter, strides, rate and padding: all small ones, exhaustively."""
    relations: Annotated[list[RelationName], Field(min_length=1)] | None = None
    """Metamorphic relations to check: each adds a call for each call of the case that can have it."""
    deviations: list[Deviation] = []
    """Known differences between TensorFlow and its documentation."""
    notes: Text | None = None


KNOWN: dict[str, type[Strict]] = {
    "defaults": Defaults, "cases": Case, "sweep": Alternatives, "where": Alternatives, "expect": Expect, "deviations": Deviation,
    "when": When, "scope": Scope, "requires": When, "observed": Observed, "as_if": ArgumentFields, "input": Tensor, "filter": Tensor,
    "strides": VerbatimInts, "dilations": VerbatimInts, "rate": VerbatimInts, "padding": VerbatimText, "data_format": VerbatimText,
}  # fmt: skip
"""The model of the mapping, or of the mappings in the list, that stands under a key; ``CaseFile`` under none."""


class CaseFileModel(Strict):
    """A file of cases about one question."""

    about: Text | None = None
    """The question, in a sentence."""
    defaults: Defaults = Defaults()
    cases: Annotated[list[Case], Field(min_length=1)]
