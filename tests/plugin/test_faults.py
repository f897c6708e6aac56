"""A subject that crashes, hangs and talks nonsense: every call has one record with the right
verdict, and the run goes on.
"""

from collections import Counter

import pytest

from support.faulty import FAULTS, fault
from support.faulty_runs import (
    FAULTY,
    WORKERS,
    cases,
    expected,
    marked,
    shape_in,
    workers_of,
    write_many_calls,
)
from tf_conv_conformance.records.reader import read


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
    ends = {
        wrong: end
        for identifier, end in records.ends.items()
        if (wrong := fault(shape_in(identifier)))
    }
    assert set(ends) == set(FAULTS)
    assert ends["crash"]["observed"] == {"ended": "crashed", "signal": "SIGSEGV", "output": ""}
    assert ends["exit"]["observed"] == {"ended": "suite error", "exit_status": 3, "output": ""}
    assert (
        ends["exit"]["reason"]
        == "not a verdict on TensorFlow: the process ended with exit status 3"
    )
    assert ends["hang"]["observed"] == {"ended": "timed out", "time_limit": 1.0, "output": ""}
    assert ends["garbage"]["reason"].startswith("not a verdict on TensorFlow: protocol error: ")
    assert (
        "expected an array of float32 of shape [1, 2, 3]"
        in ends["shape"]["observed"]["protocol_error"]
    )
    assert "got float64" in ends["dtype"]["observed"]["protocol_error"]
    assert "more than 4294967296 bytes" in ends["huge"]["observed"]["protocol_error"]
    assert "does not have the 2 arms" in ends["arms"]["observed"]["protocol_error"]
    assert ends["value"]["difference"].endswith("as predicted (wide integers)")


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
