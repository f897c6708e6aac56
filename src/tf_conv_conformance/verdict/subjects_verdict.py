"""Judge the same call on two subjects, as a pure function."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from tf_conv_conformance.casefile.call import Call
from tf_conv_conformance.prediction.predict import Prediction
from tf_conv_conformance.prediction.relations import RELATIONS, others_of
from tf_conv_conformance.subject.observation import Observation
from tf_conv_conformance.verdict.claim import documented_difference
from tf_conv_conformance.verdict.comparison import Difference, ending
from tf_conv_conformance.verdict.explanation import explaining_model
from tf_conv_conformance.verdict.judge import ended, judge
from tf_conv_conformance.verdict.relation_verdict import (
    declared_accumulator,
    difference_of,
    has_values,
)
from tf_conv_conformance.verdict.verdict import Verdict


@dataclass(frozen=True)
class Side:
    """What one of two subjects did with a call: its name, its facts and the observation."""

    name: str
    facts: Mapping[str, Any]
    observation: Observation


def judge_subjects(call: Call, prediction: Prediction, own: Side, other: Side) -> Verdict:
    """Return the verdict on a call of a subject by that of another one.

    They may differ if one of them does what a deviation declares for it, and the other that or what
    is documented.
    """
    for side in (own, other):
        if side.observation.kind == "suite error":
            reason = f"not a verdict on TensorFlow: {side.name}: {ending(side.observation)}"
            return Verdict("suite error", reason)
    if (end := _end(own.observation)) is not None and end == _end(other.observation):
        return _without_result(own, other, _alone(call, prediction, own))
    difference = _difference(call, prediction, own, other)
    if difference is None:
        return Verdict("conforms", f"the same result as in {other.name}")
    alone = [_alone(call, prediction, side) for side in (own, other)]
    text = f"subjects {own.name} and {other.name} differ: {difference.text(f'in {other.name}')}"
    declared = [one for one in alone if one.kind == "deviates"]
    if declared and not any(one.failing for one in alone):
        rules = tuple(dict.fromkeys(rule for one in declared for rule in one.rules))
        named = zip((own, other), alone, strict=True)
        as_declared = "; ".join(
            f"{side.name}: {one.reason}" for side, one in named if one in declared
        )
        return Verdict("deviates", f"{text}; as declared for {as_declared}", rules, difference)
    origins = ", ".join(
        f"{side.name} {_origin(call, prediction, side.observation)}" for side in (own, other)
    )
    crash = ended(own.observation) or ended(other.observation)
    return Verdict(crash or "violates", f"{text}; {origins}", (), difference)


def _alone(call: Call, prediction: Prediction, side: Side) -> Verdict:
    """Return the verdict on what one subject did."""
    return judge(replace(call, relation=None), prediction, side.observation, side.facts)


def _end(observation: Observation) -> str | None:
    """Return how a call ended without a result; None if it has one. Messages may differ."""
    if has_values(observation):
        return None
    return observation.answers[0].error if observation.answers else ending(observation)


def _without_result(own: Side, other: Side, alone: Verdict) -> Verdict:
    """Return the verdict if a call has no result on either subject. `alone` is that on its own."""
    reason = f"no result to compare, neither in {own.name} nor in {other.name}"
    if not alone.failing:
        return replace(alone, reason=f"{reason}: {alone.reason}")
    kind = ended(own.observation) or "violates"
    return Verdict(kind, f"{reason}: {ending(own.observation)}")


def _difference(call: Call, prediction: Prediction, own: Side, other: Side) -> Difference | None:
    """Return the first difference of the results, or that one or both have none."""
    for side in (own, other):
        if not has_values(side.observation):
            return Difference("outcome", ending(other.observation), ending(own.observation))
    relation = RELATIONS[call.relation or ""]
    others = others_of(relation.name, call.arguments, call.mode)
    accumulators = [declared_accumulator(call, side.facts) for side in (own, other)]
    for number, arm in enumerate(prediction.arms):
        results = [side.observation.answers[number] for side in (own, other)]
        if found := difference_of(call, relation, others, arm, results, accumulators):
            return found
    return None


def _origin(call: Call, prediction: Prediction, observation: Observation) -> str:
    """Say whether a result is the documented one or, if it is not, that of another model."""
    if documented_difference(prediction, observation) is None:
        return "does what is documented"
    model = explaining_model(prediction, observation, call.mode)
    instead = f", but what the model {model} does" if model else ""
    return f"does not do what is documented{instead}"
