"""Make the pages of findings: ``python docs/findings/make.py [RECORDS...]``.

Record files of cases/findings, or folders of them, go into outcomes.json first. The pages are made
from outcomes.json, the case files and finding.md.jinja. For a version that the cases do not
require, run a copy of them without `requires`; what fails is the finding.
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterable, Mapping, Sequence
from itertools import groupby
from pathlib import Path
from typing import Any

import jinja2
import yaml
from packaging.version import Version

from tf_conv_conformance.casefile.call import Call
from tf_conv_conformance.casefile.loading import load
from tf_conv_conformance.prediction.predict import predict
from tf_conv_conformance.prediction.reproduction import python
from tf_conv_conformance.prediction.rules.catalogue import RULES
from tf_conv_conformance.records.load import load_columns
from tf_conv_conformance.records.outcome import AS_DOCUMENTED, NOT_RUN, compared
from tf_conv_conformance.records.schema import CallLine, EndLine, SubjectRecord

HERE = Path(__file__).parent
OUTCOMES = HERE / "outcomes.json"
PROCESSORS = HERE.parent / "processors/outcomes.json"
CRASH = 2
CASES = HERE.parent.parent / "cases/findings"
TEMPLATES = jinja2.Environment(
    loader=jinja2.FileSystemLoader(HERE),
    trim_blocks=True,
    lstrip_blocks=True,
    undefined=jinja2.StrictUndefined,
)


def main(paths: Sequence[str]) -> None:
    """Update outcomes.json, and write a page for each case file and the index of all pages."""
    known = json.loads(OUTCOMES.read_text(encoding="utf-8"))
    if paths:
        update(known, paths)
        OUTCOMES.write_text(json.dumps(known, indent=1, sort_keys=True) + "\n", encoding="utf-8")
    processors = json.loads(PROCESSORS.read_text(encoding="utf-8"))
    searches = yaml.safe_load((HERE / "searches.yaml").read_text(encoding="utf-8"))
    pages = []
    for file in sorted(CASES.glob("*.yaml")):
        finding = {
            **finding_of(file, known, processors),
            "search": searches.get(file.stem),
            "memory": witness(file.stem),
        }
        page = TEMPLATES.get_template("finding.md.jinja").render(**finding)
        (HERE / f"{file.stem}.md").write_text(page, encoding="utf-8")
        pages.append(finding)
    written = {finding["name"] for finding in pages}
    others = [path for path in HERE.glob("*.md") if path.stem not in {*written, "README"}]
    for path in others:
        show(path)
    pages = sorted([*pages, *map(without_case, others)], key=lambda page: page["name"])
    index = TEMPLATES.get_template("index.md.jinja").render(pages=pages)
    (HERE / "README.md").write_text(index, encoding="utf-8")


def update(known: dict[str, Any], paths: Sequence[str]) -> None:
    """Add what record files say: the outcomes, and what the newest TensorFlow said and did."""
    for column in load_columns([Path(path) for path in paths], partial=True):
        subject, records = column.subject, column.records
        if subject is None:
            continue
        version = str(subject["tensorflow"])
        if newer(version, known["documented"]["version"]):
            rules = {one["rule"] for case in records.cases.values() for one in case["deviations"]}
            known["documented"]["version"] = version
            known["documented"]["sentences"] |= {rule: column.sentences.get(rule) for rule in rules}
        for identifier, call in records.calls.items():
            end = records.ends.get(identifier)
            outcome = compared(call, end)
            if identifier.startswith("cases/findings/") and end is not None and outcome != NOT_RUN:
                own = known["outcomes"].setdefault(identifier, {})
                kind, run = computes(subject, call)
                own.setdefault(kind, {})[run] = outcome
                if outcome != AS_DOCUMENTED:
                    observe(known["observed"], identifier, subject, end)


def observe(
    observed: dict[str, dict[str, str]], identifier: str, subject: SubjectRecord, end: EndLine
) -> None:
    """Keep what a subject did, if it is newer than what is kept of the call, or graver."""
    text, did = end.get("difference") or end["reason"], end.get("observed", {})
    if end.get("difference") is None and did.get("shape") is not None:
        text = f"no exception, but {did.get('dtype')} of shape {did['shape']}"
    new = {
        "version": str(subject["tensorflow"]),
        "environment": environment(subject),
        "text": re.sub(r"/\S*/(?=site-packages/)", "", text),
    }
    if identifier not in observed or preference(new) >= preference(observed[identifier]):
        observed[identifier] = new


def preference(end: Mapping[str, str]) -> tuple[Any, ...]:
    """Return what makes an observation the one that a page shows: the greatest."""
    with_onednn = not re.search("oneDNN off|without oneDNN", end["environment"])
    return (*age(end["version"]), gravity(end["text"]), with_onednn)


def gravity(text: str) -> int:
    """Return how grave what happened is: a crash, a result, or an exception."""
    if "the process died" in text:
        return CRASH
    return int("predicted" in text or "no exception" in text)


def computes(subject: SubjectRecord, call: CallLine) -> tuple[str, str]:
    """Return what computes a call, and its version; without oneDNN, no processor matters."""
    if call["mode"] == "litert":
        return "LiteRT", str(subject.get("litert"))
    version = str(subject["tensorflow"])
    if not subject["onednn"]:
        return "without oneDNN", version
    return f"with oneDNN, {subject.get('isa') or 'unknown processor'}", version


def newer(version: str, other: str) -> bool:
    """Return whether a version is at least as new as another; a release is preferred."""
    return age(version) >= age(other)


def age(version: str) -> tuple[bool, Version]:
    """Return what orders versions from the one to prefer least."""
    return not Version(version).is_prerelease, Version(version)


def environment(subject: SubjectRecord) -> str:
    """Return what a report says of the environment."""
    version = subject.get("onednn_version") if subject["onednn"] else "off"
    onednn = f"oneDNN {version} (`TF_ENABLE_ONEDNN_OPTS={int(bool(subject['onednn']))}`)"
    isa = f", {subject['isa']}" if subject.get("isa") else ""
    return (
        f"TensorFlow {subject['tensorflow']}, {onednn}{isa}, Python {subject['python']}, "
        f"NumPy {subject['numpy']}, {subject['platform']} {subject['machine']}, CPU"
    )


def finding_of(file: Path, known: Mapping[str, Any], processors: Any) -> dict[str, Any]:
    """Return the values of the page of a case file."""
    outcomes, observed = known["outcomes"], known["observed"]
    calls = load(file).calls
    ids = {call.name: f"cases/findings/{file.name}::{call.name}" for call in calls}
    ends = {
        call.name: seen(observed.get(ids[call.name]), outcomes.get(ids[call.name], {}))
        for call in calls
    }
    differing = [call for call in calls if ends[call.name] is not None]
    first = max(differing, key=lambda call: standing(call, ends[call.name]), default=calls[0])
    end = ends[first.name]
    deviations = [one for call in calls for one in call.case.deviations]
    own = [one.deviation for one in first.deviations] or first.case.deviations
    rule = RULES[own[0].rule]
    return {
        "name": file.stem,
        "about": str(yaml.safe_load(file.read_text(encoding="utf-8"))["about"]).strip(),
        "file": f"cases/findings/{file.name}",
        "source": " ".join(str(calls[0].case.notes).split()),
        "result": result(outcomes[ids[call.name]] for call in differing),
        "isa": list(dict.fromkeys(one.when.isa for one in deviations if one.when.isa)),
        "public": sorted({one.reported for one in deviations} - {"unreported"}),
        "observed": end,
        "call": first.name,
        "python": python(first.arguments, first.mode, arm(first, end)),
        "rule": rule,
        "sentence": known["documented"]["sentences"].get(rule.id) or rule.phrase,
        "rules": list(dict.fromkeys(one.rule for one in deviations)),
        "versions": histories({name: outcomes.get(one, {}) for name, one in ids.items()}),
        "processors": by_processor(processors, ids[first.name]),
    }


def standing(call: Call, end: Mapping[str, str]) -> tuple[Any, ...]:
    """Return what makes a call the one that a page shows: it is new, a crash, declared first."""
    declared = [one.deviation for one in call.deviations]
    first = call.case.deviations[0] in declared if call.case.deviations else False
    return *age(end["version"]), gravity(end["text"]) == CRASH, first


def seen(
    end: Mapping[str, str] | None, outcomes: Mapping[str, Mapping[str, str]]
) -> Mapping[str, str] | None:
    """Return what was observed of a call, which may be a crash that is known by its outcome."""
    crashes = [
        {
            "version": version,
            "environment": f"TensorFlow {version}, {kind}",
            "text": f"the process died ({outcome})",
        }
        for kind, by_version in outcomes.items()
        for version, outcome in by_version.items()
        if outcome.startswith("SIG")
    ]
    return max([*([end] if end else []), *crashes], key=preference, default=None)


def arm(call: Call, end: Mapping[str, str] | None) -> Any:
    """Return the arm of data in which the call differs, else the first."""
    arms = predict(call.arguments).arms
    text = end["text"] if end else ""
    return next((one for one in arms if f"({one.name.replace('_', ' ')})" in text), arms[0])


def result(outcomes: Iterable[Mapping[str, Mapping[str, str]]]) -> str:
    """Return the outcomes that differ, each with the newest TensorFlow that has one."""
    found: dict[str, None] = {}
    for own in outcomes:
        differing = [
            (not Version(version).is_prerelease, Version(version), outcome)
            for by_version in own.values()
            for version, outcome in by_version.items()
            if outcome != AS_DOCUMENTED
        ]
        found[max(differing)[-1]] = None
    return ", ".join(found) or "it takes too long to be run each time"


def histories(calls: Mapping[str, Mapping[str, Mapping[str, str]]]) -> dict[str, Any]:
    """Return what ran calls, and the names of calls with their histories, if they ever differ."""
    differing = {
        name: own
        for name, own in calls.items()
        if any(one != AS_DOCUMENTED for by_version in own.values() for one in by_version.values())
    }
    heads = sorted({kind for own in differing.values() for kind in own}, reverse=True)
    rows: dict[tuple[str, ...], list[str]] = {}
    for name, own in differing.items():
        rows.setdefault(tuple(history(own.get(kind, {})) for kind in heads), []).append(name)
    return {"heads": heads, "rows": [(names, cells) for cells, names in rows.items()]}


def history(outcomes: Mapping[str, str]) -> str:
    """Return outcomes with the range of versions of each, the oldest first."""
    in_order = sorted(outcomes.items(), key=lambda item: Version(item[0]))
    ranges = []
    for outcome, items in groupby(in_order, key=lambda item: item[1]):
        versions = [minor(version) for version, _ in items]
        first, last = versions[0], versions[-1]
        span = first if first == last else f"{first} to {last}"
        ranges.append(f"{span}: {outcome}")
    return "<br>".join(ranges) or NOT_RUN


def minor(version: str) -> str:
    """Return the first two numbers of a version."""
    return ".".join(version.split(".")[:2])


def without_case(page: Path) -> dict[str, Any]:
    """Return what the index says of a page that is written by hand."""
    lines = page.read_text(encoding="utf-8").splitlines()
    facts = dict(line[2:].split(": ", 1) for line in lines if line.startswith("* "))
    public = facts["Public before"]
    return {
        "name": page.stem,
        "about": lines[0].removeprefix("# "),
        "result": facts["Result"],
        "public": [] if public == "no" else [public],
    }


def by_processor(found: Any, identifier: str) -> list[tuple[str, str, str]]:
    """Return the outcome of a call by instruction set, without oneDNN and with it."""
    outcomes: dict[str, dict[bool, str]] = {}
    own = found["calls"].get(identifier, ())
    for subject, outcome in zip(found["subjects"], own, strict=False):
        outcomes.setdefault(subject["isa"], {})[bool(subject["onednn"])] = outcome
    return [(isa, one.get(False, NOT_RUN), one.get(True, NOT_RUN)) for isa, one in outcomes.items()]


def witness(name: str) -> str | None:
    """Return the command that shows the error of a page, and what it printed."""
    path = HERE / "memory" / f"{name}.txt"
    return path.read_text(encoding="utf-8").rstrip() if path.exists() else None


def show(page: Path) -> None:
    """Put the command that shows the error on a page that is written by hand."""
    text = page.read_text(encoding="utf-8")
    shown = TEMPLATES.get_template("shown.md.jinja").render(memory=witness(page.stem))
    before, after = text.split("## What this suite knows of it", 1)
    before = before.split("**Shown by**")[0]
    page.write_text(f"{before}{shown}## What this suite knows of it{after}", encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1:])
