"""The verdict on a call."""

from __future__ import annotations

from dataclasses import dataclass

from tf_conv_conformance.verdict.comparison import Difference
from tf_conv_conformance.verdict.kinds import FAILING, Kind


@dataclass(frozen=True)
class Verdict:
    """The verdict on an observation, with the `reason` in a sentence.

    `rules` are the ids of the rules that the observation contradicts, or that a deviation declares.
    `excluded` names the wrong oracles that this check would have detected. It is None if no values
    were compared, or if they are infinite or NaN. With `by_expect`, a call passes by its case's
    `expect` but against the documentation. `undeclared` are deviations of the case that do not
    apply to this call, each with the reason.
    """

    kind: Kind
    reason: str
    rules: tuple[str, ...] = ()
    difference: Difference | None = None
    excluded: tuple[str, ...] | None = None
    by_expect: bool = False
    undeclared: tuple[str, ...] = ()

    @property
    def failing(self) -> bool:
        """Whether a test with this verdict fails."""
        return self.kind in FAILING
