"""Columns of calls → which calls do not come out the same everywhere, and since when."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

from tf_conv_conformance.comparison import shape_text
from tf_conv_conformance.merging import Column
from tf_conv_conformance.report.calls import ORDER, Shown
from tf_conv_conformance.series import series


@dataclass(frozen=True)
class Outcome:
    """What a subject made of some calls: the look of its cell, and in a few words what came out."""

    look: str
    text: str


@dataclass(frozen=True)
class Pattern:
    """Calls of one case whose outcomes go the same way over the subjects: a row of the version matrix.

    `changes` says for each line of versions with which of them the outcome changed; `calls` are the numbers of all their calls.
    """

    case: str
    example: str
    count: int
    outcomes: tuple[Outcome, ...]
    changes: tuple[str, ...]
    calls: tuple[int, ...]


def patterns(columns: Sequence[Column], calls: Sequence[Shown]) -> list[Pattern]:
    """The calls that do not come out the same in all columns, by case and by what came out where. The most common first."""
    by_id: dict[str, dict[int, Shown]] = {}
    for call in calls:
        by_id.setdefault(call.call["id"], {})[call.column] = call
    groups: dict[Hashable, list[Mapping[int, Shown]]] = {}
    for asked in by_id.values():
        kinds = tuple(_kind(asked.get(place)) for place in range(len(columns)))
        told = [_result(call) for call in asked.values() if call.verdict not in ("unsupported", "missing")]
        if any(one != told[0] for one in told):
            case = next(iter(asked.values())).case["key"]
            groups.setdefault((case, kinds, tuple(_changes(columns, asked))), []).append(asked)
    found = [_pattern(columns, group) for group in groups.values()]
    return sorted(found, key=lambda pattern: -pattern.count)


def _pattern(columns: Sequence[Column], group: Sequence[Mapping[int, Shown]]) -> Pattern:
    first = next(iter(group[0].values()))
    outcomes = tuple(_outcome([asked[place] for asked in group if place in asked]) for place in range(len(columns)))
    numbers = tuple(call.number for asked in group for call in asked.values())
    return Pattern(first.case["key"], first.call["id"], len(group), outcomes, tuple(_changes(columns, group[0])), numbers)


def _kind(call: Shown | None) -> Hashable:
    """What a group has in common in a column: the verdict, and what kind of outcome it was."""
    if call is None:
        return None
    warned = tuple(sorted({warning["category"] for warning in call.end.get("warnings", [])}))
    return call.verdict, "value" if call.observed_shape is not None else call.observed.get("signal") or call.observed.get("error"), warned


def _result(call: Shown) -> Hashable:
    """All that must be equal for two outcomes to be the same."""
    shape = call.observed_shape
    return _kind(call), None if shape is None else (*shape, call.observed["dtype"]), call.end.get("digest")


def _outcome(calls: Sequence[Shown]) -> Outcome:
    if not calls:
        return Outcome("absent", "not asked")
    worst = min(calls, key=lambda call: ORDER.index(call.verdict))
    texts = list(dict.fromkeys(_text(call) for call in calls))
    more = f" and {len(texts) - 1} more" if len(texts) > 1 else ""
    return Outcome(worst.verdict.replace(" ", "-"), texts[0] + more)


def _text(call: Shown) -> str:
    if call.observed_shape is not None:
        warned = sorted({warning["category"] for warning in call.end.get("warnings", [])})
        return shape_text(call.observed_shape) + (f", {', '.join(warned)}" if warned else "")
    return str(call.observed.get("signal") or call.observed.get("error") or call.verdict)


def _changes(columns: Sequence[Column], asked: Mapping[int, Shown]) -> list[str]:
    """For each line of versions (one for each oneDNN, device and environment): the version at which the outcome became another."""
    lines: dict[Hashable, list[int]] = {}
    for place, column in enumerate(columns):
        if place in asked and asked[place].verdict not in ("unsupported", "missing"):
            lines.setdefault(_line(column), []).append(place)
    found = []
    for places in lines.values():
        for before, after in pairwise(places):
            if _result(asked[before]) != _result(asked[after]):
                became = _text(asked[after]) if _text(asked[before]) != _text(asked[after]) else "other values"
                found.append(f"{columns[after].label}: {became}")
    return found


def _line(column: Column) -> str | None:
    """What the versions of one line have in common: all that identifies a series but the version."""
    return series({**column.subject["subject"], "tensorflow": None}) if column.subject else None
