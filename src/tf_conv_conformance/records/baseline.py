"""Known failures: a file that a team commits, so that a run fails only on new ones.

    {"schema": 1,
     "known": {
      "SUBJECT": {
       "ID": {"hash": …, "verdict": …, "outcome": …, "digest": …, "reason": …},

A subject has the name of its definition, and the suite's own interpreter has "": a new release of
TensorFlow keeps the entries. A call is known while it is the same call (`hash`) and fails in the
same way; `reason` is for people.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import msgspec
from typing_extensions import NotRequired, TypedDict

from tf_conv_conformance import ConformanceError
from tf_conv_conformance.records.outcome import absent, outcome_text
from tf_conv_conformance.records.schema import CallLine, EndLine
from tf_conv_conformance.verdict.kinds import FAILING

SCHEMA = 1
SIZE_LIMIT = 64 * 2**20  # bytes
REASON_LIMIT = 300  # characters


class BaselineError(ConformanceError):
    """The file is no baseline that this version reads; the message says why."""


class Entry(TypedDict):
    """A known failure."""

    hash: str
    verdict: str
    outcome: str
    digest: str | None
    reason: NotRequired[str]


Known = dict[str, dict[str, Entry]]
"""Entries by subject and call id."""


class _File(msgspec.Struct):
    schema: int
    known: Known


@dataclass(frozen=True)
class Baseline:
    """The known failures of each subject."""

    known: Known = field(default_factory=dict)

    def knows(self, subject: str, content_hash: str, end: EndLine) -> bool:
        """Return whether a call fails just as the baseline says."""
        entry = self.known.get(subject, {}).get(end["id"])
        return entry is not None and _without_reason(entry) == _without_reason(
            _entry(content_hash, end)
        )

    def stale(
        self, subject: str, calls: Mapping[str, CallLine], ends: Mapping[str, EndLine]
    ) -> list[tuple[str, str]]:
        """Return (id, why) of the entries that no longer hold.

        Calls without an outcome in this run are not counted.
        """
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

    def updated(
        self, subject: str, calls: Mapping[str, CallLine], ends: Iterable[EndLine]
    ) -> Baseline:
        """Return the baseline with the failures of a run; other calls keep their entries."""
        entries = dict(self.known.get(subject, {}))
        for end in ends:
            entries.pop(end["id"], None)
            if end["verdict"] in FAILING and not absent(end):
                entries[end["id"]] = _entry(calls[end["id"]]["hash"], end)
        known = {**self.known, subject: dict(sorted(entries.items()))}
        return Baseline({name: known[name] for name in sorted(known) if known[name]})

    def text(self) -> str:
        """Return the text of the file: an entry a line, so that a diff shows what changed."""
        subjects = []
        for subject, entries in self.known.items():
            lines = [
                f"  {json.dumps(name)}: {json.dumps(entry)}" for name, entry in entries.items()
            ]
            subjects.append(f" {json.dumps(subject)}: {{\n" + ",\n".join(lines) + "\n }")
        return f'{{"schema": {SCHEMA}, "known": {{\n' + ",\n".join(subjects) + "\n}}\n"


def _entry(content_hash: str, end: EndLine) -> Entry:
    return {
        "hash": content_hash,
        "verdict": end["verdict"],
        "outcome": outcome_text(end),
        "digest": end.get("digest"),
        "reason": end["reason"][:REASON_LIMIT],
    }


def _without_reason(entry: Entry) -> Entry:
    return {**entry, "reason": ""}


def read(path: Path) -> Baseline:
    """Return the baseline in a file. Raises :class:`BaselineError`."""
    try:
        with path.open("rb") as file:
            data = file.read(SIZE_LIMIT + 1)
    except OSError as error:
        raise BaselineError(f"{path}: cannot be read: {error.strerror}") from error
    if len(data) > SIZE_LIMIT:
        raise BaselineError(f"{path}: is larger than {SIZE_LIMIT} bytes")
    try:
        content = msgspec.json.decode(data, type=_File)
    except msgspec.ValidationError as error:
        raise _other_schema(path, f": {error}") from error
    except (ValueError, RecursionError) as error:
        raise BaselineError(f"{path}: is not JSON: {error}") from error
    if content.schema != SCHEMA:
        raise _other_schema(path)
    return Baseline(content.known)


def _other_schema(path: Path, why: str = "") -> BaselineError:
    advice = "--tf-update-baseline writes one"
    return BaselineError(f"{path}: is not a baseline of schema {SCHEMA}{why}; {advice}")
