"""Judge an observation of a call against its prediction, as a pure function."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, Literal

from tf_conv_conformance.casefile.call import AppliedDeviation, Call, model_of
from tf_conv_conformance.convolution.names import CONVERTED_MODES
from tf_conv_conformance.prediction.models import DOCUMENTED
from tf_conv_conformance.prediction.predict import Prediction, Refuses
from tf_conv_conformance.prediction.rules.catalogue import RULES, exercised, refusal
from tf_conv_conformance.subject.observation import Observation
from tf_conv_conformance.verdict.claim import (
    Claim,
    claim_of,
    claimed_difference,
    documented_difference,
)
from tf_conv_conformance.verdict.comparison import Difference, ending
from tf_conv_conformance.verdict.deviations import (
    applying,
    declared_text,
    deviation_difference,
    deviations_of_eager,
    not_applying,
)
from tf_conv_conformance.verdict.kinds import HOLDS, Kind
from tf_conv_conformance.verdict.rewrites import with_rewrites
from tf_conv_conformance.verdict.static_shapes import with_static_shape
from tf_conv_conformance.verdict.verdict import Verdict


def judge(
    call: Call, prediction: Prediction, observation: Observation, subject: Mapping[str, Any]
) -> Verdict:
    """Return the verdict on an observation of a call.

    The observation is compared with the documentation, with the case's `expect` if it claims
    something else, and with the deviations that are declared for this subject.
    """
    if observation.kind == "suite error":
        return Verdict("suite error", f"not a verdict on TensorFlow: {ending(observation)}")
    claim = claim_of(call, prediction)
    declared, static = applying(call, subject)
    if declared:
        verdict = _of_deviations(call, prediction, claim, observation, declared)
    else:
        verdict = _of_claim(call, prediction, claim, observation)
    if not verdict.failing:
        verdict = with_static_shape(verdict, prediction, observation, static)
    if not verdict.failing:
        verdict = with_rewrites(verdict, call, observation)
    verdict = replace(verdict, excluded=_excluded(prediction, claim, declared))
    if call.mode in CONVERTED_MODES and (of_eager := deviations_of_eager(call, subject)):
        reason = f"{verdict.reason}; in eager mode TensorFlow deviates: {'; '.join(of_eager)}"
        verdict = replace(verdict, reason=reason)
    if not verdict.failing:
        return verdict
    return replace(verdict, undeclared=tuple(not_applying(call, subject)))


def _differences(
    prediction: Prediction, claim: Claim, observation: Observation
) -> tuple[Difference | None, Difference | None]:
    documented = documented_difference(prediction, observation)
    claimed = claimed_difference(claim, prediction, observation) if claim.own else documented
    return documented, claimed


def _of_deviations(
    call: Call,
    prediction: Prediction,
    claim: Claim,
    observation: Observation,
    declared: Sequence[AppliedDeviation],
) -> Verdict:
    """Return the verdict on a call with deviations, all of which must be observed exactly."""
    documented, claimed = _differences(prediction, claim, observation)
    rules = tuple(one.deviation.rule for one in declared)
    if documented is None and claimed is None:
        if all(one.deviation.observed.sometimes for one in declared):
            verdict = _of_claim(call, prediction, claim, observation)
            may = "; ".join(map(declared_text, declared))
            return replace(verdict, reason=f"{verdict.reason}; declared: {may}")
        return _resolved(rules, HOLDS)
    found = (deviation_difference(one, prediction, observation) for one in declared)
    unlike = next((difference for difference in found if difference), None)
    if unlike is None:
        if prediction.vacuous and any(one.deviation.observed.model for one in declared):
            return Verdict("vacuous", _vacuous(call, prediction.vacuous))
        text = "; ".join(map(declared_text, declared))
        return Verdict("deviates", text, rules, documented or claimed)
    if documented is None and claimed is not None:
        return _resolved(rules, f"{HOLDS}; {_differs_from_expect(claimed)}")
    if claimed is None or documented is None:
        return _resolved(rules, "the case's `expect` holds")
    reason = f"{unlike.text('declared')}; not as documented either"
    return _violates(call, prediction, claim, observation, reason, documented, claimed)


def _resolved(rules: tuple[str, ...], holds: str) -> Verdict:
    return Verdict("resolved", f"delete the deviation from {rules[0]}: {holds}", rules)


def _of_claim(
    call: Call, prediction: Prediction, claim: Claim, observation: Observation
) -> Verdict:
    documented, claimed = _differences(prediction, claim, observation)
    if claimed is None:
        if prediction.vacuous is not None and claim.compares_values:
            vacuous = _vacuous(call, prediction.vacuous)
            advice = "or state the result as `expect: {values: …}`"
            return Verdict("vacuous", f"{vacuous}, {advice}")
        return _passes(prediction, claim, documented)
    if documented is None:
        reason = f"{claimed.text('expected')}; {HOLDS}, but the case's `expect` differs"
        return Verdict("unexpected", reason, (), claimed)
    reason = _reason(prediction, documented, observation)
    return _violates(call, prediction, claim, observation, reason, documented, claimed)


def _violates(
    call: Call,
    prediction: Prediction,
    claim: Claim,
    observation: Observation,
    reason: str,
    documented: Difference,
    claimed: Difference,
) -> Verdict:
    """Return the verdict on a call that contradicts the documentation and its case's claim."""
    if not claim.own:
        also = ""
    elif claimed.text() == documented.text():
        also = "; the case's `expect` agrees with the documentation"
    else:
        also = f"; {_differs_from_expect(claimed)}"
    rules = _contradicted(prediction, documented)
    return Verdict(ended(observation) or "violates", reason + also, rules, documented)


def _differs_from_expect(difference: Difference) -> str:
    return f"the case's `expect` differs: {difference.text('expected')}"


def _vacuous(call: Call, missed: str) -> str:
    """Return why a call proves nothing, and how to change its data."""
    remedy = "use another size"
    if call.arguments.input.values is not None or call.arguments.filter.values is not None:
        remedy = "give a shape instead of literal values, so that the data is random"
    return f"a wrong result would also pass ({missed}); {remedy}"


def _excluded(
    prediction: Prediction, claim: Claim, declared: Sequence[AppliedDeviation]
) -> tuple[str, ...] | None:
    """Return the wrong oracles that the data excludes, for the models that were compared."""
    found = []
    for one in declared:
        if (model := model_of(one.deviation.observed)) is not None:
            found.append(prediction.excluded(model, one.arguments))
    if not declared and claim.compares_values:
        found = [prediction.excluded(DOCUMENTED)]
    checked = [names for names in found if names is not None]
    return tuple(dict.fromkeys(name for names in checked for name in names)) if checked else None


def ended(observation: Observation) -> Literal["crashed", "timed out", "suite error"] | None:
    """Return the kind of verdict on a call without an answer; None if it has one."""
    return None if observation.kind == "answered" else observation.kind


def _contradicted(prediction: Prediction, difference: Difference) -> tuple[str, ...]:
    """Return the ids of the rules that a difference from the documentation contradicts."""
    documented = prediction.documented
    if isinstance(documented, Refuses):
        return tuple(reason for reason in documented.because if reason in RULES)
    rules = exercised(prediction.arguments)
    if difference.aspect == "outcome":  # without a result, only the formula is contradicted
        stated = ".name" if difference.observed.startswith("Misnamed") else ".values"
        return tuple(rule.id for rule in rules if rule.id.endswith(stated))[:1]
    return tuple(rule.id for rule in rules if rule.aspect == difference.aspect)


def _passes(prediction: Prediction, claim: Claim, difference: Difference | None) -> Verdict:
    """Return the verdict on a call that meets its claim; `difference` is from the documentation."""
    kind: Kind = "refused" if isinstance(claim.outcome, Refuses) else "conforms"
    if difference is not None:
        reason = f"as the case expects, against the documentation: {difference.text('documented')}"
        return Verdict(kind, reason, by_expect=True)
    if isinstance(prediction.documented, Refuses):
        return Verdict(kind, f"refused, as documented ({', '.join(prediction.documented.because)})")
    if claim.own:
        return Verdict(kind, "the values that the case expects")
    return Verdict(kind, "shape, dtype and every value are as documented")


def _reason(prediction: Prediction, difference: Difference, observation: Observation) -> str:
    """Describe how an observation differs from the documentation."""
    documented = prediction.documented
    if isinstance(documented, Refuses) and observation.kind == "answered":
        reasons = (refusal(reason, prediction.arguments) for reason in documented.because)
        return f"should be refused: {'; '.join(reasons)}"
    return difference.text()
