"""The operations around a convolution, against literal loops; and what their data detects."""

import itertools
from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest

from tf_conv_conformance.convolution.arguments import (
    Arguments,
    TensorSpec,
    from_record,
    to_record,
)
from tf_conv_conformance.convolution.company import EPSILON, TENSORS, Operation, listed
from tf_conv_conformance.prediction.company import (
    DRAWN,
    FACTORS,
    is_exact,
    passed_back,
    products,
    second,
)
from tf_conv_conformance.prediction.data import arms, result_shape
from tf_conv_conformance.prediction.literals import InexactDataError
from tf_conv_conformance.prediction.models import DOCUMENTED
from tf_conv_conformance.prediction.predict import predict
from tf_conv_conformance.prediction.reproduction import python
from tf_conv_conformance.prediction.wrong_company import (
    SWAPPED,
    contrasting_data,
    wrong_operations,
)

PAD = Operation("pad", ((1, 0), (0, 2), (1, 1), (0, 0)))
BIAS, ADD, RELU, RELU6, NORM = map(
    Operation, ("bias_add", "add", "relu", "relu6", "fused_batch_norm")
)
SECOND = Operation("conv2d", "VALID", (2, 1, 6, 3), (1, 2))
DEPTHWISE = Operation("depthwise_conv2d", ((0, 0), (1, 0), (0, 1), (0, 0)), (2, 2, 6, 2))
ALONE = Arguments(
    "conv2d", TensorSpec((2, 5, 6, 3)), TensorSpec((2, 3, 3, 6)), (1, 2, 1, 1), "VALID"
)
TAILS = [
    (BIAS,),
    (BIAS, RELU),
    (RELU6, ADD),
    (NORM, RELU),
    (BIAS, SECOND, BIAS),
    (RELU, DEPTHWISE, NORM),
    (BIAS, ADD, RELU),
]


def convolved(x, w, strides, padding=((0, 0), (0, 0)), depthwise=False):
    """The documented sum as a loop, of an input with explicit padding in NHWC."""
    x = np.pad(x, ((0, 0), *padding, (0, 0)))
    height = (x.shape[1] - w.shape[0]) // strides[0] + 1
    width = (x.shape[2] - w.shape[1]) // strides[1] + 1
    channels = w.shape[2] * w.shape[3] if depthwise else w.shape[3]
    y = np.zeros((x.shape[0], height, width, channels))
    for b, i, j, k in np.ndindex(y.shape):
        for di, dj in np.ndindex(w.shape[:2]):
            pixel = x[b, strides[0] * i + di, strides[1] * j + dj]
            if depthwise:
                y[b, i, j, k] += pixel[k // w.shape[3]] * w[di, dj, k // w.shape[3], k % w.shape[3]]
            else:
                y[b, i, j, k] += pixel @ w[di, dj, :, k]
    return y


def by_loops(arguments, x, w, *others):
    rest = list(others)
    for pad in arguments.before:
        x = np.pad(x, pad.padding)
    y = convolved(x, w, arguments.strides[1:3])
    for one in arguments.after:
        if one.filter is not None:
            padding = one.padding[1:3] if one.padding != "VALID" else ((0, 0), (0, 0))
            y = convolved(y, rest.pop(0), one.strides, padding, one.name != "conv2d")
        elif one.name == "fused_batch_norm":
            scale, offset, mean, variance = rest[:4]
            del rest[:4]
            y = np.stack(
                [
                    (y[..., k] - mean[k]) / np.sqrt(variance[k] + 1) * scale[k] + offset[k]
                    for k in range(y.shape[-1])
                ],
                axis=-1,
            )
        elif one.name in ("bias_add", "add"):
            y = y + rest.pop(0)
        else:
            y = np.minimum(np.maximum(y, 0), 6 if one.name == "relu6" else np.inf)
    assert not rest
    return y


@pytest.mark.parametrize("before", [(), (PAD,)], ids=["alone", "padded"])
@pytest.mark.parametrize("after", TAILS, ids=listed)
def test_the_oracle_is_the_documented_arithmetic(before, after):
    arguments = replace(ALONE, before=before, after=after)
    prediction = predict(arguments)
    assert prediction.vacuous is None
    for tensors, values in zip(prediction.tensors, prediction.values(DOCUMENTED), strict=True):
        assert np.array_equal(values.numbers, by_loops(arguments, *tensors))
        assert values.numbers.shape == prediction.documented.shape


@pytest.mark.parametrize("by", ["input", "filter"])
@pytest.mark.parametrize("before", [(), (PAD,)], ids=["alone", "padded"])
@pytest.mark.parametrize("after", TAILS, ids=listed)
def test_a_gradient_is_the_slope_of_the_documented_arithmetic(before, after, by):
    """At random reals, none of which is at a limit of an activation."""
    arguments = replace(ALONE, before=before, after=after, gradient=by)
    x, w, upstream, *others = predict(arguments).tensors[0]
    random = np.random.RandomState(1)
    x, w = (random.normal(size=one.shape) for one in (x, w))
    gradient = DOCUMENTED.values(arguments, x, w, upstream, *others)
    varied = x if by == "input" else w
    assert gradient.shape == varied.shape
    for place in random.choice(varied.size, 4, replace=False):
        sides = []
        for step in (1e-6, -1e-6):
            other = varied.copy()
            other.flat[place] += step
            tensors = (other, w) if by == "input" else (x, other)
            sides.append((upstream * by_loops(arguments, *tensors, *others)).sum())
        slope = (sides[0] - sides[1]) / 2e-6
        assert gradient.flat[place] == pytest.approx(slope, rel=1e-5, abs=1e-5)


def test_an_activation_passes_on_nothing_at_its_limits():
    """Its input and its result determine the same gradient, as TensorFlow documents."""
    numbers = tuple(map(float, (-1, 0, 1, 5, 6, 7)))
    x, w = TensorSpec((1, 1, 6, 1), numbers), TensorSpec((1, 1, 1, 1), (1.0,))
    for one, passed in ((RELU, [0, 0, 1, 1, 1, 1]), (RELU6, [0, 0, 1, 1, 0, 0])):
        call = Arguments("conv2d", x, w, 1, "VALID", after=(one,), gradient="input")
        tensors = [np.array(numbers).reshape(x.shape), np.ones((1, 1, 1, 1)), np.ones(x.shape)]
        assert DOCUMENTED.values(call, *tensors).ravel().tolist() == passed


@pytest.mark.parametrize("by", ["input", "filter"])
@pytest.mark.parametrize("dtype", ["float32", "float16"])
def test_every_sum_of_a_gradient_is_exact(dtype, by):
    """The largest values of all tensors, with the largest factors, fit into the dtype."""
    top = 2 ** {"float32": 24, "float16": 11}[dtype] - 1
    largest = {"scale": 2.0, "variance": 0.0, "mean": -4.0}
    for after in [*TAILS[:2], TAILS[3], *(TAILS[4:] if dtype == "float32" else ())]:
        arguments = replace(ALONE, dtype=dtype, after=after, gradient=by)
        for arm in arms(arguments):
            x, w, upstream, *others = arm.arrays(arguments)
            sizes = arm.input.limit, arm.filter.limit, arm.upstream.limit
            tensors = [
                np.full(one.shape, size) for one, size in zip((x, w, upstream), sizes, strict=True)
            ]
            names = [name for one in after for name in TENSORS[one.name]]
            for name, other in zip(names, others, strict=True):
                size = largest.get(name, 1.0 if name == "filter" else 4.0)
                tensors.append(np.full(other.shape, size))
            gradient = DOCUMENTED.values(arguments, *tensors)
            forward = DOCUMENTED.values(
                replace(arguments, gradient=None), *tensors[:2], *tensors[3:]
            )
            assert max(gradient.max(), forward.max()) <= top
            assert arm.name == "small_integers" or gradient.max() > top / 64


@pytest.mark.parametrize("by", ["input", "filter"])
@pytest.mark.parametrize("after", [(RELU,), (BIAS, RELU6), (NORM, ADD, RELU)], ids=listed)
def test_a_gradient_detects_what_an_activation_keeps_back(after, by):
    few = Arguments("conv2d", TensorSpec((3, 4, 5, 2)), TensorSpec((1, 1, 2, 3)), 1, "SAME")
    for call in (ALONE, few):  # the sums of two products of 1 and -1 are not above 6
        prediction = predict(replace(call, after=after, gradient=by))
        assert prediction.vacuous is None
        found = set(prediction.excluded(DOCUMENTED))
        assert {f"{one.name} dropped" for one in after} <= found
        halves = {f"relu6 without its {which} limit" for which in ("lower", "upper")}
        assert RELU6 not in after or halves <= found


def test_channels_first_is_the_same_transposed():
    last = replace(ALONE, before=(PAD,), after=(BIAS, NORM, SECOND, ADD, RELU6))
    first = replace(
        last,
        data_format="NCHW",
        input=TensorSpec((2, 3, 5, 6)),
        strides=(1, 1, 2, 1),
        before=(Operation("pad", tuple(PAD.padding[place] for place in (0, 3, 1, 2))),),
    )
    tensors = predict(last).tensors[0]
    moved = list(tensors)
    for place in (0, -1):  # the input and the addend
        moved[place] = np.moveaxis(tensors[place], -1, 1)
    expected = np.moveaxis(DOCUMENTED.values(last, *tensors), -1, 1)
    assert np.array_equal(DOCUMENTED.values(first, *moved), expected)
    assert DOCUMENTED.shape(first) == expected.shape


@pytest.mark.parametrize(
    ("data_format", "strides"), [("NHWC", (1, 2, 3, 1)), ("NCHW", (1, 1, 2, 3))]
)
def test_a_second_convolution_moves_along_height_and_width_alone(data_format, strides):
    beside = replace(ALONE, data_format=data_format)
    operation = replace(SECOND, strides=(2, 3))
    assert second(operation, (2, 9, 9, 9), beside).strides == strides


def test_a_record_has_the_operations_and_a_call_alone_has_none():
    arguments = replace(ALONE, before=(PAD,), after=(BIAS, SECOND))
    assert from_record(to_record(arguments)) == arguments
    assert to_record(ALONE).keys().isdisjoint({"before", "after"})
    assert repr(arguments) == repr(ALONE)  # so the data is that of the convolution alone


@pytest.mark.parametrize("dtype", ["float32", "float16", "bfloat16"])
def test_every_sum_is_exact_in_any_order(dtype):
    """A batch norm may be folded into the filter, so that its products are summed first."""
    precision = {"float32": 24, "float16": 11, "bfloat16": 8}[dtype]
    for after in itertools.chain(TAILS[:4], [(BIAS, NORM, ADD)]):
        arguments = replace(ALONE, dtype=dtype, after=after)
        products = 2 * 3 * 3
        for arm in arms(arguments):
            most = products * arm.input.limit * arm.filter.limit
            for one in after:
                if one is NORM:
                    most = 2 * (most + 4) + 4  # with the factor of 2
                elif one in (BIAS, ADD):
                    most += 4
                assert most <= 2**precision - 1


def depthwise(rows, channel_multiplier=1):
    return Operation("depthwise_conv2d", "VALID", (rows, 1, 6, channel_multiplier))


@pytest.mark.parametrize(
    ("after", "step", "most"),
    [
        ((RELU,), 1, 2047),
        ((BIAS,), 1, 2043),
        ((BIAS,), 2, 2042),  # a bias of 1 makes odd numbers
        ((BIAS,), 1 / 4, 511.75 - 4),
        ((NORM,), 1, 1017),  # (1017 + 4) * 2 + 4 with a scale of 2
        ((NORM,), 1 / 4, 491.75),  # (491.75 + 4) / 4 + 4 has steps of 1/16
        ((NORM,), 8, 1016),  # with an offset of 1
        ((NORM, BIAS), 1, 1015),
        ((SECOND,), 1, 2047 // 12),
        ((SECOND,), 2, 2 * (2047 // 12)),
        ((DEPTHWISE,), 1, 2047 // 4),
        ((depthwise(1, 5), BIAS), 1, 2043),
        ((depthwise(0), BIAS), 1, 2043),
        ((NORM, SECOND), 1, 15),  # ((15 + 4) * 2 + 4) * 12 of the channel with the scale of 2
        ((RELU6, depthwise(5)), 1 / 64, 2047 / 64),  # 30 fits
        ((RELU6, depthwise(3)), 1 / 128, 682 / 128),  # 18 does not
        ((RELU, depthwise(3)), 1 / 128, 682 / 128),
        ((RELU, depthwise(5)), 1 / 64, 409 / 64),
    ],
)
def test_sums_fit_up_to_a_limit(after, step, most):
    """By hand, for a dtype with 11 bits: the largest multiple of a step that is exact."""
    call, fraction = replace(ALONE, after=after), Fraction(step)
    fitting = [
        count for count in range(1, 2049) if is_exact(call, count * fraction, fraction, 2047)
    ]
    assert fitting == list(range(1, len(fitting) + 1))
    assert len(fitting) * step == most


@pytest.mark.parametrize(
    ("after", "summed", "passed"),
    [
        ((), 0, (1, 1)),
        ((BIAS, RELU6, ADD), 0, (1, 1)),
        ((SECOND,), 12, (6, 1)),  # 2 rows and 3 channels read a number, of 2 * 6
        ((DEPTHWISE, NORM), 4, (16, Fraction(1, 4))),
        ((NORM, depthwise(3, 5), SECOND), 15, (180, Fraction(1, 4))),
        ((depthwise(0),), 0, (1, 1)),
    ],
)
def test_products_are_counted_forward_and_back(after, summed, passed):
    assert products(after) == summed
    assert passed_back(after) == passed


def test_no_drawn_tensor_is_larger_than_the_sums_allow():
    random = np.random.RandomState(0)
    numbers = {name: {*kind.draw(random, (999,)).tolist()} for name, kind in DRAWN.items()}
    signed = {float(sign * size) for size in (1, 2, 3, 4) for sign in (1, -1)}
    assert numbers["bias"] == numbers["addend"] == numbers["offset"] == numbers["mean"] == signed
    assert numbers["filter"] == {1.0, -1.0}
    roots = {np.sqrt(one + EPSILON) for one in numbers["variance"]}
    assert roots == {1.0, 2.0}
    factors = {scale / root for scale in numbers["scale"] for root in roots}
    assert factors == {sign * float(factor) for factor in FACTORS for sign in (1, -1)}


@pytest.mark.parametrize(
    ("after", "swapped"),
    [
        ((BIAS, RELU), [0]),
        ((RELU, BIAS), [0]),
        ((RELU, RELU), []),
        ((RELU, RELU, BIAS), [1]),
        ((BIAS, SECOND, RELU, BIAS), [2]),
    ],
)
def test_neighbours_of_different_names_change_places(after, swapped):
    made = [wrong for name, wrong in wrong_operations(after) if name == SWAPPED]
    places = list(range(len(after)))
    orders = [[*places[:at], at + 1, at, *places[at + 2 :]] for at in swapped]
    assert [wrong(places) for wrong in made] == orders


@pytest.mark.parametrize("gradient", [None, "input"])
def test_contrasting_data_has_both_signs_and_sums_as_large_as_a_bias(gradient):
    call = replace(ALONE, after=(BIAS, RELU), gradient=gradient)
    tensors = predict(call).tensors[0]
    draws = list(contrasting_data(call, tensors, 18, 4, 1))
    assert len(draws) == 8
    for number, (one, other) in enumerate(zip(draws[::2], draws[1::2], strict=True)):
        assert [each.shape for each in one] == [each.shape for each in tensors]
        assert np.array_equal(one[1], -other[1])
        assert all(np.array_equal(one[at], other[at]) for at in (0, *range(2, len(one))))
        width = 2.0**12 * (2.0**-23 if number % 2 else 1)  # 18 products sum to about 4
        for each in (one[0] / width, *(each / 2.0**12 for each in one[1 : 3 if gradient else 2])):
            assert -1 <= each.min() < -0.9
            assert 0.9 < each.max() <= 1
        bias = np.abs(one[-1])
        assert 1 <= bias.min() < bias.max() <= 4
        sums = convolved(one[0], one[1], (2, 1)) / (1 if number % 2 else 2.0**23)
        assert 1 < np.abs(sums).mean() < 8


def filled(value):
    return TensorSpec((1, 2, 3, 3), (value,) * 18)


def test_data_that_cannot_be_exact_is_refused():
    with pytest.raises(
        InexactDataError, match="18 products are not exact in bfloat16 after conv2d"
    ):
        arms(replace(ALONE, dtype="bfloat16", after=(replace(SECOND, filter=(3, 1, 6, 3)),)))
    with pytest.raises(InexactDataError, match="a gradient of reals through bias_add; leave"):
        arms(replace(ALONE, data=("reals",), after=(BIAS,), gradient="input"))
    with pytest.raises(InexactDataError, match="exact in float32 in the gradient through fused_"):
        arms(replace(ALONE, input=filled(2.0**19 + 1), after=(NORM,), gradient="filter"))
    with pytest.raises(InexactDataError, match="are not exact in float32 after bias_add"):
        arms(replace(ALONE, input=filled(2.0**-22), after=(BIAS,), gradient="filter"))
    wide = replace(SECOND, filter=(2, 1, 6, 64))
    with pytest.raises(InexactDataError, match="not exact in bfloat16 in the gradient through"):
        arms(replace(ALONE, dtype="bfloat16", after=(wide,), gradient="input"))
    with pytest.raises(InexactDataError, match="nothing documents what relu make of inf"):
        arms(replace(ALONE, input=filled(float("inf")), after=(RELU,)))
    with pytest.raises(InexactDataError, match="are not exact in float32 after bias_add"):
        arms(replace(ALONE, input=filled(2.0**-23), after=(BIAS,)))


def test_dropped_and_swapped_operations_are_detected():
    found = predict(replace(ALONE, after=(BIAS, RELU6, ADD))).excluded(DOCUMENTED)
    assert {"bias_add dropped", "relu6 dropped", "add dropped"} < set(found)
    assert "order of operations swapped" in found
    twice = predict(replace(ALONE, after=(RELU, RELU)))  # the second changes nothing
    assert twice.vacuous is None
    assert "relu dropped" not in twice.excluded(DOCUMENTED)
    x, w = TensorSpec((1, 3, 3, 1), (2.0,) * 9), TensorSpec((1, 1, 1, 1), (3.0,))
    positive = Arguments("conv2d", x, w, 1, "SAME", after=(RELU,))
    assert predict(positive).vacuous == "relu dropped"


@pytest.mark.parametrize("after", [(RELU,), (BIAS, RELU), (RELU, BIAS)], ids=listed)
def test_a_single_result_detects_dropped_operations_and_errors_before_them(after):
    """One sum alone is positive in half of the draws, and then relu makes no difference."""
    wanted = {f"{one.name} dropped" for one in after}
    for height, width, channels in itertools.product((1, 2), (1, 2, 3), (1, 2, 3)):
        x, w = TensorSpec((1, height, width, channels)), TensorSpec((height, width, channels, 1))
        prediction = predict(Arguments("conv2d", x, w, 1, "VALID", after=after))
        assert prediction.vacuous is None
        found = set(prediction.excluded(DOCUMENTED))
        assert wanted <= found
        assert ("filter flipped in width" in found) == (width > 1)


@pytest.mark.parametrize("after", [(RELU6,), (BIAS, RELU6), (RELU6, BIAS)], ids=listed)
def test_two_results_detect_each_half_of_relu6(after):
    """A single one in two arms is not below 0, above 6, and between them, where taps show."""
    for height, width, channels in itertools.product((1, 2), (1, 2, 3), (1, 2)):
        x, w = TensorSpec((1, height, width, channels)), TensorSpec((height, width, channels, 2))
        prediction = predict(Arguments("conv2d", x, w, 1, "VALID", after=after))
        assert prediction.vacuous is None
        halves = {f"relu6 without its {which} limit" for which in ("lower", "upper")}
        assert halves <= set(prediction.excluded(DOCUMENTED))
    single = Arguments("conv2d", x, TensorSpec((*w.shape[:3], 1)), 1, "VALID", after=after)
    assert predict(single).vacuous is not None


@pytest.mark.parametrize(
    ("numbers", "after", "missed"),
    [
        ((1, 2, 3, 4), (RELU,), "relu dropped"),  # all sums are positive
        ((-1, -2, -3, -4), (RELU,), "height padding shifted by one"),  # all results are 0
        ((-1, -2, -3, -4), (RELU6,), "height padding shifted by one"),
        ((7, 8, 9, 10), (RELU6,), "width padding shifted by one"),  # all results are 6
        ((-1, 2, 3, -4), (RELU,), None),
        ((-1, 2, 3, -4), (RELU, RELU), None),  # the second changes nothing
    ],
)
def test_literal_values_need_sums_that_operations_change_and_others_that_they_keep(
    numbers, after, missed
):
    for weights in ((1.0, 2.0), (1.0, 3.0), (2.0, 3.0)):
        x = TensorSpec((1, 2, 2, 1), tuple(map(float, numbers)))
        call = Arguments("conv2d", x, TensorSpec((1, 2, 1, 1), weights), 1, "VALID", after=after)
        assert predict(call).vacuous == missed


@pytest.mark.parametrize(
    ("numbers", "missed"),
    [
        ((-1, 2, 3, 9), None),
        ((1, 2, 3, 9), "relu6 without its lower limit"),
        ((-1, 2, 3, 6), "relu6 without its upper limit"),
    ],
)
def test_relu6_needs_sums_below_0_and_above_6(numbers, missed):
    x = TensorSpec((1, 2, 2, 1), tuple(map(float, numbers)))
    call = Arguments("conv2d", x, TensorSpec((1, 1, 1, 1), (1.0,)), 1, "VALID", after=(RELU6,))
    assert predict(call).vacuous == missed


def test_operations_that_may_change_places_are_the_same_function():
    found = predict(replace(ALONE, after=(BIAS, ADD)))
    assert found.vacuous is None
    assert "order of operations swapped" not in found.excluded(DOCUMENTED)


def test_an_addend_has_the_shape_of_what_it_is_added_to():
    arguments = replace(ALONE, after=(ADD, SECOND, ADD))
    shapes = [one.shape for one in predict(arguments).tensors[0][2:]]
    assert shapes == [(2, 2, 4, 6), (2, 1, 6, 3), (2, 1, 2, 3)]
    assert result_shape(arguments) == shapes[0]


def test_operations_of_a_record_that_mean_nothing_are_still_text():
    """A record file is untrusted: its types are checked, not what they mean together."""
    odd = replace(
        ALONE, before=(Operation("pad"), RELU), after=(Operation("conv2d", None, (2, 1)),)
    )
    assert listed(odd.before) == "pad, relu"
    assert listed(odd.after) == "conv2d 2x1"
    (arm, *_) = arms(ALONE)
    assert "y = tf.nn.conv2d(y, w2" in python(odd, "graph", arm)
