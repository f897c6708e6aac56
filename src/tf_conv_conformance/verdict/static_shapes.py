"""Judge what was known of a result's shape, as a pure function, after the result itself.

A traced function knows a static shape, and a Keras layer computes shapes without data.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from tf_conv_conformance.casefile.call import AppliedDeviation
from tf_conv_conformance.casefile.deviations import declared_static, predicted_static
from tf_conv_conformance.convolution.arguments import Arguments
from tf_conv_conformance.convolution.names import Lost
from tf_conv_conformance.convolution.static_shape import StaticShape
from tf_conv_conformance.prediction.models import DOCUMENTED
from tf_conv_conformance.prediction.predict import Prediction, Returns
from tf_conv_conformance.prediction.rules.catalogue import RULES
from tf_conv_conformance.prediction.static_shape import static_shape
from tf_conv_conformance.subject.observation import KNOWN_SHAPES, KnownShape, Observation
from tf_conv_conformance.verdict.comparison import Difference
from tf_conv_conformance.verdict.deviations import declared_text
from tf_conv_conformance.verdict.verdict import Verdict

SIZES: tuple[Lost, ...] = ("batch", "height", "width", "channels")
ASPECTS = tuple(f"{knows} shape" for knows in KNOWN_SHAPES)


@dataclass(frozen=True)
class Finding:
    """A known shape that contradicts the result or knows less than can be known, and the rule."""

    knows: str
    rule: str
    predicted: StaticShape
    observed: KnownShape

    @property
    def difference(self) -> Difference:
        """The difference from what can be known."""
        return _difference(self.knows, self.predicted, self.observed)


def with_static_shape(
    verdict: Verdict,
    prediction: Prediction,
    observation: Observation,
    declared: Sequence[AppliedDeviation],
) -> Verdict:
    """Return the verdict on a call whose result has passed, or another for what was known of it.

    `declared` are the deviations about known shapes that apply to the subject.
    """
    for knows in KNOWN_SHAPES:
        own = [one for one in declared if RULES[one.deviation.rule].knows == knows]
        found = finding(knows, prediction, observation)
        if found is None and not own:
            continue
        verdict = _with_finding(verdict, found, observation, own)
        if verdict.failing:
            return verdict
    return verdict


def _with_finding(
    verdict: Verdict,
    found: Finding | None,
    observation: Observation,
    declared: Sequence[AppliedDeviation],
) -> Verdict:
    rules = tuple(one.deviation.rule for one in declared)
    if found is None:
        holds = "the shape agrees with the result, and each size is known that can be known"
        reason = f"delete the deviation from {rules[0]}: {holds}"
        return replace(verdict, kind="resolved", reason=reason, rules=rules)
    if not declared:
        return _violates(verdict, found, found.difference.text())
    for one in declared:
        if unlike := _unlike(one, found.knows, observation):
            return _violates(verdict, found, f"{unlike.text('declared')}; not as documented either")
    texts = [verdict.reason] if verdict.kind == "deviates" else []
    return replace(
        verdict,
        kind="deviates",
        reason="; ".join([*texts, *map(declared_text, declared)]),
        rules=(*verdict.rules, *rules),
        difference=verdict.difference or found.difference,
        by_expect=False,
    )


def _violates(verdict: Verdict, found: Finding, reason: str) -> Verdict:
    return replace(
        verdict,
        kind="violates",
        reason=reason,
        rules=(found.rule,),
        difference=found.difference,
        by_expect=False,
    )


def is_about_static_shape(verdict: Verdict) -> bool:
    """Return whether a verdict is on what was known of a result that is right itself."""
    return verdict.difference is not None and verdict.difference.aspect in ASPECTS


def finding(knows: str, prediction: Prediction, observation: Observation) -> Finding | None:
    """Return the first known shape that differs from what can be known; None if none does."""
    predicted = predicted_static(prediction.arguments, knows)
    for answer in observation.answers:
        if answer.shape is None or knows not in answer.known:
            continue
        observed = answer.known[knows]
        known = StaticShape(None) if isinstance(observed, str) else StaticShape(observed)
        if _contradicts(known, answer.shape, prediction):
            right = StaticShape(answer.shape) if predicted is None else predicted
            return Finding(knows, f"{knows}-shape.agrees", right, observed)
        if predicted is not None and not known.knows_all_of(predicted):
            return Finding(knows, f"{knows}-shape.known", predicted, observed)
    return None


def _contradicts(known: StaticShape, shape: tuple[int, ...], prediction: Prediction) -> bool:
    """Return whether a known shape contradicts the result's.

    It does not if it follows the formula and the result does not, as another deviation declares.
    """
    if not known.contradicts(shape):
        return False
    formula = prediction.outcome(DOCUMENTED)
    return not isinstance(formula, Returns) or known.contradicts(formula.shape)


def declaration(
    knows: str, prediction: Prediction, observation: Observation
) -> dict[str, Any] | None:
    """Return what a deviation declares as `observed`; None if there is nothing to declare."""
    found = finding(knows, prediction, observation)
    if found is None or isinstance(found.observed, str):
        return None
    if found.observed is None:
        return {"unknown": "rank"}
    lost = _lost(StaticShape(found.observed), knows, prediction.arguments)
    if lost:
        return {"unknown": lost}
    return {"static": ["unknown" if size is None else size for size in found.observed]}


def _lost(observed: StaticShape, knows: str, arguments: Arguments) -> list[Lost] | None:
    """Return the sizes without which the predicted shape is the observed; None if there are none.

    What cannot be known may be known all the same.
    """
    predicted = predicted_static(arguments, knows)
    if predicted is None:
        return None
    known = observed.limited_to(predicted)
    without = {name: static_shape(arguments, [name]).limited_to(predicted) for name in SIZES}
    lost = [
        name
        for name, other in without.items()
        if other != predicted and known.limited_to(other) == known
    ]
    return lost if known == static_shape(arguments, lost).limited_to(predicted) else None


def _unlike(one: AppliedDeviation, knows: str, observation: Observation) -> Difference | None:
    """Return the first difference of a known shape from what a deviation declares."""
    observed, predicted = one.deviation.observed, predicted_static(one.arguments, knows)
    declared = declared_static(observed, one.arguments, knows)
    for answer in observation.answers:
        shape = answer.known.get(knows)
        if knows not in answer.known or declared is None:
            continue
        if isinstance(shape, str):
            return _difference(knows, declared, shape)
        known = StaticShape(shape)
        if observed.static is None and predicted is not None:  # it may know other sizes
            known = known.limited_to(predicted)
        if known != declared:
            return _difference(knows, declared, known.sizes)
    return None


def _difference(knows: str, predicted: StaticShape, observed: KnownShape) -> Difference:
    text = observed if isinstance(observed, str) else str(StaticShape(observed))
    return Difference(f"{knows} shape", str(predicted), text)
