"""Read Python code as a call of an entry point. The code is parsed, and never evaluated."""

from __future__ import annotations

import ast
import re
import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from difflib import get_close_matches

from tf_conv_conformance.cli.case_options import OptionError
from tf_conv_conformance.cli.signatures import SIGNATURES

LENGTH = 10_000  # characters
DEPTH = 40  # of nested expressions; a call has a handful
SHOWN = 72  # characters of the line with an error
EXAMPLE = (
    'tf.nn.depthwise_conv2d(x[1,24,24,3], w[4,4,3,4], strides=[1,4,4,1], padding="VALID", '
    "dilations=[3,3])"
)


@dataclass(frozen=True)
class Code:
    """Python code, to name the places of errors in it."""

    text: str

    def error(self, node: ast.AST, message: str) -> OptionError:
        """Return an error about a part of the code."""
        line = self.text.splitlines()[node.lineno - 1]  # type: ignore[attr-defined]
        before = line.encode()[: node.col_offset]  # type: ignore[attr-defined]
        return self.error_at(node.lineno, len(before.decode()), message)  # type: ignore[attr-defined]

    def error_at(self, line: int, column: int, message: str) -> OptionError:
        """Return an error at a line, counted from 1, and a column, counted from 0."""
        lines = self.text.splitlines() or [""]
        place = f"column {column + 1}" if len(lines) == 1 else f"line {line}, column {column + 1}"
        shown = lines[min(line, len(lines)) - 1]
        first = max(0, min(column - SHOWN // 2, len(shown) - SHOWN))
        part = "".join(one if one.isprintable() else " " for one in shown[first : first + SHOWN])
        return OptionError(f"{place}: {message}\n  {part}\n  {' ' * (column - first)}^")

    def shown(self, node: ast.AST) -> str:
        """Return a part of the code as text on one line."""
        text = " ".join((ast.get_source_segment(self.text, node) or "").split())
        text = "".join(one if one.isprintable() else "?" for one in text)
        return text if len(text) <= 40 else text[:37] + "..."


@dataclass(frozen=True)
class PythonCall:
    """A call of an entry point: its arguments by their names, as expressions.

    A layer is called with `layer_input`; None if the code only creates it.
    """

    code: Code
    node: ast.Call
    symbol: str
    arguments: Mapping[str, ast.expr]
    layer_input: ast.expr | None = None


def is_code(text: str) -> bool:
    """Return whether the text is meant as a call, and not as the name of an operator."""
    return "(" in text


def read_call(text: str) -> PythonCall:
    """Return the call in a piece of Python code. Raises :class:`OptionError`."""
    code = Code(re.sub(r"(?m)^\s*(>>>|\.\.\.)(\s|$)", "", text).strip())
    call = _call(code, _parsed(code))
    if isinstance(call.func, ast.Call):
        layer, x = call.func, _only(code, call)
        symbol = _symbol(code, layer.func)
        if ".layers." not in symbol:
            raise code.error(call, f"{symbol} returns a tensor, which cannot be called")
        return PythonCall(code, layer, symbol, _bound(code, layer, symbol), x)
    symbol = _symbol(code, call.func)
    return PythonCall(code, call, symbol, _bound(code, call, symbol))


def _parsed(code: Code) -> ast.Module:
    if len(code.text) > LENGTH:
        raise OptionError(f"the code has more than {LENGTH:,} characters; paste one call")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # such as for an unknown escape sequence
            tree = ast.parse(code.text)
    except SyntaxError as error:
        line, column = error.lineno or 1, max((error.offset or 1) - 1, 0)
        raise code.error_at(line, column, f"this is not Python: {error.msg}") from error
    except (ValueError, MemoryError, RecursionError) as error:
        raise OptionError(
            f"the code cannot be read: {error or 'it is nested too deeply'}"
        ) from error
    level: list[ast.AST] = [tree]
    for _ in range(DEPTH):
        level = [child for node in level for child in ast.iter_child_nodes(node)]
    if deep := next((node for node in level if hasattr(node, "lineno")), None):
        raise code.error(deep, f"the code is nested more than {DEPTH} levels deep")
    return tree


def _call(code: Code, tree: ast.Module) -> ast.Call:
    """Return the call of a statement such as ``y = tf.nn.conv2d(x, w, …)``."""
    if len(tree.body) != 1:
        raise OptionError(f"paste one call, such as {EXAMPLE}")
    node: ast.AST | None = tree.body[0]
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
        raise code.error(node or tree.body[0], f"expected a call, such as {EXAMPLE}")
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


def _symbol(code: Code, func: ast.expr) -> str:
    """Return the entry point with a name, which may lack its first parts."""
    written = dotted(func)
    if written is None:
        raise code.error(func, f"expected the name of a function, as in {EXAMPLE}")
    name = "tf." + written.partition(".")[2] if written.startswith("tensorflow.") else written
    if name.startswith("keras.layers."):
        name = "tf." + name
    if name in SIGNATURES:
        return name
    # Code imports the layer Conv2D by its bare name, and writes raw operators out.
    alike = [one for one in SIGNATURES if one.endswith("." + name)]
    alike.sort(key=lambda one: ("compat" in one, ".raw_ops." in one))
    if alike:
        return alike[0]
    near = get_close_matches(
        name.rpartition(".")[2], [one.rpartition(".")[2] for one in SIGNATURES], 1
    )
    known = [one for one in SIGNATURES if near and one.endswith("." + near[0])] or list(SIGNATURES)
    intro = "did you mean" if near else "expected one of"
    raise code.error(func, f"{written} is not an entry point; {intro} {', '.join(known)}")


def _bound(code: Code, call: ast.Call, symbol: str) -> dict[str, ast.expr]:
    """Return the arguments of a call by the names of their parameters."""
    names = SIGNATURES[symbol]
    for node in call.args:
        if isinstance(node, ast.Starred):
            raise code.error(node, "what * stands for is not in the code; write the arguments out")
    if len(call.args) > len(names):
        raise code.error(call.args[len(names)], f"{symbol} takes only {len(names)} arguments")
    if call.args and ".raw_ops." in symbol:
        shown = f"write {names[0]}={code.shown(call.args[0])}"
        raise code.error(call.args[0], f"{symbol} takes its arguments by name; {shown}")
    bound = dict(zip(names, call.args, strict=False))
    for keyword in call.keywords:
        if keyword.arg is None:
            reason = "what ** stands for is not in the code; write the arguments out"
            raise code.error(keyword.value, reason)
        if keyword.arg not in names:
            near = get_close_matches(keyword.arg, names, 1)
            advice = f"did you mean {near[0]}?" if near else f"it takes {', '.join(names)}"
            raise code.error(keyword, f"{symbol} has no parameter {keyword.arg}; {advice}")
        if keyword.arg in bound:
            raise code.error(keyword, f"{keyword.arg} is given twice")
        bound[keyword.arg] = keyword.value
    return bound
