"""The page: totals, matrix, rules, and every text from a record as text."""

import base64
import gzip
import json
import re
from collections import Counter
from html.parser import HTMLParser

import pytest

from support.observations import end_call
from support.page_records import HOSTILE, SUBJECT, converted, excluding, known
from support.record_files import error, run, single
from tf_conv_conformance.casefile.loading import load_text
from tf_conv_conformance.cli.main import main
from tf_conv_conformance.convolution.names import MODES
from tf_conv_conformance.prediction.predict import predict
from tf_conv_conformance.records import lines
from tf_conv_conformance.records.merge import Column
from tf_conv_conformance.records.reader import Records, read
from tf_conv_conformance.records.writer import Recorder
from tf_conv_conformance.report import overview
from tf_conv_conformance.report.agreement import MODELS, OTHER
from tf_conv_conformance.report.calls import call_rows
from tf_conv_conformance.report.matrix import LOOKS, matrices
from tf_conv_conformance.report.modes import by_operator, mode_rows, verdicts
from tf_conv_conformance.report.multiples import rows as multiples
from tf_conv_conformance.report.page import ranges, render
from tf_conv_conformance.report.payload import HEADINGS, chunks
from tf_conv_conformance.report.refusals import refusal_lines
from tf_conv_conformance.report.statements import statements
from tf_conv_conformance.report.versions import differing_facts
from tf_conv_conformance.subject.observation import Answer, Observation
from tf_conv_conformance.verdict.judge import judge
from tf_conv_conformance.verdict.kinds import KINDS

SWEEP = """
cases:
  - id: x
    op: depthwise_conv2d
    input: [1, 12, 12, 2]
    filter: [2, 2, 2, 1]
    padding: SAME
    modes: eager
    sweep: {strides: [1, 2, 4], rate: [1, 2, [1, 3]]}
    notes: %s
    deviations:
      - {rule: depthwise.unit-strides-when-atrous, observed: {model: phase_strided}, reported: "https://example.org/%s"}
"""


@pytest.fixture
def column(tmp_path, calls):
    """A run in which TensorFlow did what the phase-strided model says, but for the last call, which
    has no end.
    """
    from support.observations import returned

    planned = [
        (f"{HOSTILE}/f.yaml::{name}", "f.yaml", call)
        for name, call in calls(SWEEP % (json.dumps(HOSTILE), "1")).items()
    ]
    recorder = Recorder(tmp_path / "results.jsonl", lines.plan(planned))
    subject = lines.subject_line(
        SUBJECT, {"tf.nn.depthwise_conv2d": f"Given a 4D input tensor {HOSTILE}"}
    )
    for identifier, _, call in planned[:-1]:
        recorder.start(identifier)
        observation = returned(call, "phase_strided" if call.deviations else "documented")
        end_call(recorder, identifier, call, observation, subject)
    recorder.start(planned[-1][0])
    recorder.close()
    return single("results.jsonl", read(recorder.path))


class Elements(HTMLParser):
    """The tags of a page, and the text of each script."""

    def __init__(self, text):
        super().__init__()
        self.tags, self.handlers, self.visible = [], [], []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.handlers += [name for name, _ in attrs if name.startswith("on")]

    def handle_data(self, data):
        self.visible.append(data)


def unpacked(page, pattern):
    return [
        json.loads(gzip.decompress(base64.b64decode(packed)))
        for packed in re.findall(pattern + ">([^<]*)<", page)
    ]


def test_verdicts_are_counted_and_the_missing_call_is_charged(column):
    shown = call_rows([column])
    assert {verdict: count for verdict, count, _ in overview.totals(shown)} == {
        "missing": 1,
        "deviates": 3,
        "conforms": 5,
    }
    assert overview.outcome(shown) == (
        "5 of 9 calls return what TensorFlow documents; 3 deviate as declared; needs "
        "attention: 1 missing."
    )
    assert [call.end["reason"] for call in overview.new_failures(shown)] == [
        "the run ended while it was made"
    ]
    assert "This run is partial" in render([column])


FAILING = """
cases:
  - {id: x, op: conv2d, input: [1, 6, 6, 1], filter: [2, 2, 1, 1], strides: 1, padding: SAME}
  - {id: y, op: conv2d, input: [1, 7, 6, 1], filter: [2, 2, 1, 1], strides: 1, padding: SAME}
"""


def test_modes_that_fail_alike_need_attention_in_one_entry(tmp_path, calls):
    from support.observations import raised, returned

    planned = [(f"f.yaml::{name}", "f.yaml", call) for name, call in calls(FAILING).items()]
    recorder = Recorder(tmp_path / "results.jsonl", lines.plan(planned))
    subject = lines.subject_line(SUBJECT, {})
    for identifier, _, call in planned:
        fails = call.case.id == "x" or call.mode == "xla"
        end_call(recorder, identifier, call, raised() if fails else returned(call), subject)
    recorder.close()
    page = render([single("results.jsonl", read(recorder.path))])
    entries = re.search('<ul class="failing">(.*?)</ul>', page, re.DOTALL)[1].split("<li>")[1:]
    texts = [re.sub("<[^>]*>", "", entry.partition("<small>")[0]) for entry in entries]
    assert texts == ["f.yaml::x[eager], graph, xla", "f.yaml::y[xla]"]
    assert [entry.count('href="#f.yaml%3A%3A') for entry in entries] == [3, 1]


REFUSING = """
defaults: {op: conv2d, input: [1, 6, 6, 1], filter: [2, 2, 1, 1], padding: SAME, modes: eager}
cases:
  - {id: x, sweep: {strides: [1, 0]}}
  - {id: y, strides: 0}
  - {id: z, strides: 1, expect: {error: ValueError}}
  - {id: wrong, strides: 1, expect: {shape: [9]}}
"""


def test_a_refusal_is_told_from_a_result_and_expect_from_the_documentation(tmp_path, calls):
    from support.observations import raised, returned

    planned = [(f"f.yaml::{name}", "f.yaml", call) for name, call in calls(REFUSING).items()]
    recorder = Recorder(tmp_path / "results.jsonl", lines.plan(planned))
    subject = lines.subject_line(SUBJECT, {})
    for identifier, _, call in planned:
        observation = (
            returned(call)
            if identifier.endswith(("[strides1-eager]", "wrong[eager]"))
            else raised("ValueError")
        )
        end_call(recorder, identifier, call, observation, subject)
    recorder.close()
    column = single("a", read(recorder.path))
    shown = call_rows([column])
    assert [call.verdict for call in shown] == [
        "conforms",
        "refused",
        "refused",
        "refused",
        "unexpected",
    ]
    assert overview.outcome(shown) == (
        "1 of 5 calls return what TensorFlow documents; 2 are refused, as it "
        "documents; 1 do what their case expects, against the "
        "documentation; needs attention: 1 unexpected."
    )
    rules = {one.rule.id: (one.supporting, one.contradicting) for one in statements(shown, {})}
    assert rules["conv2d.values"] == (1, 0), (
        "not by what is refused, nor against by a wrong `expect`"
    )
    assert rules["conv2d.strides-positive"] == (3, 0)
    assert refusal_lines([column.records]) == [
        "all calls refused: f.yaml:5 y (conv2d.strides-positive)",
        "all calls refused: if that is meant, add `expect: {error: Exception}`; if not, mend the "
        "case",
    ]
    assert shown[-1].end["difference"] == "shape [1,6,6,1], not [9] as expected"
    details = [one for chunk in chunks(shown) for one in chunk["calls"]]
    headed = [one.get("by_expect", False) for one in details]
    assert headed == [call.by_expect for call in shown]
    assert headed.count(True) == 1


def test_every_verdict_has_a_heading_for_markdown():
    assert set(HEADINGS) == set(KINDS)
    documented = {kind for kind, heading in HEADINGS.items() if heading.endswith("as documented")}
    assert documented - {"deviates", "violates"} == {
        *("conforms", "refused", "unexpected", "resolved", "unmeasured")
    }
    assert HEADINGS["deviates"] == HEADINGS["violates"] == "is not as documented"


def test_many_cases_that_are_refused_are_one_line(tmp_path):
    records = run(tmp_path / "results.jsonl", {f"{name}.yaml::x[1]": error() for name in "abcdef"})
    (line,) = refusal_lines([records])
    assert line.startswith("all calls refused: 6 cases without `expect`, such as cases/a.yaml:2 x")


def test_the_matrix_shows_both_sizes_and_hidden_differences(column):
    (matrix,) = matrices(call_rows([column]))
    assert matrix.rates == ("1", "1,3", "2")
    rows = dict(matrix.rows)
    assert [(cell.look, cell.documented, cell.observed) for cell in rows["1"]] == [
        ("conforms", "12×12", "12×12")
    ] * 3
    assert [(cell.look, cell.documented, cell.observed) for cell in rows["2"]] == [
        ("conforms", "6×6", "6×6"),
        ("deviates hidden", "6×6", "6×6"),
        ("deviates hidden", "6×6", "6×6"),
    ]
    assert "same shape, other values" in rows["2"][1].note
    assert (rows["4"][1].look, rows["4"][1].observed) == ("missing", "–")
    assert (rows["4"][2].look, rows["4"][2].documented, rows["4"][2].observed) == (
        "deviates",
        "3×3",
        "4×4",
    )


def test_cells_show_which_modes_agree(tmp_path, calls):
    (matrix,) = matrices(call_rows([converted(tmp_path, calls)]))
    rows = dict(matrix.rows)
    assert matrix.disagrees
    assert [cell.groups for cell in rows["1"]] == [(), ()]
    cell = rows["4"][1]
    assert [(one.look, one.modes, one.observed, one.result) for one in cell.groups] == [
        ("deviates", "TensorFlow", "4×4", "in phases"),
        ("conforms", "tflite, tflite-reference", "3×3", "documented"),
        ("violates", "onnx", "4×4", "another result"),
    ]
    assert cell.note.startswith("TensorFlow: 4×4, in phases; tflite, tflite-reference: 3×3, ")
    assert cell.look == "violates"


def test_the_legend_has_each_word_for_the_result_of_a_mode(tmp_path, calls):
    page = render([converted(tmp_path, calls)])
    words = re.findall(r'<span class="key ([a-z]+)">([A-Za-z ]+)</span>', page)
    for result in (*MODELS.values(), OTHER):
        assert (LOOKS.get(result, "violates"), result) in words


def test_the_same_formula_is_not_said_to_have_other_values(tmp_path, calls):
    """A converted model that follows the documented formula of a call to be refused."""
    only = [
        call for call in call_rows([converted(tmp_path, calls)]) if call.call["mode"] == "tflite"
    ]
    (matrix,) = matrices(only)
    cell = dict(matrix.rows)["2"][1]
    assert (cell.look, cell.note) == ("violates", "violates; documented: must not be accepted")


def test_each_mode_is_compared_with_eager(tmp_path, calls):
    column = converted(tmp_path, calls)
    rows = call_rows([column])
    assert verdicts(rows) == ["violates", "deviates", "unsupported", "conforms"]
    found = {row.mode: row for row in mode_rows(rows, column.subject)}
    assert list(found) == list(MODES)
    assert found["eager"].counts == {"deviates": 2, "conforms": 4}
    assert (found["graph"].agreeing, found["graph"].differing) == (6, ())
    assert found["litert"].counts == {"unsupported": 6}
    assert (found["litert"].agreeing, found["litert"].differing) == (0, ())
    assert found["tflite"].agreeing == 4
    assert {rows[number].call["mode"] for number in found["tflite"].differing} == {"tflite"}
    assert found["onnx"].runtimes == "onnxruntime 1.32.0, tf2onnx 1.17.0"
    assert found["litert"].runtimes == "LiteRT (none)"
    assert list(by_operator(rows, column.subject)) == ["depthwise_conv2d"]


def test_small_multiples_show_who_follows_the_documentation(tmp_path, calls):
    (row,) = multiples(call_rows([converted(tmp_path, calls)]))
    assert (row.entry_point, row.padding) == ("tf.nn.depthwise_conv2d", "SAME")
    assert (row.strides, row.rates) == (("1", "2", "4"), ("1", "2"))
    found = {one.mode: one for one in row.multiples}
    assert "litert" not in found, "it made no call"
    looks = {
        mode: [mark.look for marks in one.rows for mark in marks] for mode, one in found.items()
    }
    documented = ["documented"] * 6
    assert looks["tflite"] == documented
    assert looks["eager"] == [*documented[:3], "phases", "documented", "phases"]
    assert looks["onnx"] == [*documented[:3], "other", "documented", "other"]
    assert {mode: one.agrees for mode, one in found.items()} == {
        "eager": None,
        "graph": "eager",
        "xla": "eager",
        "saved_model": "eager",
        "tflite": None,
        "tflite-reference": "tflite",
        "onnx": None,
    }
    assert found["eager"].rows[1][1].words == "1 in phases"


def test_subjects_have_the_facts_in_which_they_differ():
    old = {**SUBJECT, "name": "old", "isa": "avx2", "environment": {"TF_X": "1"}}
    new = {**SUBJECT, "name": "new", "isa": "avx512_core", "litert": "2.3.0"}
    columns = [Column(one["name"], one, {}, Records(header={})) for one in (old, new)]
    assert differing_facts(columns) == {
        "instruction set": ["avx2", "avx512_core"],
        "LiteRT": ["–", "2.3.0"],
    }


def test_rules_carry_the_installed_sentence_or_say_that_it_changed(column):
    found = {one.rule.id: one for one in statements(call_rows([column]), column.sentences)}
    atrous = found["depthwise.unit-strides-when-atrous"]
    assert atrous.contradicting == 3
    assert atrous.reported == ("https://example.org/1",)
    assert found["depthwise.input-rank"].sentence.startswith("Given a 4D input tensor")
    assert found["depthwise.values"].supporting == 5
    assert atrous.sentence is None
    assert "documentation changed" in render([column])


def test_hostile_text_stays_text(column):
    page = render([column])
    elements = Elements(page)
    assert elements.tags.count("script") == 3
    assert "img" not in elements.tags
    assert elements.handlers == []
    assert "49" not in "".join(elements.visible).partition("TF_X=")[2][:200]
    (index,), (chunk,) = unpacked(page, 'id="index"'), unpacked(page, 'class="chunk"')
    assert next(iter(chunk["cases"].values()))["notes"] == HOSTILE
    assert len(chunk["calls"]) == len(index["calls"]["name"]) == 9


def test_the_page_needs_nothing_else(column):
    page = render([column])
    assert not re.search(r'(src|href)="(?!#|https://example.org)', page)
    assert "default-src 'none'" in page
    assert "innerHTML" not in page


def test_the_detail_has_what_a_reader_needs(column):
    (index,), (chunk,) = (
        unpacked(render([column]), 'id="index"'),
        unpacked(render([column]), 'class="chunk"'),
    )
    deviating = index["values"]["verdict"].index("deviates")
    first = chunk["calls"][index["calls"]["verdict"].index(deviating)]
    assert "tf.nn.depthwise_conv2d(x, w, strides=[1, 2, 2, 1], padding='SAME'" in first["python"]
    assert first["explained"] == "phase_strided"
    assert " values differ by up to " in first["difference"]
    assert (first["because"], first["instead"].partition(" ")[0]) == (
        ["strides [1,2,2,1] with dilations [2,2]"],
        "y[:,",
    )
    assert first["heat"]["size"] == [6, 6]
    height = chunk["axes"][first["axes"][0]]
    assert [model["name"] for model in height["models"]] == ["documented", "phase_strided"]
    assert height["models"][0]["starts"] == [0, 2, 4, 6, 8, 10]
    assert next(iter(chunk["cases"].values()))["yaml"].startswith(
        "cases:\n  - id: x\n    op: depthwise_conv2d\n"
    )


SHIFTS = ["height padding shifted by one", "width padding shifted by one"]


def test_a_known_shape_is_kept_where_it_is_not_the_shape_itself(tmp_path, calls):
    page = render([known(tmp_path, calls)])
    (index,), (chunk,) = unpacked(page, 'id="index"'), unpacked(page, 'class="chunk"')
    modes = [index["values"]["mode"][number] for number in index["calls"]["mode"]]
    observed = dict(zip(modes, (call["observed"] for call in chunk["calls"]), strict=True))
    assert observed["graph"]["static"] == [1, None, None, 3]
    assert "static" not in observed["xla"]


def test_the_page_says_what_the_data_of_a_case_excludes(tmp_path, calls):
    column = excluding(tmp_path, calls)
    assert [end.get("excludes") for end in column.records.ends.values()] == [
        ["pad-h", "pad-w", "last", "first", "flip-w"],
        None,
        ["pad-h", "pad-w", "first", "flip-w"],
        None,
        ["pad-h", "pad-w", "last", "flip-w"],
        None,
        None,
    ]
    (chunk,) = unpacked(render([column]), 'class="chunk"')
    some, none = chunk["cases"].values()
    counts = [["last tap dropped", 2], ["first tap dropped", 2], ["filter flipped in width", 3]]
    assert some["excludes"] == {"calls": 3, "counts": [*([shift, 3] for shift in SHIFTS), *counts]}
    assert none["excludes"] is None
    assert [call["excludes"] for call in chunk["calls"]] == [
        [0, 1, 2, 3, 4],
        None,
        [0, 1, 3, 4],
        None,
        [0, 1, 2, 4],
        None,
        None,
    ]


def test_a_code_of_another_version_stands_for_itself(tmp_path, calls):
    column = excluding(tmp_path, calls)
    for end in column.records.ends.values():
        end["excludes"] = ["news", "last"] if "excludes" in end else []
    (chunk,) = unpacked(render([column]), 'class="chunk"')
    some, none = chunk["cases"].values()
    assert some["excludes"] == {"calls": 6, "counts": [["last tap dropped", 3], ["news", 3]]}
    assert none["excludes"] == {"calls": 1, "counts": []}


def test_calls_that_differ_in_the_mode_alone_are_alike(tmp_path, calls):
    text = SWEEP.replace("    modes: eager\n", "") % ("x", "1")
    planned = [("f.yaml::" + name, "f.yaml", call) for name, call in calls(text).items()]
    recorder = Recorder(tmp_path / "results.jsonl", lines.plan(planned))
    recorder.close()
    (index,) = unpacked(render([single("r", read(recorder.path))]), 'id="index"')
    assert sorted(Counter(index["alike"]["mode"]).values()) == [3] * 9
    assert sorted(Counter(index["alike"]["dtype"]).values()) == [1] * 27


def test_a_deviation_that_no_call_showed_is_unobserved(column):
    assert overview.unobserved(call_rows([column])) == []
    column.records.ends.clear()
    ((case, deviation, why),) = overview.unobserved(call_rows([column]))
    assert (case["id"], deviation["rule"], why) == (
        "x",
        "depthwise.unit-strides-when-atrous",
        "no call of this run showed it",
    )


def test_only_an_address_of_the_web_is_a_link(column):
    for case in column.records.cases.values():
        case["deviations"][0]["reported"] = "javascript:alert(1)"
    assert "javascript:" not in render([column])


SCOPE = """
cases:
  - id: x
    op: conv2d
    modes: eager
    scope: {sizes: 4, filters: 1, strides: 2, rates: 1, paddings: [SAME], results: some, sample: %s}
"""


@pytest.mark.parametrize(
    ("sample", "words"),
    [
        (
            2,
            "Exhaustive scopes: 4 of 8 combinations of size, filter, stride, rate and padding of an"
            " axis were called; --tf-exhaustive calls all of them.",
        ),
        (
            4,
            "Exhaustive scopes: 8 of 8 combinations of size, filter, stride, rate and padding of an"
            " axis were called.",
        ),
    ],
)
def test_the_head_says_how_much_of_an_exhaustive_scope_was_called(tmp_path, calls, sample, words):
    from support.observations import returned

    planned = [(f"f.yaml::{id_}", "f.yaml", call) for id_, call in calls(SCOPE % sample).items()]
    recorder = Recorder(tmp_path / "results.jsonl", lines.plan(planned))
    subject = lines.subject_line(SUBJECT, {})
    for identifier, _, call in planned:
        end_call(recorder, identifier, call, returned(call), subject)
    recorder.close()
    column = single("a", read(recorder.path))
    assert overview.coverage(call_rows([column])) == words
    assert words in render([column])


def test_ranges_are_short_and_whole():
    assert ranges([7, 3, 4, 5, 9]) == "3-5,7,9"
    assert ranges([]) == ""


def test_a_run_without_tensorflow_has_a_page_too(tmp_path, calls):
    planned = [
        ("f.yaml::" + name, "f.yaml", call) for name, call in calls(SWEEP % ("x", "1")).items()
    ]
    recorder = Recorder(tmp_path / "results.jsonl", lines.plan(planned))
    recorder.close()
    assert "TensorFlow did not start in this run" in render([single("r", read(recorder.path))])


def test_report_command(tmp_path, column, capsys):
    assert (
        main(
            [
                "report",
                str(tmp_path / "results.jsonl"),
                "-o",
                str(tmp_path / "out.html"),
                "--partial",
            ]
        )
        == 0
    )
    assert (tmp_path / "out.html").read_text(encoding="utf-8") == render([column])
    assert main(["report", str(tmp_path / "none.jsonl")]) == 2
    assert (
        main(
            [
                "report",
                str(tmp_path / "results.jsonl"),
                "-o",
                str(tmp_path / "no" / "out.html"),
                "--partial",
            ]
        )
        == 2
    )
    errors = capsys.readouterr().err
    assert "none.jsonl: cannot be read" in errors
    assert "cannot write" in errors


def test_an_error_and_a_crash_are_recorded_without_values(calls):
    call = calls(SWEEP % ("x", "1"))["x[strides1-rate1-eager]"]
    error = Observation(
        "answered", (Answer(error="ValueError", bases=("ValueError",), message="no"),)
    )
    assert lines.observed(error) == {"error": "ValueError", "message": "no"}
    crash = Observation("crashed", signal="SIGFPE", last_output="bye")
    prediction = predict(call.arguments)
    verdict = judge(call, prediction, crash, SUBJECT)
    line = lines.end_line("i", call, prediction, verdict, crash, None)
    assert line["observed"] == {"ended": "crashed", "signal": "SIGFPE", "output": "bye"}
    assert lines.observed(Observation("timed out", time_limit=60.0)) == {
        "ended": "timed out",
        "time_limit": 60.0,
        "output": "",
    }
    assert lines.observed(Observation("suite error", exit_status=0)) == {
        "ended": "suite error",
        "exit_status": 0,
        "output": "",
    }
    assert lines.observed(Observation("suite error", protocol_error="no")) == {
        "ended": "suite error",
        "protocol_error": "no",
        "output": "",
    }


def test_of_many_matrices_the_first_are_drawn():
    inputs = ", ".join(f"[1, {height}, 9, 1]" for height in range(9, 212))
    text = (
        f"cases:\n  - {{id: x, op: conv2d, modes: eager, filter: [3, 3, 1, 1], padding: "
        f"VALID, sweep: {{input: [{inputs}], strides: [1, 2], rate: [1, 2]}}}}\n"
    )
    calls = {
        call.name: {"type": "call", **lines.call_line(call.name, "f::x", call)}
        for call in load_text(text).calls
    }
    cases = {"f::x": lines.case_line("f::x", "f", load_text(text).calls[0])}
    page = render(
        [
            Column(
                "2.21.0",
                None,
                {},
                Records(header={"suite": "0.1.0", "created": "now"}, cases=cases, calls=calls),
            )
        ]
    )
    assert page.count('<table class="matrix">') == 200
    assert "3 more matrices are not drawn" in page
    assert page.count('-2-2" data-calls="') == 200
