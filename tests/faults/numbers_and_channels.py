"""Faults of channels and groups, of precision, of special values, and of the result's dtype and
shape.
"""

from __future__ import annotations

import numpy as np
from altering import (
    Alteration,
    Invocation,
    again,
    all_of,
    back,
    computed,
    nhwc,
    result,
    tensors,
    zero_at,
)


def forward(a: Invocation):
    return not a.gradient


def of_dtype(*dtypes: str):
    return lambda a: a.dtype in dtypes


def grouped(a: Invocation):
    return a.groups > 1


def by_multiplier(a: Invocation, y):
    """A depthwise result with the multiplier's channels outermost."""
    y = nhwc(a, y)
    turned = a.tf.reshape(y, [*y.shape[:-1], a.channels, a.w[3]])
    axes = [*range(len(y.shape) - 1), len(y.shape), len(y.shape) - 1]
    return back(a, a.tf.reshape(a.tf.transpose(turned, axes), y.shape))


def interleaved(a: Invocation, y, outer: int, inner: int):
    """A tensor whose last axis is read as inner by outer, not outer by inner."""
    turned = a.tf.reshape(y, [*y.shape[:-1], outer, inner])
    axes = [*range(len(y.shape) - 1), len(y.shape), len(y.shape) - 1]
    return a.tf.reshape(a.tf.transpose(turned, axes), y.shape)


def first_group(a: Invocation, x):
    """The input with every group's channels those of the first."""
    x = nhwc(a, x)
    return back(a, a.tf.concat([x[..., : a.w[2]]] * a.groups, -1))


def zero_channels(a: Invocation, x, first: int, last: int | None = None):
    """The input with some of its channels zero."""
    keep = np.ones(a.channels, bool)
    keep[first:last] = False
    x = nhwc(a, x)
    return back(a, a.tf.where(keep, x, a.tf.zeros([], x.dtype)))


def wide(a: Invocation):
    """A result of many channels, the later of which repeat the first."""
    return a.outputs > 64


def repeated(a: Invocation, y):
    y = nhwc(a, y)
    return (
        back(a, a.tf.concat([y[..., :64], y[..., : a.outputs - 64]], -1))
        if a.outputs <= 128
        else zero_at(a, back(a, y), c=-1)
    )


CHANNELS: dict[str, tuple[str, Alteration]] = {
    "multiplier-outermost": (
        "channels of a depthwise result are ordered by multiplier first",
        result(
            lambda a, y, *t: by_multiplier(a, y),
            lambda a: a.depthwise and a.w[3] > 1 and a.channels > 1,
        ),
    ),
    "multiplier-ignored": (
        "every multiplier uses the filter of the first",
        tensors(
            lambda a, x, w: [x, a.tf.repeat(w[..., :1], a.w[3], 3)],
            lambda a: a.depthwise and a.w[3] > 1 and forward(a),
        ),
    ),
    "depthwise-single-channel": (
        "a depthwise filter for a single channel is flipped",
        tensors(
            lambda a, x, w: [x, w[::-1, ::-1]],
            lambda a: a.depthwise and a.channels == 1 and forward(a),
        ),
    ),
    "depthwise-beyond-8": (
        "a depthwise result's channels from the ninth on are zero",
        tensors(
            lambda a, x, w: [zero_channels(a, x, 8), w],
            lambda a: a.depthwise and a.channels > 8 and forward(a),
        ),
    ),
    "filters-reversed": (
        "the filters are in reverse order",
        tensors(lambda a, x, w: [x, w[..., ::-1]], lambda a: a.w[3] > 1 and forward(a)),
    ),
    "channels-reversed": (
        "the channels of a filter are in reverse order",
        tensors(lambda a, x, w: [x, w[:, :, ::-1]], lambda a: a.w[2] > 1 and forward(a)),
    ),
    "last-output-channel-lost": (
        "the last channel is zero if the number of channels is not a multiple of 4",
        result(lambda a, y, *t: zero_at(a, y, c=-1), lambda a: a.outputs % 4 > 0 and a.outputs > 1),
    ),
    "last-input-channel-lost": (
        "the last input channel is not read if the number of input channels is odd and above 4",
        tensors(
            lambda a, x, w: [zero_channels(a, x, -1), w],
            lambda a: a.channels % 2 == 1 and a.channels > 4 and forward(a),
        ),
    ),
    "channels-beyond-64": (
        "channels of a result beyond the 64th are wrong",
        result(lambda a, y, *t: repeated(a, y), wide),
    ),
    "inputs-beyond-32": (
        "input channels beyond the 32nd are not read",
        tensors(
            lambda a, x, w: [zero_channels(a, x, 32), w], lambda a: a.channels > 32 and forward(a)
        ),
    ),
}

GROUPS: dict[str, tuple[str, Alteration]] = {
    "groups-interleaved": (
        "a group's input channels are taken from every group in turn",
        tensors(
            lambda a, x, w: [back(a, interleaved(a, nhwc(a, x), a.groups, a.w[2])), w],
            lambda a: grouped(a) and a.w[2] > 1 and forward(a),
        ),
    ),
    "groups-interleaved-result": (
        "a group's results are spread over the channels",
        result(
            lambda a, y, *t: back(a, interleaved(a, nhwc(a, y), a.groups, a.w[3] // a.groups)),
            lambda a: grouped(a) and a.w[3] > a.groups and a.w[3] % a.groups == 0,
        ),
    ),
    "groups-read-the-first": (
        "every group reads the first's input",
        tensors(lambda a, x, w: [first_group(a, x), w], all_of(grouped, forward)),
    ),
    "groups-dilation-ignored": (
        "dilation of a grouped convolution is ignored",
        computed(
            lambda a, x, w: again(
                a,
                x,
                w,
                rates=(1, 1),
                pads=[
                    (p, q - (k - 1) * (r - 1))
                    for (p, q), k, r in zip(a.g.pads, a.g.filter, a.g.rates, strict=True)
                ],
            ),
            lambda a: grouped(a) and max(a.g.rates) > 1,
        ),
    ),
    "groups-of-one-channel": (
        "groups of one channel with several filters use them in the order of a transposed filter",
        result(
            lambda a, y, *t: back(a, interleaved(a, nhwc(a, y), a.groups, a.w[3] // a.groups)),
            lambda a: grouped(a) and a.w[2] == 1 and a.w[3] > a.groups and a.w[3] % a.groups == 0,
        ),
    ),
}


def rounded(a: Invocation, x, bits: int):
    """A float32 tensor with so many bits of its significand kept, ties to even."""
    tf, drop = a.tf, 24 - bits
    x = tf.cast(x, tf.float32)
    i = tf.bitcast(x, tf.int32)
    half = (1 << (drop - 1)) - 1
    up = i + half + tf.bitwise.bitwise_and(tf.bitwise.right_shift(i, drop), 1)
    kept = tf.bitcast(tf.bitwise.bitwise_and(up, ~((1 << drop) - 1)), tf.float32)
    return tf.where(tf.math.is_finite(x), kept, x)


def truncated(a: Invocation, x):
    """float32 cut to bfloat16's bits."""
    tf = a.tf
    return tf.cast(
        tf.bitcast(tf.bitwise.bitwise_and(tf.bitcast(x, tf.int32), -65536), tf.float32), tf.bfloat16
    )


def inputs_in(bits: int):
    return lambda a, x, w: [rounded(a, x, bits), rounded(a, w, bits)]


def cast(a: Invocation, y, dtype: str):
    return a.tf.cast(a.tf.cast(y, dtype), y.dtype)


def in_float32(a: Invocation, x, w):
    """Inputs of another dtype convolved in float32."""
    return again(a, a.tf.cast(x, "float32"), a.tf.cast(w, "float32"))


def scaled(a: Invocation, y, factor: float):
    return y * a.tf.constant(factor, y.dtype)


def by_halves(a: Invocation, x, w):
    """The sums of two halves of the filter's height, each rounded."""
    rows = a.w[0] // 2
    zeros = a.tf.zeros_like
    upper, lower = (
        a.tf.concat([w[:rows], zeros(w[rows:])], 0),
        a.tf.concat([zeros(w[:rows]), w[rows:]], 0),
    )
    return again(a, x, upper) + again(a, x, lower)


PRECISION: dict[str, tuple[str, Alteration]] = {
    "tf32": (
        "float32 is multiplied as TF32, with 11 bits",
        tensors(inputs_in(11), lambda a: a.dtype == "float32" and forward(a)),
    ),
    "bfloat16-inside": (
        "float32 is multiplied as bfloat16",
        tensors(inputs_in(8), lambda a: a.dtype == "float32" and forward(a)),
    ),
    "tf32-many-terms": (
        "TF32 only for sums of 256 products or more",
        tensors(inputs_in(11), lambda a: a.dtype == "float32" and forward(a) and a.terms >= 256),
    ),
    "tf32-depthwise": (
        "TF32 only in depthwise convolutions of a stride above 1",
        tensors(
            inputs_in(11),
            lambda a: a.dtype == "float32" and a.depthwise and forward(a) and max(a.g.strides) > 1,
        ),
    ),
    "double-in-float": (
        "float64 is computed in float32",
        computed(lambda a, x, w: a.tf.cast(in_float32(a, x, w), "float64"), of_dtype("float64")),
    ),
    "double-result-in-float": (
        "float64's result passes through float32",
        result(lambda a, y, *t: cast(a, y, "float32"), of_dtype("float64")),
    ),
    "int32-in-float": (
        "int32 is computed in float32",
        computed(lambda a, x, w: a.tf.cast(in_float32(a, x, w), "int32"), of_dtype("int32")),
    ),
    "half-in-halves": (
        "half and bfloat16 are rounded between parts of the sum",
        computed(by_halves, lambda a: a.dtype in ("float16", "bfloat16") and a.w[0] > 1),
    ),
    "half-as-bfloat16": (
        "half's result passes through bfloat16",
        result(lambda a, y, *t: cast(a, y, "bfloat16"), of_dtype("float16")),
    ),
    "bfloat16-truncated": (
        "bfloat16's result is cut, not rounded",
        computed(lambda a, x, w: truncated(a, in_float32(a, x, w)), of_dtype("bfloat16")),
    ),
    "ulp": (
        "each float32 result is larger by an ulp",
        result(lambda a, y, *t: scaled(a, y, 1 + 2**-23), of_dtype("float32")),
    ),
    "ulp-double": (
        "each float64 result is larger by an ulp",
        result(lambda a, y, *t: scaled(a, y, 1 + 2**-52), of_dtype("float64")),
    ),
    "ulp-depthwise-half": (
        "each half result of a depthwise convolution is larger by an ulp",
        result(
            lambda a, y, *t: scaled(a, y, 1 + 2**-10),
            lambda a: a.dtype == "float16" and a.depthwise,
        ),
    ),
    "winograd": (
        "a 3 x 3 filter of stride 1 has Winograd's error: results with 18 bits",
        result(
            lambda a, y, *t: rounded(a, y, 18),
            lambda a: (
                a.dtype == "float32" and a.g.filter == (3, 3) and max(*a.g.strides, *a.g.rates) == 1
            ),
        ),
    ),
    "strassen": (
        "a 1 x 1 filter of 8 channels or more has results with 20 bits",
        result(
            lambda a, y, *t: rounded(a, y, 20),
            lambda a: a.dtype == "float32" and a.g.filter == (1, 1) and a.w[2] >= 8,
        ),
    ),
    "subnormals": (
        "subnormal float32 results are zero",
        result(
            lambda a, y, *t: a.tf.where(a.tf.abs(y) < 2.0**-126, a.tf.zeros([], y.dtype), y),
            of_dtype("float32"),
        ),
    ),
}


def finite(a: Invocation, x, instead: float = 0.0):
    return a.tf.where(a.tf.math.is_finite(x), x, a.tf.constant(instead, x.dtype))


def floating(a: Invocation):
    return a.dtype in ("float16", "bfloat16", "float32", "float64")


def without_nan(a: Invocation, x):
    return a.tf.where(a.tf.math.is_nan(x), a.tf.zeros([], x.dtype), x)


def skipping_zeros(a: Invocation, x, w):
    """Products with a zero tap are zero, whatever the input: where there is NaN, only it and no
    infinity counts.
    """
    y = again(a, x, w)
    other = again(a, a.tf.where(a.tf.math.is_inf(x), a.tf.zeros([], x.dtype), x), w)
    return a.tf.where(a.tf.math.is_nan(y), other, y)


def clipped(a: Invocation, y):
    """Infinities as the largest finite number."""
    largest = a.tf.constant(y.dtype.max, y.dtype)
    return a.tf.where(a.tf.math.is_inf(y), largest * a.tf.sign(y), y)


def tensors_of_floats(change, when=lambda a: True):
    return tensors(change, lambda a: floating(a) and forward(a) and when(a))


SPECIAL: dict[str, tuple[str, Alteration]] = {
    "nan-dropped": (
        "NaN in the input reads as zero",
        tensors_of_floats(lambda a, x, w: [without_nan(a, x), w]),
    ),
    "nan-in-filter-dropped": (
        "NaN in the filter reads as zero",
        tensors_of_floats(lambda a, x, w: [x, without_nan(a, w)]),
    ),
    "nan-result-zero": (
        "a NaN result is zero",
        result(lambda a, y, *t: without_nan(a, y), floating),
    ),
    "nan-half": (
        "NaN in a half or bfloat16 input reads as zero",
        tensors_of_floats(lambda a, x, w: [without_nan(a, x), w], of_dtype("float16", "bfloat16")),
    ),
    "nan-depthwise": (
        "NaN in a depthwise input reads as zero",
        tensors_of_floats(lambda a, x, w: [without_nan(a, x), w], lambda a: a.depthwise),
    ),
    "infinity-clipped": (
        "an infinite result is the largest number",
        result(lambda a, y, *t: clipped(a, y), floating),
    ),
    "half-saturates": (
        "half's overflow gives the largest number",
        result(lambda a, y, *t: clipped(a, y), of_dtype("float16")),
    ),
    "zero-times-infinity": (
        "an infinity times a tap of zero is zero",
        computed(skipping_zeros, lambda a: floating(a) and max(a.g.rates) < 100),
    ),
    "negative-infinity": (
        "the sign of an infinite result is lost",
        result(lambda a, y, *t: a.tf.where(a.tf.math.is_inf(y), a.tf.abs(y), y), floating),
    ),
}

FORM: dict[str, tuple[str, Alteration]] = {
    "half-returns-float": (
        "half returns float32",
        result(lambda a, y, *t: a.tf.cast(y, "float32"), of_dtype("float16")),
    ),
    "bfloat16-returns-float": (
        "bfloat16 returns float32",
        result(lambda a, y, *t: a.tf.cast(y, "float32"), of_dtype("bfloat16")),
    ),
    "double-returns-float": (
        "float64 returns float32",
        result(lambda a, y, *t: a.tf.cast(y, "float32"), of_dtype("float64")),
    ),
    "int32-returns-float": (
        "int32 returns float32",
        result(lambda a, y, *t: a.tf.cast(y, "float32"), of_dtype("int32")),
    ),
    "batch-of-one-lost": (
        "a batch of one has no dimension in the result",
        result(lambda a, y, *t: y[0], lambda a: a.x[0] == 1),
    ),
    "empty-batch": (
        "an empty batch gives a batch of one",
        result(lambda a, y, *t: a.tf.zeros([1, *y.shape[1:]], y.dtype), lambda a: a.x[0] == 0),
    ),
    "batch-dimensions-joined": (
        "several batch dimensions come back as one",
        result(lambda a, y, *t: a.tf.reshape(y, [-1, *y.shape[-3:]]), lambda a: len(a.x) > 4),
    ),
}
