"""Writes docs/processors.md: ``python docs/processors/make.py [RECORDS...]``.

Record files of one TensorFlow on several processors, or folders of them, go into outcomes.json
first. The page is made from outcomes.json, page.md.jinja and cases/tf-conv-measured.json.
docs/findings/make.py reads outcomes.json, too.
"""

from __future__ import annotations

import json
import sys
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from tf_conv_conformance.records.measured import FILE, SubjectClass, class_of, read
from tf_conv_conformance.records.outcome import NOT_RUN, compared
from tf_conv_conformance.records.reader import Records, record_files
from tf_conv_conformance.records.reader import read as read_records
from tf_conv_conformance.report.calls import ORDER
from tf_conv_conformance.report.escape import markdown, table_head

HERE = Path(__file__).parent
ROOT = HERE.parent.parent
OUTCOMES, PAGE = HERE / "outcomes.json", HERE.parent / "processors.md"


def main(paths: Sequence[str]) -> None:
    """Write outcomes.json if there are record files, and then the page."""
    if paths:
        write(OUTCOMES, text_of(runs_of(paths)))
    write(PAGE, page(json.loads(OUTCOMES.read_text(encoding="utf-8"))))


def write(path: Path, text: str) -> None:
    path.write_text(text, encoding="utf-8", newline="\n")


def runs_of(paths: Sequence[str]) -> dict[SubjectClass, list[Records]]:
    """Return the records of each kind of subject, which may be in several files."""
    runs: dict[SubjectClass, list[Records]] = {}
    for file in (file for path in paths for file in record_files(Path(path))):
        records = read_records(file)
        kinds = {class_of(line["subject"]) for line in records.subjects.values()}
        if len(kinds) != 1 or None in kinds:
            raise SystemExit(f"{file}: is not of one kind of processor")
        runs.setdefault(kinds.pop(), []).append(records)
    return dict(sorted(runs.items(), key=lambda item: place(item[0])))


def place(kind: SubjectClass) -> tuple[object, ...]:
    return kind.machine != "x86_64", str(kind.isa), bool(kind.onednn)


def head(kind: SubjectClass, runs: Sequence[Records]) -> dict[str, Any]:
    """Return what the page says of a subject: its name, its processor, its verdicts."""
    subject = next(line["subject"] for run in runs for line in run.subjects.values())
    ends = {name: end for run in runs for name, end in run.ends.items()}
    calls = {name: call for run in runs for name, call in run.calls.items()}
    counts = Counter(end["verdict"] for end in ends.values())
    return {
        "library": kind.library,
        "isa": kind.isa,
        "onednn": kind.onednn,
        "onednn_version": subject.get("onednn_version"),
        "processor": subject["cpu"]["name"],
        "extensions": subject["cpu"]["flags"],
        "modes": sorted({calls[name]["mode"] for name in ends}),
        "verdicts": {verdict: counts[verdict] for verdict in ORDER if counts[verdict]},
    }


def text_of(runs: Mapping[SubjectClass, Sequence[Records]]) -> str:
    """Return JSON: the subjects, and the outcomes on each, a line for each call.

    Calls whose outcome is the same on all of them are left out, but for those of findings.
    """
    outcomes: list[dict[str, str]] = []
    for own in runs.values():
        outcomes.append(
            {name: compared(run.calls[name], end) for run in own for name, end in run.ends.items()}
        )
    rows = []
    for name in dict.fromkeys(name for own in outcomes for name in own):
        row = [own.get(name, NOT_RUN) for own in outcomes]
        seen = set(row) - {NOT_RUN}
        if len(seen) > 1 or (seen and name.startswith("cases/findings/")):
            rows.append(f"{json.dumps(name)}: {json.dumps(row)}")
    subjects = ",\n ".join(json.dumps(head(kind, own)) for kind, own in runs.items())
    lines = ",\n ".join(rows)
    return f'{{"subjects": [\n {subjects}\n],\n"calls": {{\n {lines}\n}}}}\n'


def page(found: dict[str, Any]) -> str:
    """Return the page."""
    environment = Environment(
        loader=FileSystemLoader(HERE),
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        undefined=StrictUndefined,
    )
    return environment.get_template("page.md.jinja").render(
        subjects="\n".join(subjects(found["subjects"])),
        with_onednn="\n".join(differing(found, True)),
        without="\n".join(differing(found, False)),
        measured="\n".join(measured()),
    )


def name(subject: dict[str, Any]) -> str:
    """Return the short name of a subject: its instruction set, and whether oneDNN is in effect."""
    return f"{subject['isa']}{', oneDNN' if subject['onednn'] else ''}"


def subjects(found: Sequence[dict[str, Any]]) -> Iterator[str]:
    verdicts = [one for one in ORDER if any(one in subject["verdicts"] for subject in found)]
    yield from table_head("subject", "processor", "modes", *verdicts)
    for subject in found:
        cells = [f"`{name(subject)}`", markdown(subject["processor"]), ", ".join(subject["modes"])]
        cells += [f"{subject['verdicts'].get(verdict, 0):,}" for verdict in verdicts]
        yield f"| {' | '.join(cells)} |"


def differing(found: dict[str, Any], onednn: bool) -> Iterator[str]:
    """Yield a table of the calls that differ between processors, with oneDNN or without it.

    The calls of one case file with equal outcomes are in one row.
    """
    columns = [
        (number, subject["isa"])
        for number, subject in enumerate(found["subjects"])
        if bool(subject["onednn"]) == onednn
    ]
    patterns: dict[tuple[str, ...], list[str]] = {}
    for call, row in found["calls"].items():
        outcomes = [row[number] for number, _ in columns]
        if len(set(outcomes) - {NOT_RUN}) > 1:
            file = call.partition("::")[0]
            patterns.setdefault((file, *outcomes), []).append(call.partition("::")[2])
    if not patterns:
        yield "None."
        return
    yield from table_head("case file", "calls", "such as", *(isa for _, isa in columns))
    for (file, *outcomes), calls in sorted(patterns.items()):
        cells = " | ".join(outcomes)
        link = f"[{file.removeprefix('cases/').removesuffix('.yaml')}](../{file})"
        yield f"| {link} | {len(calls)} | {markdown(calls[0])} | {cells} |"


def measured() -> Iterator[str]:
    """Yield a table of the kinds of subjects on which the shipped cases were measured."""
    yield from table_head("library", "oneDNN", "instruction set", "machine", "modes")
    for one in read(ROOT / "cases" / FILE).measurements:
        own = one.subject
        onednn = {True: "on", False: "off", None: "–"}[own.onednn]
        cells = (own.library, onednn, own.isa or "–", own.machine, ", ".join(one.modes))
        yield f"| {' | '.join(cells)} |"


if __name__ == "__main__":
    main(sys.argv[1:])
