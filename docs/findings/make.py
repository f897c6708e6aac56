"""Make the pages of docs/findings from cases/findings and from record files.

Run ``python docs/findings/make.py RECORDS...``, with the newest TensorFlow first. For a version
that the cases do not require, run a copy of them without `requires`; what fails is the finding.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import jinja2
import yaml

from tf_conv_conformance.casefile.call import Call
from tf_conv_conformance.casefile.loading import load
from tf_conv_conformance.prediction.predict import predict
from tf_conv_conformance.prediction.reproduction import python
from tf_conv_conformance.prediction.rules.catalogue import RULES
from tf_conv_conformance.records.outcome import AS_DOCUMENTED, NOT_RUN, compared
from tf_conv_conformance.records.reader import Records, read
from tf_conv_conformance.records.schema import EndLine, SubjectLine

HERE = Path(__file__).parent
PROCESSORS = HERE.parent / "processors/outcomes.json"
CASES = HERE.parent.parent / "cases/findings"
TEMPLATES = jinja2.Environment(
    loader=jinja2.FileSystemLoader(HERE),
    trim_blocks=True,
    lstrip_blocks=True,
    undefined=jinja2.StrictUndefined,
)


def main(paths: Sequence[str]) -> None:
    """Write a page for each case file, and the index of all pages."""
    runs = [read(Path(path)) for path in paths]
    for file in sorted(CASES.glob("*.yaml")):
        page = TEMPLATES.get_template("finding.md.jinja").render(**_finding(file, runs))
        (HERE / f"{file.stem}.md").write_text(page, encoding="utf-8")
    pages = [_entry(path) for path in sorted(HERE.glob("*.md")) if path.name != "README.md"]
    index = TEMPLATES.get_template("index.md.jinja").render(pages=pages)
    (HERE / "README.md").write_text(index, encoding="utf-8")


def _finding(file: Path, runs: Sequence[Records]) -> dict[str, Any]:
    """Return the values of the page of a case file."""
    calls = load(file).calls
    name = f"cases/findings/{file.name}"
    outcomes = [[_outcome(run, f"{name}::{call.name}") for run in runs] for call in calls]
    rows = [
        (call, row) for call, row in zip(calls, outcomes, strict=True) if any(map(_differs, row))
    ]
    first, row = rows[0] if rows else (calls[0], outcomes[0])
    differing = [run for run, outcome in zip(runs, row, strict=True) if _differs(outcome)]
    end = differing[0].ends[f"{name}::{first.name}"] if differing else None
    deviations = [one for call in calls for one in call.case.deviations]
    links = {one.reported for one in deviations} - {"unreported"}
    sentences = next(iter(runs[0].subjects.values()))["sentences"]
    rules = [RULES[rule] for rule in dict.fromkeys(one.rule for one in deviations)]
    return {
        "about": str(yaml.safe_load(file.read_text(encoding="utf-8"))["about"]).strip(),
        "file": name,
        "source": " ".join(str(calls[0].case.notes).split()),
        "result": _result([row for _, row in rows]),
        "isa": list(dict.fromkeys(one.when.isa for one in deviations if one.when.isa)),
        "processors": _processors(f"{name}::{first.name}"),
        "public": sorted(links),
        "subjects": [_subject_name(run) for run in runs],
        "rows": [(call.name, row) for call, row in rows],
        "on": _subject_name(differing[0]) if differing else None,
        "difference": (end["difference"] or end["reason"]) if end else None,
        "name": first.name,
        "python": python(first.arguments, first.mode, _arm(first, end)),
        "rules": [(rule.id, rule.symbol, sentences.get(rule.id, rule.phrase)) for rule in rules],
    }


def _processors(identifier: str) -> list[tuple[str, str, str]]:
    """Return the outcome of a call by instruction set, without oneDNN and with it."""
    found = json.loads(PROCESSORS.read_text(encoding="utf-8"))
    outcomes: dict[str, dict[bool, str]] = {}
    for subject, outcome in zip(
        found["subjects"], found["calls"].get(identifier, ()), strict=False
    ):
        outcomes.setdefault(subject["isa"], {})[bool(subject["onednn"])] = outcome
    return [(isa, own.get(False, NOT_RUN), own.get(True, NOT_RUN)) for isa, own in outcomes.items()]


def _arm(call: Call, end: EndLine | None) -> Any:
    """Return the arm of data in which the call differs, else the first."""
    arms = predict(call.arguments).arms
    difference = str(end["difference"]) if end else ""
    return next((arm for arm in arms if f"({arm.name.replace('_', ' ')})" in difference), arms[0])


def _differs(outcome: str) -> bool:
    return outcome not in (AS_DOCUMENTED, NOT_RUN)


def _result(rows: Sequence[Sequence[str]]) -> str:
    """Return the outcomes on the first subject on which a call differs."""
    for outcomes in zip(*rows, strict=True):
        if differing := dict.fromkeys(filter(_differs, outcomes)):
            return ", ".join(differing)
    return "it takes too long to be run each time"


def _subject_name(run: Records) -> str:
    (line,) = run.subjects.values()
    subject: SubjectLine = line
    facts = subject["subject"]
    return facts["tensorflow"] + ("" if facts["onednn"] else " without oneDNN")


def _outcome(run: Records, identifier: str) -> str:
    """Return the outcome of a call in a word or two."""
    call = run.calls.get(identifier)
    return NOT_RUN if call is None else compared(call, run.ends.get(identifier))


def _entry(page: Path) -> dict[str, str]:
    """Return the entry of a page in the index, from its title and the list below it."""
    lines = page.read_text(encoding="utf-8").splitlines()
    facts = dict(line[2:].split(": ", 1) for line in lines if line.startswith("* "))
    return {
        "name": page.name,
        "title": lines[0].removeprefix("# "),
        "result": facts["Result"],
        "public": facts["Public before"],
    }


if __name__ == "__main__":
    main(sys.argv[1:])
