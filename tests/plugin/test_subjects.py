"""Several subjects in one run, and a baseline.

Most are the subject with faults, which starts at once.
"""

import json
import sys

import pytest

from support.faulty_runs import FAULTY, WORKERS
from tf_conv_conformance.records.reader import read

CASES = """
defaults: {op: conv2d, filter: [1, 1, 1, 1], strides: 1, padding: SAME}
cases:
  - {id: plain, input: [1, 2, 3, 1]}
  - {id: wrong, input: [1, 9, 7, 1]}
"""
ATROUS = """
defaults: {input: [1, 9, 9, 2], filter: [2, 2, 2, 1], padding: SAME}
cases:
  - {id: plain, op: conv2d, strides: 1}
  - {id: wrong, op: depthwise_conv2d, strides: 2, rate: 2}
"""
COMMAND = FAULTY.partition(" = ")[2]
OFF, ON = f"off = TF_ENABLE_ONEDNN_OPTS=0 {COMMAND}", f"on = TF_ENABLE_ONEDNN_OPTS=1 {COMMAND}"


@pytest.fixture
def run(pytester):
    pytester.mkdir("cases").joinpath("a.yaml").write_text(CASES, encoding="utf-8")

    def run(*options):
        return pytester.runpytest_inprocess("cases", "--tf-modes=eager", *options)

    return run


def onednn(pytester, name):
    (subject,) = read(pytester.path / f"reports/results-{name}.jsonl").subjects.values()
    return subject["subject"]["onednn"]


def check_two_subjects(run, pytester, *options):
    result = run(*options, "-rA")
    result.assert_outcomes(passed=2, failed=2)
    result.stdout.fnmatch_lines_random(
        [r"PASSED cases/a.yaml::plain[[]off-eager[]]", r"FAILED cases/a.yaml::wrong[[]on-eager[]]*"]
    )
    assert (onednn(pytester, "off"), onednn(pytester, "on")) == (False, True)
    calls = [
        list(read(pytester.path / f"reports/results-{name}.jsonl").ends) for name in ("off", "on")
    ]
    assert (
        sorted(calls[0])
        == sorted(calls[1])
        == ["cases/a.yaml::plain[eager]", "cases/a.yaml::wrong[eager]"]
    )
    page = (pytester.path / "reports/index.html").read_text(encoding="utf-8")
    assert "2 subjects, 4 calls" in page


@pytest.mark.parametrize("workers", WORKERS)
def test_two_subjects_are_a_parametrization_and_a_record_file_each(run, pytester, workers):
    check_two_subjects(run, pytester, "--tf-subject", OFF, "--tf-subject", ON, workers)


@pytest.mark.tensorflow
def test_two_subjects_of_one_interpreter(run, pytester):
    pytester.path.joinpath("cases/a.yaml").write_text(ATROUS, encoding="utf-8")
    subjects = (f"--tf-subject={text.removesuffix(COMMAND)}" for text in (OFF, ON))
    check_two_subjects(run, pytester, *subjects)


COMPARED = """
cases:
  - {id: x, op: conv2d, filter: [1, 1, 1, 1], strides: 1, padding: SAME, input: [1, 2, 3, 1],
     modes: eager, relations: [subjects], data: [small_integers, reals]}
"""


@pytest.mark.parametrize("workers", WORKERS)
def test_subjects_that_differ_in_one_element_are_both_named(run, pytester, workers):
    pytester.path.joinpath("cases/a.yaml").write_text(COMPARED, encoding="utf-8")
    right, wrong = f"right = {COMMAND}", f"wrong = FAULTY_ELEMENT=1 {COMMAND}"
    result = run("--tf-subject", right, "--tf-subject", wrong, workers)
    result.assert_outcomes(passed=1, failed=3)
    text = result.stdout.str()
    documented = "does what is documented"
    assert "violates: subjects wrong and right differ: 1 of 6 values differ by up to 1; " in text
    assert "first at [0, 0, 0, 0]: " in text
    assert " as in right (small integers); wrong does not do what is documented, right do" in text
    assert f"right {documented}, wrong does not do what is documented" in text  # of `right`
    same = run("--tf-subject", right, "--tf-subject", right.replace("right", "other"))
    same.assert_outcomes(passed=4)


def test_a_single_subject_is_compared_with_none(run, pytester):
    pytester.path.joinpath("cases/a.yaml").write_text(COMPARED, encoding="utf-8")
    result = run("--tf-subject", f"right = {COMMAND}", "-rs")
    result.assert_outcomes(passed=1, skipped=1)
    result.stdout.fnmatch_lines(["SKIPPED*requires two subjects to compare*--tf-subject 'on = *"])


def test_a_subject_that_does_not_start_is_compared_with_none(run, pytester):
    pytester.path.joinpath("cases/a.yaml").write_text(COMPARED, encoding="utf-8")
    result = run("--tf-subject", f"right = {COMMAND}", "--tf-subject=bad = false")
    outcomes = result.parseoutcomes()
    assert (outcomes["passed"], outcomes["failed"], outcomes["skipped"]) == (1, 1, 2)


@pytest.mark.slow
def test_ids_can_be_pasted_and_selected(run, pytester):
    result = run("--tf-subject", OFF, "--tf-subject", ON, "-k", "off and plain")
    result.assert_outcomes(passed=1, deselected=3)
    pasted = pytester.runpytest_inprocess(
        "cases/a.yaml::plain[on-eager]", "--tf-modes=eager", "--tf-subject", OFF, "--tf-subject", ON
    )
    pasted.assert_outcomes(passed=1)


def test_one_subject_is_asked_after_the_other(run):
    listed = [
        line
        for line in run("--tf-subject", OFF, "--tf-subject", ON, "--collect-only", "-q").outlines
        if "::" in line
    ]
    assert [line.partition("[")[2].partition("-")[0] for line in listed] == [
        "off",
        "off",
        "on",
        "on",
    ]


def test_subjects_of_the_ini_file_are_asked_by_name(run, pytester):
    pytester.makeini(f"[pytest]\ntf_subjects =\n    {OFF}\n    {ON}\n    here = {COMMAND}\n")
    run("--collect-only", "-q").stdout.fnmatch_lines(["cases/a.yaml::plain[[]eager[]]"])
    run("--tf-subject=on").assert_outcomes(passed=1, failed=1)
    assert onednn(pytester, "on") is True
    run("--tf-subject=all", "--collect-only").stdout.fnmatch_lines(["*6 tests collected*"])


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (
            ["--tf-subject=unknown"],
            "--tf-subject: 'unknown' is neither a path with a / nor a subject",
        ),
        (["--tf-subject=a = threads=0"], "--tf-subject: a: 'threads=0' is not a setting"),
        (["--tf-subject", OFF, "--tf-subject", OFF], "--tf-subject: 'off' is given twice"),
        (
            ["--tf-subject=/bin/a", "--tf-subject=/bin/b"],
            "--tf-subject: a path without a name is given twice; write 'NAME = PATH'",
        ),
        (
            ["--tf-subject", OFF, "--tf-in-process"],
            "--tf-in-process: imports the TensorFlow of this interpreter",
        ),
        (["--tf-update-baseline"], "--tf-update-baseline: needs --tf-baseline FILE"),
        (
            ["--tf-baseline=none.json"],
            "--tf-baseline: *none.json does not exist; add --tf-update-baseline to write it",
        ),
    ],
)
def test_what_cannot_be_asked_is_a_usage_error(run, options, said):
    result = run(*options)
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines([f"ERROR: {said}*"])


@pytest.mark.parametrize("workers", WORKERS)
def test_a_subject_that_does_not_start_leaves_the_others_unharmed(run, pytester, workers):
    result = run("--tf-subject=bad = false", "--tf-subject", OFF, workers)
    outcomes = result.parseoutcomes()
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    assert outcomes["passed"] == 1
    assert outcomes["failed"] + outcomes.get("skipped", 0) == 3
    result.stdout.fnmatch_lines(
        [
            "TensorFlow did not start in subject bad (false): exit status 1",
            "*2 calls: 1 conforms, 1 violates, 2 missing",
        ]
    )
    assert read(pytester.path / "reports/results-bad.jsonl").ends == {}


@pytest.mark.tensorflow
def test_the_path_of_another_interpreter_is_a_subject_without_a_name(run, pytester):
    pytester.path.joinpath("cases/a.yaml").write_text(ATROUS, encoding="utf-8")
    run(f"--tf-subject={sys.executable}").assert_outcomes(passed=1, failed=1)
    assert read(pytester.path / "reports/results.jsonl").complete
    result = run("--tf-subject=no/such/python")
    assert result.ret == pytest.ExitCode.INTERRUPTED or result.ret == pytest.ExitCode.TESTS_FAILED
    result.stdout.fnmatch_lines(
        [f"TensorFlow did not start in {pytester.path}/no/such/python: *No such file or directory"]
    )


@pytest.mark.tensorflow
def test_a_device_that_is_not_there_is_a_subject_that_does_not_start(run, pytester):
    """TensorFlow itself places such calls on the CPU."""
    devices = {"there": "GPU:7", "elsewhere": "CPU:3", "here": "CPU:0"}
    result = run(*(f"--tf-subject={name} = device={one}" for name, one in devices.items()))
    result.assert_outcomes(passed=2, failed=2, skipped=2)
    for name in ("there", "elsewhere"):
        reason = f"there is no device {devices[name]}; its devices are: CPU:0"
        said = f"TensorFlow did not start in subject {name} (*): {reason}*"
        result.stdout.fnmatch_lines_random([said])
        assert read(pytester.path / f"reports/results-{name}.jsonl").ends == {}
    result.stdout.no_fnmatch_line("*pip install*")
    result.stdout.no_fnmatch_line("*Traceback*")


WRONG = """
defaults: {op: conv2d, filter: [1, 1, 1, 1], strides: 1, padding: VALID, modes: eager}
cases:
  - {id: right, input: [1, 2, 3, 1]}
  - {id: wrong, input: [1, 9, 7, 1]}
"""


@pytest.fixture
def faulty(pytester, run):
    """Runs against a subject that has one wrong value, under the name `a`."""
    path = pytester.path / "cases/a.yaml"
    path.write_text(WRONG, encoding="utf-8")
    return lambda *options: run(
        "--tf-baseline=known.json", "--tf-subject", FAULTY.replace("faulty =", "a ="), *options
    )


def known(pytester):
    return json.loads((pytester.path / "known.json").read_text(encoding="utf-8"))["known"]


@pytest.mark.parametrize("workers", WORKERS)
@pytest.mark.slow
def test_known_failures_do_not_fail(faulty, pytester, workers):
    faulty("--tf-update-baseline", workers).assert_outcomes(passed=1, failed=1)
    assert {name: list(entries) for name, entries in known(pytester).items()} == {
        "a": ["cases/a.yaml::wrong[eager]"]
    }
    again = faulty(workers)
    again.assert_outcomes(passed=1, xfailed=1)
    again.stdout.fnmatch_lines(["baseline *known.json: 1 known failure, 0 stale entries"])
    assert "known failures: 1; no new failures" in (pytester.path / "reports/index.html").read_text(
        encoding="utf-8"
    )


@pytest.mark.slow
def test_what_is_new_fails_and_what_is_stale_is_named(faulty, pytester):
    faulty("--tf-update-baseline")
    edited = (
        WRONG.replace("[1, 9, 7, 1]", "[1, 9, 6, 1]")
        + "  - {id: new, input: [2, 9, 7, 1]}\n  - {id: newer, input: [1, 19, 7, 1]}\n"
    )
    (pytester.path / "cases/a.yaml").write_text(edited, encoding="utf-8")
    changed = faulty()
    changed.assert_outcomes(passed=3, failed=1)
    changed.stdout.fnmatch_lines(
        ["*1 stale entry", "  stale: cases/a.yaml::wrong[[]eager[]] of a: the case was edited"]
    )
    faulty("--tf-update-baseline")
    assert {name: list(entries) for name, entries in known(pytester).items()} == {
        "a": ["cases/a.yaml::newer[eager]"]
    }


@pytest.mark.slow
def test_a_known_failure_of_one_subject_is_not_another_s(faulty):
    faulty("--tf-update-baseline")
    faulty("--tf-subject", FAULTY.replace("faulty =", "b =")).assert_outcomes(
        passed=2, xfailed=1, failed=1
    )
