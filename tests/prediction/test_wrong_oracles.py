"""The wrong oracles: evaluated for one pixel first, they are detected on the same data as when they
are evaluated in full.
"""

import tracemalloc
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tf_conv_conformance.convolution.arguments import Arguments, TensorSpec, interpret
from tf_conv_conformance.convolution.company import AFTER, Operation
from tf_conv_conformance.convolution.geometry import Axis
from tf_conv_conformance.prediction import wrong_oracles as module
from tf_conv_conformance.prediction.error_bounds import Values
from tf_conv_conformance.prediction.exclusions import CODES
from tf_conv_conformance.prediction.layout import NoResultError
from tf_conv_conformance.prediction.models import (
    DOCUMENTED,
    PHASE_STRIDED,
)
from tf_conv_conformance.prediction.predict import predict
from tf_conv_conformance.prediction.wrong_oracles import (
    Detection,
    detect,
    detect_low_precision,
    detect_wrong_function,
    wrong_oracles,
)

SQUARE = Arguments(
    "conv2d", TensorSpec((2, 9, 8, 3)), TensorSpec((3, 3, 3, 4)), (1, 2, 3, 1), "SAME", (2, 1)
)


def in_full(model, arguments, arms, seed):
    """The definition: every wrong oracle, the whole of its result, on every arm; then on wide
    random data.
    """
    wide = np.random.RandomState(seed)
    random = tuple(
        wide.randint(1, 2**16, size=tensor.shape).astype(np.float64) for tensor in arms[0]
    )
    excluded = {
        wrong.name
        for wrong in wrong_oracles(model, arguments)
        if any(another(wrong, model, arguments, tensors) for tensors in arms)
    }
    left = [wrong for wrong in wrong_oracles(model, arguments) if wrong.name not in excluded]
    return excluded, next(
        (wrong.name for wrong in left if another(wrong, model, arguments, random)), None
    )


def another(wrong, model, arguments, tensors):
    interpretation = interpret(arguments)
    axes = ((interpretation.height, wrong.height), (interpretation.width, wrong.width))
    if any(model.indices(right).shape != wrong.model.indices(other).shape for right, other in axes):
        return True  # another shape, which any data shows
    found, right = wrong.values(arguments, tensors), model.values(arguments, *tensors)
    return not np.array_equal(found, right)


def of(model, arguments, arms, seed=0):
    right = [Values(model.values(arguments, *tensors)) for tensors in arms]
    return detect_wrong_function(model, arguments, arms, right, lambda sums: sums, seed)


def unnoticed(model, arguments, arms):
    return of(model, arguments, arms).missed


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
    return Arguments(
        c["op"],
        TensorSpec(x),
        TensorSpec((*c["k"], depth, last)),
        strides,
        padding,
        c["r"],
        format_,
        gradient=c["gradient"],
    )


@settings(max_examples=400, deadline=None)
@given(
    CALLS,
    st.sampled_from([DOCUMENTED, PHASE_STRIDED]),
    st.sampled_from([(0,), (1,), (0, 1), (1, 2, 3)]),
    st.integers(0, 2**16),
    st.integers(1, 2),
)
def test_evaluating_one_pixel_first_changes_no_detection(c, model, numbers, seed, count):
    """The data has few different numbers, so it detects little."""
    arguments, random = call(c), np.random.RandomState(seed)
    try:
        shapes = [
            arguments.input.shape,
            arguments.filter.shape,
            *([model.forward_shape(arguments)] if arguments.gradient else []),
        ]
        model.shape(arguments)
    except NoResultError:
        return
    arms = [
        tuple(random.choice(numbers, size=size).astype(np.float64) for size in shapes)
        for _ in range(count)
    ]
    found = of(model, arguments, arms, seed)
    assert len(set(found.excluded)) == len(found.excluded)
    assert (set(found.excluded), found.missed) == in_full(model, arguments, arms, seed)


def test_a_wrong_oracle_that_agrees_in_its_pixel_is_detected_elsewhere():
    """A dropped last tap is first compared where the most input is read, but the input is zero
    there.
    """
    arguments = Arguments("conv2d", TensorSpec((1, 4, 4, 1)), TensorSpec((2, 2, 1, 1)), 1, "VALID")
    x, w = np.zeros((1, 4, 4, 1)), np.array([1.0, 2, 3, 5]).reshape(2, 2, 1, 1)
    assert unnoticed(DOCUMENTED, arguments, [(x, w)]) == "height padding shifted by one"
    x[0, 2:, 2:] = np.array([[1.0, 7], [11, 17]])[..., None]
    assert unnoticed(DOCUMENTED, arguments, [(x, w)]) is None


def test_another_place_is_asked_with_the_right_filter():
    """Every other of the rows 0, 5, 5 is the same as the one before it, for any filter; with the
    filters reversed it is not.
    """
    arguments = Arguments(
        "conv2d", TensorSpec((1, 3, 1, 1)), TensorSpec((1, 1, 1, 2)), (1, 2, 1, 1), "VALID"
    )
    x, w = np.array([0.0, 5, 5]).reshape(1, 3, 1, 1), np.array([1.0, 2]).reshape(1, 1, 1, 2)
    assert of(DOCUMENTED, arguments, [(x, w)]) == Detection(
        ("height and width swapped", "width padding shifted by one", "filters reversed"),
        "height padding shifted by one",
    )


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
def test_a_symmetric_filter_does_not_detect_its_symmetries(w, name):
    arguments = Arguments("conv2d", TensorSpec((1, 6, 6, 1)), TensorSpec((3, 3, 1, 1)), 1, "VALID")
    x = np.random.RandomState(0).randint(1, 99, size=(1, 6, 6, 1)).astype(np.float64)
    assert (
        unnoticed(DOCUMENTED, arguments, [(x, np.array(w, np.float64).reshape(3, 3, 1, 1))]) == name
    )


def test_drawn_data_is_not_evaluated_in_full(monkeypatch):
    monkeypatch.setattr(module.WrongOracle, "values", lambda *_: pytest.fail("evaluated in full"))
    for arguments in (
        SQUARE,
        replace(SQUARE, op="depthwise_conv2d"),
        replace(SQUARE, filter=TensorSpec((1, 1, 3, 4))),
    ):
        assert predict(arguments).vacuous is None


def test_a_difference_within_the_bound_is_none():
    """Reals are held to a bound, and a wrong oracle that is within it is one that the verdict would
    let pass.
    """
    arguments = Arguments(
        "conv2d", TensorSpec((1, 3, 3, 1)), TensorSpec((2, 1, 1, 1)), 1, "VALID", data=("reals",)
    )
    x, w = np.random.RandomState(0).rand(1, 3, 3, 1), np.array([1.0, 2.0**-40]).reshape(2, 1, 1, 1)
    numbers = DOCUMENTED.values(arguments, x, w)
    loose, tight = (
        Values(numbers, np.full(numbers.shape, bound)) for bound in (2.0**-30, 2.0**-52)
    )
    others = (
        "height padding shifted by one",
        "width padding shifted by one",
        "first tap dropped",
        "filter flipped in height",
    )
    assert detect_wrong_function(
        DOCUMENTED, arguments, [(x, w)], [loose], lambda sums: sums, 0
    ) == Detection(others, "last tap dropped")
    assert (
        "last tap dropped"
        in detect_wrong_function(
            DOCUMENTED, arguments, [(x, w)], [tight], lambda sums: sums, 0
        ).excluded
    )


@pytest.mark.parametrize(
    ("dtype", "top"), [("float16", 2**8), ("float32", 2**11), ("float64", 2**24), ("int32", 2**24)]
)
def test_wide_sums_detect_less_precision(dtype, top):
    one = Arguments(
        "conv2d", TensorSpec((1, 2, 2, 1)), TensorSpec((1, 1, 1, 1)), 1, "VALID", dtype=dtype
    )
    w = np.ones((1, 1, 1, 1))
    for number, name in (
        (top - 1, f"sums of {top.bit_length() - 1} bits"),
        (top, f"sums of {top.bit_length() - 1} bits"),
        (top + 1, None),
    ):
        x = np.full((1, 2, 2, 1), float(number))
        said = [Values(DOCUMENTED.values(one, x, w))]
        excluded = () if name else (f"sums of {top.bit_length() - 1} bits",)
        assert detect_low_precision(
            DOCUMENTED, one, {"wide_integers": (x, w)}, said, 0
        ) == Detection(excluded, name)
        assert detect_low_precision(DOCUMENTED, one, {"literal": (x, w)}, said, 0) == Detection(
            excluded, None
        )  # it need not show it
    assert predict(one).vacuous is None


def test_sums_of_padding_alone_are_zero_in_any_precision():
    outside = Arguments(
        "conv2d",
        TensorSpec((1, 2, 2, 1)),
        TensorSpec((1, 1, 1, 1)),
        9,
        ((0, 0), (1, 0), (1, 0), (0, 0)),
    )
    x, w = np.full((1, 2, 2, 1), 3.0), np.ones((1, 1, 1, 1))
    assert DOCUMENTED.values(outside, x, w).ravel().tolist() == [0]
    assert (
        detect_low_precision(
            DOCUMENTED, outside, {"wide_integers": (x, w)}, [Values(np.zeros((1, 1, 1, 1)))], 0
        )
        == Detection()
    )


def test_half_is_held_to_its_precision_where_random_sums_reach_it():
    """Of K products of 2047 / K at most, a sum is about 2047 / sqrt(3 K), and bfloat16 holds all
    integers up to 256: four times less, to be sure.
    """
    for channels, name in ((4, "sums of 8 bits"), (5, None)):
        one = Arguments(
            "conv2d",
            TensorSpec((1, 1, 1, channels)),
            TensorSpec((1, 1, channels, 1)),
            1,
            "VALID",
            dtype="float16",
        )
        x, w = np.ones((1, 1, 1, channels)), np.ones((1, 1, channels, 1))
        assert detect_low_precision(
            DOCUMENTED, one, {"wide_integers": (x, w)}, [Values(DOCUMENTED.values(one, x, w))], 0
        ) == Detection((), name)


@pytest.mark.parametrize(
    ("pixels", "arm", "missed"),
    [
        ((1, 7, 11, 17), "wide_integers", "sums of 11 bits"),
        ((1, 7, 11, 17), "literal", None),
        ((0, 0, 0, 2**12 + 1), "wide_integers", "filter transposed"),
        ((0, 0, 0, 0), "wide_integers", "height padding shifted by one"),
    ],
)
def test_data_misses_a_wrong_function_or_less_precision(pixels, arm, missed):
    """Either is enough for a call to be vacuous. Of both, the function is named."""
    one = Arguments("conv2d", TensorSpec((1, 2, 2, 1)), TensorSpec((2, 2, 1, 1)), 1, "VALID")
    x, w = np.array(pixels, np.float64).reshape(1, 2, 2, 1), np.array([1.0, 2, 3, 5])
    arms = {arm: (x, w.reshape(2, 2, 1, 1))}
    right = [Values(DOCUMENTED.values(one, *arms[arm]))]
    assert detect(DOCUMENTED, one, arms, right, lambda sums: sums, 0).missed == missed


def test_float32_must_detect_less_precision_up_to_many_products():
    """Up to 4**11 products: float32 has 13 bits more than the sums, less two for safety."""
    one = Arguments("conv2d", TensorSpec((1, 1, 1, 99)), TensorSpec((1, 1, 99, 1)), 1, "VALID")
    x, w = np.ones((1, 1, 1, 99)), np.ones((1, 1, 99, 1))
    assert detect_low_precision(
        DOCUMENTED, one, {"wide_integers": (x, w)}, [Values(np.full((1, 1, 1, 1), 99.0))], 0
    ) == Detection((), "sums of 11 bits")


def test_bfloat16_has_no_lower_precision():
    one = Arguments(
        "conv2d", TensorSpec((1, 1, 1, 1)), TensorSpec((1, 1, 1, 1)), 1, "VALID", dtype="bfloat16"
    )
    x = np.full((1, 1, 1, 1), 255.0)
    assert (
        detect_low_precision(DOCUMENTED, one, {"wide_integers": (x, x)}, [Values(x)], 0)
        == Detection()
    )


def test_reals_detect_less_precision_beyond_their_bound():
    one = Arguments(
        "conv2d", TensorSpec((1, 1, 1, 1)), TensorSpec((1, 1, 1, 1)), 1, "VALID", data=("reals",)
    )
    x, w = np.full((1, 1, 1, 1), 1 + 2.0**-12), np.ones((1, 1, 1, 1))
    for bound, excluded in ((2.0**-11, ()), (2.0**-22, ("sums of 11 bits",))):
        assert detect_low_precision(
            DOCUMENTED, one, {"reals": (x, w)}, [Values(x, np.full(x.shape, bound))], 0
        ) == Detection(excluded)


def test_infinities_are_the_same_in_fewer_bits():
    one = Arguments(
        "conv2d", TensorSpec((1, 1, 1, 1), (1.0,)), TensorSpec((1, 1, 1, 1)), 1, "VALID"
    )
    for number in (np.inf, -np.inf, np.nan, 0.0, 2.0**127, -1.5e300):
        x = np.full((1, 1, 1, 1), number)
        assert detect_low_precision(
            DOCUMENTED, one, {"literal": (x, x)}, [Values(x)], 0
        ) == Detection(("sums of 11 bits",) if number == -1.5e300 else ())


def test_a_filter_without_flips_excludes_what_it_shows_alone():
    """A filter of one row is no other function flipped in height or transposed; two equal taps are
    the same when they are flipped.
    """
    arguments = Arguments("conv2d", TensorSpec((1, 1, 3, 1)), TensorSpec((1, 2, 1, 1)), 1, "VALID")
    x = np.array([1.0, 2, 4]).reshape(1, 1, 3, 1)
    for taps, flip, unseen in (
        ((3, 5), ("filter flipped in width",), None),
        ((3, 3), (), "filter flipped in width"),
    ):
        found = of(DOCUMENTED, arguments, [(x, np.array(taps, np.float64).reshape(1, 2, 1, 1))])
        always = (
            "height padding shifted by one",
            "width padding shifted by one",
            "last tap dropped",
            "first tap dropped",
        )
        assert found == Detection((*always, *flip), unseen)


HEIGHT, WIDTH = (
    Axis(9, 3, 2, 2, "SAME"),
    Axis(8, 3, 3, 1, "SAME"),
)  # SQUARE's: padded (2, 2) and (0, 1), phase by phase (2, 2) and (1, 1)
SWAPPED = ("height and width swapped", Axis(9, 3, 3, 1, "SAME"), Axis(8, 3, 2, 2, "SAME"))
UNDILATED = ("dilation ignored", Axis(9, 3, 2, 1, "SAME"), WIDTH)


def axes(model, arguments):
    return [
        (wrong.name, wrong.height, wrong.width)
        for wrong in wrong_oracles(model, arguments)
        if wrong.filter is None
    ]


def test_the_axes_of_wrong_oracles_by_hand():
    assert axes(DOCUMENTED, SQUARE) == [
        ("height padding shifted by one", Axis(9, 3, 2, 2, (3, 1)), WIDTH),
        ("width padding shifted by one", HEIGHT, Axis(8, 3, 3, 1, (1, 0))),
        SWAPPED,
        UNDILATED,
        ("phase_strided instead of documented", HEIGHT, WIDTH),
    ]
    assert axes(PHASE_STRIDED, SQUARE) == [
        ("height padding shifted by one", Axis(9, 3, 2, 2, (3, 1)), WIDTH),
        ("width padding shifted by one", HEIGHT, Axis(8, 3, 3, 1, (2, 0))),
        SWAPPED,
        UNDILATED,
        ("documented instead of phase_strided", HEIGHT, WIDTH),
    ]


@pytest.mark.parametrize(
    ("strides", "rates", "padding", "expected"),
    [
        ((1, 1), (1, 1), "SAME", set()),
        ((1, 2), (1, 1), "SAME", {"height and width swapped"}),
        ((2, 1), (1, 1), "SAME", {"height and width swapped"}),
        ((1, 1), (1, 2), "SAME", {"height and width swapped", "dilation ignored"}),
        ((1, 1), (2, 1), "SAME", {"height and width swapped", "dilation ignored"}),
        ((1, 1), (2, 2), "SAME", {"dilation ignored"}),
        ((1, 1), (1, 1), ((0, 0), (1, 0), (1, 1), (0, 0)), {"height and width swapped"}),
    ],
)
def test_equal_axes_are_not_swapped_and_a_rate_of_one_is_not_ignored(
    strides, rates, padding, expected
):
    names = {
        name
        for name, _, _ in axes(
            DOCUMENTED, replace(SQUARE, strides=(1, *strides, 1), dilations=rates, padding=padding)
        )
    }
    assert (
        names
        - {f"{axis} padding shifted by one" for axis in ("height", "width")}
        - {"phase_strided instead of documented"}
        == expected
    )


TAPS = ("last tap dropped", "first tap dropped")
FLIPS = (
    "filter flipped in height",
    "filter flipped in width",
    "filter flipped in height and width",
)


@pytest.mark.parametrize(
    ("shape_", "names"),
    [
        ((1, 1, 1, 1), ()),
        ((0, 0, 0, 0), ()),
        ((2, 2, 1, 1), ("filter transposed", *TAPS, *FLIPS)),
        ((2, 3, 1, 1), (*TAPS, *FLIPS)),
        ((2, 1, 1, 1), (*TAPS, FLIPS[0])),
        ((1, 2, 1, 1), (*TAPS, FLIPS[1])),
        ((0, 2, 1, 1), (FLIPS[1],)),
        ((2, 0, 1, 1), (FLIPS[0],)),
        ((1, 1, 2, 1), ("channels reversed",)),
        ((1, 1, 1, 2), ("filters reversed",)),
    ],
)
def test_only_filters_that_differ_are_wrong(shape_, names):
    arguments = replace(SQUARE, input=TensorSpec((1, 9, 9, shape_[2])), filter=TensorSpec(shape_))
    assert (
        tuple(wrong.name for wrong in wrong_oracles(DOCUMENTED, arguments) if wrong.filter) == names
    )
    by_input, by_filter = (replace(arguments, gradient=tensor) for tensor in ("input", "filter"))
    assert (
        tuple(wrong.name for wrong in wrong_oracles(DOCUMENTED, by_input) if wrong.filter) == names
    )
    assert not [
        wrong for wrong in wrong_oracles(DOCUMENTED, by_filter) if wrong.filter
    ]  # it is not multiplied with


def test_wrong_filters_by_hand():
    def of_shape(*shape_):
        arguments = replace(
            SQUARE, input=TensorSpec((1, 9, 9, shape_[2])), filter=TensorSpec(shape_)
        )
        w = np.arange(1.0, 1 + np.prod(shape_)).reshape(shape_)
        return {
            wrong.name: wrong.filter(w).ravel().tolist()
            for wrong in wrong_oracles(DOCUMENTED, arguments)
            if wrong.filter
        }

    assert of_shape(2, 2, 1, 1) == {
        "filter transposed": [1, 3, 2, 4],
        "last tap dropped": [1, 2, 3, 0],
        "first tap dropped": [0, 2, 3, 4],
        "filter flipped in height": [3, 4, 1, 2],
        "filter flipped in width": [2, 1, 4, 3],
        "filter flipped in height and width": [4, 3, 2, 1],
    }
    assert of_shape(1, 1, 3, 2) == {
        "channels reversed": [5, 6, 3, 4, 1, 2],
        "filters reversed": [2, 1, 4, 3, 6, 5],
    }


@pytest.mark.parametrize(
    ("right", "wrong", "differs", "output", "reads"),
    [
        # [-1 0 1] [0 1 2] [1 2 3] [2 3 -1], and one less: all but the first are wrong in each tap,
        # and of these the last two read most
        (Axis(4, 3, 1, 1, (1, 1)), Axis(4, 3, 1, 1, (2, 0)), True, 2, (0, 1, 2)),
        # [0 1] [2 3] with a rate of 3 instead of 1, and padding to the same size: [-1 2] [1 4]
        (Axis(5, 2, 2, 1, "VALID"), Axis(5, 2, 2, 3, (1, 0)), True, 1, (1, 4)),
        # [0 1] [2 3] with a stride of 4 and a rate of 2: [0 2] [-1 -1]. Two wrong taps of padding
        # outweigh one that is wrong in an output that reads more of the input.
        (Axis(4, 2, 2, 1, "VALID"), Axis(4, 2, 4, 2, (0, 3)), True, 1, (-1, -1)),
        # [-1 0] [0 1] [1 2] [2 -1] in both: the first of those that read most
        (Axis(3, 2, 1, 1, (1, 1)), Axis(3, 2, 1, 1, (1, 1)), False, 1, (0, 1)),
        (
            Axis(3, 2, 1, 1, "VALID"),
            Axis(3, 2, 1, 1, (0, 1)),
            None,
            None,
            None,
        ),  # two outputs, and three
        (Axis(2, 3, 1, 1, "VALID"), Axis(1, 2, 1, 1, "VALID"), False, -1, ()),
        (
            Axis(2, 4, 1, 1, "VALID"),
            Axis(1, 3, 1, 1, "VALID"),
            False,
            -1,
            (),
        ),  # less than none is none
    ],
)
def test_where_an_axis_parts_from_a_wrong_one(right, wrong, differs, output, reads):
    found = module._contrast(DOCUMENTED, right, DOCUMENTED, wrong)
    assert (found and (found.differs, found.output, found.reads)) == (
        None if differs is None else (differs, output, reads)
    )


def test_every_wrong_oracle_has_a_code():
    every = replace(
        SQUARE,
        op="depthwise_conv2d",
        strides=(1, 2, 2, 1),
        padding=((0, 0), (1, 0), (0, 0), (0, 0)),
        after=tuple(map(Operation, AFTER)),
    )
    names = {
        wrong.name for model in (DOCUMENTED, PHASE_STRIDED) for wrong in wrong_oracles(model, every)
    }
    assert names | {f"sums of {bits} bits" for bits in module.FEWER_BITS.values()} == set(CODES)
    assert len(set(CODES.values())) == len(CODES)


def test_a_wrong_oracle_with_a_size_without_bound_is_not_computed():
    """Phase by phase, a filter without height has a result of twice the rate; its reads would take
    32 GiB.
    """
    arguments = Arguments(
        "conv2d",
        TensorSpec((1, 1, 1, 1)),
        TensorSpec((0, 1, 1, 1)),
        (1, 1, 1, 1),
        "SAME",
        (2**32, 1),
    )
    tracemalloc.start()
    try:
        assert predict(arguments).vacuous is None
        assert tracemalloc.get_traced_memory()[1] < 2**24
    finally:
        tracemalloc.stop()
