"""Modes that agree on a call, from the ends that a record file has of it."""

from tf_conv_conformance.convolution.names import MODES
from tf_conv_conformance.report.agreement import agreement, modes_text, result

SHAPED = {"shape": [1, 4, 4, 2], "dtype": "float32"}


def end(verdict="violates", digest="a", observed=SHAPED, **more):
    return {"verdict": verdict, "digest": digest, "observed": observed, **more}


def error(name, message=""):
    return end("refused", observed={"error": name, "message": message})


def grouped(**ends):
    groups = agreement((mode.replace("_", "-"), one) for mode, one in ends.items())
    return [(group.result, group.modes) for group in groups]


def test_modes_that_follow_a_model_agree():
    phases = end(explained="phase_strided")
    declared = end("deviates", explained="phase_strided")
    assert grouped(
        litert=end(explained="documented", digest="b"),
        tflite_reference=end("conforms", digest="b"),
        eager=declared,
        graph=phases,
    ) == [
        ("in phases", ("eager", "graph")),
        ("documented", ("tflite-reference", "litert")),
    ]


def test_results_that_no_model_explains_agree_bit_for_bit():
    assert grouped(eager=end(), graph=end(), tflite=end(digest="b")) == [
        ("another result", ("eager", "graph")),
        ("another result", ("tflite",)),
    ]


def test_exceptions_agree_whatever_their_class():
    """While a graph is built, TensorFlow raises others than in eager mode."""
    refused = [error(name) for name in ("ValueError", "OpError")]
    crashed = end("crashed", observed={"ended": "crashed", "signal": "SIGFPE"})
    assert grouped(eager=refused[0], graph=refused[1], xla=crashed) == [
        ("ValueError", ("eager", "graph")),
        ("SIGFPE", ("xla",)),
    ]


def test_exceptions_of_converters_and_runtimes_agree_by_class_and_message():
    assert grouped(
        graph=end("conforms"),
        tflite=error("RuntimeError", "prepare"),
        tflite_reference=error("RuntimeError", "prepare"),
        litert=error("RuntimeError", "invoke"),
        onnx=error("InvalidGraph", "prepare"),
    ) == [
        ("documented", ("graph",)),
        ("RuntimeError", ("tflite", "tflite-reference")),
        ("RuntimeError", ("litert",)),
        ("InvalidGraph", ("onnx",)),
    ]
    both = {"eager": error("ValueError", "no"), "tflite": error("OpError", "refused")}
    assert grouped(**both) == [("ValueError", ("eager", "tflite"))]


def test_modes_that_made_no_call_are_left_out():
    assert grouped(eager=end("conforms"), onnx=end("unsupported", observed={})) == [
        ("documented", ("eager",))
    ]


def test_a_result_that_says_little_is_named_by_its_verdict():
    assert [result(end(verdict)) for verdict in ("vacuous", "flaky")] == ["vacuous", "flaky"]
    assert result(end("conforms", by_expect=True)) == "as expected"


def test_modes_in_few_words():
    assert modes_text(MODES, MODES) == "TensorFlow, converted"
    assert modes_text(("eager", "tflite"), ("eager", "tflite")) == "eager, tflite"
    some = ("eager", "graph", "tflite", "onnx")
    assert modes_text(("eager", "graph", "onnx"), some) == "TensorFlow, onnx"
    assert modes_text(("graph", "tflite", "onnx"), some) == "graph, converted"
