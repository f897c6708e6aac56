"""A relation × the observations of its calls → verdict: a pure function."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from tf_conv_conformance.casefile.call import Call, model_of
from tf_conv_conformance.convolution.arguments import Interpretation, interpret
from tf_conv_conformance.convolution.dtypes import as_numbers
from tf_conv_conformance.prediction.correlation import Array
from tf_conv_conformance.prediction.data import computed_model
from tf_conv_conformance.prediction.error_bounds import Values, bound, unit_roundoff
from tf_conv_conformance.prediction.predict import predict
from tf_conv_conformance.prediction.relations import RELATIONS, Other, Relation
from tf_conv_conformance.subject.observation import Observation
from tf_conv_conformance.verdict import comparison
from tf_conv_conformance.verdict.comparison import Difference, ending
from tf_conv_conformance.verdict.judge import Verdict, applying, ended, judge


def judge_relation(
    call: Call,
    observation: Observation,
    others: Sequence[Other],
    answers: Sequence[Observation],
    subject: Mapping[str, Any],
) -> Verdict:
    """Return the verdict on a call of a relation: its observation held against the answers to the others."""
    relation = RELATIONS[call.relation or ""]
    for one in (observation, *answers):
        if one.kind == "suite error":
            return Verdict("suite error", f"not a verdict on TensorFlow: {ending(one)}")
    if not _has_values(observation):
        alone = judge(replace(call, relation=None), observation, subject)
        if alone.kind == "deviates":
            return replace(
                alone,
                reason=f"no result, as declared, so {relation.name} is not checked: {alone.reason}",
            )
        return Verdict(
            ended(observation) or "violates",
            f"no result: {ending(observation)}, although {relation.says}",
        )
    for other, answer in zip(others, answers, strict=True):
        if not _has_values(answer):
            which = f"{other.arguments.entry_point.symbol} in {other.mode} mode"
            reason = (
                f"no result of the other call that {relation.name} makes, {which}: {ending(answer)}"
            )
            return Verdict(ended(answer) or "violates", reason)
    found = _first_difference(call, observation, others, answers, subject)
    if found is not None:
        return Verdict("violates", f"{found.text('stated')}, although {relation.says}", (), found)
    return Verdict("conforms", relation.says)


def _has_values(observation: Observation) -> bool:
    return observation.kind == "answered" and all(
        arm.values is not None for arm in observation.answers
    )


def _first_difference(
    call: Call,
    observation: Observation,
    others: Sequence[Other],
    answers: Sequence[Observation],
    subject: Mapping[str, Any],
) -> Difference | None:
    """Return the first difference between the two halves of a relation, one arm of data after the other."""
    relation, interpretation = RELATIONS[call.relation or ""], interpret(call.arguments)
    assert interpretation is not None  # the relation applies to the call
    for number, data in enumerate(predict(call.arguments).arms):
        arms = [one.answers[number] for one in (observation, *answers)]
        dtype = arms[0].dtype
        for arm in arms:
            if arm.dtype is None or arm.dtype != dtype:
                return Difference("dtype", str(arm.dtype), str(dtype), data.name)
        assert dtype is not None
        numbers = [as_numbers(arm.values, dtype) for arm in arms if arm.values is not None]
        try:
            ours, theirs = relation.equal(interpretation, numbers[0], numbers[1:])
        except (ValueError, IndexError):  # shapes that cannot be brought together
            ours, theirs = numbers[0], numbers[1]
        if ours.shape != theirs.shape:
            return Difference(
                "shape",
                comparison.shape_text(theirs.shape),
                comparison.shape_text(ours.shape),
                data.name,
            )
        allowed = None
        if data.name == "reals" and not relation.bitwise:
            allowed = _bound(
                call,
                others,
                data.arrays(call.arguments),
                _accumulator(call, subject),
                relation,
                interpretation,
            )
            allowed = allowed + unit_roundoff("float64") * np.abs(
                theirs
            )  # of the sum that is made here
        if found := comparison.first_unlike(Values(theirs, allowed), ours, dtype, data.name):
            return found
    return None


def _bound(
    call: Call,
    others: Sequence[Other],
    tensors: tuple[Array, ...],
    accumulator: str | None,
    relation: Relation,
    interpretation: Interpretation,
) -> Array:
    """Return how far apart the halves may be: as far as all results may be from the exact ones, which are equal."""
    calls = [
        (call.arguments, tensors),
        *((other.arguments, other.tensors(tensors)) for other in others),
    ]
    bounds = [
        bound(replace(computed_model(arguments), accumulator=accumulator), arguments, *data)
        for arguments, data in calls
    ]
    ours, theirs = relation.equal(interpretation, bounds[0], bounds[1:])
    return ours + theirs


def _accumulator(call: Call, subject: Mapping[str, Any]) -> str | None:
    """Return the dtype of the sums that a deviation declares for this subject; None for the one that is taken for granted."""
    models = [model_of(one.deviation.observed) for one in applying(call, subject)]
    return next(
        (model.accumulator for model in models if model is not None and model.accumulator), None
    )
