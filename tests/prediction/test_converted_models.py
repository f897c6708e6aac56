"""What a converted call computes, by hand: where its padding, and what it reads, are not those of
the documentation.
"""

from dataclasses import replace

import numpy as np
import pytest

from tf_conv_conformance.convolution.arguments import Arguments, TensorSpec, interpret
from tf_conv_conformance.convolution.geometry import FAR, Axis, documented_indices
from tf_conv_conformance.prediction.converted_models import (
    CONVERTED,
    TF2ONNX,
    XNNPACK,
    cropped,
    delegated,
    folded,
    models_in,
    padded_as_phases,
    reads_alike,
    unclamped_indices,
)
from tf_conv_conformance.prediction.models import DOCUMENTED, PHASE_STRIDED, models_of

CONV2D = Arguments("conv2d", TensorSpec((2, 9, 8, 3)), TensorSpec((3, 2, 3, 4)), 1, "SAME")
DEPTHWISE = replace(CONV2D, op="depthwise_conv2d", strides=(1, 1, 1, 1), dilations=(2, 2))
NONE, BEFORE, AFTER = (0, 0), (1, 0), (0, 1)


def padded(height, width):
    return (NONE, height, width, NONE)


def paddings(change, arguments):
    changed = change(arguments, interpret(arguments))
    assert replace(changed, height=0, width=0) == replace(interpret(arguments), height=0, width=0)
    for axis, given in zip(changed.axes, interpret(arguments).axes, strict=True):
        assert replace(axis, padding=given.padding) == given
    return tuple(axis.padding for axis in changed.axes)


@pytest.mark.parametrize("change", [folded, delegated])
@pytest.mark.parametrize("rates", [(2, 2), (1, 2), (3, 1)])
@pytest.mark.parametrize(
    ("padding", "expected"),
    [
        (padded(BEFORE, BEFORE), "SAME"),
        (padded(BEFORE, NONE), "SAME"),
        (padded(NONE, AFTER), "SAME"),
        (padded((3, 2), (1, 5)), "SAME"),
        (padded((1, -1), NONE), "SAME"),
        (padded(NONE, NONE), "VALID"),
        ("SAME", "SAME"),
        ("VALID", "VALID"),
    ],
)
def test_phases_with_explicit_padding_become_a_dilated_call_with_same(
    change, rates, padding, expected
):
    arguments = replace(DEPTHWISE, padding=padding, dilations=rates)
    assert paddings(change, arguments) == (expected, expected)


@pytest.mark.parametrize(
    "changes",
    [
        {"dilations": None},
        {"dilations": (1, 1)},
        {"via": "tf.raw_ops.DepthwiseConv2dNative", "dilations": (1, 2, 2, 1)},
        {"op": "conv2d"},
    ],
)
def test_a_call_without_phases_keeps_its_padding(changes):
    arguments = replace(DEPTHWISE, padding=padded((1, 2), (3, 0)), **changes)
    assert paddings(folded, arguments) == ((1, 2), (3, 0))
    assert paddings(delegated, arguments) == ((1, 2), (3, 0))


@pytest.mark.parametrize(
    ("size", "padding", "expected"),
    [
        ((1, 1), "SAME", ("VALID", "VALID")),
        ((1, 1), "VALID", ("VALID", "VALID")),
        ((1, 1), padded(BEFORE, NONE), (BEFORE, NONE)),
        ((1, 2), "SAME", ("SAME", "SAME")),
        ((2, 1), "SAME", ("SAME", "SAME")),
        ((2, 2), "SAME", ("SAME", "SAME")),
        ((0, 0), "SAME", ("SAME", "SAME")),
        ((0, 1), "SAME", ("SAME", "SAME")),
        ((1, 0), "SAME", ("SAME", "SAME")),
    ],
)
def test_xnnpack_pads_nothing_for_a_filter_of_one_element(size, padding, expected):
    arguments = replace(CONV2D, filter=TensorSpec((*size, 3, 4)), padding=padding)
    assert paddings(delegated, arguments) == expected
    assert paddings(folded, arguments) == tuple(axis.padding for axis in interpret(arguments).axes)


@pytest.mark.parametrize(
    ("axis", "outside"),
    [
        (Axis(4, 1, 2, 1, "SAME"), True),  # (2 - 1) * 2 + 1 - 4 = -1
        (Axis(4, 1, 2, 1, "VALID"), False),
        (Axis(4, 1, 2, 1, (0, 0)), False),
        (Axis(5, 1, 2, 1, "SAME"), False),  # 0
        (Axis(6, 2, 4, 1, "SAME"), False),  # 0
        (Axis(8, 2, 4, 1, "SAME"), True),  # -2
        (Axis(8, 2, 4, 2, "SAME"), True),  # -1
        (Axis(8, 2, 4, 3, "SAME"), False),  # 0
        (Axis(9, 3, 2, 2, "SAME"), False),  # 4
    ],
)
def test_xnnpack_reads_far_outside_where_same_would_need_negative_padding(axis, outside):
    documented, found = documented_indices(axis), unclamped_indices(axis)
    assert found.dtype == np.int64
    assert np.array_equal(found, np.full(documented.shape, -FAR) if outside else documented)
    assert (XNNPACK.taps(axis) == -1).all() == outside


SPARSE = replace(
    CONV2D,
    input=TensorSpec((1, 8, 9, 3)),
    filter=TensorSpec((2, 3, 3, 4)),
    strides=(1, 4, 1, 1),
)


@pytest.mark.parametrize(
    ("arguments", "models"),
    [
        (CONV2D, (DOCUMENTED,)),
        (DEPTHWISE, (DOCUMENTED,)),
        (replace(DEPTHWISE, padding=padded((3, 0), BEFORE)), (DOCUMENTED, CONVERTED)),
        (replace(DEPTHWISE, strides=(1, 2, 2, 1)), (DOCUMENTED, PHASE_STRIDED)),
        (
            replace(DEPTHWISE, strides=(1, 2, 2, 1), padding=padded((3, 0), BEFORE)),
            (DOCUMENTED, CONVERTED, PHASE_STRIDED),
        ),
        (SPARSE, (DOCUMENTED, XNNPACK)),
        (replace(SPARSE, filter=TensorSpec((1, 1, 3, 4))), (DOCUMENTED,)),
        (replace(SPARSE, padding="VALID"), (DOCUMENTED,)),
    ],
)
def test_the_models_of_a_converted_call_read_different_elements(arguments, models):
    for mode in ("tflite", "tflite-reference", "litert"):
        assert models_in(arguments, mode) == models
    for mode in ("eager", "graph", "xla", "saved_model"):
        assert models_in(arguments, mode) == models_of(arguments)


def test_a_call_without_a_meaning_has_the_models_of_any_mode():
    arguments = replace(CONV2D, strides=(1, 1, 1))
    assert models_in(arguments, "tflite") == models_of(arguments) == (DOCUMENTED,)


def test_a_sum_of_padding_in_one_axis_is_zero_whatever_the_other_reads():
    def call(height, width):
        padding = padded(height, width)
        return replace(CONV2D, padding=padding, filter=TensorSpec((1, 1, 3, 4)))

    inside, beside = call(NONE, BEFORE), call(NONE, AFTER)
    assert reads_alike(DOCUMENTED, DOCUMENTED, inside, inside)
    assert not reads_alike(DOCUMENTED, DOCUMENTED, inside, beside)
    assert not reads_alike(DOCUMENTED, DOCUMENTED, call(BEFORE, NONE), call(AFTER, NONE))
    outside, above = call((-9, 1), BEFORE), call((1, -9), AFTER)
    assert reads_alike(DOCUMENTED, DOCUMENTED, outside, above)
    assert not reads_alike(DOCUMENTED, DOCUMENTED, outside, call((-8, 0), AFTER))
    assert not reads_alike(DOCUMENTED, DOCUMENTED, outside, call((-9, 2), BEFORE))  # another size


STRIDED = replace(DEPTHWISE, strides=(1, 2, 2, 1))


@pytest.mark.parametrize(
    ("arguments", "models"),
    [
        (SPARSE, (DOCUMENTED,)),
        (DEPTHWISE, (DOCUMENTED,)),
        (STRIDED, (DOCUMENTED, TF2ONNX, PHASE_STRIDED)),
        (replace(STRIDED, padding=padded((3, 0), BEFORE)), (DOCUMENTED, PHASE_STRIDED)),
        (replace(STRIDED, unknown=("height",)), (DOCUMENTED, PHASE_STRIDED)),
    ],
)
def test_tf2onnx_pads_same_as_space_to_batch_does(arguments, models):
    assert models_in(arguments, "onnx") == models


@pytest.mark.parametrize("strides", [(1, 1, 1, 1), (1, 2, 2, 1), (1, 7, 7, 1)])
@pytest.mark.parametrize("padding", ["SAME", "VALID", padded((3, 0), BEFORE)])
def test_nothing_is_folded_of_a_function_that_does_not_know_a_size(strides, padding):
    arguments = replace(DEPTHWISE, strides=strides, padding=padding, unknown=("batch",))
    models = models_in(arguments, "tflite")
    assert models == models_of(arguments)
    for model in (CONVERTED, XNNPACK):
        assert reads_alike(model, DOCUMENTED, arguments, arguments)


GENERIC = replace(CONV2D, via="tf.nn.convolution", strides=(1, 1), dilations=(2, 2))


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (DEPTHWISE, ((2, 2), (1, 1))),
        (STRIDED, ((2, 2), (1, 1))),
        (replace(STRIDED, dilations=(3, 1)), ((3, 3), (0, 1))),
        (replace(STRIDED, dilations=(1, 1)), ("SAME", "SAME")),
        (replace(STRIDED, padding="VALID"), ("VALID", "VALID")),
        (replace(STRIDED, unknown=("batch",)), ((2, 2), (1, 1))),
        (replace(STRIDED, unknown=("batch", "width")), ("SAME", "SAME")),
        (replace(CONV2D, dilations=2), ("SAME", "SAME")),
        (GENERIC, ("SAME", "SAME")),
        (replace(GENERIC, unknown=("batch",)), ("SAME", "SAME")),
    ],
)
def test_tf2onnx_pads_as_the_phases_of_depthwise_calls_do(arguments, expected):
    assert paddings(padded_as_phases, arguments) == expected


UNKNOWN = replace(CONV2D, unknown=("width",))
ONE_TAP = replace(UNKNOWN, filter=TensorSpec((1, 1, 1, 1)))


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (UNKNOWN, ("SAME", "SAME")),
        (replace(UNKNOWN, strides=(1, 8, 8, 1)), ("SAME", (-2, -4))),  # two taps of eight: t = -6
        (replace(UNKNOWN, strides=(1, 8, 7, 1)), ("SAME", "SAME")),
        (replace(UNKNOWN, strides=(1, 9, 3, 1)), ((-2, -4), "SAME")),  # three of nine
        (replace(UNKNOWN, strides=(1, 11, 4, 1)), ((-2, -4), (0, -2))),
        (replace(UNKNOWN, strides=(1, 9, 3, 1), unknown=("batch",)), ("SAME", "SAME")),
        (replace(UNKNOWN, strides=(1, 9, 3, 1), padding="VALID"), ("VALID", "VALID")),
        (replace(DEPTHWISE, strides=(1, 9, 9, 1), unknown=("height",)), ("SAME", "SAME")),
        (replace(ONE_TAP, input=TensorSpec((1, 1, 2, 1)), strides=1), ("SAME", "SAME")),
        (replace(ONE_TAP, input=TensorSpec((1, 1, 2, 1)), strides=2), ("SAME", (0, -1))),
        (replace(ONE_TAP, input=TensorSpec((1, 1, 3, 1)), strides=3), ("SAME", (0, -2))),
        (replace(ONE_TAP, input=TensorSpec((1, 1, 4, 1)), strides=4), ("SAME", (-1, -2))),
    ],
)
def test_onnxruntime_crops_where_same_of_unknown_sizes_is_negative(arguments, expected):
    assert paddings(cropped, arguments) == expected


def test_xnnpack_pads_phases_that_are_not_folded_as_documented():
    unknown = replace(STRIDED, unknown=("batch",))  # three by two taps, two apart, on 9 by 8
    assert paddings(delegated, unknown) == ((2, 2), (0, 1))
    assert paddings(delegated, replace(unknown, dilations=None)) == ("SAME", "SAME")
    assert paddings(delegated, replace(GENERIC, unknown=("batch",))) == ((2, 2), (1, 1))


def test_xnnpack_does_the_same_to_sizes_that_are_not_known():
    assert models_in(replace(SPARSE, unknown=("width",)), "tflite") == (DOCUMENTED, XNNPACK)


def test_a_single_element_is_not_padding():
    """One output of one tap reads the first element of each axis, the second, or padding."""
    small = replace(CONV2D, input=TensorSpec((1, 2, 2, 3)), filter=TensorSpec((1, 1, 3, 4)))
    paddings = ((0, -1), (-1, 0), (1, -2))
    pairs = [(height, width) for height in paddings for width in paddings]
    single = [replace(small, padding=padded(*pair)) for pair in pairs]
    zero = [(1, -2) in pair for pair in pairs]
    for one, its_zero in zip(single, zero, strict=True):
        for other, other_zero in zip(single, zero, strict=True):
            alike = one is other or (its_zero and other_zero)
            assert reads_alike(DOCUMENTED, DOCUMENTED, one, other) == alike
