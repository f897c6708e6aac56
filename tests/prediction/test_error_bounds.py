"""The a-priori bound includes right results, for any order of the sum, and excludes wrong ones."""

from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest

from tf_conv_conformance.convolution.arguments import Arguments, TensorSpec
from tf_conv_conformance.convolution.company import Operation
from tf_conv_conformance.convolution.dtypes import as_numbers, encode
from tf_conv_conformance.prediction import data
from tf_conv_conformance.prediction.error_bounds import Values, bound, gamma, unit_roundoff
from tf_conv_conformance.prediction.literals import InexactDataError
from tf_conv_conformance.prediction.models import DOCUMENTED
from tf_conv_conformance.prediction.predict import predict

CALL = Arguments(
    "conv2d", TensorSpec((1, 6, 5, 16)), TensorSpec((3, 3, 16, 4)), 1, "SAME", data=("reals",)
)


def rounded(numbers, dtype):
    """Round to nearest with NumPy's own arithmetic."""
    return numbers.astype(dtype).astype(np.float64)


def summed(x, w, order, dtype):
    """Compute one output element, adding its products one by one in `dtype` and in this order."""
    total = np.zeros((), dtype)
    for index in order:
        total = total + x.ravel()[index].astype(dtype) * w.ravel()[index].astype(dtype)
    return float(total)


@pytest.mark.parametrize("dtype", ["float16", "bfloat16", "float32", "float64"])
def test_drawn_reals_are_exact_in_their_dtype(dtype):
    x, w = data.arms(replace(CALL, dtype=dtype))[0].arrays(CALL)
    for tensor in (x, w):
        assert np.array_equal(as_numbers(encode(tensor, dtype), dtype), tensor)
    precision = {"float16": 11, "bfloat16": 8, "float32": 24, "float64": 53}[dtype]
    odd_parts = {Fraction(value).numerator.bit_length() for value in x.ravel() if value}
    assert max(odd_parts) >= precision - 1


def test_no_product_of_drawn_reals_is_subnormal_in_half():
    x, w = data.arms(replace(CALL, dtype="float16"))[0].arrays(CALL)
    assert np.abs(x).min() * np.abs(w).min() >= np.finfo(np.float16).smallest_normal
    assert {-1, 1} == set(np.sign(x).ravel())
    assert max(np.abs(x).max(), np.abs(w).max()) < 1


AFTER = [
    ("bias_add", "relu"),
    ("add", "bias_add"),
    ("fused_batch_norm", "relu6"),
    ("relu", "bias_add", "fused_batch_norm"),
]


@pytest.mark.parametrize("begins", [True, False], ids=["begun-with-the-first", "added-last"])
@pytest.mark.parametrize("after", AFTER, ids="_".join)
def test_operations_after_a_sum_are_within_the_bound_however_they_are_rounded(after, begins):
    """In float32 throughout; a kernel may also begin its sum with what is added first."""
    arguments = replace(CALL, after=tuple(map(Operation, after)))
    prediction = predict(arguments)
    (values,) = prediction.values(DOCUMENTED)
    x, w, *others = (one.astype(np.float32) for one in prediction.tensors[0])
    padded = np.pad(x, ((0, 0), (1, 1), (1, 1), (0, 0)))
    is_begun = begins and after[0] in ("bias_add", "add")
    y = np.zeros((1, 6, 5, 4), np.float32)
    y = y + others.pop(0) if is_begun else y
    for i, j, k in np.ndindex(3, 3, 16):
        y = y + padded[:, i : i + 6, j : j + 5, k : k + 1] * w[i, j, k]
    for name in after[is_begun:]:
        if name in ("bias_add", "add"):
            y = y + others.pop(0)
        elif name == "fused_batch_norm":
            scale, offset, mean, variance = (others.pop(0) for _ in range(4))
            y = (y - mean) * (scale / np.sqrt(variance + np.float32(1))) + offset
        else:
            y = np.clip(y, 0, 6 if name == "relu6" else None)
    assert y.dtype == np.float32
    assert not values.differing(y.astype(np.float64)).any()
    assert values.bound.max() < 1e-3
    assert values.differing(y + 2e-3).all()


@pytest.mark.parametrize("seed", range(20))
def test_every_order_of_summation_is_within_the_bound(seed):
    rng = np.random.RandomState(seed)
    arguments = Arguments(
        "conv2d", TensorSpec((1, 3, 3, 16)), TensorSpec((3, 3, 16, 1)), 1, "VALID", data=("reals",)
    )
    x, w = data.arms(arguments, seed)[0].arrays(arguments)
    exact, limit = (
        DOCUMENTED.values(arguments, x, w).item(),
        bound(DOCUMENTED, arguments, x, w).item(),
    )
    for order in (
        rng.permutation(x.size),
        np.argsort(np.abs((x * w.reshape(x.shape)).ravel())),
        np.arange(x.size),
    ):
        assert abs(summed(x, w, order, np.float32) - exact) <= limit


@pytest.mark.parametrize("loss", ["float16", "bfloat16"])
def test_inputs_in_less_precision_exceed_the_bound(loss):
    x, w = data.arms(CALL)[0].arrays(CALL)
    lossy = DOCUMENTED.values(CALL, as_numbers(encode(x, loss), loss), w)
    assert (
        np.abs(lossy - DOCUMENTED.values(CALL, x, w)) > bound(DOCUMENTED, CALL, x, w)
    ).mean() > 0.9


def test_half_sums_exceed_the_float32_bound_but_not_their_own():
    arguments = Arguments(
        "depthwise_conv2d",
        TensorSpec((1, 5, 5, 1)),
        TensorSpec((5, 5, 1, 1)),
        (1, 1, 1, 1),
        "VALID",
        dtype="float16",
        data=("reals",),
    )
    outside = 0
    for salt in range(50):
        x, w = data.arms(arguments, salt)[0].arrays(arguments)
        distance = abs(
            summed(x, w, range(25), np.float16) - DOCUMENTED.values(arguments, x, w).item()
        )
        outside += distance > bound(DOCUMENTED, arguments, x, w).item()
        assert distance <= bound(replace(DOCUMENTED, accumulator="float16"), arguments, x, w).item()
    assert outside > 5


def test_the_bound_computed_by_hand():
    assert unit_roundoff("float32") == 2.0**-24
    assert gamma(10, 0.01) == pytest.approx(0.1 / 0.9)
    one = Arguments(
        "conv2d", TensorSpec((1, 1, 1, 1)), TensorSpec((1, 1, 1, 1)), 1, "VALID", data=("reals",)
    )
    limit = bound(DOCUMENTED, one, np.full((1, 1, 1, 1), -0.5), np.full((1, 1, 1, 1), 0.5)).item()
    assert 0.25 * 2 * 2.0**-24 < limit < 0.25 * 2.001 * 2.0**-24


def test_the_bound_after_operations_computed_by_hand():
    norm, relu, add = map(Operation, ("fused_batch_norm", "relu", "add"))
    second = Operation("conv2d", "VALID", (1, 2, 1, 1))
    call = Arguments(
        "conv2d", TensorSpec((1, 1, 2, 1)), TensorSpec((1, 1, 1, 1)), 1, "VALID",
        after=(norm, relu, second, add), dtype="float16", data=("reals",),
    )  # fmt: skip
    shapes = [(1, 1, 2, 1), (1, 1, 1, 1), *[(1,)] * 4, (1, 2, 1, 1), (1, 1, 1, 1)]
    given = [(3, -5), 2, -2, 1, 3, 3, (1, -1), 4]  # scale, offset, mean and variance after filter
    tensors = [np.resize(one, shape) * 1.0 for one, shape in zip(given, shapes, strict=True)]
    own, sums, smallest = 2.0**-11, 2.0**-24, 2.0**-24 + 2.0**-125
    error = bound(DOCUMENTED, replace(call, after=()), *tensors[:2]).ravel()
    rounding = gamma(1, sums) + gamma(4, own)
    error = error + 2 * rounding * (np.array([(6 + 3) + 1, (10 + 3) + 1]) + error) + smallest
    rounding = gamma(2, sums) + gamma(1, own)
    error = error.sum() + 2 * rounding * (24 + error.sum()) + smallest
    error = error + 2 * rounding * (28 + error) + smallest
    assert bound(DOCUMENTED, call, *tensors).item() == pytest.approx(error, rel=1e-12)
    # Of zeros, the bound is what may be flushed in each of two products, and in the sum.
    x, w = TensorSpec((1, 1, 1, 2)), TensorSpec((1, 1, 2, 1))
    alone = replace(call, dtype="float32", input=x, filter=w, after=(add,))
    zeros = [np.zeros(one) for one in (x.shape, w.shape, (1, 1, 1, 1))]
    flushed = 2 * 2 * 2.0**-126 + 2.0**-149
    limit = bound(DOCUMENTED, alone, *zeros).item()
    assert limit == pytest.approx(2.0**-149 + flushed, rel=1e-9, abs=0)
    # A bias is added with one rounding, of the sum of all magnitudes.
    biased = replace(call, input=(one := TensorSpec((1, 1, 1, 1))), after=(Operation("bias_add"),))
    x, w, bias = (
        np.full(shape, value) for shape, value in ((one.shape, 3.0), (one.shape, 2.0), (1, 5.0))
    )
    error = bound(DOCUMENTED, replace(biased, after=()), x, w).item()
    error += 2 * (gamma(1, sums) + gamma(1, own)) * (6 + 5 + error) + smallest
    limit = bound(DOCUMENTED, biased, x, w, bias).item()
    assert limit == pytest.approx(error, rel=1e-12, abs=0)


def test_reals_are_refused_for_integer_dtypes():
    with pytest.raises(InexactDataError, match="int32 holds only integers"):
        data.arms(replace(CALL, dtype="int32"))


def test_predictions_of_reals_carry_the_bound():
    (predicted,) = predict(CALL).values(DOCUMENTED)
    assert predicted.bound is not None
    assert (predicted.bound > 0).all()
    exact = replace(CALL, data=("small_integers",))
    assert predict(exact).values(DOCUMENTED)[0].bound is None


@pytest.mark.parametrize(
    ("dtype", "exponent"),
    [("float16", -24), ("bfloat16", -133), ("float32", -149), ("float64", -1074)],
)
def test_a_sum_of_zeros_may_be_the_smallest_subnormal_number(dtype, exponent):
    zeros = np.zeros(CALL.input.shape), np.zeros(CALL.filter.shape)
    assert np.unique(bound(DOCUMENTED, replace(CALL, dtype=dtype), *zeros)).tolist() == [
        2.0**exponent
    ]


def test_values_differ_only_beyond_their_bound():
    numbers = np.array([1.25, 0.75, 1.125, 1.5, np.nan, 1])
    right = np.array([1, 1, 1, 1, np.nan, np.nan])
    bounded = Values(right, np.full(6, 0.25))
    assert bounded.differing(numbers).tolist() == [False, False, False, True, False, True]
    assert bounded.at(lambda part: part[:3]).differing(numbers[:3]).tolist() == [False] * 3
    assert Values(right).differing(numbers).tolist() == [True, True, True, True, False, True]
    assert Values(right[:2]).differing(right[:2]).tolist() == [False, False]


@pytest.mark.parametrize(
    ("dtype", "own", "accumulator"),
    [("float16", 11, 24), ("bfloat16", 8, 24), ("float32", 24, 24), ("float64", 53, 53)],
)
def test_the_bound_is_highams(dtype, own, accumulator):
    """For 144 products of ones, it has the errors of two sums, TensorFlow's and the oracle's, and
    of rounding the result.
    """
    grown = sum(Fraction(144, 2**bits - 144) for bits in (accumulator, 53))
    expected = float(144 * (grown + Fraction(1, 2**own) * (1 + grown))) + (
        2.0**-24 if dtype == "float16" else 0
    )
    limit = bound(
        DOCUMENTED,
        replace(CALL, dtype=dtype),
        -np.ones(CALL.input.shape),
        np.ones(CALL.filter.shape),
    )[0, 3, 2, 0]
    assert limit == pytest.approx(expected, rel=1e-13)


def test_an_infinity_equals_only_itself():
    right = np.array([np.inf, np.inf, -np.inf, np.nan, 1])
    assert Values(right, np.full(5, np.inf)).differing(
        np.array([np.inf, 5, np.inf, np.nan, 1])
    ).tolist() == [False, True, True, False, False]


@pytest.mark.parametrize(
    ("dtype", "accumulator", "smallest_normal"),
    [
        ("bfloat16", None, -126),
        ("float32", None, -126),
        ("float32", "float16", -126),
        ("float64", None, -1022),
    ],
)
def test_subnormal_products_may_be_flushed(dtype, accumulator, smallest_normal):
    """Each of 4 products, and each of their sums, may be off by the smallest normal number."""
    one = Arguments(
        "conv2d", TensorSpec((1, 2, 2, 1)), TensorSpec((2, 2, 1, 1)), 1, "VALID", dtype=dtype
    )
    model, exponent = replace(DOCUMENTED, accumulator=accumulator), smallest_normal - 30
    x, w = np.full((1, 2, 2, 1), 2.0**exponent), np.ones((2, 2, 1, 1))
    limit, zero = bound(model, one, x, w).item(), bound(model, one, 0 * x, w).item()
    assert (limit - zero) * 2.0**-smallest_normal == pytest.approx(8, rel=1e-6)
