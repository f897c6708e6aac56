"""Columns of record files → one HTML file that needs nothing else."""

from __future__ import annotations

import base64
import gzip
import json
from collections.abc import Sequence
from importlib.resources import files
from pathlib import Path
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined

from tf_conv_conformance.records.changes import Changes
from tf_conv_conformance.records.merge import Column
from tf_conv_conformance.report import calls as view
from tf_conv_conformance.report.matrix import matrices
from tf_conv_conformance.report.payload import chunks, index
from tf_conv_conformance.report.statements import statements
from tf_conv_conformance.report.versions import lines, patterns, version

MATRICES = 200  # that are drawn: a sweep may have one for each of its inputs
SCRIPTS = ("data.js", "picture.js", "detail.js", "list.js", "page.js")
"""The parts of the page's script, in the order in which they build on each other."""


LEVEL = 7  # of the compression: half of the time of 9, for pages that are a twenty-fifth larger


def render(columns: Sequence[Column], changes: Changes | None = None) -> str:
    """The page for one or more subjects; `changes` are those of one of them since an earlier run.

    Whatever the records hold stays text: Jinja2 escapes it, and the script sets it as text.
    """
    environment = Environment(
        loader=PackageLoader("tf_conv_conformance.report"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["ranges"] = ranges
    assets = files("tf_conv_conformance.report") / "templates"
    calls = view.shown(columns)
    apart = view.by_column(columns, calls)
    newest, latest = columns[-1], apart[-1]
    held = next(
        (
            own
            for column, own in zip(columns, apart, strict=True)
            if changes and column.label == changes.new
        ),
        latest,
    )
    numbers = {call.call["id"]: call.number for call in held}
    drawn = matrices(latest)
    return environment.get_template("index.html.j2").render(
        style=(assets / "style.css").read_text(encoding="utf-8"),
        script="\n".join((assets / name).read_text(encoding="utf-8") for name in SCRIPTS),
        columns=[_column(column, own) for column, own in zip(columns, apart, strict=True)],
        total=len(calls),
        totals=view.totals(calls),
        changes=changes,
        numbers_of=lambda ids: [numbers[identifier] for identifier in ids],
        coverage=view.coverage(latest),
        failing=view.failing(calls),
        known=[call for call in calls if call.known],
        unobserved=view.unobserved(calls),
        patterns=patterns(columns, calls) if len(columns) > 1 else [],
        lines=lines(columns),
        versions=[version(column) for column in columns],
        matrices=drawn[:MATRICES],
        matrices_left=max(0, len(drawn) - MATRICES),
        statements=list(statements(calls, newest.sentences)),
        index=packed(index(columns, calls)),
        chunks=[packed(chunk) for chunk in chunks(calls)],
    )


def _column(column: Column, calls: Sequence[view.Shown]) -> dict[str, Any]:
    """What the head of the page says of a subject."""
    return {
        "label": column.label,
        "subject": column.subject,
        "header": column.records.header,
        "lacks": column.records.lacks,
        "missing": column.records.missing,
        "outcome": view.outcome(calls),
        "totals": view.totals(calls),
    }


def ranges(numbers: Sequence[int]) -> str:
    """Numbers as text, those that follow each other as a range: ``3-7,9``."""
    found: list[list[int]] = []
    for number in sorted(numbers):
        if found and number == found[-1][1] + 1:
            found[-1][1] = number
        else:
            found.append([number, number])
    return ",".join(str(first) if first == last else f"{first}-{last}" for first, last in found)


def packed(value: Any) -> str:
    """A value as JSON, compressed, in base64: text that no HTML parser can take for markup."""
    data = json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()
    return base64.b64encode(gzip.compress(data, LEVEL, mtime=0)).decode("ascii")


def write(columns: Sequence[Column], path: Path, changes: Changes | None = None) -> None:
    """Render runs to a file, in place of what was there."""
    path.write_text(render(columns, changes), encoding="utf-8", newline="\n")
