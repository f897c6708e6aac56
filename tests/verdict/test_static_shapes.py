"""The static shape of a result: right, less than can be known, or in contradiction."""

from dataclasses import replace

import pytest

from support.observations import ATROUS, SUBJECT, off_by_one, returned
from tf_conv_conformance.prediction.predict import predict
from tf_conv_conformance.verdict.judge import judge
from tf_conv_conformance.verdict.static_shapes import declaration

CASE = """
cases:
  - id: x
    op: conv2d
    modes: [graph, xla, saved_model, tflite]
    input: [1, 7, 6, 2]
    filter: [3, 2, 2, 3]
    padding: SAME
    unknown: height
"""
LOST = """
    deviations:
      - {rule: static-shape.known, reported: unreported, observed: {unknown: [height, width]}}
"""
OTHER = """
    deviations:
      - {rule: static-shape.agrees, reported: unreported, observed: {static: [1, unknown, 5, 3]}}
"""


def knowing(observation, *sizes):
    """Return the observation of a function that knew these sizes; without any, no rank."""
    answers = (replace(one, known={"static": sizes or None}) for one in observation.answers)
    return replace(observation, answers=tuple(answers))


def verdict_on(call, observation, **subject):
    return judge(call, predict(call.arguments), observation, {**SUBJECT, **subject})


@pytest.mark.parametrize("sizes", [(1, None, 6, 3), (1, 7, 6, 3)])
def test_a_static_shape_with_each_size_that_can_be_known_conforms(calls, sizes):
    call = calls(CASE)["x[graph]"]
    assert verdict_on(call, knowing(returned(call), *sizes)).kind == "conforms"


@pytest.mark.parametrize(
    ("sizes", "text", "rule"),
    [
        ((1, None, None, 3), "[1,None,None,3]", "static-shape.known"),
        ((None, None, 6, 3), "[None,None,6,3]", "static-shape.known"),
        ((), "unknown rank", "static-shape.known"),
        ((1, None, 5, 3), "[1,None,5,3]", "static-shape.agrees"),
        ((1, 8, 6, 3), "[1,8,6,3]", "static-shape.agrees"),
        ((1, None, 6), "[1,None,6]", "static-shape.agrees"),
    ],
)
def test_a_static_shape_that_knows_less_or_contradicts_violates(calls, sizes, text, rule):
    call = calls(CASE)["x[graph]"]
    verdict = verdict_on(call, knowing(returned(call), *sizes))
    assert (verdict.kind, verdict.rules) == ("violates", (rule,))
    assert verdict.reason == f"static shape {text}, not [1,None,6,3] as predicted"


def test_wrong_values_come_first(calls):
    call = calls(CASE)["x[graph]"]
    verdict = verdict_on(call, knowing(returned(call, change=off_by_one), 1, None, None, 3))
    assert (verdict.kind, verdict.difference.aspect) == ("violates", "values")


def test_a_result_without_a_traced_function_has_no_static_shape(calls):
    call = calls(CASE)["x[tflite]"]
    assert verdict_on(call, returned(call)).kind == "conforms"


@pytest.mark.parametrize(
    ("deviation", "sizes", "kind"),
    [
        (LOST, (1, None, None, 3), "deviates"),
        (LOST, (1, None, 6, 3), "resolved"),
        (LOST, (None, None, None, 3), "violates"),
        (LOST, (1, None, None, None), "violates"),
        (LOST, (), "violates"),
        (OTHER, (1, None, 5, 3), "deviates"),
        (OTHER, (1, 7, 5, 3), "violates"),
        (OTHER, (1, 7, 6, 3), "resolved"),
    ],
)
def test_a_declared_static_shape_must_be_observed_exactly(calls, deviation, sizes, kind):
    call = calls(CASE + deviation)["x[graph]"]
    assert verdict_on(call, knowing(returned(call), *sizes)).kind == kind


def test_a_lost_size_is_declared_with_the_sizes_that_cannot_be_known(calls):
    text = CASE.replace("unknown: height", "sweep: {unknown: [height, width]}") + LOST
    for call in calls(text).values():
        if call.mode == "graph":
            observation = knowing(returned(call), 1, None, None, 3)
            verdict = verdict_on(call, observation)
            assert verdict.kind == "deviates"
            assert "static-shape.known (height, width unknown; " in verdict.reason


def test_a_declared_static_shape_applies_where_functions_are_traced(calls):
    made = calls(CASE.replace("unknown: height", "") + OTHER.replace("unknown", "7"))
    applying = {call.mode: len(call.deviations) for call in made.values()}
    assert applying == {"graph": 1, "xla": 1, "saved_model": 1, "tflite": 0}


def test_values_and_static_shape_deviate_separately(calls):
    text = f"{ATROUS}    modes: [graph]\n    deviations:\n"
    text += "      - {rule: depthwise.unit-strides-when-atrous, reported: unreported,\n"
    text += "         observed: {model: phase_strided}}\n"
    call = calls(text)["x[graph]"]
    phases = returned(call, "phase_strided")
    shape = phases.answers[0].shape
    # The documentation refuses the call, so it says nothing about what can be known.
    assert verdict_on(call, knowing(phases, None, None, None, 4)).kind == "deviates"
    assert verdict_on(call, knowing(phases, *shape)).kind == "deviates"
    wrong = verdict_on(call, knowing(phases, *shape[:3], 5))
    assert (wrong.kind, wrong.rules) == ("violates", ("static-shape.agrees",))
    text += "      - {rule: static-shape.agrees, reported: unreported, observed: {static: %s}}\n"
    both = calls(text % [*shape[:3], 5])["x[graph]"]
    verdict = verdict_on(both, knowing(phases, *shape[:3], 5))
    assert verdict.kind == "deviates"
    assert verdict.rules == ("depthwise.unit-strides-when-atrous", "static-shape.agrees")
    assert verdict_on(both, knowing(phases, *shape)).kind == "resolved"


def test_a_static_shape_by_the_formula_is_right_beside_a_wrong_result(calls):
    text = CASE.replace("    unknown: height\n", "") + (
        "    deviations:\n      - {rule: conv2d.values, reported: unreported,\n"
        "         observed: {shape: [1, 9, 9, 3], values: unspecified}}\n"
    )
    call = calls(text)["x[graph]"]
    observation = returned(call)
    answers = (
        replace(one, values=one.values[:, :1, :1].repeat(9, 1).repeat(9, 2))
        for one in observation.answers
    )
    observation = replace(observation, answers=tuple(answers))
    assert verdict_on(call, knowing(observation, 1, 7, 6, 3)).kind == "deviates"
    assert verdict_on(call, knowing(observation, 1, 7, 5, 3)).kind == "violates"


@pytest.mark.parametrize(
    ("sizes", "declared"),
    [
        ((1, None, None, 3), {"unknown": ["width"]}),
        ((None, None, 6, None), {"unknown": ["batch", "channels"]}),
        ((), {"unknown": "rank"}),
        ((1, None, 5, 3), {"static": [1, "unknown", 5, 3]}),
        ((1, None, 6, 3), None),
    ],
)
def test_a_difference_is_declared_as_briefly_as_possible(calls, sizes, declared):
    call = calls(CASE)["x[graph]"]
    observation = knowing(returned(call), *sizes)
    assert declaration("static", predict(call.arguments), observation) == declared


LAYER = """
cases:
  - id: x
    op: depthwise_conv2d
    via: tf.keras.layers.DepthwiseConv2D
    modes: [eager, graph, xla]
    input: [3, 7, 6, 2]
    filter: [3, 2, 2, 3]
    rate: 2
    padding: same
"""
KERAS_LOST = """
    deviations:
      - {rule: symbolic-shape.known, reported: unreported, observed: {unknown: [height, width]}}
"""
RIGHT = (None, 7, 6, 6)


def computing(observation, symbolic, computed):
    """Return the observation of a layer that computes these shapes without data."""
    known = {"symbolic": symbolic, "computed": computed}
    answers = (replace(one, known=known) for one in observation.answers)
    return replace(observation, answers=tuple(answers))


@pytest.mark.parametrize(
    ("symbolic", "computed", "rule"),
    [
        (RIGHT, RIGHT, None),
        ((3, 7, 6, 6), RIGHT, None),
        ((None, None, None, 6), RIGHT, "symbolic-shape.known"),
        (RIGHT, (None, 7, 6, None), "computed-shape.known"),
        (RIGHT, (None, 7, 5, 6), "computed-shape.agrees"),
        ("ValueError", RIGHT, "symbolic-shape.known"),
    ],
)
def test_a_layer_is_held_to_what_it_says_without_data(calls, symbolic, computed, rule):
    call = calls(LAYER)["x[eager]"]
    verdict = verdict_on(call, computing(returned(call), symbolic, computed))
    assert verdict.kind == ("violates" if rule else "conforms")
    assert verdict.rules == ((rule,) if rule else ())


def test_an_exception_of_a_symbolic_call_is_named(calls):
    call = calls(LAYER)["x[eager]"]
    verdict = verdict_on(call, computing(returned(call), "ValueError", RIGHT))
    assert verdict.reason == "symbolic shape ValueError, not [None,7,6,6] as predicted"


def test_a_deviation_of_a_layers_shape_applies_in_eager_and_graph_mode(calls):
    made = calls(LAYER + KERAS_LOST)
    applying = {call.mode: len(call.deviations) for call in made.values()}
    assert applying == {"eager": 1, "graph": 1, "xla": 0}
    call, lost = made["x[eager]"], (None, None, None, 6)
    assert verdict_on(call, computing(returned(call), lost, RIGHT)).kind == "deviates"
    assert verdict_on(call, computing(returned(call), RIGHT, RIGHT)).kind == "resolved"
    assert verdict_on(call, computing(returned(call), lost, lost)).kind == "violates"
    assert verdict_on(call, computing(returned(call), "TypeError", RIGHT)).kind == "violates"
