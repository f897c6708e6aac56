"""Any bytes as a case file give calls or diagnostics, within limits, and never an exception."""

import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import HealthCheck, assume, example, given, settings
from hypothesis import strategies as st

from support.largest_files import LARGEST
from tf_conv_conformance.casefile.loading import load
from tf_conv_conformance.convolution.entry_points import BY_OP
from tf_conv_conformance.prediction.models import DOCUMENTED
from tf_conv_conformance.prediction.predict import Refuses, Returns, predict
from tf_conv_conformance.prediction.reproduction import python

SHIPPED = [
    path.read_bytes()
    for path in sorted((Path(__file__).parents[2] / "cases").rglob("*.yaml"))
    if "sweep" not in path.name
]
PIECES = [
    b"null",
    b"-1",
    b"0",
    b"1e999",
    b"99999999999999999999",
    b"[]",
    b"{}",
    b"*all",
    b"&a",
    b"<<:",
    b"!!x",
    b"\t",
    b"\x00",
    b"\xff",
    b"---\n",
    b"'",
    b'"',
    b"[",
    b"]",
    b": ",
    b"\n",
    b"$in_channels",
    b"2147483648",
    b".nan",
    b"yes",
    b"verbatim",
    b"values",
    b"- ",
    b"conv2d",
    b"xla",
]


@st.composite
def mutated(draw):
    """Draw a shipped file with some of its bytes removed, doubled, moved or replaced."""
    data = draw(st.sampled_from(SHIPPED))
    for _ in range(draw(st.integers(1, 6))):
        start = draw(st.integers(0, len(data)))
        end = min(len(data), start + draw(st.integers(0, 30)))
        piece = draw(
            st.one_of(st.sampled_from(PIECES), st.binary(max_size=8), st.just(data[start:end] * 2))
        )
        data = data[:start] + piece + data[end:]
    return data


def check(path, data):
    path.write_bytes(data)
    loaded = load(path)
    assert loaded.calls or loaded.diagnostics
    for diagnostic in loaded.diagnostics:
        line = diagnostic.at("f.yaml")
        assert "\n" not in line
        assert diagnostic.line >= 1
        assert diagnostic.column >= 1
    names = [call.name for call in loaded.calls]
    assert len(names) == len(set(names))
    return loaded


@settings(
    max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(mutated())
@pytest.mark.slow
def test_a_mutated_file_gives_calls_or_diagnostics(tmp_path, data):
    loaded = check(tmp_path / "f.yaml", data)
    for call in loaded.calls[::20]:
        inputs = predict(call.arguments)
        assert compile(python(call.arguments, call.mode, inputs.arms[0]), "pasted", "exec")
        for arm in inputs.arms:
            shapes = [array.shape for array in arm.arrays(call.arguments)][:2]
            assert shapes == [call.arguments.input.shape, call.arguments.filter.shape]


@settings(
    max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(st.binary(max_size=300))
def test_any_bytes_give_calls_or_diagnostics(tmp_path, data):
    check(tmp_path / "f.yaml", data)


INTS = st.lists(st.integers(-2, 4), max_size=5).map(tuple)


@settings(max_examples=300, deadline=None)
@given(
    op=st.sampled_from(["conv2d", "depthwise_conv2d"]),
    x=st.lists(st.integers(0, 6), max_size=6).map(tuple),
    w=st.lists(st.integers(0, 3), max_size=5).map(tuple),
    strides=st.one_of(st.integers(-1, 3), INTS),
    dilations=st.one_of(st.none(), st.integers(-1, 3), INTS),
    padding=st.one_of(
        st.sampled_from(["SAME", "VALID", "FULL"]), st.lists(INTS, max_size=5).map(tuple)
    ),
    data_format=st.sampled_from([None, "NHWC", "NCHW", "NHCW"]),
    via=st.sampled_from([None, "tf.raw_ops.Conv2D", "tf.raw_ops.DepthwiseConv2dNative"]),
    gradient=st.sampled_from([None, "input", "filter"]),
)
@example(
    op="conv2d",
    x=(1, 4, 4, 0),
    w=(2, 2, 3, 2),
    strides=1,
    dilations=None,
    padding="VALID",
    data_format=None,
    via="tf.keras.layers.Conv2D",
    gradient=None,
)
@example(
    op="conv2d",
    x=(1, 4, 4, 0),
    w=(2, 2, 3, 2),
    strides=1,
    dilations=None,
    padding="VALID",
    data_format=None,
    via=None,
    gradient=None,
)
@example(
    op="depthwise_conv2d",
    x=(1, 9, 9, 1),
    w=(3, 3, 1, 1),
    strides=(1, 3, 3, 1),
    dilations=(1, 2, 2, 1),
    padding="VALID",
    data_format="NHWC",
    via="tf.raw_ops.DepthwiseConv2dNative",
    gradient="filter",
)
def test_all_arguments_have_a_prediction(
    op, x, w, strides, dilations, padding, data_format, via, gradient
):
    """The documentation lets each call return or refuses it by a named rule; the oracle can compute
    each result.
    """
    from tf_conv_conformance.convolution.arguments import Arguments, TensorSpec

    assume(via in (None, *(entry.symbol for entry in BY_OP[op])))
    arguments = Arguments(
        op,
        TensorSpec(x),
        TensorSpec(w),
        strides,
        padding,
        dilations,
        data_format,
        via=via,
        gradient=gradient,
    )
    documented, formula = (
        predict(arguments).documented,
        predict(arguments).outcome(DOCUMENTED),
    )
    if isinstance(documented, Refuses):
        assert all("." in reason and " " not in reason for reason in documented.because), documented
    else:
        assert isinstance(documented, Returns)
        assert documented == formula
        assert [values.numbers.shape for values in predict(arguments).values(DOCUMENTED)] == [
            documented.shape
        ] * 2


MEASURE = """
import os, pathlib, resource, sys
from tf_conv_conformance.casefile.loading import load

def peak():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss

for path in map(pathlib.Path, sys.argv[1:]):
    if os.fork():
        assert os.wait()[1] == 0, path
        continue
    before = peak()
    loaded = load(path)
    assert loaded.calls or loaded.diagnostics
    assert len(loaded.calls) <= 300_000
    os.write(1, f"{path.stem}: {peak() - before}\\n".encode())
    os._exit(0)
"""
LONGEST = "combinations"  # to read: 300,000 calls


def measured(folder, *names):
    """Return the peak kilobytes for reading each file, without imports; each is read in a fork of
    one new process.
    """
    paths = [folder / f"{name}.yaml" for name in names]
    for path, name in zip(paths, names, strict=True):
        path.write_text(LARGEST[name], encoding="utf-8")
    result = subprocess.run(
        [sys.executable, "-c", MEASURE, *map(str, paths)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 0, result.stderr
    return {
        name: int(size) for name, size in (line.split(": ") for line in result.stdout.splitlines())
    }


@pytest.mark.slow
def test_the_largest_files_take_no_more_than_the_bounds(tmp_path):
    names = [name for name in LARGEST if name != LONGEST]
    sizes = measured(tmp_path, *names)
    assert list(sizes) == names
    assert {name: size for name, size in sizes.items() if size >= 200 * 1024} == {}


@pytest.mark.slow
def test_the_longest_file_takes_no_more_than_the_bounds(tmp_path):
    assert measured(tmp_path, LONGEST)[LONGEST] < 200 * 1024
