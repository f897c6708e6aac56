"""What is known, new and stale; and that an update touches only what a run has seen."""

import pytest

from tf_conv_conformance.records.baseline import Baseline, BaselineError, read

CALLS = {name: {"hash": f"hash-{name}"} for name in "abcd"}


def end(identifier, verdict="violates", shape=(1, 2), digest="d", error=None):
    observed = (
        {"error": error, "message": "m"} if error else {"shape": list(shape), "dtype": "float32"}
    )
    return {
        "id": identifier,
        "verdict": verdict,
        "reason": "because",
        "observed": observed,
        "digest": digest,
    }


@pytest.fixture
def baseline():
    return Baseline().updated(
        "", CALLS, [end("a"), end("b", "conforms"), end("c", "crashed", error="E", digest=None)]
    )


def test_failing_calls_are_kept_and_are_known_again(baseline):
    assert list(baseline.known[""]) == ["a", "c"]
    assert baseline.knows("", "hash-a", end("a"))


@pytest.mark.parametrize(
    ("content_hash", "now"),
    [
        ("other", end("a")),
        ("hash-a", end("a", "flaky")),
        ("hash-a", end("a", shape=(1, 3))),
        ("hash-a", end("a", digest="e")),
        ("hash-a", end("a", error="ValueError")),
        ("hash-b", end("b")),
    ],
)
def test_another_failure_or_another_call_is_new(baseline, content_hash, now):
    assert not baseline.knows("", content_hash, now)


def test_another_subject_is_not_excused(baseline):
    assert not baseline.knows("tf2.12", "hash-a", end("a"))


def test_stale_entries_are_named_with_the_reason(baseline):
    edited = {**CALLS, "c": {"hash": "new"}}
    ends = {"a": end("a", "conforms"), "c": end("c", "crashed", error="E", digest=None)}
    assert baseline.stale("", edited, ends) == [
        ("a", "was violates, is conforms now"),
        ("c", "the case was edited"),
    ]
    assert baseline.stale("", CALLS, {"a": end("a")}) == []
    assert baseline.stale("", CALLS, {"a": end("a", "missing")}) == []


def test_an_update_keeps_what_the_run_did_not_make(baseline):
    updated = baseline.updated("", CALLS, [end("a", "conforms"), end("d"), end("b", "missing")])
    assert list(updated.known[""]) == ["c", "d"]
    other = updated.updated("tf2.12", CALLS, [end("a")])
    assert {name: list(ids) for name, ids in other.known.items()} == {
        "": ["c", "d"],
        "tf2.12": ["a"],
    }


def test_it_is_read_as_it_was_written_a_line_an_entry(baseline, tmp_path):
    path = tmp_path / "baseline.json"
    path.write_text(baseline.text(), encoding="utf-8")
    assert read(path) == baseline
    assert len(baseline.text().splitlines()) == 6
    path.write_text(Baseline().text(), encoding="utf-8")
    assert read(path) == Baseline()


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        "{}",
        '{"schema": 2, "known": {}}',
        '{"schema": 1, "known": []}',
        '{"schema": 1, "known": {"": {"a": {}}}}',
        "[" * 100_000,
    ],
)
def test_what_is_no_baseline_is_refused(tmp_path, text):
    path = tmp_path / "baseline.json"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(BaselineError, match=r"baseline\.json: is not"):
        read(path)
    with pytest.raises(BaselineError, match="cannot be read"):
        read(tmp_path / "none.json")
