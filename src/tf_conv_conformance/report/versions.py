"""Columns of calls → which calls do not come out the same everywhere, and since when."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

from tf_conv_conformance.comparison import shape_text
from tf_conv_conformance.differing import absent, differences
from tf_conv_conformance.disagreement import disagreements
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
    """The calls that do not come out the same in all columns, by case and by what came out where."""
    by_id: dict[str, dict[int, Shown]] = {}
    for call in calls:
        by_id.setdefault(call.call["id"], {})[call.column] = call
    return [_pattern(columns, found.case, [by_id[identifier] for identifier in found.ids]) for found in disagreements(columns)]


def _pattern(columns: Sequence[Column], case: str, group: Sequence[Mapping[int, Shown]]) -> Pattern:
    outcomes = tuple(_outcome([asked[place] for asked in group if place in asked]) for place in range(len(columns)))
    numbers = tuple(call.number for asked in group for call in asked.values())
    example = next(iter(group[0].values())).call["id"]
    return Pattern(case, example, len(group), outcomes, tuple(_changes(columns, group[0])), numbers)


def _outcome(calls: Sequence[Shown]) -> Outcome:
    if not calls:
        return Outcome("absent", "not asked")
    worst = min(calls, key=lambda call: ORDER.index(call.verdict))
    texts = list(dict.fromkeys(text(call) for call in calls))
    more = f" and {len(texts) - 1} more" if len(texts) > 1 else ""
    return Outcome(worst.verdict.replace(" ", "-"), texts[0] + more)


def text(call: Shown) -> str:
    """What came out, in a few words: a shape with what was warned of, an exception, a signal, or the verdict where nothing did."""
    if call.observed_shape is not None:
        warned = sorted({warning["category"] for warning in call.end.get("warnings", [])})
        return shape_text(call.observed_shape) + (f", {', '.join(warned)}" if warned else "")
    return str(call.observed.get("signal") or call.observed.get("error") or call.verdict)


def _changes(columns: Sequence[Column], asked: Mapping[int, Shown]) -> Iterator[str]:
    """For each line of versions (one for each oneDNN, device and environment): the version at which the outcome became another."""
    lines: dict[str | None, list[int]] = {}
    for place, column in enumerate(columns):
        if place in asked and absent(asked[place].end) is None:
            lines.setdefault(_line(column), []).append(place)
    for places in lines.values():
        for before, after in pairwise(places):
            if became := differences(asked[before].end, asked[after].end):
                yield f"{columns[after].label}: {became[-1].words}"


def _line(column: Column) -> str | None:
    """What the versions of one line have in common: all that identifies a series but the version."""
    return series({**column.subject["subject"], "name": None, "tensorflow": None}) if column.subject else None
