"""Write a call as a Python program that runs without this suite."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from tf_conv_conformance.convolution.arguments import Arguments, TensorSpec, interpret
from tf_conv_conformance.convolution.invocation import (
    beside,
    known_beside,
    signature,
    source,
    source_in_company,
)
from tf_conv_conformance.convolution.names import CONVERTED_MODES, TRACING_MODES, Mode
from tf_conv_conformance.convolution.quantity import quantity
from tf_conv_conformance.prediction import company, deployment
from tf_conv_conformance.prediction.data import Arm, result_shape, upstream_shape
from tf_conv_conformance.prediction.distributions import Drawn, distribution
from tf_conv_conformance.prediction.relations import RELATIONS, is_across_subjects
from tf_conv_conformance.prediction.transformations import (
    NAMES,
    gradient_source,
    transformed_source,
)

OPTIMIZERS = {
    "auto_mixed_precision_onednn_bfloat16": [
        "tf.config.optimizer.set_experimental_options("
        "{'auto_mixed_precision_onednn_bfloat16': True})",
    ],
    "NCHW_TO_NHWC": [
        "from tensorflow.python.eager import context",
        "config = tf.compat.v1.ConfigProto()",
        "config.graph_options.rewrite_options.cpu_layout_conversion = 1  # NCHW_TO_NHWC",
        "config.graph_options.rewrite_options.min_graph_nodes = -1",
        "context.context()._config = config  # as of a tf.compat.v1.Session",
    ],
}
"""Lines that have TensorFlow rewrite its graphs, by the name of an optimizer."""
LITERAL_LIMIT = 4000  # literal tensors up to this many numbers are written in full


def python(arguments: Arguments, mode: Mode, arm: Arm, relation: str | None = None) -> str:
    """Return a program that makes the call with the data of one arm and prints its result.

    With a relation, it also makes the other calls, and compares the two sides. If that is one
    across subjects, the program has to be run with each.
    """
    imports = [*deployment.IMPORTS.get(mode, ()), "import numpy as np", "import tensorflow as tf"]
    if is_across_subjects(relation):
        imports.insert(0, "import zlib")
    if arguments.entry_point.symbol.startswith("keras."):
        imports.insert(0, "import keras")
    lines = [*imports, "", *OPTIMIZERS.get(arguments.optimizer or "", ())]
    lines += _data(arguments, arm) + _definition(arguments, mode)
    if relation is None or is_across_subjects(relation):
        y = "y" if mode in CONVERTED_MODES else "y.numpy()"
        lines += [f"y = {_invocation(arguments, mode)}", "print(y.shape, y.dtype)", f"print({y})"]
        if relation is not None:
            lines += ["# equal bits have equal sums", f"print(zlib.crc32({y}.tobytes()))"]
        lines += _static_shape(arguments, mode)
    else:
        lines += _comparison(arguments, mode, relation)
    return "\n".join(lines)


def _static_shape(arguments: Arguments, mode: Mode) -> list[str]:
    """Return a line that prints the static shape of the result, if it is not the shape itself.

    Or one that prints the names of the operations, if the call gives one a name.
    """
    if mode not in TRACING_MODES or not (arguments.unknown or arguments.op_name):
        return []
    call = _function(arguments)
    traced = "module.call" if mode == "saved_model" else call
    if arguments.op_name is None:
        return [f"print({traced}.get_concrete_function().structured_outputs.shape)"]
    graph = f"{traced}.get_concrete_function({_tensors(arguments)}).graph"
    return [f"print([operation.name for operation in {graph}.get_operations()])"]


def _data(arguments: Arguments, arm: Arm) -> list[str]:
    tensors = {"x": _tensor(arguments.input, arm.input), "w": _tensor(arguments.filter, arm.filter)}
    lines = [f"{name} = {made}" for name, made in tensors.items()]
    if arm.upstream is not None:
        lines.append(f"dy = {arm.upstream.source(upstream_shape(arguments))}")
    shapes = company.tensor_shapes(arguments, result_shape(arguments))
    named = zip(beside(arguments), company.drawn(arguments), shapes, strict=True)
    lines += [f"{name} = {drawn.source(shape)}" for name, drawn, shape in named]
    is_drawn = any("rng." in line for line in lines)
    return [f"rng = np.random.RandomState({arm.seed})", *lines] if is_drawn else lines


def _function(arguments: Arguments) -> str:
    """Return the name of the function that makes the call."""
    if arguments.gradient is not None:
        return "gradient"
    return "in_company" if arguments.in_company else "convolve"


def _definition(arguments: Arguments, mode: Mode) -> list[str]:
    """Return lines that define the call in its mode, for :func:`_invocation`."""
    lines, call = source(arguments), _function(arguments)
    if arguments.in_company:
        lines += source_in_company(arguments)
    if arguments.through is not None:
        lines += transformed_source(arguments)
    elif call == "gradient" and arguments.entry_point.computes is None:
        lines += gradient_source(arguments)
    lines += _variables(arguments, call)
    known, traced = signature(arguments), ""
    if known is not None:
        traced = f", input_signature=[{', '.join(_specs(arguments, known))}]"
    if mode in CONVERTED_MODES:
        shape = "x.shape" if known is None else str(known[0])
        lines += deployment.converted(mode, shape, call, list(beside(arguments)))
    elif mode == "saved_model":
        return lines + _assignments(arguments) + deployment.saved(call, _tensors(arguments), traced)
    elif mode != "eager":
        lines.append(
            f"{call} = tf.function({call}{', jit_compile=True' if mode == 'xla' else ''}{traced})"
        )
    if arguments.variables:
        lines.append(f"{_invocation(arguments, mode)}  # with ones")
    return lines + _assignments(arguments)


def _variables(arguments: Arguments, call: str) -> list[str]:
    """Return lines that hold tensors in variables, and capture those that are no arguments."""
    constants, passed = _constants(arguments), _passed(arguments)
    lines = [
        f"{name}_variable = tf.Variable(tf.ones_like({constants[name]}))"
        for name in _held(arguments)
    ]
    if len(passed) < len(constants):
        captured = ", ".join(name if name in passed else f"{name}_variable" for name in constants)
        function = f"lambda {', '.join(passed)}: inner({captured})"
        lines += [f"inner = {call}", f"{call} = {function}"]
    return lines


def _assignments(arguments: Arguments) -> list[str]:
    """Return lines that assign to the variables."""
    constants = _constants(arguments)
    return [f"{name}_variable.assign({constants[name]})" for name in _held(arguments)]


def _held(arguments: Arguments) -> list[str]:
    return [NAMES[name.removeprefix("captured_")] for name in arguments.variables]


def _passed(arguments: Arguments) -> dict[str, str]:
    """Return the arguments of the function that is called, by the name of the tensor."""
    captured = {
        NAMES[name.removeprefix("captured_")] for name in arguments.variables if "_" in name
    }
    return {
        name: f"{name}_variable" if name in _held(arguments) else constant
        for name, constant in _constants(arguments).items()
        if name not in captured
    }


def _specs(arguments: Arguments, known: Sequence[object]) -> Iterator[str]:
    """Yield what is known of each tensor, as source."""
    dtypes = [arguments.dtype, arguments.filter_dtype or arguments.dtype]
    for shape, dtype in zip(known, dtypes, strict=True):
        yield f"tf.TensorSpec({shape}, tf.{dtype})"
    if arguments.gradient is not None:
        yield f"tf.TensorSpec(dy.shape, tf.{arguments.dtype})"
    shapes = company.tensor_shapes(arguments, result_shape(arguments))
    known_others = known_beside(arguments, shapes)
    for shape, dtype in zip(known_others, beside(arguments).values(), strict=True):
        yield f"tf.TensorSpec({shape}, tf.{dtype})"


def _invocation(arguments: Arguments, mode: Mode) -> str:
    """Return the expression that calls what :func:`_definition` defines."""
    if mode in CONVERTED_MODES:
        names = ["x", "w", *beside(arguments)]
        return f"deployed({', '.join(f'{name}.astype(np.float32)' for name in names)})"
    return f"{_function(arguments)}({_tensors(arguments)})"


def _tensors(arguments: Arguments) -> str:
    return ", ".join(_passed(arguments).values())


def _constants(arguments: Arguments) -> dict[str, str]:
    dtypes = {"x": arguments.dtype, "w": arguments.filter_dtype or arguments.dtype}
    if arguments.gradient is not None:
        dtypes["dy"] = arguments.dtype
    dtypes |= beside(arguments)
    return {name: _constant(name, dtype) for name, dtype in dtypes.items()}


def _comparison(arguments: Arguments, mode: Mode, name: str) -> list[str]:
    relation, interpretation = RELATIONS[name], interpret(arguments)
    assert interpretation is not None  # the relation applies to the call
    y = f"np.array({_invocation(arguments, mode)}).astype(np.float64)"
    lines = [f"y = {y}", "", f"# {relation.says}", "x0, w0 = x, w"]
    for number, other in enumerate(relation.others(arguments, interpretation, mode), start=1):
        lines += ["x, w = x0, w0", f"x, w = {other.x}, {other.w}"]
        lines += _definition(other.arguments, other.mode)
        invocation = _invocation(other.arguments, other.mode)
        y = f"np.array({invocation}).astype(np.float64)"
        if other.how == "retraced":
            lines += _larger_call(arguments, invocation)
        if other.how == "threads":
            lines += _threads(invocation)
            y = "next((one for one in at_once if (one != y).any()), at_once[0])"
        lines.append(f"y{number} = {y}")
    return [
        *lines,
        f"left, right = {relation.sides(interpretation)}",
        "print('equal:', np.array_equal(left, right, equal_nan=True))",
        "print('largest difference:', np.abs(left - right).max(initial=0))",
    ]


def _larger_call(arguments: Arguments, invocation: str) -> list[str]:
    """Return lines that call a function with larger tensors, as the worker does."""
    batched = [] if arguments.gradient is None else ["dy"]
    batched += [name for name in beside(arguments) if name.startswith("addend")]
    if not batched:
        times = [2, *[1] * (len(arguments.input.shape) - 1)]
        times[-2] = 2
        return [f"x = np.tile(x, {times})", invocation, "x = x0"]
    names = ", ".join(["x", *batched])
    tiled = "(np.tile(one, [2, *[1] * (one.ndim - 1)]) for one in given)"
    return [f"given = {names}", f"{names} = {tiled}", invocation, f"{names} = given"]


def _threads(invocation: str) -> list[str]:
    return [
        "from concurrent.futures import ThreadPoolExecutor",
        "with ThreadPoolExecutor(4) as pool:",
        f"    calls = [pool.submit(lambda: {invocation}) for _ in range(4)]",
        "at_once = [np.array(one.result()).astype(np.float64) for one in calls]",
    ]


def _tensor(spec: TensorSpec, drawn: Drawn) -> str:
    if spec.values is None:
        return drawn.source(spec.shape)
    if len(spec.values) > LITERAL_LIMIT:
        return f"...  # {quantity(len(spec.values), 'value')}, in the case file"
    numbers = ", ".join(
        f"{value:.17g}" if math.isfinite(value) else f"float('{value}')" for value in spec.values
    )
    return f"np.array([{numbers}]).reshape({spec.shape})"


def _constant(name: str, dtype: str) -> str:
    """Return an expression for a tensor with the numbers of an array.

    NumPy does not have all dtypes of TensorFlow.
    """
    if dtype == "bfloat16":
        return f"tf.cast(tf.constant({name}.astype(np.float32)), tf.bfloat16)"
    if dtype == "string":
        return f"tf.constant({name}.astype(np.int64).astype(str))"
    return f"tf.constant({name}.astype(np.{'bool_' if dtype == 'bool' else dtype}))"


def from_record(
    arguments: Arguments, mode: Mode, arm: Mapping[str, Any], relation: str | None = None
) -> str:
    """Return the program of :func:`python` for an arm from a record."""
    tensors = ("input", "filter", "upstream")
    kinds = {name: distribution(arm[name]) for name in tensors if arm.get(name)}
    return python(arguments, mode, Arm(arm["name"], arm["seed"], **kinds), relation)
