"""The oracle compared with a literal loop over the documented formula, and with SciPy."""

import itertools
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.signal import correlate as scipy_correlate

from tf_conv_conformance.convolution.arguments import Arguments, TensorSpec
from tf_conv_conformance.convolution.geometry import documented_indices
from tf_conv_conformance.prediction import correlation
from tf_conv_conformance.prediction.layout import NoResultError, interpretation_of
from tf_conv_conformance.prediction.models import (
    DOCUMENTED,
    PHASE_STRIDED,
    compute,
    flushed,
    models_of,
)


def made(op, x, w, **keywords):
    defaults = {"strides": (1, 1, 1, 1), "padding": "VALID"}
    return Arguments(op=op, input=TensorSpec(x), filter=TensorSpec(w), **{**defaults, **keywords})


def integers(seed, shape):
    return np.random.RandomState(seed).randint(-9, 10, size=shape).astype(np.float64)


def literal(op, x, w, strides, dilations, pads):
    """The documented sum, one product at a time, on an input that is padded with real zeros.

    NHWC, rank 4.
    """
    padded = np.pad(x, ((0, 0), pads[0], pads[1], (0, 0)))
    kh, kw, depth, last = w.shape
    out = [
        max(
            0, -(-(padded.shape[axis + 1] - (w.shape[axis] - 1) * dilations[axis]) // strides[axis])
        )
        for axis in (0, 1)
    ]
    channels = x.shape[3] * last if op == "depthwise_conv2d" else last
    y = np.zeros((x.shape[0], *out, channels))
    per_group = last // max(x.shape[3] // depth, 1)
    for b, i, j, di, dj in itertools.product(
        range(x.shape[0]), range(out[0]), range(out[1]), range(kh), range(kw)
    ):
        pixel = padded[b, strides[0] * i + dilations[0] * di, strides[1] * j + dilations[1] * dj]
        for q in range(depth):
            for k in range(last):
                if op == "depthwise_conv2d":
                    y[b, i, j, q * last + k] += pixel[q] * w[di, dj, q, k]
                else:
                    y[b, i, j, k] += pixel[(k // per_group) * depth + q] * w[di, dj, q, k]
    return y


def same_pads(size, k, stride, rate):
    span = (k - 1) * rate + 1
    total = max(span - (size % stride or stride), 0)
    return total // 2, total - total // 2


GEOMETRY = st.fixed_dictionaries(
    {
        "n": st.tuples(st.integers(0, 9), st.integers(0, 9)),
        "k": st.tuples(st.integers(1, 3), st.integers(1, 3)),
        "s": st.tuples(st.integers(1, 4), st.integers(1, 4)),
        "r": st.tuples(st.integers(1, 3), st.integers(1, 3)),
        "padding": st.sampled_from(
            ["SAME", "VALID", ((0, 0), (1, 2), (3, 0), (0, 0)), ((0, 0), (0, 12), (9, 9), (0, 0))]
        ),
        "channels": st.sampled_from([(1, 1, 1), (3, 3, 2), (4, 2, 6), (4, 1, 4)]),
        "seed": st.integers(0, 2**16),
    }
)


# How the input is copied: at once, by slices, or gathered; the latter two in blocks of one output
# row and of several.
WAYS = [{}] + [
    {"SMALL": -1, "STRIP": strip, "BLOCK": block, "RUN": 20}
    for strip in (2**30, -1)
    for block in (1, 200, 2**30)
]


@settings(max_examples=300, deadline=None)
@given(
    GEOMETRY,
    st.sampled_from(["conv2d", "depthwise_conv2d"]),
    st.sampled_from(["NHWC", "NCHW"]),
    st.sampled_from(WAYS),
    st.booleans(),
)
def test_the_documented_model_is_the_literal_sum(g, op, data_format, way, special):
    channels, depth, last = g["channels"]
    depth = channels if op == "depthwise_conv2d" else depth
    x, w = (
        integers(g["seed"], (2, *g["n"], channels)),
        integers(g["seed"] + 1, (*g["k"], depth, last)),
    )
    if special:  # infinities and NaN go where they are multiplied, and a padded zero is
        x[x == 9], x[x == -9], w[w == 9], w[w == -9] = np.inf, np.nan, -np.inf, np.nan
    padding = g["padding"]
    if padding == "SAME":
        pads = [
            same_pads(g["n"][axis], g["k"][axis], g["s"][axis], g["r"][axis]) for axis in (0, 1)
        ]
    else:
        pads = [(0, 0), (0, 0)] if padding == "VALID" else list(padding[1:3])
    with np.errstate(invalid="ignore"):
        expected = literal(op, x, w, g["s"], g["r"], pads)
    strides = (1, *g["s"], 1)
    if data_format == "NCHW":
        x, expected, strides = np.moveaxis(x, 3, 1), np.moveaxis(expected, 3, 1), (1, 1, *g["s"])
        padding = padding if isinstance(padding, str) else (padding[0], padding[3], *padding[1:3])
    arguments = made(
        op,
        x.shape,
        w.shape,
        strides=strides,
        dilations=g["r"],
        padding=padding,
        data_format=data_format,
    )
    try:
        assert DOCUMENTED.shape(arguments) == expected.shape
    except NoResultError:
        assert 0 in expected.shape
        return
    with pytest.MonkeyPatch.context() as patch, np.errstate(invalid="ignore"):
        for name, number in way.items():
            patch.setattr(correlation, name, number)
        assert np.array_equal(DOCUMENTED.values(arguments, x, w), expected, equal_nan=True)


@settings(max_examples=60, deadline=None)
@given(GEOMETRY)
def test_documented_is_scipys_correlation_subsampled(g):
    """An independent peer: SciPy correlates the filter, blown up with zeros, at every position; the
    stride picks from them.
    """
    x, w = integers(g["seed"], (1, *g["n"], 3)), integers(g["seed"] + 1, (*g["k"], 3, 2))
    blown_up = np.zeros([(k - 1) * r + 1 for k, r in zip(g["k"], g["r"], strict=True)] + [3, 2])
    blown_up[:: g["r"][0], :: g["r"][1]] = w
    arguments = made("conv2d", x.shape, w.shape, strides=g["s"], dilations=g["r"])
    if any(n < size for n, size in zip(g["n"], blown_up.shape, strict=False)):
        return
    dense = np.stack(
        [
            scipy_correlate(x[0], blown_up[..., k], mode="valid", method="direct")[..., 0]
            for k in range(2)
        ],
        axis=-1,
    )
    assert np.array_equal(DOCUMENTED.values(arguments, x, w)[0], dense[:: g["s"][0], :: g["s"][1]])


@settings(max_examples=100, deadline=None)
@given(GEOMETRY)
def test_phase_strided_is_space_to_batch(g):
    """The steps of ``tf.nn.with_space_to_batch`` on real arrays: pad, cut into phases, convolve,
    interleave, crop.
    """
    (kh, kw), (rh, rw) = g["k"], g["r"]
    x, w = integers(g["seed"], (2, *g["n"], 2)), integers(g["seed"] + 1, (kh, kw, 2, 3))
    if g["padding"] == "SAME":
        totals = ((kh - 1) * rh, (kw - 1) * rw)
        pads = [(total // 2, total - total // 2) for total in totals]
    else:
        pads = [(0, 0), (0, 0)] if g["padding"] == "VALID" else list(g["padding"][1:3])
    padded = np.pad(x, ((0, 0), *pads, (0, 0)))
    crops = [-padded.shape[1] % rh, -padded.shape[2] % rw]
    padded = np.pad(padded, ((0, 0), (0, crops[0]), (0, crops[1]), (0, 0)))
    phases = {
        (i, j): literal(
            "depthwise_conv2d", padded[:, i::rh, j::rw], w, g["s"], (1, 1), [(0, 0), (0, 0)]
        )
        for i in range(rh)
        for j in range(rw)
    }
    one = phases[0, 0]
    result = np.zeros((2, one.shape[1] * rh, one.shape[2] * rw, 6))
    for (i, j), phase in phases.items():
        result[:, i::rh, j::rw] = phase
    height, width = result.shape[1] - crops[0], result.shape[2] - crops[1]
    arguments = made(
        "depthwise_conv2d",
        x.shape,
        w.shape,
        strides=(1, *g["s"], 1),
        dilations=g["r"],
        padding=g["padding"],
    )
    if height <= 0 or width <= 0:
        return
    assert PHASE_STRIDED.shape(arguments) == (2, height, width, 6)
    assert np.array_equal(PHASE_STRIDED.values(arguments, x, w), result[:, :height, :width])


def test_the_shapes_of_the_original_question():
    blog = {"x": (1, 24, 24, 3), "w": (4, 4, 3, 4)}
    assert DOCUMENTED.shape(made("conv2d", **blog, strides=4, dilations=3)) == (1, 4, 4, 4)
    atrous = made("depthwise_conv2d", **blog, strides=(1, 4, 4, 1), dilations=(3, 3))
    assert DOCUMENTED.shape(atrous) == (1, 4, 4, 12)
    assert PHASE_STRIDED.shape(atrous) == (1, 6, 6, 12)


def test_outer_batch_dimensions_are_batches():
    x, w = integers(0, (2, 3, 5, 4, 2)), integers(1, (2, 2, 2, 3))
    whole = DOCUMENTED.values(made("conv2d", x.shape, w.shape, strides=1), x, w)
    one = DOCUMENTED.values(made("conv2d", x.shape[1:], w.shape, strides=1), x[1], w)
    assert whole.shape == (2, 3, 4, 3, 3)
    assert np.array_equal(whole[1], one)


@pytest.mark.parametrize(
    ("x", "w"),
    [
        ((1, 4, 4, 3), (1, 1, 2, 2)),
        ((1, 4, 4, 4), (1, 1, 2, 3)),
        ((1, 4, 4, 2), (1, 1, 4, 2)),
        ((1, 4, 4, 2), (1, 1, 0, 2)),
    ],
)
def test_channels_that_do_not_fit_have_no_result(x, w):
    with pytest.raises(NoResultError):
        DOCUMENTED.shape(made("conv2d", x, w))


def test_an_empty_sum_is_zero():
    assert np.array_equal(
        DOCUMENTED.values(
            made("conv2d", (1, 2, 2, 0), (1, 1, 0, 3)),
            np.zeros((1, 2, 2, 0)),
            np.zeros((1, 1, 0, 3)),
        ),
        np.zeros((1, 2, 2, 3)),
    )
    assert DOCUMENTED.shape(made("depthwise_conv2d", (1, 4, 4, 1), (0, 0, 1, 1))) == (1, 5, 5, 1)


@settings(max_examples=100, deadline=None)
@given(
    GEOMETRY,
    st.sampled_from(["conv2d", "depthwise_conv2d"]),
    st.sampled_from([DOCUMENTED, PHASE_STRIDED]),
    st.booleans(),
)
def test_gradients_are_the_adjoints(g, op, model, channels_first):
    """``<dy, f(x, w)> = <f'x(dy), x> = <f'w(dy), w>`` for a function that is linear in each, in
    exact integers.
    """
    channels, depth, last = g["channels"]
    depth = channels if op == "depthwise_conv2d" else depth
    x, w = (
        integers(g["seed"], (2, *g["n"], channels)),
        integers(g["seed"] + 1, (*g["k"], depth, last)),
    )
    x = np.moveaxis(x, 3, 1) if channels_first else x
    strides = (1, 1, *g["s"]) if channels_first else (1, *g["s"], 1)
    padding = g["padding"]
    if channels_first and not isinstance(padding, str):
        padding = (padding[0], padding[3], *padding[1:3])
    forward = made(
        op,
        x.shape,
        w.shape,
        strides=strides,
        dilations=g["r"],
        padding=padding,
        data_format="NCHW" if channels_first else "NHWC",
    )
    try:
        dy = integers(g["seed"] + 2, model.shape(forward))
    except NoResultError:
        return
    by_input, by_filter = (replace(forward, gradient=tensor) for tensor in ("input", "filter"))
    product = (model.values(forward, x, w) * dy).sum()
    assert model.shape(by_input) == x.shape
    assert model.shape(by_filter) == w.shape
    assert (model.values(by_input, x, w, dy) * x).sum() == product
    assert (model.values(by_filter, x, w, dy) * w).sum() == product


def test_a_gradient_is_the_difference_for_a_step_of_one():
    x, w, dy = integers(0, (1, 5, 4, 4)), integers(1, (3, 2, 2, 4)), integers(2, (1, 3, 2, 4))
    forward = made("conv2d", x.shape, w.shape, strides=2, padding="SAME")
    by_input = DOCUMENTED.values(replace(forward, gradient="input"), x, w, dy)
    by_filter = DOCUMENTED.values(replace(forward, gradient="filter"), x, w, dy)
    for tensor, gradient in ((x, by_input), (w, by_filter)):
        for index in np.ndindex(*tensor.shape):
            before = (DOCUMENTED.values(forward, x, w) * dy).sum()
            tensor[index] += 1
            assert (DOCUMENTED.values(forward, x, w) * dy).sum() - before == gradient[index]
            tensor[index] -= 1


@settings(max_examples=100, deadline=None)
@given(GEOMETRY, st.sampled_from(["conv2d", "depthwise_conv2d"]), st.sampled_from(WAYS[1:]))
def test_phase_strided_values_do_not_depend_on_the_way_of_copying(g, op, way):
    channels, depth, last = g["channels"]
    depth = channels if op == "depthwise_conv2d" else depth
    x, w = (
        integers(g["seed"], (3, *g["n"], channels)),
        integers(g["seed"] + 1, (*g["k"], depth, last)),
    )
    arguments = made(
        op, x.shape, w.shape, strides=(1, *g["s"], 1), dilations=g["r"], padding=g["padding"]
    )
    try:
        PHASE_STRIDED.shape(arguments)
    except NoResultError:
        return
    at_once = PHASE_STRIDED.values(arguments, x, w)
    with pytest.MonkeyPatch.context() as patch:
        for name, number in way.items():
            patch.setattr(correlation, name, number)
        assert np.array_equal(PHASE_STRIDED.values(arguments, x, w), at_once)


@pytest.mark.parametrize("stride", [1, 2])
def test_slices_and_gathering_agree_for_a_large_layer(stride, monkeypatch):
    x, w = integers(0, (2, 41, 61, 12)), integers(1, (3, 5, 12, 2))
    arguments = made(
        "depthwise_conv2d", x.shape, w.shape, strides=(1, stride, stride, 1), padding="SAME"
    )
    by_slices = DOCUMENTED.values(arguments, x, w)
    monkeypatch.setattr(correlation, "STRIP", -1)
    assert np.array_equal(DOCUMENTED.values(arguments, x, w), by_slices)
    taps = itertools.product(range(3), range(5))
    assert by_slices[1, 7, 9, 5] == sum(
        x[1, 7 * stride - 1 + i, 9 * stride - 2 + j, 2] * w[i, j, 2, 1] for i, j in taps
    )


def test_padding_may_be_multiplied_or_skipped():
    x, w = np.ones((1, 2, 2, 1)), np.full((2, 2, 1, 1), np.inf)
    arguments = made("conv2d", x.shape, w.shape, strides=1, padding="SAME")
    with np.errstate(invalid="ignore"):
        multiplied = DOCUMENTED.values(arguments, x, w)
        skipped = replace(DOCUMENTED, skips_padding=True).values(arguments, x, w)
        interpretation = interpretation_of(arguments)
        by_default = compute(
            arguments,
            interpretation,
            documented_indices(interpretation.height),
            documented_indices(interpretation.width),
            x,
            w,
        )
    assert np.isnan(multiplied).ravel().tolist() == [False, True, True, True]
    assert (skipped == np.inf).all()
    assert np.array_equal(by_default, multiplied, equal_nan=True)


def test_subnormal_numbers_may_be_flushed():
    x, w = (
        np.array([2.0**-149, 2.0**-126, 2.0**-100]).reshape(1, 1, 3, 1),
        np.array([1, 2.0**-30]).reshape(1, 1, 1, 2),
    )
    arguments = made("conv2d", x.shape, w.shape)
    result = replace(DOCUMENTED, flushes_subnormals=True).values(arguments, x, w)
    assert result.ravel().tolist() == [0, 0, 2.0**-126, 0, 2.0**-100, 0]


def test_the_pointwise_identity_turns_non_finite_values_into_nan():
    call = made("depthwise_conv2d", (1, 1, 3, 2), (1, 1, 2, 1), via="tf.nn.separable_conv2d")
    x = np.array([[1.0, 2.0], [np.inf, 3.0], [4.0, np.nan]]).reshape(1, 1, 3, 2)
    result = DOCUMENTED.values(call, x, np.ones((1, 1, 2, 1)))
    assert np.array_equal(
        result[0, 0], [[1.0, 2.0], [np.inf, np.nan], [np.nan, np.nan]], equal_nan=True
    )


@pytest.mark.parametrize("channels", [2, 4])
def test_a_depthwise_filter_must_have_the_inputs_channels(channels):
    with pytest.raises(NoResultError, match=f"for {channels} channels, but the input has 3"):
        DOCUMENTED.shape(made("depthwise_conv2d", (1, 4, 4, 3), (1, 1, channels, 2)))


def test_a_size_of_zero_has_a_shape_but_a_negative_one_does_not():
    for x, expected in (((1, 2, 5, 1), (1, 0, 3, 1)), ((1, 5, 2, 1), (1, 3, 0, 1))):
        assert DOCUMENTED.shape(made("conv2d", x, (3, 3, 1, 1))) == expected
    for x in ((1, 1, 5, 1), (1, 5, 1, 1)):
        with pytest.raises(NoResultError):
            DOCUMENTED.shape(made("conv2d", x, (3, 3, 1, 1)))
    assert DOCUMENTED.shape(made("conv2d", (1, 4, 4, 0), (1, 1, 0, 2))) == (1, 4, 4, 2)


def test_sizes_are_truncated_only_if_the_model_says_so():
    arguments = made(
        "conv2d", (1, 2, 2, 1), (5, 5, 1, 1), strides=2
    )  # 2 - 5 by 2: -1 steps, or none
    assert replace(DOCUMENTED, truncates_sizes=True).shape(arguments) == (1, 0, 0, 1)
    with pytest.raises(NoResultError):
        DOCUMENTED.shape(arguments)


def test_subnormal_inputs_and_results_are_flushed_only_if_the_model_says_so():
    x, w = np.full((1, 1, 1, 1), 2.0**-130), np.full((1, 1, 1, 1), 2.0**20)
    arguments = made("conv2d", x.shape, w.shape)
    assert DOCUMENTED.values(arguments, x, w).item() == 2.0**-110
    assert replace(DOCUMENTED, flushes_subnormals=True).values(arguments, x, w).item() == 0
    assert DOCUMENTED.values(arguments, x, np.ones_like(w)).item() == 2.0**-130


@pytest.mark.parametrize(
    ("dtype", "exponent"),
    [("float16", -14), ("bfloat16", -126), ("float32", -126), ("float64", -1022)],
)
def test_the_smallest_normal_number_is_not_flushed(dtype, exponent):
    smallest = 2.0**exponent
    below = np.nextafter(smallest, 0)
    assert flushed(np.array([smallest, -smallest, below, -below, 0, 1]), dtype).tolist() == [
        smallest,
        -smallest,
        0,
        0,
        0,
        1,
    ]


@pytest.mark.parametrize(
    ("op", "strides", "rate", "expected"),
    [
        ("depthwise_conv2d", (1, 2, 2, 1), (2, 2), (DOCUMENTED, PHASE_STRIDED)),
        ("depthwise_conv2d", (1, 2, 1, 1), (1, 2), (DOCUMENTED, PHASE_STRIDED)),
        ("depthwise_conv2d", (1, 1, 2, 1), (2, 1), (DOCUMENTED, PHASE_STRIDED)),
        ("depthwise_conv2d", (1, 1, 1, 1), (2, 2), (DOCUMENTED,)),
        ("depthwise_conv2d", (1, 2, 2, 1), (1, 1), (DOCUMENTED,)),
        ("depthwise_conv2d", (1, 2, 2), (2, 2), (DOCUMENTED,)),
        ("conv2d", (1, 2, 2, 1), (2, 2), (DOCUMENTED,)),
    ],
)
def test_models_differ_for_depthwise_calls_with_a_stride_and_a_rate(op, strides, rate, expected):
    assert (
        models_of(made(op, (1, 9, 9, 2), (3, 3, 2, 1), strides=strides, dilations=rate)) == expected
    )


@pytest.mark.parametrize("via", ["tf.nn.depthwise_conv2d", "tf.raw_ops.DepthwiseConv2dNative"])
def test_a_depthwise_convolution_has_no_pointwise_identity(via):
    call = made("depthwise_conv2d", (1, 1, 1, 2), (1, 1, 2, 1), via=via)
    assert DOCUMENTED.values(
        call, np.array([np.inf, 3.0]).reshape(1, 1, 1, 2), np.ones((1, 1, 2, 1))
    ).ravel().tolist() == [np.inf, 3]


@pytest.mark.parametrize("layout", ["NWC", "NCW"])
@pytest.mark.parametrize(
    ("via", "filter_in", "strides", "rate", "padding", "pads"),
    [
        ("tf.nn.conv1d", 4, 2, 1, "SAME", (1, 1)),
        ("tf.nn.conv1d", 4, (1, 2, 1), (2,), "VALID", (0, 0)),
        ("tf.keras.layers.Conv1D", 2, 1, 3, "causal", (6, 0)),
        ("tf.keras.layers.DepthwiseConv1D", 4, (2,), 1, "same", (1, 1)),
    ],
)
def test_a_call_without_height(layout, via, filter_in, strides, rate, padding, pads):
    """It has the values of a literal loop over an input with a height of 1."""
    op = "depthwise_conv2d" if "Depthwise" in via else "conv2d"
    x, w = integers(1, (2, 9, 4)), integers(2, (3, filter_in, 2))
    if isinstance(strides, tuple) and len(strides) == 3 and layout == "NCW":
        strides = (1, 1, 2)
    step = max(strides) if isinstance(strides, tuple) else strides
    steps, rates = (1, step), (1, max(rate) if isinstance(rate, tuple) else rate)
    expected = literal(op, x[:, None], w[None], steps, rates, ((0, 0), pads))[:, 0]
    given = {"via": via, "strides": strides, "dilations": rate, "padding": padding}
    shape = (2, 9, 4) if layout == "NWC" else (2, 4, 9)
    call = made(op, shape, w.shape, data_format=layout, **given)
    if layout == "NCW":
        x, expected = x.swapaxes(1, 2), expected.swapaxes(1, 2)
    assert DOCUMENTED.shape(call) == expected.shape
    np.testing.assert_array_equal(DOCUMENTED.values(call, x, w), expected)
    for gradient in ("input", "filter"):
        by = replace(call, gradient=gradient)
        found = DOCUMENTED.values(by, x, w, expected)
        of = x if gradient == "input" else w
        assert found.shape == of.shape
        assert (found * of).sum() == (expected * expected).sum()  # the adjoint of a linear map
