"""Columns of record files → the calls that the page shows, and what they come to."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import msgspec

from tf_conv_conformance.convolution.arguments import Arguments, from_record
from tf_conv_conformance.prediction.exclusions import in_order, word
from tf_conv_conformance.records.merge import Column
from tf_conv_conformance.records.reader import is_new_failure
from tf_conv_conformance.records.schema import (
    CallLine,
    CaseLine,
    DeviationRecord,
    EndLine,
    ObservedRecord,
)
from tf_conv_conformance.verdict.kinds import FAILING, KINDS, PASSING, Kind

ORDER: tuple[Kind, ...] = (
    "violates",
    "crashed",
    "timed out",
    "unexpected",
    "resolved",
    "flaky",
    "vacuous",
    "suite error",
    "missing",
    "deviates",
    "unsupported",
    "refused",
    "conforms",
)
"""Verdicts as a reader wants them: what fails first."""


@dataclass(frozen=True, slots=True)
class Shown:
    """A call of one subject with its end and its case; `number` is its place on the page, from 0, and `column` its subject's."""

    number: int
    column: int
    call: CallLine
    end: EndLine
    case: CaseLine
    arguments: Arguments

    @property
    def verdict(self) -> str:
        """The verdict's name."""
        return str(self.end["verdict"])

    @property
    def new(self) -> bool:
        """Whether it fails, and not as a baseline says."""
        return is_new_failure(self.end)

    @property
    def known(self) -> bool:
        """Whether it fails just as a baseline says."""
        return self.verdict in FAILING and not self.new

    @property
    def by_expect(self) -> bool:
        """Whether it passes by its case's `expect`, against the documentation."""
        return bool(self.end.get("by_expect", False))

    @property
    def supports(self) -> tuple[str, ...]:
        """The rules that it supports: those that speak about a result, or those by which the call must be refused."""
        if self.verdict not in PASSING or self.by_expect:
            return ()
        return tuple(
            self.call["rules"]
            if self.verdict == "conforms"
            else self.call["predicted"]["refuses"] or ()
        )

    @property
    def observed(self) -> ObservedRecord:
        """What came out; empty where the call was not made."""
        return self.end.get("observed", {})

    @property
    def observed_shape(self) -> list[int] | None:
        """The observed shape, if a value came out."""
        return self.observed.get("shape")


def shown(columns: Sequence[Column]) -> list[Shown]:
    """Every planned call of every subject; one without an end is missing, charged to itself if it had started.

    Equal arguments are one object.
    """
    found: list[Shown] = []
    arguments: dict[bytes, Arguments] = {}
    for place, column in enumerate(columns):
        records = column.records
        for identifier, call in records.calls.items():
            reason = (
                "the run ended while it was made"
                if identifier in records.started
                else "the run ended before it was made"
            )
            missing: EndLine = {
                "type": "end",
                "id": identifier,
                "subject": None,
                "verdict": "missing",
                "reason": reason,
                "rules": [],
                "data": [],
            }
            end = records.ends.get(identifier, missing)
            plain = msgspec.json.encode(call["arguments"])
            if plain not in arguments:
                arguments[plain] = from_record(call["arguments"])
            found.append(
                Shown(len(found), place, call, end, records.cases[call["case"]], arguments[plain])
            )
    return found


def by_column(columns: Sequence[Column], calls: Iterable[Shown]) -> list[list[Shown]]:
    """The calls of each column."""
    found: list[list[Shown]] = [[] for _ in columns]
    for call in calls:
        found[call.column].append(call)
    return found


def totals(calls: Sequence[Shown]) -> list[tuple[str, int, str]]:
    """Return each verdict that occurred: its name, how often, what it means. Failing ones come first."""
    counts = Counter(call.verdict for call in calls)
    return [(verdict, counts[verdict], KINDS[verdict]) for verdict in ORDER if counts[verdict]]


def failing(calls: Sequence[Shown]) -> list[Shown]:
    """The calls that fail and are in no baseline, the worst verdicts first."""
    return sorted((call for call in calls if call.new), key=lambda call: ORDER.index(call.verdict))


@dataclass(frozen=True)
class Excluded:
    """Of the calls of a case that are held to an oracle's values, how many exclude which wrong oracle, by name."""

    calls: int
    counts: dict[str, int]


def excluded(calls: Iterable[Shown]) -> dict[str, Excluded]:
    """The wrong oracles that the calls of each case exclude, by the case's key; none where no values of an oracle were looked for."""
    held = Counter(call.case["key"] for call in calls if "excludes" in call.end)
    codes: dict[str, Counter[str]] = {key: Counter() for key in held}
    for call in calls:
        codes.get(call.case["key"], Counter()).update(call.end.get("excludes", ()))
    return {
        key: Excluded(held[key], {word(code): counts[code] for code in in_order(counts)})
        for key, counts in codes.items()
    }


def coverage(calls: Sequence[Shown]) -> str | None:
    """How much of the exhaustive scopes was covered, in a sentence; None where there is none."""
    made: dict[str, set[Arguments]] = {}
    for call in calls:
        if call.case["problems"] and call.verdict not in ("missing", "unsupported"):
            made.setdefault(call.case["key"], set()).add(call.arguments)
    problems = {
        call.case["key"]: int(call.case["problems"]) for call in calls if call.case["problems"]
    }
    if not problems:
        return None
    covered = sum(min(2 * len(made.get(key, ())), count) for key, count in problems.items())
    return f"{covered:,} of the {sum(problems.values()):,} axis problems of the exhaustive scopes were covered."


def outcome(calls: Sequence[Shown]) -> str:
    """Return the outcome in one sentence."""
    counts = Counter(call.verdict for call in calls)
    new = Counter(call.verdict for call in calls if call.new)
    failing = [f"{new[verdict]:,} {verdict}" for verdict in ORDER if new[verdict]]
    known = sum(call.known for call in calls)
    by_expect = Counter(call.verdict for call in calls if call.by_expect)
    documented = counts - by_expect
    parts = [
        f"{documented['conforms']:,} of {counts.total():,} calls return what TensorFlow documents"
    ]
    if documented["refused"]:
        parts.append(f"{documented['refused']:,} are refused, as it documents")
    if by_expect:
        parts.append(f"{by_expect.total():,} do what their case expects, against the documentation")
    if counts["deviates"]:
        parts.append(f"{counts['deviates']:,} deviate as declared")
    if counts["unsupported"]:
        parts.append(f"{counts['unsupported']:,} are unsupported here")
    if known:
        parts.append(f"known failures: {known:,}")
    parts.append("no new failures" if not failing else "needs attention: " + ", ".join(failing))
    return "; ".join(parts) + "."


def unobserved(calls: Sequence[Shown]) -> list[tuple[CaseLine, DeviationRecord, str]]:
    """Declared deviations that no call showed, each with its case and why: nothing is said about whether they still exist."""
    observed = {
        (call.case["key"], rule)
        for call in calls
        if call.verdict == "deviates"
        for rule in call.end["rules"]
    }
    cases = {call.case["key"]: call.case for call in calls}
    found = []
    for key, case in cases.items():
        for deviation in case["deviations"]:
            if (key, deviation["rule"]) not in observed:
                condition = ", ".join(
                    f"{name} {wanted}" for name, wanted in deviation.get("when", {}).items()
                )
                found.append(
                    (
                        case,
                        deviation,
                        f"declared when {condition}"
                        if condition
                        else "no call of this run showed it",
                    )
                )
    return found
