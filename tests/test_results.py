"""Record files: written as they come, read back, torn or foreign ones told apart."""

import json

import pytest

from tf_conv_conformance.results import NotRecords, Recorder, read

PLAN = [
    {"type": "case", "key": "f::x"},
    {"type": "call", "id": "f::x[eager]", "case": "f::x"},
    {"type": "call", "id": "f::x[xla]", "case": "f::x"},
]
SUBJECT = {"type": "subject", "key": "k", "subject": {}, "sentences": {}}


def end(identifier):
    return {"type": "end", "id": identifier, "subject": "k", "verdict": "conforms"}


@pytest.fixture
def recorder(tmp_path):
    return Recorder(tmp_path / "deep" / "results.jsonl", PLAN)


def kinds(recorder):
    return [json.loads(line)["type"] for line in recorder.path.read_text().splitlines()]


def test_each_line_is_on_disk_when_it_is_written(recorder):
    assert kinds(recorder) == ["header", "case", "call", "call"]
    recorder.start("f::x[eager]")
    assert kinds(recorder)[-1] == "start"
    recorder.end(end("f::x[eager]"), SUBJECT)
    assert kinds(recorder)[-2:] == ["subject", "end"]


def test_a_complete_run_reads_back(recorder):
    for identifier in ("f::x[eager]", "f::x[xla]"):
        recorder.start(identifier)
        recorder.end(end(identifier), SUBJECT)
    recorder.close()
    records = read(recorder.path)
    assert records.complete
    assert list(records.subjects) == ["k"], "one subject, one line"
    assert kinds(recorder).count("subject") == 1
    assert records.ends.keys() == records.calls.keys() == records.started


def test_other_tests_of_the_run_leave_no_trace(recorder):
    recorder.start("tests/test_other.py::test")
    recorder.end(end("tests/test_other.py::test"), SUBJECT)
    assert "test_other" not in recorder.path.read_text()


def test_a_run_that_was_killed_is_not_complete(recorder):
    recorder.start("f::x[eager]")
    recorder.end(end("f::x[eager]"), SUBJECT)
    recorder.start("f::x[xla]")
    with recorder.path.open("a") as file:
        file.write('{"type":"end","id":"f::x[x')
    records = read(recorder.path)
    assert not records.complete
    assert records.calls.keys() - records.ends.keys() == {"f::x[xla]"}
    assert "f::x[xla]" in records.started


def test_a_footer_does_not_make_missing_calls_good(recorder):
    recorder.close()
    records = read(recorder.path)
    assert records.footer["ended"] == 0
    assert not records.complete


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "no header"),
        ("nonsense\n{}\n", ":1: not a line of a record file"),
        ('{"type":"header","schema":99}\n', "schema"),
        ('{"type":"header","schema":1}\n{"type":"what"}\n\n', ":2: not a line"),
        ('{"type":"header","schema":1}\n[]\n\n', ":2: not a line"),
    ],
)
def test_what_is_no_record_file_is_said(tmp_path, text, message):
    path = tmp_path / "x.jsonl"
    path.write_text(text)
    with pytest.raises(NotRecords, match=message):
        read(path)


def test_a_missing_file_is_said(tmp_path):
    with pytest.raises(NotRecords, match="cannot be read"):
        read(tmp_path / "none.jsonl")
