"""Operations around a convolution on TensorFlow itself, and what a case claims of the graph."""

from dataclasses import replace

import numpy as np
import pytest

from support.observations import SUBJECT, end_call, returned
from support.page_records import SUBJECT as RECORDED
from support.performing import perform_all
from support.record_files import single
from tf_conv_conformance.prediction.models import DOCUMENTED
from tf_conv_conformance.prediction.predict import predict
from tf_conv_conformance.prediction.reproduction import python
from tf_conv_conformance.records import lines
from tf_conv_conformance.records.reader import read
from tf_conv_conformance.records.writer import Recorder
from tf_conv_conformance.report.calls import call_rows
from tf_conv_conformance.report.payload import chunks
from tf_conv_conformance.subject.observation import Answer, Observation
from tf_conv_conformance.verdict.judge import judge
from tf_conv_conformance.verdict.message import first_difference
from tf_conv_conformance.verdict.rewrites import with_rewrites
from tf_conv_conformance.verdict.verdict import Verdict

CLAIMING = """
defaults: {op: conv2d, input: [1, 5, 5, 2], filter: [2, 2, 2, 3], padding: SAME}
cases:
  - {id: fused, after: [bias_add, relu], rewrites: [_FusedConv2D, _MklNativeFusedConv2D]}
  - {id: exactly, after: [bias_add], rewrites: "_FusedConv2D(BiasAdd, Relu)", modes: [graph]}
  - {id: alone, rewrites: [Conv2D, _MklNativeConv2D], modes: [graph, saved_model]}
  - {id: saving, rewrites: SaveV2, modes: saved_model}
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
OPTIMIZED = """
defaults: {op: conv2d, input: [1, 2, 5, 5], filter: [2, 2, 2, 3], padding: SAME, modes: graph}
cases:
  - id: fails
    input: [1, 1, 1, 2]
    filter: [3, 3, 2, 3]
    padding: VALID
    unknown: [height, width]
    after: relu
    expect: {error: Exception}
  - {id: moved, data_format: NCHW, optimizer: NCHW_TO_NHWC, after: relu}
  - {id: saved, data_format: NCHW, optimizer: NCHW_TO_NHWC, modes: saved_model}
  - {id: plain, input: [1, 5, 5, 2], after: relu}
  - id: casted
    input: [1, 5, 5, 2]
    optimizer: auto_mixed_precision_onednn_bfloat16
    data: [small_integers, reals]
"""
COMPANY = """
cases:
  - id: x
    op: conv2d
    input: [1, 5, 5, 2]
    filter: [2, 2, 2, 3]
    padding: VALID
    modes: [graph, tflite]
    before: {pad: [[0, 0], [1, 1], [2, 0], [0, 0]]}
    after: [bias_add, relu]
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
    exactly, saving = (verdicts.pop(name) for name in ("exactly[graph]", "saving[saved_model]"))
    assert {one.kind for one in verdicts.values()} == {"conforms"}
    assert exactly.kind == "vacuous"
    claim = "the case claims _FusedConv2D(BiasAdd, Relu), but the executed graph has "
    assert exactly.reason.startswith(claim)
    assert exactly.reason.endswith("FusedConv2D(BiasAdd)")
    assert saving.kind == "vacuous"
    assert saving.reason.endswith("Conv2D")


@pytest.mark.tensorflow
def test_a_function_that_cannot_be_traced_again_proves_nothing(tensorflow, calls):
    text = """
    cases:
      - id: x
        op: conv2d
        input: [2, 5, 4, 3]
        filter: [2, 3, 3, 4]
        padding: VALID
        modes: xla
        before: {pad: [[1, 0], [1, 1], [0, 2], [0, 0]]}
        after: add
        relations: retraced
    """
    one = by_name(tensorflow, calls(text))["x[xla-retraced]"]
    assert one.verdict.kind == "vacuous"
    start = "the function cannot be called with a larger batch, or with a larger input: "
    assert one.verdict.reason.startswith(start)


@pytest.mark.tensorflow
def test_an_optimizer_rewrites_its_own_calls_alone(tensorflow, calls):
    results = by_name(tensorflow, calls(OPTIMIZED))
    kinds = {name: one.verdict.kind for name, one in results.items()}
    casts = kinds.pop("casted[graph]")
    assert kinds.pop("fails[graph]") == "refused"
    assert set(kinds.values()) == {"conforms"}
    answers = {name: one.observation.answers[0] for name, one in results.items()}
    assert any(one.endswith("Conv2D in NHWC") for one in answers["moved[graph]"].operations)
    plain = answers["plain[graph]"].operations  # nothing is left of the calls before
    assert [one.removeprefix("_MklNative") for one in plain] == ["Conv2D", "Relu"]
    # Only oneDNN has it, on processors that have bfloat16.
    executed = " ".join(answers["casted[graph]"].operations)
    assert casts == ("conforms" if "Conv2D in bfloat16" in executed else "vacuous")


@pytest.mark.parametrize(
    ("name", "operations", "kind"),
    [
        ("moved", ("Transpose", "_FusedConv2D(BiasAdd) in NHWC", "Transpose"), "conforms"),
        ("moved", ("Conv2D",), "vacuous"),
        ("moved", None, "vacuous"),
        ("casted", ("Cast", "Cast", "_MklNativeConv2D in bfloat16", "Cast"), "conforms"),
        ("casted", ("Cast", "_MklNativeConv2D", "Cast"), "vacuous"),
    ],
)
def test_a_call_that_no_optimizer_rewrote_does_not_pass(calls, name, operations, kind):
    call = calls(OPTIMIZED)[f"{name}[graph]"]
    answers = tuple(replace(one, operations=operations) for one in returned(call).answers)
    verdict = judge(call, predict(call.arguments), Observation("answered", answers), SUBJECT)
    assert verdict.kind == kind
    if kind == "vacuous":
        form = {"moved": "NHWC", "casted": "bfloat16"}[name]
        assert verdict.reason.startswith(f"the case claims a convolution in {form}, but ")


def test_casts_determine_the_data_and_its_bound(calls):
    """Data that bfloat16 holds is judged as in a call with that dtype."""
    call = calls(OPTIMIZED)["casted[graph]"]
    arguments = call.arguments
    in_bfloat16 = replace(arguments, dtype="bfloat16", optimizer=None)
    for one in (arguments, in_bfloat16):
        small, reals = predict(one).arms
        assert (small.input.limit, reals.input.precision) == (4, 8)
    values = [predict(one).values(DOCUMENTED)[1] for one in (arguments, in_bfloat16)]
    assert values[0].bound.mean() == pytest.approx(values[1].bound.mean(), rel=0.5)
    assert predict(arguments).documented.dtype == "float32"
    for name in ("casted", "moved"):
        call = calls(OPTIMIZED)[f"{name}[graph]"]
        program = python(call.arguments, "graph", predict(call.arguments).arms[0])
        assert ("set_experimental_options" if name == "casted" else "_config = config") in program


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
        ("_FusedConv2D(BiasAdd)", "graph", ("_FusedConv2D(BiasAdd) in NHWC",), "conforms"),
        ("_FusedConv2D", "graph", (), "vacuous"),
        ("_FusedConv2D", "graph", None, "vacuous"),
        ("_FusedConv2D", "xla", None, "conforms"),
        ("_FusedConv2D", "eager", None, "conforms"),
    ],
)
def test_a_fusion_that_did_not_happen_does_not_pass(calls, claimed, mode, operations, kind):
    text = CLAIM.replace("}", f", modes: {sorted({'graph', mode})}}}") % claimed
    call = calls(text)[f"x[{mode}]"]
    answered = returned(call)
    answers = tuple(replace(one, operations=operations) for one in answered.answers)
    observation = Observation("answered", answers)
    assert judge(call, predict(call.arguments), observation, SUBJECT).kind == kind


def test_a_claim_is_about_the_call_itself_and_one_answer_is_enough(calls):
    made = calls(CLAIM.replace("}", ", modes: graph, relations: retraced}") % "_FusedConv2D")
    for name, kind in (("x[graph]", "vacuous"), ("x[graph-retraced]", "conforms")):
        call = made[name]
        answers = tuple(replace(one, operations=("Conv2D",)) for one in returned(call).answers)
        conforming = Verdict("conforms", "")
        assert with_rewrites(conforming, call, Observation("answered", answers)).kind == kind
        assert with_rewrites(conforming, call, Observation("answered", answers[:1])).kind == kind


def test_a_claim_is_part_of_what_a_call_is(calls):
    one, other = (calls(CLAIM % name)["x[graph]"] for name in ("Conv2D", "_FusedConv2D"))
    assert one.content_hash != other.content_hash
    assert one.arguments == other.arguments


def test_a_failure_names_the_error_after_the_convolution_that_explains_it(calls):
    call = calls(COMPANY)["x[graph]"]
    arguments, prediction = call.arguments, predict(call.arguments)
    dropped = replace(arguments, after=arguments.after[1:])
    answers = tuple(
        Answer(DOCUMENTED.values(dropped, *tensors[:2]).astype("float32"), "float32")
        for tensors in prediction.tensors
    )
    observation = Observation("answered", answers)
    verdict = judge(call, prediction, observation, SUBJECT)
    assert verdict.kind == "violates"
    assert {"company.bias-add", "company.relu"} < set(verdict.rules)
    rows = dict(first_difference(prediction, verdict, observation, call.mode))
    assert "(bias_add dropped)" in rows["explained"]
    assert "sum of" not in rows


def test_records_and_the_page_have_operations(calls, tmp_path):
    call = calls(COMPANY)["x[graph]"]
    answered = returned(call)
    executed = ("Pad", "_FusedConv2D(BiasAdd, Relu)")
    answers = tuple(replace(one, operations=executed) for one in answered.answers)
    recorder = Recorder(tmp_path / "results.jsonl", lines.plan([("f::x", "f.yaml", call)]))
    subject = lines.subject_line(RECORDED, {})
    recorder.start("f::x")
    end_call(recorder, "f::x", call, Observation("answered", answers), subject)
    recorder.close()
    column = single("results.jsonl", read(recorder.path))
    (row,) = call_rows([column])
    assert row.arguments == call.arguments
    (chunk,) = chunks([row])
    (detail,) = chunk["calls"]
    assert detail["before"] == "pad [[0,0],[1,1],[2,0],[0,0]]"
    assert detail["after"] == "bias_add, relu"
    assert detail["observed"]["operations"] == list(executed)
    assert "y = tf.nn.bias_add(y, bias, data_format='NHWC')" in detail["python"]
    assert "tf.pad(x, paddings=[[0, 0], [1, 1], [2, 0], [0, 0]])" in detail["python"]


def test_a_program_makes_the_call(calls):
    """The same data and operations as the worker's, in a converted mode, too."""
    call = calls(COMPANY)["x[tflite]"]
    prediction = predict(call.arguments)
    program = python(call.arguments, "tflite", prediction.arms[0])
    assert "def deployed(x, w, bias):" in program
    assert "tf.function(lambda x: in_company(x, w, bias), autograph=False)" in program
    drawn = program[program.index("rng ") : program.index("convolve")]
    names: dict[str, np.ndarray] = {}
    exec(drawn, {"np": np}, names)
    for name, tensor in zip(("x", "w", "bias"), prediction.tensors[0], strict=True):
        assert np.array_equal(names[name], tensor)
