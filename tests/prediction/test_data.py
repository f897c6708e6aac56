"""Data is exact in its dtype, as wide as possible, the same everywhere, and reproducible from its
source.
"""

from dataclasses import replace

import numpy as np
import pytest

from tf_conv_conformance.convolution.arguments import Arguments, TensorSpec
from tf_conv_conformance.convolution.dtypes import PRECISION, as_numbers, encode, largest, nearest
from tf_conv_conformance.prediction import data
from tf_conv_conformance.prediction.literals import InexactDataError
from tf_conv_conformance.prediction.models import DOCUMENTED, PHASE_STRIDED
from tf_conv_conformance.prediction.predict import predict
from tf_conv_conformance.prediction.wrong_oracles import detect_wrong_function, wrong_oracles

CALL = Arguments("conv2d", TensorSpec((2, 9, 8, 3)), TensorSpec((3, 2, 3, 4)), 2, "SAME", 2)
LITERAL = replace(
    CALL,
    input=TensorSpec((1, 2, 2, 1), (1, 2, 3, 0.5)),
    filter=TensorSpec((1, 1, 1, 1), (3,)),
    dilations=1,
)


@pytest.mark.parametrize("dtype", PRECISION)
def test_every_partial_sum_fits(dtype):
    for arm in data.arms(replace(CALL, dtype=dtype)):
        x, w = (np.abs(array) for array in arm.arrays(CALL))
        assert x.min() >= 1
        assert w.min() >= 1
        assert data.products(CALL) * x.max() * w.max() < 2 ** PRECISION[dtype]


def test_wide_integers_need_all_bits_of_the_dtype():
    x, w = data.arms(CALL)[1].arrays(CALL)
    assert (x % 2 != 0).all()
    assert set(np.unique(w)) == {-1, 1}
    rounded = as_numbers(encode(x, "bfloat16"), "bfloat16")
    assert (rounded != x).mean() > 0.9, "arithmetic in bfloat16 must be seen"
    assert 2**24 / (2 * data.products(CALL)) < np.abs(x).max()


def test_data_depends_only_on_the_arguments():
    first, again = (data.arms(CALL)[0].arrays(CALL) for _ in range(2))
    assert all(np.array_equal(a, b) for a, b in zip(first, again, strict=True))
    assert data.arms(CALL)[0].seed != data.arms(replace(CALL, strides=1))[0].seed
    assert data.arms(CALL, salt=1)[0].seed != data.arms(CALL)[0].seed


def test_the_arrays_of_an_arm_are_drawn_once_and_cannot_be_written_to():
    first, again = (data.arms(CALL)[0].arrays(CALL) for _ in range(2))
    assert all(one is other for one, other in zip(first, again, strict=True))
    with pytest.raises(ValueError, match="read-only"):
        first[0][...] = 0
    with pytest.raises(ValueError, match="read-only"):
        predict(CALL).values(DOCUMENTED)[0].numbers[...] = 0


def test_arrays_beyond_the_limit_are_not_kept():
    large = replace(CALL, input=TensorSpec((1, data.KEPT // 2**15, 2**12, 3)))
    x = data.arms(large)[0].arrays(large)[0]
    assert x.nbytes > data.KEPT
    assert data._arrays.cache.currsize <= data.KEPT
    assert data.arms(large)[0].arrays(large)[0] is not x


@pytest.mark.parametrize("shape", [(3, 4), ()])
@pytest.mark.parametrize(
    "drawn",
    [data.Signed(4), data.Signed(1), data.Signed(1, odd=True), data.Signed(932067, odd=True)],
)
def test_the_source_expression_draws_the_same_numbers(drawn, shape):
    rng = np.random.RandomState(7)
    assert np.array_equal(
        eval(drawn.source(shape), {"rng": rng, "np": np}),
        drawn.draw(np.random.RandomState(7), shape),
    )
    assert isinstance(drawn.draw(rng, shape), np.ndarray)  # a number of rank 0, too
    assert np.abs(drawn.draw(np.random.RandomState(7), (1000,))).max() <= drawn.limit


@pytest.mark.parametrize("dtype", PRECISION)
def test_only_integers_are_in_float32(dtype):
    """The oracle relies on it."""
    names = (
        ("small_integers", "wide_integers")
        if dtype == "int32"
        else ("small_integers", "wide_integers", "reals")
    )
    for gradient in (None, "input", "filter"):
        arguments = replace(CALL, dtype=dtype, gradient=gradient, data=names)
        arrays = [
            (arm.name, array) for arm in data.arms(arguments) for array in arm.arrays(arguments)
        ]
        assert ("small_integers", np.float32) in [(name, array.dtype) for name, array in arrays]
        for name, array in arrays:
            assert array.dtype == np.float64 or (
                name != "reals" and np.array_equal(array, np.rint(array))
            )


@pytest.mark.parametrize("odd", [False, True])
def test_integers_beyond_float32_are_in_float64(odd):
    for limit, dtype in ((2**24, np.float32), (2**24 + 1, np.float64)):
        assert data.Signed(limit, odd).draw(np.random.RandomState(0), (2,)).dtype == dtype


def test_a_sum_that_does_not_fit_is_refused_with_its_arithmetic():
    large = replace(
        CALL, input=TensorSpec((1, 9, 9, 64)), filter=TensorSpec((3, 3, 64, 1)), dtype="bfloat16"
    )
    with pytest.raises(InexactDataError, match="576 products .* bfloat16: .* up to 255"):
        data.arms(large)


@pytest.mark.parametrize(
    ("dtype", "values", "reason"),
    [
        ("float32", (0.1,), "not exact in float32"),
        ("bfloat16", (257.0,), "not exact in bfloat16"),
        ("int32", (0.5,), "not an integer"),
        ("float32", (2.0**24, 2.0**-3), "are not exact"),
    ],
)
def test_literal_values_must_be_exact(dtype, values, reason):
    arguments = replace(LITERAL, dtype=dtype, input=TensorSpec((1, 1, len(values), 1), values))
    with pytest.raises(InexactDataError, match=reason):
        data.arms(arguments)


def test_a_drawn_filter_has_elements_of_1():
    """So the steps of its products are those of the literal input."""
    call = replace(CALL, input=TensorSpec((1, 1, 2, 1), (2.0**22 - 1,) * 2), dilations=1)
    with pytest.raises(InexactDataError, match="in steps of 1, are not exact in float32"):
        data.arms(replace(call, filter=TensorSpec((1, 2, 1, 1))))
    assert data.arms(replace(call, filter=TensorSpec((1, 1, 1, 1)), strides=1))


@pytest.mark.parametrize("by", ["input", "filter"])
def test_the_upstream_gradient_of_literal_values_counts(by):
    """It is drawn, up to 4, and takes the place of the tensor to differentiate by."""
    large, ones = (2.0**21 - 1,) * 9, (1.0,) * 9
    specs = TensorSpec((1, 3, 3, 1), large), TensorSpec((3, 3, 1, 1), ones)
    if by == "input":
        specs = TensorSpec((1, 3, 3, 1), ones), TensorSpec((3, 3, 1, 1), large)
    call = Arguments("conv2d", *specs, 1, "SAME", gradient=by)
    with pytest.raises(InexactDataError, match="9 products of up to 8.3886e"):
        data.arms(call)
    other = "filter" if by == "input" else "input"
    assert data.arms(replace(call, padding="VALID", gradient=other))


def test_dyadic_literals_are_exact():
    assert [arm.name for arm in data.arms(LITERAL)] == ["literal"]
    assert data.arms(LITERAL)[0].arrays(LITERAL)[0].ravel().tolist() == [1, 2, 3, 0.5]


def test_bfloat16_bits_round_trip():
    numbers = np.array([1.0, -255.0, 0.5, 3.0])
    assert encode(numbers, "bfloat16").dtype == np.uint16
    assert as_numbers(encode(numbers, "bfloat16"), "bfloat16").tolist() == numbers.tolist()


def mutants(arguments, model=DOCUMENTED):
    x, w = data.arms(arguments)[0].arrays(arguments)
    right = model.values(arguments, x, w)
    return {
        wrong.name: not np.array_equal(wrong.values(arguments, (x, w)), right)
        for wrong in wrong_oracles(model, arguments)
    }


def test_drawn_data_detects_every_wrong_oracle():
    square = replace(CALL, filter=TensorSpec((3, 3, 3, 4)), strides=(1, 2, 3, 1), dilations=(2, 1))
    noticed = mutants(square)
    assert all(noticed.values()), noticed
    assert {
        "height padding shifted by one",
        "last tap dropped",
        "dilation ignored",
        "filter transposed",
    } <= noticed.keys()
    assert predict(square).vacuous is None


def test_a_wrong_oracle_that_computes_the_same_function_is_not_missed():
    pointwise = replace(
        CALL,
        filter=TensorSpec((1, 1, 1, 1)),
        input=TensorSpec((1, 4, 4, 1)),
        strides=1,
        dilations=1,
    )
    assert not all(mutants(pointwise).values())
    assert predict(pointwise).vacuous is None


@pytest.mark.parametrize(
    ("x", "w", "wrong"),
    [
        ((0,) * 16, (1, 2, 3, 4), "padding shifted"),
        (range(16), (1, 2, 2, 1), "filter transposed"),
        (range(16), (1, 2, 3, 0), "last tap dropped"),
    ],
)
def test_data_that_detects_no_error_is_vacuous(x, w, wrong):
    blind = Arguments(
        "conv2d",
        TensorSpec((1, 4, 4, 1), tuple(map(float, x))),
        TensorSpec((2, 2, 1, 1), tuple(map(float, w))),
        1,
        "VALID",
    )
    assert wrong in (predict(blind).vacuous or "")


def test_depthwise_is_judged_by_both_models():
    atrous = Arguments(
        "depthwise_conv2d",
        TensorSpec((1, 9, 9, 2)),
        TensorSpec((3, 3, 2, 2)),
        (1, 2, 2, 1),
        "SAME",
        (2, 2),
    )
    arrays = [arm.arrays(atrous) for arm in predict(atrous).arms]
    found = detect_wrong_function(
        PHASE_STRIDED,
        atrous,
        arrays,
        predict(atrous).values(PHASE_STRIDED),
        lambda sums: sums,
        seed=0,
    )
    assert found.missed is None
    prediction = predict(atrous)
    assert prediction.excluded(PHASE_STRIDED) == (*found.excluded, "sums of 11 bits")
    assert "phase_strided instead of documented" in prediction.excluded(DOCUMENTED)
    assert "documented instead of phase_strided" in found.excluded
    assert mutants(atrous)["phase_strided instead of documented"]


REALS = replace(
    LITERAL,
    input=TensorSpec((1, 2, 2, 1), (0.1, 0.2, 0.3, 0.5)),
    filter=TensorSpec((2, 2, 1, 1)),
    data=("reals",),
)


@pytest.mark.parametrize("dtype", ["float16", "float32", "float64"])
def test_nearest_rounds_as_numpy_does(dtype):
    rng = np.random.RandomState(1)
    values = rng.standard_normal(2000) * 2.0 ** rng.randint(
        -1080 if dtype == "float64" else -155, 120, size=2000
    )
    with np.errstate(over="ignore"):
        assert [nearest(value, dtype) for value in values.tolist()] == values.astype(dtype).tolist()


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (0.1, 0.10009765625),
        (1 + 2**-8, 1.0),
        (1 + 3 * 2**-8, 1 + 2**-6),
        (3.39e38, 255 * 2.0**120),
        (3.4e38, np.inf),
        (-1e-42, -0.0),
    ],
)
def test_nearest_rounds_to_bfloat16(value, expected):
    assert nearest(value, "bfloat16") == expected
    assert largest("bfloat16") == 255 * 2.0**120


def test_literal_reals_have_an_arm_of_their_own_beside_random_ones():
    (arm,) = data.arms(REALS)
    assert arm.name == "reals"
    x, w = arm.arrays(REALS)
    assert x.ravel().tolist() == [0.1, 0.2, 0.3, 0.5]
    assert (w % 1 != 0).any()
    both = replace(LITERAL, data=("small_integers", "wide_integers", "reals"))
    assert [arm.name for arm in data.arms(both)] == ["literal", "reals"]


@pytest.mark.parametrize(
    ("dtype", "value"), [("float32", 3e38), ("float16", 30000.0), ("float64", 1e308)]
)
def test_literal_reals_that_may_overflow_are_refused(dtype, value):
    large = replace(REALS, dtype=dtype, input=TensorSpec((1, 2, 2, 1), (value, value, -value, 1.0)))
    with pytest.raises(InexactDataError, match=r"4 products of up to .* may overflow"):
        data.arms(large)


def test_exact_literals_whose_products_overflow_are_refused():
    large = TensorSpec((1, 1, 1, 1), (2.0**1000,))
    with pytest.raises(InexactDataError, match="1 product of up to 1e308 and more, in steps of"):
        data.arms(
            replace(
                LITERAL,
                dtype="float64",
                input=replace(large, values=(2.0**1000 * 3, 1.0)),
                filter=large,
            )
        )


def test_infinities_among_literal_reals_do_not_count_as_overflow():
    assert (
        data.arms(replace(REALS, input=TensorSpec((1, 2, 2, 1), (np.inf, np.nan, 0.1, 0.2))))[
            0
        ].name
        == "reals"
    )
