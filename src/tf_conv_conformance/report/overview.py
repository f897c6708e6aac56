"""What the calls of a report amount to: totals, sentences, and what was not observed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from tf_conv_conformance.convolution.arguments import Arguments
from tf_conv_conformance.prediction.exclusions import in_order, word
from tf_conv_conformance.records.schema import CaseLine, DeviationRecord
from tf_conv_conformance.report.calls import ORDER, CallRow
from tf_conv_conformance.verdict.kinds import KINDS, Kind


def totals(calls: Iterable[CallRow]) -> list[tuple[Kind, int, str]]:
    """Return (verdict, count, meaning) of each verdict that occurs, failures first."""
    counts = Counter(call.verdict for call in calls)
    return [(verdict, counts[verdict], KINDS[verdict]) for verdict in ORDER if counts[verdict]]


def new_failures(calls: Iterable[CallRow]) -> list[CallRow]:
    """Return the calls that fail and are in no baseline, the worst verdicts first."""
    return sorted((call for call in calls if call.new), key=lambda call: ORDER.index(call.verdict))


def in_modes(calls: Iterable[CallRow]) -> list[list[CallRow]]:
    """Return the calls in groups that differ only in the mode, and that fail for the same reason.

    Groups are in the order of their first calls.
    """
    groups: dict[tuple[object, ...], list[CallRow]] = {}
    for call in calls:
        made = call.column, call.case["key"], call.arguments, call.call["relation"]
        groups.setdefault((*made, call.verdict, call.end["reason"]), []).append(call)
    return list(groups.values())


def outcome(calls: Sequence[CallRow]) -> str:
    """Return the outcome of a run in one sentence."""
    counts = Counter(call.verdict for call in calls)
    by_expect = Counter(call.verdict for call in calls if call.by_expect)
    documented = counts - by_expect
    total = f"of {counts.total():,} calls return what TensorFlow documents"
    clauses = [
        (documented["refused"], "are refused, as it documents"),
        (by_expect.total(), "do what their case expects, against the documentation"),
        (counts["deviates"], "deviate as declared"),
        (counts["unmeasured"], "do as documented where the declared deviation was never measured"),
        (counts["unsupported"], "are unsupported here"),
    ]
    parts = [f"{documented['conforms']:,} {total}"]
    parts += [f"{count:,} {words}" for count, words in clauses if count]
    if known := sum(call.known for call in calls):
        parts.append(f"known failures: {known:,}")
    new = Counter(call.verdict for call in calls if call.new)
    failing = [f"{new[verdict]:,} {verdict}" for verdict in ORDER if new[verdict]]
    parts.append(f"needs attention: {', '.join(failing)}" if failing else "no new failures")
    return "; ".join(parts) + "."


def coverage(calls: Iterable[CallRow]) -> str | None:
    """Return how much of the exhaustive scopes was covered, in a sentence; None if none exists."""
    problems: dict[str, int] = {}
    made: dict[str, set[Arguments]] = {}
    for call in calls:
        key, count = call.case["key"], call.case["problems"]
        if not count:
            continue
        problems[key] = count
        if call.verdict not in ("missing", "unsupported"):
            made.setdefault(key, set()).add(call.arguments)
    if not problems:
        return None
    # A call has two axes, each of which covers a problem.
    covered = sum(min(2 * len(made.get(key, ())), count) for key, count in problems.items())
    total = sum(problems.values())
    rest = "" if covered == total else "; --tf-exhaustive calls all of them"
    return (
        f"Exhaustive scopes: {covered:,} of {total:,} combinations of size, filter, stride, rate"
        f" and padding of an axis were called{rest}."
    )


def unobserved(calls: Iterable[CallRow]) -> list[tuple[CaseLine, DeviationRecord, str]]:
    """Return the declared deviations that no call showed, each with its case and why.

    Whether they still exist is unknown.
    """
    cases: dict[str, CaseLine] = {}
    observed: set[tuple[str, str]] = set()
    for call in calls:
        key = call.case["key"]
        cases[key] = call.case
        if call.verdict == "deviates":
            observed.update((key, rule) for rule in call.end["rules"])
    return [
        (case, deviation, _why_unobserved(deviation))
        for key, case in cases.items()
        for deviation in case["deviations"]
        if (key, deviation["rule"]) not in observed
    ]


def _why_unobserved(deviation: DeviationRecord) -> str:
    condition = ", ".join(f"{name} {value}" for name, value in deviation.get("when", {}).items())
    return f"declared when {condition}" if condition else "no call of this run showed it"


@dataclass(frozen=True)
class Exclusions:
    """How many calls of a case are held to an oracle, and how many exclude each wrong oracle."""

    calls: int
    counts: dict[str, int]


def exclusions(calls: Iterable[CallRow]) -> dict[str, Exclusions]:
    """Return the wrong oracles that the calls of each case exclude, by the key of the case.

    Cases without calls that are held to an oracle are left out.
    """
    held: Counter[str] = Counter()
    codes: dict[str, Counter[str]] = {}
    for call in calls:
        if "excludes" in call.end:
            key = call.case["key"]
            held[key] += 1
            codes.setdefault(key, Counter()).update(call.end["excludes"])
    return {
        key: Exclusions(held[key], {word(code): counts[code] for code in in_order(counts)})
        for key, counts in codes.items()
    }
