"""Columns of calls → which calls do not come out the same everywhere, and since which version."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from tf_conv_conformance.records.differences import differences
from tf_conv_conformance.records.disagreement import disagreements
from tf_conv_conformance.records.merge import Column
from tf_conv_conformance.records.outcome import absent, why_no_value
from tf_conv_conformance.records.series import series
from tf_conv_conformance.report.calls import ORDER, Shown
from tf_conv_conformance.verdict.comparison import shape_text


@dataclass(frozen=True)
class Line:
    """The versions of one kind of subject (one oneDNN, device, environment): its name, and the places of its columns, oldest first."""

    name: str
    places: tuple[int, ...]


@dataclass(frozen=True)
class Run:
    """Neighbouring versions in which some calls came to the same: the look of the cell, and in a few words what came out."""

    look: str
    text: str
    places: tuple[int, ...]


@dataclass(frozen=True)
class Pattern:
    """Calls of one case whose outcomes go the same way over the subjects: a row of the version matrix, with the runs of each line.

    `calls` are the numbers of all their calls, `links` the public reports about the case.
    """

    case: str
    example: str
    count: int
    lines: tuple[tuple[Run, ...], ...]
    calls: tuple[int, ...]
    links: tuple[str, ...]


def lines(columns: Sequence[Column]) -> list[Line]:
    """The lines of versions, in the order of their first columns."""
    found: dict[str | None, list[int]] = {}
    for place, column in enumerate(columns):
        key = series(column.subject, but=("name", "tensorflow", "environment"))
        found.setdefault(key, []).append(place)
    return [Line(_name(columns[places[0]]), tuple(places)) for places in found.values()]


def _name(column: Column) -> str:
    if column.subject is None:
        return "versions"
    onednn = {True: "oneDNN", False: "without oneDNN", None: ""}[column.subject["onednn"]]
    device = column.subject["device"] if column.subject["device"] != "cpu" else ""
    return " ".join(part for part in (onednn, device) if part) or "versions"


def version(column: Column) -> str:
    """The version of a column's TensorFlow."""
    return str(column.subject["tensorflow"]) if column.subject else column.label


def patterns(columns: Sequence[Column], calls: Sequence[Shown]) -> list[Pattern]:
    """The calls that do not come out the same in all columns, by case and by what came out where."""
    by_id: dict[str, dict[int, Shown]] = {}
    for call in calls:
        by_id.setdefault(call.call["id"], {})[call.column] = call
    of = lines(columns)
    return [
        _pattern(of, found.case, [by_id[identifier] for identifier in found.ids])
        for found in disagreements(columns)
    ]


def _pattern(of: Sequence[Line], case: str, group: Sequence[Mapping[int, Shown]]) -> Pattern:
    first = next(iter(group[0].values()))
    told = [deviation["reported"] for deviation in first.case["deviations"]] + first.case[
        "references"
    ]
    links = tuple(dict.fromkeys(link for link in told if link.startswith(("https://", "http://"))))
    runs = tuple(tuple(_runs(line, group)) for line in of)
    return Pattern(
        case,
        first.call["id"],
        len(group),
        runs,
        tuple(call.number for asked in group for call in asked.values()),
        links,
    )


def _runs(line: Line, group: Sequence[Mapping[int, Shown]]) -> Iterator[Run]:
    """The versions of a line, neighbours with the same outcome together. A group's calls go the same way, so one of them tells."""
    places: list[int] = []
    for place in line.places:
        if places and not _same(group[0].get(places[-1]), group[0].get(place)):
            yield _run(places, group)
            places = []
        places.append(place)
    yield _run(places, group)


def _same(one: Shown | None, other: Shown | None) -> bool:
    if one is None or other is None:
        return one is other
    if absent(one.end) or absent(other.end):
        return one.verdict == other.verdict
    return not differences(one.end, other.end)


def _run(places: Sequence[int], group: Sequence[Mapping[int, Shown]]) -> Run:
    calls = [asked[places[0]] for asked in group if places[0] in asked]
    if not calls:
        return Run("absent", "not asked", tuple(places))
    worst = min(calls, key=lambda call: ORDER.index(call.verdict))
    texts = list(dict.fromkeys(text(call) for call in calls))
    more = f" and {len(texts) - 1} more" if len(texts) > 1 else ""
    return Run(worst.verdict.replace(" ", "-"), texts[0] + more, tuple(places))


def text(call: Shown) -> str:
    """Describe what came out in a few words; the verdict if the call was not made."""
    if call.observed_shape is not None:
        warned = sorted({warning["category"] for warning in call.end.get("warnings", [])})
        dtype = call.observed["dtype"] if call.observed["dtype"] != call.arguments.dtype else ""
        return " ".join(
            part
            for part in (
                dtype,
                shape_text(call.observed_shape),
                *(f"with {name}" for name in warned),
            )
            if part
        )
    return why_no_value(call.end) or call.verdict
