"""Writes docs/deploying.md: ``python docs/deploying/make.py [RECORDS...]``.

Record files of cases/deploying/calls.yaml, or folders of them, go into outcomes.json first. The
page is made from outcomes.json and page.md.jinja.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from packaging.version import Version

from tf_conv_conformance.convolution.arguments import Arguments, padding_of
from tf_conv_conformance.records.load import load_columns
from tf_conv_conformance.records.outcome import A_VALUE, absent, outcome
from tf_conv_conformance.records.schema import SubjectRecord
from tf_conv_conformance.report.agreement import OTHER, result
from tf_conv_conformance.report.calls import CallRow, call_rows
from tf_conv_conformance.report.escape import table_head

HERE = Path(__file__).parent
OUTCOMES, PAGE = HERE / "outcomes.json", HERE.parent / "deploying.md"
TENSORFLOW = ("eager", "graph", "xla")
COLUMNS = {
    "tensorflow": "TensorFlow",
    "tflite": "TFLite",
    "tflite-reference": "TFLite, reference kernels",
    "litert": "LiteRT",
    "onnx": "ONNX",
}
FACTS = {"tflite": "tflite", "tflite-reference": "tflite", "litert": "litert"}
WORDS = {
    "documented": "as documented",
    "padded as SAME": "as documented for SAME",
    "padded as the phases": "as documented, padded as in phases",
    "only padding": "zeros",
}
Results = dict[str, dict[str, str]]
"""The result of a call by column and version."""


def main(paths: Sequence[str]) -> None:
    """Write outcomes.json if there are record files, and then the page."""
    if paths:
        write(OUTCOMES, text_of(outcomes(list(rows_of(paths)))))
    write(PAGE, page(json.loads(OUTCOMES.read_text(encoding="utf-8"))))


def write(path: Path, text: str) -> None:
    path.write_text(text, encoding="utf-8", newline="\n")


def rows_of(paths: Sequence[str]) -> Iterator[tuple[CallRow, SubjectRecord]]:
    """Yield each call that was made, with its subject."""
    columns = load_columns([Path(path) for path in paths], partial=True)
    for row in call_rows(columns):
        subject = columns[row.column].subject
        if subject is not None and not absent(row.end):
            yield row, subject


def outcomes(rows: Sequence[tuple[CallRow, SubjectRecord]]) -> list[dict[str, Any]]:
    """Return the results of each call: its case, what it is beside its case, and its results."""
    found: dict[tuple[str, str], Results] = {}
    for row, subject in rows:
        column, version = column_and_version(row.call["mode"], subject)
        results = found.setdefault((row.case["id"], variant(row.arguments)), {})
        own = results.setdefault(column, {})
        if own.setdefault(version, word(row)) != word(row):
            raise ValueError(f"{row.call['id']}: two results with {column} {version}")
    return [
        {"case": case, "call": call, "results": results} for (case, call), results in found.items()
    ]


def column_and_version(mode: str, subject: SubjectRecord) -> tuple[str, str]:
    """Return the column of a mode, and the version of what makes the call."""
    if mode in TENSORFLOW:
        return "tensorflow", subject["tensorflow"]
    if mode == "onnx":
        return mode, f"tf2onnx {subject['tf2onnx']}, onnxruntime {subject['onnxruntime']}"
    return mode, str(subject.get(FACTS[mode]))


def variant(arguments: Arguments) -> str:
    """Return the operator and the padding of a call."""
    padding = padding_of(arguments)
    return f"{arguments.op}, {padding if isinstance(padding, str) else 'explicit padding'}"


def word(row: CallRow) -> str:
    """Return what a runtime made of a call, in a few words."""
    said = result(row.end)
    if outcome(row.end) != A_VALUE:
        if row.call["mode"] in TENSORFLOW:
            return said
        return "does not convert" if said == "ConverterError" else "does not run"
    if said == OTHER:
        for deviation in row.case["deviations"]:
            for name, value in (deviation["observed"].get("as_if") or {}).items():
                return f"as if the {name} were {value}"
    return WORDS.get(said, said)


def text_of(found: Sequence[Mapping[str, Any]]) -> str:
    """Return JSON with a line for each call."""
    return "[\n" + ",\n".join(json.dumps(one, ensure_ascii=False) for one in found) + "\n]\n"


def page(found: Sequence[Mapping[str, Any]]) -> str:
    """Return the page."""
    environment = Environment(
        loader=FileSystemLoader(HERE),
        undefined=StrictUndefined,
        keep_trailing_newline=True,
        autoescape=False,
    )
    return environment.get_template("page.md.jinja").render(
        table="\n".join(table(found)),
        tested=lambda column: listed({name for one in found for name in of(one, column)}),
        span=lambda case, column, text: span(found, case, column, text),
    )


def of(one: Mapping[str, Any], column: str) -> Mapping[str, str]:
    results: Mapping[str, str] = one["results"].get(column, {})
    return results


def by_version(results: Mapping[str, str]) -> list[tuple[str, str]]:
    """Return versions with their results, the oldest first."""
    if len(results) == 1:
        return list(results.items())
    return sorted(results.items(), key=lambda item: Version(item[0]))


def listed(versions: set[str]) -> str:
    return ", ".join(version for version, _ in by_version(dict.fromkeys(versions, "")))


def minor(version: str) -> str:
    """Return the first two numbers of a version."""
    return ".".join(version.split(".")[:2])


def ranges(results: Mapping[str, str]) -> list[tuple[str, str, str]]:
    """Return the first and the last version of each range with one result, and the result."""
    grouped = groupby(by_version(results), key=lambda item: item[1])
    whole = [(text, [minor(version) for version, _ in items]) for text, items in grouped]
    return [(versions[0], versions[-1], text) for text, versions in whole]


def span(found: Sequence[Mapping[str, Any]], case: str, column: str, text: str) -> str:
    """Return the versions in which calls of a case have a result, which are one range for all."""
    spans = {
        (first, last)
        for one in found
        if one["case"] == case
        for first, last, said in ranges(of(one, column))
        if said == text
    }
    ((first, last),) = spans
    newest = max((version for one in found for version in of(one, column)), key=Version)
    return f"since {first}" if last == minor(newest) else f"{first} to {last}"


def cell(one: Mapping[str, Any], column: str) -> str:
    """Return the results in a column; in bold what TensorFlow does not compute."""
    own = by_version(of(one, "tensorflow"))[-1][1]
    found = ranges(of(one, column))
    said = [text if text == own else f"**{text}**" for *_, text in found]
    if len(found) == 1:
        return said[0]
    versions = [f"{first} to {last}" if first != last else first for first, last, _ in found]
    versions[0], versions[-1] = f"to {found[0][1]}", f"since {found[-1][0]}"
    return "<br>".join(f"{when}: {text}" for when, text in zip(versions, said, strict=True))


def table(found: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    """Yield the table: a row for each case, or several if its calls differ."""
    yield from table_head("call", *COLUMNS.values())
    for case, calls in groupby(found, key=lambda one: one["case"]):
        rows: dict[tuple[str, ...], list[str]] = {}
        for one in calls:
            cells = tuple(cell(one, column) for column in COLUMNS)
            rows.setdefault(cells, []).append(one["call"])
        shared = set.intersection(*(set(parts(name)) for own in rows.values() for name in own))
        for cells, names in rows.items():
            own = [" ".join(part for part in parts(name) if part not in shared) for name in names]
            some = f": {' or '.join(own)}" if len(rows) > 1 else ""
            yield f"| {TITLES[case]}{some} | {' | '.join(cells)} |"


def parts(name: str) -> list[str]:
    return name.split(", ")


TITLES = {
    "plain": "SAME, no stride, no rate",
    "stride": "stride 2, SAME",
    "one-element-with-stride": "filter 1×1, stride 2, SAME",
    "stride-beyond-the-filter": "[stride 5, filter 3×3, SAME](#a-stride-beyond-the-filter)",
    "stride-beyond-the-filter-valid": "stride 5, filter 3×3, VALID",
    "explicit-padding": "stride 2, explicit padding",
    "rate": "rate 2, SAME or VALID",
    "rate-convolution": "rate 2, through `tf.nn.convolution`, SAME or VALID",
    "rate-unknown-sizes": "[rate 2, unknown sizes](#a-rate-and-unknown-sizes)",
    "rate-explicit-padding": "[rate 2, explicit padding](#a-rate-and-explicit-padding)",
    "conv2d-stride-and-rate": "`conv2d`, stride 2 and rate 2",
    "depthwise-stride-and-rate": "[`depthwise_conv2d`, stride 2 and rate 2](#stride-and-rate)",
    "depthwise-stride-and-rate-unknown-sizes": (
        "[`depthwise_conv2d`, stride 2 and rate 2, unknown sizes](#stride-and-rate)"
    ),
    "keras-conv2d": "Keras `Conv2D`, strides 2, same",
    "keras-depthwise-rate": "Keras `DepthwiseConv2D`, dilation rate 2, same",
    "keras-groups": "[Keras `Conv2D` with groups](#groups)",
    "channels-first": "[channels first, SAME](#channels-first)",
}
"""What the calls of a case are, with a link to what to write instead."""

if __name__ == "__main__":
    main(sys.argv[1:])
