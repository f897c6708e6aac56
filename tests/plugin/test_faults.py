"""A subject that crashes, hangs and talks nonsense: every call has one record with the right
verdict, and the run goes on.
"""

from collections import Counter

import pytest

from support.faulty import FAULTS, fault
from support.faulty_runs import FAULTY, cases, expected, marked, shape_in, workers_of
from tf_conv_conformance.records.reader import read


def check_records(pytester, count):
    """Each call has one record with the right verdict, and each fault is described."""
    records = read(pytester.path / "reports/results-faulty.jsonl")
    assert records.complete
    assert len(records.calls) == len(records.every_end) == len(records.ends) == count
    verdicts = {identifier: end["verdict"] for identifier, end in records.ends.items()}
    assert Counter(verdicts.values()) == Counter(map(expected, records.calls))
    assert [one for one, verdict in verdicts.items() if verdict != expected(one)] == []
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
def test_each_fault_costs_its_own_call(pytester):
    pytester.mkdir("cases").joinpath("a.yaml").write_text(cases(), encoding="utf-8")
    result = pytester.runpytest_inprocess("cases", "--tf-timeout=1", "--tf-subject", FAULTY, "-n0")
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    check_records(pytester, 100)


@pytest.mark.slow
def test_a_thousand_calls_with_one_fault_in_a_hundred(pytester):
    text = cases(batches=range(1, 12))
    pytester.mkdir("cases").joinpath("a.yaml").write_text(text, encoding="utf-8")
    subject = marked(pytester.path)
    result = pytester.runpytest_subprocess(
        "cases", "--tf-timeout=1", "--tf-subject", subject, "-n2", "-q", "--tb=no"
    )
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    check_records(pytester, 1_100)
    assert workers_of(pytester.path) == []
