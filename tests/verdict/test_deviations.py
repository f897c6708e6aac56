"""Declared deviations apply only to their subjects, and must be observed exactly."""

from dataclasses import replace

import numpy as np
import pytest

from support.observations import (
    CONV2D,
    CRASHED,
    DECLARED,
    SUBJECT,
    eager,
    kind,
    off_by_one,
    raised,
    returned,
)
from tf_conv_conformance.casefile.expectations import When
from tf_conv_conformance.prediction.models import DOCUMENTED
from tf_conv_conformance.prediction.predict import predict
from tf_conv_conformance.subject.observation import Answer, Observation, Warned
from tf_conv_conformance.verdict.deviations import unmet
from tf_conv_conformance.verdict.judge import judge

JAX = {"tensorflow": None, "backend": "jax 0.10.2", "onednn": None}


def test_a_declared_deviation_is_checked_as_strictly_as_a_rule(calls):
    call = eager(calls, DECLARED)
    warned = (Warned("UserWarning", "strides"),)
    assert kind(call, returned(call, "phase_strided", warnings=warned)) == "deviates"
    assert kind(call, returned(call, "phase_strided")) == "violates", (
        "the declared warning is missing"
    )
    assert kind(call, returned(call, "phase_strided", off_by_one, warnings=warned)) == "violates"
    assert kind(call, returned(call, "documented", warnings=warned)) == "violates", "a third thing"
    assert kind(call, raised()) == "resolved"


@pytest.mark.parametrize("version", ["2.12.0", "2.21.0", "2.23.0.dev20261026"])
def test_a_deviation_holds_in_its_range_of_versions(calls, version):
    call = eager(calls, DECLARED)
    assert kind(call, raised(), tensorflow=version) == "resolved"


def test_a_deviation_does_not_apply_outside_its_versions(calls):
    call = eager(calls, DECLARED)
    assert kind(call, raised(), tensorflow="2.8.4") == "refused"
    assert kind(call, returned(call, "phase_strided"), tensorflow="2.8.4") == "violates"


def test_all_deviations_that_apply_must_be_observed(calls):
    both = DECLARED + (
        "      - {rule: depthwise.unit-strides-when-atrous, observed: {crash: "
        "SIGFPE}, reported: unreported}\n"
    )
    call = eager(calls, both)
    assert (
        kind(call, returned(call, "phase_strided", warnings=(Warned("UserWarning", ""),)))
        == "violates"
    )


def test_a_model_may_be_evaluated_with_other_arguments(calls):
    text = (
        CONV2D.replace("op: conv2d", "op: depthwise_conv2d")
        .replace("strides: 2", "strides: 1")
        .replace("rate: [1, 2]", "rate: [2]")
    )
    text = text[:-1] + (
        ", deviations: [{rule: depthwise.dilations-length, reported: unreported, "
        "observed: {model: documented, as_if: {rate: [2, 1]}}}]}"
    )
    call = eager(calls, text)
    stands_for = replace(call.arguments, dilations=(2, 1))
    answered = returned(replace(call, arguments=call.arguments), change=lambda y: y)
    arms = [
        replace(
            old,
            values=DOCUMENTED.values(stands_for, *arm.arrays(call.arguments)).astype(np.float32),
        )
        for old, arm in zip(answered.answers, predict(call.arguments).arms, strict=True)
    ]
    assert kind(call, Observation("answered", tuple(arms))) == "deviates"
    assert kind(call, answered) == "violates"


@pytest.mark.parametrize(("signal", "expected"), [("SIGFPE", "deviates"), ("SIGSEGV", "crashed")])
def test_a_declared_crash_matches_only_its_signal(calls, signal, expected):
    text = (
        CONV2D[:-1]
        + ", deviations: [{rule: conv2d.values, reported: unreported, observed: {crash: SIGFPE}}]}"
    )
    assert kind(eager(calls, text), replace(CRASHED, signal=signal)) == expected
    assert kind(eager(calls, text), returned(eager(calls, text))) == "resolved"


def test_unspecified_values_must_have_the_declared_shape(calls):
    text = CONV2D[:-1] + (
        ", deviations: [{rule: conv2d.values, reported: unreported, observed: "
        "{shape: [1, 4, 3, 3], values: unspecified}}]}"
    )
    call = eager(calls, text)
    assert kind(call, returned(call, change=off_by_one)) == "deviates"
    assert kind(call, returned(call, change=lambda y: y[:, 1:])) == "violates"
    assert kind(call, returned(call)) == "resolved"


def test_conditions_on_the_subject():
    assert unmet(When(), SUBJECT) is None
    assert (
        unmet(
            When(
                tensorflow=">=2.12", onednn=False, device="cpu", platform="linux", machine="x86_64"
            ),
            SUBJECT,
        )
        is None
    )
    assert (
        unmet(When(tensorflow="<2.21"), SUBJECT)
        == "tensorflow <2.21, but the subject has tensorflow 2.21.0"
    )
    assert unmet(When(keras=">=3.13"), SUBJECT) is None
    assert (
        unmet(When(keras="<3"), {**SUBJECT, "keras": None})
        == "keras <3, but the subject has no keras"
    )
    assert (
        unmet(When(onednn=False), {**SUBJECT, "onednn": True})
        == "onednn=false, but the subject has onednn=true"
    )
    assert unmet(When(onednn=True), SUBJECT) == "onednn=true, but the subject has onednn=false"
    assert unmet(When(cpu=["avx2"]), SUBJECT) is None
    assert unmet(When(cpu=["avx2", "avx512f"]), SUBJECT) == "a CPU with avx512f"
    assert unmet(When(cpu=["avx2"], cpu_without=["avx512f"]), SUBJECT) is None
    assert unmet(When(cpu_without=["avx2", "avx512f"]), SUBJECT) == "a CPU without avx2"
    avx512 = {**SUBJECT, "isa": "avx512_core_vnni"}
    assert unmet(When(isa=">=avx512_core,<avx512_core_bf16"), avx512) is None
    assert (
        unmet(When(isa=">=avx512_core_bf16"), avx512)
        == "isa >=avx512_core_bf16, but the subject has avx512_core_vnni"
    )
    assert (
        unmet(When(isa="<avx512_core"), {**SUBJECT, "isa": None})
        == "isa <avx512_core, but the subject has an unknown one"
    )
    assert unmet(When(device="gpu"), SUBJECT) == "device=gpu, but the subject has device=cpu"


@pytest.mark.parametrize(
    ("dtype", "kind_of_it"), [("float64", "deviates"), ("float32", "violates")]
)
def test_a_deviation_may_have_another_dtype(calls, dtype, kind_of_it):
    declared = (
        "\n    deviations: [{rule: conv2d.values, observed: {shape: [0], dtype: "
        "float64}, reported: unreported}]"
    )
    text = (
        "cases:\n  - id: x\n    op: conv2d\n    input: [1, 7, 6, 2]\n    filter: [3, "
        "2, 2, 3]\n    strides: 2\n    padding: SAME"
    ) + declared
    nothing = Observation("answered", (Answer(values=np.zeros(0, dtype), dtype=dtype),) * 2)
    assert kind(eager(calls, text), nothing) == kind_of_it


def declaring(calls, *observed, base=CONV2D):
    declared = ", ".join(
        f"{{rule: conv2d.values, reported: unreported, observed: {one}}}" for one in observed
    )
    return eager(calls, f"{base[:-1]}, deviations: [{declared}]}}")


TIMED_OUT = Observation("timed out", time_limit=60.0)


def test_how_the_process_ends_is_declared(calls):
    assert kind(declaring(calls, "{timeout: true}"), TIMED_OUT) == "deviates"
    assert kind(declaring(calls, "{timeout: true}"), CRASHED) == "crashed"
    assert kind(declaring(calls, "{crash: SIGFPE}"), TIMED_OUT) == "timed out"
    answered = raised()
    assert (
        " instead of a crash (SIGFPE or SIGSEGV): "
        in judge(
            declaring(calls, "{crash: [SIGFPE, SIGSEGV]}"),
            predict(declaring(calls, "{crash: [SIGFPE, SIGSEGV]}").arguments),
            answered,
            SUBJECT,
        ).reason
    )
    assert (
        "instead of a time-out: "
        in judge(
            declaring(calls, "{timeout: true}"),
            predict(declaring(calls, "{timeout: true}").arguments),
            answered,
            SUBJECT,
        ).reason
    )


def test_a_missing_warning_and_a_different_one_are_distinguished(calls):
    call = eager(calls, DECLARED)
    other = (Warned("FutureWarning", ""), Warned("DeprecationWarning", ""))
    assert (
        "no warning"
        in judge(call, predict(call.arguments), returned(call, "phase_strided"), SUBJECT).reason
    )
    reason = judge(
        call, predict(call.arguments), returned(call, "phase_strided", warnings=other), SUBJECT
    ).reason
    assert (
        "DeprecationWarning, FutureWarning" in reason
        or "FutureWarning, DeprecationWarning" in reason
    )
    assert "no warning" not in reason


@pytest.mark.parametrize(
    ("observed", "observation", "how"),
    [
        ("{crash: SIGFPE}", CRASHED, "SIGFPE"),
        ("{crash: [SIGFPE, SIGSEGV]}", CRASHED, "SIGFPE or SIGSEGV"),
        ("{timeout: true}", TIMED_OUT, "timeout"),
        ("{error: InvalidArgumentError}", raised(), "InvalidArgumentError"),
    ],
)
def test_the_reason_says_what_was_declared(calls, observed, observation, how):
    verdict = judge(
        declaring(calls, observed),
        predict(declaring(calls, observed).arguments),
        observation,
        SUBJECT,
    )
    assert (verdict.kind, verdict.reason) == ("deviates", f"conv2d.values ({how}; unreported)")
    assert verdict.rules == ("conv2d.values",)


def test_the_reason_lists_all_deviations(calls):
    declared = (
        "{rule: conv2d.values, reported: unreported, observed: %s}, {rule: "
        "conv2d.patches, reported: unreported, observed: %s}"
    )
    call = eager(calls, f"{CONV2D[:-1]}, deviations: [{declared % (('{crash: SIGFPE}',) * 2)}]}}")
    assert (
        judge(call, predict(call.arguments), CRASHED, SUBJECT).reason
        == "conv2d.values (SIGFPE; unreported); conv2d.patches (SIGFPE; unreported)"
    )
    gone = judge(call, predict(call.arguments), returned(call), SUBJECT)
    assert (
        gone.reason == "delete the deviation from conv2d.values: TensorFlow does what it documents"
    )
    assert gone.rules == ("conv2d.values", "conv2d.patches")


def test_a_case_with_a_claim_may_also_deviate(calls):
    call = eager(calls, DECLARED + "    expect: {shape: [1, 5, 5, 4]}")
    warned = (Warned("UserWarning", "strides"),)
    assert kind(call, returned(call, "phase_strided", warnings=warned)) == "deviates"
    gone = judge(call, predict(call.arguments), raised(), SUBJECT)
    assert (gone.kind, "instead of float32 of shape [1, 5, 5, 4]" in gone.reason) == (
        "resolved",
        True,
    )


def test_a_deviation_is_resolved_if_the_claim_holds_without_it(calls):
    call = eager(calls, DECLARED + "    expect: {shape: [1, 5, 5, 4]}")
    without_warning = returned(call, "phase_strided")
    gone = judge(call, predict(call.arguments), without_warning, SUBJECT)
    assert (gone.kind, gone.reason.endswith(": the case's `expect` holds")) == ("resolved", True)


def test_a_deviation_only_from_the_claim_has_a_difference(calls):
    observed = "{shape: [1, 4, 3, 3], values: unspecified}"
    deviation = f"{{rule: conv2d.values, observed: {observed}, reported: unreported}}"
    text = f"{CONV2D[:-1]}, expect: {{shape: [1, 5, 5, 4]}}, deviations: [{deviation}]}}"
    call = eager(calls, text)
    verdict = judge(call, predict(call.arguments), returned(call), SUBJECT)
    assert (verdict.kind, verdict.difference.predicted) == ("deviates", "[1, 5, 5, 4]")


@pytest.mark.parametrize(
    ("wanted", "facts", "lacks"),
    [
        ("tensorflow", {}, None),
        ("tensorflow>=2.12", {}, None),
        ("tensorflow<2.12", {}, "tensorflow 2.21.0"),
        ("jax", {}, "tensorflow 2.21.0"),
        ("tensorflow", JAX, "jax 0.10.2"),
        ("jax", JAX, None),
        ("jax >=0.5,<0.11", JAX, None),
        ("jax>=0.11", JAX, "jax 0.10.2"),
        ("torch>=2.13", {**JAX, "backend": "torch 2.13.0+cpu"}, None),
        ("torch", {**JAX, "backend": "torch"}, None),
        ("torch>=2", {**JAX, "backend": "torch"}, "torch"),
    ],
)
def test_a_condition_on_the_backend_of_keras(wanted, facts, lacks):
    expected = lacks and f"backend {wanted}, but the subject has {lacks}"
    assert unmet(When(backend=wanted), {**SUBJECT, **facts}) == expected


def test_a_condition_on_tensorflow_is_not_met_without_it():
    expected = "tensorflow >=1, but the subject has no tensorflow"
    assert unmet(When(tensorflow=">=1"), {**SUBJECT, **JAX}) == expected


@pytest.mark.parametrize(
    ("modes", "mode", "of_eager"),
    [
        (None, "tflite", True),
        ("[eager]", "tflite", True),
        ("[graph, eager]", "onnx", True),
        ("[graph]", "tflite", False),
        ("[eager]", "graph", False),
    ],
)
def test_a_converted_call_names_the_deviations_of_eager_mode(calls, modes, mode, of_eager):
    text = DECLARED.replace("op:", f"modes: {sorted({'eager', 'graph', mode})}\n    op:")
    if modes is not None:
        text = text.replace("when: {", f"when: {{modes: {modes}, ")
    call = calls(text)[f"x[{mode}]"]
    follows = (
        "in eager mode TensorFlow deviates: depthwise.unit-strides-when-atrous (phase_strided)"
    )

    def reason(observation, version):
        subject = {**SUBJECT, "tensorflow": version}
        return judge(call, predict(call.arguments), observation, subject).reason

    for observation in (returned(call), raised()):
        assert reason(observation, "2.21.0").endswith(f"; {follows}") == of_eager
        assert "in eager mode" not in reason(observation, "2.8.4")
    assert ("in eager mode" in reason(raised(), "2.21.0")) == of_eager


def test_without_a_deviation_a_converted_call_names_none(calls):
    call = calls(f"{CONV2D[:-1]}, modes: [tflite]}}")["x[tflite]"]
    verdict = judge(call, predict(call.arguments), returned(call), SUBJECT)
    assert verdict.reason == "shape, dtype and every value are as documented"


@pytest.mark.parametrize(
    "observed", ["{shape: [2, 1, 4, 3], values: unspecified", "{error: OpError"]
)
def test_what_happens_sometimes_may_happen_in_some_arms(calls, observed):
    declared = (
        f"[{{rule: conv2d.values, reported: unreported, observed: {observed}, sometimes: true}}}}]"
    )
    call = eager(
        calls, f"{CONV2D[:-1]}, deviations: {declared}}}".replace("[1, 7, 6, 2]", "[2, 7, 1, 2]")
    )
    right = returned(call)
    other = raised() if "error" in observed else returned(call, change=lambda y: y.swapaxes(1, 2))
    third = returned(call, change=off_by_one)
    for answers, expected in (
        ((right, right), "conforms"),
        ((right, other), "deviates"),
        ((other, right), "deviates"),
        ((other, other), "deviates"),
        ((third, other), "violates"),
        ((right, third), "violates"),
    ):
        arms = tuple(one.answers[number] for number, one in enumerate(answers))
        assert kind(call, Observation("answered", arms)) == expected
    verdict = judge(call, predict(call.arguments), right, SUBJECT)
    assert "declared: conv2d.values (sometimes " in verdict.reason
