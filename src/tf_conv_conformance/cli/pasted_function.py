"""Read a call of a function, given as Python code, as the keys of a case."""

from __future__ import annotations

import ast
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from tf_conv_conformance.cli.case_options import OptionError, option
from tf_conv_conformance.cli.python_call import PythonCall
from tf_conv_conformance.cli.python_values import PythonTensor, Reader
from tf_conv_conformance.convolution.arguments import FORMATS, KERAS_FORMATS
from tf_conv_conformance.convolution.dtypes import canonical
from tf_conv_conformance.convolution.entry_points import ENTRY_POINTS, EntryPoint

INPUTS = ("input", "inputs", "value")
FILTERS = ("filter", "filters", "kernel", "depthwise_filter")
RATES = ("dilations", "rate", "dilation_rate")
STRIDES = ("strides", "stride")
NEEDED = ("strides", "padding")


@dataclass(frozen=True)
class Reading:
    """Reads the arguments of a call as the keys of a case."""

    call: PythonCall
    options: Mapping[str, Any]

    @cached_property
    def entry_point(self) -> EntryPoint:
        """The entry point that the code calls."""
        return ENTRY_POINTS[self.call.symbol]

    @cached_property
    def reader(self) -> Reader:
        """Reads the values of the arguments."""
        return Reader(self.call.code)

    def keys(self) -> dict[str, Any]:
        """Return the keys that the code gives."""
        entry_point = self.entry_point
        keys: dict[str, Any] = {"op": entry_point.op}
        if not entry_point.is_default:
            keys["via"] = entry_point.symbol
        keys |= self._numbers()
        return keys | self._tensors(keys)

    def left_out(self) -> dict[str, str]:
        """Return the arguments that the case does not have, and why."""
        reasons = dict.fromkeys(self.call.arguments, "not part of the convolution")
        known = (*INPUTS, *FILTERS, *RATES, *STRIDES, "padding", "data_format", "dtype", "groups",
                 "kernel_size", "depth_multiplier", "explicit_paddings", "input_shape",
                 "batch_input_shape", "output_padding", self.entry_point.sizes_name,
                 self.entry_point.upstream_name)  # fmt: skip
        reasons = {name: reason for name, reason in reasons.items() if name not in known}
        if "pointwise_filter" in reasons:
            reasons["pointwise_filter"] = "an identity takes its place"
        if self.entry_point.symbol.endswith("SeparableConv2D") and "filters" in self.call.arguments:
            reasons["filters"] = "an identity takes the place of the pointwise filter"
        return reasons | dict.fromkeys(self.call.unused, "not in the call")

    def _argument(self, *names: str) -> ast.expr | None:
        """Return an argument that is given, and not as None."""
        for name in names:
            node = self.call.arguments.get(name)
            if node is not None and not self.reader.is_none(node):
                return node
        return None

    def _needed(self, *names: str) -> ast.expr:
        """Return an argument without which there is no call."""
        node = self._argument(*names)
        if node is None:
            raise self.call.code.error(self.call.node, f"{self.call.symbol} needs {names[0]}")
        return node

    def _numbers(self) -> dict[str, Any]:
        """Return strides, dilations, padding and data format."""
        entry_point, keys = self.entry_point, dict[str, Any]()
        forms = {"strides": entry_point.strides_form, "dilations": entry_point.dilations_form}
        for key, names in (("strides", STRIDES), ("dilations", RATES)):
            if (node := self._argument(*names)) is not None:
                value = self.reader.integers(node)
                # The option 4 means a list where the function takes one; code does not.
                verbatim = isinstance(value, int) and forms[key] is not None
                keys[key] = {"verbatim": value} if verbatim else value
        keys["padding"] = self._padding()
        if (node := self._argument("data_format")) is not None:
            keys["data_format"] = self._data_format(node)
        self._check_needed(keys)
        return {key: value for key, value in keys.items() if value is not None}

    def _check_needed(self, keys: Mapping[str, Any]) -> None:
        """Refuse a call without what its function does not do without."""
        optional = self.entry_point.is_keras or self.call.symbol == "tf.nn.convolution"
        for name in NEEDED:
            takes = name in self.entry_point.parameters
            if keys.get(name) is None and name not in self.options and takes and not optional:
                own = self.entry_point.strides_name if name == "strides" else name
                example = 'padding="VALID"' if name == "padding" else f"{own}=1"
                if name == "strides" and self.entry_point.strides_form == "full":
                    example = "strides=[1, 1, 1, 1]"
                reason = f"{self.call.symbol} needs {own}; write {example}"
                raise self.call.code.error(self.call.node, reason)

    def _padding(self) -> Any:
        node = self._argument("padding")
        if node is None:
            if "padding" in self.options:
                return None
            if self.call.symbol == "tf.nn.conv2d_transpose":
                return "SAME"
            if self.call.symbol == "tf.nn.convolution":
                return "VALID"
            return "valid" if self.entry_point.is_keras else None
        word = self.reader.text(node)
        if word is None:
            return self.reader.pairs(node)
        amounts = self._argument("explicit_paddings")
        flat = [] if amounts is None else self.reader.integers(amounts)
        if amounts is not None and flat != []:  # which is the default
            if word != "EXPLICIT":
                reason = 'the raw operator takes amounts only with padding="EXPLICIT"'
                raise self.call.code.error(amounts, reason)
            if isinstance(flat, int) or len(flat) != 8:
                reason = "expected two amounts for each of the 4 dimensions"
                raise self.call.code.error(amounts, f"{reason}, as in [0,0,1,1,1,1,0,0]")
            return [flat[first : first + 2] for first in range(0, 8, 2)]
        own = ("same", "valid", "causal") if self.entry_point.is_keras else ()
        known = ("SAME", "VALID", *own)
        return word if word in known else {"verbatim": word}

    def _data_format(self, node: ast.expr) -> Any:
        word = self.reader.text(node)
        if word is None:
            reason = 'expected a string such as "NHWC"'
            raise self.call.code.error(node, f"{reason}; got {self.call.code.shown(node)}")
        formats = FORMATS[self.entry_point.dimensions]
        if self.entry_point.is_keras and word in KERAS_FORMATS:
            word = formats[KERAS_FORMATS.index(word)]
        return word if word in formats else {"verbatim": word}

    @cached_property
    def _read(self) -> dict[str, PythonTensor]:
        """The tensors of the call by their keys."""
        entry_point, roles = self.entry_point, {"input": INPUTS, "filter": FILTERS}
        if (computed := entry_point.computes) is not None:
            other = "filter" if computed == "input" else "input"
            also = ("filters",) if other == "filter" else ()
            roles = {
                computed: (entry_point.sizes_name,),
                other: (entry_point.tensor_name, *also),
                "upstream": (entry_point.upstream_name,),
            }
        return {key: self._tensor(key, names, key == computed) for key, names in roles.items()}

    def _tensors(self, keys: Mapping[str, Any]) -> dict[str, Any]:
        """Return the tensors of the call, or their shapes, and their dtypes."""
        tensors = {key: one.value for key, one in self._read.items() if one.value is not None}
        return tensors | self._dtypes()

    def _dtypes(self) -> dict[str, str]:
        """Return the keys for the dtypes of the tensors, where the code gives them."""
        known = {key: canonical(one.dtype) for key, one in self._read.items() if one.dtype}
        first = next((known[key] for key in ("input", "filter", "upstream") if key in known), None)
        keys = {} if first is None else {"dtype": first}
        if known.get("filter", first) != first:
            keys["filter_dtype"] = known["filter"]
        if known.get("upstream", first) != first:
            node = self._needed(self.entry_point.upstream_name)
            reason = f"its dtype is {known['upstream']}, and that of the other tensor {first}"
            raise self.call.code.error(node, f"{reason}; no case has such an upstream gradient")
        return keys

    def assumed(self) -> str | None:
        """Return which dtypes are those of another tensor, because the code does not give them."""
        if self.entry_point.is_layer:
            return None
        tensors = {key: one for key, one in self._read.items() if key != self.entry_point.computes}
        unknown = [key for key, one in tensors.items() if one.dtype is None]
        if not unknown or len(unknown) == len(tensors):
            return None
        known = next(key for key in tensors if key not in unknown)
        return f"the dtype of {' and '.join(unknown)}, which the code lacks, is that of {known}"

    def _tensor(self, key: str, names: tuple[str, ...], is_shape: bool) -> PythonTensor:
        """Return a tensor of the call; without a value if an option gives it."""
        node = self._needed(*names)
        if is_shape:
            is_list = isinstance(node, ast.Tuple | ast.List)
            tensor = PythonTensor(self.reader.shape(node) if is_list else None)
        else:
            tensor = self.reader.tensor(node, option(key))
        if tensor.value is None and key not in self.options:
            raise self._without_shape(node, key)
        return tensor

    def _without_shape(self, node: ast.expr, key: str) -> OptionError:
        shown, size = self.call.code.shown(node), {"filter": "4,"}.get(key, "24,")
        sizes = size * self.entry_point.dimensions
        example = f"{sizes}3,8" if key == "filter" else f"1,{sizes}3"
        advice = f"give {option(key)} {example}"
        if isinstance(node, ast.Name):
            advice = f"write {shown}[{example}], or {advice}"
        return self.call.code.error(node, f"{shown} has no shape; {advice}")
