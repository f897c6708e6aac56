"""Claims of `expect`, and what it means if the observation differs from them."""

import numpy as np
import pytest

from support.observations import ATROUS, CONV2D, SUBJECT, eager, kind, off_by_one, raised, returned
from tf_conv_conformance.casefile.loading import load_text
from tf_conv_conformance.prediction.predict import predict
from tf_conv_conformance.subject.observation import Answer, Observation
from tf_conv_conformance.verdict.judge import judge
from tf_conv_conformance.verdict.message import failure_of


def test_expectations_are_claims_of_the_case(calls):
    def expecting(claim):
        return eager(calls, CONV2D[:-1] + f", expect: {claim}}}")

    right = returned(eager(calls, CONV2D))
    assert kind(expecting("{shape: [1, 4, 3, 3]}"), right) == "conforms"
    assert (
        kind(expecting("{shape: [1, 4, 3, 3]}"), returned(eager(calls, CONV2D), change=off_by_one))
        == "violates"
    )
    assert kind(expecting("{shape: [1, 4, 4, 3]}"), right) == "unexpected"
    assert kind(expecting("{error: ValueError}"), right) == "unexpected"
    assert kind(expecting("{error: ValueError}"), raised("ValueError")) == "refused"
    assert kind(expecting("{error: OpError}"), raised()) == "refused", "a base of the class"
    assert kind(expecting("{error: Exception}"), raised()) == "refused", "any class"
    assert kind(expecting("result"), right) == "conforms"
    assert kind(expecting("result"), raised()) == "violates"
    assert kind(expecting("{error: ValueError}"), raised("TypeError")) == "violates"
    assert (
        kind(
            expecting("{error: [TypeError, ValueError], match: 'n.gative'}"),
            raised("ValueError", "a negative size"),
        )
        == "refused"
    )
    assert (
        kind(
            expecting("{error: ValueError, match: positive}"),
            raised("ValueError", "a negative size"),
        )
        == "violates"
    )


LITERAL = (
    "cases:\n  - {id: x, op: conv2d, input: {values: [[[[1], [2]]]]}, filter: {values: "
    "[[[[3]]]]}, strides: 1, padding: VALID, expect: {values: %s}}"
)


def test_expected_values_are_compared(calls):
    right = Observation(
        "answered", (Answer(values=np.array([[[[3], [6]]]], np.float32), dtype="float32"),)
    )
    assert kind(eager(calls, LITERAL % "[3, 6]"), right) == "conforms"
    assert kind(eager(calls, LITERAL % "[[[[3], [6]]]]"), right) == "conforms"
    assert kind(eager(calls, LITERAL % "[3, 7]"), right) == "unexpected"
    (diagnostic,) = load_text(LITERAL % "[3, 6, 9]").diagnostics
    assert diagnostic.message.startswith(
        "has 3 values, but the result has 2, in the shape [1, 1, 2, 1]"
    )
    assert (
        judge(
            eager(calls, LITERAL % "[[3, 6]]"),
            predict(eager(calls, LITERAL % "[[3, 6]]").arguments),
            right,
            SUBJECT,
        ).difference.aspect
        == "shape"
    )


@pytest.mark.parametrize(
    ("claim", "differs"),
    [
        ("{shape: [1, 4, 4, 3]}", "shape [1,4,3,3], not [1,4,4,3] as expected"),
        ("{error: ValueError}", "no ValueError, but float32 of shape [1, 4, 3, 3]"),
    ],
)
def test_a_wrong_expectation_does_not_blame_tensorflow(calls, claim, differs):
    call = eager(calls, CONV2D[:-1] + f", expect: {claim}}}")
    observation = returned(call)
    verdict = judge(call, predict(call.arguments), observation, SUBJECT)
    assert (verdict.kind, verdict.rules, verdict.failing) == ("unexpected", (), True)
    assert (
        verdict.reason
        == f"{differs}; TensorFlow does what it documents, but the case's `expect` differs"
    )
    text = failure_of("f:1", call, predict(call.arguments), verdict, observation, {}).text
    assert "predicted  float32 of shape [1, 4, 3, 3], by the documentation" in text
    assert "by the documented formula" not in text
    assert text.startswith(f"unexpected: {differs}; ")


@pytest.mark.parametrize(
    ("claim", "differs"),
    [
        ("{error: ValueError}", "InvalidArgumentError instead of ValueError: no"),
        ("{error: OpError, match: so}", "no match for 'so' in the message 'no'"),
        ("{shape: [9]}", "InvalidArgumentError instead of float32 of shape [9]: no"),
    ],
)
def test_a_wrong_expectation_of_a_documented_refusal_does_not_blame_tensorflow(
    calls, claim, differs
):
    verdict = judge(
        eager(calls, ATROUS + f"    expect: {claim}"),
        predict(eager(calls, ATROUS + f"    expect: {claim}").arguments),
        raised(),
        SUBJECT,
    )
    assert (verdict.kind, verdict.rules) == ("unexpected", ())
    assert verdict.reason.startswith(f"{differs}; TensorFlow does what it documents")


def test_a_claim_against_the_documentation_supports_no_rule(calls):
    call = eager(calls, ATROUS + "    expect: {shape: [1, 5, 5, 4]}")
    verdict = judge(call, predict(call.arguments), returned(call, "phase_strided"), SUBJECT)
    assert (verdict.kind, verdict.by_expect) == ("conforms", True)
    assert (
        judge(
            eager(calls, CONV2D),
            predict(eager(calls, CONV2D).arguments),
            returned(eager(calls, CONV2D)),
            SUBJECT,
        ).by_expect
        is False
    )
    error = judge(
        eager(calls, CONV2D[:-1] + ", expect: {error: OpError}}"),
        predict(eager(calls, CONV2D[:-1] + ", expect: {error: OpError}}").arguments),
        raised(),
        SUBJECT,
    )
    assert (error.kind, error.by_expect) == ("refused", True)
