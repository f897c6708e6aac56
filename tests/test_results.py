"""Record files: written as they come, read back, torn or foreign ones told apart."""

import json
import re

import pytest

from tf_conv_conformance.results import NotRecords, Recorder, read

PLAN = [
    {"type": "case", "key": "f::x", "file": "f", "line": 1, "deviations": []},
    {"type": "call", "id": "f::x[eager]", "hash": "1", "case": "f::x", "arguments": {}, "predicted": {}},
    {"type": "call", "id": "f::x[xla]", "hash": "2", "case": "f::x", "arguments": {}, "predicted": {}},
]
SUBJECT = {"type": "subject", "key": "k", "subject": {}, "sentences": {}}


def end(identifier):
    return {"type": "end", "id": identifier, "subject": "k", "verdict": "conforms", "reason": "", "rules": [], "data": []}


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


@pytest.mark.parametrize(
    ("line", "lacking"),
    [
        (PLAN[1] | {"hash": None}, "a line of type 'call' lacks 'hash'"),
        (PLAN[1] | {"case": "f::y"}, "the call 'f::x[eager]' is of a case that the file lacks"),
        (end("f::x[eager]") | {"verdict": None}, "a line of type 'end' lacks 'verdict'"),
    ],
)
def test_a_line_without_what_its_readers_need_is_said(recorder, line, lacking):
    with recorder.path.open("a") as file:
        file.write(json.dumps({name: given for name, given in line.items() if given is not None}) + "\n")
    with pytest.raises(NotRecords, match=re.escape(lacking)):
        read(recorder.path)


def test_every_end_of_a_call_is_kept_and_the_last_counts(recorder):
    for verdict in ("crashed", "conforms"):
        recorder.end(end("f::x[eager]") | {"verdict": verdict}, SUBJECT)
    records = read(recorder.path)
    assert [line["verdict"] for line in records.every_end] == ["crashed", "conforms"]
    assert records.ends["f::x[eager]"]["verdict"] == "conforms"


def test_a_missing_file_is_said(tmp_path):
    with pytest.raises(NotRecords, match="cannot be read"):
        read(tmp_path / "none.jsonl")
