"""Pydantic models of a case file, from which its JSON Schema is generated."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Field

from tf_conv_conformance.casefile.argument_fields import (
    Alternatives,
    ArgumentFields,
    Scope,
    Tensor,
    VerbatimInts,
    VerbatimText,
)
from tf_conv_conformance.casefile.company_fields import Another, AnotherConvolution, Before
from tf_conv_conformance.casefile.expectations import Deviation, Expect, Expectation, Observed, When
from tf_conv_conformance.casefile.fields import (
    Arms,
    Identifier,
    Modes,
    OneOrMore,
    OperationText,
    Strict,
    Text,
    Texts,
)
from tf_conv_conformance.convolution.names import RelationName


class Defaults(ArgumentFields):
    """Values for all cases of the file that do not give their own."""

    modes: Modes | None = None
    """Modes: eager, graph and xla by default."""
    data: Arms | None = None
    """Arms of data, both kinds of integers by default."""
    large: bool | None = None
    """`true`: the calls take long, so they are made only with `-m tf_large`, and the limits of size
    are higher."""
    requires: When | None = None
    """What the subject must have. On other subjects the case is skipped as unsupported."""
    references: Texts | None = None
    """Addresses of documentation, reports or papers."""
    expect: Expectation | None = None
    """What TensorFlow must do, by default what the documentation says.

    `result` means the documented result; the call must not be refused.
    """

    @property
    def claim(self) -> Expect | None:
        """What is claimed instead of the documentation. None also for `expect: result`."""
        return self.expect if isinstance(self.expect, Expect) else None

    @property
    def plain_expect(self) -> Any:
        """`expect` as a case file has it."""
        return self.claim.model_dump(exclude_none=True) if self.claim else self.expect


class Case(Defaults):
    """A call or, with a sweep, several calls."""

    id: Identifier
    """The name of the case, unique in the file."""
    sweep: Alternatives = Alternatives()
    """Alternatives for arguments. Each combination is a call."""
    scope: Scope | None = None
    """Every problem of one axis up to some sizes.

    It replaces `input`, `filter`, `strides`, `rate` and `padding`.
    """
    relations: OneOrMore[RelationName] | None = None
    """Properties that results must have. Each adds a call for every call to which it applies."""
    deviations: list[Deviation] = Field(default_factory=list)
    """Known differences between TensorFlow and its documentation."""
    rewrites: OneOrMore[OperationText] | None = None
    """Operations of which the executed graph must have one, such as `_FusedConv2D(BiasAdd, Relu)`.

    The name alone matches the operation, whatever is fused into it. If the graph has none of them,
    a call in graph or saved_model mode is vacuous.
    """
    notes: Text | None = None
    """Free text about the case."""


class CaseFileModel(Strict):
    """A file of cases about one question."""

    about: Text | None = None
    """The question of the file, in a sentence."""
    defaults: Defaults = Defaults()
    cases: Annotated[list[Case], Field(min_length=1)]


KNOWN: dict[str, type[Strict]] = {
    "defaults": Defaults,
    "cases": Case,
    "sweep": Alternatives,
    "where": Alternatives,
    "scope": Scope,
    "expect": Expect,
    "deviations": Deviation,
    "when": When,
    "requires": When,
    "observed": Observed,
    "as_if": ArgumentFields,
    "input": Tensor,
    "filter": Tensor,
    "before": Before,
    "after": AnotherConvolution,
    **dict.fromkeys(("conv2d", "depthwise_conv2d"), Another),
    **dict.fromkeys(("strides", "dilations", "rate"), VerbatimInts),
    **dict.fromkeys(("padding", "data_format"), VerbatimText),
}
"""The model of the mapping, or of the mappings in the list, under a key."""


def model_at(keys: tuple[str | int, ...]) -> type[Strict]:
    """Return the model of the mapping that contains the last of the keys."""
    parents = [key for key in keys[:-1] if isinstance(key, str)]
    return KNOWN.get(parents[-1], CaseFileModel) if parents else CaseFileModel
