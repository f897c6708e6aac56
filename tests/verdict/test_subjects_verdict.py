"""The verdict on a call of two subjects."""

from dataclasses import replace

import numpy as np
import pytest

from tf_conv_conformance.casefile.loading import load_text
from tf_conv_conformance.convolution.dtypes import encode
from tf_conv_conformance.prediction.error_bounds import bound
from tf_conv_conformance.prediction.models import DOCUMENTED, PHASE_STRIDED
from tf_conv_conformance.prediction.predict import predict
from tf_conv_conformance.subject.observation import Answer, Observation
from tf_conv_conformance.verdict.subjects_verdict import Side, judge_subjects

CASE = """
cases:
  - id: x
    op: depthwise_conv2d
    input: [1, 9, 8, 2]
    filter: [3, 2, 2, 1]
    strides: 2
    rate: 2
    padding: SAME
    modes: eager
    data: [small_integers, reals]
    relations: [subjects]
    deviations:
      - rule: depthwise.unit-strides-when-atrous
        when: {onednn: true}
        observed: {model: phase_strided}
        reported: unreported
"""
CALL = load_text(CASE).calls[1]
FACTS = {
    "tensorflow": "2.21.0",
    "onednn": False,
    "device": "cpu",
    "platform": "linux",
    "machine": "x86_64",
    "cpu": {"flags": []},
}
REFUSAL = Answer(error="ValueError", bases=("ValueError",), message="no")


def phases(change=lambda numbers: numbers):
    """The answers of a subject that computes in phases, with a change of its values."""
    predicted = predict(CALL.arguments).values(PHASE_STRIDED)
    arms = [Answer(encode(change(one.numbers), "float32"), "float32") for one in predicted]
    return Observation("answered", tuple(arms))


def judged(own, other, onednn=False):
    prediction = predict(CALL.arguments)
    sides = (Side("b", {**FACTS, "onednn": onednn}, own), Side("a", FACTS, other))
    return judge_subjects(CALL, prediction, *sides)


def test_equal_results_conform_whatever_is_documented():
    assert judged(phases(), phases()).kind == "conforms"


def test_an_element_that_differs_is_named_with_the_model_of_each():
    def change(numbers):
        changed = numbers.copy()
        changed[0, 1, 2, 0] += 1
        return changed

    verdict = judged(phases(change), phases())
    assert verdict.kind == "violates"
    assert verdict.difference.index == (0, 1, 2, 0)
    assert verdict.reason.startswith("subjects b and a differ: 1 of 40 values differ")
    assert verdict.reason.endswith(
        " as in a (small integers); b does not do what is documented, "
        "a does not do what is documented, but what the model phase_strided does"
    )


def test_a_refusal_is_the_documented_one_of_the_two():
    refusal = Observation("answered", (REFUSAL, REFUSAL))
    verdict = judged(refusal, phases())
    assert verdict.kind == "violates"
    assert "ValueError instead of float32 of shape [1, 5, 4, 2]" in verdict.reason
    assert "b does what is documented, a does not" in verdict.reason


def test_two_subjects_without_a_result_do_not_differ():
    """Their messages may: they name the processor or a file."""
    refusal = Observation("answered", (REFUSAL, REFUSAL))
    other = Observation("answered", (replace(REFUSAL, message="never"),) * 2)
    assert judged(refusal, other).kind == "refused"
    call = replace(CALL, arguments=replace(CALL.arguments, strides=(1, 1, 1, 1)), deviations=())
    sides = (Side("b", FACTS, refusal), Side("a", FACTS, other))
    verdict = judge_subjects(call, predict(call.arguments), *sides)
    assert (verdict.kind, verdict.reason) == (
        "violates",
        "no result to compare, neither in b nor in a: ValueError: no",
    )


def test_a_declared_difference_deviates():
    refusal = Observation("answered", (REFUSAL, REFUSAL))
    verdict = judged(phases(), refusal, onednn=True)
    assert verdict.kind == "deviates"
    assert verdict.rules == ("depthwise.unit-strides-when-atrous",)
    assert "as declared for b: depthwise.unit-strides-when-atrous (phase_strided" in verdict.reason
    assert judged(phases(lambda numbers: numbers + 1), refusal, onednn=True).kind == "violates"


@pytest.mark.parametrize("own", [True, False])
def test_the_end_of_a_process_is_named(own):
    sides = [phases(), Observation("crashed", signal="SIGFPE")]
    verdict = judged(*(reversed(sides) if own else sides))
    assert verdict.kind == "crashed"
    assert "the process died (SIGFPE)" in verdict.reason
    fault = Observation("suite error", last_output="KeyError: 'mode'")
    verdict = judged(*((fault, phases()) if own else (phases(), fault)))
    assert (verdict.kind, verdict.reason[:40]) == (
        "suite error",
        f"not a verdict on TensorFlow: {'b' if own else 'a'}: the suite"[:40],
    )


def test_reals_may_differ_by_the_bounds_of_both():
    arguments = replace(CALL.arguments, strides=(1, 1, 1, 1), data=("reals",))
    call = replace(CALL, arguments=arguments, deviations=())
    prediction = predict(arguments)
    (right,) = prediction.values(DOCUMENTED)
    limit = bound(DOCUMENTED, arguments, *prediction.tensors[0])

    def off(times):
        arm = Answer((right.numbers + times * limit).astype(np.float32), "float32")
        return Observation("answered", (arm,))

    def kind(own, other):
        return judge_subjects(
            call, prediction, Side("b", FACTS, off(own)), Side("a", FACTS, off(other))
        ).kind

    assert kind(0.9, -0.9) == "conforms"
    assert kind(1.5, -0.9) == "violates"
