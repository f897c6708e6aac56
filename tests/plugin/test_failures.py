"""Verdicts as outcomes of tests: failures, expected failures, skips, crashes and time-outs."""

import textwrap
import xml.etree.ElementTree as ElementTree

import pytest

from support.plugin_cases import (
    DECLARED,
    DECLARED_DYING,
    DYING,
    GOOD,
    LARGER,
    REFUSED,
    WRONG,
    records,
)

CRASHING = """
defaults: {op: depthwise_conv2d, strides: 1, padding: SAME, modes: xla}
cases:
  - {id: before, input: [1, 4, 4, 1], filter: [3, 3, 1, 2]}
  - {id: zero-channels, input: [1, 4, 4, 0], filter: [3, 3, 0, 2]}
  - {id: after, input: [1, 5, 4, 1], filter: [3, 3, 1, 2]}
  - {id: long-after, input: [1, 6, 4, 1], filter: [3, 3, 1, 2]}
"""


@pytest.mark.tensorflow
def test_a_failure_prints_what_a_person_needs(pytester, write, run):
    write(cases__wrong=WRONG)
    result = run("cases", "--tf-modes", "eager")
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(
        [
            (
                "violates: not refused: strides [[]1,2,2,1[]] with dilations [[]2,2[]] "
                "(depthwise.unit-strides-when-atrous)"
            ),
            "  case *cases/wrong.yaml:3 atrous[[]eager[]]",
            "  values *first at [[]0, *, 0[]]: *, not * as predicted*",
            "  fed by *input[[]0, rows {*}, columns {*}, channels 0[]], as documented",
            "  *, phase-strided",
            "  explained *phase_strided*",
            "  rule *: If any value in*",
            "  predicted *an exception*the formula*",
            "  *would give [[]1, 5, 5,*",
            "  observed *float32 of shape [[]1, 5, 5, 1[]]",
            "  instead *y[[]:, ::2, ::2[]] of the same call with strides of 1; or tf.nn.conv2d(x*",
            "    import tensorflow as tf",
            (
                "    convolve = *tf.nn.depthwise_conv2d(x, w, strides=[[]1, 2, 2, 1[]], "
                "padding='SAME', dilations=[[]2, 2[]])"
            ),
        ]
    )
    output = result.stdout.str()
    assert "Traceback" not in output
    assert "site-packages" not in output.partition("the call, to paste and run")[0].partition(
        "FAILURES"
    )[2].replace("tensorflow/python", "")
    source = textwrap.dedent(
        output.partition("to paste and run:\n")[2].partition("print(y.numpy())")[0]
    )
    script = pytester.makepyfile(pasted=source)
    assert "(1, 5, 5, 1)" in pytester.runpython(script).stdout.str()


def test_a_deviation_is_an_expected_failure_and_a_stale_one_fails(write, run_faulty):
    stale = GOOD + (
        "    deviations: [{rule: depthwise.values, observed: {error: ValueError}, "
        "reported: unreported}]\n"
    )
    write(cases__declared=DECLARED_DYING, cases__stale=stale)
    result = run_faulty("cases", "--tf-modes", "eager", "-rx")
    result.assert_outcomes(xfailed=1, passed=1, failed=1)
    result.stdout.fnmatch_lines(
        ["XFAIL *dying[[]faulty-eager[]]*conv2d.values (SIGSEGV; unreported)"]
    )
    result.stdout.fnmatch_lines(
        ["resolved: delete the deviation from depthwise.values: the documentation holds"]
    )
    assert run_faulty("cases/declared.yaml", "--tf-modes", "eager", "--runxfail").ret == 1


@pytest.mark.tensorflow
def test_a_crash_costs_one_test(pytester, write, run):
    """The crashes of the other subject, in test_faults.py, are with workers as well."""
    write(cases__crashing=CRASHING)
    result = run("cases")
    result.assert_outcomes(passed=3, failed=1)
    result.stdout.fnmatch_lines(
        ["crashed: *the process died (SIGFPE)*", "*Floating point exception*"]
    )
    ends = records(pytester).ends
    assert {identifier.partition("::")[2]: end["verdict"] for identifier, end in ends.items()} == {
        "before[xla]": "conforms",
        "zero-channels[xla]": "crashed",
        "after[xla]": "conforms",
        "long-after[xla]": "conforms",
    }


@pytest.mark.slow
def test_with_xdist_the_records_are_those_of_one_process(pytester, write, run_faulty):
    write(cases__good=GOOD, cases__declared=DECLARED_DYING)

    def outcome(*workers):
        assert run_faulty("cases", *workers).ret == 0
        found = records(pytester, "results-faulty")
        assert found.complete
        same = {
            k: {key: value for key, value in end.items() if key != "seconds"}
            for k, end in found.ends.items()
        }
        return found.calls, found.cases, list(found.subjects), dict(sorted(same.items()))

    assert outcome() == outcome("-n", "2")


@pytest.mark.tensorflow
@pytest.mark.parametrize("workers", [[], ["-n", "1"]])
def test_junit_xml_carries_verdict_rule_and_what_came_out(pytester, write, run, workers):
    write(cases__declared=DECLARED, cases__good=LARGER, cases__z_refused=REFUSED)
    result = run("cases", "--tf-modes", "eager", "--junitxml", "out.xml", "-v", "-rA", *workers)
    result.assert_outcomes(passed=3, xfailed=1, skipped=1)
    refused = "cases/z_refused.yaml::no-strides[[]eager[]]"
    result.stdout.fnmatch_lines(
        [f"*PASSED (refused) {refused}*" if workers else f"{refused} PASSED (refused)*"]
    )
    result.stdout.fnmatch_lines(
        [
            "5 calls: 2 conforms, *1 refused*",
            (
                "refused: TensorFlow raised an exception, as its documentation or the "
                "case's `expect` requires"
            ),
            "all calls refused: cases/z_refused.yaml:4 no-strides (conv2d.strides-positive)",
            f"PASSED (refused) {refused}",
        ]
    )
    result.stdout.fnmatch_lines(
        ["XFAIL *atrous[[]eager[]]*depthwise.unit-strides-when-atrous (phase_strided; unreported)"]
    )
    found = {
        case.get("name"): [(one.get("name"), one.get("value")) for one in case.iter("property")]
        for case in ElementTree.parse(pytester.path / "out.xml").getroot().iter("testcase")
    }
    assert found["atrous[eager]"] == [
        ("verdict", "deviates"),
        ("rule", "depthwise.unit-strides-when-atrous"),
        ("documented", "an exception"),
        ("observed", "float32 of shape [1, 5, 5, 1]"),
    ]
    shape = "float32 of shape [1, 4, 3, 3]"
    assert found["plain[eager]"] == [
        ("verdict", "conforms"),
        ("documented", shape),
        ("observed", shape),
    ]
    (verdict, documented, observed) = found["no-strides[eager]"]
    assert (verdict, documented) == (("verdict", "refused"), ("documented", "an exception"))
    assert observed[0] == "observed"
    assert "Error: " in observed[1]
    assert found["lacking[eager]"] == [("verdict", "unsupported"), ("documented", shape)]


def test_what_the_subject_lacks_is_skipped_with_the_reason(write, run_faulty):
    write(
        cases__good=GOOD.replace("strides: 1", "strides: 1\n    requires: {tensorflow: '>=99'}", 1)
    )
    result = run_faulty("cases", "--tf-modes", "eager", "-rs")
    result.assert_outcomes(passed=1, skipped=1)
    result.stdout.fnmatch_lines(
        [
            (
                "SKIPPED ?1? cases/good.yaml:4: requires tensorflow >=99, but the "
                "subject has tensorflow *"
            )
        ]
    )


def test_time_limit(write, run_faulty):
    write(cases__hanging=DYING.replace("10, 7", "12, 7"))
    result = run_faulty("cases", "--tf-modes", "xla", "--tf-timeout", "0.1")
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["timed out: *no answer within 0.1 s*"])


@pytest.mark.tensorflow
def test_in_process(pytester, write, run_apart):
    write(cases__good=GOOD)
    run_apart("cases", "--tf-in-process").assert_outcomes(passed=5)


def test_no_tensorflow_is_one_clear_error(pytester, write, run, monkeypatch):
    write(cases__good=GOOD)
    (pytester.path / "tensorflow.py").write_text("raise ImportError('libcudart is missing')")
    monkeypatch.setenv("PYTHONPATH", str(pytester.path))
    result = run("cases")
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(
        [
            "TensorFlow did not start in *: ImportError: libcudart is missing",
            "*pip install*",
            "*TensorFlow did not start*",
        ]
    )
    assert result.ret != 0
    assert "Traceback" not in result.stdout.str().partition("its last output")[0]
    assert len(records(pytester).calls) == 5
