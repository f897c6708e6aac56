"""The message of a failing test."""

from dataclasses import replace

import numpy as np
import pytest

from support.observations import (
    ATROUS,
    CONV2D,
    DECLARED,
    ROW,
    SHOWN,
    SUBJECT,
    eager,
    off_by_one,
    raised,
    returned,
)
from tf_conv_conformance.prediction.predict import predict
from tf_conv_conformance.prediction.reproduction import python
from tf_conv_conformance.verdict.judge import judge
from tf_conv_conformance.verdict.message import failure_of


@pytest.mark.parametrize("mode", ["eager", "graph", "xla"])
@pytest.mark.parametrize("dtype", ["float32", "bfloat16", "int32"])
def test_the_pasted_call_is_python_and_draws_the_same(calls, mode, dtype):
    call = eager(calls, CONV2D)
    arguments = replace(call.arguments, dtype=dtype)
    arm = predict(arguments).arms[1]
    source = python(arguments, mode, arm)
    compile(source, "pasted", "exec")
    names = {}
    exec(
        "\n".join(
            line
            for line in source.splitlines()
            if line.startswith(("import numpy", "rng", "x =", "w ="))
        ),
        names,
    )
    x, w = arm.arrays(arguments)
    assert np.array_equal(names["x"], x)
    assert np.array_equal(names["w"], w)
    assert "strides=2, padding='SAME', dilations=[1, 2]" in source


@pytest.mark.parametrize("mode", ["graph", "tflite"])
def test_a_message_says_what_conversion_changes(calls, mode):
    call = calls(ATROUS.replace("rate: 2", f"rate: 2\n    modes: [eager, {mode}]"))[f"x[{mode}]"]
    verdict = judge(call, predict(call.arguments), returned(call, "phase_strided"), SUBJECT)
    failure = failure_of("f.yaml:3", call, predict(call.arguments), verdict, None, {}, width=400)
    assert "  deploy     TFLite, LiteRT and ONNX compute another result" in failure.text


def test_the_message_of_a_vacuous_call_lists_what_it_excludes(calls):
    call = eager(calls, ROW % (3, "1"))
    verdict = judge(call, predict(call.arguments), returned(call), SUBJECT)
    failure = failure_of(
        "f.yaml:3", call, predict(call.arguments), verdict, returned(call), {}, width=120
    )
    text = failure.text.splitlines()
    assert text[0] == (
        "vacuous: a wrong result would also pass (filter flipped in width); "
        "give a shape instead of "
        "literal values, so that the data is random, or state the result as `expect: {values: …}`"
    )
    assert f"  excluded   {', '.join(SHOWN)}" in text


def test_the_reason_is_a_sentence(calls):
    call, atrous = eager(calls, CONV2D), eager(calls, ATROUS)
    rule = "depthwise.unit-strides-when-atrous"
    assert (
        judge(call, predict(call.arguments), returned(call), SUBJECT).reason
        == "shape, dtype and every value are as documented"
    )
    assert (
        judge(atrous, predict(atrous.arguments), raised(), SUBJECT).reason
        == f"refused, as documented ({rule})"
    )
    expecting = eager(calls, CONV2D[:-1] + ", expect: {shape: [1, 4, 3, 3]}}")
    assert (
        judge(expecting, predict(expecting.arguments), returned(call), SUBJECT).reason
        == "shape, dtype and every value are as documented"
    )
    accepted = judge(atrous, predict(atrous.arguments), returned(atrous, "phase_strided"), SUBJECT)
    assert accepted.reason == f"should be refused: strides [1,2,2,1] with dilations [2,2] ({rule})"
    wrong = judge(call, predict(call.arguments), returned(call, change=off_by_one), SUBJECT)
    assert wrong.reason == wrong.difference.text()
    unlike = eager(calls, CONV2D[:-1] + ", expect: {error: ValueError}}")
    neither = judge(unlike, predict(unlike.arguments), raised("TypeError"), SUBJECT)
    said = "; the case's `expect` differs: TypeError instead of ValueError: no"
    assert (neither.kind, neither.reason) == ("violates", neither.difference.text() + said)
    assert neither.rules == ("conv2d.values",)
    two, three = (f"{{shape: [1, 1, 1, 1], values: [{number}]}}" for number in (2, 3))
    same = eager(
        calls,
        f"cases:\n  - {{id: x, op: conv2d, input: {two}, filter: {three}, strides: 1,"
        " padding: VALID, expect: {values: [6]}}",
    )
    wrong = judge(same, predict(same.arguments), returned(same, change=off_by_one), SUBJECT)
    assert wrong.kind == "violates"
    assert wrong.reason.endswith("; the case's `expect` agrees with the documentation")


def test_a_failure_names_the_deviations_that_do_not_apply(calls):
    other = (
        "      - {rule: depthwise.unit-strides-when-atrous, observed: {model: "
        "documented}, reported: unreported, when: {modes: xla}}\n"
    )
    call = eager(calls, DECLARED + other)
    observation = returned(call, "phase_strided")
    verdict = judge(call, predict(call.arguments), observation, {**SUBJECT, "tensorflow": "2.8.4"})
    assert verdict.undeclared == (
        "depthwise.unit-strides-when-atrous (phase_strided): requires tensorflow "
        ">=2.12, but the subject has tensorflow 2.8.4",
        "depthwise.unit-strides-when-atrous (documented): requires mode xla, but the "
        "call runs in eager",
    )
    assert (
        "  deviation  declared, but not for this call: depthwise.unit-strides"
        in failure_of("f:1", call, predict(call.arguments), verdict, observation, {}).text
    )
    assert (
        judge(
            call, predict(call.arguments), raised(), {**SUBJECT, "tensorflow": "2.8.4"}
        ).undeclared
        == ()
    ), "no failure"
