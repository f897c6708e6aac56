"""The data that the page's script draws from: an index of all calls, and details in chunks."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Iterator, Mapping, Sequence
from typing import Any

import msgspec

from tf_conv_conformance.convolution.arguments import channels_first
from tf_conv_conformance.convolution.company import listed
from tf_conv_conformance.convolution.names import CONVERTED_MODES, MODES
from tf_conv_conformance.prediction.conversion import conversion
from tf_conv_conformance.prediction.converted_models import models_in
from tf_conv_conformance.prediction.exclusions import word
from tf_conv_conformance.prediction.relations import RELATIONS
from tf_conv_conformance.prediction.remedy import remedy
from tf_conv_conformance.prediction.reproduction import from_record as reproduction
from tf_conv_conformance.prediction.rules.catalogue import broken
from tf_conv_conformance.records.merge import Column
from tf_conv_conformance.records.outcome import absent, why_no_value
from tf_conv_conformance.records.schema import ObservedRecord
from tf_conv_conformance.records.series import identifying, varying
from tf_conv_conformance.report.agreement import result
from tf_conv_conformance.report.calls import ORDER, CallRow
from tf_conv_conformance.report.figures import figure
from tf_conv_conformance.report.overview import Exclusions, exclusions
from tf_conv_conformance.verdict.comparison import shape_text
from tf_conv_conformance.verdict.kinds import Kind

CHUNK = 512  # calls of a chunk: a few milliseconds to open
HASH = 8  # digits of a call's content hash, by which a link finds it under another name
CASE_KEYS = ("file", "line", "id", "yaml", "notes", "references", "expect", "deviations")
END_KEYS = ("observed", "difference", "explained", "ulp", "largest_at", "heat", "by_expect")
HEADINGS: dict[Kind, str] = {
    "conforms": "is as documented",
    "refused": "is refused, as documented",
    "deviates": "is not as documented",
    "violates": "is not as documented",
    "unexpected": "is as documented",
    "resolved": "is as documented",
    "unmeasured": "is as documented",
    "crashed": "ends the process",
    "timed out": "does not end",
    "vacuous": "proves nothing",
    "flaky": "is not the same each time",
    "suite error": "cannot be judged",
    "missing": "has no result",
    "unsupported": "is not supported",
}
"""What the heading of a call says that is copied as Markdown."""


class Numbering:
    """Numbers values in the order in which they first come."""

    def __init__(self) -> None:
        self._numbers: dict[Hashable, int] = {}

    def number(self, value: Hashable) -> int:
        """Return the number of a value, from 0."""
        return self._numbers.setdefault(value, len(self._numbers))

    def values(self) -> list[Any]:
        """Return the values in the order of their numbers."""
        return list(self._numbers)


def index(columns: Sequence[Column], calls: Sequence[CallRow]) -> dict[str, Any]:
    """Return what the list of calls shows, filters, sorts and groups by.

    Each property is a list with an entry for each call, most of them numbers into `values`.
    """
    properties: dict[str, list[Any]] = {
        "name": [call.call["id"].removeprefix(call.case["file"] + "::") for call in calls],
        "hash": [call.call["hash"][:HASH] for call in calls],
        "version": [call.column for call in calls],
        "seconds": [call.end.get("seconds") for call in calls],
        "largest": [call.end.get("largest") for call in calls],
    }
    values: dict[str, list[Any]] = {"version": [column.label for column in columns]}
    for name, own in _numbered(calls).items():
        numbering = Numbering()
        properties[name] = list(map(numbering.number, own))
        values[name] = numbering.values()
    return {
        "values": values,
        "order": ORDER,
        "headings": HEADINGS,
        "modes": [mode for mode in MODES if mode in values["mode"]],
        "chunk": CHUNK,
        "calls": properties,
        "alike": groups(calls),
        "subjects": [_facts(column) for column in columns],
        "suite": columns[0].records.header["suite"],
    }


def _numbered(calls: Sequence[CallRow]) -> dict[str, list[Hashable]]:
    """Return the properties whose values are numbered, each with its value for each call."""
    return {
        "file": [call.case["file"] for call in calls],
        "op": [call.arguments.op for call in calls],
        "mode": [call.call["mode"] for call in calls],
        "dtype": [call.arguments.dtype for call in calls],
        "verdict": [call.verdict for call in calls],
        "reason": [_reason(call) for call in calls],
        "result": [_result(call) for call in calls],
        "outcome": [_outcome(call) for call in calls],
        "via": [call.arguments.entry_point.symbol for call in calls],
        "shapes": [_shapes(call) for call in calls],
        "padding": [call.padding for call in calls],
        "stride": [call.stride for call in calls],
        "rate": [call.rate for call in calls],
        "rule": [tuple(call.call["rules"]) for call in calls],
        "against": [tuple(call.end["rules"]) for call in calls],
        "supports": [call.supports for call in calls],
    }


def _facts(column: Column) -> list[tuple[str, str]]:
    """Return the facts of a subject in words, for a report about one of its calls."""
    subject = column.subject
    return [*identifying(subject).items(), *varying(subject).items()]


def _outcome(call: CallRow) -> str:
    """Return what a call followed, or why it has no result, in a word or two."""
    return result(call.end) if not absent(call.end) else call.verdict


def _result(call: CallRow) -> str:
    """Return the shape of a result and what it follows; without one, why there is none."""
    if absent(call.end) or call.observed_shape is None:
        return why_no_value(call.end) or "not made"
    return f"{shape_text(call.observed_shape)}, {result(call.end)}"


def _shapes(call: CallRow) -> str:
    """Return the shapes of input and filter, for the search."""
    return f"{shape_text(call.arguments.input.shape)} {shape_text(call.arguments.filter.shape)}"


def _reason(call: CallRow) -> str:
    return call.end["reason"] + (" (a known failure)" if call.known else "")


def groups(calls: Sequence[CallRow]) -> dict[str, list[int]]:
    """Return, for mode, dtype and version, the group of each call: they differ only in that."""
    by_mode, by_dtype, by_version, typeless = Numbering(), Numbering(), Numbering(), Numbering()
    without_dtype: dict[int, int] = {}
    found: dict[str, list[int]] = {"mode": [], "dtype": [], "version": []}
    for call in calls:
        key = (call.case["key"], call.call["relation"])
        same = id(call.arguments)  # equal arguments are one object
        if same not in without_dtype:
            others = {**call.call["arguments"], "dtype": ""}
            without_dtype[same] = typeless.number(msgspec.json.encode(others))
        mode, version = call.call["mode"], call.column
        found["mode"].append(by_mode.number((key, same, version)))
        found["dtype"].append(by_dtype.number((key, without_dtype[same], mode, version)))
        found["version"].append(by_version.number((key, same, mode)))
    return found


def chunks(calls: Sequence[CallRow]) -> Iterator[dict[str, Any]]:
    """Yield the details of all calls, as many at a time as a chunk has."""
    excluded = exclusions(calls)
    for start in range(0, len(calls), CHUNK):
        yield _chunk(calls[start : start + CHUNK], excluded)


def _chunk(calls: Sequence[CallRow], excluded: Mapping[str, Exclusions]) -> dict[str, Any]:
    """Return the details of some calls, with their cases and axes."""
    axes = Numbering()
    details = []
    for call in calls:
        places = None
        is_last = not any(operation.filter for operation in call.arguments.after)
        if call.interpretation is not None and is_last:
            models = models_in(call.arguments, call.call["mode"])
            read = (model.interpretation(call.arguments).axes for model in models)
            places = [axes.number((axis, models)) for axis in zip(*read, strict=True)]
        names = excluded[call.case["key"]].counts if "excludes" in call.end else ()
        details.append({**_detail(call), "axes": places, "excludes": _excluded(call, names)})
    return {
        "calls": details,
        "cases": _cases(calls, excluded),
        "axes": [figure(axis, models) for axis, models in axes.values()],
    }


def _cases(calls: Iterable[CallRow], excluded: Mapping[str, Exclusions]) -> dict[str, Any]:
    cases: dict[str, Any] = {}
    for call in calls:
        key = call.case["key"]
        if key in cases:
            continue
        cases[key] = {name: value for name, value in call.case.items() if name in CASE_KEYS}
        own = excluded.get(key)
        cases[key]["excludes"] = own and {"calls": own.calls, "counts": list(own.counts.items())}
    return cases


def _excluded(call: CallRow, names: Iterable[str]) -> list[int] | None:
    """Return the places of the wrong oracles that a call excludes among those of its case.

    None if the call is not held to an oracle.
    """
    if "excludes" not in call.end:
        return None
    own = set(map(word, call.end["excludes"]))
    return [place for place, name in enumerate(names) if name in own]


def _detail(call: CallRow) -> dict[str, Any]:
    arguments, predicted = call.arguments, call.call["predicted"]
    refused = predicted["refuses"] is not None
    relation = call.call["relation"]
    end = {name: value for name, value in call.end.items() if name in END_KEYS}
    if "observed" in end:
        end["observed"] = _without_static(call.observed)
    return {
        **end,
        "case": call.case["key"],
        "via": arguments.entry_point.symbol,
        "gradient": arguments.gradient,
        "through": arguments.through,
        "before": listed(arguments.before),
        "after": listed(arguments.after),
        "relation": RELATIONS[relation].says if relation else None,
        "nchw": channels_first(arguments),
        "dimensions": arguments.dimensions,
        "refuses": predicted["refuses"],
        "because": [rule.mismatch(arguments) for rule in broken(arguments)] if refused else [],
        "instead": remedy(arguments) if refused else None,
        "deployed": conversion(arguments) if call.call["mode"] in CONVERTED_MODES else None,
        "formula": predicted["shape"],
        "warnings": call.end.get("warnings", []),
        "python": _python(call),
    }


def _without_static(observed: ObservedRecord) -> ObservedRecord:
    """Return what was observed, without a static shape that is the shape itself."""
    rest = observed.copy()
    if "static" in rest and rest["static"] == rest.get("shape"):
        del rest["static"]
    return rest


def _python(call: CallRow) -> str:
    """Return the call as a program; empty if it was not drawn any data."""
    if not call.end["data"]:
        return ""
    return reproduction(
        call.arguments, call.call["mode"], call.end["data"][0], call.call["relation"]
    )
