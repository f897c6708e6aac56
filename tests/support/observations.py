"""Observations made by hand."""

from tf_conv_conformance.convolution.dtypes import encode
from tf_conv_conformance.prediction.models import MODELS
from tf_conv_conformance.prediction.predict import predict
from tf_conv_conformance.records import lines
from tf_conv_conformance.subject.observation import Answer, Observation
from tf_conv_conformance.verdict.judge import judge

SUBJECT = {
    "tensorflow": "2.21.0",
    "keras": "3.15.1",
    "tflite": "2.21.0",
    "litert": None,
    "onnxruntime": None,
    "tf2onnx": None,
    "onednn": False,
    "device": "cpu",
    "platform": "linux",
    "machine": "x86_64",
    "cpu": {"flags": ["avx2"]},
}


CONV2D = (
    "cases:\n  - {id: x, op: conv2d, input: [1, 7, 6, 2], filter: [3, 2, 2, 3], strides: "
    "2, padding: SAME, rate: [1, 2]}"
)


def eager(calls, text):
    return calls(text)["x[eager]"]


def returned(call, model="documented", change=lambda values: values, dtype=None, warnings=()):
    """What a subject that computes `model`, with a fault, would answer."""
    arguments = call.arguments
    arms = []
    for arm in predict(arguments).arms:
        result = change(MODELS[model].values(arguments, *arm.arrays(arguments)).copy())
        arms.append(
            Answer(
                values=encode(result, dtype or arguments.dtype),
                dtype=dtype or arguments.dtype,
                warnings=warnings,
            )
        )
    return Observation("answered", tuple(arms))


def raised(error="InvalidArgumentError", message="no", bases=("OpError",)):
    return Observation(
        "answered", (Answer(error=error, bases=(error, *bases), message=message),) * 2
    )


ATROUS = """
cases:
  - id: x
    op: depthwise_conv2d
    input: [1, 9, 9, 2]
    filter: [3, 3, 2, 2]
    strides: 2
    rate: 2
    padding: SAME
"""


DECLARED = (
    ATROUS
    + """
    deviations:
      - rule: depthwise.unit-strides-when-atrous
        observed: {model: phase_strided, warning: UserWarning}
        reported: unreported
        when: {tensorflow: ">=2.12"}
"""
)


def kind(call, observation, **subject):
    return judge(call, predict(call.arguments), observation, {**SUBJECT, **subject}).kind


def off_by_one(values):
    values.flat[-1] += 1
    return values


CRASHED = Observation("crashed", signal="SIGFPE", last_output="Fatal Python error")


ROW = """
cases:
  - {id: x, op: conv2d, modes: eager, padding: VALID, input: {values: [[[[1], [2], [4]]]]},
     filter: {values: [[[[3]], [[%s]]]]}, strides: %s}
"""


SHOWN = (
    "height padding shifted by one",
    "width padding shifted by one",
    "last tap dropped",
    "first tap dropped",
)


def end_call(recorder, identifier, call, observation, subject):
    """Record the end of a call on the subject of a record line."""
    prediction = predict(call.arguments)
    verdict = judge(call, prediction, observation, subject["subject"])
    end = lines.end_line(identifier, call, prediction, verdict, observation, subject["key"])
    recorder.end(end, subject)
