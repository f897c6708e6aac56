"""Keras as a subject without TensorFlow, for real.

JAX and PyTorch are in the environment of ``tox -e keras``, which sets KERAS_BACKENDS so that
nothing is skipped there. Elsewhere the same worker runs Keras on TensorFlow.
"""

import json
import os
import signal
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

from support import keras_alone
from support.requests import arrays, children, head
from tf_conv_conformance.records.reader import read
from tf_conv_conformance.subject import keras_subject
from tf_conv_conformance.subject.definition import Definition, define
from tf_conv_conformance.subject.errors import SubjectUnavailableError
from tf_conv_conformance.subject.gateway import Gateway

pytestmark = pytest.mark.tensorflow

CASES = """
defaults:
  op: conv2d
  via: tf.keras.layers.Conv2D
  input: [2, 9, 8, 2]
  filter: [3, 2, $in_channels, 3]
  padding: SAME
  strides: 1
cases:
  - {id: conv2d, strides: 2, sweep: {dtype: [float32, half, bfloat16]}}
  - {id: nhwc, data_format: NHWC, padding: valid}
  - {id: rate, op: depthwise_conv2d, via: tf.keras.layers.DepthwiseConv2D, rate: 2}
  - {id: refused, strides: 2, rate: 2}
  - {id: linear, relations: [linear]}
  - {id: on-it, requires: {backend: BACKEND, keras: ">=3"}}
  - {id: elsewhere, requires: {backend: openvino}}
  - {id: versions, requires: {tensorflow: ">=1"}}
  - {id: function, via: tf.nn.convolution}
  - {id: gradient, gradient: filter}
  - id: grouped
    op: depthwise_conv2d
    via: tf.keras.layers.DepthwiseConv2D
    relations: [grouped]
"""
UNSUPPORTED = {
    "elsewhere[eager]": "backend openvino, but the subject has BACKEND",
    "versions[eager]": "tensorflow >=1, but the subject has no tensorflow",
    "function[eager]": "tensorflow for tf.nn.convolution, but the subject has no tensorflow",
    "gradient[eager]": "tensorflow for a gradient, but the subject has no tensorflow",
    "grouped[eager-grouped]": "tensorflow for tf.nn.conv2d, but the subject has no tensorflow",
    "nhwc[graph]": "tensorflow for the mode graph, but the subject has no tensorflow",
}
ALONE = f"{sys.executable} {keras_alone.__file__}"


@pytest.fixture(params=["tensorflow", "jax", "torch"])
def backend(request):
    if find_spec(request.param) is None and request.param not in os.environ.get(
        "KERAS_BACKENDS", ""
    ):
        pytest.skip(f"no {request.param} here; tox -e keras has it")
    return request.param


def definition(backend):
    command = ALONE if backend == "tensorflow" else sys.executable
    return f"{backend} = KERAS_BACKEND={backend} {command}"


def test_the_layers_are_tested_and_the_rest_is_unsupported(pytester, backend):
    pytester.makefile(".yaml", test=CASES.replace("BACKEND", backend))
    run = pytester.runpytest_inprocess("test.yaml", "--tf-subject", definition(backend), "-rs")
    run.assert_outcomes(passed=10, skipped=35)
    run.stdout.fnmatch_lines([f"*{backend}: Keras 3* on {backend} *, CPU*"])
    records = read(pytester.path / f"reports/results-{backend}.jsonl")
    verdicts = {name.partition("::")[2]: end for name, end in records.ends.items()}
    assert verdicts["refused[eager]"]["verdict"] == "refused"
    (line,) = records.subjects.values()
    subject = line["subject"]
    assert subject["tensorflow"] is subject["onednn"] is None
    assert subject["backend"].split()[0] == backend
    for name, needs in UNSUPPORTED.items():
        needs = needs.replace("BACKEND", subject["backend"])
        assert verdicts[name]["reason"] == f"requires {needs}"
    assert "padding: string" in line["sentences"]["keras-conv2d.padding-kind"]
    assert line["sentences"]["conv2d.values"] is None


def test_a_worker_that_dies_costs_one_call(backend):
    name, _, rest = definition(backend).partition(" = ")
    gateway = Gateway((), 60, define(f"{name} = device=CPU:0 {rest}", Path()))
    assert gateway.subject["device"] == "cpu"
    call = {**head(strides=1), "function": "tf.keras.layers.Conv2D"}
    first = gateway.call(call, arrays())
    (worker,) = children(gateway.pid)
    os.kill(worker, signal.SIGKILL)
    assert gateway.call(call, arrays()).signal == "SIGKILL"
    again = gateway.call(call, arrays())
    assert again.answers[0].values.tolist() == first.answers[0].values.tolist()
    gateway.close()


def test_a_device_that_is_not_there_is_refused(pytester, backend):
    pytester.makefile(".yaml", test=CASES.replace("BACKEND", backend))
    name, _, rest = definition(backend).partition(" = ")
    run = pytester.runpytest_inprocess("test.yaml", f"--tf-subject={name} = device=GPU:7 {rest}")
    run.stdout.fnmatch_lines(["*there is no device GPU:7; its devices are: CPU:0*"])
    run.stdout.no_fnmatch_line("*pip install*")


def test_a_backend_that_is_none_is_named():
    gateway = Gateway((), 60, Definition(environment=(("KERAS_BACKEND", "theano"),)))
    with pytest.raises(SubjectUnavailableError) as raised:
        _ = gateway.subject
    gateway.close()
    assert str(raised.value).startswith("Keras on theano did not start in ")
    assert "backend" in str(raised.value).splitlines()[0]
    assert str(raised.value).endswith("-m pip install keras.")


@pytest.mark.parametrize(
    ("value", "selected"), [(None, False), ("", False), ("tensorflow", False), ("jax", True)]
)
def test_the_environment_selects_the_backend(monkeypatch, value, selected):
    monkeypatch.delenv("KERAS_BACKEND", raising=False)
    if value is not None:
        monkeypatch.setenv("KERAS_BACKEND", value)
    assert keras_subject.selected() is selected


def test_a_configuration_file_of_keras_does_not_change_the_defaults(tmp_path, monkeypatch):
    """They are those of the documentation: TensorFlow, channels last."""
    monkeypatch.delenv("KERAS_HOME", raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    settings = {"backend": "jax", "image_data_format": "channels_first", "floatx": "float64"}
    (tmp_path / ".keras").mkdir()
    (tmp_path / ".keras/keras.json").write_text(json.dumps(settings), encoding="utf-8")
    gateway = Gateway((), 60)
    call = {**head(strides=1), "function": "tf.keras.layers.Conv2D"}
    (answer,) = gateway.call(call, arrays((1, 3, 4, 1))).answers
    gateway.close()
    assert (answer.error, answer.shape) == (None, (1, 2, 3, 1))
