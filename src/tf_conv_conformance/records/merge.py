"""Merges record files into columns: one for each series of subjects, all with the same plan."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from tf_conv_conformance.convolution.quantity import quantity
from tf_conv_conformance.records.parts import MergeError as MergeError
from tf_conv_conformance.records.parts import Part, edited, holder, names, split, union
from tf_conv_conformance.records.reader import Records
from tf_conv_conformance.records.schema import CallLine, Line, SubjectRecord
from tf_conv_conformance.records.series import labels, order


@dataclass(frozen=True)
class Column:
    """The records of one series.

    `subject` is its first subject, None if TensorFlow did not start; `sentences` has the sentence
    of each rule in the documentation of that subject.
    """

    label: str
    subject: SubjectRecord | None
    sentences: Mapping[str, str | None]
    records: Records


Merged = Sequence[tuple[Column, Sequence[Part]]]
"""Columns, each with the parts that it was made from."""


def merge(files: Sequence[tuple[str, Records]], partial: bool = False) -> tuple[Column, ...]:
    """Return the columns of record files (name, records), by version, then oneDNN off and on.

    Files of one series are parts of one run: no call may have ends in two of them. With `partial`,
    runs may be incomplete; calls without a result count as missing. Raises :class:`MergeError`.
    """
    by_series: dict[str | None, list[Part]] = {}
    for name, records in files:
        for key, part in split(name, records):
            by_series.setdefault(key, []).append(part)
    series = sorted(_with_idle_shards(by_series), key=lambda parts: order(_subject(parts)))
    named = zip(labels(list(map(_subject, series))), series, strict=True)
    merged = [(_column(label, parts), parts) for label, parts in named]
    _check_shards(merged)
    _check_plans(merged)
    if not partial:
        _check_complete(merged)
    return tuple(column for column, _ in merged)


def sole(name: str, columns: Sequence[Column]) -> Column:
    """Return the only column. Raises :class:`MergeError` if there are more."""
    if len(columns) > 1:
        found = ", ".join(column.label for column in columns)
        raise MergeError(
            f"{name}: contains {len(columns)} subjects ({found}); expected exactly one"
        )
    return columns[0]


def lines(records: Records) -> Iterator[Line]:
    """Yield the lines of a record file with these records, without when its calls began."""
    yield records.header
    yield from records.cases.values()
    yield from records.calls.values()
    yield from records.subjects.values()
    for identifier in sorted(records.started.intersection(_missing(records, records))):
        yield {"type": "start", "id": identifier}
    yield from records.ends.values()
    if records.footer is not None:
        yield records.footer


def _column(label: str, parts: Sequence[Part]) -> Column:
    records = union(label, parts)
    line = next(iter(records.subjects.values()), None)
    if line is None:
        return Column(label, None, {}, records)
    return Column(label, line["subject"], line["sentences"], records)


def _subject(parts: Sequence[Part]) -> SubjectRecord | None:
    return next((part.subject for part in parts if part.subject), None)


def _with_idle_shards(by_series: Mapping[str | None, list[Part]]) -> list[list[Part]]:
    """Return the parts of each series.

    A shard in which no call was made has no subject; it goes to a series that lacks it.
    """
    groups = [list(parts) for key, parts in by_series.items() if key is not None]
    without_series = []
    for part in by_series.get(None, ()):
        shards = part.records.shards
        numbers = set(shards.numbers) if shards and not part.records.ends else set()
        lacking = [group for group in groups if numbers.isdisjoint(_shard_numbers(group))]
        if numbers and lacking:
            lacking[0].append(part)
        else:
            without_series.append(part)
    return [*groups, without_series] if without_series else groups


def _shard_numbers(parts: Sequence[Part]) -> set[int]:
    shards = [part.records.shards for part in parts]
    return {number for some in shards if some for number in some.numbers}


def _check_shards(merged: Merged) -> None:
    """Refuse columns of different shards."""
    if len({column.records.shards for column, _ in merged}) < 2:
        return
    said = []
    for column, parts in merged:
        shards = column.records.shards
        what = f"shard {shards}" if shards else "a whole run"
        said.append(f"{what} of {column.label} ({names(parts)})")
    raise MergeError(f"shards differ: {'; '.join(said)}: every subject must cover the same shards")


def _check_plans(merged: Merged) -> None:
    """Refuse a column whose plan differs from that of the first."""
    for column, parts in merged[1:]:
        first, first_parts = merged[0]
        ours, theirs = first.records.calls, column.records.calls
        said = [_only(ours, theirs, first_parts), _only(theirs, ours, parts)]
        if others := edited(ours, theirs):
            said.append(f"{len(others):,} edited, such as {others[0]}")
        if any(said):
            raise MergeError(
                f"plans differ: {quantity(len(ours), 'call')} of {first.label} "
                f"({names(first_parts)}), "
                f"{len(theirs):,} of {column.label} ({names(parts)}): "
                f"{'; '.join(text for text in said if text)}"
            )


def _only(
    ours: Mapping[str, CallLine], theirs: Mapping[str, CallLine], parts: Sequence[Part]
) -> str:
    """Say which calls only these parts plan; empty if there are none."""
    only = [identifier for identifier in ours if identifier not in theirs]
    if not only:
        return ""
    return f"{len(only):,} only in {holder(only[0], parts)}, such as {only[0]}"


def _check_complete(merged: Merged) -> None:
    """Refuse missing shards, files without a footer, and planned calls without a result."""
    said = []
    for column, parts in merged:
        shards = column.records.shards
        if shards and shards.missing:
            said.append(f"{column.label}: {shards.words}")
        for part in parts:
            if part.records.footer is None:
                said.append(f"{part.name}: the footer is missing: the run was interrupted")
            if missing := _missing(part.records, column.records):
                verb = "has" if len(missing) == 1 else "have"
                planned = quantity(part.records.planned, "planned call")
                said.append(
                    f"{part.name}: {len(missing):,} of {planned} {verb} no result "
                    f"of {column.label}, such as {missing[0]}"
                )
    if said:
        advice = "--partial accepts this, and counts calls without a result as missing"
        raise MergeError("; ".join([*said, advice]))


def _missing(plan: Records, records: Records) -> list[str]:
    """Return the ids of planned calls without an end."""
    return [identifier for identifier in plan.calls if identifier not in records.ends]
