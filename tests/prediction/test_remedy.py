"""The advice for calls with a stride and a rate gives the documented result in TensorFlow, bit for
bit.
"""

from dataclasses import replace

import numpy as np
import pytest

from support.programs import printed
from tf_conv_conformance.convolution.arguments import Arguments, TensorSpec, interpret
from tf_conv_conformance.convolution.invocation import source
from tf_conv_conformance.prediction.models import DOCUMENTED
from tf_conv_conformance.prediction.predict import predict
from tf_conv_conformance.prediction.remedy import dilated_conv2d, remedy, subsample

RUN_ALL = """
import json, sys
import numpy as np
import tensorflow as tf
found = []
for lines, ways, tensors in json.load(sys.stdin):
    x, w = (tf.constant(np.array(values), tf.float32) for values in tensors)
    exec("\\n".join(lines))
    y = convolve(x, w)
    found.append([np.asarray(eval(way)).tolist() for way in ways])
print(json.dumps(found))
"""
DEPTHWISE = Arguments(
    "depthwise_conv2d",
    TensorSpec((1, 10, 9, 2)),
    TensorSpec((3, 2, 2, 3)),
    (1, 2, 2, 1),
    "VALID",
    (2, 3),
)
CONV2D = replace(DEPTHWISE, op="conv2d", via="tf.nn.convolution", strides=(2, 2))
CALLS = [
    *(
        replace(DEPTHWISE, padding=padding, strides=(1, s, s, 1))
        for padding in ("VALID", "SAME")
        for s in (2, 3, 4)
    ),
    *(replace(DEPTHWISE, input=TensorSpec((2, n, 11, 2)), padding="SAME") for n in (7, 8, 13)),
    replace(DEPTHWISE, padding=((0, 0), (1, 3), (2, 0), (0, 0))),
    replace(
        DEPTHWISE, strides=(1, 1, 2, 1), padding="SAME", via="tf.compat.v1.nn.depthwise_conv2d"
    ),
    replace(DEPTHWISE, via="tf.nn.separable_conv2d", padding="SAME"),
    replace(
        DEPTHWISE, via="tf.keras.layers.DepthwiseConv2D", strides=2, dilations=2, padding="SAME"
    ),
    *(replace(CONV2D, padding=padding) for padding in ("VALID", "SAME")),
    replace(CONV2D, via="tf.keras.layers.Conv2D", strides=3, dilations=2, padding="same"),
]


@pytest.mark.tensorflow
def test_both_remedies_give_the_documented_result():
    programs, expected = [], []
    for arguments in CALLS:
        assert remedy(arguments) is not None
        interpretation = interpret(arguments)
        arm = predict(arguments).arms[0]
        tensors = [tensor.tolist() for tensor in arm.arrays(arguments)]
        ones = (1,) * len(arguments.strides) if isinstance(arguments.strides, tuple) else 1
        ways = [f"y[{subsample(interpretation)}]", dilated_conv2d(arguments, interpretation)]
        assert all(way in remedy(arguments) for way in ways)
        programs.append([source(replace(arguments, strides=ones)), ways, tensors])
        expected.append(predict(arguments).values(DOCUMENTED)[0].numbers)
    ran = printed(RUN_ALL, programs)
    for arguments, right, results in zip(CALLS, expected, ran, strict=True):
        for result in results:
            assert np.array_equal(np.array(result), right), arguments


@pytest.mark.parametrize(
    "changes",
    [
        {"strides": (1, 1, 1, 1)},
        {"dilations": (1, 1)},
        {"dtype": "int32"},
        {"gradient": "filter"},
        {"filter": TensorSpec((3, 2, 1, 3))},
        {"input": TensorSpec((1, 2, 9, 2))},
    ],
)
def test_there_is_no_remedy_for_valid_or_otherwise_invalid_calls(changes):
    assert remedy(replace(DEPTHWISE, **changes)) is None


def test_remedy_for_channels_first_and_an_axis_without_stride():
    first = replace(
        DEPTHWISE, input=TensorSpec((1, 2, 10, 9)), strides=(1, 1, 2, 1), data_format="NCHW"
    )
    assert subsample(interpret(first)) == ":, :, ::2, :"
    assert dilated_conv2d(first, interpret(first)).endswith("dilations=[2, 3], data_format='NCHW')")
