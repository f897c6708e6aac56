"""Make the pages of docs/findings from cases/findings and the records of runs: ``python docs/findings/make.py RECORDS...``, newest first.

A run on a version that the cases do not ask is one of a copy of them without `requires`; what fails there is what is to be seen.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import jinja2
import yaml

from tf_conv_conformance.casefile.loading import load
from tf_conv_conformance.prediction.predict import predict
from tf_conv_conformance.prediction.reproduction import python
from tf_conv_conformance.prediction.rules.catalogue import RULES
from tf_conv_conformance.records.reader import Records, read

HERE = Path(__file__).parent
CASES = HERE.parent.parent / "cases/findings"
AS_DOCUMENTED = "as documented"
TEMPLATES = jinja2.Environment(
    loader=jinja2.FileSystemLoader(HERE),
    trim_blocks=True,
    lstrip_blocks=True,
    undefined=jinja2.StrictUndefined,
)
Line = Mapping[str, Any]


def main(paths: Sequence[str]) -> None:
    """Write a page for each case file, and the index of all pages."""
    runs = [read(Path(path)) for path in paths]
    for file in sorted(CASES.glob("*.yaml")):
        page = TEMPLATES.get_template("finding.md.jinja").render(**_finding(file, runs))
        (HERE / f"{file.stem}.md").write_text(page, encoding="utf-8")
    pages = [_listed(path) for path in sorted(HERE.glob("*.md")) if path.name != "README.md"]
    (HERE / "README.md").write_text(
        TEMPLATES.get_template("index.md.jinja").render(pages=pages), encoding="utf-8"
    )


def _finding(file: Path, runs: Sequence[Records]) -> dict[str, Any]:
    """What the page of a case file says."""
    calls = load(file).calls
    name = f"cases/findings/{file.name}"
    asked = [(call, [run.ends.get(f"{name}::{call.name}") for run in runs]) for call in calls]
    shown = [
        (call, ends)
        for call, ends in asked
        if any(end and _cell(end) != AS_DOCUMENTED for end in ends)
    ]
    first, its = next(
        (
            (call, end)
            for call, ends in shown
            for end in ends
            if end and _cell(end) != AS_DOCUMENTED
        ),
        (calls[0], None),
    )
    rows = [
        (call.name, [_cell(end) if end else "not asked" for end in ends]) for call, ends in shown
    ]
    subjects = [next(iter(run.subjects.values())) for run in runs]
    broken = dict.fromkeys(deviation.rule for call in calls for deviation in call.case.deviations)
    conditions = [one.when for call in calls for one in call.case.deviations]
    flags = dict.fromkeys(flag for when in conditions for flag in when.cpu or ())
    return {
        "about": str(yaml.safe_load(file.read_text(encoding="utf-8"))["about"]).strip(),
        "file": name,
        "source": " ".join(str(calls[0].case.notes).split()),
        "comes": _comes(rows),
        "flags": list(flags),
        "public": sorted(
            {
                link
                for call in calls
                for one in call.case.deviations
                for link in [one.reported]
                if link != "unreported"
            }
        ),
        "subjects": [_named(one) for one in subjects],
        "rows": rows,
        "on": _named(next(one for one in subjects if its and one["key"] == its["subject"]))
        if its
        else None,
        "difference": (its["difference"] or its["reason"]) if its else None,
        "name": first.name,
        "python": python(first.arguments, first.mode, _arm(first, its)),
        "rules": [
            (rule, RULES[rule].symbol, subjects[0]["sentences"].get(rule, RULES[rule].phrase))
            for rule in broken
        ],
    }


def _arm(call: Any, end: Line | None) -> Any:
    """The arm of data in which the call differs, else the first."""
    arms = predict(call.arguments).arms
    return next((arm for arm in arms if end and f"({arm.name})" in str(end["difference"])), arms[0])


def _comes(rows: Sequence[tuple[str, list[str]]]) -> str:
    """What comes of the calls on the first subject that shows anything."""
    for cells in zip(*(cells for _, cells in rows), strict=True):
        if found := dict.fromkeys(
            cell for cell in cells if cell not in (AS_DOCUMENTED, "not asked")
        ):
            return ", ".join(found)
    return "it takes too long to be asked each time"


def _named(subject: Line) -> str:
    about = subject["subject"]
    return about["tensorflow"] + ("" if about["onednn"] else " without oneDNN")


def _cell(end: Line) -> str:
    """What came out, in a word or two."""
    observed, difference = end["observed"], end["difference"]
    if end["verdict"] in ("conforms", "resolved"):
        return AS_DOCUMENTED
    if end["verdict"] == "unsupported":
        return "not asked"
    if "ended" in observed:
        return str(observed.get("signal")) if observed["ended"] == "crashed" else "no answer"
    if "error" in observed:
        return str(observed["error"])
    aspect = str(difference or "outcome").partition(" ")[0].rstrip(":")
    return {"outcome": "accepted", "values": "other values", "shape": "another shape"}.get(
        aspect, aspect
    )


def _listed(page: Path) -> dict[str, str]:
    """What the index says of a page: its title, and the lines that it begins with."""
    lines = page.read_text(encoding="utf-8").splitlines()
    told = dict(line[2:].split(": ", 1) for line in lines if line.startswith("* "))
    return {
        "name": page.name,
        "title": lines[0].removeprefix("# "),
        "comes": told["What comes of it"],
        "public": told["Public before"],
    }


if __name__ == "__main__":
    main(sys.argv[1:])
