"""Many record files → columns: one for each series of subjects, all with the same plan. Refuses, by name, what does not fit.

The shards of a run are parts of a series that know how many they are.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from tf_conv_conformance import ConformanceError
from tf_conv_conformance.records.reader import Line, Records
from tf_conv_conformance.records.series import labels, order, series
from tf_conv_conformance.records.shards import Shards
from tf_conv_conformance.records.writer import in_order

ALIKE = "run every shard with the same tests, in the same order, and with the same durations"


class MergeError(ConformanceError):
    """Files that cannot be merged; the message names them and says why."""


@dataclass(frozen=True)
class Column:
    """All that is known of one series. `subject` is its first subject line, None where TensorFlow did not start."""

    label: str
    subject: Line | None
    records: Records


@dataclass(frozen=True)
class _Part:
    """What one file holds of one series."""

    name: str
    records: Records


def merge(files: Sequence[tuple[str, Records]], partial: bool = False) -> tuple[Column, ...]:
    """The columns of record files, each with its name: by version, then without and with oneDNN.

    Files of one series are parts of it: their ends are disjoint, and the column has them all. `partial` lets a run pass that did not come
    to its end; what it did not do counts as missing. Raises :class:`MergeError`.
    """
    by_series: dict[str | None, list[_Part]] = {}
    for name, records in files:
        for key, part in _split(name, records):
            by_series.setdefault(key, []).append(part)
    groups = sorted(_with_idle(by_series), key=lambda parts: order(_subject(parts)))
    named = labels([_subject(parts) for parts in groups])
    columns = []
    for label, parts in zip(named, groups, strict=True):
        subject = next((line for part in parts for line in part.records.subjects.values()), None)
        columns.append(Column(label, subject, _without_idle(_union(label, parts))))
    _same_shards(columns, groups)
    _same_plans(columns, groups)
    if not partial:
        _complete(columns, groups)
    return tuple(columns)


def single(name: str, records: Records) -> Column:
    """Return the one column of a file, partial or not. Raises :class:`MergeError` if it has more."""
    return sole(name, merge([(name, records)], partial=True))


def sole(name: str, columns: Sequence[Column]) -> Column:
    """Return the only column. Raises :class:`MergeError` if there are more."""
    if len(columns) > 1:
        raise MergeError(
            f"{name}: contains {len(columns)} subjects ({', '.join(column.label for column in columns)}); expected exactly one"
        )
    return columns[0]


def _subject(parts: Sequence[_Part]) -> Line | None:
    return next(
        (line["subject"] for part in parts for line in part.records.subjects.values()), None
    )


def _split(name: str, records: Records) -> Iterator[tuple[str | None, _Part]]:
    """The parts of a file. A call that was made anew for the same subject has its last end."""
    ends: dict[str | None, dict[str, Line]] = {}
    keys: dict[str | None, dict[str, Line]] = {}
    known: dict[str | None, str | None] = {
        None: None,
        **{key: series(line["subject"]) for key, line in records.subjects.items()},
    }
    for end in records.every_end:
        if end["subject"] not in known:
            raise MergeError(
                f"{name}: {end['id']} has a result of subject {end['subject']!r}, which the file does not describe"
            )
        key = known[end["subject"]]
        ends.setdefault(key, {})[end["id"]] = end
        if end["subject"] is not None:
            keys.setdefault(key, {}).setdefault(end["subject"], records.subjects[end["subject"]])
    if len(ends) < 2:
        yield next(iter(ends), None), _Part(name, records)
        return
    for key, own in ends.items():
        elsewhere = {
            identifier for other in ends if other != key for identifier in ends[other]
        } - own.keys()
        started = records.started - elsewhere
        subjects = keys.get(key, {})
        yield (
            key,
            _Part(
                name,
                replace(
                    records,
                    subjects=subjects,
                    started=started,
                    ends=own,
                    every_end=list(own.values()),
                ),
            ),
        )


def _with_idle(by_series: Mapping[str | None, list[_Part]]) -> list[list[_Part]]:
    """The parts of each series. A shard in which no call was made tells no subject: it goes to a series that lacks it."""
    groups = [list(parts) for key, parts in by_series.items() if key is not None]
    alone: list[_Part] = []
    for part in by_series.get(None, ()):
        shards = part.records.shards
        lacking = [group for group in groups if shards and not _held(group) & {*shards.numbers}]
        (lacking[0] if lacking and not part.records.ends else alone).append(part)
    return groups + ([alone] if alone else [])


def _held(parts: Sequence[_Part]) -> set[int]:
    """The numbers of the shards that are here."""
    return {
        number for part in parts if (shards := part.records.shards) for number in shards.numbers
    }


def _joined(label: str, parts: Sequence[_Part]) -> Shards | None:
    """The shards that all parts of a series are together; None where none is a shard."""
    told = [(part.name, part.records.shards) for part in parts]
    first, of = next(((name, shards.of) for name, shards in told if shards), ("", 0))
    if not of:
        return None
    holders: dict[int, str] = {}
    for name, shards in told:
        if shards is None or shards.of != of:
            raise MergeError(
                f"not shards of one run of {label}: {first} is one of {of}, {name} is {f'one of {shards.of}' if shards else 'not a shard'}"
            )
        for number in shards.numbers:
            if number in holders:
                raise MergeError(
                    f"duplicate shard: {holders[number]} and {name} are both shard {number}/{of} of {label}"
                )
            holders[number] = name
    return Shards(tuple(sorted(holders)), of)


def _same_shards(columns: Sequence[Column], groups: Sequence[Sequence[_Part]]) -> None:
    """Refuse columns that are not of the same shards."""
    if len({column.records.shards for column in columns}) > 1:
        held = [
            f"{f'shard {column.records.shards}' if column.records.shards else 'a whole run'} of {column.label} ({_names(parts)})"
            for column, parts in zip(columns, groups, strict=True)
        ]
        raise MergeError(
            f"shards differ: {'; '.join(held)}: every subject must cover the same shards"
        )


def _union(label: str, parts: Sequence[_Part]) -> Records:
    """The records of all parts as those of one run."""
    if len(parts) == 1:
        return parts[0].records
    shards = _joined(label, parts)
    first = min(
        (part.records.header for part in parts), key=lambda header: str(header.get("created"))
    )
    merged = Records(header={name: value for name, value in first.items() if name != "shard"})
    if shards and shards.missing:
        merged.header["shard"] = str(shards)
    holders: dict[str, str] = {}
    twice: list[tuple[str, str, str]] = []
    for part in parts:
        if edited := _edited(merged.calls, part.records.calls):
            raise MergeError(
                f"plans differ: {_other_hash(edited[0], parts[: parts.index(part)], [part])}"
            )
        twice += [
            (identifier, holders[identifier], part.name)
            for identifier in part.records.ends
            if identifier in holders
        ]
        holders.update(dict.fromkeys(part.records.ends, part.name))
        merged.calls |= part.records.calls
        merged.ends |= part.records.ends
        merged.cases = part.records.cases | merged.cases
        merged.subjects |= part.records.subjects
        merged.started |= part.records.started
    if twice:
        identifier, one, other = twice[0]
        advice = f"; {ALIKE}" if shards else ""
        raise MergeError(
            f"duplicate subject: {one} and {other} both have results of {label} for {len(twice):,} calls, such as {identifier}{advice}"
        )
    whole = _whole(label, parts, shards, merged.planned)
    merged.every_end = list(merged.ends.values())
    if all(footers := [part.records.footer for part in parts]):
        finished = max(str(footer.get("finished")) for footer in footers if footer)
        merged.footer = {
            "type": "footer",
            "calls": merged.planned,
            "ended": len(merged.ends),
            "finished": finished,
        }
        if whole is not None:
            merged.footer["whole"] = whole
    return merged


def _whole(label: str, parts: Sequence[_Part], shards: Shards | None, planned: int) -> int | None:
    """Return how many calls all shards have together, if a footer says so.

    Refuse shards that were selected from different tests: some calls may be in none of them.
    """
    footers = [(part.name, part.records.footer) for part in parts]
    counts = {footer["whole"]: name for name, footer in footers if footer and "whole" in footer}
    if len(counts) > 1:
        (one, first), (other, second) = list(counts.items())[:2]
        raise MergeError(
            f"not shards of one run of {label}: {first} is of a run of {one:,} calls, {second} of a run of {other:,}; {ALIKE}"
        )
    whole = next(iter(counts), None)
    if whole is not None and shards and not shards.missing and planned != whole:
        raise MergeError(
            f"not shards of one run of {label}: {_names(parts)} plan {planned:,} of its {whole:,} calls; {ALIKE}"
        )
    return whole


def _without_idle(records: Records) -> Records:
    """Return records as those of a whole run if the shards that are missing have no call."""
    if records.footer is None or records.footer.get("whole") != records.planned:
        return records
    header = {name: value for name, value in records.header.items() if name != "shard"}
    footer = {name: value for name, value in records.footer.items() if name != "whole"}
    return replace(records, header=header, footer=footer)


def _edited(ours: Mapping[str, Line], theirs: Mapping[str, Line]) -> list[str]:
    """The ids that name another call there than here."""
    return [
        identifier
        for identifier, call in theirs.items()
        if identifier in ours and ours[identifier]["hash"] != call["hash"]
    ]


def _other_hash(identifier: str, *groups: Sequence[_Part]) -> str:
    holders = [next(part for part in parts if identifier in part.records.calls) for parts in groups]
    hashes = " and ".join(
        f"{part.records.calls[identifier]['hash']} in {part.name}" for part in holders
    )
    return f"{identifier}, whose content hash is {hashes}"


def _same_plans(columns: Sequence[Column], groups: Sequence[Sequence[_Part]]) -> None:
    """Refuse a column whose calls are not those of the first."""
    for column, parts in zip(columns[1:], groups[1:], strict=True):
        ours, theirs = columns[0].records.calls, column.records.calls
        said = [_only(ours, theirs, groups[0]), _only(theirs, ours, parts)]
        if edited := _edited(ours, theirs):
            said.append(
                f"{len(edited):,} edited, such as {_other_hash(edited[0], groups[0], parts)}"
            )
        if any(said):
            raise MergeError(
                f"plans differ: {columns[0].records.planned:,} calls of {columns[0].label} ({_names(groups[0])}), "
                f"{column.records.planned:,} of {column.label} "
                f"({_names(parts)}): {'; '.join(text for text in said if text)}"
            )


def _only(ours: Mapping[str, Line], theirs: Mapping[str, Line], parts: Sequence[_Part]) -> str:
    """The calls that only these parts plan, in words; empty where there are none."""
    only = [identifier for identifier in ours if identifier not in theirs]
    if not only:
        return ""
    holder = next(part.name for part in parts if only[0] in part.records.calls)
    return f"{len(only):,} only in {holder}, such as {only[0]}"


def _missing(records: Records, column: Records) -> list[str]:
    """Return the ids of planned calls that have no end in a column."""
    return [identifier for identifier in records.calls if identifier not in column.ends]


def _names(parts: Sequence[_Part]) -> str:
    return ", ".join(part.name for part in parts)


def _complete(columns: Sequence[Column], groups: Sequence[Sequence[_Part]]) -> None:
    """Refuse missing shards, files without a footer, and planned calls without a result in any file of their series."""
    said = []
    for column, parts in zip(columns, groups, strict=True):
        if column.records.shards and column.records.shards.missing:
            said.append(f"{column.label}: {column.records.shards.words}")
        for part in parts:
            missing = _missing(part.records, column.records)
            if part.records.footer is None:
                said.append(f"{part.name}: the footer is missing: the run was interrupted")
            if missing:
                of = f"{len(missing):,} of {part.records.planned:,} planned calls"
                said.append(
                    f"{part.name}: {of} have no result of {column.label}, such as {missing[0]}"
                )
    if said:
        raise MergeError(
            "; ".join(said)
            + "; --partial accepts this, and counts calls without a result as missing"
        )


def lines(records: Records) -> Iterator[Line]:
    """The lines of a record file with these records: what its run would have written, but for when its calls began."""
    yield records.header
    yield from in_order([*records.cases.values(), *records.calls.values()])
    yield from sorted(records.subjects.values(), key=lambda line: str(line["key"]))
    begun = records.started.intersection(_missing(records, records))
    yield from ({"type": "start", "id": identifier} for identifier in sorted(begun))
    yield from records.ends.values()
    if records.footer is not None:
        yield records.footer
