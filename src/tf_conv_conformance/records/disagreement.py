"""Columns → the calls that did not come to the same in all of them, by case and pattern."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from tf_conv_conformance.records.differences import Aspect, absent, differences
from tf_conv_conformance.records.merge import Column
from tf_conv_conformance.records.reader import Line


@dataclass(frozen=True)
class Disagreement:
    """Calls of a case that came to unlike things in the same way. `pattern` says what in each column: a verdict, or why there is nothing.

    Where one verdict stands for unlike outcomes, they are lettered: deviates (a), deviates (b).
    """

    case: str
    pattern: tuple[str, ...]
    aspects: tuple[Aspect, ...]
    ids: tuple[str, ...]


def disagreements(columns: Sequence[Column]) -> tuple[Disagreement, ...]:
    """The disagreements, those of other verdicts first, then the most calls. Columns without an outcome of a call have no say in it."""
    found: dict[tuple[str, tuple[str, ...], tuple[Aspect, ...]], list[str]] = {}
    for identifier, call in (columns[0].records.calls if columns else {}).items():
        ends = [column.records.ends.get(identifier) for column in columns]
        kinds = _kinds(ends)
        if len(kinds) > 1:
            aspects = dict.fromkeys(
                one.aspect for kind in kinds[1:] for one in differences(kinds[0][0], kind[0])
            )
            found.setdefault(
                (call["case"], tuple(_pattern(ends, kinds)), tuple(aspects)), []
            ).append(identifier)
    made = [Disagreement(*key, tuple(ids)) for key, ids in found.items()]
    return tuple(sorted(made, key=lambda one: ("verdict" not in one.aspects, -len(one.ids))))


def comparable(columns: Sequence[Column]) -> int:
    """How many calls have an outcome in at least two columns."""
    planned = columns[0].records.calls if columns else {}
    return sum(
        sum(absent(column.records.ends.get(identifier)) is None for column in columns) > 1
        for identifier in planned
    )


def _kinds(ends: Sequence[Line | None]) -> list[list[Line]]:
    """The ends that have an outcome, like with like."""
    kinds: list[list[Line]] = []
    for end in ends:
        if end is None or absent(end):
            continue
        alike = next((kind for kind in kinds if not differences(kind[0], end)), None)
        if alike is None:
            kinds.append([end])
        else:
            alike.append(end)
    return kinds


def _pattern(ends: Sequence[Line | None], kinds: Sequence[Sequence[Line]]) -> Iterator[str]:
    verdicts = [kind[0]["verdict"] for kind in kinds]
    for end in ends:
        if end is None or (why := absent(end)):
            yield "no result" if end is None else str(why)
            continue
        number = next(
            number for number, kind in enumerate(kinds) if any(end is one for one in kind)
        )
        alike = [other for other, verdict in enumerate(verdicts) if verdict == verdicts[number]]
        yield (
            verdicts[number]
            if len(alike) == 1
            else f"{verdicts[number]} ({'abcdefghijklmnopqrstuvwxyz'[alike.index(number) % 26]})"
        )
