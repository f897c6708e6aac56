"""Columns → a summary in GitHub's Markdown, for the page of a CI run."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence

from tf_conv_conformance.records.changes import Changes
from tf_conv_conformance.records.disagreement import comparable, disagreements
from tf_conv_conformance.records.merge import Column
from tf_conv_conformance.report.calls import ORDER, Shown, by_column, outcome, shown
from tf_conv_conformance.report.escape import markdown, table_head

SHOWN = 20
"""How many rows a table has at most."""
LIMIT = 60_000
"""How many bytes the summary has at most; GitHub takes 1 MiB a step, and shows what people read."""


def summary(columns: Sequence[Column], changes: Changes | None = None) -> str:
    """The summary: what came out, what fails, what changed, where the columns disagree. All text of records is shown as code."""
    calls = by_column(columns, shown(columns))
    return _bounded(
        [
            "# TensorFlow convolution conformance",
            *_outcomes(columns, calls),
            *_verdicts(columns, calls),
            *_failing(columns, calls),
            *(_changes(changes) if changes else ()),
            *(_disagreements(columns) if len(columns) > 1 else ()),
        ]
    )


def _bounded(lines: Sequence[str]) -> str:
    """The lines as text, cut before it becomes too long."""
    cut = "\nThe summary is cut here; the HTML report has the rest.\n"
    kept: list[str] = []
    size = len(cut.encode())
    for line in lines:
        size += len(line.encode()) + 1
        if size > LIMIT:
            return "\n".join(kept) + "\n" + cut
        kept.append(line)
    return "\n".join(kept) + "\n"


def _table(heads: Sequence[str], rows: Sequence[Sequence[str]], more: str) -> Iterator[str]:
    """A table of the first rows, and how many more there are of what; nothing where there are none."""
    if not rows:
        return
    yield ""
    yield from table_head(*heads)
    yield from ("| " + " | ".join(row) + " |" for row in rows[:SHOWN])
    if len(rows) > SHOWN:
        yield ""
        yield f"… and {len(rows) - SHOWN:,} more {more}."


def _outcomes(columns: Sequence[Column], calls: Sequence[Sequence[Shown]]) -> Iterator[str]:
    yield ""
    for column, made in zip(columns[:SHOWN], calls, strict=False):
        partial = (
            f" The run is partial: {'; '.join(column.records.lacks)}."
            if column.records.lacks
            else ""
        )
        yield f"- {markdown(column.label)}: {outcome(made)}{partial}"


def _verdicts(columns: Sequence[Column], calls: Sequence[Sequence[Shown]]) -> Iterator[str]:
    counts = [Counter(call.verdict for call in made) for made in calls]
    names = [verdict for verdict in ORDER if any(count[verdict] for count in counts)]
    known = [sum(call.known for call in made) for made in calls]
    rows = [
        [
            markdown(column.label),
            f"{count.total():,}",
            *(f"{count[name]:,}" for name in names),
            *([f"{of:,}"] if any(known) else []),
        ]
        for column, count, of in zip(columns, counts, known, strict=True)
    ]
    yield from _table(
        ["TensorFlow", "calls", *names, *(["known failures"] if any(known) else [])],
        rows,
        "subjects",
    )


def _failing(columns: Sequence[Column], calls: Sequence[Sequence[Shown]]) -> Iterator[str]:
    """The new failures, and apart from them those that the baseline knows."""
    yield from _failures(
        "Failing", columns, [[call for call in made if call.new] for made in calls]
    )
    yield from _failures(
        "Known failures", columns, [[call for call in made if call.known] for made in calls]
    )


def _failures(
    title: str, columns: Sequence[Column], calls: Sequence[Sequence[Shown]]
) -> Iterator[str]:
    """Each of the calls once, with the columns in which it fails in the same way."""
    found: dict[tuple[str, str, str, str], list[str]] = {}
    for column, made in zip(columns, calls, strict=True):
        for call in made:
            where = f"{call.case['file']}:{call.case['line']}"
            found.setdefault((call.verdict, call.call["id"], where, call.end["reason"]), []).append(
                column.label
            )
    if not found:
        return
    rows = [
        [
            verdict,
            markdown(identifier),
            markdown(where),
            markdown(reason, 300),
            markdown(", ".join(labels), 100),
        ]
        for (verdict, identifier, where, reason), labels in sorted(
            found.items(), key=lambda item: ORDER.index(item[0][0])
        )
    ]
    yield from ("", f"## {title}")
    yield from _table(["verdict", "call", "case", "why", "on"], rows, "calls")


def _changes(changes: Changes) -> Iterator[str]:
    yield from ("", f"## Changed since {markdown(changes.old)}", "", changes.sentence)
    rows = [
        [
            f"{len(one.ids):,}",
            markdown(one.case),
            markdown(one.kind),
            markdown(one.example.words, 120),
            markdown(one.example.id),
        ]
        for one in changes.groups()
    ]
    yield from _table(["calls", "case", "change", "for example", "in call"], rows, "ways")
    facts = [[markdown(one.name), _fact(one.old), _fact(one.new)] for one in changes.environment]
    yield from _table(["environment", "before", "now"], facts, "facts")
    rules = [[markdown(one.rule), _fact(one.old), _fact(one.new)] for one in changes.documentation]
    yield from _table(["documentation of", "before", "now"], rules, "rules")


def _fact(value: str | None) -> str:
    return "none" if value is None else markdown(value, 300) if value else "empty"


def _disagreements(columns: Sequence[Column]) -> Iterator[str]:
    found = disagreements(columns)
    calls = sum(len(one.ids) for one in found)
    yield from ("", "## Disagreements", "")
    yield f"{calls:,} of the {comparable(columns):,} calls with results in at least two columns disagree."
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
    """The columns by what came out in them."""
    by_state: dict[str, list[str]] = {}
    for column, state in zip(columns, pattern, strict=True):
        by_state.setdefault(state, []).append(column.label)
    return "; ".join(
        f"{markdown(state)}: {markdown(', '.join(labels), 100)}"
        for state, labels in by_state.items()
    )
