"""Faults of shape inference: what a function knows of its result while it is traced."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from altering import Alteration, Invocation

Sizes = list[Any]


def known(
    change: Callable[[Invocation, Sizes], Sizes | None],
    when: Callable[[Invocation], bool] = lambda a: True,
) -> Alteration:
    """A result whose static shape is changed, None for no rank, and whose values are not."""

    def make(invocation: Invocation) -> Callable[..., Any]:
        real = invocation.real

        def faulty(*tensors: Any) -> Any:
            y = real(*tensors)
            if y is None or y.shape.ndims is None or invocation.tf.executing_eagerly():
                return y
            sizes = change(invocation, y.shape.as_list())
            if sizes == y.shape.as_list():
                return y
            result = invocation.tf.compat.v1.placeholder_with_default(y, None)
            result.set_shape(sizes)
            return result

        return faulty

    return Alteration(lambda a: a.mode in ("graph", "xla", "saved_model") and when(a), make)


def at(place: int, change: Callable[[Any], Any]) -> Callable[[Invocation, Sizes], Sizes]:
    """Change the size at a place of NHWC; a negative one counts from the end."""

    def changed(invocation: Invocation, sizes: Sizes) -> Sizes:
        order = {-3: -2, -2: -1, -1: -3} if nchw(invocation) else {}
        sizes[order.get(place, place)] = change(sizes[order.get(place, place)])
        return sizes

    return changed


def nchw(a: Invocation) -> bool:
    return a.keywords.get("data_format") in ("NCHW", "channels_first")


def more(size: Any) -> Any:
    return None if size is None else size + 1


def forward(a: Invocation) -> bool:
    return a.gradient is None


def strided(a: Invocation) -> bool:
    return (
        forward(a)
        and a.g is not None
        and a.g.kind == "SAME"
        and any(size % step for size, step in zip(a.g.sizes, a.g.strides, strict=True))
    )


def floored(a: Invocation, sizes: Sizes) -> Sizes:
    """The sizes of SAME, rounded down."""
    places = (-2, -1) if a.g.nchw else (-3, -2)
    for place, size, step in zip(places, a.g.sizes, a.g.strides, strict=True):
        sizes[place] = None if sizes[place] is None else size // step
    return sizes


def lost_beside(a: Invocation, sizes: Sizes) -> Sizes:
    """Both axes, if one of them is not known."""
    places = (-2, -1) if nchw(a) else (-3, -2)
    if None in [sizes[place] for place in places]:
        for place in places:
            sizes[place] = None
    return sizes


def of_known_shapes(a: Invocation) -> bool:
    return forward(a) and "signature" not in a.request


STATIC_SHAPES: dict[str, tuple[str, Alteration]] = {
    "static-width": (
        "the static shape has a column more than the result",
        known(at(-2, more), forward),
    ),
    "static-channels": (
        "the static shape has a channel more than the result",
        known(at(-1, more), forward),
    ),
    "static-same-floored": (
        "the static shape of SAME with a stride is rounded down",
        known(floored, strided),
    ),
    "static-batch-lost": (
        "the static shape does not know the batch",
        known(at(0, lambda size: None), forward),
    ),
    "static-height-lost": (
        "the static shape does not know the height",
        known(at(-3, lambda size: None), of_known_shapes),
    ),
    "static-channels-lost": (
        "the static shape does not know the channels",
        known(at(-1, lambda size: None), of_known_shapes),
    ),
    "static-rank-lost": (
        "the static shape does not know the rank",
        known(lambda a, sizes: None, of_known_shapes),
    ),
    "static-axes-lost-together": (
        "the static shape of conv2d knows neither axis if one is not known",
        known(lost_beside, lambda a: forward(a) and not a.depthwise),
    ),
    "static-gradient-lost": (
        "the static shape of a gradient does not know its sizes",
        known(lambda a, sizes: [None] * len(sizes), lambda a: a.gradient is not None),
    ),
}
