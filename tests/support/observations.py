"""Observations made by hand."""

from tf_conv_conformance.convolution.dtypes import encode
from tf_conv_conformance.prediction.models import MODELS
from tf_conv_conformance.prediction.predict import predict
from tf_conv_conformance.subject.observation import Answer, Observation

SUBJECT = {
    "tensorflow": "2.21.0",
    "keras": "3.15.1",
    "onednn": False,
    "device": "cpu",
    "platform": "linux",
    "machine": "x86_64",
    "cpu": {"flags": ["avx2"]},
}


CONV2D = "cases:\n  - {id: x, op: conv2d, input: [1, 7, 6, 2], filter: [3, 2, 2, 3], strides: 2, padding: SAME, rate: [1, 2]}"


def eager(calls, text):
    return calls(text)["x[eager]"]


def returned(call, model="documented", change=lambda values: values, dtype=None, warnings=()):
    """What a subject that computes `model`, with a fault, would answer."""
    arguments = call.arguments
    arms = []
    for arm in predict(arguments).arms:
        x, w = arm.arrays(arguments)
        result = change(MODELS[model].values(arguments, x, w).copy())
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
