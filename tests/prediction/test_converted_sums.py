"""The models of converted calls, against a literal loop over the same statement."""

import itertools

import numpy as np
import pytest

from tf_conv_conformance.casefile.writer import flow
from tf_conv_conformance.prediction.converted_models import CONVERTED, XNNPACK

CASE = """
cases:
  - id: x
    op: %s
    modes: [eager, tflite]
    input: [1, %d, %d, 2]
    filter: [%d, %d, 2, 2]
    strides: [1, %d, %d, 1]
    rate: [%d, %d]
    padding: %s
"""
SIZES = list(itertools.product((1, 2, 5), (3, 6), (1, 2), (1, 3), (1, 4), (2, 5), (1, 2), (1, 3)))


def arguments_of(calls, op, padding, *sizes):
    numbers = [*sizes[:4], *sizes[4:]]
    return calls(CASE % (op, *numbers, flow(padding)))["x[tflite]"].arguments


def padded_by(size, taps, stride, rate, padding):
    """Return the zeros before an axis and the size of its result; None if XNNPACK reads zeros."""
    reach = (taps - 1) * rate + 1
    if padding != "SAME":
        before, after = (0, 0) if padding == "VALID" else padding
        return before, (size + before + after - reach) // stride + 1, False
    out = -(-size // stride)
    total = (out - 1) * stride + reach - size
    return max(total, 0) // 2, out, total < 0


def literal(arguments, x, w, xnnpack):
    """Sum every product of a depthwise or plain convolution, one by one."""
    (height, width), (rows, columns) = x.shape[1:3], w.shape[:2]
    strides, rates = arguments.strides[1:3], arguments.dilations
    depthwise = arguments.op == "depthwise_conv2d"
    padding = arguments.padding
    per_axis = [padding, padding] if isinstance(padding, str) else list(padding[1:3])
    folded = depthwise and max(rates) > 1 and not isinstance(padding, str)
    if folded:
        any_padding = any(any(pair) for pair in per_axis)
        per_axis = ["SAME" if any_padding else "VALID"] * 2
    axes = [
        padded_by(*one)
        for one in zip((height, width), (rows, columns), strides, rates, per_axis, strict=True)
    ]
    zeros = xnnpack and (rows, columns) != (1, 1) and any(axis[2] for axis in axes)
    channels = 4 if depthwise else 2
    result = np.zeros((1, axes[0][1], axes[1][1], channels))
    if zeros:
        return result
    for i, j, a, b in np.ndindex(axes[0][1], axes[1][1], rows, columns):
        row = i * strides[0] + a * rates[0] - axes[0][0]
        column = j * strides[1] + b * rates[1] - axes[1][0]
        if not (0 <= row < height and 0 <= column < width):
            continue
        for channel, out in np.ndindex(2, 2):
            place = channel * 2 + out if depthwise else out
            result[0, i, j, place] += x[0, row, column, channel] * w[a, b, channel, out]
    return result


@pytest.mark.parametrize("op", ["conv2d", "depthwise_conv2d"])
@pytest.mark.parametrize("padding", ["SAME", [[0, 0], [4, 3], [2, 5], [0, 0]]], ids=str)
def test_a_model_sums_what_the_statement_says(calls, op, padding):
    random = np.random.RandomState(0)
    for sizes in SIZES[:: 3 if padding == "SAME" else 7]:
        arguments = arguments_of(calls, op, padding, *sizes)
        x = random.randint(-4, 5, arguments.input.shape).astype(float)
        w = random.randint(-4, 5, arguments.filter.shape).astype(float)
        assert np.array_equal(CONVERTED.values(arguments, x, w), literal(arguments, x, w, False))
        assert np.array_equal(XNNPACK.values(arguments, x, w), literal(arguments, x, w, True))
