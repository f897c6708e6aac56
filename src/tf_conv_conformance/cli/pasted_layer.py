"""Read the creation and the call of a Keras layer, given as Python code, as the keys of a case."""

from __future__ import annotations

import ast
from collections.abc import Mapping
from typing import Any

from tf_conv_conformance.casefile.writer import flow
from tf_conv_conformance.cli.case_options import option
from tf_conv_conformance.cli.pasted_function import Reading
from tf_conv_conformance.convolution.arguments import (
    CHANNELS_FIRST,
    as_pair,
    as_tuples,
)
from tf_conv_conformance.convolution.output_padding import output_shape

EXAMPLES = {3: "1,24,3", 4: "1,24,24,3"}
"""Shapes by their rank."""


class LayerReading(Reading):
    """Reads the arguments of a layer, whose input is given beside them."""

    def _tensors(self, keys: Mapping[str, Any]) -> dict[str, Any]:
        """Return the tensors of a Keras layer, and its dtype."""
        transposed = self.entry_point.computes is not None
        x = self._layer_input("upstream" if transposed else "input")
        tensors: dict[str, Any] = {}
        if (node := self._argument("dtype")) is not None:
            tensors["dtype"] = self.reader.dtype(node)
        sizes = self._kernel_size()
        if transposed:
            return tensors | self._transposed(x, sizes, keys)
        if self.entry_point.op == "depthwise_conv2d":
            multiplier = self._argument("depth_multiplier")
            out = self.reader.size(multiplier) if multiplier else 1
            return {**tensors, "input": x, "filter": [*sizes, "$in_channels", out]}
        out = self.reader.size(self._needed("filters"))
        channels = self._channels(x, keys)
        return {**tensors, "input": x, "filter": [*sizes, channels, out]}

    def _kernel_size(self) -> list[int]:
        """Return the height, if any, and width of the filter that a layer creates."""
        node, dimensions = self._needed("kernel_size"), self.entry_point.dimensions
        sizes = self.reader.shape(node)
        if not isinstance(node, ast.Tuple | ast.List):
            sizes *= dimensions
        if len(sizes) != dimensions:
            form = "height and width" if dimensions == 2 else "a list of one"
            raise self.call.code.error(node, f"expected an integer, or {form}")
        return sizes

    def _layer_input(self, key: str) -> list[int]:
        """Return the shape of a layer's input."""
        code, called = self.call.code, self.call.layer_input
        rank = self.entry_point.dimensions + 2
        example = EXAMPLES[rank]
        if called is not None:
            shape = self.reader.tensor(called, option(key)).value
            if shape is None:
                shape = self.options.get(key)
            if shape is None:
                raise self._without_shape(called, key)
        elif (node := self._argument("batch_input_shape")) is not None:
            shape = self.reader.shape(node)
        elif (node := self._argument("input_shape")) is not None:
            shape = [1, *self.reader.shape(node)]
        elif (shape := self.options.get(key)) is None:
            name = self.call.symbol.rpartition(".")[2]
            advice = f"write {name}(…)(x[{example}]), or give {option(key)} {example}"
            raise code.error(self.call.node, f"the layer has no input; {advice}")
        if not isinstance(shape, list) or len(shape) != rank:
            count = {3: "three", 4: "four"}[rank]
            reason = f"expected {count} sizes for the layer's input, as in {example}"
            raise code.error(called or self.call.node, f"{reason}; got {flow(shape)}")
        return shape

    def _channels(self, shape: list[int], keys: Mapping[str, Any]) -> int | str:
        """Return the channels of the filter that a layer creates."""
        node = self._argument("groups")
        if node is None or (groups := self.reader.integer(node)) == 1:
            return "$in_channels"
        channels = shape[1 if keys.get("data_format") in CHANNELS_FIRST else -1]
        if groups < 1 or channels % groups:
            reason = f"{channels} channels of the input do not divide into {groups} groups"
            raise self.call.code.error(node, reason)
        return channels // groups

    def _transposed(
        self, x: list[int], sizes: list[int], keys: Mapping[str, Any]
    ) -> dict[str, Any]:
        """Return the tensors of Keras's transposed convolution: `input` is its output."""
        node, data_format = self._argument("output_padding"), keys.get("data_format")
        added = as_pair(as_tuples(self.reader.integers(node)), False) if node else None
        channels = x[1 if data_format in CHANNELS_FIRST else -1]
        filter_sizes = [*sizes, self.reader.size(self._needed("filters")), channels]
        shape = output_shape(
            x,
            filter_sizes,
            added or (None, None),
            strides=as_tuples(keys.get("strides", 1)),
            dilations=as_tuples(keys.get("dilations", 1)),
            padding=as_tuples(keys["padding"]),
            data_format=data_format,
        )
        if shape is None:
            reason = "the shape of the layer's output is not documented"
            raise self.call.code.error(self.call.node, reason)
        return {"input": shape, "filter": filter_sizes, "upstream": x}
