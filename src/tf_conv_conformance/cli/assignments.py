"""Put the values of variables, which code assigns before a call, into the call."""

from __future__ import annotations

import ast

from tf_conv_conformance.cli.case_options import OptionError
from tf_conv_conformance.cli.python_code import Code, check_depth

SIZE = 10_000  # expressions in a value
EXAMPLE = "x = tf.ones([1,24,24,3])"


def with_values(code: Code, tree: ast.Module) -> tuple[ast.stmt, tuple[str, ...]]:
    """Return the last statement with the values of variables in it, and the unused variables.

    Imports and calls of print are skipped. Raises :class:`OptionError`.
    """
    statements = [one for one in tree.body if not _is_aside(one)]
    if not statements:
        raise OptionError("the code has no call; paste one call of an entry point")
    values = _Values(code)
    for statement in statements[:-1]:
        values.assign(statement)
    return values.put(statements[-1]), values.unused()


def _is_aside(statement: ast.stmt) -> bool:
    if not isinstance(statement, ast.Expr) or not isinstance(statement.value, ast.Call):
        return isinstance(statement, ast.Import | ast.ImportFrom)
    function = statement.value.func
    return isinstance(function, ast.Name) and function.id == "print"


class _Values(ast.NodeTransformer):
    """Puts values, which are bounded in size and depth, in the places of variables."""

    def __init__(self, code: Code) -> None:
        self.code = code
        self.values: dict[str, ast.expr] = {}
        self.sizes: dict[str, int] = {}
        self.used: set[str] = set()
        self.size = 0

    def assign(self, statement: ast.stmt) -> None:
        """Keep the value of a variable."""
        targets = statement.targets if isinstance(statement, ast.Assign) else []
        if len(targets) != 1 or not isinstance(targets[0], ast.Name):
            reason = f"expected an assignment to one variable, such as {EXAMPLE}, before one call"
            raise self.code.error(statement, reason)
        put = self.put(statement)
        assert isinstance(put, ast.Assign)
        self.values[targets[0].id], self.sizes[targets[0].id] = put.value, self.size
        self.used.discard(targets[0].id)

    def put(self, statement: ast.stmt) -> ast.stmt:
        """Return a statement with values in the places of variables."""
        self.size = sum(1 for _ in ast.walk(statement))
        self.visit(statement)
        if self.size > SIZE:
            raise self.code.error(statement, f"this has more than {SIZE:,} expressions in all")
        check_depth(self.code, statement)
        return statement

    def unused(self) -> tuple[str, ...]:
        """Return the variables whose last value is in no other, and not in the call."""
        return tuple(name for name in self.values if name not in self.used)

    def visit_Name(self, node: ast.Name) -> ast.expr:
        """Return the value of a variable that is read."""
        if node.id not in self.values or not isinstance(node.ctx, ast.Load):
            return node
        self.used.add(node.id)
        self.size += self.sizes[node.id]
        return self.values[node.id]

    def visit_Lambda(self, node: ast.Lambda) -> ast.expr:
        """Return a function as it is: its variables are its own."""
        return node
