"""Finds the calls whose outcomes differ between columns, by case and pattern."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from string import ascii_lowercase

from tf_conv_conformance.records.differences import Aspect, differences
from tf_conv_conformance.records.merge import Column
from tf_conv_conformance.records.outcome import absent
from tf_conv_conformance.records.schema import EndLine

Group = list[EndLine]
"""Ends of one call that do not differ."""


@dataclass(frozen=True)
class Disagreement:
    """Calls of one case whose outcomes differ between columns in the same pattern.

    `pattern` has an entry for each column: a verdict, or why there is no outcome. Letters tell
    apart outcomes of one verdict: deviates (a), deviates (b).
    """

    case: str
    pattern: tuple[str, ...]
    aspects: tuple[Aspect, ...]
    ids: tuple[str, ...]


def disagreements(columns: Sequence[Column]) -> tuple[Disagreement, ...]:
    """Return the disagreements: those about verdicts first, then those with the most calls.

    Columns without an outcome of a call do not count for it.
    """
    found: dict[tuple[str, tuple[str, ...], tuple[Aspect, ...]], list[str]] = {}
    for identifier, call in (columns[0].records.calls if columns else {}).items():
        ends = [column.records.ends.get(identifier) for column in columns]
        groups = _groups(ends)
        if len(groups) > 1:
            first, *others = groups
            aspects = dict.fromkeys(
                difference.aspect
                for other in others
                for difference in differences(first[0], other[0])
            )
            key = (call["case"], tuple(_pattern(ends, groups)), tuple(aspects))
            found.setdefault(key, []).append(identifier)
    made = [Disagreement(*key, tuple(ids)) for key, ids in found.items()]
    return tuple(sorted(made, key=lambda one: ("verdict" not in one.aspects, -len(one.ids))))


def comparable(columns: Sequence[Column]) -> int:
    """Return the number of calls that have an outcome in at least two columns."""
    planned = columns[0].records.calls if columns else {}
    return sum(
        sum(absent(column.records.ends.get(identifier)) is None for column in columns) > 1
        for identifier in planned
    )


def _groups(ends: Sequence[EndLine | None]) -> list[Group]:
    """Return the ends that have an outcome, those that do not differ together."""
    groups: list[Group] = []
    for end in ends:
        if end is None or absent(end):
            continue
        group = next((group for group in groups if not differences(group[0], end)), None)
        if group is None:
            groups.append([end])
        else:
            group.append(end)
    return groups


def _pattern(ends: Sequence[EndLine | None], groups: Sequence[Group]) -> Iterator[str]:
    """Yield what stands for each end: its verdict, with a letter if several groups have it."""
    verdicts = [group[0]["verdict"] for group in groups]
    for end in ends:
        if why := absent(end):
            yield why
            continue
        number = next(
            number for number, group in enumerate(groups) if any(end is other for other in group)
        )
        verdict = verdicts[number]
        letter = ascii_lowercase[verdicts[:number].count(verdict) % len(ascii_lowercase)]
        yield verdict if verdicts.count(verdict) == 1 else f"{verdict} ({letter})"
