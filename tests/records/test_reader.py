"""Record files are written line by line, read back, and refused if they are malformed."""

import json
import re

import pytest

from support.record_files import subject
from tf_conv_conformance.records.reader import LINE_LIMIT, RecordFileError, read
from tf_conv_conformance.records.schema import SCHEMA
from tf_conv_conformance.records.writer import Recorder

ARGUMENTS = {
    "op": "conv2d",
    "input": {"shape": [1, 6, 6, 1], "values": None},
    "filter": {"shape": [2, 2, 1, 1], "values": None},
    "strides": 1,
    "padding": "SAME",
    "dilations": None,
    "data_format": None,
    "dtype": "float32",
    "data": ["small_integers"],
    "filter_dtype": None,
    "via": None,
    "gradient": None,
}
CASE = {
    "type": "case",
    "key": "f::x",
    "file": "f",
    "line": 1,
    "id": "x",
    "yaml": "",
    "notes": None,
    "references": [],
    "problems": None,
    "expect": None,
    "deviations": [],
}
CALL = {
    "type": "call",
    "id": "f::x[eager]",
    "hash": "1",
    "case": "f::x",
    "mode": "eager",
    "relation": None,
    "arguments": ARGUMENTS,
    "rules": [],
    "predicted": {"refuses": None, "shape": [1, 6, 6, 1]},
}
PLAN = [CASE, CALL, CALL | {"id": "f::x[xla]", "hash": "2", "mode": "xla"}]
SUBJECT = subject() | {"key": "k"}
HEADER = {"type": "header", "schema": SCHEMA, "suite": "0", "created": "now"}


def end(identifier):
    return {
        "type": "end",
        "id": identifier,
        "subject": "k",
        "verdict": "conforms",
        "reason": "",
        "rules": [],
        "data": [],
    }


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


FIRST = json.dumps(HEADER) + "\n"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "",
            ": expected a record file, which begins with a header; got a file without a whole line",
        ),
        ("nonsense\n{}\n", ':1: expected a JSON object, got the string "nonsense"'),
        ("\n", ":1: expected a JSON object, got an empty line"),
        (FIRST + "  \n", ":2: expected a JSON object, got an empty line"),
        (
            FIRST + "[" * 100_000 + "\n",
            ":2: expected a JSON object, got one with too many levels of nesting",
        ),
        (b"\x1f\x8b\x08\x00\n", ":1: expected a JSON object, got compressed data"),
        (b"\x00\xff\n", ':1: expected a JSON object, got the string "\\u0000\\\\xff"'),
        (
            '{"a": 1}\n',
            ':1: expected the header of a record file, {"type": "header", …}; got '
            'the object {"a": 1}',
        ),
        ("[]\n", ":1: expected an object with a type, got the list []"),
        ("null\n", ":1: expected an object with a type, got null"),
        (
            json.dumps(CASE) + "\n",
            ':1: expected the header of a record file, {"type": "header", …}; got '
            'the object {"type": "case", ',
        ),
        (
            '{"type":"header"}\n',
            ":1: expected a record file of schema 2 or 3 or 4, got schema null",
        ),
        (
            '{"type":"header","schema":99}\n',
            "got schema 99; a newer version of tf-conv-conformance wrote it",
        ),
        ('{"type":"header","schema":3}\n', ":1: header.suite: expected a value, got nothing"),
        (
            json.dumps(HEADER | {"shard": "3/2"}) + "\n",
            ":1: header.shard: '3/2' is not K/N with K from 1 to N, as in 3/8",
        ),
        (FIRST + '{"type":"what"}\n', ":2: expected a line of type header, case"),
        (FIRST + '{"type":["end"]}\n', ":2: expected a line of type header, case"),
        (FIRST + FIRST, ":2: expected no second header; merge joins record files"),
        (FIRST + "[]\n", ":2: expected an object with a type, got the list []"),
        (
            FIRST.encode() + b'{"type":"start","id":5,"\xff":1}\n',
            ":2: expected a JSON object, got ",
        ),
        (FIRST + '{"type":"start","id":5,"id":{}}\n', ":2: start.id: expected a string, got "),
        (FIRST + '{"type":"start"}\n', ":2: start.id: expected a value, got nothing"),
        (
            FIRST
            + json.dumps({key: value for key, value in CASE.items() if key != "expect"})
            + "\n",
            ":2: case.expect: expected a value, got nothing",
        ),
        (
            FIRST + " " * LINE_LIMIT,
            f":2: expected a line of at most {LINE_LIMIT:,} bytes, got a longer one",
        ),
    ],
)
def test_what_is_no_record_file_is_said(tmp_path, text, message):
    path = tmp_path / "x.jsonl"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    with pytest.raises(RecordFileError) as caught:
        read(path)
    assert str(caught.value).startswith(str(path))
    assert message in str(caught.value)


@pytest.mark.parametrize(
    ("line", "message"),
    [
        (CALL | {"hash": None}, "call.hash: expected a string, got null"),
        (
            CALL | {"case": "f::y"},
            'call.case: expected the key of a case in a line above, got the string "f::y"',
        ),
        (
            CALL | {"arguments": ARGUMENTS | {"strides": {}}},
            "call.arguments.strides: expected an integer or a list, got the object {}",
        ),
        (
            CALL | {"arguments": ARGUMENTS | {"padding": [[0, "1"]]}},
            'call.arguments.padding[0][1]: expected an integer, got the string "1"',
        ),
        (
            CALL | {"predicted": {"shape": [-1], "refuses": None}},
            "call.predicted.shape[0]: expected an integer >= 0, got -1",
        ),
        (
            end("f::x[eager]") | {"verdict": "good"},
            "end.verdict: expected conforms, crashed, deviates, flaky, missing, ",
        ),
        (end("f::y"), 'end.id: expected the id of a call in a line above, got the string "f::y"'),
        (
            end("f::x[eager]"),
            'end.subject: expected the key of a subject in a line above, got the string "k"',
        ),
        (
            end("f::x[eager]") | {"observed": {"shape": [True], "dtype": "half"}},
            "end.observed.shape[0]: expected an integer, got true",
        ),
        (
            end("f::x[eager]")
            | {"data": [{"name": "reals", "seed": 2**32, "input": {}, "filter": {}}]},
            "end.data[0].seed: expected an integer <= 4294967295, got 4294967296",
        ),
        (
            end("f::x[eager]")
            | {"data": [{"name": "reals", "seed": 0, "input": {"odd": True}, "filter": {}}]},
            "end.data[0].input: expected an object with precision, or precision and exponents, "
            "or limit and odd; got the object ",
        ),
        (
            CALL | {"relation": "x"},
            "call.relation: expected again, batch, explicit, grouped, linear, ",
        ),
        (
            end("f::x[eager]") | {"observed": {"ended": "crashed"}},
            "end.observed: expected an object with shape and dtype, or error and "
            "message, or ended and output; got the object ",
        ),
        (end("f::x[eager]") | {"seconds": float("nan")}, "expected a JSON object, got the string "),
    ],
)
def test_a_line_without_what_its_readers_need_is_said(recorder, line, message):
    with recorder.path.open("a") as file:
        file.write(json.dumps(line) + "\n")
    with pytest.raises(RecordFileError, match=re.escape(f"{recorder.path}:5: {message}")):
        read(recorder.path)


@pytest.mark.parametrize(
    ("verdict", "observed", "now"),
    [
        (
            "conforms",
            {"error": "ValueError", "message": "no"},
            ("refused", {"error": "ValueError", "message": "no"}),
        ),
        (
            "crashed",
            {"ended": "crashed", "signal": "SIGFPE"},
            ("crashed", {"ended": "crashed", "signal": "SIGFPE"}),
        ),
        (
            "timed out",
            {"ended": "timed out", "signal": "0.5 s"},
            ("timed out", {"ended": "timed out", "time_limit": 0.5}),
        ),
        (
            "crashed",
            {"ended": "crashed", "signal": "exit status 3"},
            ("suite error", {"ended": "suite error", "exit_status": 3}),
        ),
        (
            "flaky",
            {"ended": "crashed", "signal": "exit status 3"},
            ("flaky", {"ended": "suite error", "exit_status": 3}),
        ),
        (
            "crashed",
            {"ended": "crashed", "signal": "ended for an answer that is none: no JSON"},
            ("suite error", {"ended": "suite error", "protocol_error": "no JSON"}),
        ),
    ],
)
def test_a_file_of_schema_2_is_read_as_one_of_this_version(tmp_path, verdict, observed, now):
    old = end("f::x[eager]") | {"verdict": verdict, "observed": {**observed, "output": ""}}
    records = read(written(tmp_path / "x.jsonl", [HEADER | {"schema": 2}, *PLAN, SUBJECT, old]))
    found = records.ends["f::x[eager]"]
    assert (found["verdict"], found["observed"]) == (now[0], {**now[1], "output": ""})
    assert records.header["schema"] == SCHEMA


def test_every_end_of_a_call_is_kept_and_the_last_counts(recorder):
    for verdict in ("crashed", "conforms"):
        recorder.end(end("f::x[eager]") | {"verdict": verdict}, SUBJECT)
    records = read(recorder.path)
    assert [line["verdict"] for line in records.every_end] == ["crashed", "conforms"]
    assert records.ends["f::x[eager]"]["verdict"] == "conforms"


def test_a_missing_file_is_said(tmp_path):
    with pytest.raises(RecordFileError, match="cannot be read"):
        read(tmp_path / "none.jsonl")


def written(path, lines):
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    return path


def test_lines_are_read_as_they_are(tmp_path):
    calls = [
        CALL | {"id": f"f::x[{number}]", "arguments": ARGUMENTS | {"strides": [1, number % 3]}}
        for number in range(5)
    ]
    distribution = {"precision": 24}
    arm = {"name": "reals", "input": distribution, "filter": distribution, "upstream": None}
    ends = [
        end(call["id"]) | {"seconds": float(number), "data": [{**arm, "seed": number % 2}]}
        for number, call in enumerate(calls)
    ]
    records = read(written(tmp_path / "x.jsonl", [HEADER, CASE, *calls, SUBJECT, *ends]))
    assert list(records.calls.values()) == calls
    assert list(records.ends.values()) == records.every_end == ends


def test_a_last_line_that_was_cut_is_left_out(tmp_path):
    path = written(tmp_path / "x.jsonl", [HEADER, *PLAN])
    with path.open("a") as file:
        file.write('{"type":"start","id":"f::x[eager]"}')
    assert len(read(path).calls) == 2
    assert read(path).started == set()


def test_equal_values_are_one_object_and_numbers_of_other_types_are_not_equal(tmp_path):
    given = [ARGUMENTS | {"input": {"shape": [1], "values": [one]}} for one in (1, 1, 1.0)]
    calls = [CALL | {"id": f"f::x[{number}]", "arguments": one} for number, one in enumerate(given)]
    records = read(written(tmp_path / "x.jsonl", [HEADER, CASE, *calls]))
    first, again, other = (call["arguments"] for call in records.calls.values())
    assert first is again
    assert [type(one["input"]["values"][0]) for one in (first, other)] == [int, float]


def test_nesting_without_end_is_said(tmp_path):
    deep = '{"type":"call","id":"a","case":' + "[" * 3000 + "]" * 3000 + "}"
    with pytest.raises(RecordFileError, match="x.jsonl:2: call.id: |x.jsonl:2: expected "):
        read(written(tmp_path / "x.jsonl", [HEADER, deep]))
