"""An error of the suite itself in one call: the call is a suite error, and the run goes on."""

import pytest

from support.faulty_runs import FAULTY, WORKERS
from tf_conv_conformance.records.reader import read

CASES = """
cases:
  - id: plain
    op: conv2d
    filter: [1, 1, 1, 1]
    strides: 1
    padding: VALID
    modes: eager
    sweep: {input: [[1, 2, 2, 1], [1, 3, 2, 1], [1, 4, 2, 1], [1, 5, 2, 1]]}
"""
BROKEN = "plain[input1x3x2x1-eager]"
RAISING = """
import pytest
from {module} import {owner}

original = {owner}.{name}

def raising(*arguments, **keywords):
    if "(1, 3, 2, 1)" in repr(arguments):
        raise ZeroDivisionError("on purpose")
    return original(*arguments, **keywords)

{owner}.{name} = raising
"""
MODULES = {
    "judging": ("tf_conv_conformance.verdict", "perform", "judge"),
    "sending": ("tf_conv_conformance.verdict", "requests", "own_request"),
    "planning": ("tf_conv_conformance.records", "lines", "exercised"),
    "drawing": ("tf_conv_conformance.prediction", "data", "arms"),
    "recording": ("tf_conv_conformance.records", "lines", "end_line"),
}


def run(pytester, step, *options):
    """Run the calls on the subject without TensorFlow, with a function that raises for one."""
    module, owner, name = MODULES[step]
    text = RAISING.format(module=module, owner=owner, name=name)
    pytester.makeconftest(text)
    cases = pytester.path / "cases"
    cases.mkdir(exist_ok=True)
    cases.joinpath("a.yaml").write_text(CASES, encoding="utf-8")
    result = pytester.runpytest_subprocess("cases", "--tf-subject", FAULTY, *options)
    return result, read(pytester.path / "reports/results-faulty.jsonl")


@pytest.mark.parametrize("workers", WORKERS)
@pytest.mark.parametrize("step", ["judging", "sending", "recording"])
def test_an_error_of_the_suite_in_one_call_is_recorded_and_the_run_goes_on(pytester, step, workers):
    result, records = run(pytester, step, workers)
    assert records.complete
    verdicts = {identifier: end["verdict"] for identifier, end in records.ends.items()}
    broken = f"cases/a.yaml::{BROKEN}"
    assert verdicts.pop(broken) == "suite error"
    assert list(verdicts.values()) == ["conforms"] * 3
    end = records.ends[broken]
    assert end["reason"] == (
        "not a verdict on TensorFlow: the suite raised ZeroDivisionError: on purpose"
    )
    assert end["rules"] == []
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    result.assert_outcomes(passed=3, failed=1)
    result.stdout.fnmatch_lines(
        [
            "suite error: not a verdict on TensorFlow: the suite raised ZeroDivisionError: *",
            f"  case       cases/a.yaml:3 {BROKEN}",
            "Traceback (most recent call last):",
            "ZeroDivisionError: on purpose",
            "4 calls: 3 conforms, 1 suite error",
        ]
    )
    assert "INTERNALERROR" not in result.stdout.str()


def test_the_observation_is_kept_if_the_suite_fails_to_judge_it(pytester):
    _, records = run(pytester, "judging", "-n0")
    assert records.ends[f"cases/a.yaml::{BROKEN}"]["observed"] == {
        "shape": [1, 3, 2, 1],
        "dtype": "float32",
    }


def test_a_call_that_could_not_be_sent_has_no_observation(pytester):
    _, records = run(pytester, "sending", "-n0")
    assert "observed" not in records.ends[f"cases/a.yaml::{BROKEN}"]


def test_a_call_is_made_although_the_suite_fails_to_plan_it(pytester):
    _, records = run(pytester, "planning", "-n0")
    identifier = f"cases/a.yaml::{BROKEN}"
    assert records.calls[identifier]["rules"] == []
    assert records.calls[identifier]["predicted"] == {"refuses": None, "shape": None}
    assert records.ends[identifier]["verdict"] == "conforms"
    assert (pytester.path / "reports/index.html").stat().st_size > 0


def test_an_error_of_the_suite_in_a_case_file_does_not_end_the_run(pytester):
    pytester.mkdir("cases").joinpath("b.yaml").write_text(
        CASES.replace("3, 2, 1", "3, 3, 1"), encoding="utf-8"
    )
    result, records = run(pytester, "drawing", "-n0")
    result.assert_outcomes(passed=4, failed=1)
    assert set(records.calls) == set(records.ends)
    result.stdout.fnmatch_lines(
        ["*suite error: the suite raised ZeroDivisionError: on purpose (conftest.py:8); *"]
    )
