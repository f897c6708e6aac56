"""Runs that are cut and go on, and that leave the same lines whatever the order.

The subject is the one with faults: it starts at once.
"""

import signal
import subprocess
import sys
import time

import pytest

from support.faulty_runs import FAULTY, cases, expected, marked, workers_of
from support.resumed_runs import RECORDS, cut, without_times
from tf_conv_conformance.records.reader import read


@pytest.fixture
def run(pytester):
    for name in ("a", "b"):
        (pytester.path / "cases").mkdir(exist_ok=True)
        (pytester.path / f"cases/{name}.yaml").write_text(
            cases(name=name, faults=("exit", "value")), encoding="utf-8"
        )

    def run(*options):
        return pytester.runpytest_inprocess(
            "--tf-timeout=2",
            "--tf-subject",
            FAULTY,
            "-p",
            "no:cacheprovider",
            "-q",
            "--tb=no",
            *options,
        )

    return run


@pytest.mark.slow
def test_the_same_calls_leave_the_same_lines(run, pytester):
    """Test_lookahead.py has those of two workers."""
    run("cases")
    first = without_times(pytester.path / RECORDS)
    run("cases/b.yaml", "cases/a.yaml")
    assert without_times(pytester.path / RECORDS) == first


@pytest.mark.slow
def test_a_run_that_was_cut_goes_on(run, pytester):
    run("cases")
    whole = without_times(pytester.path / RECORDS)
    cut(pytester.path / RECORDS, 120)
    assert len(read(pytester.path / RECORDS).ends) == 120
    result = run("cases", "--tf-resume", "-n2")
    result.stdout.fnmatch_lines(
        ["64 calls: *", "resumed: 120 calls had results already, some of them failures"]
    )
    assert read(pytester.path / RECORDS).complete
    ends = [line for line in without_times(pytester.path / RECORDS) if line["type"] == "end"]
    assert ends == [line for line in whole if line["type"] == "end"]
    assert result.ret == pytest.ExitCode.TESTS_FAILED


def test_a_complete_run_is_resumed_without_a_call(run, pytester):
    text = (
        (pytester.path / "cases/a.yaml")
        .read_text(encoding="utf-8")
        .replace("[1, 1, 7, 1]", "[1, 1, 9, 2]")
        .split("sweep")[0]
    )
    for name in "ab":
        (pytester.path / f"cases/{name}.yaml").write_text(
            text + "input: [1, 2, 3, 1]}\n", encoding="utf-8"
        )
    assert run("cases").ret == pytest.ExitCode.OK
    again = run("cases", "--tf-resume")
    assert again.ret == pytest.ExitCode.OK
    assert read(pytester.path / RECORDS).complete
    assert len(read(pytester.path / RECORDS).ends) == 2


def test_a_resumed_run_fails_if_all_calls_are_made_and_some_failed(run, pytester):
    for name in "ab":
        (pytester.path / f"cases/{name}.yaml").write_text(
            cases(name=name, faults=("value",)),
            encoding="utf-8",
        )
    assert run("cases").ret == pytest.ExitCode.TESTS_FAILED
    again = run("cases", "--tf-resume")
    assert again.ret == pytest.ExitCode.TESTS_FAILED
    again.stdout.fnmatch_lines(["resumed: * calls had results already, some of them failures"])


@pytest.mark.slow
def test_an_edited_case_is_made_again(run, pytester):
    run("cases")
    path = pytester.path / "cases/b.yaml"
    path.write_text(
        path.read_text(encoding="utf-8").replace("padding: VALID", "padding: SAME"),
        encoding="utf-8",
    )
    run("cases", "--tf-resume").stdout.fnmatch_lines(["92 calls: *", "resumed: 92 calls *"])


def test_what_cannot_be_resumed_is_a_usage_error(run, pytester):
    result = run("cases", "--tf-resume")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["ERROR: --tf-resume: *results-faulty.jsonl: cannot be read*"])


def heeding():
    """Of a job in the background a shell ignores Ctrl-C, and so would the run."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


@pytest.mark.slow
@pytest.mark.parametrize(("how", "workers"), [(signal.SIGKILL, "-n2"), (signal.SIGINT, "-n0")])
def test_a_run_that_is_killed_loses_the_calls_in_flight_alone(run, pytester, how, workers):
    late = cases(
        name="b", faults=("exit", "value", "hang")
    )  # there is time to kill it: a call in the middle hangs
    (pytester.path / "cases/b.yaml").write_text(late, encoding="utf-8")
    command = [
        sys.executable,
        "-m",
        "pytest",
        "cases",
        "--tf-timeout=20",
        "--tf-subject",
        marked(pytester.path),
        "-q",
        "-p",
        "no:cacheprovider",
        workers,
    ]
    process = subprocess.Popen(
        command,
        cwd=pytester.path,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        preexec_fn=heeding,
    )
    path = pytester.path / RECORDS
    deadline = time.monotonic() + 60
    begun = False
    while not begun and time.monotonic() < deadline:
        assert process.poll() is None, "it was to be killed before its end"
        begun = (
            path.exists()
            and path.read_bytes().count(b'"type":"end"') >= 40
            and workers_of(pytester.path) != []
        )
    process.send_signal(how)
    process.wait(timeout=60)
    records = read(path)
    assert 40 <= len(records.ends) < 185
    assert not records.complete
    assert len(records.started - records.ends.keys()) <= (2 if workers == "-n2" else 1), (
        "those in flight"
    )
    assert all(end["verdict"] == expected(identifier) for identifier, end in records.ends.items())
    if how is signal.SIGINT:
        assert "This run is partial" in (pytester.path / "reports/index.html").read_text(
            encoding="utf-8"
        ).replace("faulty is", "This run is")
    while workers_of(pytester.path) and time.monotonic() < deadline:
        pass  # they end when their pipes do
    assert workers_of(pytester.path) == []
    run("cases", "--tf-resume")
    assert read(path).complete
