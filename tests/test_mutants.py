"""The wrong oracles: asked for one pixel first, they are noticed on the same data as when they are evaluated in full."""

import tracemalloc
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tf_conv_conformance import prediction
from tf_conv_conformance.arguments import Arguments, TensorSpec, read
from tf_conv_conformance.oracle import mutants
from tf_conv_conformance.oracle.error_bounds import Values
from tf_conv_conformance.oracle.models import DOCUMENTED, PHASE_STRIDED, Impossible, forward_shape, shape, values
from tf_conv_conformance.oracle.mutants import less_precise, unnoticed, wrong_oracles

SQUARE = Arguments("conv2d", TensorSpec((2, 9, 8, 3)), TensorSpec((3, 3, 3, 4)), (1, 2, 3, 1), "SAME", (2, 1))


def in_full(model, arguments, arms, seed):
    """The definition: every wrong oracle, the whole of its result, on every arm; then on wide random data."""
    wide = np.random.RandomState(seed)
    random = tuple(wide.randint(1, 2**16, size=tensor.shape).astype(np.float64) for tensor in arms[0])
    for wrong in wrong_oracles(model, arguments):
        if not any(another(wrong, model, arguments, tensors) for tensors in arms) and another(wrong, model, arguments, random):
            return wrong.name
    return None


def another(wrong, model, arguments, tensors):
    reading = read(arguments)
    axes = ((reading.height, wrong.height), (reading.width, wrong.width))
    if any(model.reads(right).shape != wrong.model.reads(other).shape for right, other in axes):
        return True  # another shape, which any data shows
    found, right = wrong.values(arguments, tensors), values(model, arguments, *tensors)
    return not np.array_equal(found, right)


def told(model, arguments, arms, seed=0):
    right = [Values(values(model, arguments, *tensors)) for tensors in arms]
    return unnoticed(model, arguments, arms, right, lambda sums: sums, seed)


CALLS = st.fixed_dictionaries(
    {
        "op": st.sampled_from(["conv2d", "depthwise_conv2d"]),
        "n": st.tuples(st.integers(0, 7), st.integers(0, 7)),
        "k": st.tuples(st.integers(0, 3), st.integers(0, 3)),
        "s": st.sampled_from([(1, 1), (2, 2), (1, 3)]),
        "r": st.sampled_from([(1, 1), (2, 2), (1, 2)]),
        "padding": st.sampled_from(["SAME", "VALID", ((0, 0), (2, 1), (0, 5), (0, 0))]),
        "channels": st.sampled_from([(1, 1, 1), (2, 2, 2), (4, 2, 4), (1, 1, 12)]),
        "batch": st.sampled_from([(1,), (2,), (2, 1), (0,)]),
        "first": st.booleans(),
        "gradient": st.sampled_from([None, None, None, "input", "filter"]),
    }
)


def call(c):
    channels, depth, last = c["channels"]
    depth = channels if c["op"] == "depthwise_conv2d" else depth
    x, strides, padding = (*c["batch"], *c["n"], channels), (1, *c["s"], 1), c["padding"]
    if c["first"]:
        x, strides = (*c["batch"], channels, *c["n"]), (1, 1, *c["s"])
        padding = padding if isinstance(padding, str) else (padding[0], padding[3], *padding[1:3])
    format_ = "NCHW" if c["first"] else "NHWC"
    return Arguments(c["op"], TensorSpec(x), TensorSpec((*c["k"], depth, last)), strides, padding, c["r"], format_, gradient=c["gradient"])


@settings(max_examples=400, deadline=None)
@given(
    CALLS,
    st.sampled_from([DOCUMENTED, PHASE_STRIDED]),
    st.sampled_from([(0,), (1,), (0, 1), (1, 2, 3)]),
    st.integers(0, 2**16),
    st.integers(1, 2),
)
def test_one_pixel_tells_what_the_whole_tells(c, model, numbers, seed, count):
    """On data of few numbers, which notices little."""
    arguments, random = call(c), np.random.RandomState(seed)
    try:
        shapes = [arguments.input.shape, arguments.filter.shape, *([forward_shape(model, arguments)] if arguments.gradient else [])]
        shape(model, arguments)
    except Impossible:
        return
    arms = [tuple(random.choice(numbers, size=size).astype(np.float64) for size in shapes) for _ in range(count)]
    assert told(model, arguments, arms, seed) == in_full(model, arguments, arms, seed)


def test_a_wrong_oracle_that_agrees_in_its_pixel_is_seen_in_another():
    """The last tap is looked for where most is read, and there everything is zero."""
    arguments = Arguments("conv2d", TensorSpec((1, 4, 4, 1)), TensorSpec((2, 2, 1, 1)), 1, "VALID")
    x, w = np.zeros((1, 4, 4, 1)), np.array([1.0, 2, 3, 5]).reshape(2, 2, 1, 1)
    assert told(DOCUMENTED, arguments, [(x, w)]) == "height padding shifted by one"
    x[0, 2:, 2:] = np.array([[1.0, 7], [11, 17]])[..., None]
    assert told(DOCUMENTED, arguments, [(x, w)]) is None


@pytest.mark.parametrize(
    ("w", "name"),
    [
        ([[1, 2, 1], [3, 4, 3], [5, 6, 5]], "filter flipped in width"),
        ([[1, 3, 5], [2, 4, 6], [1, 3, 5]], "filter flipped in height"),
        ([[1, 2, 3], [4, 5, 4], [3, 2, 1]], "filter flipped in height and width"),
        ([[1, 2, 3], [2, 5, 6], [3, 6, 9]], "filter transposed"),
        ([[0, 2, 3], [4, 5, 6], [7, 8, 9]], "first tap dropped"),
        ([[1, 2, 3], [4, 5, 6], [7, 8, 0]], "last tap dropped"),
    ],
)
def test_a_symmetric_filter_does_not_tell_what_it_is_symmetric_in(w, name):
    arguments = Arguments("conv2d", TensorSpec((1, 6, 6, 1)), TensorSpec((3, 3, 1, 1)), 1, "VALID")
    x = np.random.RandomState(0).randint(1, 99, size=(1, 6, 6, 1)).astype(np.float64)
    assert told(DOCUMENTED, arguments, [(x, np.array(w, np.float64).reshape(3, 3, 1, 1))]) == name


def test_drawn_data_is_not_evaluated_in_full(monkeypatch):
    monkeypatch.setattr(mutants.Wrong, "values", lambda *_: pytest.fail("evaluated in full"))
    for arguments in (SQUARE, replace(SQUARE, op="depthwise_conv2d"), replace(SQUARE, filter=TensorSpec((1, 1, 3, 4)))):
        assert prediction.inputs(arguments).vacuous is None


def test_a_difference_within_the_bound_is_none():
    """Reals are held to a bound, and a wrong oracle that is within it is one that the verdict would let pass."""
    arguments = Arguments("conv2d", TensorSpec((1, 3, 3, 1)), TensorSpec((2, 1, 1, 1)), 1, "VALID", data=("reals",))
    x, w = np.random.RandomState(0).rand(1, 3, 3, 1), np.array([1.0, 2.0**-40]).reshape(2, 1, 1, 1)
    numbers = values(DOCUMENTED, arguments, x, w)
    loose, tight = (Values(numbers, np.full(numbers.shape, bound)) for bound in (2.0**-30, 2.0**-52))
    assert unnoticed(DOCUMENTED, arguments, [(x, w)], [loose], lambda sums: sums, 0) == "last tap dropped"
    assert unnoticed(DOCUMENTED, arguments, [(x, w)], [tight], lambda sums: sums, 0) is None


@pytest.mark.parametrize(("dtype", "top"), [("float32", 2**11), ("float64", 2**24)])
def test_wide_sums_tell_less_precision(dtype, top):
    one = Arguments("conv2d", TensorSpec((1, 2, 2, 1)), TensorSpec((1, 1, 1, 1)), 1, "VALID", dtype=dtype)
    w = np.ones((1, 1, 1, 1))
    for number, name in ((top - 1, f"sums of {top.bit_length() - 1} bits"), (top, f"sums of {top.bit_length() - 1} bits"), (top + 1, None)):
        x = np.full((1, 2, 2, 1), float(number))
        assert less_precise(DOCUMENTED, one, Values(values(DOCUMENTED, one, x, w)), (x, w), 0) == name
    assert prediction.inputs(one).vacuous is None


def test_sums_of_padding_alone_are_zero_in_any_precision():
    outside = Arguments("conv2d", TensorSpec((1, 2, 2, 1)), TensorSpec((1, 1, 1, 1)), 9, ((0, 0), (1, 0), (1, 0), (0, 0)))
    x, w = np.full((1, 2, 2, 1), 3.0), np.ones((1, 1, 1, 1))
    assert values(DOCUMENTED, outside, x, w).ravel().tolist() == [0]
    assert less_precise(DOCUMENTED, outside, Values(np.zeros((1, 1, 1, 1))), (x, w), 0) is None


def test_a_wrong_oracle_with_a_size_without_bound_is_not_computed():
    """Phase by phase, a filter without height has a result of twice the rate; its reads would take 32 GiB."""
    arguments = Arguments("conv2d", TensorSpec((1, 1, 1, 1)), TensorSpec((0, 1, 1, 1)), (1, 1, 1, 1), "SAME", (2**32, 1))
    tracemalloc.start()
    try:
        assert prediction.inputs(arguments).vacuous is None
        assert tracemalloc.get_traced_memory()[1] < 2**24
    finally:
        tracemalloc.stop()
