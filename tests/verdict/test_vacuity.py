"""Wrong oracles that a verdict excludes, and vacuous calls."""

import numpy as np
import pytest

from support.observations import (
    CONV2D,
    DECLARED,
    ROW,
    SHOWN,
    SUBJECT,
    eager,
    kind,
    off_by_one,
    raised,
    returned,
)
from tf_conv_conformance.prediction.predict import predict
from tf_conv_conformance.subject.observation import Answer, Observation
from tf_conv_conformance.verdict.judge import judge


def test_data_that_proves_nothing_is_vacuous(calls):
    text = (
        "cases:\n  - {id: x, op: conv2d, input: {values: [[[[0], [0]]]]}, filter: "
        "{values: [[[[1]], [[2]]]]}, strides: 1, padding: SAME}"
    )
    call = eager(calls, text)
    assert kind(call, returned(call)) == "vacuous"
    assert kind(call, returned(call, change=off_by_one)) == "violates"


@pytest.mark.parametrize(
    ("tap", "more", "excluded"),
    [
        (5, "1", (*SHOWN, "filter flipped in width")),
        (3, "1", SHOWN),  # [3, 3] is itself when it is flipped
        (5, "1, expect: {shape: [1, 1, 2, 1]}", (*SHOWN, "filter flipped in width")),
        (5, "1, expect: {values: [13, 26]}", None),  # held to the case's numbers, not to an oracle
        (5, "1, expect: {shape: [1, 1, 3, 1]}", None),
        (5, "1, expect: {error: ValueError}", None),
        (5, "0", None),  # refused
        (".inf", "1", None),  # it spreads, which is another question
        (
            5,
            "1, deviations: [{rule: conv2d.values, observed: {error: ValueError}, "
            "reported: unreported}]",
            None,
        ),
        (
            5,
            "1, deviations: [{rule: conv2d.values, observed: {shape: [1, 1, 2, 1], "
            "values: unspecified}, reported: unreported}]",
            None,
        ),
    ],
)
def test_a_verdict_lists_what_the_data_excludes(calls, tap, more, excluded):
    call = eager(calls, ROW % (tap, more))
    assert judge(call, predict(call.arguments), raised(), SUBJECT).excluded == excluded


def test_a_deviation_excludes_oracles_other_than_its_model(calls):
    call = eager(calls, DECLARED)
    excluded = judge(
        call, predict(call.arguments), returned(call, "phase_strided"), SUBJECT
    ).excluded
    assert excluded[:4] == (
        "height padding shifted by one",
        "width padding shifted by one",
        "dilation ignored",
        "documented instead of phase_strided",
    )
    assert (
        judge(
            call,
            predict(call.arguments),
            returned(call, "phase_strided"),
            {**SUBJECT, "tensorflow": "2.11.0"},
        ).excluded
        is None
    )  # of no use there: refused


def test_a_deviation_with_as_if_excludes_other_oracles(calls):
    """As if the rate were 1, the oracle that ignores the dilation is the right one."""
    text = CONV2D.replace("strides: 2", "strides: 1, data: small_integers").removesuffix("}")
    declared = (
        ", deviations: [{rule: conv2d.values, observed: {model: documented, as_if: "
        "{rate: 1}}, reported: unreported}]}"
    )
    plain, deviating = (eager(calls, text + more) for more in ("}", declared))
    assert "dilation ignored" in judge(plain, predict(plain.arguments), raised(), SUBJECT).excluded
    excluded = judge(deviating, predict(deviating.arguments), raised(), SUBJECT).excluded
    assert "dilation ignored" not in excluded
    assert "filter flipped in height" in excluded


ZEROS = (
    "cases:\n  - {id: x, op: depthwise_conv2d, input: {values: [[[[0], [0]]]]}, filter: "
    "{values: [[[[1]], [[2]]]]}, padding: SAME, %s}"
)


def test_only_claims_that_depend_on_the_oracle_can_be_vacuous(calls):
    zeros = Observation(
        "answered", (Answer(values=np.zeros((1, 1, 2, 1), np.float32), dtype="float32"),)
    )
    ones = "strides: [1, 1, 1, 1]"
    assert kind(eager(calls, ZEROS % ones), zeros) == "vacuous"
    assert (
        kind(eager(calls, ZEROS % (ones + ", expect: {shape: [1, 1, 2, 1]}")), zeros) == "vacuous"
    )
    assert kind(eager(calls, ZEROS % (ones + ", expect: {values: [0, 0]}")), zeros) == "conforms"
    assert kind(eager(calls, ZEROS % "strides: [2, 1, 1, 1]"), raised()) == "refused"


@pytest.mark.parametrize("literal", ["input", "filter"])
def test_the_advice_for_one_literal_tensor_is_random_data(calls, literal):
    zeros = {"input": "{values: [[[[0], [0]]]]}", "filter": "{values: [[[[0]], [[0]]]]}"}
    shapes = {"input": "[1, 1, 2, 1]", "filter": "[1, 2, 1, 1]"}
    given = ", ".join(
        f"{name}: {value}" for name, value in {**shapes, literal: zeros[literal]}.items()
    )
    call = eager(calls, f"cases:\n  - {{id: x, op: conv2d, {given}, strides: 1, padding: SAME}}")
    verdict = judge(call, predict(call.arguments), returned(call), SUBJECT)
    assert verdict.kind == "vacuous"
    assert "give a shape instead of literal values" in verdict.reason
