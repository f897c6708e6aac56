"""Python code as text, with the places of errors in it. It is parsed, and never evaluated."""

from __future__ import annotations

import ast
import warnings
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

from tf_conv_conformance.cli.case_options import OptionError

LENGTH = 10_000  # characters
DEPTH = 40  # of nested expressions; a call has a handful
SHOWN = 72  # characters of the line with an error


@runtime_checkable
class Placed(Protocol):
    """A node of a syntax tree that has a place in the code, as not all of them have."""

    lineno: int
    col_offset: int


@dataclass(frozen=True)
class Code:
    """Python code, to name the places of errors in it."""

    text: str

    def error(self, node: Placed, message: str) -> OptionError:
        """Return an error about a part of the code."""
        line = self.text.splitlines()[node.lineno - 1]
        before = line.encode()[: node.col_offset]
        return self.error_at(node.lineno, len(before.decode()), message)

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


def parsed(code: Code) -> ast.Module:
    """Return the statements of the code. Raises :class:`OptionError`."""
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
    check_depth(code, tree)
    return tree


def check_depth(code: Code, tree: ast.AST) -> None:
    """Refuse code that is nested too deeply. Raises :class:`OptionError`."""
    level: list[ast.AST] = [tree]
    for _ in range(DEPTH):
        level = [child for node in level for child in ast.iter_child_nodes(node)]
    if deep := next((node for node in level if isinstance(node, Placed)), None):
        raise code.error(deep, f"the code is nested more than {DEPTH} levels deep")
