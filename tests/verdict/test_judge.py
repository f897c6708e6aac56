"""Every verdict, from observations made by hand: the judge is a pure function, and a wrong answer must not pass."""

from dataclasses import replace

import numpy as np
import pytest

from support.observations import CONV2D, SUBJECT, eager, raised, returned
from tf_conv_conformance.casefile.expectations import When
from tf_conv_conformance.casefile.loading import load_text
from tf_conv_conformance.convolution.dtypes import encode
from tf_conv_conformance.prediction.models import DOCUMENTED
from tf_conv_conformance.prediction.predict import predict
from tf_conv_conformance.prediction.reproduction import python
from tf_conv_conformance.subject.observation import Answer, Observation, Warned
from tf_conv_conformance.verdict import comparison
from tf_conv_conformance.verdict.deviations import unmet
from tf_conv_conformance.verdict.explanation import explaining_model, feeding
from tf_conv_conformance.verdict.judge import judge
from tf_conv_conformance.verdict.message import failure_of

ATROUS = """
cases:
  - id: x
    op: depthwise_conv2d
    input: [1, 9, 9, 2]
    filter: [3, 3, 2, 2]
    strides: 2
    rate: 2
    padding: SAME
"""
DECLARED = (
    ATROUS
    + """
    deviations:
      - rule: depthwise.unit-strides-when-atrous
        observed: {model: phase_strided, warning: UserWarning}
        reported: unreported
        when: {tensorflow: ">=2.12"}
"""
)


def kind(call, observation, **subject):
    return judge(call, predict(call.arguments), observation, {**SUBJECT, **subject}).kind


def off_by_one(values):
    values.flat[-1] += 1
    return values


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


def test_less_precision_inside_is_seen_by_the_wide_arm(calls):
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


def test_the_first_difference_names_its_index_and_both_values(calls):
    call = eager(calls, CONV2D)
    difference = judge(
        call, predict(call.arguments), returned(call, change=off_by_one), SUBJECT
    ).difference
    assert difference.index == (0, 3, 2, 2)
    assert float(difference.observed) == float(difference.predicted) + 1
    assert (difference.unlike, difference.elements, difference.largest) == (1, 36, 1)


def test_an_exception_where_a_result_is_documented_violates(calls):
    assert kind(eager(calls, CONV2D), raised()) == "violates"


def test_a_documented_refusal_passes_and_its_absence_violates(calls):
    call = eager(calls, ATROUS)
    assert kind(call, raised("ValueError")) == "refused"
    verdict = judge(call, predict(call.arguments), returned(call, "phase_strided"), SUBJECT)
    assert (verdict.kind, verdict.rules) == ("violates", ("depthwise.unit-strides-when-atrous",))
    assert kind(call, returned(call, "documented")) == "violates"


def test_a_declared_deviation_is_held_as_strictly_as_a_rule(calls):
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


def test_outside_of_its_range_a_deviation_says_nothing(calls):
    call = eager(calls, DECLARED)
    assert kind(call, raised(), tensorflow="2.8.4") == "refused"
    assert kind(call, returned(call, "phase_strided"), tensorflow="2.8.4") == "violates"


def test_all_deviations_that_speak_must_be_observed(calls):
    both = (
        DECLARED
        + "      - {rule: depthwise.unit-strides-when-atrous, observed: {crash: SIGFPE}, reported: unreported}\n"
    )
    call = eager(calls, both)
    assert (
        kind(call, returned(call, "phase_strided", warnings=(Warned("UserWarning", ""),)))
        == "violates"
    )


def test_a_model_may_stand_for_other_arguments(calls):
    text = (
        CONV2D.replace("op: conv2d", "op: depthwise_conv2d")
        .replace("strides: 2", "strides: 1")
        .replace("rate: [1, 2]", "rate: [2]")
    )
    text = (
        text[:-1]
        + ", deviations: [{rule: depthwise.dilations-length, reported: unreported, observed: {model: documented, as_if: {rate: [2, 1]}}}]}"
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


CRASHED = Observation("crashed", signal="SIGFPE", last_output="Fatal Python error")


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
def test_a_failure_of_the_suite_is_no_verdict_whatever_is_claimed_or_declared(
    calls, failed, reason, more
):
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


def test_the_messages_of_the_end_of_the_process():
    assert comparison.ending(CRASHED) == "the process died (SIGFPE)"
    assert comparison.ending(Observation("timed out", time_limit=60.0)) == "no answer within 60 s"


@pytest.mark.parametrize(("signal", "expected"), [("SIGFPE", "deviates"), ("SIGSEGV", "crashed")])
def test_a_declared_crash_is_that_crash(calls, signal, expected):
    text = (
        CONV2D[:-1]
        + ", deviations: [{rule: conv2d.values, reported: unreported, observed: {crash: SIGFPE}}]}"
    )
    assert kind(eager(calls, text), replace(CRASHED, signal=signal)) == expected
    assert kind(eager(calls, text), returned(eager(calls, text))) == "resolved"


def test_unspecified_values_are_still_of_a_declared_shape(calls):
    text = (
        CONV2D[:-1]
        + ", deviations: [{rule: conv2d.values, reported: unreported, observed: {shape: [1, 4, 3, 3], values: unspecified}}]}"
    )
    call = eager(calls, text)
    assert kind(call, returned(call, change=off_by_one)) == "deviates"
    assert kind(call, returned(call, change=lambda y: y[:, 1:])) == "violates"
    assert kind(call, returned(call)) == "resolved"


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


LITERAL = "cases:\n  - {id: x, op: conv2d, input: {values: [[[[1], [2]]]]}, filter: {values: [[[[3]]]]}, strides: 1, padding: VALID, expect: {values: %s}}"


def test_literal_values(calls):
    right = Observation(
        "answered", (Answer(values=np.array([[[[3], [6]]]], np.float32), dtype="float32"),)
    )
    assert kind(eager(calls, LITERAL % "[3, 6]"), right) == "conforms"
    assert kind(eager(calls, LITERAL % "[[[[3], [6]]]]"), right) == "conforms"
    assert kind(eager(calls, LITERAL % "[3, 7]"), right) == "unexpected"
    (diagnostic,) = load_text(LITERAL % "[3, 6, 9]").diagnostics
    assert diagnostic.message.startswith(
        "has 3 values; the result has 2, in the shape [1, 1, 2, 1]"
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


def test_data_that_proves_nothing_is_vacuous(calls):
    text = "cases:\n  - {id: x, op: conv2d, input: {values: [[[[0], [0]]]]}, filter: {values: [[[[1]], [[2]]]]}, strides: 1, padding: SAME}"
    call = eager(calls, text)
    assert kind(call, returned(call)) == "vacuous"
    assert kind(call, returned(call, change=off_by_one)) == "violates"


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
    assert unmet(When(device="gpu"), SUBJECT) == "device=gpu, but the subject has device=cpu"


def test_the_model_that_explains(calls):
    call = eager(calls, ATROUS)
    assert (
        explaining_model(predict(call.arguments), returned(call, "phase_strided"))
        == "phase_strided"
    )
    assert explaining_model(predict(call.arguments), returned(call, "documented")) == "documented"
    assert (
        explaining_model(predict(call.arguments), returned(call, "documented", off_by_one)) is None
    )
    assert explaining_model(predict(call.arguments), raised()) is None


def test_the_pixels_that_feed_an_element(calls):
    arguments = eager(calls, ATROUS).arguments
    assert feeding(
        "documented", arguments, (0, 0, 1, 3)
    ) == "input[0, rows {0*, 0, 2}, columns {0, 2, 4}, channels 1]".replace(
        "{0, 2, 4}", "{0, 2, 4}"
    )
    assert (
        feeding("phase_strided", arguments, (0, 0, 1, 3))
        == "input[0, rows {0*, 0, 2}, columns {0*, 1, 3}, channels 1]"
    )
    grouped = replace(
        eager(calls, CONV2D).arguments,
        input=replace(arguments.input, shape=(1, 7, 6, 4)),
        filter=replace(arguments.filter, shape=(3, 2, 2, 4)),
    )
    assert feeding("documented", grouped, (0, 0, 0, 3)).endswith("channels 2:4]")


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


def test_a_pattern_that_backtracks_without_end_is_not_found(calls):
    text = CONV2D[:-1] + ", strides: 0, expect: {error: InvalidArgumentError, match: '(a+)+$'}}"
    call = eager(calls, text.replace("strides: 2, ", ""))
    assert (
        judge(call, predict(call.arguments), raised(message="a" * 200 + "b"), SUBJECT).kind
        == "unexpected"
    )


@pytest.mark.parametrize(
    ("dtype", "kind_of_it"), [("float64", "deviates"), ("float32", "violates")]
)
def test_a_deviation_may_have_another_dtype(calls, dtype, kind_of_it):
    declared = "\n    deviations: [{rule: conv2d.values, observed: {shape: [0], dtype: float64}, reported: unreported}]"
    text = (
        "cases:\n  - id: x\n    op: conv2d\n    input: [1, 7, 6, 2]\n    filter: [3, 2, 2, 3]\n    strides: 2\n    padding: SAME"
        + declared
    )
    nothing = Observation("answered", (Answer(values=np.zeros(0, dtype), dtype=dtype),) * 2)
    assert kind(eager(calls, text), nothing) == kind_of_it


ROW = """
cases:
  - {id: x, op: conv2d, modes: eager, padding: VALID, input: {values: [[[[1], [2], [4]]]]}, filter: {values: [[[[3]], [[%s]]]]}, strides: %s}
"""
SHOWN = (
    "height padding shifted by one",
    "width padding shifted by one",
    "last tap dropped",
    "first tap dropped",
)


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
            "1, deviations: [{rule: conv2d.values, observed: {error: ValueError}, reported: unreported}]",
            None,
        ),
        (
            5,
            "1, deviations: [{rule: conv2d.values, observed: {shape: [1, 1, 2, 1], values: unspecified}, reported: unreported}]",
            None,
        ),
    ],
)
def test_what_the_data_excludes_is_said_where_it_is_held_to_an_oracle(calls, tap, more, excluded):
    call = eager(calls, ROW % (tap, more))
    assert judge(call, predict(call.arguments), raised(), SUBJECT).excluded == excluded


def test_a_deviation_excludes_what_its_model_is_not(calls):
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


def test_a_deviation_for_other_arguments_excludes_what_it_is_not(calls):
    """As if the rate were 1: to ignore the dilation is then the right oracle."""
    text = CONV2D.replace("strides: 2", "strides: 1, data: small_integers").removesuffix("}")
    declared = ", deviations: [{rule: conv2d.values, observed: {model: documented, as_if: {rate: 1}}, reported: unreported}]}"
    plain, deviating = (eager(calls, text + more) for more in ("}", declared))
    assert "dilation ignored" in judge(plain, predict(plain.arguments), raised(), SUBJECT).excluded
    excluded = judge(deviating, predict(deviating.arguments), raised(), SUBJECT).excluded
    assert "dilation ignored" not in excluded
    assert "filter flipped in height" in excluded


def test_a_vacuous_call_is_printed_with_what_it_does_exclude(calls):
    call = eager(calls, ROW % (3, "1"))
    verdict = judge(call, predict(call.arguments), returned(call), SUBJECT)
    text = failure_of(
        "f.yaml:3", call, predict(call.arguments), verdict, returned(call), {}
    ).text.splitlines()
    assert text[0] == (
        "vacuous: the same with filter flipped in width, a wrong oracle: this data cannot tell them apart; give a shape in place of the "
        "literal values, for random data, or write what must come out as `expect: {values: …}`"
    )
    assert f"  excluded   {', '.join(SHOWN)}" in text


ZEROS = "cases:\n  - {id: x, op: depthwise_conv2d, input: {values: [[[[0], [0]]]]}, filter: {values: [[[[1]], [[2]]]]}, padding: SAME, %s}"


def test_only_a_claim_that_rests_on_the_oracle_is_vacuous(calls):
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


def test_a_missing_warning_is_told_from_another(calls):
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


def test_the_reasons_of_several_deviations(calls):
    declared = "{rule: conv2d.values, reported: unreported, observed: %s}, {rule: conv2d.patches, reported: unreported, observed: %s}"
    call = eager(calls, f"{CONV2D[:-1]}, deviations: [{declared % (('{crash: SIGFPE}',) * 2)}]}}")
    assert (
        judge(call, predict(call.arguments), CRASHED, SUBJECT).reason
        == "conv2d.values (SIGFPE; unreported); conv2d.patches (SIGFPE; unreported)"
    )
    gone = judge(call, predict(call.arguments), returned(call), SUBJECT)
    assert gone.reason == "delete the deviation from conv2d.values: the documentation holds"
    assert gone.rules == ("conv2d.values", "conv2d.patches")


def test_what_a_difference_speaks_against(calls):
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
    assert accepted.reason == f"not refused: strides [1,2,2,1] with dilations [2,2] ({rule})"
    wrong = judge(call, predict(call.arguments), returned(call, change=off_by_one), SUBJECT)
    assert wrong.reason == wrong.difference.text()
    unlike = eager(calls, CONV2D[:-1] + ", expect: {error: ValueError}}")
    neither = judge(unlike, predict(unlike.arguments), raised("TypeError"), SUBJECT)
    said = "; the case's `expect` differs: TypeError instead of ValueError: no"
    assert (neither.kind, neither.reason) == ("violates", neither.difference.text() + said)
    assert neither.rules == ("conv2d.values",)


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
        == f"{differs}; TensorFlow does what it documents, and the case's `expect` differs"
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
def test_nor_does_one_of_a_call_that_is_refused_as_documented(calls, claim, differs):
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


def test_a_deviation_beside_a_claim_that_holds_is_not_gone(calls):
    call = eager(calls, DECLARED + "    expect: {shape: [1, 5, 5, 4]}")
    warned = (Warned("UserWarning", "strides"),)
    assert kind(call, returned(call, "phase_strided", warnings=warned)) == "deviates"
    gone = judge(call, predict(call.arguments), raised(), SUBJECT)
    assert (gone.kind, "instead of float32 of shape [1, 5, 5, 4]" in gone.reason) == (
        "resolved",
        True,
    )


def test_a_failure_names_the_deviations_that_do_not_apply(calls):
    other = "      - {rule: depthwise.unit-strides-when-atrous, observed: {model: documented}, reported: unreported, when: {modes: xla}}\n"
    call = eager(calls, DECLARED + other)
    observation = returned(call, "phase_strided")
    verdict = judge(call, predict(call.arguments), observation, {**SUBJECT, "tensorflow": "2.8.4"})
    assert verdict.undeclared == (
        "depthwise.unit-strides-when-atrous (phase_strided): requires tensorflow >=2.12, but the subject has tensorflow 2.8.4",
        "depthwise.unit-strides-when-atrous (documented): requires mode xla, but the call runs in eager",
    )
    assert (
        "  declared   but not for this call: depthwise.unit-strides"
        in failure_of("f:1", call, predict(call.arguments), verdict, observation, {}).text
    )
    assert (
        judge(
            call, predict(call.arguments), raised(), {**SUBJECT, "tensorflow": "2.8.4"}
        ).undeclared
        == ()
    ), "no failure"


def test_a_verdict_that_fails_says_so(calls):
    call = eager(calls, CONV2D)
    assert judge(call, predict(call.arguments), returned(call), SUBJECT).failing is False
    assert judge(call, predict(call.arguments), raised(), SUBJECT).failing is True
