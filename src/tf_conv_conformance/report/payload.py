"""Calls → what the page's script draws from: an index of all of them in columns, and their details in chunks."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from tf_conv_conformance.convolution.arguments import interpret
from tf_conv_conformance.prediction.exclusions import word
from tf_conv_conformance.prediction.models import models_of
from tf_conv_conformance.prediction.relations import RELATIONS
from tf_conv_conformance.prediction.remedy import remedy
from tf_conv_conformance.prediction.reproduction import from_record as reproduction
from tf_conv_conformance.prediction.rules.catalogue import broken
from tf_conv_conformance.records.merge import Column
from tf_conv_conformance.report.calls import ORDER, Excluded, Shown, excluded
from tf_conv_conformance.report.figures import figure

CHUNK = 512  # calls of a chunk: a few milliseconds to open


class Numbered:
    """Values in the order in which they first come, each with its number."""

    def __init__(self) -> None:
        self._numbers: dict[Hashable, int] = {}

    def number(self, value: Hashable) -> int:
        """The number of a value, from 0."""
        return self._numbers.setdefault(value, len(self._numbers))

    def values(self) -> list[Any]:
        """The values in the order of their numbers."""
        return list(self._numbers)


def index(columns: Sequence[Column], calls: Sequence[Shown]) -> dict[str, Any]:
    """What the list shows, filters, sorts and groups by: a list for each property, most of them numbers into `values`."""
    named: dict[str, list[Hashable]] = {
        "file": [call.case["file"] for call in calls],
        "op": [call.arguments.op for call in calls],
        "mode": [call.call["mode"] for call in calls],
        "dtype": [call.arguments.dtype for call in calls],
        "verdict": [call.verdict for call in calls],
        "reason": [
            call.end["reason"] + (" (a known failure)" if call.known else "") for call in calls
        ],
        "rules": [tuple(call.call["rules"]) for call in calls],
        "against": [tuple(call.end["rules"]) for call in calls],
        "supports": [call.supports for call in calls],
    }
    plain: dict[str, list[Any]] = {
        "name": [call.call["id"].removeprefix(call.case["file"] + "::") for call in calls],
        "version": [call.column for call in calls],
        "seconds": [call.end.get("seconds") for call in calls],
        "largest": [call.end.get("largest") for call in calls],
    }
    values: dict[str, list[Any]] = {"version": [column.label for column in columns]}
    for name, column in named.items():
        numbered = Numbered()
        plain[name] = [numbered.number(value) for value in column]
        values[name] = numbered.values()
    return {"values": values, "order": ORDER, "chunk": CHUNK, "calls": plain, "alike": alike(calls)}


def alike(calls: Sequence[Shown]) -> dict[str, list[int]]:
    """For mode, dtype and version: the number of the group of calls that differ in it alone."""
    arguments, typeless = Numbered(), Numbered()
    whole = [arguments.number(call.arguments) for call in calls]
    but_dtype = [typeless.number(replace(one, dtype="")) for one in arguments.values()]
    found = {}
    for name in ("mode", "dtype", "version"):
        numbered = Numbered()
        found[name] = [
            numbered.number(
                (
                    call.case["key"],
                    call.call["relation"],
                    but_dtype[number] if name == "dtype" else number,
                    None if name == "mode" else call.call["mode"],
                    None if name == "version" else call.column,
                )
            )
            for call, number in zip(calls, whole, strict=True)
        ]
    return found


def chunks(calls: Sequence[Shown]) -> Iterator[dict[str, Any]]:
    """The details of all calls, as many at a time as a chunk has; each chunk holds the cases and the axes of its calls."""
    found = excluded(calls)
    for start in range(0, len(calls), CHUNK):
        yield _chunk(calls[start : start + CHUNK], found)


def _chunk(calls: Iterable[Shown], found: Mapping[str, Excluded]) -> dict[str, Any]:
    cases: dict[str, Any] = {}
    axes = Numbered()
    details = []
    for call in calls:
        kept = ("file", "line", "id", "yaml", "notes", "references", "expect", "deviations")
        if (key := call.case["key"]) not in cases:
            cases[key] = {name: value for name, value in call.case.items() if name in kept}
            cases[key]["excludes"] = (
                {"calls": found[key].calls, "counts": list(found[key].counts.items())}
                if key in found
                else None
            )
        interpretation, models = interpret(call.arguments), models_of(call.arguments)
        places = (
            [axes.number((axis, models)) for axis in (interpretation.height, interpretation.width)]
            if interpretation
            else None
        )
        details.append({**_detail(call), "axes": places, "excludes": _places(call, found)})
    return {
        "calls": details,
        "cases": cases,
        "axes": [figure(axis, models) for axis, models in axes.values()],
    }


def _places(call: Shown, found: Mapping[str, Excluded]) -> list[int] | None:
    """The places of the wrong oracles that a call excludes among those of its case; None where it is not held to an oracle."""
    if "excludes" not in call.end:
        return None
    names = set(map(word, call.end["excludes"]))
    return [place for place, name in enumerate(found[call.case["key"]].counts) if name in names]


def _detail(call: Shown) -> dict[str, Any]:
    end, predicted = call.end, call.call["predicted"]
    return {
        "case": call.case["key"],
        "via": call.arguments.entry_point.symbol,
        "gradient": call.arguments.gradient,
        "relation": RELATIONS[call.call["relation"]].says if call.call["relation"] else None,
        "nchw": call.arguments.data_format == "NCHW",
        "refuses": predicted["refuses"],
        "because": [rule.mismatch(call.arguments) for rule in broken(call.arguments)],
        "instead": remedy(call.arguments),
        "formula": predicted["shape"],
        "observed": end.get("observed"),
        "warnings": end.get("warnings", []),
        **{
            name: end.get(name) for name in ("difference", "explained", "ulp", "largest_at", "heat")
        },
        "python": reproduction(
            call.arguments, call.call["mode"], end["data"][0], call.call["relation"]
        )
        if end["data"]
        else "",
    }
