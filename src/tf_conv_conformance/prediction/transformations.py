"""Write a transformation that leads to the result of a call as Python source."""

from __future__ import annotations

from tf_conv_conformance.convolution.arguments import Arguments
from tf_conv_conformance.convolution.invocation import beside
from tf_conv_conformance.prediction.data import result_shape

NAMES = {"input": "x", "filter": "w"}


def gradient_source(arguments: Arguments) -> list[str]:
    """Return lines that define `gradient` by the tensor of the arguments.

    It is that of `in_company` if there are operations around the convolution, else of `convolve`.
    """
    target = NAMES[arguments.gradient or ""]
    if target == "w" and arguments.entry_point.is_layer:
        return _gradient("gradient", "convolve", "layer.trainable_weights[0]", [])
    function = "in_company" if arguments.in_company else "convolve"
    others = "".join(f", {name}" for name in beside(arguments))
    return _gradient("gradient", function, target, [f"        tape.watch({target})"], others)


def _gradient(
    name: str, function: str, target: str, watched: list[str], others: str = ""
) -> list[str]:
    return [
        f"def {name}(x, w, dy{others}):",
        "    with tf.GradientTape() as tape:",
        *watched,
        f"        y = {function}(x, w{others})",
        f"    return tape.gradient(y, {target}, output_gradients=dy)",
    ]


def transformed_source(arguments: Arguments) -> list[str]:
    """Return lines that redefine `convolve`, or define `gradient`, with the transformation."""
    through, by = arguments.through or "", arguments.gradient
    plain = [] if by is None else gradient_source(arguments)
    if through == "recompute_grad":
        return ["convolve = tf.recompute_grad(convolve)", *plain]
    if through.startswith("gradient_by_"):
        return _second_gradient(by, through.removeprefix("gradient_by_"))
    if through.endswith("jacobian"):
        return _jacobian(arguments, NAMES[by or ""])
    name, tensors = _defined(by)
    head = [*plain, f"inner = {name}", f"def {name}({tensors}):"]
    if through == "forward_accumulator":
        target = "w" if by == "input" else "x"
        return [*head, *_forward(target, tensors)]
    return [*head, *_vectorized(through.removeprefix("vectorized_"), tensors)]


def _defined(by: str | None) -> tuple[str, str]:
    """Return the name of what a program calls, and its parameters."""
    return ("convolve", "x, w") if by is None else ("gradient", "x, w, dy")


def _second_gradient(by: str | None, first: str) -> list[str]:
    (name, tensors), seed = _defined(by), NAMES[first]
    other = "x" if seed == "w" else "w"
    at = {"x": "tf.ones_like(x)", "w": "tf.ones_like(w)", "dy": "dy"}
    target = "inner(x, w)" if by is None else NAMES[by]
    if by is None:
        at |= {"dy": "at", other: other}
    else:
        at[target] = "at"
    return [
        "inner = convolve",
        *_gradient("first", "inner", seed, [f"        tape.watch({seed})"]),
        f"def {name}({tensors}):",
        f"    at = tf.ones_like({target})",
        "    with tf.GradientTape() as tape:",
        "        tape.watch(at)",
        f"        y = first({at['x']}, {at['w']}, {at['dy']})",
        f"    return tape.gradient(y, at, output_gradients={seed})",
    ]


def _jacobian(arguments: Arguments, target: str) -> list[str]:
    shape, by_batch = result_shape(arguments), arguments.through == "batch_jacobian"
    spec = arguments.input if target == "x" else arguments.filter
    ones = [1] * (len(spec.shape) - by_batch)
    axes = list(range(int(by_batch), len(shape)))
    return [
        "def gradient(x, w, dy):",
        "    with tf.GradientTape() as tape:",
        f"        tape.watch({target})",
        "        y = convolve(x, w)",
        f"    jacobian = tape.{arguments.through}(y, {target})",
        f"    products = jacobian * tf.reshape(dy, {[*shape, *ones]})",
        f"    return tf.reduce_sum(products, axis={axes})",
    ]


def _forward(target: str, tensors: str) -> list[str]:
    at = ", ".join("ones" if name == target else name for name in tensors.split(", "))
    return [
        f"    ones = tf.ones_like({target})",
        f"    with tf.autodiff.ForwardAccumulator(ones, {target}) as accumulator:",
        f"        y = inner({at})",
        "    return accumulator.jvp(y)",
    ]


def _vectorized(mapped: str, tensors: str) -> list[str]:
    own = [NAMES[mapped]] if mapped in NAMES else tensors.split(", ")
    parts = {name: f"part[{own.index(name)}]" if name in own else name for name in ("x", "w", "dy")}
    at = ", ".join(parts[name] for name in tensors.split(", "))
    return [
        f"    stacks = [tf.stack([tf.ones_like(t), t, -t]) for t in [{', '.join(own)}]]",
        f"    return tf.vectorized_map(lambda part: inner({at}), stacks)[1]",
    ]
