"""Summarises columns in GitHub's Markdown, for the page of a CI run."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence

from tf_conv_conformance.convolution.quantity import quantity
from tf_conv_conformance.records.changes import Changes
from tf_conv_conformance.records.disagreement import comparable, disagreements
from tf_conv_conformance.records.merge import Column
from tf_conv_conformance.report.calls import ORDER, CallRow, by_column, call_rows
from tf_conv_conformance.report.escape import markdown, table_head
from tf_conv_conformance.report.overview import outcome

ROWS = 20  # of a table, at most
LIMIT = 60_000  # bytes; GitHub takes 1 MiB a step, more than people read


def summary(columns: Sequence[Column], changes: Changes | None = None) -> str:
    """Return outcomes, failures, changes and disagreements, with text from records as code."""
    calls = by_column(columns, call_rows(columns))
    return _cut(
        [
            "# TensorFlow convolution conformance",
            *_outcomes(columns, calls),
            *_verdicts(columns, calls),
            *_failures("Failing", columns, [[call for call in own if call.new] for own in calls]),
            *_failures(
                "Known failures", columns, [[call for call in own if call.known] for own in calls]
            ),
            *(_changes(changes) if changes else ()),
            *(_disagreements(columns) if len(columns) > 1 else ()),
        ]
    )


def _cut(lines: Sequence[str]) -> str:
    """Return the first lines as text of at most `LIMIT` bytes."""
    note = "\nThe summary is cut here; the HTML report has the rest.\n"
    kept: list[str] = []
    size = len(note.encode())
    for line in lines:
        size += len(line.encode()) + 1
        if size > LIMIT:
            return "\n".join(kept) + "\n" + note
        kept.append(line)
    return "\n".join(kept) + "\n"


def _table(heads: Sequence[str], rows: Sequence[Sequence[str]], what: str) -> Iterator[str]:
    """Yield a table of the first rows, and the number of others; nothing without rows."""
    if not rows:
        return
    yield ""
    yield from table_head(*heads)
    yield from (f"| {' | '.join(row)} |" for row in rows[:ROWS])
    if len(rows) > ROWS:
        yield from ("", f"… and {len(rows) - ROWS:,} more {what}.")


def _outcomes(columns: Sequence[Column], calls: Sequence[Sequence[CallRow]]) -> Iterator[str]:
    yield ""
    for column, own in zip(columns[:ROWS], calls, strict=False):
        lacks = "; ".join(column.records.lacks)
        partial = f" The run is partial: {lacks}." if lacks else ""
        yield f"- {markdown(column.label)}: {outcome(own)}{partial}"


def _verdicts(columns: Sequence[Column], calls: Sequence[Sequence[CallRow]]) -> Iterator[str]:
    counts = [Counter(call.verdict for call in own) for own in calls]
    verdicts = [verdict for verdict in ORDER if any(count[verdict] for count in counts)]
    known = [sum(call.known for call in own) for own in calls]
    heads = ["TensorFlow", "calls", *verdicts]
    rows = [
        [markdown(column.label), *_numbers([count.total(), *(count[name] for name in verdicts)])]
        for column, count in zip(columns, counts, strict=True)
    ]
    if any(known):
        heads.append("known failures")
        rows = [[*row, *_numbers([number])] for row, number in zip(rows, known, strict=True)]
    yield from _table(heads, rows, "subjects")


def _numbers(numbers: Sequence[int]) -> list[str]:
    return [f"{number:,}" for number in numbers]


def _failures(
    title: str, columns: Sequence[Column], calls: Sequence[Sequence[CallRow]]
) -> Iterator[str]:
    """Yield each failing call once, with the columns in which it fails in the same way."""
    labels: dict[tuple[int, str, str, str], list[str]] = {}
    for column, own in zip(columns, calls, strict=True):
        for call in own:
            where = f"{call.case['file']}:{call.case['line']}"
            key = (ORDER.index(call.verdict), call.call["id"], where, call.end["reason"])
            labels.setdefault(key, []).append(column.label)
    if not labels:
        return
    rows = [
        [
            ORDER[rank],
            markdown(identifier),
            markdown(where),
            markdown(reason, 300),
            markdown(", ".join(labels[rank, identifier, where, reason]), 100),
        ]
        for rank, identifier, where, reason in sorted(labels, key=lambda key: key[0])
    ]
    yield from ("", f"## {title}")
    yield from _table(["verdict", "call", "case", "why", "on"], rows, "calls")


def _changes(changes: Changes) -> Iterator[str]:
    yield from ("", f"## Changed since {markdown(changes.old)}", "", changes.sentence)
    rows = [
        [
            f"{len(group.ids):,}",
            markdown(group.case),
            markdown(group.kind),
            markdown(group.example.words, 120),
            markdown(group.example.id),
        ]
        for group in changes.groups()
    ]
    yield from _table(["calls", "case", "change", "for example", "in call"], rows, "ways")
    for head, found, what in (
        ("environment", changes.environment, "facts"),
        ("documentation of", changes.documentation, "rules"),
    ):
        facts = [[markdown(fact.name), _fact(fact.old), _fact(fact.new)] for fact in found]
        yield from _table([head, "before", "now"], facts, what)


def _fact(value: str | None) -> str:
    return "none" if value is None else markdown(value, 300) if value else "empty"


def _disagreements(columns: Sequence[Column]) -> Iterator[str]:
    found = disagreements(columns)
    calls, total = sum(len(one.ids) for one in found), comparable(columns)
    yield from ("", "## Disagreements", "")
    verb = "disagrees" if calls == 1 else "disagree"
    of = quantity(total, "call")
    yield f"{calls:,} of the {of} with results in at least two columns {verb}."
    rows = [
        [
            f"{len(one.ids):,}",
            markdown(one.case),
            _pattern(columns, one.pattern),
            ", ".join(one.aspects),
            markdown(one.ids[0]),
        ]
        for one in found
    ]
    yield from _table(["calls", "case", "results", "differ in", "for example"], rows, "ways")


def _pattern(columns: Sequence[Column], pattern: Sequence[str]) -> str:
    """Return the columns by their result."""
    labels: dict[str, list[str]] = {}
    for column, result in zip(columns, pattern, strict=True):
        labels.setdefault(result, []).append(column.label)
    return "; ".join(
        f"{markdown(result)}: {markdown(', '.join(own), 100)}" for result, own in labels.items()
    )
