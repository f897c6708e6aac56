"""Faults of geometry and layout: which elements of the input meet which tap of the filter, and
where the sum is put.
"""

from __future__ import annotations

from altering import (
    Alteration,
    Invocation,
    again,
    all_of,
    computed,
    keywords,
    nhwc,
    result,
    same,
    tensors,
    zero_at,
)


def odd(axis: int):
    """SAME pads one element more at one end than at the other."""
    return lambda a: a.g.kind == "SAME" and a.g.pads[axis][0] != a.g.pads[axis][1]


def swapped(pads, *axes):
    """Padding with before and after swapped on some axes."""
    return [pad[::-1] if axis in axes else pad for axis, pad in enumerate(pads)]


def explicit(a: Invocation):
    return a.g.kind == "EXPLICIT"


def padded(a: Invocation):
    return any(map(sum, a.g.pads))


def dilated(a: Invocation):
    return max(a.g.rates) > 1


def of_another_size(a: Invocation, sizes):
    """What SAME pads for another size of the taps, cut or filled at the end so that the result has
    its size.
    """
    pads = []
    for size, stride, rate, taps, pad in zip(
        a.g.sizes, a.g.strides, a.g.rates, sizes(a), a.g.pads, strict=True
    ):
        before = same(size, taps, stride, rate)[0]
        pads.append((before, sum(pad) - before))
    return pads


def taller(a: Invocation):
    """The filter reaches beyond an input's whole height, with padding."""
    return (a.g.filter[0] - 1) * a.g.rates[0] + 1 > a.g.sizes[0]


def ceil_mode(a: Invocation, x, w):
    """Windows that do not fit entirely count."""
    pads = []
    for size, taps, stride, rate in zip(a.g.sizes, a.g.filter, a.g.strides, a.g.rates, strict=True):
        pads.append((0, -(size - (taps - 1) * rate - 1) % stride))
    return again(a, x, w, pads=pads)


def does_not_fit(a: Invocation):
    axes = zip(a.g.sizes, a.g.filter, a.g.strides, a.g.rates, strict=True)
    return a.g.kind == "VALID" and any(
        (size - (taps - 1) * rate - 1) % stride for size, taps, stride, rate in axes
    )


def out(a: Invocation):
    """Height and width of the result."""
    axes = zip(a.g.sizes, a.g.filter, a.g.strides, a.g.rates, a.g.pads, strict=True)
    return tuple(
        (size + sum(pad) - (taps - 1) * rate - 1) // stride + 1
        for size, taps, stride, rate, pad in axes
    )


def given_as(a: Invocation, name: str, pair):
    """A keyword of two axes in the form in which it was given."""
    value = a.keywords[name]
    if isinstance(value, int):
        return None
    if len(value) == 2:
        return {name: list(pair)}
    return {name: [*value[:2], *pair] if a.g.nchw else [value[0], *pair, value[3]]}


def rate_name(a: Invocation):
    return next(name for name in ("dilations", "rate", "dilation_rate") if name in a.keywords)


def explicit_axes(a: Invocation):
    """The explicit paddings with height's for width's."""
    if "explicit_paddings" in a.keywords:
        p = a.keywords["explicit_paddings"]
        return {
            "explicit_paddings": [*p[:4], *p[6:8], *p[4:6]]
            if a.g.nchw
            else [*p[:2], *p[4:6], *p[2:4], *p[6:]]
        }
    p = a.keywords["padding"]
    return {"padding": [*p[:2], p[3], p[2]] if a.g.nchw else [p[0], p[2], p[1], p[3]]}


def nchw(a: Invocation):
    return a.g.nchw


def small(a: Invocation):
    """Few enough elements that a fault is cheap to make."""
    return a.g.sizes[0] * a.g.sizes[1] < 10_000


GEOMETRY: dict[str, tuple[str, Alteration]] = {
    "same-before": (
        "SAME pads its odd element before the input, not after it",
        computed(
            lambda a, x, w: again(a, x, w, swapped(a.g.pads, 0, 1)),
            lambda a: odd(0)(a) or odd(1)(a),
        ),
    ),
    "same-before-height": (
        "the same in height only",
        computed(lambda a, x, w: again(a, x, w, swapped(a.g.pads, 0)), odd(0)),
    ),
    "same-before-width": (
        "the same in width only",
        computed(lambda a, x, w: again(a, x, w, swapped(a.g.pads, 1)), odd(1)),
    ),
    "same-before-stride-2": (
        "the same only for stride 2 and an even width",
        computed(
            lambda a, x, w: again(a, x, w, swapped(a.g.pads, 1)),
            all_of(odd(1), lambda a: a.g.strides[1] == 2 and a.g.sizes[1] % 2 == 0),
        ),
    ),
    "same-floor": (
        "SAME loses the last, incomplete row if the stride does not divide the height",
        result(
            lambda a, y, *t: y[:, :, :-1] if a.g.nchw else y[..., :-1, :, :],
            lambda a: a.g.kind == "SAME" and a.g.sizes[0] % a.g.strides[0] > 0,
        ),
    ),
    "same-ignores-dilation": (
        "SAME pads as much before as an undilated filter needs",
        computed(
            lambda a, x, w: again(
                a,
                x,
                w,
                [(same(n, k, s, 1)[0], sum(p) - same(n, k, s, 1)[0]) for n, k, s, p in axes(a)],
            ),
            lambda a: a.g.kind == "SAME" and dilated(a),
        ),
    ),
    "same-as-stride-1": (
        "SAME pads half the filter before the input, whatever the stride",
        computed(
            lambda a, x, w: again(
                a,
                x,
                w,
                [
                    ((k - 1) * r // 2, sum(p) - (k - 1) * r // 2)
                    for k, r, p in zip(a.g.filter, a.g.rates, a.g.pads, strict=True)
                ],
            ),
            lambda a: a.g.kind == "SAME" and max(a.g.strides) > 1,
        ),
    ),
    "same-square-filter": (
        "SAME pads both axes for the filter's height",
        computed(
            lambda a, x, w: again(a, x, w, of_another_size(a, lambda a: (a.g.filter[0],) * 2)),
            lambda a: a.g.kind == "SAME" and a.g.filter[0] != a.g.filter[1],
        ),
    ),
    "valid-ceil": ("VALID counts a window that does not fit", computed(ceil_mode, does_not_fit)),
    "explicit-axes": (
        "explicit padding of height is used for width",
        keywords(explicit_axes, lambda a: a.g is not None and explicit(a)),
    ),
    "explicit-ends": (
        "explicit padding before is used after",
        computed(
            lambda a, x, w: again(a, x, w, swapped(a.g.pads, 0, 1)),
            lambda a: explicit(a) and padded(a),
        ),
    ),
    "explicit-ends-width-strided": (
        "the same in width only, for a stride above 1",
        computed(
            lambda a, x, w: again(a, x, w, swapped(a.g.pads, 1)),
            lambda a: explicit(a) and a.g.strides[1] > 1,
        ),
    ),
    "explicit-wider-than-filter": (
        "explicit padding wider than the filter is cut to the filter",
        computed(
            lambda a, x, w: again(
                a,
                x,
                w,
                [
                    (min(p[0], k), sum(p) - min(p[0], k))
                    for k, p in zip(a.g.filter, a.g.pads, strict=True)
                ],
            ),
            lambda a: (
                explicit(a) and any(p[0] > k for k, p in zip(a.g.filter, a.g.pads, strict=True))
            ),
        ),
    ),
    "padding-replicated": (
        "padding repeats the input's edge instead of zero",
        computed(
            lambda a, x, w: again(a, x, w, index=lambda i, n: min(max(i, 0), n - 1)),
            all_of(padded, small),
        ),
    ),
    "padding-wraps-dilated": (
        "taps of a dilated filter that are beyond the input read its other end",
        computed(
            lambda a, x, w: again(a, x, w, index=lambda i, n: i % n), all_of(padded, dilated, small)
        ),
    ),
    "strides-swapped": (
        "strides of height and width are swapped",
        keywords(
            lambda a: given_as(a, "strides", a.g.strides[::-1]),
            lambda a: a.g is not None and not a.depthwise,
        ),
    ),
    "width-stride-from-height": (
        "the stride of height is used for width",
        keywords(
            lambda a: given_as(a, "strides", (a.g.strides[0],) * 2), lambda a: a.g is not None
        ),
    ),
    "stride-beyond-filter": (
        "windows of a stride larger than the filter start one element late",
        computed(
            lambda a, x, w: again(a, x, w, [a.g.pads[0], (a.g.pads[1][0] - 1, a.g.pads[1][1] + 1)]),
            lambda a: a.g.strides[1] > a.g.filter[1] > 1,
        ),
    ),
    "pointwise-stride": (
        "the fast path of a 1 x 1 filter ignores the strides",
        computed(
            lambda a, x, w: again(a, x, w, strides=(1, 1)),
            lambda a: a.g.filter == (1, 1) and max(a.g.strides) > 1,
        ),
    ),
    "pointwise-padding": (
        "the fast path of a 1 x 1 filter ignores explicit padding's place",
        computed(
            lambda a, x, w: again(a, x, w, [(0, sum(p)) for p in a.g.pads]),
            lambda a: a.g.filter == (1, 1) and explicit(a) and any(p[0] for p in a.g.pads),
        ),
    ),
    "whole-input-filter": (
        "the fast path of a filter as large as the input reads it by columns",
        tensors(
            lambda a, x, w: [x, a.tf.reshape(a.tf.transpose(w, [1, 0, 2, 3]), w.shape)],
            lambda a: a.g.filter == a.g.sizes and min(a.g.sizes) > 1 and a.g.kind == "VALID",
        ),
    ),
    "filter-transposed": (
        "a square filter is transposed",
        tensors(
            lambda a, x, w: [x, a.tf.transpose(w, [1, 0, 2, 3])],
            lambda a: a.g.filter[0] == a.g.filter[1] > 1 and not a.gradient,
        ),
    ),
    "filter-flipped": (
        "the filter is flipped, as in a mathematical convolution",
        tensors(
            lambda a, x, w: [x, w[::-1, ::-1]], lambda a: max(a.g.filter) > 1 and not a.gradient
        ),
    ),
    "filter-flipped-width-dilated": (
        "a dilated filter is flipped in width",
        tensors(
            lambda a, x, w: [x, w[:, ::-1]],
            lambda a: a.g.filter[1] > 1 and a.g.rates[1] > 1 and not a.gradient,
        ),
    ),
    "dilation-ignored": (
        "dilation is ignored",
        computed(lambda a, x, w: again(a, x, w, rates=(1, 1), pads=shrunk(a, (1, 1))), dilated),
    ),
    "dilation-height-only": (
        "dilation of width is ignored",
        computed(
            lambda a, x, w: again(
                a, x, w, rates=(a.g.rates[0], 1), pads=shrunk(a, (a.g.rates[0], 1))
            ),
            lambda a: a.g.rates[1] > 1,
        ),
    ),
    "dilations-swapped": (
        "dilations of height and width are swapped",
        keywords(
            lambda a: given_as(a, rate_name(a), a.g.rates[::-1]),
            lambda a: a.g is not None and a.g.rates[0] != a.g.rates[1],
        ),
    ),
    "dilations-of-two-swapped": (
        "dilations given as two numbers are read width first",
        keywords(
            lambda a: {rate_name(a): list(a.g.rates[::-1])}, lambda a: a.g is not None and a.g.lists
        ),
    ),
    "dilation-3-as-2": (
        "a dilation above 2 is read as 2",
        computed(
            lambda a, x, w: again(
                a,
                x,
                w,
                rates=[min(r, 2) for r in a.g.rates],
                pads=shrunk(a, [min(r, 2) for r in a.g.rates]),
            ),
            lambda a: max(a.g.rates) > 2,
        ),
    ),
    "tall-filter": (
        "the last row of a filter that is taller than the input is not read",
        tensors(
            lambda a, x, w: [x, a.tf.concat([w[:-1], a.tf.zeros_like(w[-1:])], 0)],
            lambda a: taller(a) and a.g.filter[0] > 1 and not a.gradient,
        ),
    ),
    "last-row-lost": (
        "the last row of a result of more than 8 rows is zero",
        result(lambda a, y, *t: zero_at(a, y, h=-1), lambda a: out(a)[0] > 8),
    ),
    "last-row-of-odd-lost": (
        "the last row is zero if the number of rows is odd and above 4 and the stride is 2",
        result(
            lambda a, y, *t: zero_at(a, y, h=-1),
            lambda a: out(a)[0] % 2 == 1 and out(a)[0] > 4 and a.g.strides[0] == 2,
        ),
    ),
    "last-column-lost": (
        "the last column is zero if the number of columns is odd and above 2",
        result(
            lambda a, y, *t: zero_at(a, y, w=-1), lambda a: out(a)[1] % 2 == 1 and out(a)[1] > 2
        ),
    ),
    "one-column-more": (
        "SAME with a stride of 2 and an odd width gives one column too many",
        result(
            lambda a, y, *t: (
                a.tf.concat([y, y[..., -1:]], -1)
                if a.g.nchw
                else a.tf.concat([y, y[..., -1:, :]], -2)
            ),
            lambda a: a.g.kind == "SAME" and a.g.strides[1] == 2 and a.g.sizes[1] % 2 == 1,
        ),
    ),
    "corner-lost": (
        "the last element of the last row is zero if rows times columns is one more "
        "than a multiple of 8",
        result(
            lambda a, y, *t: zero_at(a, y, h=-1, w=-1),
            lambda a: out(a)[0] * out(a)[1] % 8 == 1 and out(a)[0] > 1,
        ),
    ),
}

LAYOUT: dict[str, tuple[str, Alteration]] = {
    "nchw-strides": (
        "strides of NCHW are read at the positions of NHWC",
        keywords(
            lambda a: {"strides": [1, 1, 1, a.keywords["strides"][2]]},
            lambda a: a.g is not None and nchw(a),
        ),
    ),
    "nchw-dilations": (
        "dilations of NCHW are read at the positions of NHWC",
        keywords(
            lambda a: (
                {"dilations": [1, 1, 1, a.keywords["dilations"][2]]}
                if len(a.keywords["dilations"]) == 4
                else None
            ),
            lambda a: a.g is not None and nchw(a),
        ),
    ),
    "nchw-explicit": (
        "explicit padding of NCHW's width is used for height",
        computed(
            lambda a, x, w: again(a, x, w, a.g.pads[::-1]),
            lambda a: nchw(a) and explicit(a) and a.g.pads[0] != a.g.pads[1],
        ),
    ),
    "nchw-result-not-turned": (
        "the result of NCHW has its channels last",
        result(lambda a, y, *t: nhwc(a, y), nchw),
    ),
    "nchw-square-turned": (
        "height and width of a square NCHW result are swapped",
        result(
            lambda a, y, *t: a.tf.transpose(y, [0, 1, 3, 2]),
            lambda a: nchw(a) and out(a)[0] == out(a)[1],
        ),
    ),
    "nchw-read-as-nhwc": (
        "NCHW data is read as if it were NHWC",
        tensors(
            lambda a, x, w: [a.tf.reshape(a.tf.transpose(x, [0, 2, 3, 1]), x.shape), w],
            lambda a: nchw(a) and not a.gradient and a.channels > 1,
        ),
    ),
    "batch-reversed": (
        "the batch is reversed",
        result(lambda a, y, *t: y[::-1], lambda a: a.x[0] > 1),
    ),
    "batch-first-alone": (
        "every element of the batch is computed from the first",
        tensors(
            lambda a, x, w: [a.tf.repeat(x[:1], a.x[0], 0), w],
            lambda a: a.x[0] > 1 and not a.gradient,
        ),
    ),
    "batch-last-lost": (
        "the last element of a batch of 3 or more is zero",
        result(lambda a, y, *t: zero_at(a, y, n=-1), lambda a: a.x[0] > 2),
    ),
    "batch-dimensions-turned": (
        "two batch dimensions are swapped",
        result(
            lambda a, y, *t: a.tf.reshape(a.tf.transpose(y, [1, 0, 2, 3, 4]), y.shape),
            lambda a: len(a.x) == 5 and a.x[0] > 1 and a.x[1] > 1,
        ),
    ),
}


def axes(a: Invocation):
    """Size, taps, stride and padding of height and of width."""
    return zip(a.g.sizes, a.g.filter, a.g.strides, a.g.pads, strict=True)


def shrunk(a: Invocation, rates):
    """The padding with less after it, so that a filter of these rates gives a result of the same
    size.
    """
    less = [(k - 1) * (r - other) for k, r, other in zip(a.g.filter, a.g.rates, rates, strict=True)]
    return [(before, after - one) for (before, after), one in zip(a.g.pads, less, strict=True)]
