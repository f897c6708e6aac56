"""Records as the page reads them."""

from dataclasses import replace

from support.observations import end_call
from support.record_files import single
from tf_conv_conformance.prediction.predict import Refuses, predict
from tf_conv_conformance.records import lines
from tf_conv_conformance.records.reader import read
from tf_conv_conformance.records.writer import Recorder
from tf_conv_conformance.verdict.verdict import Verdict

HOSTILE = "</script><script>alert(1)</script><img src=x onerror=alert(2)>\"'&\u202e{{ 7 * 7 }}"


SUBJECT = {
    "tensorflow": "2.21.0",
    "keras": None,
    "git_version": HOSTILE,
    "python": "3.11",
    "numpy": "2",
    "platform": "linux",
    "machine": "x86_64",
    "cpu": {"name": HOSTILE, "flags": []},
    "onednn": None,
    "device": "cpu",
    "environment": {"TF_X": HOSTILE},
}


EXCLUDING = """
defaults: {op: conv2d, modes: eager, padding: VALID, input: {values: [[[[1], [2], [4]]]]}}
cases:
  - id: some
    sweep:
      filter: [{values: [[[[3]], [[5]]]]}, {values: [[[[3]], [[0]]]]}, {values: [[[[0]], [[5]]]]}]
      strides: [1, 0]
  - {id: none, filter: {values: [[[[3]], [[5]]]]}, strides: 0}
"""


def excluding(folder, calls):
    """A page of calls whose data excludes one thing or another: a zero hides the tap that is
    dropped, a stride of 0 is refused.
    """
    from support.observations import raised, returned

    planned = [("f.yaml::" + name, "f.yaml", call) for name, call in calls(EXCLUDING).items()]
    recorder = Recorder(folder / "results.jsonl", lines.plan(planned))
    subject = lines.subject_line(SUBJECT, {})
    for identifier, _, call in planned:
        observation = (
            raised() if "strides0" in call.name or call.case.id == "none" else returned(call)
        )
        end_call(recorder, identifier, call, observation, subject)
    recorder.close()
    return single("results.jsonl", read(recorder.path))


CONVERTED = """
cases:
  - id: atrous
    op: depthwise_conv2d
    input: [1, 12, 12, 2]
    filter: [3, 3, 2, 1]
    padding: SAME
    modes: [eager, graph, xla, saved_model, tflite, tflite-reference, litert, onnx]
    sweep: {strides: [1, 2, 4], rate: [1, 2]}
    deviations:
      - rule: depthwise.unit-strides-when-atrous
        observed: {model: phase_strided}
        reported: unreported
"""


def converted(folder, calls):
    """A run in which TensorFlow is in phases where TFLite follows the formula, ONNX returns other
    values, and LiteRT is not installed.
    """
    from support.observations import off_by_one, returned

    runtimes = {"tflite": "2.21.0", "onnxruntime": "1.32.0", "tf2onnx": "1.17.0", "litert": None}
    planned = [("f.yaml::" + name, "f.yaml", call) for name, call in calls(CONVERTED).items()]
    recorder = Recorder(folder / "results.jsonl", lines.plan(planned))
    subject = lines.subject_line({**SUBJECT, **runtimes}, {})
    for identifier, _, call in planned:
        prediction = predict(call.arguments)
        if call.mode == "litert":
            unsupported = Verdict("unsupported", "requires litert")
            end = lines.end_line(identifier, call, prediction, unsupported, None, subject["key"])
            recorder.end(end, subject)
            continue
        strided = isinstance(prediction.documented, Refuses)
        model = "documented" if "tflite" in call.mode or not strided else "phase_strided"
        change = off_by_one if call.mode == "onnx" and strided else lambda values: values
        end_call(recorder, identifier, call, returned(call, model, change), subject)
    recorder.close()
    return single("results.jsonl", read(recorder.path))


KNOWN = """
cases:
  - {id: lost, op: conv2d, input: [1, 7, 6, 2], filter: [3, 2, 2, 3], padding: SAME,
     modes: [graph, xla], unknown: height}
"""


def known(folder, calls):
    """A run in which a graph loses a size, and XLA knows all."""
    from support.observations import returned

    planned = [("f.yaml::" + name, "f.yaml", call) for name, call in calls(KNOWN).items()]
    recorder = Recorder(folder / "results.jsonl", lines.plan(planned))
    subject = lines.subject_line(SUBJECT, {})
    for identifier, _, call in planned:
        observation = returned(call)
        shape = (1, None, None, 3) if call.mode == "graph" else (1, 7, 6, 3)
        answers = (replace(one, known={"static": shape}) for one in observation.answers)
        observation = replace(observation, answers=tuple(answers))
        end_call(recorder, identifier, call, observation, subject)
    recorder.close()
    return single("results.jsonl", read(recorder.path))
