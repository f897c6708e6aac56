"""Models of the operations around a convolution, as a case file gives them."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import AfterValidator, Field
from pydantic_core import PydanticCustomError

from tf_conv_conformance.casefile.diagnostic import CaseError
from tf_conv_conformance.casefile.fields import (
    BY_KIND,
    LIST,
    MAPPING,
    SCALAR,
    Pairs,
    Size,
    Strict,
    as_list,
)
from tf_conv_conformance.convolution.arguments import TensorSpec, as_tuples
from tf_conv_conformance.convolution.company import Operation, Operations
from tf_conv_conformance.convolution.names import OperationName

MOST = 8  # operations of a list
EXAMPLE = "{conv2d: {filter: [1, 1, 8, 2], padding: SAME}}"
_Stride = Annotated[int, Field(ge=1, le=2**31 - 1)]


def _amounts(pairs: list[list[int]]) -> list[list[int]]:
    """Refuse what is not two amounts, 0 or more, for each of four dimensions."""
    if len(pairs) != 4 or any(len(pair) != 2 or min(pair) < 0 for pair in pairs):
        message = "is not a pair of amounts, 0 or more, for each of 4 dimensions; {right}"
        context = {"right": "write [[0, 0], [1, 1], [1, 1], [0, 0]]"}
        raise PydanticCustomError("amounts", message, context)
    return pairs


_Amounts = Annotated[Pairs, AfterValidator(_amounts)]


class Before(Strict):
    """An operation before the convolution."""

    pad: _Amounts
    """`tf.pad` with zeros: a pair for each dimension, as in `[[0, 0], [1, 1], [2, 0], [0, 0]]`."""

    @property
    def operation(self) -> Operation:
        """The operation."""
        return Operation("pad", as_tuples(self.pad))


class Another(Strict):
    """Another convolution, of the result."""

    filter: Annotated[list[Size], Field(min_length=4, max_length=4)]
    """The shape of its filter."""
    strides: Annotated[
        Annotated[_Stride, SCALAR]
        | Annotated[list[_Stride], Field(min_length=2, max_length=2), LIST],
        BY_KIND,
    ] = 1
    """Its strides, 1 by default: an integer, or one for the height and one for the width."""
    padding: Annotated[
        Annotated[Literal["SAME", "VALID"], SCALAR] | Annotated[_Amounts, LIST], BY_KIND
    ]
    """`SAME`, `VALID`, or a pair of integers for each dimension."""


class AnotherConvolution(Strict):
    """A convolution after the convolution: one of the two operators."""

    conv2d: Another | None = None
    """`tf.nn.conv2d`, such as `{filter: [1, 1, 8, 2], padding: SAME}`."""
    depthwise_conv2d: Another | None = None
    """`tf.nn.depthwise_conv2d`, with the same keys."""

    @property
    def operation(self) -> Operation:
        """The operation. Raises :class:`CaseError` if there is not one."""
        given: dict[OperationName, Another | None] = {
            "conv2d": self.conv2d,
            "depthwise_conv2d": self.depthwise_conv2d,
        }
        named = [(name, one) for name, one in given.items() if one is not None]
        if len(named) != 1:
            raise CaseError(("after",), f"a mapping here is one convolution, such as {EXAMPLE}")
        ((name, another),) = named
        strides = another.strides
        height, width = strides if isinstance(strides, list) else (strides, strides)
        padding = as_tuples(another.padding)
        return Operation(name, padding, tuple(another.filter), (height, width))


AfterWord = Literal["bias_add", "add", "relu", "relu6", "fused_batch_norm"]
Given = Before | AnotherConvolution | AfterWord
AfterOne = Annotated[Annotated[AfterWord, SCALAR] | Annotated[AnotherConvolution, MAPPING], BY_KIND]
BeforeOperations = Annotated[
    Annotated[Before, MAPPING] | Annotated[list[Before], Field(max_length=MOST), LIST],
    BY_KIND,
    AfterValidator(as_list),
]
AfterOperations = Annotated[
    Annotated[AfterWord, SCALAR]
    | Annotated[AnotherConvolution, MAPPING]
    | Annotated[list[AfterOne], Field(max_length=MOST), LIST],
    BY_KIND,
    AfterValidator(as_list),
]


def operations(given: list[Given], x: TensorSpec) -> Operations:
    """Return operations as a call has them. Raises :class:`CaseError`."""
    made = tuple(map(_operation, given))
    if made and len(x.shape) != 4:
        reason = f"operations around a convolution need an input of rank 4, not {len(x.shape)}"
        raise CaseError(("input",), reason)
    return made


def label(given: list[Given]) -> str:
    """Return operations as part of a call's name: ``bias_add_relu``, ``pad0:0x1:1x2:0x0:0``."""
    return "_".join(map(_label, given)) or "alone"


def _operation(one: Given) -> Operation:
    return one.operation if isinstance(one, Before | AnotherConvolution) else Operation(one)


def _label(one: Given) -> str:
    operation = _operation(one)
    if operation.padding is None:
        return operation.name
    padding = operation.padding
    if not isinstance(padding, str):
        padding = "x".join(":".join(map(str, pair)) for pair in padding)
    if operation.filter is None:
        return operation.name + padding
    strides = "" if operation.strides == (1, 1) else "_strides{}x{}".format(*operation.strides)
    return f"{operation.name}_{'x'.join(map(str, operation.filter))}{strides}_{padding}"
