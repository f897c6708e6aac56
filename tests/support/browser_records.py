"""Records of the pages that a browser opens."""

import json

from support.observations import end_call, returned
from support.page_records import HOSTILE
from tf_conv_conformance.casefile.loading import load_text
from tf_conv_conformance.records import lines
from tf_conv_conformance.records.reader import read
from tf_conv_conformance.records.writer import Recorder
from tf_conv_conformance.subject.observation import Answer, Observation, Warned

CASES = """
defaults: {input: [1, 9, 8, 2], filter: [2, 3, 2, 1]}
cases:
  - id: plain
    op: conv2d
    sweep: {strides: [1, 2, 3], rate: [1, 2], padding: [SAME, VALID],
            dtype: [float32, float64]}
  - id: atrous
    op: depthwise_conv2d
    sweep: {strides: [1, 2, 4], rate: [1, 2, [1, 3]], padding: [SAME, VALID],
            dtype: [float32, float64]}
    deviations:
      - {rule: depthwise.unit-strides-when-atrous, observed: {model: phase_strided}, reported: "https://example.org/1"}
  - id: wrong
    op: conv2d
    sweep: {dtype: [float32, float64]}
    strides: 1
    padding: VALID
    references: ["javascript:alert(3)"]
    notes: %s
"""


def wrong(call):
    """What the documentation predicts, but for one element of row 3, column 5, in channel 1."""
    right = returned(call, "documented")
    arms = []
    for arm in right.answers:
        values = arm.values.copy()
        values[0, 3, 5, 0] += 4
        arms.append(
            Answer(values=values, dtype=arm.dtype, warnings=(Warned("UserWarning", HOSTILE),))
        )
    return Observation("answered", tuple(arms), 0.25)


def answer(call):
    if call.case.id == "wrong":
        return wrong(call) if call.mode == "eager" else returned(call, "documented")
    return returned(call, "phase_strided" if call.deviations else "documented")


def run(folder, subject, answers=answer, name="results.jsonl"):
    """A record file of a run in which the subject answered so."""
    loaded = load_text(CASES % json.dumps(HOSTILE + "long " * 200_000))
    assert loaded.diagnostics == ()
    planned = [(f"cases/a.yaml::{call.name}", "cases/a.yaml", call) for call in loaded.calls]
    recorder = Recorder(folder / name, lines.plan(planned))
    line = lines.subject_line(subject, {"tf.nn.conv2d": f"Given an input tensor {HOSTILE}"})
    for identifier, _, call in planned:
        observation = answers(call)
        recorder.start(identifier)
        end_call(recorder, identifier, call, observation, line)
    recorder.close()
    return name, read(recorder.path)
