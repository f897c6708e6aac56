"""Operations around a convolution on TensorFlow itself, and what a case claims of the graph."""

from dataclasses import replace

import pytest

from support.observations import SUBJECT, returned
from support.performing import perform_all
from tf_conv_conformance.prediction.predict import predict
from tf_conv_conformance.subject.observation import Observation
from tf_conv_conformance.verdict.judge import judge

CLAIMING = """
defaults: {op: conv2d, input: [1, 5, 5, 2], filter: [2, 2, 2, 3], padding: SAME}
cases:
  - {id: fused, after: [bias_add, relu], rewrites: [_FusedConv2D, _MklNativeFusedConv2D]}
  - {id: exactly, after: [bias_add], rewrites: "_FusedConv2D(BiasAdd, Relu)", modes: [graph]}
  - {id: alone, rewrites: [Conv2D, _MklNativeConv2D], modes: [graph, saved_model]}
"""
ALL = """
defaults:
  op: conv2d
  input: [2, 6, 5, 2]
  padding: VALID
  modes: [eager, graph, xla, saved_model, tflite, tflite-reference, onnx]
cases:
  - id: every
    filter: [3, 2, 2, 3]
    before: {pad: [[0, 0], [1, 1], [2, 0], [0, 0]]}
    after:
      - bias_add
      - relu
      - fused_batch_norm
      - {conv2d: {filter: [3, 2, 3, 4], strides: [1, 2], padding: SAME}}
      - add
      - {depthwise_conv2d: {filter: [2, 2, 4, 1], padding: VALID}}
      - relu6
  - {id: unknown, filter: [3, 2, 2, 3], unknown: [batch, height, width], after: [add, bias_add]}
"""
CLAIM = """
cases:
  - {id: x, op: conv2d, input: [1, 5, 5, 2], filter: [2, 2, 2, 3], padding: SAME, rewrites: %s}
"""


def by_name(subject, calls):
    named = calls.values()
    return dict(zip(calls, perform_all(list(named), subject), strict=True))


@pytest.mark.tensorflow
def test_every_operation_in_every_mode(tensorflow, calls):
    results = by_name(tensorflow, calls(ALL))
    failing = {name: one.verdict.reason for name, one in results.items() if one.verdict.failing}
    assert failing == {}
    assert len(results) == 13
    answers = {name: one.observation.answers for name, one in results.items()}
    known = [answers[f"unknown[{mode}]"][0].known["static"] for mode in ("graph", "saved_model")]
    assert known == [(None, None, None, 3)] * 2
    executed = [one.operations for one in answers["every[graph]"]]
    assert executed[0] == executed[1]  # of both arms, though only the first makes the graph
    assert any("FusedConv2D(BiasAdd, Relu)" in one for one in executed[0])
    assert answers["every[eager]"][0].operations is None


@pytest.mark.tensorflow
def test_a_claim_is_about_the_graph_that_was_executed(tensorflow, calls):
    verdicts = {name: one.verdict for name, one in by_name(tensorflow, calls(CLAIMING)).items()}
    exactly = verdicts.pop("exactly[graph]")
    assert {one.kind for one in verdicts.values()} == {"conforms"}
    assert exactly.kind == "vacuous"
    claim = "the case claims _FusedConv2D(BiasAdd, Relu), but the executed graph has "
    assert exactly.reason.startswith(claim)
    assert exactly.reason.endswith("FusedConv2D(BiasAdd)")


@pytest.mark.parametrize(
    ("claimed", "mode", "operations", "kind"),
    [
        ("_FusedConv2D", "graph", ("Pad", "_FusedConv2D(BiasAdd)"), "conforms"),
        ("_FusedConv2D(BiasAdd)", "graph", ("_FusedConv2D(BiasAdd)",), "conforms"),
        (
            '"_FusedConv2D(BiasAdd,Relu)"',
            "saved_model",
            ("_FusedConv2D(BiasAdd, Relu)",),
            "conforms",
        ),
        ("[_FusedConv2D, Conv2D]", "graph", ("Conv2D", "Relu"), "conforms"),
        ("_FusedConv2D", "graph", ("Conv2D", "BiasAdd"), "vacuous"),
        ("_FusedConv2D(Relu)", "graph", ("_FusedConv2D(BiasAdd, Relu)",), "vacuous"),
        ("_FusedConv2D", "graph", ("My_FusedConv2D",), "vacuous"),
        ("_FusedConv2D", "graph", (), "vacuous"),
        ("_FusedConv2D", "graph", None, "vacuous"),
        ("_FusedConv2D", "xla", None, "conforms"),
        ("_FusedConv2D", "eager", None, "conforms"),
    ],
)
def test_a_fusion_that_did_not_happen_does_not_pass(calls, claimed, mode, operations, kind):
    text = CLAIM.replace("}", f", modes: [graph, {mode}]}}") % claimed
    call = calls(text)[f"x[{mode}]"]
    answered = returned(call)
    answers = tuple(replace(one, operations=operations) for one in answered.answers)
    observation = Observation("answered", answers)
    assert judge(call, predict(call.arguments), observation, SUBJECT).kind == kind


def test_a_claim_is_part_of_what_a_call_is(calls):
    one, other = (calls(CLAIM % name)["x[graph]"] for name in ("Conv2D", "_FusedConv2D"))
    assert one.content_hash != other.content_hash
    assert one.arguments == other.arguments
