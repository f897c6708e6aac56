"""The worker reports what a function knew of its result while it was traced."""

import numpy as np
import pytest

from support.performing import perform_all
from tf_conv_conformance.subject.errors import ProtocolError
from tf_conv_conformance.subject.messages import observation_of

CALLS = """
defaults: {padding: SAME, modes: [eager, graph, xla, saved_model, tflite]}
cases:
  - {id: known, op: conv2d, input: [2, 7, 6, 2], filter: [3, 2, 2, 3], strides: [2, 1]}
  - {id: height, op: conv2d, input: [2, 7, 6, 2], filter: [3, 2, 2, 3],
     modes: [graph, xla, saved_model], unknown: height}
  - {id: filter, op: depthwise_conv2d, input: [2, 7, 6, 2], filter: [3, 2, 2, 3],
     modes: [graph, xla, saved_model], unknown: [batch, filter]}
  - {id: layer, op: conv2d, via: tf.keras.layers.Conv2D, input: [2, 7, 6, 2],
     filter: [3, 2, 2, 3], modes: [graph, saved_model], unknown: batch}
"""
STATIC = {"known": (2, 4, 6, 3), "height": (2, None, 6, 3), "filter": (None, 7, 6, None)}
STATIC["layer"] = (None, 7, 6, 3)


@pytest.mark.tensorflow
@pytest.mark.parametrize("together", [True, False])
def test_a_static_shape_is_reported_where_tensorflow_runs_what_it_traced(
    calls, tensorflow, together
):
    made = list(calls(CALLS).values())
    if together:
        performed = perform_all(made, tensorflow)
    else:
        performed = [one for call in made for one in perform_all([call], tensorflow)]
    for call, one in zip(made, performed, strict=True):
        for answer in one.observation.answers:
            if call.mode in ("eager", "tflite"):
                assert "static" not in answer.known
            else:
                assert answer.known["static"] == STATIC[call.case.id]
        assert one.verdict.kind == "conforms"


LAYERS = """
defaults: {padding: same, input: [2, 7, 6, 2], filter: [3, 2, 2, 3], modes: [eager, graph, xla]}
cases:
  - {id: conv2d, op: conv2d, via: tf.keras.layers.Conv2D, strides: 2}
  - {id: depthwise, op: depthwise_conv2d, via: tf.keras.layers.DepthwiseConv2D, rate: 2}
  - {id: height, op: conv2d, via: tf.keras.layers.Conv2D, unknown: height, modes: graph}
  - {id: gradient, op: conv2d, via: tf.keras.layers.Conv2D, gradient: input}
"""
SYMBOLIC = {"conv2d": (None, 4, 3, 3), "depthwise": (None, 7, 6, 6), "height": (None, None, 6, 3)}


@pytest.mark.tensorflow
def test_a_layer_says_its_shapes_without_data(calls, tensorflow):
    made = list(calls(LAYERS).values())
    for call, one in zip(made, perform_all(made, tensorflow), strict=True):
        expected = None if call.mode == "xla" else SYMBOLIC.get(call.case.id)
        for answer in one.observation.answers:
            assert answer.known.get("symbolic") == expected
            assert answer.known.get("computed") == expected
        assert one.verdict.kind == "conforms"


def answer_with(**static):
    arm = {"status": "value", "dtype": "float32", "shape": [2, 3], "warnings": [], **static}
    return {"type": "answer", "seconds": 0.5, "arms": [arm]}


@pytest.mark.parametrize(
    ("static", "expected"),
    [
        ({}, {}),
        ({"static": None}, {"static": None}),
        ({"static": [2, None]}, {"static": (2, None)}),
        ({"static": []}, {"static": ()}),
        ({"symbolic": [None, 3], "computed": "E"}, {"symbolic": (None, 3), "computed": "E"}),
    ],
)
def test_a_static_shape_is_read_from_an_answer(static, expected):
    array = np.zeros((2, 3), np.float32)
    (answer,) = observation_of(answer_with(**static), [array], 1).answers
    assert answer.known == expected


@pytest.mark.parametrize("static", [2, [2.0], [True], [-1], ["None"], {"0": 2}, [[2]]])
def test_a_static_shape_that_is_none_breaks_the_protocol(static):
    with pytest.raises(ProtocolError, match="is not a known shape"):
        observation_of(answer_with(static=static), [np.zeros((2, 3), np.float32)], 1)
