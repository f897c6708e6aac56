"""Judge the static shape of a result, as a pure function, after the result itself."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from tf_conv_conformance.casefile.call import AppliedDeviation, Call
from tf_conv_conformance.casefile.deviations import declared_static, predicted_static
from tf_conv_conformance.convolution.names import Lost
from tf_conv_conformance.convolution.static_shape import StaticShape
from tf_conv_conformance.prediction.models import DOCUMENTED
from tf_conv_conformance.prediction.predict import Prediction, Returns
from tf_conv_conformance.prediction.static_shape import static_shape
from tf_conv_conformance.subject.observation import Answer, Observation
from tf_conv_conformance.verdict.comparison import Difference
from tf_conv_conformance.verdict.deviations import declared_text
from tf_conv_conformance.verdict.verdict import Verdict

SIZES: tuple[Lost, ...] = ("batch", "height", "width", "channels")
CONTRADICTION, LOSS = "static shape", "known sizes"
"""The aspects of a difference: the static shape is wrong, or knows less than can be known."""
RULE_OF = {CONTRADICTION: "static-shape.agrees", LOSS: "static-shape.known"}


def with_static_shape(
    verdict: Verdict,
    call: Call,
    prediction: Prediction,
    observation: Observation,
    declared: Sequence[AppliedDeviation],
) -> Verdict:
    """Return the verdict on a call whose result has passed, or another for its static shape.

    `declared` are the deviations about static shapes that apply to the subject.
    """
    found = static_difference(prediction, observation)
    if not declared:
        return verdict if found is None else _violates(verdict, found, found.text())
    rules = tuple(one.deviation.rule for one in declared)
    if found is None:
        holds = "the static shape agrees with the result, and knows each size that can be known"
        return replace(
            verdict,
            kind="resolved",
            reason=f"delete the deviation from {rules[0]}: {holds}",
            rules=rules,
        )
    for one in declared:
        if unlike := _unlike(one, call, observation):
            return _violates(verdict, found, f"{unlike.text('declared')}; not as documented either")
    texts = [verdict.reason] if verdict.kind == "deviates" else []
    texts += map(declared_text, declared)
    return replace(
        verdict,
        kind="deviates",
        reason="; ".join(texts),
        rules=(*verdict.rules, *rules),
        difference=verdict.difference or found,
        by_expect=False,
    )


def _violates(verdict: Verdict, found: Difference, reason: str) -> Verdict:
    rules = (RULE_OF[found.aspect],)
    return replace(
        verdict, kind="violates", reason=reason, rules=rules, difference=found, by_expect=False
    )


def is_about_static_shape(verdict: Verdict) -> bool:
    """Return whether a verdict is on the static shape of a result that is right itself."""
    return verdict.difference is not None and verdict.difference.aspect in RULE_OF


def static_difference(prediction: Prediction, observation: Observation) -> Difference | None:
    """Return the first difference of a static shape from what can be known of the result."""
    predicted = predicted_static(prediction.arguments)
    for answer, name in zip(observation.answers, prediction.names, strict=False):
        static = static_of(answer)
        if static is None:
            continue
        if _contradicts(answer, static, prediction):
            right = StaticShape(answer.shape) if predicted is None else predicted
            return _difference(CONTRADICTION, right, static, name)
        if predicted is not None and not static.knows_all_of(predicted):
            return _difference(LOSS, predicted, static, name)
    return None


def declaration(prediction: Prediction, observation: Observation) -> dict[str, Any] | None:
    """Return what a deviation declares as `observed`; None if there is no difference to declare."""
    if static_difference(prediction, observation) is None:
        return None
    observed = static_of(observation.answers[0])
    if observed is None:
        return None
    if observed.sizes is None:
        return {"unknown": "rank"}
    predicted = predicted_static(prediction.arguments)
    if predicted is not None:
        known = observed.limited_to(predicted)
        without = {name: static_shape(prediction.arguments, [name]) for name in SIZES}
        lost = [
            name
            for name, other in without.items()
            if other != predicted and known.limited_to(other) == known
        ]
        if known == static_shape(prediction.arguments, lost):
            return {"unknown": lost}
    return {"static": ["unknown" if size is None else size for size in observed.sizes]}


def static_of(answer: Answer) -> StaticShape | None:
    """Return the static shape of a value; None if no function was traced."""
    return StaticShape(answer.static) if answer.traced and answer.values is not None else None


def _contradicts(answer: Answer, static: StaticShape, prediction: Prediction) -> bool:
    """Return whether a static shape contradicts the result.

    It does not if it follows the formula and the result does not, as another deviation declares.
    """
    if not static.contradicts(answer.shape or ()):
        return False
    formula = prediction.outcome(DOCUMENTED)
    return not isinstance(formula, Returns) or static.contradicts(formula.shape)


def _unlike(one: AppliedDeviation, call: Call, observation: Observation) -> Difference | None:
    """Return the first difference of a static shape from what a deviation declares."""
    observed, predicted = one.deviation.observed, predicted_static(call.arguments)
    declared = declared_static(observed, one.arguments)
    for answer in observation.answers:
        static = static_of(answer)
        if static is None or declared is None:
            continue
        if observed.static is None and predicted is not None:  # it may know other sizes
            static = static.limited_to(predicted)
        if static != declared:
            return _difference(LOSS, declared, static, "")
    return None


def _difference(
    aspect: str, predicted: StaticShape, observed: StaticShape, name: str
) -> Difference:
    return Difference(aspect, str(predicted), str(observed), name)
