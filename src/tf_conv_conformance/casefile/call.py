"""The call that a test makes and a record describes."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from tf_conv_conformance.casefile.expectations import Deviation, Observed
from tf_conv_conformance.casefile.model import Case
from tf_conv_conformance.convolution.arguments import Arguments, to_record
from tf_conv_conformance.convolution.names import Mode
from tf_conv_conformance.prediction.converted_models import ALL_MODELS
from tf_conv_conformance.prediction.models import Model


@dataclass(frozen=True)
class AppliedDeviation:
    """A deviation that applies to a call, and the arguments to evaluate its model with."""

    deviation: Deviation
    arguments: Arguments


@dataclass(frozen=True)
class Call:
    """One combination of a case's sweep, in one mode.

    `name` is unique in its file. `line` (from 1) and `written` belong to the case: `written` has
    the defaults of its file and the case as they are there. `deviations` apply to the call on some
    subjects; `other_modes` would apply in another mode. A call with a `relation` is compared with
    other calls, not with an oracle.
    """

    name: str
    line: int
    case: Case
    arguments: Arguments
    mode: Mode
    deviations: tuple[AppliedDeviation, ...]
    relation: str | None = None
    other_modes: tuple[Deviation, ...] = ()
    written: tuple[Mapping[str, Any], Mapping[str, Any]] = field(default=({}, {}), compare=False)

    @property
    def value_deviations(self) -> tuple[AppliedDeviation, ...]:
        """The deviations that declare something else than a static shape."""
        return tuple(one for one in self.deviations if not one.deviation.observed.is_static)

    @property
    def content_hash(self) -> str:
        """A hash of everything that the call claims. Other cases and notes do not change it."""
        requires = self.case.requires
        content: dict[str, Any] = {
            "arguments": to_record(self.arguments),
            "mode": self.mode,
            "expect": self.case.plain_expect,
            "deviations": [
                applied.deviation.model_dump(exclude_none=True, exclude={"notes"})
                for applied in self.deviations
            ],
            "relation": self.relation,
            "requires": requires.model_dump(exclude_none=True) if requires else None,
        }
        if self.case.rewrites:
            content["rewrites"] = self.case.rewrites
        return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()[:16]


def model_of(observed: Observed) -> Model | None:
    """Return the model that a deviation names, with the declared arithmetic; None without one."""
    if observed.model is None:
        return None
    return replace(
        ALL_MODELS[observed.model],
        truncates_sizes=observed.sizes is not None,
        skips_padding=observed.padding is not None,
        flushes_subnormals=observed.subnormals is not None,
        accumulator=observed.accumulator,
    )
