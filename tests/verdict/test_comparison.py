"""The first difference between an observation and what is expected."""

from dataclasses import replace

import pytest

from support.observations import CONV2D, CRASHED, SUBJECT, eager, off_by_one, raised, returned
from tf_conv_conformance.prediction.predict import predict
from tf_conv_conformance.subject.observation import Answer, Observation
from tf_conv_conformance.verdict import comparison
from tf_conv_conformance.verdict.judge import judge


def test_the_first_difference_names_its_index_and_both_values(calls):
    call = eager(calls, CONV2D)
    difference = judge(
        call, predict(call.arguments), returned(call, change=off_by_one), SUBJECT
    ).difference
    assert difference.index == (0, 3, 2, 2)
    assert float(difference.observed) == float(difference.predicted) + 1
    assert (difference.unlike, difference.elements, difference.largest) == (1, 36, 1)


def test_the_end_of_the_process_is_described():
    assert comparison.ending(CRASHED) == "the process died (SIGFPE)"
    assert comparison.ending(Observation("timed out", time_limit=60.0)) == "no answer within 60 s"


def test_a_pattern_that_backtracks_endlessly_does_not_match(calls):
    text = CONV2D[:-1] + ", strides: 0, expect: {error: InvalidArgumentError, match: '(a+)+$'}}"
    call = eager(calls, text.replace("strides: 2, ", ""))
    assert (
        judge(call, predict(call.arguments), raised(message="a" * 200 + "b"), SUBJECT).kind
        == "unexpected"
    )


@pytest.mark.parametrize("first", ["Graph execution error:", "Exception encountered when calling"])
def test_an_exception_is_described_by_its_reason(first):
    answer = Answer(error="InvalidArgumentError", message=f"{first}\n\nSizes differ\nat x")
    observation = Observation("answered", (answer,))
    assert comparison.ending(observation) == "InvalidArgumentError: Sizes differ"
    alone = Observation("answered", (replace(answer, message=first),))
    assert comparison.ending(alone) == f"InvalidArgumentError: {first}"
