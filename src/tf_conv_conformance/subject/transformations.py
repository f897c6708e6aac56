"""Reach a result through a transformation of TensorFlow, such as the gradient of a gradient.

A convolution is linear in its input and in its filter. So a derivative of it, or of one of its
gradients, is the convolution or one of its gradients of other tensors, wherever it is taken. The
tensors of a call are those other tensors; it is taken at ones. Runs on Python 3.7.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

PLACES = {"input": 0, "filter": 1}


def with_gradient(
    tf: Any, function: Callable[..., Any], variable: Any, by: str
) -> Callable[..., Any]:
    """Return the gradient with respect to input or filter, as a function.

    It takes input, filter and upstream gradient, then what else the function takes. If the function
    ignores its filter argument, as a Keras layer does, `variable` holds the filter.
    """

    def gradient(x: Any, w: Any, upstream: Any, *others: Any) -> Any:
        target = x if by == "input" else w if variable is None else variable
        with tf.GradientTape() as tape:
            if target is not variable:
                tape.watch(target)
            result = function(x, w, *others)
        return tape.gradient(result, target, output_gradients=upstream)

    return gradient


def transformed(
    tf: Any, function: Callable[..., Any], by: str | None, through: str
) -> Callable[..., Any]:
    """Return the result, or its gradient `by` a tensor, as a function of the call's tensors."""
    if through == "recompute_grad":
        function = tf.recompute_grad(function)
    plain = function if by is None else with_gradient(tf, function, None, by)
    if through.startswith("gradient_by_"):
        return _second_gradient(tf, function, by, through.replace("gradient_by_", ""))
    if through == "forward_accumulator":
        return _forward(tf, plain, by)
    if through.startswith("vectorized_"):
        return _vectorized(tf, plain, through.replace("vectorized_", ""))
    if through.endswith("jacobian"):
        return _jacobian(tf, function, PLACES[by or "input"], through == "batch_jacobian")
    return plain


def _second_gradient(
    tf: Any, function: Callable[..., Any], by: str | None, first: str
) -> Callable[..., Any]:
    """Return the gradient of the gradient by `first`, with the other tensor of the call above it.

    Without `by`, it is the one by the upstream gradient, and so the convolution itself.
    """
    gradient, seed = with_gradient(tf, function, None, first), PLACES[first]

    def call(*tensors: Any) -> Any:
        at = [tf.ones_like(tensor) for tensor in tensors[:2]]
        target = 2 if by is None else PLACES[by]
        if by is None:
            at[1 - seed] = tensors[1 - seed]
            at.append(tf.ones_like(function(*tensors)))
        else:
            at.append(tensors[2])
        with tf.GradientTape() as tape:
            tape.watch(at[target])
            result = gradient(*at)
        return tape.gradient(result, at[target], output_gradients=tensors[seed])

    return call


def _forward(tf: Any, plain: Callable[..., Any], by: str | None) -> Callable[..., Any]:
    """Return the product of the Jacobian and the call's own tensor, by forward accumulation."""
    place = 1 if by == "input" else 0

    def call(*tensors: Any) -> Any:
        at = list(tensors)
        at[place] = tf.ones_like(tensors[place])
        with tf.autodiff.ForwardAccumulator(at[place], tensors[place]) as accumulator:
            result = plain(*at)
        return accumulator.jvp(result)

    return call


def _vectorized(tf: Any, plain: Callable[..., Any], mapped: str) -> Callable[..., Any]:
    """Return the middle one of three results that are computed at once, of other tensors.

    `mapped` is the tensor that differs between the three, or ``map`` for all tensors.
    """

    def call(*tensors: Any) -> Any:
        places = [PLACES[mapped]] if mapped in PLACES else list(range(len(tensors)))
        stacks = [
            tf.stack([tf.ones_like(tensors[place]), tensors[place], -tensors[place]])
            for place in places
        ]

        def one(elements: Any) -> Any:
            own = list(tensors)
            for place, element in zip(places, elements):
                own[place] = element
            return plain(*own)

        return tf.vectorized_map(one, stacks)[1]

    return call


def _jacobian(
    tf: Any, function: Callable[..., Any], place: int, by_batch: bool
) -> Callable[..., Any]:
    """Return the product of the upstream gradient and the Jacobian.

    It multiplies and adds one by one, since a product of matrices may be less precise.
    """

    def call(*tensors: Any) -> Any:
        target, upstream = tensors[place], tensors[2]
        with tf.GradientTape() as tape:
            tape.watch(target)
            result = function(*tensors[:2])
        jacobian = (tape.batch_jacobian if by_batch else tape.jacobian)(result, target)
        outer = 1 if by_batch else 0
        sizes = [int(size) for size in upstream.shape]
        sizes += [1] * (len(target.shape) - outer)
        return tf.reduce_sum(
            jacobian * tf.reshape(upstream, sizes), axis=list(range(outer, len(upstream.shape)))
        )

    return call
