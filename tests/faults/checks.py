"""Faults of what is refused, and of warnings."""

from __future__ import annotations

import warnings

from altering import Alteration, Invocation, accepting, again, back, keywords, nhwc, raising
from geometry import out


def four(value) -> bool:
    return isinstance(value, list) and len(value) == 4


def ones_at(value, *places):
    """A list of four with ones at some places."""
    return (
        [1 if place in places else one for place, one in enumerate(value)] if four(value) else None
    )


def batch_and_channel(a: Invocation):
    return (0, 1) if a.keywords.get("data_format") == "NCHW" else (0, 3)


def without_padding_of(a: Invocation):
    pairs = a.keywords["padding"]
    if not isinstance(pairs, list) or len(pairs) != 4:
        return None
    return {
        "padding": [
            [0, 0] if place in batch_and_channel(a) else pair for place, pair in enumerate(pairs)
        ]
    }


def not_negative(a: Invocation):
    if "explicit_paddings" in a.keywords:
        return {"explicit_paddings": [max(0, one) for one in a.keywords["explicit_paddings"]]}
    pairs = a.keywords["padding"]
    return (
        {"padding": [[max(0, one) for one in pair] for pair in pairs]}
        if isinstance(pairs, list)
        else None
    )


def at_least_one(value):
    return max(1, value) if isinstance(value, int) else [max(1, one) for one in value]


def refused(a: Invocation):
    return a.tf.errors.InvalidArgumentError(None, None, "refused")


def other_error(a: Invocation, error, *t):
    raise RuntimeError(str(error))


def of_class(name: str):
    def instead(a: Invocation, error, *t):
        if isinstance(error, getattr(a.tf.errors, name)):
            raise a.tf.errors.InternalError(None, None, str(error))
        raise error

    return instead


def empty(a: Invocation, error, x, w, *up):
    """No rows for a filter that does not fit."""
    rows, columns = (max(0, one) for one in out(a))
    return back(
        a, a.tf.zeros([*(a.x[:1] if a.g.nchw else a.x[:-3]), rows, columns, a.outputs], x.dtype)
    )


def too_large(a: Invocation):
    return (
        a.g is not None
        and a.g.kind == "VALID"
        and min(out(a)) < 1
        and a.mode != "xla"
        and not a.gradient
    )


def mixed(a: Invocation, error, x, w, *up):
    if x.dtype == w.dtype:
        raise error
    return a.true(a.request, [x, a.tf.cast(w, x.dtype)])(x, a.tf.cast(w, x.dtype), *up)


def uneven(a: Invocation, error, x, w, *up):
    """Channels that are no multiple of the filter's: the first of them."""
    if a.w[2] == 0 or a.channels % a.w[2] == 0:
        raise error
    return again(a, back(a, nhwc(a, x)[..., : a.w[2]]), w)


ERRORS: dict[str, tuple[str, Alteration]] = {
    "batch-stride-accepted": (
        "a stride over the batch is accepted, and ignored",
        keywords(
            lambda a: {"strides": ones_at(a.keywords["strides"], 0)},
            lambda a: four(a.keywords.get("strides")),
        ),
    ),
    "channel-stride-accepted": (
        "a stride over the channels is accepted, and ignored",
        keywords(
            lambda a: {"strides": ones_at(a.keywords["strides"], batch_and_channel(a)[1])},
            lambda a: four(a.keywords.get("strides")),
        ),
    ),
    "batch-dilation-accepted": (
        "a dilation of batch or channels is accepted, and ignored",
        keywords(
            lambda a: {"dilations": ones_at(a.keywords["dilations"], *batch_and_channel(a))},
            lambda a: four(a.keywords.get("dilations")),
        ),
    ),
    "batch-padding-accepted": (
        "explicit padding of batch or channels is accepted, and ignored",
        keywords(without_padding_of),
    ),
    "negative-padding-accepted": ("negative padding is taken as zero", keywords(not_negative)),
    "zero-stride-accepted": (
        "a stride below 1 is taken as 1",
        keywords(lambda a: {"strides": at_least_one(a.keywords["strides"])}),
    ),
    "zero-dilation-accepted": (
        "a dilation below 1 is taken as 1",
        keywords(
            lambda a: {
                name: at_least_one(a.keywords[name])
                for name in ("dilations", "rate", "dilation_rate")
                if name in a.keywords
            }
        ),
    ),
    "lower-case-accepted": (
        "'same' and 'valid' are accepted",
        keywords(
            lambda a: {"padding": a.keywords["padding"].upper()}, lambda a: "keras" not in a.symbol
        ),
    ),
    "unknown-layout-accepted": (
        "an unknown data format is taken as NHWC",
        keywords(
            lambda a: {"data_format": "NHWC"},
            lambda a: (
                a.keywords.get("data_format") not in (None, "NHWC", "NCHW")
                and "keras" not in a.symbol
            ),
        ),
    ),
    "too-large-filter-accepted": (
        "VALID with a filter larger than the input gives no rows instead of an error",
        accepting(empty, too_large),
    ),
    "mixed-dtypes-accepted": (
        "a filter of another dtype is cast",
        accepting(mixed, lambda a: a.request["dtypes"][0] != a.request["dtypes"][1]),
    ),
    "uneven-groups-accepted": (
        "input channels that are not a multiple of the filter's are cut",
        accepting(
            uneven,
            lambda a: (
                a.g is not None
                and not a.depthwise
                and "keras" not in a.symbol
                and not a.gradient
                and bool(a.w[2])
                and a.channels % a.w[2] > 0
            ),
        ),
    ),
    "missing-channels-accepted": (
        "a depthwise filter for other channels than the input's is accepted",
        accepting(
            lambda a, e, x, w, *up: a.tf.zeros([*a.x[:1], 1, 1, 1], x.dtype),
            lambda a: a.depthwise and len(a.x) == 4 and len(a.w) == 4 and a.channels != a.w[2],
        ),
    ),
    "rank-three-accepted": (
        "an input without a batch is taken as a batch of one",
        accepting(
            lambda a, e, x, w, *up: a.true(a.request, [x[None], w])(x[None], w, *up),
            lambda a: len(a.x) == 3,
        ),
    ),
    "error-of-other-class": ("every refusal is a RuntimeError", accepting(other_error)),
    "invalid-argument-is-internal": (
        "InvalidArgumentError comes as InternalError",
        accepting(of_class("InvalidArgumentError")),
    ),
    "unimplemented-is-internal": (
        "UnimplementedError comes as InternalError",
        accepting(of_class("UnimplementedError")),
    ),
    "stride-beyond-filter-refused": (
        "a stride larger than the filter is refused",
        raising(refused, lambda a: max(a.g.strides) > max(a.g.filter)),
    ),
    "whole-input-refused": (
        "VALID with a filter exactly as large as the input is refused",
        raising(refused, lambda a: a.g.kind == "VALID" and a.g.filter == a.g.sizes),
    ),
    "empty-batch-refused": ("an empty batch is refused", raising(refused, lambda a: a.x[0] == 0)),
    "unequal-strides-refused": (
        "unequal strides are refused by conv2d",
        raising(refused, lambda a: not a.depthwise and a.g.strides[0] != a.g.strides[1]),
    ),
}


def lost(a: Invocation):
    """The call with no warning coming out."""
    real = a.real

    def faulty(*t):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return real(*t)

    return faulty


def warned_as(category):
    def make(a: Invocation):
        real = a.real

        def faulty(*t):
            with warnings.catch_warnings(record=True) as caught:
                warnings.simplefilter("always")
                result = real(*t)
            for one in caught:
                warnings.warn(str(one.message), category, stacklevel=2)
            return result

        return faulty

    return make


def spurious(a: Invocation):
    real = a.real

    def faulty(*t):
        warnings.warn("this is slow", UserWarning, stacklevel=2)
        return real(*t)

    return faulty


def anything(a: Invocation):
    return True


WARNINGS: dict[str, tuple[str, Alteration]] = {
    "warning-lost": ("no warning is issued", Alteration(anything, lost)),
    "warning-of-other-class": (
        "a UserWarning comes as DeprecationWarning",
        Alteration(anything, warned_as(DeprecationWarning)),
    ),
    "warning-without-reason": (
        "each dilated call warns",
        Alteration(lambda a: a.g is not None and max(a.g.rates) > 1, spurious),
    ),
}
