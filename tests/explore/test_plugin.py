"""``--tf-explore`` in pytest: ids, options, files and resuming, on a faulty subject that needs no
TensorFlow.
"""

import json
import subprocess
import sys

import pytest

import tf_conv_conformance.explore.collection  # noqa: F401  or each run imports it again
from support.faulty_runs import FAULTY, cases
from support.performing import perform_all
from tf_conv_conformance.casefile.loading import load
from tf_conv_conformance.records.reader import read

FOUND = "reports/found"


@pytest.fixture
def explore(pytester):
    def run(*options, subject=("--tf-subject", FAULTY)):
        return pytester.runpytest_inprocess(
            "--tf-timeout=3", *subject, "-p", "no:cacheprovider", *options
        )

    return run


def lines(pytester):
    return [
        json.loads(line)
        for line in pytester.path.joinpath(FOUND, "explored.jsonl").read_text().splitlines()
    ]


def test_each_block_of_250_calls_is_a_test(explore, pytester):
    pytester.makepyfile("def test_other(): pass")
    result = explore(
        "--tf-explore", "600", "--tf-explore-seed", "7", "--collect-only", "-q", subject=()
    )
    assert [line for line in result.outlines if "::" in line] == [
        "explore::seed7[calls1-250]",
        "explore::seed7[calls251-500]",
        "explore::seed7[calls501-600]",
    ]
    result.stdout.fnmatch_lines(["3 tests collected in *"])
    assert not pytester.path.joinpath("reports").exists()


def test_paths_on_the_command_line_are_also_collected(explore, pytester):
    pytester.makepyfile(test_other="def test_other(): pass")
    result = explore("--tf-explore", "1", "test_other.py", "--collect-only", "-q", subject=())
    assert [line for line in result.outlines if "::" in line] == [
        "test_other.py::test_other",
        "explore::seed0[calls1-1]",
    ]


def test_a_block_runs_by_its_pasted_id(explore):
    result = explore("explore::seed7[calls251-260]", "--collect-only", "-q", subject=())
    assert [line for line in result.outlines if "::" in line] == ["explore::seed7[calls251-260]"]
    result = explore("explore::seed7[what]", "--collect-only", subject=())
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(
        ["*explore::seed7?what?: is not the id of a block; write it as explore::seed7?calls1-250?"]
    )


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--tf-explore", "0"], "--tf-explore: must be at least 1"),
        (
            ["--tf-explore", "5", "--tf-explore-minutes", "0"],
            "--tf-explore-minutes: must be above 0 minutes",
        ),
        (["--tf-explore-seed", "0"], "--tf-explore-seed: needs --tf-explore CALLS"),
        (["--tf-explore-minutes", "1"], "--tf-explore-minutes: needs --tf-explore CALLS"),
    ],
)
def test_invalid_numbers_and_combinations_of_options_are_refused(explore, options, message):
    result = explore(*options)
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines([f"*{message}"])


@pytest.mark.slow
def test_without_the_plugin_there_is_no_exploring(pytester):
    """``-p no:tf_conv_conformance`` disables both plugins."""
    without = ("-p", "no:tf_conv_conformance")
    result = pytester.runpytest_subprocess(*without, "--tf-explore=3")
    result.stderr.fnmatch_lines(["*unrecognized arguments: --tf-explore=3"])
    result = pytester.runpytest_subprocess(*without, "explore::seed0[calls1-250]")
    assert "INTERNALERROR" not in result.stdout.str()
    result.stderr.fnmatch_lines(["ERROR: file or directory not found: explore::seed0*"])
    assert "--tf-" not in pytester.runpytest_subprocess(*without, "--help").stdout.str()


def test_causes_are_written_as_valid_case_files(explore, pytester):
    result = explore("--tf-explore", "8", "--tf-explore-seed", "3", "--tf-modes", "eager")
    result.assert_outcomes(failed=1)
    (line,) = lines(pytester)
    assert sum(line["kinds"].values()) == 8
    assert sum(line["codes"].values()) == 8 - line["kinds"].get("spared", 0)
    assert sum(line["causes"].values()) == line["kinds"]["new"] > 0
    files = sorted(pytester.path.joinpath(FOUND).glob("*.yaml"))
    assert {path.stem.rpartition("-")[2] for path in files} == set(line["causes"])
    for path in files:
        loaded = load(path)
        assert loaded.diagnostics == ()
        assert [call.mode for call in loaded.calls] == ["eager"]
        compile(path.with_suffix(".py").read_text(), path.stem, "exec")
        result.stdout.fnmatch_lines([f"*{path}*"])
    coverage = json.loads(pytester.path.joinpath(FOUND, "coverage.json").read_text())
    counts = coverage["classes"]["mode"]
    assert counts.pop("eager") == coverage["calls"]
    assert set(counts.values()) == {0}
    assert not pytester.path.joinpath("reports/results.jsonl").exists()


@pytest.mark.slow
def test_an_interrupted_run_is_resumed_and_still_fails(explore, pytester):
    explore("--tf-explore", "4", "--tf-modes", "eager").assert_outcomes(failed=1)
    first = lines(pytester)
    path = pytester.path / FOUND / "explored.jsonl"
    path.write_text(path.read_text() + '{"seed": 0, "cut')
    result = explore("--tf-explore", "4", "--tf-modes", "eager", "--tf-resume")
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    result.assert_outcomes()
    assert lines(pytester) == first
    explore(
        "--tf-explore", "4", "--tf-explore-seed", "1", "--tf-modes", "eager", "--tf-resume"
    ).assert_outcomes(failed=1)
    assert [line["seed"] for line in lines(pytester)] == [0, 1]


@pytest.mark.slow
def test_workers_share_the_blocks_and_the_files(explore, pytester):
    result = explore(
        "--tf-explore", "260", "--tf-explore-minutes", "0.000001", "--tf-modes", "eager", "-n1"
    )
    result.assert_outcomes(skipped=2)
    result.stdout.fnmatch_lines(
        ["blocks not run: 2; the time of --tf-explore-minutes was up, and --tf-resume runs them"]
    )
    assert not pytester.path.joinpath("reports").exists(), "no call was made"
    explore(
        "explore::seed0[calls1-2]", "explore::seed0[calls251-252]", "--tf-modes", "eager", "-n2"
    )
    assert sorted(line["number"] for line in lines(pytester)) == [0, 1]


def test_exploring_adds_nothing_to_the_records_of_case_files(explore, pytester):
    pytester.mkdir("cases").joinpath("a.yaml").write_text(cases(faults=()), encoding="utf-8")
    result = explore("cases", "--tf-explore", "2", "--tf-modes", "eager")
    result.stdout.fnmatch_lines(
        ["*90 calls: 90 conforms*", "*exploration of TensorFlow's convolutions*"]
    )
    records = read(pytester.path / "reports/results-faulty.jsonl")
    assert records.complete
    assert len(records.ends) == 90
    assert len(lines(pytester)) == 1


@pytest.mark.tensorflow
def test_a_checkout_of_this_project_explores_too(repository, tmp_path):
    """Its tests keep TensorFlow from those that do not need it, but not from random calls."""
    command = [sys.executable, "-m", "pytest", "--tf-explore=1", "--tf-modes=eager"]
    options = [f"--tf-reports={tmp_path}", "-p", "no:cacheprovider"]
    done = subprocess.run([*command, *options], cwd=repository, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout
    assert "1 passed" in done.stdout


def test_a_cause_found_in_tensorflow_passes_as_a_case(pytester, tensorflow):
    result = pytester.runpytest_subprocess(
        "--tf-explore",
        "40",
        "--tf-explore-seed",
        "1",
        "--tf-modes",
        "eager,graph",
        "--tf-timeout",
        "20",
    )
    (line,) = lines(pytester)
    assert line["kinds"]["conforms"] > 5
    assert line["kinds"]["known"] > 0
    assert "unjudged" not in line["kinds"]
    result.stdout.fnmatch_lines(["*coverage of the argument space*"])
    files = list(pytester.path.joinpath(FOUND).glob("*.yaml"))
    assert len(files) == len(line["causes"])
    for path in files:
        assert "this case passes" in path.read_text()
        loaded = load(path)
        assert not loaded.diagnostics
        performed = perform_all(loaded.calls, tensorflow)
        assert not any(one.verdict.failing for one in performed), path.read_text()
