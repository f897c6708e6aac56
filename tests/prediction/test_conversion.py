"""What `explain` says about deployment is so: conversion changes the calls that it names, and the
calls that it names instead come out as documented in every runtime that is installed.
"""

from dataclasses import replace

import numpy as np
import pytest

from support.programs import printed
from tf_conv_conformance.convolution.arguments import Arguments, TensorSpec, interpret
from tf_conv_conformance.convolution.invocation import source
from tf_conv_conformance.convolution.names import CONVERTED_MODES
from tf_conv_conformance.prediction.conversion import (
    ANOTHER,
    AS_SAME,
    ZEROS,
    conversion,
    every_stride,
    padded_first,
    rewritten,
)
from tf_conv_conformance.prediction.deployment import IMPORTS, converted
from tf_conv_conformance.prediction.models import DOCUMENTED, is_atrous_strided
from tf_conv_conformance.prediction.predict import predict

RUN_ALL = """
import importlib.util, json, sys
import numpy as np
import tensorflow as tf
found, needs = [], {"litert": ["ai_edge_litert"], "onnx": ["tf2onnx", "onnxruntime"]}
for calls, tensors, programs in json.load(sys.stdin):
    x, w = (np.array(values, np.float32) for values in tensors)
    results = {}
    for mode, (imports, lines) in programs.items():
        if not all(importlib.util.find_spec(name) for name in needs.get(mode, [])):
            continue
        exec("\\n".join(imports))
        for name, call in calls.items():
            exec("\\n".join([*call, *lines]))
            results[f"{name} {mode}"] = deployed(x, w).tolist()
    found.append(results)
print(json.dumps(found))
"""
DEPTHWISE = Arguments(
    "depthwise_conv2d",
    TensorSpec((1, 10, 9, 2)),
    TensorSpec((3, 2, 2, 3)),
    (1, 1, 1, 1),
    "VALID",
    (2, 3),
)
EXPLICIT = ((0, 0), (1, 3), (2, 0), (0, 0))
STRIDED = replace(DEPTHWISE, strides=(1, 2, 2, 1))
SPARSE = Arguments("conv2d", TensorSpec((1, 11, 6, 2)), TensorSpec((3, 2, 2, 3)), (4, 3), "SAME")
CALLS = [
    STRIDED,
    replace(STRIDED, padding="SAME"),
    replace(STRIDED, padding=EXPLICIT),
    replace(STRIDED, padding="SAME", via="tf.nn.separable_conv2d"),
    replace(STRIDED, padding="SAME", via="tf.keras.layers.DepthwiseConv2D", strides=2, dilations=2),
    replace(DEPTHWISE, padding=EXPLICIT),
    replace(SPARSE, input=TensorSpec((1, 9, 8, 2)), strides=4),
    replace(SPARSE, strides=(5, 3)),
    replace(SPARSE, strides=(6, 3), dilations=(2, 1)),
    replace(SPARSE, via="tf.keras.layers.Conv2D", padding="same", strides=6),
    replace(SPARSE, op="depthwise_conv2d", strides=(1, 6, 6, 1)),
]


def rewritten_source(arguments):
    """The call that the advice describes, as lines of Python."""
    meaning = interpret(arguments)
    strided = is_atrous_strided(arguments)
    ones = (1,) * len(arguments.strides) if isinstance(arguments.strides, tuple) else 1
    other = replace(arguments, padding="VALID", strides=ones if strided else arguments.strides)
    padded, index = padded_first(meaning), f"[{every_stride(meaning)}]" if strided else ""
    text = rewritten(arguments, meaning)
    assert padded in text if padded != "x" else "tf.pad" not in text
    assert ("padding='VALID'" in text) == (arguments.padding != "VALID")
    assert (f"y{index} of " in text and "strides of 1" in text) == strided
    inner = [
        line.replace("convolve = lambda x, w: ", "inner = lambda x, w: ") for line in source(other)
    ]
    shape = [line.replace("x.shape", f"({padded}).shape") for line in inner]
    return [*shape, f"convolve = lambda x, w: inner({padded}, w){index}"]


@pytest.mark.tensorflow
def test_conversion_changes_these_calls_and_not_those_to_write_instead():
    programs = {
        mode: (IMPORTS.get(mode, ()), converted(mode, "x.shape")) for mode in CONVERTED_MODES
    }
    work = []
    for arguments in CALLS:
        tensors = [one.tolist() for one in predict(arguments).arms[0].arrays(arguments)]
        calls = {"given": source(arguments), "instead": rewritten_source(arguments)}
        work.append([calls, tensors, programs])
    ran = printed(RUN_ALL, work)
    for arguments, results in zip(CALLS, ran, strict=True):
        said = conversion(arguments)
        assert said is not None, arguments
        documented = predict(arguments).values(DOCUMENTED)[0].numbers
        changed = set()
        for name, values in results.items():
            as_documented = np.array_equal(np.array(values), documented)
            assert as_documented or name.startswith("given"), (name, arguments)
            if name.startswith("given") and not as_documented:
                changed.add(name.split()[1])
                assert said.startswith((ANOTHER, AS_SAME)) or not np.any(values), (name, arguments)
        if said.startswith(AS_SAME):
            assert changed >= {"tflite", "tflite-reference"}
            assert "onnx" not in changed
        elif said.startswith(ZEROS):
            assert changed <= {"tflite", "litert"}


@pytest.mark.parametrize(
    ("arguments", "change"),
    [
        (DEPTHWISE, None),
        (replace(DEPTHWISE, padding="SAME"), None),
        (replace(DEPTHWISE, padding=EXPLICIT), AS_SAME),
        (replace(DEPTHWISE, padding=((0, 0), (2, 2), (1, 2), (0, 0))), None),  # that of SAME
        (replace(DEPTHWISE, padding=EXPLICIT, dilations=(1, 1)), None),
        (STRIDED, ANOTHER),
        (replace(STRIDED, input=TensorSpec((1, 5, 4, 2))), None),  # of one element
        (replace(STRIDED, dtype="float64"), None),
        (replace(STRIDED, unknown=("height",)), None),
        (replace(STRIDED, gradient="input"), None),
        (replace(STRIDED, input=TensorSpec((1, 2, 10, 9)), data_format="NCHW"), None),
        (replace(SPARSE, strides=(6, 5)), ZEROS),
        (replace(SPARSE, strides=2), None),
        (replace(SPARSE, filter=TensorSpec((1, 1, 2, 3))), None),
        (replace(SPARSE, padding="VALID", strides=6), None),
        (replace(SPARSE, strides=0), None),
    ],
)
def test_only_calls_that_conversion_changes_are_named(arguments, change):
    said = conversion(arguments)
    assert said is None if change is None else said.startswith(f"{change}; ")
