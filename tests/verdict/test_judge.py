"""Every verdict, from observations made by hand. A wrong answer must not pass."""

import numpy as np
import pytest

from support.observations import (
    ATROUS,
    CONV2D,
    CRASHED,
    SUBJECT,
    eager,
    kind,
    off_by_one,
    raised,
    returned,
)
from tf_conv_conformance.convolution.dtypes import encode
from tf_conv_conformance.prediction.models import DOCUMENTED
from tf_conv_conformance.prediction.predict import predict
from tf_conv_conformance.subject.observation import Answer, Observation
from tf_conv_conformance.verdict.judge import judge


def test_the_documented_result_conforms(calls):
    call = eager(calls, CONV2D)
    assert kind(call, returned(call)) == "conforms"


@pytest.mark.parametrize(
    ("change", "aspect"),
    [
        (off_by_one, "values"),
        (lambda y: np.where(np.arange(y.size).reshape(y.shape) == 5, np.nan, y), "values"),
        (lambda y: y[:, :, ::-1], "values"),
        (lambda y: y[..., ::-1], "values"),
        (lambda y: y[:, :-1], "shape"),
        (lambda y: y.transpose(0, 2, 1, 3), "shape"),
        (lambda y: y[None], "shape"),
        (lambda y: y * (1 + 2.0**-23), "values"),
    ],
)
def test_a_wrong_result_violates(calls, change, aspect):
    call = eager(calls, CONV2D)
    verdict = judge(call, predict(call.arguments), returned(call, change=change), SUBJECT)
    assert (verdict.kind, verdict.difference.aspect) == ("violates", aspect)
    assert verdict.rules


def test_a_lost_dtype_violates(calls):
    call = eager(calls, CONV2D)
    verdict = judge(call, predict(call.arguments), returned(call, dtype="float64"), SUBJECT)
    assert (verdict.kind, verdict.rules) == ("violates", ("conv2d.result-dtype",))


def test_the_wide_arm_detects_less_precision(calls):
    call = eager(calls, CONV2D)
    arms = []
    for arm in predict(call.arguments).arms:
        x, w = arm.arrays(call.arguments)
        rounded = encode(x, "bfloat16").astype(np.uint32) << 16
        arms.append(
            Answer(
                values=DOCUMENTED.values(
                    call.arguments, rounded.view(np.float32).astype(float), w
                ).astype(np.float32),
                dtype="float32",
            )
        )
    verdict = judge(call, predict(call.arguments), Observation("answered", tuple(arms)), SUBJECT)
    assert verdict.kind == "violates"
    assert verdict.difference.arm == "wide_integers"


def test_an_exception_where_a_result_is_documented_violates(calls):
    assert kind(eager(calls, CONV2D), raised()) == "violates"


def test_a_documented_refusal_passes_and_its_absence_violates(calls):
    call = eager(calls, ATROUS)
    assert kind(call, raised("ValueError")) == "refused"
    verdict = judge(call, predict(call.arguments), returned(call, "phase_strided"), SUBJECT)
    rule = "depthwise.unit-strides-when-atrous"
    assert (verdict.kind, verdict.rules) == ("violates", (rule,))
    assert verdict.reason == f"should be refused: strides [1,2,2,1] with dilations [2,2] ({rule})"
    assert kind(call, returned(call, "documented")) == "violates"


def test_the_end_of_the_process(calls):
    assert kind(eager(calls, CONV2D), CRASHED) == "crashed"
    assert kind(eager(calls, ATROUS), CRASHED) == "crashed", "to die is not to refuse"
    assert (
        "SIGFPE"
        in judge(
            eager(calls, ATROUS), predict(eager(calls, ATROUS).arguments), CRASHED, SUBJECT
        ).reason
    ), "nor to accept"
    assert kind(eager(calls, CONV2D), Observation("timed out", time_limit=60.0)) == "timed out"


@pytest.mark.parametrize(
    ("failed", "reason"),
    [
        (Observation("suite error", exit_status=1), "the process ended with exit status 1"),
        (Observation("suite error", protocol_error="no JSON"), "protocol error: no JSON"),
    ],
)
@pytest.mark.parametrize(
    "more",
    [
        "",
        ", expect: {error: ValueError}",
        ", deviations: [{rule: conv2d.values, reported: unreported, observed: {crash: SIGFPE}}]",
    ],
)
def test_a_suite_error_is_no_verdict_whatever_is_claimed_or_declared(calls, failed, reason, more):
    verdict = judge(
        eager(calls, CONV2D[:-1] + more + "}"),
        predict(eager(calls, CONV2D[:-1] + more + "}").arguments),
        failed,
        SUBJECT,
    )
    assert (verdict.kind, verdict.reason, verdict.rules, verdict.failing) == (
        "suite error",
        f"not a verdict on TensorFlow: {reason}",
        (),
        True,
    )


def test_a_difference_contradicts_the_rules_about_its_aspect(calls):
    call = eager(calls, CONV2D)
    assert judge(call, predict(call.arguments), raised(), SUBJECT).rules == ("conv2d.values",)
    shape = judge(
        call, predict(call.arguments), returned(call, change=lambda y: y[:, 1:]), SUBJECT
    ).rules
    assert "conv2d.out-channels" in shape
    assert "conv2d.values" not in shape
    same = eager(calls, CONV2D[:-1] + ", expect: {shape: [1, 4, 3, 3]}}")
    assert (
        "conv2d.values"
        in judge(same, predict(same.arguments), returned(call, change=off_by_one), SUBJECT).rules
    )
    other = eager(calls, CONV2D[:-1] + ", expect: {shape: [1, 4, 4, 3]}}")
    assert judge(other, predict(other.arguments), returned(call), SUBJECT).rules == ()
    gradient = eager(calls, CONV2D[:-1] + ", gradient: input}")
    assert judge(gradient, predict(gradient.arguments), raised(), SUBJECT).rules == (
        "conv2d.values",
    )
    refused = eager(calls, CONV2D[:-1] + ", expect: {error: ValueError}}")
    assert judge(refused, predict(refused.arguments), returned(call), SUBJECT).rules == ()


def test_a_verdict_knows_whether_it_fails(calls):
    call = eager(calls, CONV2D)
    assert judge(call, predict(call.arguments), returned(call), SUBJECT).failing is False
    assert judge(call, predict(call.arguments), raised(), SUBJECT).failing is True
