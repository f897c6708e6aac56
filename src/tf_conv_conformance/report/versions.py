"""The version matrix: the calls whose outcomes differ between versions of TensorFlow."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from tf_conv_conformance.records.differences import differences
from tf_conv_conformance.records.disagreement import disagreements
from tf_conv_conformance.records.merge import Column
from tf_conv_conformance.records.outcome import absent, why_no_value
from tf_conv_conformance.records.series import identifying, series, varying
from tf_conv_conformance.report.calls import ORDER, CallRow
from tf_conv_conformance.report.escape import is_link
from tf_conv_conformance.verdict.comparison import shape_text

VARYING = ("name", "tensorflow", "keras", "backend", "environment")
"""The facts in which the subjects of a line may differ."""

TELLING = (
    *("TensorFlow", "library", "oneDNN", "device", "machine", "instruction set", "CPU", "threads"),
    *("Python", "Keras", "LiteRT", "onnxruntime", "tf2onnx"),
)
"""The facts that are columns of the table of subjects; their environments have the others."""


@dataclass(frozen=True)
class VersionLine:
    """The versions of one kind of subject, with the places of their columns, oldest first."""

    name: str
    places: tuple[int, ...]


@dataclass(frozen=True)
class VersionRange:
    """Neighbouring versions in which some calls have the same outcome.

    `look` is that of a cell, `text` the outcome in a few words.
    """

    look: str
    text: str
    places: tuple[int, ...]


@dataclass(frozen=True)
class Pattern:
    """Calls of a case whose outcomes change in the same way: a row of the matrix.

    `lines` has the ranges of each line of versions, `calls` the numbers of the calls, and `links`
    the public reports about the case.
    """

    case: str
    example: str
    count: int
    lines: tuple[tuple[VersionRange, ...], ...]
    calls: tuple[int, ...]
    links: tuple[str, ...]


def lines(columns: Sequence[Column]) -> list[VersionLine]:
    """Return the lines of versions, in the order of their first columns."""
    found: dict[str | None, list[int]] = {}
    for place, column in enumerate(columns):
        found.setdefault(series(column.subject, but=VARYING), []).append(place)
    return [VersionLine(_name(columns[places[0]]), tuple(places)) for places in found.values()]


def _name(column: Column) -> str:
    if column.subject is None:
        return "versions"
    if column.subject["tensorflow"] is None:
        return "Keras"
    onednn = {True: "oneDNN", False: "without oneDNN", None: ""}[column.subject["onednn"]]
    device = column.subject["device"] if column.subject["device"] != "cpu" else ""
    return " ".join(part for part in (onednn, device) if part) or "versions"


def version(column: Column) -> str:
    """Return the version of a column's TensorFlow, or of what Keras runs on."""
    if column.subject is None:
        return column.label
    return column.subject["tensorflow"] or column.subject.get("backend") or column.label


def differing_facts(columns: Sequence[Column]) -> dict[str, list[str]]:
    """Return the facts of versions and processors in which columns differ, one for each column."""
    facts = [{**identifying(one.subject), **varying(one.subject)} for one in columns]
    found = {name: [own.get(name, "–") for own in facts] for name in TELLING}
    return {name: values for name, values in found.items() if len(set(values)) > 1}


def patterns(columns: Sequence[Column], calls: Sequence[CallRow]) -> list[Pattern]:
    """Return the calls whose outcomes differ between columns, by case and by outcome."""
    by_id: dict[str, dict[int, CallRow]] = {}
    for call in calls:
        by_id.setdefault(call.call["id"], {})[call.column] = call
    own_lines = lines(columns)
    return [
        _pattern(own_lines, found.case, [by_id[identifier] for identifier in found.ids])
        for found in disagreements(columns)
    ]


def _pattern(
    own_lines: Sequence[VersionLine], case: str, group: Sequence[Mapping[int, CallRow]]
) -> Pattern:
    """Return a row from its calls, each by the place of its column."""
    first = next(iter(group[0].values()))
    reported = [deviation["reported"] for deviation in first.case["deviations"]]
    links = dict.fromkeys(filter(is_link, reported + first.case["references"]))
    return Pattern(
        case,
        first.call["id"],
        len(group),
        tuple(tuple(_ranges(line, group)) for line in own_lines),
        tuple(call.number for calls in group for call in calls.values()),
        tuple(links),
    )


def _ranges(line: VersionLine, group: Sequence[Mapping[int, CallRow]]) -> Iterator[VersionRange]:
    """Yield the ranges of a line; the calls of a group change together, so one stands for all."""
    places: list[int] = []
    for place in line.places:
        if places and not _same(group[0].get(places[-1]), group[0].get(place)):
            yield _range(places, group)
            places = []
        places.append(place)
    yield _range(places, group)


def _same(one: CallRow | None, other: CallRow | None) -> bool:
    if one is None or other is None:
        return one is other
    if absent(one.end) or absent(other.end):
        return one.verdict == other.verdict
    return not differences(one.end, other.end)


def _range(places: Sequence[int], group: Sequence[Mapping[int, CallRow]]) -> VersionRange:
    calls = [by_place[places[0]] for by_place in group if places[0] in by_place]
    if not calls:
        return VersionRange("absent", "not tested", tuple(places))
    worst = min(calls, key=lambda call: ORDER.index(call.verdict))
    texts = list(dict.fromkeys(map(_text, calls)))
    more = f" and {len(texts) - 1} more" if len(texts) > 1 else ""
    return VersionRange(worst.verdict.replace(" ", "-"), texts[0] + more, tuple(places))


def _text(call: CallRow) -> str:
    """Return the outcome in a few words; the verdict if the call was not made."""
    if call.observed_shape is None:
        return why_no_value(call.end) or call.verdict
    dtype = call.observed["dtype"] if call.observed["dtype"] != call.arguments.dtype else ""
    warnings = sorted({warning["category"] for warning in call.end.get("warnings", [])})
    parts = [dtype, shape_text(call.observed_shape), *(f"with {name}" for name in warnings)]
    return " ".join(part for part in parts if part)
