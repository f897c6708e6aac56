"""Writes the pages of docs/versions from record files: ``python docs/versions/make.py RECORDS...``.

Folders are searched for record files. Runs may be incomplete.
"""

from __future__ import annotations

import json
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

from tf_conv_conformance.records.load import load_columns
from tf_conv_conformance.records.merge import Column
from tf_conv_conformance.report.calls import ORDER, CallRow, by_column, call_rows
from tf_conv_conformance.report.escape import markdown, table_head
from tf_conv_conformance.report.versions import (
    Pattern,
    VersionLine,
    VersionRange,
    lines,
    patterns,
    version,
)

HERE = Path(__file__).parent
HEAD = """# Version by version

The results of the shipped cases on each TensorFlow, and each call whose result differs between
them. Made from record files by `docs/versions/make.py`; [outcomes.json](outcomes.json) has the same
for programs.
"""


def main(paths: Sequence[str], folder: Path = HERE) -> None:
    """Write README.md and outcomes.json."""
    columns = load_columns([Path(path) for path in paths], partial=True)
    calls = call_rows(columns)
    found = patterns(columns, calls)
    write(folder / "README.md", page(columns, calls, found))
    write(folder / "outcomes.json", outcomes(columns, found, calls))


def write(path: Path, text: str) -> None:
    path.write_text(text, encoding="utf-8", newline="\n")


def page(columns: Sequence[Column], calls: Sequence[CallRow], found: Sequence[Pattern]) -> str:
    """Return the subjects, how many calls changed with each version, and the changes by folder."""
    own_lines = lines(columns)
    parts = [HEAD, *subjects(columns, calls), *counts(columns, own_lines, found)]
    for name in sorted(set(map(folder_of, found))):
        parts += table(columns, own_lines, name, [one for one in found if folder_of(one) == name])
    return "\n".join(parts) + "\n"


def subjects(columns: Sequence[Column], calls: Sequence[CallRow]) -> Iterator[str]:
    verdicts = [verdict for verdict in ORDER if any(call.verdict == verdict for call in calls)]
    yield from ("## Subjects", "")
    yield from table_head("TensorFlow", "Python, NumPy", *verdicts)
    for column, own in zip(columns, by_column(columns, calls), strict=True):
        count = Counter(call.verdict for call in own)
        subject = column.subject
        built = f"{subject['python']}, {subject['numpy']}" if subject else "none"
        name = version(column) + (" with oneDNN" if subject and subject["onednn"] else "")
        numbers = " | ".join(f"{count[verdict]:,}" for verdict in verdicts)
        yield f"| {markdown(name)} | {markdown(built)} | {numbers} |"
    cpus = sorted({column.subject["cpu"]["name"] for column in columns if column.subject})
    yield from ("", f"On {', '.join(map(markdown, cpus))}.", "")


def counts(
    columns: Sequence[Column], own_lines: Sequence[VersionLine], found: Sequence[Pattern]
) -> Iterator[str]:
    """Yield the table of how many calls changed with each version, a column for each line."""
    changed: Counter[tuple[str, str]] = Counter()
    for pattern in found:
        for line, ranges in zip(own_lines, pattern.lines, strict=True):
            for one in with_result(ranges)[1:]:
                changed[line.name, version(columns[one.places[0]])] += pattern.count
    later = {
        line.name: {version(columns[place]) for place in line.places[1:]} for line in own_lines
    }
    names = list(later)
    yield from ("## How many calls changed with each version", "")
    yield from table_head("version", *names)
    for one in dict.fromkeys(map(version, columns)):
        numbers = [f"{changed[name, one]:,}" if one in later[name] else "" for name in names]
        yield f"| {one} | {' | '.join(numbers)} |"
    yield ""


def folder_of(pattern: Pattern) -> str:
    return pattern.case.rpartition("::")[0].rpartition("/")[0]


def table(
    columns: Sequence[Column],
    own_lines: Sequence[VersionLine],
    folder: str,
    found: Sequence[Pattern],
) -> Iterator[str]:
    yield from (f"## {folder}", "")
    yield from table_head("calls", "such as", *(line.name for line in own_lines), "reported")
    for pattern in found:
        example = markdown(pattern.example.removeprefix(folder + "/"))
        cells = " | ".join(cell(columns, ranges) for ranges in pattern.lines)
        links = " ".join(f"[{link.rpartition('/')[2]}]({link})" for link in pattern.links)
        yield f"| {pattern.count} | {example} | {cells} | {links} |"
    yield ""


def with_result(ranges: Sequence[VersionRange]) -> list[VersionRange]:
    return [one for one in ranges if one.look not in ("absent", "missing", "unsupported")]


def cell(columns: Sequence[Column], ranges: Sequence[VersionRange]) -> str:
    found = with_result(ranges)
    if len(found) == 1:
        return markdown(found[0].text)
    return "<br>".join(f"{span(columns, one)}: {markdown(one.text)}" for one in found)


def span(columns: Sequence[Column], one: VersionRange) -> str:
    first, last = version(columns[one.places[0]]), version(columns[one.places[-1]])
    return first if first == last else f"{first} to {last}"


def outcomes(columns: Sequence[Column], found: Sequence[Pattern], calls: Sequence[CallRow]) -> str:
    """Return JSON with a line for each pattern: its calls, and the ranges of each line.

    A range is ``[first version, last version, verdict, outcome]``.
    """
    rows = []
    for pattern in found:
        ids = list(dict.fromkeys(calls[number].call["id"] for number in pattern.calls))
        row = {"calls": ids, "reported": list(pattern.links)}
        for line, ranges in zip(lines(columns), pattern.lines, strict=True):
            row[line.name] = [
                [
                    version(columns[one.places[0]]),
                    version(columns[one.places[-1]]),
                    one.look,
                    one.text,
                ]
                for one in ranges
            ]
        rows.append(json.dumps(row, ensure_ascii=False))
    return "[\n" + ",\n".join(rows) + "\n]\n"


if __name__ == "__main__":
    main(sys.argv[1:])
