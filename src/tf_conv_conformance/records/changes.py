"""Compares two runs, and keeps account of what could not be compared."""

from __future__ import annotations

from collections import Counter
from collections.abc import Container, Iterable, Iterator, Mapping
from dataclasses import dataclass

from tf_conv_conformance.convolution.quantity import quantity
from tf_conv_conformance.records.differences import (
    EndDifference,
    differences,
    values_alike,
    values_comparable,
)
from tf_conv_conformance.records.outcome import absent
from tf_conv_conformance.records.reader import Records
from tf_conv_conformance.records.schema import CallLine, EndLine, SubjectRecord
from tf_conv_conformance.records.series import identifying, labels, series, varying

UNSUPPORTED = "unsupported in both runs"
"""Why a call was not compared if neither subject has what its case requires: nothing is lost."""


@dataclass(frozen=True)
class Change:
    """A call whose outcome differs. `case` is the key of its case, `moved_from` its old id."""

    id: str
    case: str
    differences: tuple[EndDifference, ...]
    moved_from: str | None = None

    @property
    def words(self) -> str:
        """The differences in a line."""
        return "; ".join(difference.words for difference in self.differences)

    @property
    def kind(self) -> str:
        """The kinds of the differences in a line, which similar changes share."""
        return "; ".join(difference.kind for difference in self.differences)


@dataclass(frozen=True)
class Group:
    """The calls of a case that changed in the same way, and one of them as an example."""

    case: str
    kind: str
    ids: tuple[str, ...]
    example: Change


@dataclass(frozen=True)
class NotCompared:
    """A call that could not be compared although both runs planned it, or may have."""

    id: str
    why: str


@dataclass(frozen=True)
class FactChange:
    """A fact about the runs, or a rule's sentence, that differs; None if a run lacks it.

    If it `identifies` a subject, the runs are of two series.
    """

    name: str
    old: str | None
    new: str | None
    identifies: bool = False


@dataclass(frozen=True)
class Changes:
    """What changed from an old run to a new one.

    `values_unknown` counts the calls that were compared by shape and dtype only. The ids in
    `edited` name another call now, those in `added` and `removed` are in one plan only, and `moved`
    has the (old id, new id) of calls with the same content.
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
    environment: tuple[FactChange, ...]
    documentation: tuple[FactChange, ...]

    @property
    def any(self) -> bool:
        """Whether the outcome of a call differs."""
        return bool(self.changed)

    @property
    def blind(self) -> bool:
        """Whether a change may have been missed: nothing was compared, or a call has no outcome."""
        return not self.compared or any(one.why != UNSUPPORTED for one in self.not_compared)

    @property
    def sentence(self) -> str:
        """The number of calls that changed, were compared, and were not."""
        apart = [f"{count:,} {why}" for why, count in self._not_compared_by_reason()]
        text = self._result()
        if self.values_unknown:
            text += f" ({self.values_unknown:,} of them by shape and dtype only)"
        return f"{text}; not compared: {', '.join(apart)}." if apart else f"{text}."

    def groups(self) -> tuple[Group, ...]:
        """Return the changes by case and kind: of verdicts first, then of most calls."""
        found: dict[tuple[str, str], list[Change]] = {}
        for change in self.changed:
            found.setdefault((change.case, change.kind), []).append(change)
        groups = [
            Group(case, kind, tuple(change.id for change in similar), similar[0])
            for (case, kind), similar in found.items()
        ]
        return tuple(sorted(groups, key=_rank))

    def _result(self) -> str:
        total = self.compared
        if not total:
            return "Nothing could be compared"
        if self.changed:
            return f"{len(self.changed):,} of the {quantity(total, 'compared call')} changed"
        if self._not_compared_by_reason() or self.values_unknown:
            return f"No change in the {quantity(total, 'compared call')}"
        if total == 1:
            return "No change: the only call was compared"
        return f"No change: all {total:,} calls were compared"

    def _not_compared_by_reason(self) -> list[tuple[str, int]]:
        kinds = {"edited": self.edited, "added": self.added, "removed": self.removed}
        reasons = Counter(one.why for one in self.not_compared).most_common()
        return reasons + [(name, len(ids)) for name, ids in kinds.items() if ids]


def _rank(group: Group) -> tuple[bool, int]:
    return group.example.differences[0].aspect != "verdict", -len(group.ids)


def compare(old: Records, new: Records) -> Changes:
    """Return what changed in calls with the same content, whether or not they have the same id."""
    moved = _moved(old.calls, new.calls)
    common = [identifier for identifier in old.calls if identifier in new.calls]
    edited = [name for name in common if old.calls[name]["hash"] != new.calls[name]["hash"]]
    unchanged = set(common) - set(edited)
    aligned = [(name, name) for name in common if name in unchanged] + moved
    added, maybe_added = _only(new, old, {new_id for _, new_id in moved}, "old")
    removed, maybe_removed = _only(old, new, {old_id for old_id, _ in moved}, "new")
    not_compared, pairs = _comparable(old, new, aligned)
    old_label, new_label = _labels(old, new)
    return Changes(
        old=old_label,
        new=new_label,
        changed=tuple(_changed(old, new, pairs)),
        compared=len(pairs),
        values_unknown=sum(
            _values_unknown(old.ends[old_id], new.ends[new_id]) for old_id, new_id in pairs
        ),
        not_compared=(*not_compared, *maybe_added, *maybe_removed),
        edited=tuple(edited),
        added=tuple(added),
        removed=tuple(removed),
        moved=tuple(moved),
        environment=tuple(_environment(old, new)),
        documentation=tuple(_documentation(old, new)),
    )


def _comparable(
    old: Records, new: Records, aligned: Iterable[tuple[str, str]]
) -> tuple[list[NotCompared], list[tuple[str, str]]]:
    """Split pairs of ids into those without an outcome in a run, and those to compare."""
    not_compared, pairs = [], []
    for old_id, new_id in aligned:
        if why := _why_not(old.ends.get(old_id), new.ends.get(new_id)):
            not_compared.append(NotCompared(new_id, why))
        else:
            pairs.append((old_id, new_id))
    return not_compared, pairs


def _only(
    run: Records, other: Records, moved: Container[str], which: str
) -> tuple[list[str], list[NotCompared]]:
    """Return the calls of one run only, and those that a missing shard of the other may have."""
    only = [name for name in run.calls if name not in other.calls and name not in moved]
    if other.shards and other.shards.missing:
        why = f"in a shard of the {which} run that was not given"
        return [], [NotCompared(name, why) for name in only]
    return only, []


def _moved(old: Mapping[str, CallLine], new: Mapping[str, CallLine]) -> list[tuple[str, str]]:
    """Return (old id, new id) for each hash of exactly one removed and one added call."""
    removed, added = _by_hash(old, new), _by_hash(new, old)
    return [
        (ids[0], added[key][0])
        for key, ids in removed.items()
        if len(ids) == len(added.get(key, ())) == 1
    ]


def _by_hash(calls: Mapping[str, CallLine], others: Mapping[str, CallLine]) -> dict[str, list[str]]:
    """Return the ids that others lack, by content hash."""
    found: dict[str, list[str]] = {}
    for identifier, call in calls.items():
        if identifier not in others:
            found.setdefault(call["hash"], []).append(identifier)
    return found


def _why_not(old: EndLine | None, new: EndLine | None) -> str | None:
    """Return why two ends cannot be compared; None if they can."""
    before, now = absent(old), absent(new)
    if before == now:
        return before and (UNSUPPORTED if before == "unsupported" else f"{before} in either run")
    whys = [(before, "old"), (now, "new")]
    return " and ".join(f"{why} in the {which} run" for why, which in whys if why)


def _changed(old: Records, new: Records, pairs: Iterable[tuple[str, str]]) -> Iterator[Change]:
    for old_id, new_id in pairs:
        if found := differences(old.ends[old_id], new.ends[new_id]):
            moved_from = old_id if old_id != new_id else None
            yield Change(new_id, new.calls[new_id]["case"], found, moved_from)


def _values_unknown(old: EndLine, new: EndLine) -> bool:
    """Return whether both are values of one shape and dtype whose bits cannot be compared."""
    return values_alike(old, new) and not values_comparable(old, new)


def _subjects(records: Records) -> list[SubjectRecord | None]:
    return [line["subject"] for line in records.subjects.values()] or [None]


def _labels(old: Records, new: Records) -> list[str]:
    """Return a label for each run: the same if both are of one series."""
    before, now = _subjects(old)[0], _subjects(new)[0]
    return labels([before]) * 2 if series(before) == series(now) else labels([before, now])


def _environment(old: Records, new: Records) -> Iterator[FactChange]:
    for facts_of, identifies in ((identifying, True), (varying, False)):
        before = [facts_of(subject) for subject in _subjects(old)]
        now = [facts_of(subject) for subject in _subjects(new)]
        for name in dict.fromkeys(name for facts in (*before, *now) for name in facts):
            old_fact, new_fact = _joined(before, name), _joined(now, name)
            if old_fact != new_fact:
                yield FactChange(name, old_fact, new_fact, identifies)
    old_suite, new_suite = old.header["suite"], new.header["suite"]
    if old_suite != new_suite:
        yield FactChange("suite", old_suite, new_suite)


def _joined(subjects: Iterable[Mapping[str, str]], name: str) -> str | None:
    """Return one fact of a run, which may have been made in parts on several machines."""
    found = sorted({facts[name] for facts in subjects if name in facts})
    return " | ".join(found) if found else None


def _documentation(old: Records, new: Records) -> Iterator[FactChange]:
    """Yield the rules of both runs whose sentence in the installed documentation differs."""
    before, now = _sentences(old), _sentences(new)
    for rule in before:
        if rule in now and before[rule] != now[rule]:
            yield FactChange(rule, before[rule], now[rule])


def _sentences(records: Records) -> Mapping[str, str | None]:
    return next((line["sentences"] for line in records.subjects.values()), {})
