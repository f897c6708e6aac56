"""Calls and observations made by hand, for what explores."""

import numpy as np

from tf_conv_conformance.convolution.dtypes import encode
from tf_conv_conformance.explore.random_calls import calls_of
from tf_conv_conformance.prediction.models import DOCUMENTED
from tf_conv_conformance.prediction.predict import predict
from tf_conv_conformance.subject.observation import Answer, Observation


def call(mode="eager", **plain):
    return calls_of(
        {"input": [1, 8, 7, 1], "filter": [2, 2, 1, 1], "strides": 1, "padding": "VALID", **plain},
        [mode],
    )[0].call


def values(one, model=DOCUMENTED, other=None):
    """An observation of what a model predicts."""
    predicted = predict(one.arguments).values(model, other or one.arguments)
    arms = (
        Answer(encode(arm.numbers, one.arguments.dtype), one.arguments.dtype) for arm in predicted
    )
    return Observation("answered", tuple(arms))


def shaped(*shape):
    return Observation("answered", (Answer(np.zeros(shape, np.float32), "float32"),) * 2)


def error(name, message="", *bases):
    return Observation("answered", (Answer(error=name, bases=(name, *bases), message=message),) * 2)
