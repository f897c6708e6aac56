"""Verdicts as outcomes of tests: failures, expected failures, skips, crashes and time-outs."""

import pytest

from support.plugin_cases import DECLARED_DYING, DYING, GOOD, records


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
        ["resolved: delete the deviation from depthwise.values: TensorFlow does what it documents"]
    )
    assert run_faulty("cases/declared.yaml", "--tf-modes", "eager", "--runxfail").ret == 1


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
