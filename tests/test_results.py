"""Record files: written as they come, read back, torn or foreign ones told apart."""

import json
import re

import pytest

from tf_conv_conformance.recorder import Recorder
from tf_conv_conformance.results import BATCH, SCHEMA, NotRecords, read

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


def many(count):
    """A header, a case, and this many calls with their ends."""
    calls = [PLAN[1] | {"id": f"f::x[{number}]", "arguments": {"shape": [1, number % 3], "of": {"limit": 4}}} for number in range(count)]
    ends = [end(call["id"]) | {"seconds": float(number), "data": [{"seed": number % 7}]} for number, call in enumerate(calls)]
    return [{"type": "header", "schema": SCHEMA}, PLAN[0], *calls, SUBJECT, *ends]


def written(path, lines):
    path.write_text("".join((line if isinstance(line, str) else json.dumps(line)) + "\n" for line in lines))
    return path


@pytest.mark.parametrize("count", [BATCH - 2, BATCH, 3 * BATCH + 1])
def test_many_lines_are_read_as_each_line_says(tmp_path, count):
    lines = many(count)
    records = read(written(tmp_path / "x.jsonl", lines))
    assert list(records.calls.values()) == lines[2 : 2 + count]
    assert list(records.ends.values()) == records.every_end == lines[3 + count :]


@pytest.mark.parametrize("wrong", ["nonsense", "{},{}", '{"type":"end"', "[]", '{"type":["end"]}', "", '"' + "[" * 5])
@pytest.mark.parametrize("place", [4, BATCH - 1, BATCH, 2 * BATCH + 3])
def test_the_wrong_one_of_many_lines_is_named(tmp_path, wrong, place):
    lines = many(2 * BATCH)
    lines.insert(place, wrong)
    with pytest.raises(NotRecords, match=f"x.jsonl:{place + 1}: not a line of a record file"):
        read(written(tmp_path / "x.jsonl", lines))


@pytest.mark.parametrize("count", [BATCH - 4, BATCH - 3, BATCH - 2])  # the cut line is last of a batch, or alone in one
def test_a_line_that_was_cut_is_left_out_wherever_it_stands(tmp_path, count):
    path = written(tmp_path / "x.jsonl", many(count)[: count + 2])
    with path.open("a") as file:
        file.write('{"type":"start","id":"f::x[0]"}')
    assert len(read(path).calls) == count
    assert read(path).started == set()


def test_equal_values_are_one_object_and_numbers_of_other_types_are_not_equal(tmp_path):
    same, other, third = ({"shape": [1, one], "values": None} for one in (1, 1.0, True))
    calls = [PLAN[1] | {"id": f"f::x[{number}]", "arguments": given} for number, given in enumerate((same, dict(same), other, third))]
    records = read(written(tmp_path / "x.jsonl", [{"type": "header", "schema": SCHEMA}, PLAN[0], *calls]))
    first, again, *others = (call["arguments"] for call in records.calls.values())
    assert first is again
    assert [type(given["shape"][1]) for given in (first, *others)] == [int, float, bool]


def test_nesting_without_end_is_said(tmp_path):
    deep = '{"type":"call","id":"a","case":' + "[" * 3000 + "]" * 3000 + "}"
    with pytest.raises(NotRecords, match="x.jsonl:2: not a line of a record file"):
        read(written(tmp_path / "x.jsonl", [{"type": "header", "schema": SCHEMA}, deep]))


def test_a_finished_file_is_in_the_order_of_its_plan_whatever_its_lines_begin_with(recorder):
    for identifier in ("f::x[xla]", "f::x[eager]"):
        recorder.start(identifier)
        recorder.end({"id": identifier, "subject": "k"} | end(identifier), SUBJECT)
    recorder.close()
    told = [json.loads(line) for line in recorder.path.read_text().splitlines()]
    assert [line["type"] for line in told] == ["header", "case", "call", "call", "subject", "start", "end", "start", "end", "footer"]
    assert [line["id"] for line in told[5:9]] == ["f::x[eager]", "f::x[eager]", "f::x[xla]", "f::x[xla]"]
    assert [path.name for path in recorder.path.parent.iterdir()] == ["results.jsonl"]


def test_ids_with_quotes_and_backslashes_settle(tmp_path):
    names = ['f::"\\', 'f::\\"', "f::é"]
    recorder = Recorder(tmp_path / "x.jsonl", [PLAN[0], *(PLAN[1] | {"id": name} for name in names)])
    for name in reversed(names):
        recorder.end(end(name), SUBJECT)
    recorder.close()
    assert list(read(recorder.path).ends) == names
