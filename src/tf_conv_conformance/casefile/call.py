"""A call: one case with every sweep resolved, in one mode. What a test runs, and what a record is about."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

from tf_conv_conformance.casefile.model import Case, Deviation, Observed
from tf_conv_conformance.convolution.arguments import Arguments, to_record
from tf_conv_conformance.convolution.names import Mode
from tf_conv_conformance.prediction.models import MODELS, Model


@dataclass(frozen=True)
class AppliedDeviation:
    """A deviation that speaks about a call, and the arguments for which its model stands."""

    deviation: Deviation
    arguments: Arguments


def model_of(observed: Observed) -> Model | None:
    """The model that a deviation names, with the arithmetic that it declares; None where it names none."""
    if observed.model is None:
        return None
    return _varied(
        MODELS[observed.model],
        observed.sizes is not None,
        observed.padding is not None,
        observed.subnormals is not None,
        observed.accumulator,
    )


@lru_cache
def _varied(
    model: Model,
    truncates_sizes: bool,
    skips_padding: bool,
    flushes_subnormals: bool,
    accumulator: str | None,
) -> Model:
    """Return a model with other arithmetic; the same object for the same, since a sweep asks for each call."""
    return replace(
        model,
        truncates_sizes=truncates_sizes,
        skips_padding=skips_padding,
        flushes_subnormals=flushes_subnormals,
        accumulator=accumulator,
    )


@dataclass(frozen=True)
class Call:
    """One invocation: `name` is unique in its file, `line` is where its case stands there, 1-based.

    `deviations` are those of the case that speak about this call on some subject; what they ask of the subject is seen when it runs.
    `other_modes` are those that would, were it not for its mode.
    `text` is the case as its file has it. With a `relation`, the call is held against others that TensorFlow makes, not against an oracle.
    """

    name: str
    line: int
    case: Case
    arguments: Arguments
    mode: Mode
    deviations: tuple[AppliedDeviation, ...]
    relation: str | None = None
    text: str = ""
    other_modes: tuple[Deviation, ...] = ()

    @property
    def content_hash(self) -> str:
        """A hash of all that the call claims. Editing another case, or a note, does not change it."""
        content: dict[str, Any] = {
            "arguments": to_record(self.arguments),
            "mode": self.mode,
            "expect": self.case.plain_expect,
            "deviations": [
                declared.deviation.model_dump(exclude_none=True, exclude={"notes"})
                for declared in self.deviations
            ],
            "relation": self.relation,
            "requires": self.case.requires.model_dump(exclude_none=True)
            if self.case.requires
            else None,
        }
        return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()[:16]
