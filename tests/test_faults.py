"""A subject that crashes, hangs and talks nonsense: every call has one record with the right verdict, and the run goes on."""

import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest
from faulty import FAULTS, fault

from tf_conv_conformance.results import read

FAULTY = f"faulty = {sys.executable} {Path(__file__).parent / 'faulty.py'}"
WORKERS = [
    "-n0",
    pytest.param("-n2", marks=pytest.mark.slow),
]  # three processes start, where -n0 starts at most one
KINDS = {
    "hang": "timed out",
    "value": "violates",
    "flood": "conforms",
    "crash": "crashed",
}  # of the others the suite has no answer


def cases(batches=(1,), name="one", faults=FAULTS):
    """A hundred calls for each batch size, of all heights and widths up to ten, without those of other faults."""
    shapes = [
        [batch, height, width, 1]
        for batch in batches
        for height in range(1, 11)
        for width in range(1, 11)
    ]
    inputs = ", ".join(str(shape) for shape in shapes if fault(shape) in (None, *faults))
    return f"""
cases:
  - {{id: {name}, op: conv2d, filter: [1, 1, 1, 1], strides: 1, padding: VALID, modes: eager, sweep: {{input: [{inputs}]}}}}
"""


def write_many_calls(folder, files=10, hangs=2):
    """Write files of some thousand calls each, one in a hundred with a fault."""
    for number in range(files):
        faults = [
            fault for fault in FAULTS if fault != "hang" or number < hangs
        ]  # each waits for the time limit
        folder.joinpath(f"{number}.yaml").write_text(
            cases(range(1, 12), f"file{number}", faults), encoding="utf-8"
        )


def shape_in(identifier):
    return [int(size) for size in identifier.partition("input")[2].partition("-")[0].split("x")]


def expected(identifier):
    wrong = fault(shape_in(identifier))
    return "conforms" if wrong is None else KINDS.get(wrong, "suite error")


def marked(folder):
    """The faulty subject, its processes marked with a folder in their environment."""
    return FAULTY.replace("faulty = ", f"faulty = FOLDER={folder} ")


def workers_of(folder):
    """The processes of the faulty subject that were marked with a folder and still run."""
    listed = subprocess.run(
        ["ps", "-eo", "pid,args", "-ww"], capture_output=True, text=True, check=True
    ).stdout.splitlines()
    return [
        int(line.split()[0])
        for line in listed
        if "faulty.py" in line and str(folder) in line and "-c import os" in line
    ]


@pytest.mark.parametrize("workers", WORKERS)
@pytest.mark.slow
def test_each_fault_costs_its_own_call(pytester, workers):
    pytester.mkdir("cases").joinpath("a.yaml").write_text(cases(), encoding="utf-8")
    result = pytester.runpytest_inprocess(
        "cases", "--tf-timeout=1", "--tf-subject", FAULTY, workers
    )
    records = read(pytester.path / "reports/results-faulty.jsonl")
    assert records.complete
    assert {identifier: end["verdict"] for identifier, end in records.ends.items()} == {
        identifier: expected(identifier) for identifier in records.calls
    }
    assert len(records.every_end) == len(records.calls)
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    told = {
        wrong: end
        for identifier, end in records.ends.items()
        if (wrong := fault(shape_in(identifier)))
    }
    assert set(told) == set(FAULTS)
    assert told["crash"]["observed"] == {"ended": "crashed", "signal": "SIGSEGV", "output": ""}
    assert told["exit"]["observed"] == {"ended": "suite error", "exit_status": 3, "output": ""}
    assert (
        told["exit"]["reason"]
        == "not a verdict on TensorFlow: the process ended with exit status 3"
    )
    assert told["hang"]["observed"] == {"ended": "timed out", "time_limit": 1.0, "output": ""}
    assert told["garbage"]["reason"].startswith("not a verdict on TensorFlow: protocol error: ")
    assert (
        "was said to be float32 of shape [1, 2, 3]" in told["shape"]["observed"]["protocol_error"]
    )
    assert "an array is float64" in told["dtype"]["observed"]["protocol_error"]
    assert "more than 2147483647 bytes" in told["huge"]["observed"]["protocol_error"]
    assert "has not the 2 arms" in told["arms"]["observed"]["protocol_error"]
    assert told["value"]["difference"].endswith("as predicted (wide integers)")


@pytest.mark.slow
def test_thousands_of_calls_with_one_fault_in_a_hundred(pytester):
    write_many_calls(pytester.mkdir("cases"), files=3, hangs=1)
    result = pytester.runpytest_subprocess(
        "cases",
        "--tf-timeout=1",
        "--tf-subject",
        marked(pytester.path),
        "-n2",
        "-q",
        "--tb=no",
        "-p",
        "no:cacheprovider",
    )
    records = read(pytester.path / "reports/results-faulty.jsonl")
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    assert len(records.calls) == len(records.every_end) == len(records.ends) == 3_298
    assert Counter(end["verdict"] for end in records.ends.values()) == Counter(
        map(expected, records.calls)
    )
    assert [
        identifier
        for identifier, end in records.ends.items()
        if end["verdict"] != expected(identifier)
    ] == []
    assert workers_of(pytester.path) == []
