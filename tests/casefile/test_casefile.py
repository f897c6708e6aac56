"""Case files: the calls of valid cases, and the deviations that apply to them."""

import textwrap

import pytest

from support.single_cases import DEVIATION, diagnostics, one
from tf_conv_conformance.casefile.loading import load_text
from tf_conv_conformance.convolution.invocation import keywords


def test_valid_cases_load_beside_an_invalid_one():
    text = (
        one()
        + one(id="y", strides="no").removeprefix("cases:\n")
        + one(id="z", op="conv").removeprefix("cases:\n")
    )
    loaded = load_text(text)
    assert {call.case.id for call in loaded.calls} == {"x"}
    assert [(diagnostic.case, diagnostic.line) for diagnostic in loaded.diagnostics] == [
        ("y", 12),
        ("z", 15),
    ]


def test_calls_are_named_after_their_arguments(calls):
    text = textwrap.dedent(
        """
        defaults: {padding: VALID, rate: 1}
        cases:
          - id: plain
            op: conv2d
            input: [1, 9, 9, 2]
            filter: [3, 2, $in_channels, 2]
            strides: 1
            modes: eager
          - id: swept
            op: conv2d
            input: [1, 9, 9, 2]
            filter: [3, 2, $in_channels, 2]
            sweep:
              rate: [1, [3, 2]]
              strides: [2, [2], [1, 2, 2, 1]]
              padding: [SAME, [[0, 0], [1, 2], [3, 0], [0, 0]], {verbatim: FULL}]
            modes: [xla]
        """
    )
    names = list(calls(text))
    assert names[0] == "plain[eager]"
    assert "swept[strides2-SAME-rate3x2-xla]" in names
    assert "swept[strides1x2x2x1-padding0:0x1:2x3:0x0:0-rate1-xla]" in names
    assert "swept[strides2x-padding=FULL-rate1-xla]" in names
    assert len(names) == len(set(names)) == 1 + 2 * 3 * 3


def test_arguments_are_passed_on_as_written(calls):
    text = one(
        strides="[2, 3]",
        rate="2",
        padding="[[0, 0], [1, 2], [3, 0], [0, 0]]",
        data_format="NHWC",
        dtype="half",
    )
    arguments = calls(text)["x[graph]"].arguments
    assert keywords(arguments) == {
        "strides": [2, 3],
        "padding": [[0, 0], [1, 2], [3, 0], [0, 0]],
        "dilations": 2,
        "data_format": "NHWC",
    }
    assert arguments.dtype == "float16"
    assert "data_format" not in keywords(calls(one())["x[eager]"].arguments)


@pytest.mark.parametrize(
    ("changes", "strides", "dilations"),
    [
        ({"strides": "4", "rate": "3"}, (1, 4, 4, 1), (3, 3)),
        ({"strides": "4", "rate": "3", "data_format": "NCHW"}, (1, 1, 4, 4), (3, 3)),
        ({"strides": "[4, 4]", "rate": "[3]"}, (4, 4), (3,)),
        ({"strides": "{verbatim: 4}", "rate": "{verbatim: 3}"}, 4, 3),
    ],
)
def test_an_integer_is_expanded_to_a_list_for_depthwise(calls, changes, strides, dilations):
    arguments = calls(one(op="depthwise_conv2d", **changes))["x[eager]"].arguments
    assert (arguments.strides, arguments.dilations) == (strides, dilations)


def test_references_follow_the_data_format(calls):
    text = one(
        input="[5, 3, 9, 7]", filter="[$height, $width, $in_channels, $batch]", data_format="NCHW"
    )
    assert calls(text)["x[eager]"].arguments.filter.shape == (9, 7, 3, 5)


def test_defaults_may_require_a_result_of_all_cases(calls):
    case = (
        "{id: %s, op: conv2d, input: [1, 9, 9, 2], filter: [3, 3, 2, 2], padding: SAME, "
        "strides: %s}\n"
    )
    text = (
        "defaults: {expect: result, modes: eager}\ncases:\n  - "
        + case % ("x", 1)
        + "  - "
        + case % ("y", "0")
    )
    (wrong,) = diagnostics(text)
    assert wrong.startswith("f.yaml:4:5: cases[1]: `expect: result` requires a result")
    meant = calls(text.replace("strides: 0", "strides: 0, expect: {error: Exception}"))
    assert [call.case.plain_expect for call in meant.values()] == [
        "result",
        {"error": ["Exception"]},
    ]


def test_a_case_overrides_rate_and_dilations_of_the_defaults(calls):
    text = "defaults: {dilations: 3, strides: 2, modes: [xla], dtype: float64}\n" + one(
        rate="1", modes="eager"
    )
    (call,) = calls(text).values()
    assert call.name == "x[eager]"
    assert (call.arguments.dilations, call.arguments.strides, call.arguments.dtype) == (
        1,
        1,
        "float64",
    )


ATROUS = {"op": "depthwise_conv2d", "strides": None, "rate": "2"}


def test_a_deviation_applies_to_the_calls_that_break_its_rule(calls):
    found = calls(one(**ATROUS, sweep="{strides: [1, 2]}", deviations=f"[{DEVIATION}]"))
    assert [name for name, call in found.items() if call.deviations] == [
        f"x[strides2-{mode}]" for mode in ("eager", "graph", "xla")
    ]


def test_a_deviation_that_agrees_with_the_documentation_does_not_apply(calls):
    """With stride 9 there is no phase-strided result, so both models refuse."""
    swept = {
        "input": None,
        "strides": "9",
        "rate": "5",
        "sweep": "{input: [[1, 7, 7, 2], [1, 15, 15, 2]]}",
    }
    found = calls(one(**{**ATROUS, **swept}, padding="VALID", deviations=f"[{DEVIATION}]"))
    assert found["x[input1x15x15x2-eager]"].deviations
    assert not found["x[input1x7x7x2-eager]"].deviations


def test_when_and_where_narrow_a_deviation(calls):
    narrowed = DEVIATION[:-1] + ", when: {modes: xla}, where: {strides: [3], rate: [2]}}"
    found = calls(one(**ATROUS, sweep="{strides: [1, 2, 3]}", deviations=f"[{narrowed}]"))
    assert [name for name, call in found.items() if call.deviations] == ["x[strides3-xla]"]


def test_a_declared_shape_must_match_its_model(calls):
    wrong = DEVIATION.replace("phase_strided", "phase_strided, shape: [1, 4, 4, 4]")
    found = diagnostics(one(**{**ATROUS, "strides": "2"}, deviations=f"[{wrong}]"))
    assert "[1, 4, 4, 4] is not what phase_strided computes, which is [1, 5, 5, 4]" in found[0]


def test_the_hash_changes_only_with_the_claim(calls):
    base = calls(one())["x[eager]"].content_hash
    assert (
        calls(one(notes="something") + one(id="y").removeprefix("cases:\n"))[
            "x[eager]"
        ].content_hash
        == base
    )
    assert calls(one(strides="2"))["x[eager]"].content_hash != base
    assert calls(one(expect="{shape: [1, 9, 9, 2]}"))["x[eager]"].content_hash != base
    assert calls(one())["x[graph]"].content_hash != base


def test_a_deviation_of_a_converted_model_must_name_its_mode():
    text = """
cases:
  - id: x
    op: conv2d
    input: [1, 1, 6, 1]
    filter: [3, 1, 1, 1]
    strides: [1, 2]
    padding: SAME
    modes: tflite
    deviations: [{rule: conv2d.values, observed: {model: xnnpack}, reported: unreported}]
"""
    (diagnostic,) = load_text(text).diagnostics
    assert diagnostic.message == (
        "matches no call: without `modes`, it is about TensorFlow itself; for a converted model, "
        "write `when: {modes: [tflite]}`"
    )


def test_a_sweep_of_what_is_unknown_may_begin_with_nothing():
    sweep = "{unknown: [[], height, [height, width]]}"
    loaded = load_text(one(modes="[eager, graph]", sweep=sweep))
    assert not loaded.diagnostics
    assert {call.name: call.arguments.unknown for call in loaded.calls} == {
        "x[known-eager]": (),
        "x[known-graph]": (),
        "x[unknown_height-graph]": ("height",),
        "x[unknown_height_width-graph]": ("height", "width"),
    }


@pytest.mark.parametrize("relations", ["threads", ["threads"]])
def test_a_relation_adds_one_call_however_it_is_listed(relations):
    loaded = load_text(one(modes="graph", relations=relations))
    assert [call.name for call in loaded.calls] == ["x[graph]", "x[graph-threads]"]
