"""Faults of what is around a convolution: of fusions, layouts and folded constants in a graph."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from altering import Alteration, Function, Invocation, When

Steps = list[tuple[list[Any], range]]
"""The operations after a convolution, and the places of their tensors."""


def names(a: Invocation, key: str = "after") -> list[str]:
    """The operations, by the names of their functions."""
    return [symbol.rpartition(".")[2] for symbol, *_ in a.request.get(key, ())]


def ends_with(*last: str, gradient: bool = False) -> When:
    """A graph whose last operations are these, or that of a gradient through them."""
    return lambda a: is_graph(a, gradient) and names(a)[-len(last) :] == [*last]


def is_graph(a: Invocation, gradient: bool = False) -> bool:
    return a.mode in ("graph", "saved_model") and (a.gradient is not None) == gradient


def padded(a: Invocation, gradient: bool = False) -> bool:
    return is_graph(a, gradient) and names(a, "before") == ["pad"]


def rearranged(change: Callable[[Steps], Steps], when: When) -> Alteration:
    """Other operations after the convolution."""

    def make(invocation: Invocation) -> Function:
        own = 2 if invocation.gradient is None else 3
        first, steps = own, []
        for step in invocation.request["after"]:
            steps.append((step, range(first, first + step[1])))
            first += step[1]
        steps = change(steps)
        request = {**invocation.request, "after": [step for step, _ in steps]}
        chosen = [*range(own), *(place for _, places in steps for place in places)]

        def faulty(*tensors: Any) -> Any:
            taken = [tensors[place] for place in chosen]
            return invocation.true(request, taken)(*taken)

        return faulty

    return Alteration(when, make)


def with_pad(change: Callable[[list[list[int]]], list[list[int]]], when: When) -> Alteration:
    """Another padding before the convolution."""

    def make(invocation: Invocation) -> Function:
        ((symbol, count, given),) = invocation.request["before"]
        before = [[symbol, count, {"paddings": change(given["paddings"])}]]
        return invocation.true({**invocation.request, "before": before}, invocation.tensors)

    return Alteration(when, make)


def optimized(name: str) -> When:
    """A graph that TensorFlow also rewrites in this way."""
    return lambda a: a.request.get("optimizer") == name


def in_fewer_bits(tf: Any, y: Any) -> Any:
    """Integers from 16 on as multiples of 4."""
    return tf.where(tf.abs(y) >= 16, tf.round(y / 4) * 4, y)


def with_exchanged_strides(invocation: Invocation) -> Function:
    batch, channels, height, width = invocation.keywords["strides"]
    return invocation.with_keywords(strides=[batch, channels, width, height])


def out(change: Callable[[Any, Any], Any], when: When) -> Alteration:
    """Another result, of TensorFlow and the result."""

    def make(invocation: Invocation) -> Function:
        real = invocation.real
        return lambda *tensors: change(invocation.tf, real(*tensors))

    return Alteration(when, make)


def without(name: str) -> Callable[[Steps], Steps]:
    return lambda steps: [one for one in steps if not one[0][0].endswith("." + name)]


def as_relu(steps: Steps) -> Steps:
    return [*steps[:-1], (["tf.nn.relu", 0, {}], range(0))]


def as_minimum(steps: Steps) -> Steps:
    return [*steps[:-1], (["tf.minimum", 0, {"y": 6}], range(0))]


def by_another_epsilon(steps: Steps) -> Steps:
    (symbol, count, given), places = steps[0]
    return [([symbol, count, {**given, "epsilon": 0.001}], places), *steps[1:]]


def kept_in_nchw(tf: Any, y: Any) -> Any:
    """The elements as they lie in memory with the channels first."""
    return tf.reshape(tf.transpose(y, [0, 3, 1, 2]), tf.shape(y))


COMPANY: dict[str, tuple[str, Alteration]] = {
    "fused-bias-dropped": (
        "a fused convolution leaves out its bias if an activation follows",
        rearranged(without("bias_add"), ends_with("bias_add", "relu")),
    ),
    "fused-clips-first": (
        "a fused convolution clips before it adds the bias",
        rearranged(lambda steps: steps[::-1], ends_with("bias_add", "relu6")),
    ),
    "fused-relu6-as-relu": (
        "a fused ReLU6 has no upper limit",
        rearranged(as_relu, ends_with("fused_batch_norm", "relu6")),
    ),
    "fused-relu6-as-minimum": (
        "a fused ReLU6 keeps negative values",
        rearranged(as_minimum, ends_with("add", "relu6")),
    ),
    "batch-norm-epsilon": (
        "a batch norm that is folded into the filter has the default epsilon",
        rearranged(by_another_epsilon, ends_with("fused_batch_norm")),
    ),
    "fused-add-dropped": (
        "a fused convolution leaves out what is added after its bias",
        rearranged(without("add"), ends_with("bias_add", "add")),
    ),
    "between-two-convolutions": (
        "an activation between two convolutions is left out",
        rearranged(without("relu"), ends_with("relu", "conv2d")),
    ),
    "layout-not-undone": (
        "the layout optimizer does not transpose a result back",
        out(kept_in_nchw, ends_with("add", "relu")),
    ),
    "mixed-precision-of-few-bits": (
        "auto mixed precision sums in fewer bits than bfloat16 has",
        out(in_fewer_bits, optimized("auto_mixed_precision_onednn_bfloat16")),
    ),
    "layout-of-strides-not-changed": (
        "the layout optimizer exchanges the strides of height and width",
        Alteration(
            lambda a: optimized("NCHW_TO_NHWC")(a) and isinstance(a.keywords["strides"], list),
            with_exchanged_strides,
        ),
    ),
    "fused-pad-dropped": (
        "a padding that a convolution takes in is lost",
        with_pad(lambda pairs: [[0, 0]] * 4, lambda a: padded(a) and not names(a)),
    ),
    "fused-pad-swapped": (
        "a padding that a convolution takes in has its sides exchanged",
        with_pad(lambda pairs: [pair[::-1] for pair in pairs], lambda a: padded(a) and names(a)),
    ),
    "gradient-not-masked": (
        "the gradient of a convolution with a ReLU passes all elements",
        rearranged(without("relu"), ends_with("relu", gradient=True)),
    ),
    "gradient-of-relu6-as-relu": (
        "the gradient of a convolution with a ReLU6 passes elements above 6",
        rearranged(as_relu, ends_with("relu6", gradient=True)),
    ),
    "gradient-without-scale": (
        "the gradient through a batch norm is not scaled",
        rearranged(without("fused_batch_norm"), ends_with("fused_batch_norm", gradient=True)),
    ),
    "gradient-of-pad-swapped": (
        "the gradient through a padding is taken from the other side",
        with_pad(lambda pairs: [pair[::-1] for pair in pairs], lambda a: padded(a, True)),
    ),
}
