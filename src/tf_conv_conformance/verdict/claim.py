"""Determine the claim of a case: what its calls must do."""

from __future__ import annotations

from collections.abc import Container
from dataclasses import dataclass

import numpy as np

from tf_conv_conformance.casefile.call import Call
from tf_conv_conformance.casefile.expectations import Expect
from tf_conv_conformance.casefile.resolution import flatten
from tf_conv_conformance.convolution.dtypes import nearest
from tf_conv_conformance.prediction.models import DOCUMENTED
from tf_conv_conformance.prediction.predict import Outcome, Prediction, Refuses, Returns
from tf_conv_conformance.subject.observation import Observation
from tf_conv_conformance.verdict import comparison
from tf_conv_conformance.verdict.comparison import Difference


@dataclass(frozen=True)
class Claim:
    """What a call must do, according to its case's `expect` or, without it, the documentation.

    `own` is True if `expect` claims literal values, or something other than the documentation.
    """

    outcome: Outcome
    own: bool
    expect: Expect | None

    @property
    def compares_values(self) -> bool:
        """Whether the claim depends on the values of the oracle."""
        return isinstance(self.outcome, Returns) and not self.own


def claim_of(call: Call, prediction: Prediction) -> Claim:
    """Return the claim of a call."""
    documented, expect = prediction.documented, call.case.claim
    if expect is None:
        return Claim(documented, False, None)
    outcome: Outcome
    if expect.error is not None:
        outcome = Refuses(tuple(expect.error))
    else:
        outcome = Returns(_shape(expect, documented), call.arguments.dtype)
    return Claim(outcome, expect.values is not None or outcome != documented, expect)


def _shape(expect: Expect, documented: Outcome) -> tuple[int, ...]:
    """Return the shape from `expect`, or of its nested values; flat values have the documented."""
    if expect.shape is not None:
        return tuple(expect.shape)
    shape, _ = flatten(expect.values, ())
    if len(shape) > 1 or isinstance(documented, Refuses):
        return shape
    return documented.shape  # as many values, which was checked when the case was read


def documented_difference(
    prediction: Prediction, observation: Observation, skipped: Container[int] = ()
) -> Difference | None:
    """Return the first difference of an observation from the documentation.

    `skipped` has the numbers of arms that are not compared.
    """
    documented, names = prediction.documented, prediction.names
    if isinstance(documented, Refuses):
        return comparison.from_error(None, None, observation, names, skipped)
    values = prediction.values(DOCUMENTED)
    return comparison.from_values(documented, values, names, observation, skipped)


def documented_arms(prediction: Prediction, observation: Observation) -> frozenset[int]:
    """Return the numbers of the arms that are as documented."""
    arms = frozenset(range(len(observation.answers)))
    return frozenset(
        arm for arm in arms if documented_difference(prediction, observation, arms - {arm}) is None
    )


def claimed_difference(
    claim: Claim, prediction: Prediction, observation: Observation
) -> Difference | None:
    """Return the first difference of an observation from the case's `expect`."""
    expect, claimed, names = claim.expect, claim.outcome, prediction.names
    assert expect is not None  # the claim comes from `expect`
    if isinstance(claimed, Refuses):
        errors = None if "Exception" in claimed.because else expect.error
        return comparison.from_error(errors, expect.match, observation, names)
    if expect.values is None:
        return comparison.from_values(claimed, None, names, observation)
    numbers = [nearest(number, claimed.dtype) for number in flatten(expect.values, ())[1]]
    stated = np.array(numbers, dtype=np.float64).reshape(claimed.shape)
    return comparison.from_values(claimed, prediction.around(stated), names, observation)
