"""`probe` on a real TensorFlow: what it prints, what it suggests, and that the suggestion is green
when it is run.
"""

import re
from collections import Counter

import numpy as np
import pytest
from rich.console import Console

from support.performing import perform_all
from tf_conv_conformance.casefile.call import model_of
from tf_conv_conformance.casefile.expectations import Observed
from tf_conv_conformance.cli.case_options import read_case
from tf_conv_conformance.cli.main import main
from tf_conv_conformance.cli.probe import make_calls, print_results
from tf_conv_conformance.convolution.dtypes import encode
from tf_conv_conformance.prediction.models import DOCUMENTED
from tf_conv_conformance.prediction.predict import predict
from tf_conv_conformance.subject.observation import Answer, Observation

BLOG = {
    "op": "depthwise_conv2d",
    "input": "1,24,24,3",
    "filter": "4,4,3,4",
    "strides": "4",
    "rate": "3,3",
    "padding": "VALID",
}
PLAIN = {"op": "conv2d", "input": "1,7,6,2", "filter": "3,2,2,3", "strides": "2", "padding": "SAME"}
WITHOUT_CHANNELS = {
    "op": "depthwise_conv2d",
    "input": "1,4,4,0",
    "filter": "3,3,0,2",
    "strides": "1",
    "padding": "SAME",
}
WITHOUT_ROWS = {
    "op": "conv2d",
    "input": "1,0,4,1",
    "filter": "1,1,1,1",
    "strides": "1",
    "padding": "VALID",
}
BLOGS_CASE = """\
cases:
  - id: tried
    op: depthwise_conv2d
    input: [1, 24, 24, 3]
    filter: [4, 4, 3, 4]
    strides: 4
    rate: [3, 3]
    padding: VALID
"""
ITS_DEVIATION = """\
    deviations:
      - rule: depthwise.unit-strides-when-atrous
        observed: {model: phase_strided, shape: [1, 6, 6, 12], warning: UserWarning}
        reported: unreported
"""


def words(options):
    return [options["op"], *(f"--{name}={text}" for name, text in options.items() if name != "op")]


def probed(options, subject):
    """What is printed about a question to a subject, and whether all conforms."""
    question = read_case(options)
    to = Console(width=120, markup=False, highlight=False, force_terminal=False)
    with to.capture() as captured:
        conforms = print_results(to, question, make_calls(question, subject), subject)
    return captured.get().splitlines(), conforms


def rows(lines):
    """The table, a list of cells for each mode."""
    start = next(index for index, line in enumerate(lines) if line.startswith("  ───")) + 1
    return [re.split(r" {2,}", line.strip()) for line in lines[start : lines.index("", start)]]


def kept(lines):
    """The case file that is printed last."""
    return "\n".join(lines[lines.index("cases:") :]) + "\n"


def outlook(lines):
    start = lines.index("The case, to keep as cases/NAME.yaml") + 1
    return " ".join(" ".join(lines[start : lines.index("", start)]).split())


@pytest.mark.tensorflow
def test_the_blogs_question(pytester, capsys):
    assert main(["probe", *words(BLOG), "-o", "kept/blog.yaml"]) == 1
    out, err = capsys.readouterr()
    lines = out.splitlines()
    assert err == ""
    assert (pytester.path / "kept/blog.yaml").read_text(encoding="utf-8") == kept(lines)
    assert "The case, written to kept/blog.yaml" in lines
    assert rows(lines) == [
        ["eager", "violates", "float32 of shape [1, 6, 6, 12]", "another shape", "UserWarning"],
        ["graph", "violates", "float32 of shape [1, 6, 6, 12]", "another shape", "UserWarning"],
        ["xla", "violates", "float32 of shape [1, 6, 6, 12]", "another shape", "UserWarning"],
    ]
    for line in (
        "  convolve = lambda x, w: tf.nn.depthwise_conv2d(x, w, strides=[1, 4, 4, "
        "1], padding='VALID', dilations=[3, 3])",
        "           we perform atrous depthwise convolution, in which case all "
        "values in the `strides` tensor must be equal to 1.",
        "  formula  would give float32 of shape [1, 4, 4, 12]",
        "Why: eager, graph, xla",
        "  explained    by the model phase_strided, which predicts this shape, dtype "
        "and every value",
        "  size         out = ceil((n - (k-1)*r) / s) = ceil((24 - (4-1)*3) / 4) = "
        "ceil(15 / 4) = 4, documented",
        "               m = floor(((n+e)/r - k) / s) + 1 = floor(((24+0)/3 - 4) / 4) "
        "+ 1 = floor(4 / 4) + 1 = 2, phase-strided",
        "               out = r*m - e = 3*2 - 0 = 6, phase-strided",
        "tf-conv-conformance explain depthwise_conv2d --input=1,24,24,3 "
        "--filter=4,4,3,4 --strides=4 --rate=3,3 --padding=VALID",
        "The call in Python (eager, small integers)",
    ):
        assert line in lines
    assert "\x1b" not in out
    assert kept(lines) == BLOGS_CASE + ITS_DEVIATION
    folder = pytester.mkdir("cases")
    (folder / "x.yaml").write_text(kept(lines), encoding="utf-8")
    result = pytester.runpytest_subprocess("cases")
    result.assert_outcomes(xfailed=3)
    assert result.ret == 0


@pytest.fixture
def verdicts(calls, tensorflow):
    """Make the calls of the case that is printed last, and count their verdicts."""

    def verdicts(lines):
        performed = perform_all(list(calls(kept(lines)).values()), tensorflow)
        return Counter(one.verdict.kind for one in performed)

    return verdicts


def test_a_call_that_conforms(tensorflow, verdicts):
    lines, conforms = probed(PLAIN, tensorflow)
    assert conforms
    assert rows(lines) == [
        [mode, "conforms", "float32 of shape [1, 4, 3, 3]", "0", "none"]
        for mode in ("eager", "graph", "xla")
    ]
    assert "deviations" not in kept(lines)
    assert outlook(lines) == "Run by pytest, this case passes as it is."
    assert verdicts(lines) == {"conforms": 3}


def test_a_crash(tensorflow, verdicts):
    lines, conforms = probed({**WITHOUT_CHANNELS, "modes": "xla"}, tensorflow)
    assert not conforms
    assert rows(lines) == [["xla", "crashed", "the process died (SIGFPE)", "–", "none"]]
    assert "The call in Python (xla, small integers)" in lines
    assert "  printed  Fatal Python error: Floating point exception" in lines
    assert kept(lines).partition("    deviations:\n")[2] == (
        "      - rule: depthwise.values\n        observed: {crash: SIGFPE}\n        "
        "reported: unreported\n"
    )
    assert verdicts(lines) == {"deviates": 1}


def test_modes_that_conform_need_no_deviation(tensorflow, verdicts):
    lines, _ = probed(WITHOUT_ROWS, tensorflow)
    assert kept(lines).partition("    deviations:\n")[2] == (
        "      - rule: conv2d.values\n        when: {modes: [graph, xla]}\n        "
        "observed: {error: ValueError}\n        reported: unreported\n"
    )
    assert verdicts(lines) == {"conforms": 1, "deviates": 2}


def test_the_same_shape_with_other_values(tensorflow):
    options = {
        **BLOG,
        "input": "1,9,9,2",
        "filter": "3,3,2,2",
        "strides": "2",
        "rate": "2",
        "padding": "SAME",
        "modes": "eager",
    }
    lines, _ = probed(options, tensorflow)
    (row,) = rows(lines)
    assert row[:3] == ["eager", "violates", "float32 of shape [1, 5, 5, 4]"]
    assert float(row[3]) > 0
    assert any(line.startswith("  values") and "first at [0, 0, 1, 0]" in line for line in lines)
    assert any(
        line.endswith("input[0, rows {pad, 0, 2}, columns {0, 2, 4}, channels 0], as documented")
        for line in lines
    )
    assert any(
        line.endswith("input[0, rows {pad, 0, 2}, columns {pad, 1, 3}, channels 0], phase-strided")
        for line in lines
    )


def test_a_refusal_as_documented(tensorflow):
    lines, conforms = probed({**PLAIN, "strides": "1,2,3", "modes": "eager"}, tensorflow)
    assert conforms
    assert rows(lines)[0][:2] == ["eager", "refused"]
    assert "  refused     refused, as documented (conv2d.strides-length)" in lines


def test_no_tensorflow_is_one_clear_message(tmp_path, monkeypatch, capsys):
    (tmp_path / "tensorflow.py").write_text("raise ImportError('libcudart is missing')")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    assert main(["probe", *words(PLAIN)]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert re.fullmatch(
        (
            r"tf-conv-conformance: TensorFlow did not start in .*: ImportError: libcudart "
            r"is missing\nInstall it .*pip install.*\n"
        ),
        err,
    )


class Subject:
    """Answers with what a function makes of the call, in turn; no TensorFlow does some of this on
    demand.
    """

    def __init__(self, tensorflow, *answers):
        self.subject, self.documentation, self.answers = (
            tensorflow.subject,
            tensorflow.documentation,
            list(answers),
        )

    def call(self, head, arrays):
        return self.answers.pop(0)

    def calls(self, requests):
        return (self.call(request.head, request.arrays) for request in requests)

    def close(self):
        """Nothing to end."""


def computed(options, change=lambda numbers: numbers, **observed):
    """The observation that a deviation would declare by a model, its numbers changed."""
    arguments = read_case(options).arguments
    model = model_of(Observed.model_validate(observed)) if observed else DOCUMENTED
    arms = [
        encode(change(one.numbers), arguments.dtype) for one in predict(arguments).values(model)
    ]
    return Observation("answered", tuple(Answer(values=arm, dtype=arguments.dtype) for arm in arms))


def off_by_3(numbers):
    numbers = numbers.copy()
    numbers[0, 1, 2, 0] += 3
    return numbers


EAGER = {**PLAIN, "modes": "eager"}


def test_modes_that_fail_in_different_ways(tensorflow):
    """The one that died is shown as Python."""
    error = Observation(
        "answered",
        (Answer(error="InternalError", bases=("InternalError", "OpError"), message="no"),) * 2,
    )
    lines, _ = probed(
        PLAIN,
        Subject(
            tensorflow, error, error, *[Observation("crashed", signal="SIGABRT")] * 2, error, error
        ),
    )
    assert "The call in Python (graph, small integers)" in lines
    assert kept(lines).partition("    deviations:\n")[2] == (
        "      - rule: conv2d.values\n"
        "        when: {modes: [eager, xla]}\n"
        "        observed: {error: InternalError}\n"
        "        reported: unreported\n"
        "      - rule: conv2d.values\n"
        "        when: {modes: [graph]}\n"
        "        observed: {crash: SIGABRT}\n"
        "        reported: unreported\n"
    )


def test_what_no_model_explains_is_not_declared(tensorflow):
    wrong = computed(EAGER, off_by_3)
    lines, conforms = probed(EAGER, Subject(tensorflow, wrong, wrong))
    assert not conforms
    assert rows(lines) == [["eager", "violates", "float32 of shape [1, 4, 3, 3]", "3", "none"]]
    assert "deviations" not in kept(lines)
    assert outlook(lines).startswith(
        "Run by pytest, this case fails, and no deviation can describe it: no model "
        "explains the result"
    )


def test_what_the_data_excludes_is_told(tensorflow):
    lines, conforms = probed(EAGER, Subject(tensorflow, computed(EAGER)))
    assert conforms
    start = next(
        place
        for place, line in enumerate(lines)
        if line.startswith("  excluded  height padding shifted by one, width padding shifted")
    )
    assert "sums of 11 bits" in " ".join(lines[start : start + 3])


def test_two_answers_are_not_declared(tensorflow):
    lines, _ = probed(EAGER, Subject(tensorflow, computed(EAGER, off_by_3), computed(EAGER)))
    assert rows(lines)[0][1] == "flaky"
    assert outlook(lines).startswith(
        "Run by pytest, this case fails, and no deviation can describe it: two runs "
        "of the same call gave two answers"
    )


def test_a_time_limit_is_not_declared(tensorflow):
    lines, _ = probed(EAGER, Subject(tensorflow, Observation("timed out", time_limit=5.0)))
    assert rows(lines) == [["eager", "timed out", "no answer within 5 s", "–", "none"]]
    assert "deviations" not in kept(lines)


def test_a_death_without_a_signal_is_not_declared(tensorflow):
    lines, _ = probed(EAGER, Subject(tensorflow, *[Observation("suite error", exit_status=3)] * 2))
    assert "deviations" not in kept(lines)


TWO_BY_TWO = {
    "op": "conv2d",
    "input": "{values: [[[[1], [1]], [[2], [4]]]]}",
    "strides": "1",
    "padding": "SAME",
}


@pytest.mark.parametrize(
    ("options", "observed", "shape"),
    [
        (
            {**BLOG, "input": "1,2,2,1", "filter": "4,4,1,1", "strides": "2", "rate": "2"},
            "model: phase_strided, sizes: truncated",
            "1, 0, 0, 1",
        ),
        (
            {**PLAIN, "input": "1,1,1,2", "filter": "5,5,2,3", "strides": "3", "padding": "VALID"},
            "model: documented, sizes: truncated",
            "1, 0, 0, 3",
        ),
        (
            {**TWO_BY_TWO, "filter": "{values: [[[[1]], [[1]]], [[[1]], [[.inf]]]]}"},
            "model: documented, padding: skipped",
            "1, 2, 2, 1",
        ),
        (
            {**TWO_BY_TWO, "filter": f"{{values: [[[[{2.0**-140}]]]]}}"},
            "model: documented, subnormals: flushed",
            "1, 2, 2, 1",
        ),
    ],
)
def test_departures_from_real_numbers_are_declared(tensorflow, options, observed, shape):
    options = {**options, "modes": "eager"}
    observation = computed(options, **dict(pair.split(": ") for pair in observed.split(", ")))
    lines, _ = probed(options, Subject(tensorflow, observation, observation))
    assert f"        observed: {{{observed}, shape: [{shape}]}}" in lines
    assert any(
        re.fullmatch(rf"  explained +by {observed.replace(':', '')}", line) for line in lines
    )
    assert outlook(lines) == (
        "Run by pytest, this case passes with the deviations that it declares, on this TensorFlow."
    )


def test_a_narrow_accumulator_is_declared(tensorflow):
    """Half a unit in the eighth place is more than rounding to half gives, and less than 12 sums in
    half may.
    """
    options = {**EAGER, "dtype": "half", "data": "reals"}
    observation = computed(options, lambda numbers: numbers * (1 + 2.0**-8))
    lines, _ = probed(options, Subject(tensorflow, observation, observation))
    assert (
        "        observed: {model: documented, accumulator: float16, shape: [1, 4, 3, 3]}" in lines
    )


def test_an_empty_result_has_no_values_to_explain(tensorflow):
    options = {**EAGER, "dtype": "float64"}
    empty = Observation("answered", (Answer(values=np.zeros((1, 0, 3, 3)), dtype="float64"),) * 2)
    lines, _ = probed(options, Subject(tensorflow, empty, empty))
    assert "        observed: {shape: [1, 0, 3, 3]}" in lines


def test_an_error_of_two_classes_gets_their_common_name(tensorflow):
    """TensorFlow re-raises its own error as ValueError while it builds a graph."""
    eager = Observation(
        "answered",
        (
            Answer(
                error="InvalidArgumentError",
                bases=("InvalidArgumentError", "OpError"),
                message="no",
            ),
        )
        * 2,
    )
    graph = Observation(
        "answered",
        (
            Answer(
                error="ValueError",
                bases=("ValueError", "InvalidArgumentError", "OpError"),
                message="no",
            ),
        )
        * 2,
    )
    lines, _ = probed(
        {**PLAIN, "modes": "eager,graph"}, Subject(tensorflow, eager, eager, graph, graph)
    )
    assert kept(lines).partition("    deviations:\n")[2] == (
        "      - rule: conv2d.values\n        observed: {error: "
        "InvalidArgumentError}\n        reported: unreported\n"
    )


PADDED = {
    "op": "depthwise_conv2d",
    "input": "1,9,9,2",
    "filter": "3,3,2,1",
    "rate": "2",
    "padding": "0,0,1,2,3,0,0,0",
}


def section(lines, heading):
    start = lines.index(heading) + 1
    return [line.strip() for line in lines[start : lines.index("", start)]]


def test_who_agrees_with_whom_after_conversion(tensorflow, verdicts):
    """The converter takes explicit padding for SAME where a depthwise convolution is dilated."""
    lines, conforms = probed({**PADDED, "modes": "eager,tflite,tflite-reference"}, tensorflow)
    assert not conforms
    assert section(lines, "Who agrees with whom") == [
        "documented      eager: float32 of shape [1, 8, 8, 2]",
        "padded as SAME  tflite, tflite-reference: float32 of shape [1, 9, 9, 2]",
    ]
    assert any("explained  by the model converted" in line for line in lines)
    assert "when: {modes: [tflite, tflite-reference]}" in kept(lines)
    assert verdicts(lines) == {"conforms": 1, "deviates": 2}


def test_every_mode_of_the_blogs_call_with_same(tensorflow, verdicts):
    """TensorFlow is in phases, TFLite follows the formula, and ONNX pads as for phases."""
    options = {**BLOG, "filter": "3,3,3,4", "padding": "SAME", "modes": "all"}
    lines, _ = probed(options, tensorflow)
    agreeing = dict(re.split(" {2,}", one) for one in section(lines, "Who agrees with whom"))
    assert agreeing.keys() <= {"in phases", "documented", "padded as the phases"}
    assert agreeing["in phases"].startswith("eager, graph, xla, saved_model: ")
    assert agreeing["documented"].startswith("tflite, tflite-reference")
    assert "passes with the deviations" in outlook(lines)
    unsupported = sum(kind == "unsupported" for _, kind, *_ in rows(lines))
    assert len(rows(lines)) == 8
    expected = {"deviates": 8 - unsupported, "unsupported": unsupported}
    assert verdicts(lines) == {kind: count for kind, count in expected.items() if count}


def test_modes_that_agree_are_not_compared(tensorflow):
    lines, _ = probed(EAGER, Subject(tensorflow, computed(EAGER)))
    assert "Who agrees with whom" not in lines


def test_a_runtime_that_is_missing_is_unsupported(tensorflow):
    subject = Subject(tensorflow, computed(EAGER))
    subject.subject = {**tensorflow.subject, "litert": None}
    lines, conforms = probed({**PLAIN, "modes": "eager,litert"}, subject)
    assert conforms
    assert rows(lines)[1] == ["litert", "unsupported", "–", "–", "–"]
    why = " ".join(section(lines, "Why: litert"))
    assert why.startswith("unsupported  requires litert for the mode litert, but the subject has")
    assert "pip install 'tf-conv-conformance[litert]'" in why
    assert "The call in Python (eager, small integers)" in lines
    lines, conforms = probed({**PLAIN, "modes": "litert"}, subject)
    assert not conforms, "no call was made"


@pytest.mark.parametrize(("dtype", "count"), [("bfloat16", 4), ("half", 5), ("float32", 8)])
def test_all_modes_are_those_in_which_the_call_can_be_made(dtype, count):
    case = read_case({**PLAIN, "dtype": dtype, "modes": "all"})
    assert len(case.calls) == len(case.case["modes"]) == count


def test_the_page_shows_what_is_printed(repository, tensorflow):
    """But for the line that names the TensorFlow under test."""
    page = (repository / "docs/command-line.md").read_text(encoding="utf-8")
    command, in_every_mode = re.findall(r"```sh\ntf-conv-conformance probe (depth.*)\n```", page)
    assert in_every_mode == f"{command} --modes all"
    assert command.split() == [
        word
        for name, text in BLOG.items()
        if name != "padding"
        for word in ([text] if name == "op" else [f"--{name}", text])
    ]
    printed, shown = (
        page.partition(f"{one}\n")[2].partition("```text\n")[2].partition("```")[0]
        for one in (command, in_every_mode)
    )

    def without_subject(text):
        return re.sub(r"(?ms)^  subject  .*?^$", "", text)

    assert without_subject(printed) == without_subject(
        "\n".join(probed(BLOG, tensorflow)[0]) + "\n"
    )
    if tensorflow.subject["litert"] and tensorflow.subject["onnxruntime"]:
        every_mode = "\n".join(probed({**BLOG, "modes": "all"}, tensorflow)[0])
        assert f"\n{shown}\n" in every_mode


def test_a_lost_size_is_shown_and_the_suggested_deviation_declares_it(tensorflow):
    options = {"op": "depthwise_conv2d", "input": "1,9,8,2", "filter": "3,3,2,1", "rate": "2"}
    options |= {"padding": "SAME", "unknown": "height"}
    lines, conforms = probed(options, tensorflow)
    assert not conforms
    assert "  static  [1, None, 8, 2] is what a traced function can know of it" in lines
    observed = "float32 of shape [1, 9, 8, 2], static shape [1, None, None, 2]"
    assert [row[:3] for row in rows(lines)] == [
        ["graph", "violates", observed],
        ["xla", "violates", observed],
    ]
    assert "static shape [1,None,None,2], not [1,None,8,2] as predicted" in "\n".join(lines)
    assert "print(convolve.get_concrete_function().structured_outputs.shape)" in lines
    assert lines[-4:-1] == [
        "    deviations:",
        "      - rule: static-shape.known",
        "        observed: {unknown: [width]}",
    ]
