"""Faults of gradients, of single entry points and modes, of state, and of the process."""

from __future__ import annotations

import os
import signal
import threading
import time
from dataclasses import replace
from typing import Any

from altering import (
    Alteration,
    Invocation,
    accepting,
    again,
    all_of,
    computed,
    keywords,
    result,
    tensors,
    zero_at,
)
from checks import ERRORS, ones_at
from geometry import GEOMETRY, odd, shrunk, swapped
from numbers_and_channels import (
    CHANNELS,
    PRECISION,
    by_multiplier,
    first_group,
    floating,
    grouped,
    inputs_in,
)


def by(name: str, *conditions):
    """A gradient by input or filter, under conditions."""
    return lambda a: a.gradient == name and all(condition(a) for condition in conditions)


def of_other_filter(change):
    """The gradient by the input for another filter."""
    return lambda a, x, w: [x, change(a, w)]


def one_more_than_first(a: Invocation):
    return a.x[0] > 1


def upstream_ones(a: Invocation):
    real = a.real
    return lambda x, w, up: real(x, w, a.tf.ones_like(up))


GRADIENTS: dict[str, tuple[str, Alteration]] = {
    "gradient-unflipped": (
        "the gradient by the input uses the filter without flipping it",
        tensors(
            of_other_filter(lambda a, w: w[::-1, ::-1]), by("input", lambda a: max(a.g.filter) > 1)
        ),
    ),
    "gradient-input-last-row": (
        "the gradient by the input has a zero last row for a stride above 1",
        result(lambda a, y, *t: zero_at(a, y, h=-1), lambda a: max(a.g.strides) > 1, of="input"),
    ),
    "gradient-input-last-channel": (
        "the gradient by the input has a zero last channel",
        result(lambda a, y, *t: zero_at(a, y, c=-1), lambda a: a.channels > 1, of="input"),
    ),
    "gradient-input-groups": (
        "the gradient by the input of a grouped convolution is that of the first "
        "group in every group",
        result(lambda a, y, *t: first_group(a, y), grouped, of="input"),
    ),
    "gradient-filter-mean": (
        "the gradient by the filter is divided by the batch",
        result(
            lambda a, y, *t: y / a.tf.constant(a.x[0], y.dtype), one_more_than_first, of="filter"
        ),
    ),
    "gradient-filter-first": (
        "the gradient by the filter uses only the first element of the batch",
        tensors(
            lambda a, x, w: [a.tf.concat([x[:1], a.tf.zeros_like(x[1:])], 0), w],
            by("filter", one_more_than_first),
        ),
    ),
    "gradient-filter-transposed": (
        "the gradient by a square filter is transposed",
        result(
            lambda a, y, *t: a.tf.transpose(y, [1, 0, 2, 3]),
            lambda a: a.w[0] == a.w[1] > 1,
            of="filter",
        ),
    ),
    "gradient-filter-reversed": (
        "the gradient by the filter has its filters in reverse order",
        result(lambda a, y, *t: y[..., ::-1], lambda a: a.w[3] > 1, of="filter"),
    ),
    "gradient-filter-depthwise": (
        "the gradient by a depthwise filter has multiplier and channels swapped",
        result(
            lambda a, y, *t: a.tf.reshape(a.tf.transpose(y, [0, 1, 3, 2]), y.shape),
            lambda a: a.depthwise and a.w[3] > 1 and a.w[2] > 1,
            of="filter",
        ),
    ),
    "gradient-same-input": (
        "the gradient by the input of SAME has the odd padding before",
        computed(
            lambda a, x, w: again(a, x, w, swapped(a.g.pads, 0, 1)),
            lambda a: odd(0)(a) or odd(1)(a),
            of="input",
        ),
    ),
    "gradient-same-filter": (
        "the gradient by the filter of SAME has the odd padding before",
        computed(
            lambda a, x, w: again(a, x, w, swapped(a.g.pads, 0, 1)),
            lambda a: odd(0)(a) or odd(1)(a),
            of="filter",
        ),
    ),
    "gradient-dilation-input": (
        "the gradient by the input ignores dilation",
        computed(
            lambda a, x, w: again(a, x, w, rates=(1, 1), pads=shrunk(a, (1, 1))),
            lambda a: max(a.g.rates) > 1,
            of="input",
        ),
    ),
    "gradient-dilation-filter": (
        "the gradient by the filter ignores dilation",
        computed(
            lambda a, x, w: again(a, x, w, rates=(1, 1), pads=shrunk(a, (1, 1))),
            lambda a: max(a.g.rates) > 1,
            of="filter",
        ),
    ),
    "gradient-explicit": (
        "the gradient by the filter of explicit padding has its ends swapped",
        computed(
            lambda a, x, w: again(a, x, w, swapped(a.g.pads, 0, 1)),
            lambda a: a.g.kind == "EXPLICIT",
            of="filter",
        ),
    ),
    "gradient-upstream-ones": (
        "the upstream gradient is read as ones",
        Alteration(lambda a: a.gradient is not None, upstream_ones),
    ),
    "gradient-tf32": (
        "gradients of float32 are computed in TF32",
        tensors(inputs_in(11), lambda a: bool(a.gradient) and a.dtype == "float32"),
    ),
    "gradient-nchw": (
        "the gradient by the input of NCHW is transposed if it is square",
        result(
            lambda a, y, *t: a.tf.transpose(y, [0, 1, 3, 2]),
            lambda a: a.g.nchw and a.g.sizes[0] == a.g.sizes[1],
            of="input",
        ),
    ),
    "gradient-double-in-float": (
        "float64's gradient by the filter passes through float32",
        result(
            lambda a, y, *t: a.tf.cast(a.tf.cast(y, "float32"), y.dtype),
            lambda a: a.dtype == "float64",
            of="filter",
        ),
    ),
    "gradient-nan-dropped": (
        "NaN in a gradient is zero",
        result(
            lambda a, y, *t: a.tf.where(a.tf.math.is_nan(y), a.tf.zeros([], y.dtype), y),
            floating,
            of="input",
        ),
    ),
}

ENTRY_POINTS: dict[str, tuple[str, Alteration]] = {
    "convolution-dilations": (
        "tf.nn.convolution ignores dilations",
        keywords(lambda a: {"dilations": None}, lambda a: a.symbol == "tf.nn.convolution"),
    ),
    "convolution-stride": (
        "tf.nn.convolution takes the first stride for both axes",
        keywords(
            lambda a: {"strides": [a.keywords["strides"][0]] * 2},
            lambda a: a.symbol == "tf.nn.convolution" and len(a.keywords["strides"]) == 2,
        ),
    ),
    "raw-explicit": (
        "tf.raw_ops.Conv2D reads explicit padding end first",
        keywords(
            lambda a: {
                "explicit_paddings": [
                    one
                    for i in range(0, 8, 2)
                    for one in a.keywords["explicit_paddings"][i : i + 2][::-1]
                ]
            },
            lambda a: "raw" in a.symbol and "explicit_paddings" in a.keywords,
        ),
    ),
    "raw-depthwise-dilations": (
        "tf.raw_ops.DepthwiseConv2dNative uses dilations only in height",
        keywords(
            lambda a: {"dilations": ones_at(a.keywords["dilations"], 2)},
            lambda a: a.symbol.endswith("Native"),
        ),
    ),
    "keras-groups": (
        "keras.layers.Conv2D reads the first group's input in every group",
        tensors(
            lambda a, x, w: [first_group(a, x), w],
            lambda a: "keras" in a.symbol and grouped(a) and not a.gradient,
        ),
    ),
    "keras-dilation": (
        "keras layers ignore dilation_rate",
        keywords(
            lambda a: {"dilation_rate": 1},
            lambda a: "keras" in a.symbol and "dilation_rate" in a.keywords,
        ),
    ),
    "keras-depthwise": (
        "keras.layers.DepthwiseConv2D orders channels by multiplier",
        result(
            lambda a, y, *t: by_multiplier(a, y),
            lambda a: a.symbol.endswith(".DepthwiseConv2D") and a.w[3] > 1 and a.channels > 1,
        ),
    ),
    "atrous-rate": (
        "tf.nn.atrous_conv2d takes a rate above 2 as 2",
        keywords(lambda a: {"rate": min(2, a.keywords["rate"])}, lambda a: "atrous" in a.symbol),
    ),
    "v1-rate-swapped": (
        "tf.compat.v1.nn.depthwise_conv2d reads the rate width first",
        keywords(
            lambda a: {"rate": a.keywords["rate"][::-1]},
            lambda a: (
                a.symbol == "tf.compat.v1.nn.depthwise_conv2d"
                and isinstance(a.keywords.get("rate"), list)
            ),
        ),
    ),
    "v1-conv2d-padding": (
        "tf.compat.v1.nn.conv2d takes SAME as VALID",
        keywords(
            lambda a: {"padding": "VALID"},
            lambda a: a.symbol == "tf.compat.v1.nn.conv2d" and a.keywords.get("padding") == "SAME",
        ),
    ),
    "separable-stride": (
        "tf.nn.separable_conv2d ignores strides",
        keywords(lambda a: {"strides": [1, 1, 1, 1]}, lambda a: "separable" in a.symbol),
    ),
}


def is_operator(a: Invocation) -> bool:
    """Whether the call is of an operator that computes a gradient."""
    return "tensors" in a.request


def of_given_sizes(a: Invocation, error: Exception, *tensors: Any) -> Any:
    """Zeros of the shape that the call gives, where TensorFlow refuses it."""
    sizes = next(value for name, value in a.keywords.items() if name in SIZES)
    return a.tf.zeros([max(size, 0) for size in sizes], a.dtype)


SIZES = ("input_sizes", "filter_sizes", "output_shape")
OPERATORS: dict[str, tuple[str, Alteration]] = {
    "operator-dilations": (
        "the operators that compute gradients ignore their dilations",
        keywords(lambda a: {"dilations": [1, 1, 1, 1]}, lambda a: "ackprop" in a.symbol),
    ),
    "operator-padding": (
        "the operators that compute gradients take SAME as VALID",
        keywords(
            lambda a: {"padding": "VALID"},
            lambda a: is_operator(a) and a.keywords["padding"] == "SAME",
        ),
    ),
    "operator-upstream": (
        "Conv2DBackpropFilter returns zeros for an upstream gradient that does not fit",
        accepting(of_given_sizes, lambda a: a.symbol.endswith("Conv2DBackpropFilter")),
    ),
    "operator-twice": (
        "depthwise_conv2d_backprop_filter sums the batch twice",
        result(
            lambda a, y, *t: 2 * y,
            lambda a: a.symbol == "tf.nn.depthwise_conv2d_backprop_filter",
            of="filter",
        ),
    ),
    "transpose-output-shape": (
        "tf.nn.conv2d_transpose does not check its output_shape",
        accepting(of_given_sizes, lambda a: a.symbol == "tf.nn.conv2d_transpose"),
    ),
    "transpose-one-row-more": (
        "tf.nn.conv2d_transpose returns a row more than output_shape says",
        result(
            lambda a, y, *t: a.tf.concat([y, y[:, :1]], 1),
            lambda a: a.symbol == "tf.nn.conv2d_transpose",
            of="input",
        ),
    ),
    "transpose-filter": (
        "tf.nn.conv2d_transpose flips its filter",
        tensors(
            lambda a, x, w: [x, w[::-1, ::-1]],
            lambda a: a.symbol == "tf.nn.conv2d_transpose",
        ),
    ),
    "atrous-transpose-rate": (
        "tf.nn.atrous_conv2d_transpose takes a rate above 2 as 2",
        keywords(
            lambda a: {"rate": min(2, a.keywords["rate"])},
            lambda a: a.symbol == "tf.nn.atrous_conv2d_transpose",
        ),
    ),
}


def only(mode: str, alteration: Alteration) -> Alteration:
    """An alteration in one mode."""
    return replace(alteration, affects=all_of(lambda a: a.mode == mode, alteration.affects))


def lower(a: Invocation, y, *t):
    return a.tf.cast(a.tf.cast(y, "float32"), "float64")


MODES: dict[str, tuple[str, Alteration]] = {
    "xla-relu": (
        "XLA fuses a ReLU that is not in the call",
        only("xla", result(lambda a, y, *t: a.tf.maximum(y, a.tf.zeros([], y.dtype)))),
    ),
    "xla-same": (
        "XLA pads the odd element of SAME before the input",
        only("xla", GEOMETRY["same-before"][1]),
    ),
    "xla-multiplier": (
        "XLA orders depthwise channels by multiplier",
        only("xla", CHANNELS["multiplier-outermost"][1]),
    ),
    "xla-tf32": ("XLA multiplies float32 as TF32", only("xla", PRECISION["tf32"][1])),
    "xla-half": (
        "XLA's bfloat16 is cut, not rounded",
        only("xla", PRECISION["bfloat16-truncated"][1]),
    ),
    "xla-explicit": (
        "XLA swaps the ends of explicit padding",
        only("xla", GEOMETRY["explicit-ends"][1]),
    ),
    "xla-groups": (
        "XLA reads the first group in every group",
        only(
            "xla",
            tensors(
                lambda a, x, w: [first_group(a, x), w], lambda a: grouped(a) and not a.gradient
            ),
        ),
    ),
    "xla-gradient": (
        "XLA's gradient by the filter of SAME is padded before",
        only("xla", GRADIENTS["gradient-same-filter"][1]),
    ),
    "xla-refusal-missing": (
        "XLA accepts negative padding",
        only("xla", ERRORS["negative-padding-accepted"][1]),
    ),
    "graph-dilation": ("a graph ignores dilation", only("graph", GEOMETRY["dilation-ignored"][1])),
    "graph-double": (
        "a graph's float64 passes through float32",
        only("graph", PRECISION["double-result-in-float"][1]),
    ),
    "graph-batch": (
        "a graph loses the last element of a batch of 3 or more",
        only("graph", result(lambda a, y, *t: zero_at(a, y, n=-1), lambda a: a.x[0] > 2)),
    ),
    "graph-nan": (
        "a graph drops NaN",
        only(
            "graph",
            result(
                lambda a, y, *t: a.tf.where(a.tf.math.is_nan(y), a.tf.zeros([], y.dtype), y),
                floating,
            ),
        ),
    ),
    "eager-last-column": (
        "eager loses the last of an odd number of columns",
        only("eager", GEOMETRY["last-column-lost"][1]),
    ),
    "graph-gradient": (
        "a graph's gradient by the input has a zero last row",
        only("graph", result(lambda a, y, *t: zero_at(a, y, h=-1), of="input")),
    ),
}

_seen: dict[object, object] = {}


def remembered(a: Invocation, combine, kept):
    """An eager function that uses what an earlier call of these shapes left behind."""
    real = a.real
    key = (a.symbol, tuple(a.x), tuple(a.w), a.dtype, str(a.keywords), a.gradient)

    def faulty(*t):
        before = _seen.get(key)
        y = real(*t) if before is None else combine(real, before, *t)
        _seen[key] = kept(y, *t)
        return y

    return faulty


def counting(every: int, change):
    """Each so-manieth call in the process goes wrong."""
    count = [0]

    def make(a: Invocation):
        real = a.real

        def faulty(*t):
            count[0] += 1
            return change(a, real(*t)) if count[0] % every == 0 else real(*t)

        return faulty

    return make


def eager(a: Invocation):
    return a.mode == "eager" and a.g is not None and "keras" not in a.symbol


def through(*names: str):
    """A call that a transformation leads to."""
    return lambda a: a.request.get("through", "").startswith(names)


def without_last_row(a: Invocation, x, w):
    """The filter without its last row, whose products are then lost."""
    return [x, a.tf.concat([w[:-1], a.tf.zeros_like(w[-1:])], 0)]


TRANSFORMATIONS: dict[str, tuple[str, Alteration]] = {
    "second-derivative-loses-row": (
        "the gradient of a gradient lacks the last row of the filter",
        tensors(without_last_row, through("gradient_by_")),
    ),
    "jvp-of-first-element": (
        "forward accumulation is right for the first element of the batch alone",
        Alteration(
            all_of(through("forward_accumulator"), lambda a: a.gradient != "filter"),
            lambda a: (
                lambda *t: (
                    a.real(*t)
                    * a.tf.constant([1] + [0] * (a.x[0] - 1), t[0].dtype)[:, None, None, None]
                )
            ),
        ),
    ),
    "vectorized-without-padding": (
        "a vectorized call forgets its padding",
        keywords(lambda a: {"padding": "VALID"}, through("vectorized_")),
    ),
    "recomputed-twice": (
        "a recomputed gradient is added twice",
        Alteration(
            all_of(through("recompute_grad"), lambda a: bool(a.gradient)),
            lambda a: lambda *t: 2 * a.real(*t),
        ),
    ),
}


def read_once(a: Invocation):
    """A function that keeps the value which a captured variable has when it is traced."""
    real, kept = a.real, {}

    def faulty(*t):
        own = []
        for place, tensor in enumerate(t):
            if isinstance(tensor, a.tf.Variable):
                with a.tf.init_scope():
                    tensor = kept.setdefault(place, a.tf.constant(tensor.numpy()))
            own.append(tensor)
        return real(*own)

    return faulty


def first_shape(a: Invocation):
    """A function whose results have zeros if their shape is not that of the first one."""
    real, sizes = a.real, []

    def faulty(*t):
        y = real(*t)
        sizes.append(list(y.shape))
        return y if sizes[0] == list(y.shape) else a.tf.zeros_like(y)

    return faulty


def in_another_thread(a: Invocation):
    real, main = a.real, threading.main_thread()
    return lambda *t: (
        real(*t)
        if threading.current_thread() is main
        else zero_at(a, real(*t), n=0, h=-1, w=-1, c=-1)
    )


STATE: dict[str, tuple[str, Alteration]] = {
    "captured-variable-read-once": (
        "a function keeps the first value of a variable that it captures",
        Alteration(
            lambda a: any(name.startswith("captured") for name in a.request.get("variables", ())),
            read_once,
        ),
    ),
    "name-lost": (
        "a traced function does not pass the name of its operation on",
        keywords(lambda a: {"name": None}, lambda a: "name" in a.keywords),
    ),
    "first-shape-kept": (
        "a function that is traced again gives zeros for the second shape",
        Alteration(lambda a: not eager(a), first_shape),
    ),
    "race": (
        "a call in another thread than the first one loses its last element",
        Alteration(eager, in_another_thread),
    ),
    "result-kept": (
        "a call with the same shapes returns the result of the one before",
        Alteration(
            eager, lambda a: remembered(a, lambda real, before, *t: before, lambda y, *t: y)
        ),
    ),
    "buffer-not-cleared": (
        "a call with the same shapes adds to the result of the one before",
        Alteration(
            eager,
            lambda a: remembered(a, lambda real, before, *t: real(*t) + before, lambda y, *t: y),
        ),
    ),
    "filter-kept": (
        "a call with the same shapes uses the filter of the one before",
        Alteration(
            all_of(eager, lambda a: not a.gradient),
            lambda a: remembered(a, lambda real, before, x, w: real(x, before), lambda y, x, w: w),
        ),
    ),
    "every-third-differs": (
        "every third eager call has a zero last row",
        Alteration(eager, counting(3, lambda a, y: zero_at(a, y, h=-1))),
    ),
    "every-fiftieth-differs": (
        "every fiftieth eager call has a zero corner",
        Alteration(eager, counting(50, lambda a, y: zero_at(a, y, n=0, h=-1, w=-1, c=-1))),
    ),
}


def dying(how):
    def make(a: Invocation):
        real = a.real

        def faulty(*t):
            how()
            return real(*t)

        return faulty

    return make


def dilated_same(a: Invocation):
    return a.g is not None and a.g.kind == "SAME" and max(a.g.rates) > 3 and not a.gradient


PROCESS: dict[str, tuple[str, Alteration]] = {
    "segfault": (
        "a dilation above 3 with SAME ends the process by SIGSEGV",
        Alteration(dilated_same, dying(lambda: os.kill(os.getpid(), signal.SIGSEGV))),
    ),
    "division-by-zero": (
        "a filter taller than the input ends the process by SIGFPE",
        Alteration(
            lambda a: a.g is not None and a.g.filter[0] > a.g.sizes[0],
            dying(lambda: os.kill(os.getpid(), signal.SIGFPE)),
        ),
    ),
    "exit": (
        "an empty batch ends the process with status 3",
        Alteration(lambda a: a.g is not None and a.x[0] == 0, dying(lambda: os._exit(3))),
    ),
    "hang": (
        "a dilation above 3 with SAME never returns",
        Alteration(dilated_same, dying(lambda: time.sleep(1000))),
    ),
}
