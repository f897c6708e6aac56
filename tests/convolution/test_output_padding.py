"""The shapes of Keras's transposed convolution, against the formulas of its documentation."""

from dataclasses import replace

import pytest

from tf_conv_conformance.convolution.arguments import Arguments, TensorSpec
from tf_conv_conformance.convolution.obstacles import obstacle
from tf_conv_conformance.convolution.output_padding import SYMBOL, output_padding, output_shape

UPSTREAM = (2, 4, 5, 7)


@pytest.mark.parametrize(
    ("filter_sizes", "strides", "dilations", "padding", "added", "sizes"),
    [
        ((3, 3), 2, 1, "valid", (None, None), [9, 11]),  # (4 - 1) * 2 + 3
        ((3, 3), 2, 1, "same", (None, None), [8, 10]),
        ((2, 1), (3, 4), 1, "valid", (None, None), [12, 20]),  # a stride beyond the filter
        ((3, 2), 1, (2, 3), "valid", (None, None), [8, 8]),  # filters of 5 and 4
        ((3, 2), 2, 1, "valid", (1, 0), [10, 10]),
        ((3, 2), 2, 1, "same", (1, 0), [8, 8]),  # (4 - 1) * 2 + 3 - 2 + 1, (5 - 1) * 2 + 2 - 2
        ((4, 5), 3, 1, "same", (0, 2), [9, 15]),
        ((1, 1), 7, 1, "valid", (6, 3), [28, 32]),
    ],
)
def test_the_output_is_as_large_as_keras_says(
    filter_sizes, strides, dilations, padding, added, sizes
):
    steps = {"strides": strides, "dilations": dilations, "padding": padding}
    weights = (*filter_sizes, 3, 7)
    shape = output_shape(UPSTREAM, weights, added, **steps, data_format="NHWC")
    assert shape == [2, *sizes, 3]
    first = output_shape((2, 7, 4, 5), weights, added, **steps, data_format="NCHW")
    assert first == [2, 3, *sizes]
    call = Arguments(
        "conv2d", TensorSpec(tuple(shape)), TensorSpec(weights), via=SYMBOL, upstream=UPSTREAM,
        **steps,
    )  # fmt: skip
    inferred = output_shape(UPSTREAM, weights, (None, None), **steps, data_format="NHWC")
    assert output_padding(call) == (None if inferred == shape else added)
    transposed = replace(
        call, input=TensorSpec(tuple(first)), upstream=(2, 7, 4, 5), data_format="NCHW"
    )
    assert output_padding(transposed) == output_padding(call)


@pytest.mark.parametrize("upstream", [None, (4, 5, 7), (2, 1, 4, 5, 7)])
def test_without_four_sizes_the_upstream_gradient_has_those_that_are_documented(upstream):
    x, w = TensorSpec((2, 9, 12, 3)), TensorSpec((3, 3, 3, 7))
    call = Arguments("conv2d", x, w, 2, "valid", via=SYMBOL, upstream=upstream)
    assert output_padding(call) == (0, 1)  # (4 - 1) * 2 + 3, (5 - 1) * 2 + 3


def test_what_is_added_may_be_more_than_there_was():
    x, w = TensorSpec((2, 6, 4, 3)), TensorSpec((1, 1, 3, 7))
    call = Arguments("conv2d", x, w, 7, "valid", via=SYMBOL, upstream=(2, 1, 1, 7))
    assert output_padding(call) == (5, 3)


@pytest.mark.parametrize(
    "wrong", [{"strides": 0}, {"strides": (1, 2, 3)}, {"dilations": 0}, {"padding": "full"}]
)
def test_no_output_is_documented(wrong):
    steps = {"strides": 1, "dilations": 1, "padding": "valid", **wrong}
    given = (UPSTREAM, (3, 3, 2, 7), (None, None))
    assert output_shape(*given, **steps, data_format="NHWC") is None


@pytest.mark.parametrize(
    ("upstream", "why"),
    [
        ((2, 4, 5, 7), None),
        ((4, 5, 7), "has as many dimensions in its output as in its input"),
        ((2, 1, 4, 5, 7), "has as many dimensions in its output as in its input"),
        ((3, 4, 5, 7), "has as large a batch in its output as in its input, 3, which `input` has"),
        ((2, 4, 5, 6), "creates a filter for the channels of its input, so it cannot have one for"),
    ],
)
def test_an_input_that_cannot_have_this_output_is_refused(upstream, why):
    """Else its prediction would be that of another call."""
    x, w = TensorSpec((2, 9, 11, 3)), TensorSpec((3, 3, 3, 7))
    found = obstacle(Arguments("conv2d", x, w, 2, "valid", via=SYMBOL, upstream=upstream))
    if why is None:
        assert found is None
    else:
        assert found[0] == "upstream"
        assert found[1].startswith(f"{SYMBOL} {why}")
