"""The convolutions of a model as cases, equal ones as one case."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tf_conv_conformance.casefile.writer import WrittenCase
from tf_conv_conformance.cli.case_options import OptionError, written_case
from tf_conv_conformance.convolution.output_padding import SYMBOL, output_shape
from tf_conv_conformance.subject.model_file import Convolution

ID_LIMIT = 90  # characters


@dataclass(frozen=True)
class ModelCase:
    """A case, and the names of the layers or operations that it states."""

    written: WrittenCase
    names: tuple[str, ...]

    @property
    def id(self) -> str:
        """The id of the case."""
        return str(self.written.case["id"])

    @property
    def is_large(self) -> bool:
        """Whether its calls are too large to be made by default."""
        return bool(self.written.case.get("large"))


@dataclass(frozen=True)
class Uncovered:
    """A convolution of which no case is made, and why."""

    name: str
    type: str
    why: str


def cases_of(
    convolutions: Sequence[Convolution], modes: Any
) -> tuple[list[ModelCase], list[Uncovered]]:
    """Return the cases of a model's convolutions, and those of which none is made."""
    uncovered: list[Uncovered] = []
    groups: dict[str, tuple[dict[str, Any], list[str]]] = {}
    for one in convolutions:
        if one.problem is not None:
            uncovered.append(Uncovered(one.name, one.type, one.problem))
            continue
        keys = dict(_keys(one))
        names = groups.setdefault(repr(keys), (keys, []))[1]
        if one.name not in names:  # a layer may be called several times
            names.append(one.name)
    cases: list[ModelCase] = []
    types = {one.name: one.type for one in convolutions}
    for keys, names in groups.values():
        used = {case.id for case in cases}
        case: dict[str, Any] = {"id": _identifier(names[0], used)}
        if len(names) > 1:
            case["notes"] = f"The same convolution: {', '.join(names)}"
        if modes is not None:
            keys = {**keys, "modes": modes}
        try:
            cases.append(ModelCase(_written({**case, **keys}), tuple(names)))
        except OptionError as error:
            why = " ".join(str(error).split())
            uncovered += [Uncovered(name, types[name], why) for name in names]
    return cases, uncovered


def _keys(one: Convolution) -> Iterator[tuple[str, Any]]:
    """Yield the keys of a convolution's case; its sizes may be unknown."""
    given = one.arguments or {}
    yield "op", one.op
    if one.via is not None:
        yield "via", one.via
    if one.via == SYMBOL and _known(given["input"]):
        given = {**given, "input": _output(given), "upstream": given["input"]}
    for name in ("input", "filter", "strides"):
        yield name, given[name]
    if "upstream" in given:
        yield "upstream", given["upstream"]
    if set(given["dilations"]) != {1}:
        yield "dilations", given["dilations"]
    yield "padding", given["padding"]
    if given["data_format"] not in ("NHWC", "NWC"):
        yield "data_format", given["data_format"]
    if given["dtype"] != "float32":
        yield "dtype", given["dtype"]


def _output(given: Mapping[str, Any]) -> list[int] | None:
    """Return the shape of the output of Keras's transposed convolution."""
    return output_shape(
        given["input"],
        given["filter"],
        given.get("output_padding", (None, None)),
        strides=tuple(given["strides"]),
        dilations=tuple(given["dilations"]),
        padding=given["padding"],
        data_format=given["data_format"],
    )


def _known(shape: Sequence[int | None] | None) -> bool:
    return shape is not None and None not in shape


def _written(case: Mapping[str, Any]) -> WrittenCase:
    """Return a case, a large one if need be. Raises :class:`OptionError`."""
    for name in ("input", "filter"):
        if not _known(case[name]):
            sizes = "of unknown rank" if case[name] is None else _sizes(case[name])
            raise OptionError(f"its {name} is {sizes}, and a call needs every size")
    try:
        return written_case(case, _place)
    except OptionError as error:
        if "`large: true`" not in str(error):
            raise
        return written_case({**case, "large": True}, _place)


def _place(key: str) -> str:
    return f"its {key}"


def _sizes(shape: Sequence[int | None]) -> str:
    return f"[{', '.join('?' if size is None else str(size) for size in shape)}]"


def _identifier(name: str, used: set[str]) -> str:
    """Return an id for a case that no other case has."""
    plain = re.sub(r"[^A-Za-z0-9._-]+", "-", name).strip("-._")[-ID_LIMIT:].strip("-._") or "layer"
    number, identifier = 1, plain
    while identifier in used:
        number += 1
        identifier = f"{plain}-{number}"
    return identifier
