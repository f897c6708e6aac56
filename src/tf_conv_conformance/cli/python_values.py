"""Read Python expressions as the values of a case: shapes, integers, padding, dtypes."""

from __future__ import annotations

import ast
from dataclasses import dataclass
from typing import Any

from tf_conv_conformance.casefile.yaml_reader import DIGITS_LIMIT
from tf_conv_conformance.cli.case_options import OptionError
from tf_conv_conformance.cli.python_call import dotted
from tf_conv_conformance.cli.python_code import Code
from tf_conv_conformance.convolution.names import DTYPES

FILLED = {
    **dict.fromkeys(("zeros", "ones", "empty", "random", "normal", "uniform"), 0),
    **dict.fromkeys(("truncated_normal", "random_normal", "random_uniform", "standard_normal"), 0),
    **dict.fromkeys(("TensorSpec", "TensorShape"), 0),
    "placeholder": 1,
}
"""Functions that take a shape, by name, with its place. It may also be `shape` or `size`."""
SPREAD = ("rand", "randn")
"""Functions that take sizes."""
AROUND = ("Variable", "constant", "convert_to_tensor", "cast", "asarray", "array")
"""Functions that return a tensor like their first argument."""
TYPED = {
    **dict.fromkeys(("zeros", "ones", "empty", "TensorSpec", "standard_normal"), 1),
    **dict.fromkeys(("constant", "convert_to_tensor", "cast", "asarray", "array"), 1),
    **dict.fromkeys(("normal", "uniform", "truncated_normal"), 3),
    **dict.fromkeys(("random_normal", "random_uniform"), 3),
    "placeholder": 0,
}
"""Functions that take a dtype, by name, with its place. It may also be `dtype`."""
NUMPY = ("np", "numpy", "onp")
TENSORFLOW = ("tf", "tensorflow", "keras")


@dataclass(frozen=True)
class PythonTensor:
    """A tensor in code: its shape or its values, and its dtype; None for what the code lacks."""

    value: Any
    dtype: str | None = None


@dataclass(frozen=True)
class Reader:
    """Reads expressions of a piece of code. What it cannot read raises :class:`OptionError`."""

    code: Code

    def tensor(self, node: ast.expr, option: str) -> PythonTensor:
        """Return a tensor; without a value if the code only names it."""
        if isinstance(node, ast.Name):
            return PythonTensor(None)
        if isinstance(node, ast.Subscript) and isinstance(node.value, ast.Name | ast.Attribute):
            sizes = node.slice.elts if isinstance(node.slice, ast.Tuple) else [node.slice]
            if any(isinstance(size, ast.Slice) for size in sizes):
                raise self._no_shape(node, option)
            return PythonTensor(self.shape(node.slice))
        if isinstance(node, ast.Tuple | ast.List):
            nested = any(isinstance(item, ast.Tuple | ast.List) for item in node.elts)
            value = {"values": self._numbers(node)} if nested else self.shape(node)
            return PythonTensor(value)
        if isinstance(node, ast.Call):
            return self._made(node, option)
        raise self._no_shape(node, option)

    def shape(self, node: ast.expr) -> list[int]:
        """Return a shape in brackets."""
        items = node.elts if isinstance(node, ast.Tuple | ast.List) else [node]
        for item in items:
            if isinstance(item, ast.Constant) and item.value is None:
                reason = "a call needs every size; write a number, and --unknown for a size that"
                raise self.code.error(item, f"{reason} a traced function does not know")
        return [self.size(item) for item in items]

    def size(self, node: ast.expr) -> int:
        """Return an integer that is not negative."""
        size = self.integer(node)
        if size < 0:
            raise self.code.error(node, f"{size} is out of range; a size must be at least 0")
        return size

    def integer(self, node: ast.expr) -> int:
        """Return an integer, perhaps with a sign."""
        if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
            return -self.integer(node.operand)
        if isinstance(node, ast.Constant) and type(node.value) is int:
            self._check_range(node, node.value)
            return node.value
        raise self.code.error(node, f"expected an integer; got {self.code.shown(node)}")

    def _check_range(self, node: ast.expr, number: object) -> None:
        """Refuse an integer that a case file cannot have."""
        if isinstance(number, int) and number >= 10**DIGITS_LIMIT:
            reason = f"a number of more than {DIGITS_LIMIT} digits is out of range"
            raise self.code.error(node, reason)

    def integers(self, node: ast.expr) -> int | list[int]:
        """Return an integer, or several in brackets."""
        if isinstance(node, ast.Tuple | ast.List):
            return [self.integer(item) for item in node.elts]
        return self.integer(node)

    def pairs(self, node: ast.expr) -> list[Any]:
        """Return pairs of integers in brackets, or what is there in their place."""
        if not isinstance(node, ast.Tuple | ast.List):
            expected = '"SAME", "VALID", or a pair of integers for each dimension'
            raise self.code.error(node, f"expected {expected}; got {self.code.shown(node)}")
        return [self.integers(item) for item in node.elts]

    def text(self, node: ast.expr) -> str | None:
        """Return a string; None if the expression is something else."""
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            return node.value
        return None

    def dtype(self, node: ast.expr) -> str:
        """Return the name of a dtype such as ``tf.float16``, ``np.float32`` or ``"half"``."""
        name = self.text(node) or (dotted(node) or "").rpartition(".")[2]
        if name in (*DTYPES, "half"):
            return name
        expected = "expected a dtype such as tf.float32"
        raise self.code.error(node, f"{expected}; got {self.code.shown(node)}")

    def is_none(self, node: ast.expr) -> bool:
        """Return whether the expression is None."""
        return isinstance(node, ast.Constant) and node.value is None

    def _made(self, node: ast.Call, option: str) -> PythonTensor:
        """Return the tensor that a function such as ``tf.zeros`` makes."""
        function = node.func
        if isinstance(function, ast.Attribute) and (function.attr, len(node.args)) == ("astype", 1):
            made = self.tensor(function.value, option)
            return PythonTensor(made.value, self.dtype(node.args[0]))
        root, _, name = (dotted(function) or "").rpartition(".")
        keywords = {keyword.arg: keyword.value for keyword in node.keywords if keyword.arg}
        is_numpys = root.partition(".")[0] in NUMPY or "size" in keywords
        shape = keywords.get("shape") or keywords.get("size")
        if shape is None and name in FILLED:
            place = 2 if is_numpys and name in ("normal", "uniform") else FILLED[name]
            shape = node.args[place] if len(node.args) > place else None
        if shape is not None and name in (*FILLED, *AROUND):
            made = PythonTensor(self.shape(shape), self._default(node, root, is_numpys))
        elif name in SPREAD and node.args:
            made = PythonTensor([self.size(size) for size in node.args], "float64")
        elif name in AROUND and node.args:
            made = self.tensor(node.args[0], option)
            if isinstance(made.value, dict):
                made = PythonTensor(made.value, _dtype_of(made.value["values"], is_numpys))
        else:
            raise self._no_shape(node, option)
        dtype = keywords.get("dtype")
        if dtype is None and name in TYPED and len(node.args) > TYPED[name]:
            dtype = node.args[TYPED[name]]
        return made if dtype is None else PythonTensor(made.value, self.dtype(dtype))

    def _default(self, node: ast.Call, root: str, is_numpys: bool) -> str | None:
        """Return the dtype of a function with a shape, unless it is given; None if unknown."""
        name = (dotted(node.func) or "").rpartition(".")[2]
        if name in AROUND:  # tf.constant(1.0, shape=[3, 3])
            first = node.args[0] if node.args else None
            filled = first.value if isinstance(first, ast.Constant) else None
            return _dtype_of([filled], is_numpys) if type(filled) in (int, float) else None
        if name == "TensorShape":
            return None
        in_tensorflow = root.partition(".")[0] in TENSORFLOW
        return "float64" if is_numpys else "float32" if in_tensorflow else None

    def _numbers(self, node: ast.expr) -> Any:
        """Return nested lists of numbers."""
        if isinstance(node, ast.Tuple | ast.List):
            return [self._numbers(item) for item in node.elts]
        if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
            return -self._numbers(node.operand)
        if isinstance(node, ast.Constant) and type(node.value) in (int, float):
            self._check_range(node, node.value)
            return node.value
        raise self.code.error(node, f"expected a number; got {self.code.shown(node)}")

    def _no_shape(self, node: ast.expr, option: str) -> OptionError:
        shown = self.code.shown(node)
        advice = f"write x[1,24,24,3] in its place, or a name such as x with {option} 1,24,24,3"
        return self.code.error(node, f"the shape of {shown} is not in the code; {advice}")


def _dtype_of(values: Any, is_numpys: bool) -> str:
    """Return the dtype that NumPy or TensorFlow gives to nested lists of numbers."""
    while isinstance(values, list) and values and isinstance(values[0], list):
        values = [item for part in values for item in part]
    integers = all(type(value) is int for value in values)
    if is_numpys:
        return "int64" if integers else "float64"
    return "int32" if integers else "float32"
