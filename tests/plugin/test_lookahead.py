"""Calls that are made ahead of their tests: nothing but their time changes. The subject with faults
starts at once.
"""

import json

import pytest

from support.faulty import fault
from support.faulty_runs import FAULTY, WORKERS, cases, expected
from support.resumed_runs import RECORDS, without_times
from tf_conv_conformance.records.reader import read


@pytest.fixture
def run(pytester):
    pytester.mkdir("cases").joinpath("a.yaml").write_text(
        cases(faults=("crash", "value")), encoding="utf-8"
    )

    def run(*options, apart=False):
        runpytest = pytester.runpytest_subprocess if apart else pytester.runpytest_inprocess
        return runpytest(
            "--tf-timeout=2", "--tf-subject", FAULTY, "-p", "no:cacheprovider", "-q", *options
        )

    return run


@pytest.fixture
def received(pytester, monkeypatch):
    """How many calls the subject has made, by the shape of their input."""
    log = pytester.path / "received"
    monkeypatch.setenv("RECEIVED", str(log))

    def received():
        shapes = [tuple(json.loads(line)) for line in log.read_text().splitlines()]
        return {shape: shapes.count(shape) for shape in shapes}

    return received


def one_at_a_time(pytester):
    """Have nothing sent ahead."""
    pytester.makeconftest(
        "from tf_conv_conformance.plugin import items\nitems.upcoming = lambda item: iter(())"
    )


@pytest.mark.slow
def test_the_records_are_those_of_calls_made_one_at_a_time(run, pytester, received):
    """A call is made once, and one that fails twice."""
    run("cases", "-n2").assert_outcomes(passed=90, failed=2)
    assert len(received()) == 92
    twice = {shape for shape, count in received().items() if count == 2}
    assert twice == {shape for shape in received() if fault(shape) in ("crash", "value")}
    assert max(received().values()) == 2
    ahead = without_times(pytester.path / RECORDS)
    assert {one: end["verdict"] for one, end in read(pytester.path / RECORDS).ends.items()} == {
        line["id"]: expected(line["id"]) for line in ahead if line["type"] == "call"
    }
    run("cases").assert_outcomes(passed=90, failed=2)
    assert without_times(pytester.path / RECORDS) == ahead
    one_at_a_time(pytester)
    run("cases", apart=True).assert_outcomes(passed=90, failed=2)
    assert without_times(pytester.path / RECORDS) == ahead


@pytest.mark.parametrize("workers", WORKERS)
def test_what_is_not_selected_is_not_sent(run, received, workers):
    run("cases", "-k", "input1x3x", workers).assert_outcomes(
        passed=9, deselected=83 if workers == "-n0" else 0
    )
    assert {shape[1] for shape in received()} == {3}


def test_what_is_marked_to_be_skipped_is_not_sent(run, received, pytester):
    pytester.makeconftest(
        """
        import pytest

        def pytest_collection_modifyitems(items):
            for item in items[1::2]:
                item.add_marker(pytest.mark.skip(reason="hangs"))
        """
    )
    run("cases", "-k", "input1x3x").assert_outcomes(passed=5, skipped=4, deselected=83)
    assert len(received()) == 5


def test_a_test_that_is_made_alone_leaves_those_that_were_sent(run, received, pytester):
    pytester.makeconftest(
        """
        import pytest

        def pytest_collection_modifyitems(items):
            for item in items[1::3]:
                item.add_marker(pytest.mark.skipif(False, reason="never"))
        """
    )
    run("cases", "-k", "not 1x9x and not 1x10x").assert_outcomes(passed=70, deselected=22)
    assert set(received().values()) == {1}


def test_an_answer_whose_test_is_not_run_is_no_other_test_s(run, pytester):
    """A hook skips tests when their turn comes, so that their calls have been made."""
    pytester.makeconftest(
        """
        import pytest

        def pytest_runtest_setup(item):
            if item.session.items.index(item) % 3 == 1:
                pytest.skip("not today")
        """
    )
    run("cases").assert_outcomes(passed=60, failed=1, skipped=31)
    ends = read(pytester.path / RECORDS).ends
    assert {one: end["verdict"] for one, end in ends.items()} == {
        one: expected(one) for one in ends
    }


def test_what_a_failure_cuts_off_leaves_no_record(run, pytester):
    run("cases", "-x").assert_outcomes(passed=78, failed=1)
    records = read(pytester.path / RECORDS)
    assert (len(records.ends), records.missing) == (79, 92 - 79)


@pytest.mark.slow
def test_a_time_limit_of_another_plugin_leaves_the_others_their_answers(run, pytester, monkeypatch):
    """The test that pytest-timeout ends has no record; the tests after it are run again."""
    pytest.importorskip("pytest_timeout", reason="is in the extra `test`")
    monkeypatch.setenv(
        "PYTEST_ADDOPTS", "-p no:hypothesispytest -p no:randomly -p no:rerunfailures"
    )
    pytester.path.joinpath("cases/a.yaml").write_text(cases(faults=("hang",)), encoding="utf-8")
    pytester.makeconftest(
        """
        import pytest

        def pytest_collection_modifyitems(items):
            for item in items:
                if "input1x2x7x1" in item.name:
                    item.add_marker(pytest.mark.timeout(0.5, method="signal"))
        """
    )
    run("cases", "--timeout=30", "--tf-timeout=60", apart=True).assert_outcomes(passed=90, failed=1)
    ends = read(pytester.path / RECORDS).ends
    assert {end["verdict"] for end in ends.values()} == {"conforms"}
    assert len(ends) == 90


def test_tests_in_any_order_have_their_own_answers(run, pytester):
    pytester.makeconftest("def pytest_runtestloop(session):\n    session.items.reverse()")
    run("cases").assert_outcomes(passed=90, failed=2)
    one = {
        identifier: end["verdict"] for identifier, end in read(pytester.path / RECORDS).ends.items()
    }
    assert one == {identifier: expected(identifier) for identifier in one}
