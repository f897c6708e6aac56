"""Two runs → what changed between them: pure, and never silent about what could not be compared."""

from __future__ import annotations

from collections import Counter
from collections.abc import Container, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from tf_conv_conformance.records.differences import (
    Became,
    absent,
    differences,
    outcome,
    values_compared,
)
from tf_conv_conformance.records.reader import Line, Records, uncollected
from tf_conv_conformance.records.series import identifying, labels, series, varying

UNASKED = "unsupported in both runs"
"""Why nothing is lost where a call was not compared: neither subject is one that the case asks."""


@dataclass(frozen=True)
class Change:
    """A call that did not come to the same. `case` is the key of its case, `moved_from` the id that it had."""

    id: str
    case: str
    became: tuple[Became, ...]
    moved_from: str | None = None

    @property
    def words(self) -> str:
        """What became what, in a line."""
        return "; ".join(one.words for one in self.became)


@dataclass(frozen=True)
class Group:
    """The calls of a case that changed alike, and one of them in words."""

    case: str
    what: str
    ids: tuple[str, ...]
    example: Change


@dataclass(frozen=True)
class NotCompared:
    """A call that could not be compared, though both runs planned it, or the one that does not hold it may have."""

    id: str
    why: str


@dataclass(frozen=True)
class EnvironmentChange:
    """A fact of the runs that is not what it was; None where it is not there. With `identifies`, the runs are of two series."""

    name: str
    old: str | None
    new: str | None
    identifies: bool


@dataclass(frozen=True)
class DocumentationChange:
    """A rule's sentence that the installed documentation has changed, dropped (`new` is None) or got (`old` is None)."""

    rule: str
    old: str | None
    new: str | None


@dataclass(frozen=True)
class Changes:
    """What changed from an old run to a new one. `values_unknown` counts equal outcomes whose bits could not be compared.

    `edited` ids name another call now, `added` and `removed` ones stand in one plan only, `moved` are (old id, new id) of one content.
    """

    old: str
    new: str
    changed: tuple[Change, ...]
    compared: int
    values_unknown: int
    not_compared: tuple[NotCompared, ...]
    edited: tuple[str, ...]
    added: tuple[str, ...]
    removed: tuple[str, ...]
    moved: tuple[tuple[str, str], ...]
    environment: tuple[EnvironmentChange, ...]
    documentation: tuple[DocumentationChange, ...]

    @property
    def any(self) -> bool:
        """Whether a call did not come to the same."""
        return bool(self.changed)

    @property
    def blind(self) -> bool:
        """Whether something changed that would not be seen: nothing was compared, or a call that one run has no outcome of."""
        return not self.compared or any(one.why != UNASKED for one in self.not_compared)

    @property
    def sentence(self) -> str:
        """What changed, out of how many that were compared, and how many were not."""
        return _sentence(self)

    def groups(self) -> tuple[Group, ...]:
        """The changes by case and what changed: other verdicts first, then the most calls."""
        found: dict[tuple[str, str], list[Change]] = {}
        for change in self.changed:
            found.setdefault(
                (change.case, "; ".join(one.kind for one in change.became)), []
            ).append(change)
        groups = [
            Group(case, what, tuple(change.id for change in alike), alike[0])
            for (case, what), alike in found.items()
        ]
        return tuple(
            sorted(
                groups,
                key=lambda group: (group.example.became[0].aspect != "verdict", -len(group.ids)),
            )
        )


@uncollected()
def compare(old: Records, new: Records) -> Changes:
    """What changed from one run to another, in calls of one content hash: those of one id, and those that moved to another."""
    moved = _moved(old.calls, new.calls)
    shared = [identifier for identifier in old.calls if identifier in new.calls]
    edited = [
        identifier
        for identifier in shared
        if old.calls[identifier]["hash"] != new.calls[identifier]["hash"]
    ]
    other = set(edited)
    aligned = [(identifier, identifier) for identifier in shared if identifier not in other] + moved
    went, came = {before for before, _ in moved}, {now for _, now in moved}
    added, unlike = _only(new, old, came, "old")
    removed, apart = _only(old, new, went, "new")
    not_compared = [
        NotCompared(now, why)
        for before, now in aligned
        if (why := _why_not(old.ends.get(before), new.ends.get(now)))
    ]
    unseen = {one.id for one in not_compared}
    pairs = [(before, now) for before, now in aligned if now not in unseen]
    named = _named(old, new)
    return Changes(
        old=named[0],
        new=named[1],
        changed=tuple(_changed(old, new, pairs)),
        compared=len(pairs),
        values_unknown=sum(
            _values_unknown(old.ends[before], new.ends[now]) for before, now in pairs
        ),
        not_compared=(*not_compared, *unlike, *apart),
        edited=tuple(edited),
        added=tuple(added),
        removed=tuple(removed),
        moved=tuple(moved),
        environment=tuple(_environment(old, new)),
        documentation=tuple(_documentation(old, new)),
    )


def _only(
    run: Records, other: Records, moved: Container[str], which: str
) -> tuple[list[str], list[NotCompared]]:
    """The calls that are in one run alone, and those that the other may have planned, though it does not hold them."""
    alone, apart = [], []
    for identifier in run.calls:
        if identifier in other.calls or identifier in moved:
            continue
        if other.shards and other.shards.missing:
            apart.append(
                NotCompared(identifier, f"in a shard of the {which} run that was not given")
            )
        else:
            alone.append(identifier)
    return alone, apart


def _moved(old: Mapping[str, Line], new: Mapping[str, Line]) -> list[tuple[str, str]]:
    """(old id, new id) where a hash is that of one call that is gone and of one that came."""
    gone, came = _by_hash(old, new), _by_hash(new, old)
    return [
        (ids[0], came[key][0])
        for key, ids in gone.items()
        if len(ids) == len(came.get(key, ())) == 1
    ]


def _by_hash(calls: Mapping[str, Line], others: Mapping[str, Line]) -> dict[str, list[str]]:
    """The ids that are not among others', by content hash."""
    found: dict[str, list[str]] = {}
    for identifier, call in calls.items():
        if identifier not in others:
            found.setdefault(call["hash"], []).append(identifier)
    return found


def _why_not(old: Line | None, new: Line | None) -> str | None:
    """Why two ends cannot be compared; None where they can."""
    before, now = absent(old), absent(new)
    if before == now:
        return before and (UNASKED if before == "unsupported" else f"{before} in either run")
    return " and ".join(
        f"{why} in the {which} run" for why, which in ((before, "old"), (now, "new")) if why
    )


def _changed(old: Records, new: Records, pairs: Iterable[tuple[str, str]]) -> Iterator[Change]:
    for before, now in pairs:
        if became := differences(old.ends[before], new.ends[now]):
            yield Change(now, new.calls[now]["case"], became, before if before != now else None)


def _values_unknown(old: Line, new: Line) -> bool:
    """Whether both came to a value of one shape and dtype, and nothing tells whether the values are the same."""
    return (
        outcome(old) == outcome(new) == "a value"
        and old["observed"] == new["observed"]
        and not values_compared(old, new)
    )


def _subjects(records: Records) -> list[Mapping[str, Any] | None]:
    return [line["subject"] for line in records.subjects.values()] or [None]


def _named(old: Records, new: Records) -> list[str]:
    """A label for each run: the same where both are of one series."""
    before, now = _subjects(old)[0], _subjects(new)[0]
    return labels([before]) * 2 if series(before) == series(now) else labels([before, now])


def _environment(old: Records, new: Records) -> Iterator[EnvironmentChange]:
    for facts, identifies in ((identifying, True), (varying, False)):
        before, now = ([facts(subject) for subject in _subjects(records)] for records in (old, new))
        for name in dict.fromkeys(name for told in (*before, *now) for name in told):
            one, other = _joined(before, name), _joined(now, name)
            if one != other:
                yield EnvironmentChange(name, one, other, identifies)
    if old.header.get("suite") != new.header.get("suite"):
        yield EnvironmentChange(
            "suite", str(old.header.get("suite")), str(new.header.get("suite")), identifies=False
        )


def _joined(told: Iterable[Mapping[str, str]], name: str) -> str | None:
    """What a run's subjects say of one fact; a run may have been made in parts on several machines."""
    found = sorted({facts[name] for facts in told if name in facts})
    return " | ".join(found) if found else None


def _documentation(old: Records, new: Records) -> Iterator[DocumentationChange]:
    """The rules of both runs whose sentence is not the same in what was installed."""
    before, now = _sentences(old), _sentences(new)
    for rule in before:
        if rule in now and before[rule] != now[rule]:
            yield DocumentationChange(rule, before[rule], now[rule])


def _sentences(records: Records) -> Mapping[str, str | None]:
    return next((line["sentences"] for line in records.subjects.values()), {})


def _sentence(changes: Changes) -> str:
    count, total = len(changes.changed), changes.compared
    apart = [
        f"{number:,} {why}"
        for why, number in Counter(one.why for one in changes.not_compared).most_common()
    ]
    names = ("edited", "added", "removed")
    apart += [f"{len(ids):,} {name}" for name in names if (ids := getattr(changes, name))]
    if not total:
        said = "Nothing could be compared"
    elif count:
        said = f"{count:,} of the {total:,} compared calls changed"
    else:
        whole = not apart and not changes.values_unknown
        said = (
            f"No change: all {total:,} calls were compared"
            if whole
            else f"No change in the {total:,} compared calls"
        )
    if changes.values_unknown:
        said += f" ({changes.values_unknown:,} of them by shape and dtype only)"
    return f"{said}; not compared: {', '.join(apart)}." if apart else f"{said}."
