"""A case and its file's defaults → the arguments of each of its calls, with the words that tell them apart."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from tf_conv_conformance import ConformanceError
from tf_conv_conformance.casefile.diagnostic import quote
from tf_conv_conformance.casefile.model import (
    REFERENCES,
    Alternatives,
    ArgumentFields,
    Case,
    Defaults,
    Scope,
    Tensor,
    VerbatimInts,
    VerbatimText,
)
from tf_conv_conformance.casefile.scope import pairs
from tf_conv_conformance.convolution.arguments import (
    Arguments,
    IntOrInts,
    Pairs,
    TensorSpec,
    split_shape,
)
from tf_conv_conformance.convolution.dtypes import canonical, largest, nearest
from tf_conv_conformance.convolution.entry_points import (
    BY_OP,
    DEFAULTS,
    ENTRY_POINTS,
    EntryPoint,
    ListForm,
)
from tf_conv_conformance.convolution.names import Op, Symbol

NAMES = (
    "op",
    "via",
    "input",
    "filter",
    "strides",
    "padding",
    "dilations",
    "data_format",
    "dtype",
    "filter_dtype",
    "gradient",
)
REQUIRED = {
    "op": "conv2d or depthwise_conv2d",
    "input": "a shape such as [1, 24, 24, 3]",
    "filter": "a shape such as [3, 3, $in_channels, 8]",
    "padding": "SAME, VALID or a pair for each dimension",
}
STRIDES = 1  # unless given
DATA = ("small_integers", "wide_integers")

Keys = tuple[str | int, ...]


class CaseError(ConformanceError):
    """A case that cannot be turned into calls: `keys` leads from the case to the fault."""

    def __init__(self, keys: Keys, message: str) -> None:
        super().__init__(message)
        self.keys = keys
        self.message = message


@dataclass(frozen=True)
class Expanded:
    """The arguments of a call, what tells it from the others of its case (empty without a sweep), and what the case gave for it."""

    label: str
    arguments: Arguments
    given: Mapping[str, Any]


@dataclass(frozen=True)
class Expansion:
    """The combinations of a case: `count` of them, each as its label and what it gives beside `fixed`."""

    count: int
    choices: Iterable[tuple[str, Mapping[str, Any]]]
    fixed: Mapping[str, Any]
    swept: frozenset[str] = frozenset()

    def __iter__(self) -> Iterator[Expanded]:
        """Go through them, once. Raises :class:`CaseError`."""
        for label, chosen in self.choices:
            given = {**self.fixed, **chosen}
            yield Expanded(label, arguments_of(given), given)


def _product(
    swept: Mapping[str, list[Any]], labels: Mapping[str, list[str]]
) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """The product of alternatives, the last argument's changing first."""
    names = [name for name in NAMES if name in swept]
    for chosen in itertools.product(
        *(zip(labels[name], swept[name], strict=True) for name in names)
    ):
        yield (
            "-".join(label for label, _ in chosen),
            {name: value for name, (_, value) in zip(names, chosen, strict=True)},
        )


def expand(case: Case, defaults: Defaults, whole: bool = False) -> Expansion:
    """The calls of a case, in the order of the arguments' alternatives; of a scope a sample, or the `whole`. Raises :class:`CaseError`."""
    fixed = {
        **_given(defaults, ("defaults",)),
        **_given(case, ()),
        "data": case.data or defaults.data or DATA,
    }
    if case.scope is not None:
        return _scope(case, case.scope, fixed, whole)
    swept = _given(case.sweep, ("sweep",))
    for name in _given(case, ()).keys() & swept.keys():
        raise CaseError(
            ("sweep", _written(case.sweep, name)),
            f"`{name}` is given in the case and in its sweep; keep one",
        )
    if missing := [
        f"`{name}` ({form})"
        for name, form in REQUIRED.items()
        if name not in fixed and name not in swept
    ]:
        raise CaseError(
            (),
            f"missing: {', '.join(missing)}; give each in the case, in its sweep or in the file's `defaults`",
        )
    labels = {
        name: [_label(_written(case.sweep, name), value) for value in alternatives]
        for name, alternatives in swept.items()
    }
    for name, alternatives in swept.items():
        _refuse_repeated(case, name, labels[name], alternatives)
    return Expansion(
        math.prod(map(len, swept.values())), _product(swept, labels), fixed, frozenset(swept)
    )


def _scope(case: Case, scope: Scope, fixed: Mapping[str, Any], whole: bool) -> Expansion:
    """The calls of a small scope."""
    if "op" not in fixed:
        raise CaseError((), "`op` is missing; give it in the case or in the file's defaults")
    for name in _given(case, ()).keys() & {"input", "filter", "strides", "dilations", "padding"}:
        raise CaseError((_written(case, name),), f"`{name}` is what the scope gives; leave it out")
    chosen = pairs(scope, whole)
    return Expansion(len(chosen), ((pair.label, pair.given()) for pair in chosen), fixed)


def _given(fields: Any, keys: Keys) -> dict[str, Any]:
    """The arguments that are given there, `rate` under the name `dilations`."""
    given = {
        name: getattr(fields, name)
        for name in (*NAMES, "rate")
        if getattr(fields, name) is not None
    }
    if "rate" in given and "dilations" in given:
        raise CaseError(
            (*keys, "rate"), "`rate` and `dilations` are two names of one argument; keep one"
        )
    if "rate" in given:
        given["dilations"] = given.pop("rate")
    return given


def _written(fields: Any, name: str) -> str:
    """The name under which an argument is given there."""
    return "rate" if name == "dilations" and fields.rate is not None else name


def _refuse_repeated(case: Case, name: str, labels: list[str], alternatives: list[Any]) -> None:
    seen: set[str] = set()
    for index, label in enumerate(labels):
        if label in seen:
            keys = ("sweep", _written(case.sweep, name), index)
            raise CaseError(
                keys,
                f"the same alternative is there twice; one alternative that is a list is written as {quote([alternatives])}",
            )
        seen.add(label)


def _label(name: str, value: Any) -> str:
    """An argument in the name of a call: ``rate3x2``, ``SAME``, ``padding0:0x1:2x3:0x0:0``."""
    if isinstance(value, VerbatimInts | VerbatimText):
        return f"{name}={_label('', value.verbatim)}"
    if isinstance(value, Tensor):
        return name + "literal" + "_".join(str(number) for number in _flat(value.values)[1][:8])
    if isinstance(value, list):
        if len(value) == 1:
            return f"{name}{value[0]}x"  # not the integer, which may mean something else
        return name + "x".join(
            ":".join(map(str, item)) if isinstance(item, list) else str(item) for item in value
        )
    if isinstance(value, str):
        return (
            f"{name}_{value}" if name in ("filter_dtype", "gradient") else value.removeprefix("tf.")
        )
    return f"{name}{value}"


def arguments_of(given: Mapping[str, Any]) -> Arguments:
    """The arguments of one call, references resolved. Raises :class:`CaseError`."""
    data_format = _plain(given.get("data_format"))
    entry_point = _entry_point(given["op"], given.get("via"))
    dtype = canonical(given.get("dtype", "float32"))
    filter_dtype = canonical(given["filter_dtype"]) if "filter_dtype" in given else None
    shape = _tensor("input", given["input"], None, data_format)
    kernel = _tensor("filter", given["filter"], shape, data_format)
    if "reals" in given["data"]:
        shape, kernel = (
            _rounded("input", shape, dtype),
            _rounded("filter", kernel, filter_dtype or dtype),
        )
    dilations = None
    if "dilations" in given:
        dilations = _ints(given["dilations"], entry_point.dilations_form, data_format)
    return Arguments(
        op=given["op"],
        input=shape,
        filter=kernel,
        strides=_ints(given.get("strides", STRIDES), entry_point.strides_form, data_format),
        padding=_padding(given["padding"], entry_point),
        dilations=dilations,
        data_format=data_format,
        dtype=dtype,
        data=tuple(given["data"]),
        filter_dtype=filter_dtype,
        via=None if entry_point.is_default else entry_point.symbol,
        gradient=given.get("gradient"),
    )


def _plain(value: Any) -> Any:
    return value.verbatim if isinstance(value, VerbatimInts | VerbatimText) else value


def _entry_point(op: Op, via: Symbol | None) -> EntryPoint:
    """Return the entry point of a call. Raises :class:`CaseError` for one of the other operator."""
    entry_point = ENTRY_POINTS[via] if via else DEFAULTS[op]
    if entry_point.op != op:
        symbols = ", ".join(other.symbol for other in BY_OP[op])
        raise CaseError(("via",), f"{via} does not reach {op}; these do: {symbols}")
    return entry_point


def _ints(value: Any, form: ListForm | None, data_format: str | None) -> IntOrInts:
    """Return strides or dilations as they are passed: an integer in the list it is short for."""
    if isinstance(value, int) and form == "spatial":
        return value, value
    if isinstance(value, int) and form == "full":
        return (1, 1, value, value) if data_format == "NCHW" else (1, value, value, 1)
    plain = _plain(value)
    return plain if isinstance(plain, int) else tuple(plain)


def _padding(value: Any, entry_point: EntryPoint) -> str | Pairs:
    """Return padding as it is passed.

    Raises :class:`CaseError` for a name in lower case that only Keras layers document.
    """
    if isinstance(value, str) and value.islower() and not entry_point.is_layer:
        advice = f"write {value.upper()}, or {{verbatim: {value}}} to see it refused"
        raise CaseError(("padding",), f"only Keras layers document {value!r}; {advice}")
    plain = _plain(value)
    return plain if isinstance(plain, str) else tuple(tuple(pair) for pair in plain)


def _tensor(
    name: str, value: Any, source: TensorSpec | None, data_format: str | None
) -> TensorSpec:
    """A tensor's shape, and its values where they are given."""
    if isinstance(value, Tensor):
        shape, values = _flat(value.values, (name, "values"))
        if value.shape is not None:
            if len(shape) == 1 and math.prod(value.shape) == len(values):
                shape = tuple(value.shape)
            elif len(shape) == 1:
                message = f"has {len(values)} values; the shape {value.shape} holds {math.prod(value.shape)}"
                raise CaseError((name, "values"), message)
            elif shape != tuple(value.shape):
                raise CaseError(
                    (name, "shape"), f"{value.shape} is not the shape {list(shape)} of the values"
                )
        return TensorSpec(shape, tuple(float(number) for number in values))
    return TensorSpec(
        tuple(_size(name, index, size, source, data_format) for index, size in enumerate(value))
    )


def _rounded(name: str, spec: TensorSpec, dtype: str) -> TensorSpec:
    """Return a tensor with its literal values rounded to the dtype, as TensorFlow gets them. Raises :class:`CaseError`."""
    if spec.values is None:
        return spec
    values = tuple(nearest(value, dtype) for value in spec.values)
    for value, rounded in zip(spec.values, values, strict=True):
        if math.isinf(rounded) and not math.isinf(value):
            raise CaseError(
                (name,),
                f"the value {value:g} of `{name}` is beyond {dtype}, which ends at {largest(dtype):.4g}",
            )
    return TensorSpec(spec.shape, values)


def _size(
    name: str, index: int, size: int | str, source: TensorSpec | None, data_format: str | None
) -> int:
    if isinstance(size, int):
        return size
    if source is None:
        raise CaseError((name, index), f"{size} refers to the input, so it cannot stand in it")
    if len(source.shape) < 4:
        raise CaseError(
            (name, index), f"{size} has no meaning for an input of rank {len(source.shape)}"
        )
    batch, height, width, channels = split_shape(source.shape, data_format == "NCHW")
    return dict(zip(REFERENCES, (math.prod(batch), height, width, channels), strict=True))[size[1:]]


def _flat(values: Any, keys: Keys = ()) -> tuple[tuple[int, ...], list[float]]:
    """The shape of nested lists and their numbers in row-major order. Raises :class:`CaseError` for ragged ones."""
    if not isinstance(values, list):
        return (), [values]
    parts = [_flat(item, (*keys, index)) for index, item in enumerate(values)]
    for index, (shape, _) in enumerate(parts):
        if shape != parts[0][0]:
            raise CaseError(
                (*keys, index),
                f"has the shape {list(shape)} beside {list(parts[0][0])}; nested lists must be of one length",
            )
    return (len(values), *(parts[0][0] if parts else ())), [
        number for _, numbers in parts for number in numbers
    ]


def literal(values: Any, keys: Keys) -> tuple[tuple[int, ...], list[float]]:
    """The shape and the numbers of literal values. Raises :class:`CaseError` for ragged ones."""
    return _flat(values, keys)


def as_if(expanded: Expanded, changes: ArgumentFields) -> Arguments:
    """The call's arguments with some of them changed."""
    return arguments_of({**expanded.given, **_given(changes, ("as_if",))})


def is_among(expanded: Expanded, where: Alternatives) -> bool:
    """Whether the call has, for each argument that `where` names, one of its alternatives."""
    return all(
        any(
            arguments_of({**expanded.given, name: value}) == expanded.arguments
            for value in alternatives
        )
        for name, alternatives in _given(where, ("where",)).items()
    )
