"""Judge the observations of the calls of a relation, as a pure function."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from tf_conv_conformance.casefile.call import Call, model_of
from tf_conv_conformance.convolution.arguments import Interpretation, interpret
from tf_conv_conformance.convolution.dtypes import as_numbers
from tf_conv_conformance.prediction.correlation import Array
from tf_conv_conformance.prediction.data import Arm, computed_model
from tf_conv_conformance.prediction.error_bounds import Values, bound, unit_roundoff
from tf_conv_conformance.prediction.predict import Prediction
from tf_conv_conformance.prediction.relations import RELATIONS, Other, Relation
from tf_conv_conformance.subject.observation import Answer, Observation
from tf_conv_conformance.verdict.comparison import Difference, ending, first_unlike, shape_text
from tf_conv_conformance.verdict.deviations import applying
from tf_conv_conformance.verdict.judge import ended, judge
from tf_conv_conformance.verdict.verdict import Verdict

NOT_RETRACED = "NotRetracedError"
"""The worker's exception if TensorFlow refuses a call with other shapes."""


def judge_relation(
    call: Call,
    prediction: Prediction,
    observation: Observation,
    others: Sequence[Other],
    answers: Sequence[Observation],
    subject: Mapping[str, Any],
) -> Verdict:
    """Return the verdict on a call of a relation.

    `others` are the other calls that the relation makes, and `answers` their observations.
    """
    relation = RELATIONS[call.relation or ""]
    for one in (observation, *answers):
        if one.kind == "suite error":
            return Verdict("suite error", f"not a verdict on TensorFlow: {ending(one)}")
    if not has_values(observation):
        alone = judge(replace(call, relation=None), prediction, observation, subject)
        if alone.kind == "deviates":
            unchecked = f"no result, as declared, so {relation.name} is not checked"
            return replace(alone, reason=f"{unchecked}: {alone.reason}")
        reason = f"no result: {ending(observation)}, although {relation.says}"
        return Verdict(ended(observation) or "violates", reason)
    for other, answer in zip(others, answers, strict=True):
        if refused := next((one for one in answer.answers if one.error == NOT_RETRACED), None):
            reason = "the function cannot be called with a larger batch, or with a larger input"
            return Verdict("vacuous", f"{reason}: {refused.message}")
        if not has_values(answer):
            which = f"{other.arguments.entry_point.symbol} in {other.mode} mode"
            made = f"no result of the other call that {relation.name} makes, {which}"
            return Verdict(ended(answer) or "violates", f"{made}: {ending(answer)}")
    accumulators = [declared_accumulator(call, subject)] * (1 + len(others))
    for number, arm in enumerate(prediction.arms):
        results = [one.answers[number] for one in (observation, *answers)]
        if found := difference_of(call, relation, others, arm, results, accumulators):
            reason = f"{found.text('stated')}, although {relation.says}"
            return Verdict("violates", reason, (), found)
    return Verdict("conforms", relation.says)


def has_values(observation: Observation) -> bool:
    """Return whether a call returned a value for each arm."""
    return observation.kind == "answered" and all(
        answer.values is not None for answer in observation.answers
    )


def difference_of(
    call: Call,
    relation: Relation,
    others: Sequence[Other],
    arm: Arm,
    results: Sequence[Answer],
    accumulators: Sequence[str | None],
) -> Difference | None:
    """Return the first difference between the two sides of a relation for one arm.

    `results` are of the call and of the `others`, and `accumulators` what is declared for each.
    """
    meaning, dtype = interpret(call.arguments), results[0].dtype
    assert meaning is not None  # the relation applies to the call
    for result in results:
        if result.dtype is None or result.dtype != dtype:
            return Difference("dtype", str(result.dtype), str(dtype), arm.name)
    assert dtype is not None
    numbers = [as_numbers(one.values, dtype) for one in results if one.values is not None]
    try:
        observed, expected = relation.equal(meaning, numbers[0], numbers[1:])
    except (ValueError, IndexError):  # a result whose shape the relation does not expect
        observed, expected = numbers[0], numbers[1]
    if observed.shape != expected.shape:
        return Difference("shape", shape_text(expected.shape), shape_text(observed.shape), arm.name)
    allowed = None
    if arm.name == "reals" and not relation.bitwise:
        tensors = arm.arrays(call.arguments)
        allowed = _bound(call, others, tensors, accumulators, relation, meaning)
        # A relation may add two results, which happens here, in float64.
        allowed = allowed + unit_roundoff("float64") * np.abs(expected)
    return first_unlike(Values(expected, allowed), observed, dtype, arm.name)


def _bound(
    call: Call,
    others: Sequence[Other],
    tensors: tuple[Array, ...],
    accumulators: Sequence[str | None],
    relation: Relation,
    meaning: Interpretation,
) -> Array:
    """Return how far apart the sides may be: the sum of their error bounds."""
    calls = [(call.arguments, tensors)]
    calls += [(other.arguments, other.tensors(tensors)) for other in others]
    bounds = [
        bound(replace(computed_model(arguments), accumulator=accumulator), arguments, *data)
        for (arguments, data), accumulator in zip(calls, accumulators, strict=True)
    ]
    left, right = relation.equal(meaning, bounds[0], bounds[1:])
    return left + right


def declared_accumulator(call: Call, subject: Mapping[str, Any]) -> str | None:
    """Return the accumulator that a deviation declares for this subject, if any."""
    models = (model_of(one.deviation.observed) for one in applying(call, subject)[0])
    return next((model.accumulator for model in models if model and model.accumulator), None)
