"""The failing calls that a team knows of: a file that it commits, so that a run fails on what is new.

    {"schema": 1,
     "known": {
      "SUBJECT": {
       "ID": {"hash": …, "verdict": …, "outcome": …, "digest": …, "reason": …},

A subject is named as in its definition, and "" is that of the suite's own interpreter: a new release of TensorFlow keeps the entries. A
call is known while it is the same call (`hash`) and fails in the same way; `reason` is for people.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tf_conv_conformance import ConformanceError
from tf_conv_conformance.records.differences import absent, told
from tf_conv_conformance.records.reader import Line
from tf_conv_conformance.verdict.kinds import FAILING

SCHEMA = 1
SIZE_LIMIT = 64 * 2**20  # bytes
KEYS = ("hash", "verdict", "outcome", "digest")
Known = dict[str, dict[str, dict[str, Any]]]


class BaselineError(ConformanceError):
    """The file is no baseline that this version reads; the message says why."""


@dataclass(frozen=True)
class Baseline:
    """Entries by subject and call id."""

    known: Known = field(default_factory=dict)

    def knows(self, subject: str, content_hash: str, end: Line) -> bool:
        """Whether a call fails just as the baseline says."""
        entry = self.known.get(subject, {}).get(end["id"])
        return entry is not None and all(
            entry.get(key) == value
            for key, value in _entry(content_hash, end).items()
            if key in KEYS
        )

    def stale(
        self, subject: str, calls: Mapping[str, Line], ends: Mapping[str, Line]
    ) -> list[tuple[str, str]]:
        """(id, why) of the entries that no longer say what is so, as far as this run can tell: a call without an end says nothing."""
        found = []
        for identifier, entry in self.known.get(subject, {}).items():
            end = ends.get(identifier)
            if end is None or absent(end):
                continue
            if calls[identifier]["hash"] != entry["hash"]:
                found.append((identifier, "the case was edited"))
            elif not self.knows(subject, entry["hash"], end):
                found.append((identifier, f"was {entry['verdict']}, is {end['verdict']} now"))
        return found

    def updated(self, subject: str, calls: Mapping[str, Line], ends: Iterable[Line]) -> Baseline:
        """The baseline with what a run's failing calls say; entries of calls that the run did not make stay as they are."""
        entries = dict(self.known.get(subject, {}))
        for end in ends:
            entries.pop(end["id"], None)
            if end["verdict"] in FAILING and not absent(end):
                entries[end["id"]] = _entry(calls[end["id"]]["hash"], end)
        known = {**self.known, subject: dict(sorted(entries.items()))}
        return Baseline({name: known[name] for name in sorted(known) if known[name]})

    def text(self) -> str:
        """The file: an entry a line, so that a change of one is a line in a diff."""
        subjects = []
        for subject, entries in self.known.items():
            lines = [
                f"  {json.dumps(identifier)}: {json.dumps(entry)}"
                for identifier, entry in entries.items()
            ]
            subjects.append(f" {json.dumps(subject)}: {{\n" + ",\n".join(lines) + "\n }")
        return f'{{"schema": {SCHEMA}, "known": {{\n' + ",\n".join(subjects) + "\n}}\n"


def _entry(content_hash: str, end: Line) -> dict[str, Any]:
    return {
        "hash": content_hash,
        "verdict": end["verdict"],
        "outcome": told(end),
        "digest": end.get("digest"),
        "reason": end["reason"][:300],
    }


def read(path: Path) -> Baseline:
    """The baseline in a file. Raises :class:`BaselineError`."""
    try:
        with path.open("rb") as file:
            data = file.read(SIZE_LIMIT + 1)
        if len(data) > SIZE_LIMIT:
            raise BaselineError(f"{path}: is larger than {SIZE_LIMIT} bytes")
        value = json.loads(data)
    except OSError as error:
        raise BaselineError(f"{path}: cannot be read: {error.strerror}") from error
    except (ValueError, RecursionError) as error:
        raise BaselineError(f"{path}: is not JSON: {error}") from error
    if (
        not isinstance(value, dict)
        or value.get("schema") != SCHEMA
        or not _entries(value.get("known"))
    ):
        raise BaselineError(
            f"{path}: is not a baseline of schema {SCHEMA}; --tf-update-baseline writes one"
        )
    return Baseline(value["known"])


def _entries(known: Any) -> bool:
    """Whether this is subject → id → entry, each entry with its keys."""
    subjects = known.values() if isinstance(known, dict) else [None]
    return all(
        isinstance(ids, dict)
        and all(isinstance(one, dict) and set(KEYS) <= one.keys() for one in ids.values())
        for ids in subjects
    )
