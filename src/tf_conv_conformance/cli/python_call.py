"""Read Python code as a call of an entry point. The code is parsed, and never evaluated."""

from __future__ import annotations

import ast
import re
import textwrap
from collections.abc import Mapping
from dataclasses import dataclass
from difflib import get_close_matches

from tf_conv_conformance.cli.assignments import with_values
from tf_conv_conformance.cli.python_code import Code, parsed
from tf_conv_conformance.cli.signatures import SIGNATURES

EXAMPLE = (
    'tf.nn.depthwise_conv2d(x[1,24,24,3], w[4,4,3,4], strides=[1,4,4,1], padding="VALID", '
    "dilations=[3,3])"
)
OTHERS = ("torch.", "nn.Conv", "F.conv", "jax.", "lax.", "flax.")
"""How the names of other libraries begin."""


@dataclass(frozen=True)
class PythonCall:
    """A call of an entry point: its arguments by their names, as expressions.

    A layer is called with `layer_input`; None if the code only creates it. Variables that are
    assigned before the call, and are not in it, are `unused`.
    """

    code: Code
    node: ast.Call
    symbol: str
    arguments: Mapping[str, ast.expr]
    layer_input: ast.expr | None = None
    unused: tuple[str, ...] = ()


def is_code(text: str) -> bool:
    """Return whether the text is meant as a call, and not as the name of an operator."""
    return "(" in text


def read_call(text: str) -> PythonCall:
    """Return the call in a piece of Python code. Raises :class:`OptionError`."""
    prompts = re.compile(r"(?m)^\s*(>>>|\.\.\.)(\s|$)")
    code = Code(textwrap.dedent(prompts.sub("", text)).strip())
    statement, unused = with_values(code, parsed(code))
    call = _call(code, statement)
    if isinstance(call.func, ast.Call):
        layer, x = call.func, _only(code, call)
        symbol = _symbol(code, layer.func, call)
        if ".layers." not in symbol:
            raise code.error(call, f"{symbol} returns a tensor, which cannot be called")
        return PythonCall(code, layer, symbol, _bound(code, layer, symbol), x, unused)
    symbol = _symbol(code, call.func, call)
    return PythonCall(code, call, symbol, _bound(code, call, symbol), unused=unused)


def _call(code: Code, statement: ast.stmt) -> ast.Call:
    """Return the call of a statement such as ``y = tf.nn.conv2d(x, w, …)``."""
    node: ast.stmt | ast.expr | None = statement
    if isinstance(node, ast.Assign | ast.AnnAssign | ast.Expr | ast.Return):
        node = node.value
    if isinstance(node, ast.Tuple) and len(node.elts) == 1:  # a comma follows the call
        node = node.elts[0]
    if isinstance(node, ast.Lambda):
        node = node.body
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
        adds = node.func.attr == "add" and len(node.args) == 1  # model.add(layer)
        node = node.args[0] if adds else node
    if not isinstance(node, ast.Call):
        raise code.error(node or statement, f"expected a call, such as {EXAMPLE}")
    return node


def _only(code: Code, call: ast.Call) -> ast.expr:
    """Return the one tensor with which a layer is called."""
    if len(call.args) != 1 or any(keyword.arg != "training" for keyword in call.keywords):
        raise code.error(call, "a layer is called with one tensor, as in (x[1,24,24,3])")
    return call.args[0]


def dotted(node: ast.expr) -> str | None:
    """Return a name with its parents, such as ``tf.nn.conv2d``; None if it is none."""
    parts: list[str] = []
    while isinstance(node, ast.Attribute):
        parts.insert(0, node.attr)
        node = node.value
    return ".".join([node.id, *parts]) if isinstance(node, ast.Name) else None


def _symbol(code: Code, func: ast.expr, call: ast.Call) -> str:
    """Return the entry point with a name, which may lack its first parts."""
    written = dotted(func)
    if written is None:
        raise code.error(func, f"expected the name of a function, as in {EXAMPLE}")
    if (symbol := _known(written)) is not None:
        return symbol
    for inner in ast.walk(call):
        inside = dotted(inner.func) if isinstance(inner, ast.Call) else None
        if inside is not None and _known(inside) is not None:
            raise code.error(func, f"{written} is not a convolution; give {inside}(…) alone")
    near = get_close_matches(
        written.rpartition(".")[2], [one.rpartition(".")[2] for one in SIGNATURES], 1
    )
    known = [one for one in SIGNATURES if near and one.endswith("." + near[0])]
    hint = f"expected one of {', '.join(SIGNATURES)}"
    if known:
        hint = f"did you mean {' or '.join(known)}?"
    if written.startswith(OTHERS):
        names = " or ".join(known) or "one of its functions or layers"
        hint = f"this suite calls TensorFlow; write the call with {names}"
    raise code.error(func, f"{written} is not an entry point; {hint}")


def _known(written: str) -> str | None:
    """Return the entry point with a name, which may lack its first parts; None if unknown."""
    name = "tf." + written.partition(".")[2] if written.startswith("tensorflow.") else written
    if name.startswith("keras.layers."):
        name = "tf." + name
    if name in SIGNATURES:
        return name
    # Code imports the layer Conv2D by its bare name, and writes raw operators out.
    alike = [one for one in SIGNATURES if one.endswith("." + name)]
    alike.sort(key=lambda one: ("compat" in one, ".raw_ops." in one))
    return alike[0] if alike else None


def _bound(code: Code, call: ast.Call, symbol: str) -> dict[str, ast.expr]:
    """Return the arguments of a call by the names of their parameters."""
    names = SIGNATURES[symbol]
    for node in call.args:
        if isinstance(node, ast.Starred):
            raise code.error(node, "the values of * are not in the code; write the arguments out")
    if len(call.args) > len(names):
        raise code.error(call.args[len(names)], f"{symbol} takes only {len(names)} arguments")
    if call.args and ".raw_ops." in symbol:
        shown = f"write {names[0]}={code.shown(call.args[0])}"
        raise code.error(call.args[0], f"{symbol} takes its arguments by name; {shown}")
    bound = dict(zip(names, call.args, strict=False))
    for keyword in call.keywords:
        if keyword.arg is None:
            reason = "the values of ** are not in the code; write the arguments out"
            raise code.error(keyword.value, reason)
        if keyword.arg not in names:
            near = get_close_matches(keyword.arg, names, 1)
            advice = f"did you mean {near[0]}?" if near else f"it takes {', '.join(names)}"
            raise code.error(keyword, f"{symbol} has no parameter {keyword.arg}; {advice}")
        if keyword.arg in bound:
            raise code.error(keyword, f"{keyword.arg} is given twice")
        bound[keyword.arg] = keyword.value
    return bound
