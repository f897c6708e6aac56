"""Columns of calls → a page of Markdown on what changed with which version, and the same for programs."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Sequence

from tf_conv_conformance.records.merge import Column
from tf_conv_conformance.report.calls import ORDER, Shown, by_column
from tf_conv_conformance.report.escape import markdown, table_head
from tf_conv_conformance.report.versions import Line, Pattern, Run, lines, version

_HEAD = """# Version by version

What the shipped cases saw on each TensorFlow, and each call whose outcome is not the same on all of them. Made from record files by
`tf-conv-conformance versions`; [outcomes.json](outcomes.json) has the same for programs.
"""


def page(columns: Sequence[Column], calls: Sequence[Shown], patterns: Sequence[Pattern]) -> str:
    """The page: the subjects, how many calls changed with each version, and what changed, a table for each folder of cases."""
    of = lines(columns)
    parts = [_HEAD, *_subjects(columns, calls), *_counts(columns, of, patterns)]
    for folder in sorted({_folder(pattern) for pattern in patterns}):
        parts += _table(
            columns, of, folder, [pattern for pattern in patterns if _folder(pattern) == folder]
        )
    return "\n".join(parts) + "\n"


def _subjects(columns: Sequence[Column], calls: Sequence[Shown]) -> Iterator[str]:
    verdicts = [verdict for verdict in ORDER if any(call.verdict == verdict for call in calls)]
    yield from ("## What was asked", "")
    yield from table_head("TensorFlow", "Python, NumPy", *verdicts)
    for column, own in zip(columns, by_column(columns, calls), strict=True):
        counts = Counter(call.verdict for call in own)
        built = markdown(
            f"{column.subject['python']}, {column.subject['numpy']}" if column.subject else "none"
        )
        numbers = " | ".join(f"{counts[verdict]:,}" for verdict in verdicts)
        yield f"| {markdown(_told(column))} | {built} | {numbers} |"
    cpus = sorted({column.subject["cpu"]["name"] for column in columns if column.subject})
    yield from ("", f"On {', '.join(map(markdown, cpus))}.", "")


def _told(column: Column) -> str:
    onednn = bool(column.subject and column.subject["onednn"])
    return version(column) + (" with oneDNN" if onednn else "")


def _counts(
    columns: Sequence[Column], of: Sequence[Line], patterns: Sequence[Pattern]
) -> Iterator[str]:
    """How many calls came to something else with each version, a column for each line."""
    versions = list(dict.fromkeys(version(column) for column in columns))
    found: Counter[tuple[str, str]] = Counter()
    for pattern in patterns:
        for line, runs in zip(of, pattern.lines, strict=True):
            for run in _told_runs(runs)[1:]:
                found[line.name, version(columns[run.places[0]])] += pattern.count
    yield from ("## How many calls changed with each version", "")
    yield from table_head("version", *(line.name for line in of))
    for one in versions:
        numbers = [
            f"{found[line.name, one]:,}"
            if one in {version(columns[place]) for place in line.places[1:]}
            else ""
            for line in of
        ]
        yield f"| {one} | {' | '.join(numbers)} |"
    yield ""


def _folder(pattern: Pattern) -> str:
    return pattern.case.rpartition("::")[0].rpartition("/")[0]


def _table(
    columns: Sequence[Column], of: Sequence[Line], folder: str, patterns: Sequence[Pattern]
) -> Iterator[str]:
    yield from (f"## {folder}", "")
    yield from table_head("calls", "such as", *(line.name for line in of), "reported")
    for pattern in patterns:
        cells = " | ".join(_cell(columns, runs) for runs in pattern.lines)
        links = " ".join(f"[{link.rpartition('/')[2]}]({link})" for link in pattern.links)
        yield f"| {pattern.count} | {markdown(pattern.example.removeprefix(folder + '/'))} | {cells} | {links} |"
    yield ""


def _told_runs(runs: Sequence[Run]) -> list[Run]:
    """The runs in which something came out."""
    return [run for run in runs if run.look not in ("absent", "missing", "unsupported")]


def _cell(columns: Sequence[Column], runs: Sequence[Run]) -> str:
    told = _told_runs(runs)
    if len(told) == 1:
        return f"{markdown(told[0].text)}"
    return "<br>".join(f"{_span(columns, run)}: {markdown(run.text)}" for run in told)


def _span(columns: Sequence[Column], run: Run) -> str:
    first, last = version(columns[run.places[0]]), version(columns[run.places[-1]])
    return first if first == last else f"{first} to {last}"


def outcomes(columns: Sequence[Column], patterns: Sequence[Pattern], calls: Sequence[Shown]) -> str:
    """The same as JSON, a line a pattern: its calls, and for each line of versions ``[first, last, verdict, what came out]``."""
    of = lines(columns)
    rows = []
    for pattern in patterns:
        ids = list(dict.fromkeys(calls[number].call["id"] for number in pattern.calls))
        told = {
            line.name: [
                [
                    version(columns[run.places[0]]),
                    version(columns[run.places[-1]]),
                    run.look,
                    run.text,
                ]
                for run in runs
            ]
            for line, runs in zip(of, pattern.lines, strict=True)
        }
        rows.append(
            json.dumps({"calls": ids, "reported": list(pattern.links), **told}, ensure_ascii=False)
        )
    return "[\n" + ",\n".join(rows) + "\n]\n"
