"""Resolve the values that a case gives for one call to the arguments of the call."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from tf_conv_conformance.casefile.argument_fields import Tensor, VerbatimInts, VerbatimText
from tf_conv_conformance.casefile.company_fields import operations
from tf_conv_conformance.casefile.diagnostic import CaseError, Keys
from tf_conv_conformance.casefile.fields import REFERENCES
from tf_conv_conformance.convolution.arguments import (
    CASTS,
    CHANNELS_FIRST,
    FORMATS,
    KERAS_FORMATS,
    Arguments,
    IntOrInts,
    TensorSpec,
    as_tuples,
    split_shape,
)
from tf_conv_conformance.convolution.company import Pairs
from tf_conv_conformance.convolution.dtypes import canonical, largest, nearest
from tf_conv_conformance.convolution.entry_points import (
    BY_OP,
    DEFAULTS,
    ENTRY_POINTS,
    EntryPoint,
    ListForm,
)
from tf_conv_conformance.convolution.names import Gradient, Op, Symbol
from tf_conv_conformance.convolution.quantity import quantity

DEFAULT_STRIDES = 1


def arguments_of(given: Mapping[str, Any]) -> Arguments:
    """Return the arguments of one call, with references resolved. Raises :class:`CaseError`."""
    entry_point = _entry_point(given["op"], given.get("via"))
    data_format = _data_format(given, entry_point)
    dtype = canonical(given.get("dtype", "float32"))
    filter_dtype = canonical(given["filter_dtype"]) if "filter_dtype" in given else None
    _check_passed(given, entry_point)
    x = _tensor("input", given["input"], None, {})
    w = _tensor("filter", given["filter"], x, _sizes(x, data_format, entry_point.dimensions))
    if "reals" in given["data"]:
        cast = CASTS.get(given.get("optimizer") or "")
        x = _rounded("input", x, cast or dtype)
        w = _rounded("filter", w, cast or filter_dtype or dtype)
    strides = given.get("strides", DEFAULT_STRIDES)
    dilations = None
    if "dilations" in given:
        dilations = _ints(given["dilations"], entry_point.dilations_form, data_format)
    return Arguments(
        op=given["op"],
        input=x,
        filter=w,
        strides=_ints(strides, entry_point.strides_form, data_format),
        padding=_padding(given["padding"], entry_point),
        dilations=dilations,
        data_format=data_format,
        dtype=dtype,
        data=tuple(given["data"]),
        filter_dtype=filter_dtype,
        via=None if entry_point.is_default else entry_point.symbol,
        gradient=_gradient(given, entry_point),
        unknown=tuple(dict.fromkeys(given.get("unknown", ()))),
        upstream=_own_shape(given, "upstream", entry_point),
        sizes=_own_shape(given, "sizes", entry_point),
        through=given.get("through"),
        op_name=given.get("op_name"),
        optimizer=given.get("optimizer"),
        variables=tuple(dict.fromkeys(given.get("variables", ()))),
        before=operations(given.get("before", []), x),
        after=operations(given.get("after", []), x),
    )


def _plain(value: Any) -> Any:
    return value.verbatim if isinstance(value, VerbatimInts | VerbatimText) else value


def _data_format(given: Mapping[str, Any], entry_point: EntryPoint) -> str | None:
    """Return the data format, in TensorFlow's words if Keras's own are passed on to it."""
    word: str | None = _plain(given.get("data_format"))
    formats = FORMATS[entry_point.dimensions]
    own = dict(zip(KERAS_FORMATS, formats, strict=True)) if entry_point.is_keras else {}
    return own.get(word or "", word)


def _entry_point(op: Op, via: Symbol | None) -> EntryPoint:
    entry_point = ENTRY_POINTS[via] if via else DEFAULTS[op]
    if entry_point.op != op:
        symbols = ", ".join(other.symbol for other in BY_OP[op])
        raise CaseError(("via",), f"{via} is not an entry point of {op}; these are: {symbols}")
    return entry_point


def _gradient(given: Mapping[str, Any], entry_point: EntryPoint) -> Gradient | None:
    """Return the tensor to differentiate by, which some entry points imply."""
    gradient: Gradient | None = given.get("gradient")
    computes = entry_point.computes
    if computes is not None and gradient not in (None, computes):
        message = f"{entry_point.symbol} computes the gradient with respect to the {computes}"
        raise CaseError(("gradient",), f"{message}; leave `gradient` out")
    return computes or gradient


def _check_passed(given: Mapping[str, Any], entry_point: EntryPoint) -> None:
    """Refuse what means nothing for an entry point that gets the shape of its result."""
    computes = entry_point.computes
    if computes is None:
        return
    if isinstance(given[computes], Tensor):
        reason = f"{entry_point.symbol} gets only the shape of the {computes}; give the shape alone"
        raise CaseError((computes,), reason)
    if given.get("unknown"):
        reason = f"{entry_point.symbol} gets the shape of its result, so nothing of it is unknown"
        raise CaseError(("unknown",), f"{reason}; leave `unknown` out")


def _own_shape(
    given: Mapping[str, Any], name: str, entry_point: EntryPoint
) -> tuple[int, ...] | None:
    """Return a shape that only an entry point for gradients takes."""
    shape = given.get(name)
    if shape is not None and entry_point.computes is None:
        known = ", ".join(one.symbol for one in BY_OP[entry_point.op] if one.computes)
        message = f"is only for an entry point that computes a gradient: {known}"
        raise CaseError((name,), message)
    if name == "sizes" and shape is not None and len(shape) == 4 and min(shape) >= -1:
        advice = f"write it as `{entry_point.computes}`"
        if -1 in shape:
            advice = "and nothing documents what -1 means there; write the size"
        reason = f"{shape} is the shape of a tensor"
        raise CaseError((name,), f"{reason}, {advice}. `sizes` is for other lists")
    return None if shape is None else tuple(shape)


def _ints(value: Any, form: ListForm | None, data_format: str | None) -> IntOrInts:
    """Return strides or dilations as they are passed, with an integer expanded to its list."""
    if isinstance(value, int) and form == "spatial":
        return value, value
    if isinstance(value, int) and form == "full":
        return (1, 1, value, value) if data_format == "NCHW" else (1, value, value, 1)
    ints: IntOrInts = as_tuples(_plain(value))
    return ints


def _padding(value: Any, entry_point: EntryPoint) -> str | Pairs:
    if isinstance(value, str) and value.islower() and not entry_point.is_keras:
        advice = f"{{verbatim: {value}}} to see it refused"
        advice = f"write {advice}" if value == "causal" else f"write {value.upper()}, or {advice}"
        raise CaseError(("padding",), f"only Keras documents {value!r}; {advice}")
    padding: str | Pairs = as_tuples(_plain(value))
    return padding


def _tensor(
    name: str, value: Any, source: TensorSpec | None, sizes: Mapping[str, int]
) -> TensorSpec:
    """Return a tensor argument. References such as `$height` refer to the `sizes` of `source`."""
    if isinstance(value, Tensor):
        return _literal_tensor(name, value)
    resolved = (_size((name, place), size, source, sizes) for place, size in enumerate(value))
    return TensorSpec(tuple(resolved))


def _sizes(x: TensorSpec, data_format: str | None, dimensions: int) -> dict[str, int]:
    """Return the sizes of the input by their names; none if its rank is too low."""
    if len(x.shape) < dimensions + 2:
        return {}
    batch, *inner = split_shape(x.shape, data_format in CHANNELS_FIRST, dimensions)
    sizes = dict(zip(REFERENCES, (math.prod(batch), *inner), strict=True))
    if dimensions == 1:
        del sizes["height"]
    return sizes


def _literal_tensor(name: str, tensor: Tensor) -> TensorSpec:
    shape, values = flatten(tensor.values, (name, "values"))
    given = shape if tensor.shape is None else tuple(tensor.shape)
    if given != shape and len(shape) > 1:
        message = f"{tensor.shape} is not the shape {list(shape)} of the values"
        raise CaseError((name, "shape"), message)
    if math.prod(given) != len(values):
        given_values, needed = quantity(len(values), "value"), math.prod(given)
        message = f"has {given_values}, but the shape {tensor.shape} needs {needed:,}"
        raise CaseError((name, "values"), message)
    return TensorSpec(given, tuple(map(float, values)))


def _rounded(name: str, spec: TensorSpec, dtype: str) -> TensorSpec:
    """Return a tensor with its literal values rounded to the dtype, as TensorFlow receives them."""
    if spec.values is None:
        return spec
    values = tuple(nearest(value, dtype) for value in spec.values)
    for value, rounded in zip(spec.values, values, strict=True):
        if math.isinf(rounded) and not math.isinf(value):
            limit = f"the largest number of {dtype}, {largest(dtype):.4g}"
            raise CaseError((name,), f"the value {value:g} of `{name}` exceeds {limit}")
    return TensorSpec(spec.shape, values)


def _size(keys: Keys, size: int | str, source: TensorSpec | None, sizes: Mapping[str, int]) -> int:
    if isinstance(size, int):
        return size
    if source is None:
        raise CaseError(keys, f"{size} is a size of the input, so the input itself cannot use it")
    if size[1:] not in sizes:
        rank = len(source.shape)
        raise CaseError(keys, f"{size} has no meaning for an input of rank {rank}")
    return sizes[size[1:]]


def flatten(values: Any, keys: Keys = ()) -> tuple[tuple[int, ...], list[float]]:
    """Return the shape of nested lists and their numbers in row-major order.

    Raises :class:`CaseError` if the lists are ragged.
    """
    if not isinstance(values, list):
        return (), [values]
    parts = [flatten(item, (*keys, index)) for index, item in enumerate(values)]
    inner = parts[0][0] if parts else ()
    for index, (shape, _) in enumerate(parts):
        if shape != inner:
            message = f"has the shape {list(shape)}, but the first item has {list(inner)}"
            raise CaseError((*keys, index), f"{message}; nested lists must have the same lengths")
    return (len(values), *inner), [number for _, numbers in parts for number in numbers]
