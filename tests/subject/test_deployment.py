"""Calls in the modes that save or convert a function: what a runtime makes of it is judged."""

import sys
from pathlib import Path

import pytest

from support.performing import perform_all
from tf_conv_conformance.convolution.invocation import signature
from tf_conv_conformance.convolution.names import CONVERTED_MODES
from tf_conv_conformance.prediction.converted_models import ONNXRUNTIME, reads_alike
from tf_conv_conformance.prediction.models import DOCUMENTED
from tf_conv_conformance.prediction.predict import predict
from tf_conv_conformance.prediction.rules.rule import DOCUMENTED_SYMBOLS
from tf_conv_conformance.subject.definition import Definition
from tf_conv_conformance.subject.gateway import Gateway
from tf_conv_conformance.verdict.explanation import explaining_model, model_difference

pytestmark = pytest.mark.tensorflow

DEPLOYED = ("saved_model", *CONVERTED_MODES)
PLAIN = """
defaults: {modes: [eager, %s], padding: SAME}
cases:
  - {id: conv2d, op: conv2d, input: [2, 7, 6, 2], filter: [3, 2, 2, 3], strides: [2, 1]}
  - {id: depthwise, op: depthwise_conv2d, input: [1, 9, 8, 2], filter: [3, 3, 2, 2], rate: 2}
  - {id: separable, op: depthwise_conv2d, via: tf.nn.separable_conv2d, input: [1, 5, 5, 2],
     filter: [3, 3, 2, 2]}
  - {id: layer, op: conv2d, via: tf.keras.layers.Conv2D, input: [1, 6, 5, 2],
     filter: [3, 3, 2, 4], padding: same}
  - {id: raw, op: conv2d, via: tf.raw_ops.Conv2D, input: [1, 6, 5, 2], filter: [3, 3, 2, 4]}
"""
BLOG = """
cases:
  - id: x
    op: depthwise_conv2d
    modes: [eager, saved_model, tflite, tflite-reference]
    input: [1, 24, 24, 3]
    filter: [3, 3, 3, 4]
    strides: 4
    rate: 3
    padding: SAME
    relations: [modes]
    deviations:
      - rule: depthwise.unit-strides-when-atrous
        observed: {model: phase_strided}
        reported: unreported
      - rule: depthwise.unit-strides-when-atrous
        when: {modes: [tflite, tflite-reference]}
        observed: {model: documented}
        reported: unreported
"""
REFUSED = """
cases:
  - {id: x, op: conv2d, modes: [%s], input: [1, 5, 5, 2], filter: [3, 3, 3, 4], padding: SAME}
"""
SWAPPED = """
defaults: {op: conv2d, input: [1, 9, 8, 2], filter: [3, 3, 2, 2], padding: SAME}
cases:
  - {id: unequal, modes: [%s], strides: [1, 2]}
  - {id: equal, modes: [%s], strides: 2}
"""


def kinds(calls, text, subject):
    """Return the verdicts of the calls in YAML text, by name."""
    made = list(calls(text).values())
    performed = perform_all(made, subject)
    return {call.name: one.verdict.kind for call, one in zip(made, performed, strict=True)}


def test_every_mode_computes_what_is_documented(calls, tensorflow):
    found = kinds(calls, PLAIN % ", ".join(DEPLOYED), tensorflow)
    assert len(found) == 5 * 6
    assert set(found.values()) == {"conforms"}


def test_calls_in_a_group_have_the_bits_of_calls_alone(calls, tensorflow):
    made = list(calls(PLAIN % ", ".join(DEPLOYED)).values())
    together = perform_all(made, tensorflow)
    alone = [one for call in made for one in perform_all([call], tensorflow)]
    for one, other in zip(together, alone, strict=True):
        for answer, again in zip(one.observation.answers, other.observation.answers, strict=True):
            assert answer.values.tobytes() == again.values.tobytes()


def test_a_converted_model_follows_the_formula_where_eager_mode_has_phases(calls, tensorflow):
    made = calls(BLOG)
    performed = dict(zip(made, perform_all(list(made.values()), tensorflow), strict=True))
    assert {name: one.verdict.kind for name, one in performed.items()} == {
        "x[eager]": "deviates",
        "x[saved_model]": "deviates",
        "x[tflite]": "deviates",
        "x[tflite-reference]": "deviates",
        "x[saved_model-modes]": "conforms",
        "x[tflite-modes]": "violates",
        "x[tflite-reference-modes]": "violates",
    }
    follows = (
        "in eager mode TensorFlow deviates: depthwise.unit-strides-when-atrous (phase_strided)"
    )
    assert performed["x[tflite]"].verdict.reason.endswith(follows)


def test_a_call_that_is_refused_is_refused_in_every_mode(calls, tensorflow):
    found = kinds(calls, REFUSED % ", ".join(DEPLOYED), tensorflow)
    assert set(found.values()) == {"refused"}


UNKNOWN = """
defaults: {padding: SAME, filter: [3, 2, 2, 3]}
cases:
  - id: sizes
    input: [2, 7, 6, 2]
    modes: [graph, xla, %s]
    sweep:
      op: [conv2d, depthwise_conv2d]
      unknown: [batch, [height, width], [batch, height, width]]
  - id: rank-and-filter
    op: conv2d
    input: [2, 7, 6, 2]
    modes: [graph, xla, saved_model]
    unknown: [rank, filter]
    sweep: {gradient: [input, filter]}
  - id: layout
    op: conv2d
    input: [2, 2, 7, 6]
    modes: xla
    data_format: NCHW
    unknown: [height, width]
"""


def test_sizes_may_be_unknown_while_a_function_is_traced(calls, tensorflow):
    found = kinds(calls, UNKNOWN % ", ".join(DEPLOYED), tensorflow)
    assert set(found.values()) == {"conforms"}


CROPPED = """
defaults: {padding: SAME, modes: onnx}
cases:
  - id: x
    sweep:
      op: [conv2d, depthwise_conv2d]
      input: [[1, 7, 6, 2], [1, 9, 11, 2]]
      filter: [[1, 1, 2, 2], [2, 3, 2, 2], [3, 1, 2, 2]]
      strides: [[1, 2, 2, 1], [1, 5, 5, 1], [1, 6, 6, 1]]
      unknown: [width, [height, width]]
"""


def test_onnxruntime_follows_its_model_where_sizes_are_unknown(calls, tensorflow):
    made, followed = list(calls(CROPPED).values()), set()
    for call, performed in zip(made, perform_all(made, tensorflow), strict=True):
        arguments, observation = call.arguments, performed.observation
        crops = not reads_alike(ONNXRUNTIME, DOCUMENTED, arguments, arguments)
        assert performed.verdict.kind == ("violates" if crops else "conforms")
        assert model_difference(ONNXRUNTIME, predict(arguments), observation) is None
        by = explaining_model(predict(arguments), observation, "onnx")
        assert by == ("onnxruntime" if crops else "documented")
        followed.add(crops)
    assert followed == {True, False}


def test_unknown_sizes_are_those_of_the_input(calls):
    shapes = {name: signature(call.arguments) for name, call in calls(UNKNOWN % "tflite").items()}
    assert shapes["sizes[conv2d-unknown_batch-graph]"] == [[None, 7, 6, 2], [3, 2, 2, 3]]
    assert shapes["sizes[conv2d-unknown_height_width-xla]"][0] == [2, None, None, 2]
    assert shapes["rank-and-filter[gradient_input-graph]"] == [None, None]
    assert shapes["layout[xla]"][0] == [2, 2, None, None]


def test_a_converter_that_swaps_strides_is_caught(calls):
    fault = Path(__file__).parents[1] / "faults" / "subject.py"
    command = (sys.executable, str(fault), "strides-swapped")
    subject = Gateway(DOCUMENTED_SYMBOLS, 60, Definition("fault", command))
    modes = ", ".join(DEPLOYED)
    try:
        found = kinds(calls, SWAPPED % (modes, modes), subject)
    finally:
        subject.close()
    assert {name: kind for name, kind in found.items() if kind != "conforms"} == {
        f"unequal[{mode}]": "violates" for mode in DEPLOYED
    }


UNSAVED = """
cases:
  - {id: x, op: conv2d, modes: saved_model, input: [1, 7, 6, 2], filter: [3, 2, 2, 3],
     padding: SAME, gradient: input, through: recompute_grad}
"""


def test_an_error_of_saving_is_not_lost(calls, tensorflow):
    (one,) = perform_all(list(calls(UNSAVED).values()), tensorflow)
    (answer, *_) = one.observation.answers
    assert (answer.error, answer.message[:34]) == (
        "ValueError",
        "Error when tracing gradients for S",
    )
