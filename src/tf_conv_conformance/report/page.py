"""Renders columns of record files as one HTML file that needs nothing else."""

from __future__ import annotations

import base64
import gzip
from collections.abc import Mapping, Sequence
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode

import msgspec
from jinja2 import Environment, PackageLoader, StrictUndefined

from tf_conv_conformance.records.changes import Changes
from tf_conv_conformance.records.merge import Column
from tf_conv_conformance.records.series import disagreement, runtimes
from tf_conv_conformance.report import overview
from tf_conv_conformance.report.calls import CallRow, by_column, call_rows
from tf_conv_conformance.report.matrix import matrices
from tf_conv_conformance.report.modes import by_operator, verdicts
from tf_conv_conformance.report.multiples import rows
from tf_conv_conformance.report.novelty import novelty
from tf_conv_conformance.report.payload import HASH, chunks, index
from tf_conv_conformance.report.statements import most_contradicted, statements
from tf_conv_conformance.report.unsupported import reasons
from tf_conv_conformance.report.versions import differing_facts, lines, patterns, version

LISTED = 12  # failures at the top; the list of calls has all
CONTRADICTED = 8  # rules that the overview names
MATRICES = 200  # that are drawn: a sweep may have one for each of its inputs
SCRIPTS = (
    "data.js",
    "picture.js",
    "markdown.js",
    "detail.js",
    "list.js",
    "facets.js",
    "page.js",
)
"""The parts of the page's script; each builds on those before it."""
COMPRESSION = 7  # takes half of the time of 9, for pages that are a twenty-fifth larger


def render(columns: Sequence[Column], changes: Changes | None = None) -> str:
    """Return the page of one or more subjects, with the `changes` of one of them.

    Text from records stays text: Jinja2 escapes it, and the script sets it as text.
    """
    return _environment().get_template("index.html.j2").render(**_values(columns, changes))


@cache
def _environment() -> Environment:
    """Return what renders the templates, which it compiles once."""
    environment = Environment(
        loader=PackageLoader("tf_conv_conformance.report"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["ranges"] = ranges
    environment.filters["runtimes"] = runtimes
    environment.filters["disagreement"] = disagreement
    return environment


def _values(columns: Sequence[Column], changes: Changes | None) -> dict[str, Any]:
    """Return the values of the templates."""
    assets = files("tf_conv_conformance.report") / "templates"
    calls = call_rows(columns)
    apart = by_column(columns, calls)
    newest, latest = columns[-1], apart[-1]
    drawn = matrices(latest)
    numbers = _changed_numbers(columns, apart, changes)
    rules = list(statements(calls, newest.sentences))
    return {
        "style": (assets / "style.css").read_text(encoding="utf-8"),
        "script": "\n".join((assets / name).read_text(encoding="utf-8") for name in SCRIPTS),
        "columns": [_column(column, own) for column, own in zip(columns, apart, strict=True)],
        "total": len(calls),
        "changes": changes,
        "numbers_of": lambda ids: [numbers[identifier] for identifier in ids],
        "link": lambda call: _link(call, columns),
        "filtered": lambda **given: _filtered(given, columns),
        "coverage": overview.coverage(latest),
        "failing": overview.in_modes(overview.new_failures(calls)),
        "known": overview.in_modes(call for call in calls if call.known),
        "listed_most": LISTED,
        "unobserved": overview.unobserved(calls),
        "patterns": patterns(columns, calls) if len(columns) > 1 else [],
        "lines": lines(columns),
        "versions": [version(column) for column in columns],
        "differing": differing_facts(columns),
        "operators": by_operator(latest, newest.subject),
        "mode_verdicts": verdicts(latest),
        "multiples": rows(latest),
        "matrices": drawn[:MATRICES],
        "disagreeing": any(matrix.disagrees for matrix in drawn[:MATRICES]),
        "matrices_left": max(0, len(drawn) - MATRICES),
        "statements": rules,
        "contradicted": most_contradicted(rules)[:CONTRADICTED],
        "index": packed(index(columns, calls)),
        "chunks": [packed(chunk) for chunk in chunks(calls)],
    }


def _column(column: Column, calls: Sequence[CallRow]) -> dict[str, Any]:
    """Return what the head of the page shows of a subject."""
    return {
        "label": column.label,
        "short": (column.subject and column.subject.get("name")) or column.label,
        "subject": column.subject,
        "header": column.records.header,
        "lacks": column.records.lacks,
        "missing": column.records.missing,
        "novelty": novelty(column.records),
        "outcome": overview.outcome(calls),
        "totals": overview.totals(calls),
        "unsupported": reasons([column.records]),
    }


def _link(call: CallRow, columns: Sequence[Column]) -> str:
    """Return the address of a call: by its id, and by its content if the id is another now."""
    label = f" @ {columns[call.column].label}" if len(columns) > 1 else ""
    return f"#{quote(call.call['id'] + label, safe='')}?h={call.call['hash'][:HASH]}"


def _filtered(given: Mapping[str, str], columns: Sequence[Column]) -> str:
    """Return the address of the calls with these values, of the newest subject unless given."""
    version = {"version": columns[-1].label} if len(columns) > 1 else {}
    return f"#?{urlencode({**version, **given})}"


def _changed_numbers(
    columns: Sequence[Column], apart: Sequence[Sequence[CallRow]], changes: Changes | None
) -> dict[str, int]:
    """Return the numbers by id of the calls in the column that changes are about."""
    if changes is None:
        return {}
    labels = [column.label for column in columns]
    place = labels.index(changes.new) if changes.new in labels else -1
    return {call.call["id"]: call.number for call in apart[place]}


def ranges(numbers: Sequence[int]) -> str:
    """Return numbers as text, consecutive ones as a range: ``3-7,9``."""
    found: list[list[int]] = []
    for number in sorted(numbers):
        if found and number == found[-1][1] + 1:
            found[-1][1] = number
        else:
            found.append([number, number])
    return ",".join(str(first) if first == last else f"{first}-{last}" for first, last in found)


def packed(value: Any) -> str:
    """Return a value as compressed JSON in base64, in which no HTML parser can find markup."""
    data = gzip.compress(msgspec.json.encode(value), COMPRESSION, mtime=0)
    return base64.b64encode(data).decode("ascii")


def write(columns: Sequence[Column], path: Path, changes: Changes | None = None) -> None:
    """Render runs to a file, and replace what was there."""
    path.write_text(render(columns, changes), encoding="utf-8", newline="\n")
