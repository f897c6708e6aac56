"""The calls that a report shows, each with its case and its end."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import msgspec

from tf_conv_conformance.convolution.arguments import (
    Arguments,
    Interpretation,
    from_record,
    interpret,
)
from tf_conv_conformance.records.merge import Column
from tf_conv_conformance.records.reader import Records, is_new_failure
from tf_conv_conformance.records.schema import CallLine, CaseLine, EndLine, ObservedRecord
from tf_conv_conformance.verdict.kinds import FAILING, PASSING, Kind

Pair = tuple[int, int]
"""A stride or a rate of height and width."""
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
    "unmeasured",
    "deviates",
    "unsupported",
    "refused",
    "conforms",
)
"""Verdicts in the order of a report: failures first."""


@dataclass(frozen=True, slots=True)
class CallRow:
    """A call of one subject with its end and its case.

    `number` is its place on the page, from 0, and `column` that of its subject.
    """

    number: int
    column: int
    call: CallLine
    end: EndLine
    case: CaseLine
    arguments: Arguments
    interpretation: Interpretation | None

    @property
    def verdict(self) -> Kind:
        """The verdict."""
        return self.end["verdict"]

    @property
    def new(self) -> bool:
        """Whether it fails otherwise than a baseline says."""
        return is_new_failure(self.end)

    @property
    def known(self) -> bool:
        """Whether it fails just as a baseline says."""
        return self.verdict in FAILING and not self.new

    @property
    def by_expect(self) -> bool:
        """Whether it passes by the `expect` of its case, against the documentation."""
        return self.end.get("by_expect", False)

    @property
    def supports(self) -> tuple[str, ...]:
        """The rules that it supports: those about a result, or those that refuse the call."""
        if self.verdict not in PASSING or self.by_expect:
            return ()
        if self.verdict == "conforms":
            return tuple(self.call["rules"])
        return tuple(self.call["predicted"]["refuses"] or ())

    @property
    def observed(self) -> ObservedRecord:
        """What the subject did; empty if the call was not made."""
        return self.end.get("observed", {})

    @property
    def observed_shape(self) -> list[int] | None:
        """The shape of the result, if there is one."""
        return self.observed.get("shape")

    @property
    def steps(self) -> tuple[Pair, Pair] | None:
        """The stride and the rate of height and width; None if the arguments have no meaning."""
        if self.interpretation is None:
            return None
        meaning = self.interpretation
        height, width = meaning.axes if meaning.dimensions == 2 else (meaning.width,) * 2
        return (height.stride, width.stride), (height.rate, width.rate)

    @property
    def stride(self) -> str:
        """The stride as text; empty if the arguments have no meaning."""
        return pair_text(self.steps[0]) if self.steps else ""

    @property
    def rate(self) -> str:
        """The rate as text; empty if the arguments have no meaning."""
        return pair_text(self.steps[1]) if self.steps else ""

    @property
    def padding(self) -> str:
        """The padding as text: SAME, VALID, or explicit."""
        padding = self.arguments.padding
        return padding.upper() if isinstance(padding, str) else "explicit"


def pair_text(pair: Pair) -> str:
    """Return a stride or a rate as text: one number, or two if height and width differ."""
    return str(pair[0]) if pair[0] == pair[1] else f"{pair[0]},{pair[1]}"


def call_rows(columns: Sequence[Column]) -> list[CallRow]:
    """Return every planned call of every subject, by case file and line.

    Equal arguments are one object. A call without an end is missing.
    """
    rows: list[CallRow] = []
    known: dict[bytes, tuple[Arguments, Interpretation | None]] = {}
    for place, column in enumerate(columns):
        records = column.records
        for call in _by_place(records):
            end = records.ends.get(call["id"]) or _missing(call, records)
            key = msgspec.json.encode(call["arguments"])
            if key not in known:
                arguments = from_record(call["arguments"])
                known[key] = (arguments, interpret(arguments))
            case = records.cases[call["case"]]
            rows.append(CallRow(len(rows), place, call, end, case, *known[key]))
    return rows


def by_column(columns: Sequence[Column], calls: Iterable[CallRow]) -> list[list[CallRow]]:
    """Return the calls of each column."""
    found: list[list[CallRow]] = [[] for _ in columns]
    for call in calls:
        found[call.column].append(call)
    return found


def _by_place(records: Records) -> Iterator[CallLine]:
    """Yield the calls by case file and line, whatever the order of the tests was."""
    by_case: dict[str, list[CallLine]] = {key: [] for key in records.cases}
    for call in records.calls.values():
        by_case[call["case"]].append(call)
    for case in sorted(records.cases.values(), key=lambda case: (case["file"], case["line"])):
        yield from by_case[case["key"]]


def _missing(call: CallLine, records: Records) -> EndLine:
    started = call["id"] in records.started
    return {
        "type": "end",
        "id": call["id"],
        "subject": None,
        "verdict": "missing",
        "reason": f"the run ended {'while' if started else 'before'} it was made",
        "rules": [],
        "data": [],
    }
