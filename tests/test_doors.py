"""The entry points: each reaches its operator with the arguments under its own names, and the pasted call does the same."""

import json
from dataclasses import replace

import numpy as np
import pytest

from tf_conv_conformance import prediction
from tf_conv_conformance.arguments import Arguments, TensorSpec
from tf_conv_conformance.casefile.loading import load_text
from tf_conv_conformance.doors import keywords
from tf_conv_conformance.numbers import as_numbers, encode
from tf_conv_conformance.oracle.models import DOCUMENTED
from tf_conv_conformance.reproduction import python
from tf_conv_conformance.subject import worker
from tf_conv_conformance.vocabulary import DOORS

FILTER = TensorSpec((3, 2, 2, 3))
BASE = {
    "conv2d": Arguments("conv2d", TensorSpec((1, 7, 6, 2)), FILTER, 1, "SAME", 2),
    "depthwise_conv2d": Arguments("depthwise_conv2d", TensorSpec((1, 7, 6, 2)), FILTER, (1, 1, 1, 1), "SAME", (2, 2)),
}
FORMS = {
    "tf.raw_ops.Conv2D": {"strides": (1, 1, 1, 1), "dilations": (1, 2, 2, 1)},
    "tf.raw_ops.DepthwiseConv2dNative": {"dilations": (1, 1, 1, 1)},
    "tf.nn.convolution": {"strides": (1, 1), "dilations": (2, 2)},
    "tf.keras.layers.DepthwiseConv2D": {"strides": 1, "dilations": 2},
}
ALL = [replace(BASE[op], via=door, **FORMS.get(door, {})) for op, doors in DOORS.items() for door in doors]


def test_the_worker_knows_the_same_entry_points():
    assert tuple(door for doors in DOORS.values() for door in doors) == worker.FUNCTIONS


@pytest.mark.parametrize("arguments", ALL, ids=lambda arguments: arguments.via)
@pytest.mark.parametrize("mode", ["eager", "graph", "xla"])
def test_every_entry_point_computes_the_documented_values(tensorflow, arguments, mode):
    assert isinstance(prediction.documented(arguments), prediction.Returns)
    arm = prediction.inputs(arguments).arms[0]
    head = {
        "type": "call",
        "function": arguments.door,
        "keywords": keywords(arguments),
        "gradient": None,
        "dtypes": ["float32"] * 2,
        "mode": mode,
    }
    (answer,) = tensorflow.call(head, [encode(array, "float32") for array in arm.arrays(arguments)]).arms
    assert answer.error is None, answer.message
    assert np.array_equal(as_numbers(answer.values, answer.dtype), prediction.values(DOCUMENTED, arguments, arguments)[0].numbers)


def test_the_pasted_calls_compute_the_same(pytester):
    """One program with every entry point's call and gradient, as it is printed for people."""
    expected = []
    lines = ["import json", "results = []", "print = lambda *_: None"]
    for arguments in [*ALL, *(replace(BASE[op], gradient=tensor) for op in BASE for tensor in ("input", "filter"))]:
        arm = prediction.inputs(arguments).arms[0]
        lines += [python(arguments, "eager", arm), "results.append(y.numpy().tolist())"]
        expected.append(prediction.values(DOCUMENTED, arguments, arguments)[0].numbers.tolist())
    lines.append("json.dump(results, open('results.json', 'w'))")
    result = pytester.runpython(pytester.makepyfile(pasted="\n".join(lines)))
    assert result.ret == 0, result.stderr.str()
    assert json.loads((pytester.path / "results.json").read_text()) == expected


@pytest.mark.parametrize(
    ("door", "changes", "expected"),
    [
        ("tf.compat.v1.nn.depthwise_conv2d", {}, {"strides": [1, 1, 1, 1], "padding": "SAME", "rate": [2, 2]}),
        ("tf.nn.atrous_conv2d", {}, {"rate": 2, "padding": "SAME"}),
        (
            "tf.keras.layers.Conv2D",
            {"data_format": "NCHW"},
            {"strides": 1, "padding": "SAME", "dilation_rate": 2, "data_format": "channels_first"},
        ),
        (
            "tf.raw_ops.Conv2D",
            {"padding": ((0, 0), (1, 2), (3, 0), (0, 0)), "dilations": None},
            {"strides": 1, "padding": "EXPLICIT", "explicit_paddings": [0, 0, 1, 2, 3, 0, 0, 0]},
        ),
    ],
)
def test_arguments_have_the_names_of_the_entry_point(door, changes, expected):
    op = next(op for op, doors in DOORS.items() if door in doors)
    assert keywords(replace(BASE[op], via=door, **changes)) == expected


def case(**changes):
    fields = {"id": "x", "op": "conv2d", "input": "[1, 7, 6, 2]", "filter": "[3, 2, 2, 3]", "strides": "2", "padding": "SAME", **changes}
    return "cases:\n  - {" + ", ".join(f"{key}: {value}" for key, value in fields.items()) + "}\n"


@pytest.mark.parametrize(
    ("via", "rate", "strides", "dilations"),
    [
        ("tf.raw_ops.Conv2D", "3", (1, 2, 2, 1), (1, 3, 3, 1)),
        ("tf.nn.convolution", "3", (2, 2), (3, 3)),
        ("tf.keras.layers.Conv2D", "3", 2, 3),
        ("tf.nn.atrous_conv2d", "[3, 3]", 2, (3, 3)),
    ],
)
def test_an_integer_is_short_for_the_list_that_the_entry_point_takes(calls, via, rate, strides, dilations):
    arguments = calls(case(via=via, rate=rate))["x[eager]"].arguments
    assert (arguments.strides, arguments.dilations) == (strides, dilations)


def test_an_entry_point_of_the_other_operator_is_a_fault():
    (complaint,) = load_text(case(via="tf.nn.separable_conv2d")).complaints
    assert complaint.key == "cases[0].via"
    assert "tf.nn.separable_conv2d does not reach conv2d; these do: tf.nn.conv2d" in complaint.message


def test_the_operators_own_entry_point_is_no_other_call(calls):
    assert calls(case(via="tf.nn.conv2d"))["x[eager]"].arguments == calls(case())["x[eager]"].arguments


def test_the_protocol_runs_only_what_it_names(tensorflow):
    head = {"type": "call", "function": "tf.io.gfile.remove", "keywords": {}, "gradient": None, "dtypes": [], "mode": "eager"}
    assert tensorflow.call(head, []).kind == "crashed"
    tensorflow.call({**head, "function": "tf.nn.conv2d"}, [])
