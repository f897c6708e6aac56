"""Joins the records of one series that are spread over several files, such as shards of a run.

Parts that do not fit together are refused by name.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from tf_conv_conformance import ConformanceError
from tf_conv_conformance.convolution.quantity import quantity
from tf_conv_conformance.records.reader import Records
from tf_conv_conformance.records.schema import CallLine, EndLine, HeaderLine, SubjectRecord
from tf_conv_conformance.records.series import series
from tf_conv_conformance.records.shards import Shards

SAME_TESTS = "run every shard with the same tests, in the same order, and with the same durations"


class MergeError(ConformanceError):
    """Files that cannot be merged; the message names them and says why."""


@dataclass(frozen=True)
class Part:
    """The records of one series in one file."""

    name: str
    records: Records

    @property
    def subject(self) -> SubjectRecord | None:
        """The first subject; None if TensorFlow did not start."""
        return next((line["subject"] for line in self.records.subjects.values()), None)


def split(name: str, records: Records) -> Iterator[tuple[str | None, Part]]:
    """Yield each series of a file with its part.

    A call has the last end of the series.
    """
    key_of = {key: series(line["subject"]) for key, line in records.subjects.items()}
    ends: dict[str | None, dict[str, EndLine]] = {}
    for end in records.every_end:
        key = None if end["subject"] is None else key_of[end["subject"]]
        ends.setdefault(key, {})[end["id"]] = end
    if len(ends) < 2:
        yield next(iter(ends), None), Part(name, records)
        return
    for key, own in ends.items():
        others = {name for other in ends if other != key for name in ends[other]}
        keys = {end["subject"] for end in records.every_end}
        subjects = {
            subject: line
            for subject, line in records.subjects.items()
            if key_of[subject] == key and subject in keys
        }
        part = replace(
            records,
            subjects=subjects,
            started=records.started - (others - own.keys()),
            ends=own,
            every_end=list(own.values()),
        )
        yield key, Part(name, part)


def names(parts: Sequence[Part]) -> str:
    """Return the names of the files of parts."""
    return ", ".join(part.name for part in parts)


def edited(ours: Mapping[str, CallLine], theirs: Mapping[str, CallLine]) -> list[str]:
    """Return the ids that name different calls in two plans."""
    return [
        identifier
        for identifier, call in theirs.items()
        if identifier in ours and ours[identifier]["hash"] != call["hash"]
    ]


def holder(identifier: str, parts: Sequence[Part]) -> str:
    """Return the name of the first file that plans a call."""
    return next(part.name for part in parts if identifier in part.records.calls)


def union(label: str, parts: Sequence[Part]) -> Records:
    """Return the records of all parts as those of one run. Raises :class:`MergeError`."""
    if len(parts) == 1:
        return _without_idle_shards(parts[0].records)
    shards = _joined_shards(label, parts)
    _check_calls(parts)
    _check_ends(label, parts, SAME_TESTS if shards else "")
    merged = Records(_header([part.records.header for part in parts], shards))
    for part in parts:
        merged.calls |= part.records.calls
        merged.ends |= part.records.ends
        merged.cases = part.records.cases | merged.cases
        merged.subjects |= part.records.subjects
        merged.started |= part.records.started
    merged.every_end = list(merged.ends.values())
    whole = _whole(label, parts, shards, merged.planned)
    footers = [part.records.footer for part in parts]
    if all(footers):
        merged.footer = {
            "type": "footer",
            "calls": merged.planned,
            "ended": len(merged.ends),
            "finished": max(footer["finished"] for footer in footers if footer),
        }
        if whole is not None:
            merged.footer["whole"] = whole
    return _without_idle_shards(merged)


def _header(headers: Sequence[HeaderLine], shards: Shards | None) -> HeaderLine:
    """Return the header of the part that was created first, with the shards of all."""
    header = min(headers, key=lambda header: header["created"]).copy()
    header.pop("shard", None)
    if shards and shards.missing:
        header["shard"] = str(shards)
    return header


def _joined_shards(label: str, parts: Sequence[Part]) -> Shards | None:
    """Return the shards that all parts together are; None if none is a shard."""
    first = next((part for part in parts if part.records.shards), None)
    if first is None or first.records.shards is None:
        return None
    of = first.records.shards.of
    holders: dict[int, str] = {}
    for part in parts:
        shards = part.records.shards
        if shards is None or shards.of != of:
            other = f"one of {shards.of}" if shards else "not a shard"
            raise MergeError(
                f"not shards of one run of {label}: "
                f"{first.name} is one of {of}, {part.name} is {other}"
            )
        for number in shards.numbers:
            if number in holders:
                raise MergeError(
                    f"duplicate shard: {holders[number]} and {part.name} "
                    f"are both shard {number}/{of} of {label}"
                )
            holders[number] = part.name
    return Shards(tuple(sorted(holders)), of)


def _check_calls(parts: Sequence[Part]) -> None:
    """Refuse parts in which one id names different calls."""
    seen: dict[str, CallLine] = {}
    for number, part in enumerate(parts):
        if others := edited(seen, part.records.calls):
            first = holder(others[0], parts[:number])
            raise MergeError(
                f"plans differ: {others[0]} is not the same call in {first} and {part.name}"
            )
        seen |= part.records.calls


def _check_ends(label: str, parts: Sequence[Part], advice: str) -> None:
    """Refuse parts that both have an end of a call."""
    holders: dict[str, str] = {}
    twice: list[tuple[str, str, str]] = []
    for part in parts:
        ids = part.records.ends
        twice += [(name, holders[name], part.name) for name in ids if name in holders]
        holders.update(dict.fromkeys(ids, part.name))
    if twice:
        identifier, first, second = twice[0]
        raise MergeError(
            f"duplicate subject: {first} and {second} both have results of {label} "
            f"for {quantity(len(twice), 'call')}, such as {identifier}{advice and f'; {advice}'}"
        )


def _whole(label: str, parts: Sequence[Part], shards: Shards | None, planned: int) -> int | None:
    """Return the number of calls of all shards together, if a footer has it.

    Refuse shards that were selected from different tests: some calls may be in none of them.
    """
    footers = [(part.name, part.records.footer) for part in parts]
    counts = {footer["whole"]: name for name, footer in footers if footer and "whole" in footer}
    if len(counts) > 1:
        (one, first), (other, second) = list(counts.items())[:2]
        raise MergeError(
            f"not shards of one run of {label}: {first} is of a run of {one:,} calls, "
            f"{second} of a run of {other:,}; {SAME_TESTS}"
        )
    whole = next(iter(counts), None)
    if whole is not None and shards and not shards.missing and planned != whole:
        raise MergeError(
            f"not shards of one run of {label}: {names(parts)} plan {planned:,} "
            f"of its {whole:,} calls; {SAME_TESTS}"
        )
    return whole


def _without_idle_shards(records: Records) -> Records:
    """Return records as those of a whole run if the missing shards have no calls."""
    if records.footer is None or records.footer.get("whole") != records.planned:
        return records
    header, footer = records.header.copy(), records.footer.copy()
    header.pop("shard", None)
    footer.pop("whole")
    return replace(records, header=header, footer=footer)
