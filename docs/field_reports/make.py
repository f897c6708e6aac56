"""Writes docs/field-reports.md: ``python docs/field_reports/make.py [RECORDS...]``.

Record files of cases/field_reports, or folders of them, go into outcomes.json first, in place of
what it has of the same case files: a run with oneDNN in effect and one without. The page is made
from outcomes.json, the case files, not_stated.yaml and page.md.jinja.
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import groupby
from pathlib import Path
from typing import Any

import yaml
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from tf_conv_conformance.casefile.call import Call
from tf_conv_conformance.casefile.loading import load
from tf_conv_conformance.convolution.arguments import Arguments
from tf_conv_conformance.convolution.names import MODES
from tf_conv_conformance.records.load import load_columns
from tf_conv_conformance.records.outcome import absent
from tf_conv_conformance.report.agreement import DOCUMENTED, OTHER, result
from tf_conv_conformance.report.calls import CallRow, call_rows
from tf_conv_conformance.report.escape import table_head

HERE = Path(__file__).parent
OUTCOMES, PAGE = HERE / "outcomes.json", HERE.parent / "field-reports.md"
NOT_STATED = HERE / "not_stated.yaml"
CASES = HERE.parent.parent / "cases/field_reports"
AS_DOCUMENTED, REFUSED = "as documented", "refused"
States = dict[str, list[str]]
"""Modes by the state of oneDNN in which they did something: `on`, `off`, or `any` of the two."""
STATES = {"any": "", "on": " with oneDNN", "off": " without oneDNN"}
Outcomes = dict[str, Any]


def main(paths: Sequence[str]) -> None:
    """Update outcomes.json if there are record files, and write the page."""
    known = json.loads(OUTCOMES.read_text(encoding="utf-8"))
    if paths:
        known = updated(known, outcomes(paths))
        write(OUTCOMES, text_of(known))
    write(PAGE, page(known))


def updated(known: Outcomes, new: Outcomes) -> Outcomes:
    """Return outcomes with those of other files or versions; files that are gone are left out."""
    files = {**known["files"], **new["files"]}
    return {
        "tensorflow": new["tensorflow"],
        "files": {name: files[name] for name in sorted(files) if (CASES / name).exists()},
    }


def write(path: Path, text: str) -> None:
    path.write_text(text, encoding="utf-8", newline="\n")


def outcomes(paths: Sequence[str]) -> Outcomes:
    """Return the version of TensorFlow, and the words for each case of each file."""
    columns = load_columns([Path(path) for path in paths], partial=True)
    subjects = [column.subject for column in columns]
    made: dict[str, dict[str, dict[tuple[str, bool], set[str]]]] = {}
    for row in call_rows(columns):
        subject = subjects[row.column]
        if subject is not None and not absent(row.end):
            file = made.setdefault(Path(row.case["file"]).name, {})
            where = row.call["mode"], bool(subject["onednn"])
            file.setdefault(row.case["id"], {}).setdefault(where, set()).add(word(row))
    return {
        "tensorflow": sorted({str(one["tensorflow"]) for one in subjects if one}),
        "files": {
            name: {case: by_word(found) for case, found in file.items()}
            for name, file in made.items()
        },
    }


def text_of(found: Outcomes) -> str:
    """Return JSON with a line for each file."""
    lines = [f"{json.dumps(name)}: {json.dumps(cases)}" for name, cases in found["files"].items()]
    version = json.dumps(found["tensorflow"])
    return f'{{"tensorflow": {version}, "files": {{\n' + ",\n".join(lines) + "\n}}\n"


def word(row: CallRow) -> str:
    """Return what TensorFlow made of a call, in a few words."""
    if row.verdict == "conforms":
        return AS_DOCUMENTED
    if row.verdict == "refused":
        return REFUSED
    said = result(row.end)
    if said == DOCUMENTED:
        return "accepted" if row.call["predicted"]["refuses"] else "sizes not known"
    return "unpredictable" if said == OTHER else said


def by_word(found: Mapping[tuple[str, bool], set[str]]) -> dict[str, States]:
    """Return where each word was seen: modes with a state of oneDNN, if only that had a call."""
    words: dict[str, States] = {}
    for mode in [mode for mode in MODES if {(mode, True), (mode, False)} & found.keys()]:
        on, off = found.get((mode, True)), found.get((mode, False))
        for said in sorted({*(on or ()), *(off or ())}):
            alike = on is None or off is None or (said in on and said in off)
            state = "any" if alike else "on" if said in (on or ()) else "off"
            words.setdefault(said, {}).setdefault(state, []).append(mode)
    return words


def reports() -> list[dict[str, Any]]:
    """Return each report with its calls: a file, or the cases of a file that share references."""
    found = []
    for path in sorted(CASES.glob("*.yaml")):
        about = yaml.safe_load(path.read_text(encoding="utf-8"))["about"]
        calls = load(path).calls
        groups = [
            (addresses, list(group))
            for addresses, group in groupby(calls, key=lambda call: call.case.references or [])
        ]
        for addresses, group in groups:
            said = about if len(groups) == 1 else group[0].case.notes
            found.append(
                {
                    "file": path.name,
                    "addresses": addresses,
                    "about": said,
                    "calls": group,
                    "kind": kind(group),
                }
            )
    return sorted(found, key=lambda one: (one["kind"], label_key(one["addresses"][0])))


KINDS = ("`conv2d`", "`depthwise_conv2d`", "Gradients and transposed convolutions")


def kind(calls: Sequence[Call]) -> int:
    """Return the place of a report's part of the page in KINDS."""
    if any(call.arguments.gradient for call in calls):
        return 2
    return 0 if calls[0].arguments.op == "conv2d" else 1


def page(found: Outcomes) -> str:
    """Return the page."""
    environment = Environment(
        loader=FileSystemLoader(HERE),
        undefined=StrictUndefined,
        keep_trailing_newline=True,
        autoescape=False,
    )
    stated = reports()
    return environment.get_template("page.md.jinja").render(
        count=len(stated),
        tensorflow=found["tensorflow"],
        tables=[
            (name, "\n".join(table([one for one in stated if one["kind"] == place], found)))
            for place, name in enumerate(KINDS)
        ],
        not_stated="\n".join(not_stated()),
    )


def table(of: Iterable[Mapping[str, Any]], found: Outcomes) -> Iterator[str]:
    """Yield the table of reports."""
    yield from table_head("report", "what it is about", "entry point", "TensorFlow")
    for one in of:
        links = ", ".join(link(address) for address in one["addresses"])
        cells = (links, cell_text(one["about"]), entries(one["calls"]), outcome(one, found))
        yield f"| {' | '.join(cells)} |"


def entries(calls: Sequence[Call]) -> str:
    """Return the entry points of calls, and whether their gradients are computed."""
    return "<br>".join(dict.fromkeys(entry(call.arguments) for call in calls))


def entry(arguments: Arguments) -> str:
    name = arguments.via or f"tf.nn.{arguments.op}"
    own = any(word in name.lower() for word in ("backprop", "transpose"))
    return f"`{name}`, gradient" if arguments.gradient and not own else f"`{name}`"


def outcome(one: Mapping[str, Any], found: Outcomes) -> str:
    """Return what TensorFlow does in the cases of a report, with a link to them."""
    cases = {call.case.id for call in one["calls"]}
    words: dict[str, dict[str, set[str]]] = {}
    for case, said in found["files"].get(one["file"], {}).items():
        for name, states in said.items() if case in cases else ():
            for state, modes in states.items():
                words.setdefault(name, {}).setdefault(state, set()).update(modes)
    every = {mode for states in words.values() for modes in states.values() for mode in modes}
    texts = [
        (name if name in (AS_DOCUMENTED, REFUSED) else f"**{name}**") + where(words[name], every)
        for name in sorted(words, key=order)
    ]
    return f"[{'; '.join(texts) or 'not run'}](../cases/field_reports/{one['file']})"


def where(states: Mapping[str, set[str]], every: set[str]) -> str:
    """Return modes in parentheses, with the state of oneDNN; nothing if they are all modes."""
    anyway = states.get("any", set()) | (states.get("on", set()) & states.get("off", set()))
    if anyway == every:
        return ""
    own = {"any": anyway, **{state: states.get(state, set()) - anyway for state in ("on", "off")}}
    texts = [
        ", ".join(mode for mode in MODES if mode in own[state]) + text
        for state, text in STATES.items()
        if own[state]
    ]
    return f" ({'; '.join(texts)})"


def order(name: str) -> tuple[int, str]:
    """Return the place of a word in a cell: what is documented comes first."""
    return (0 if name == AS_DOCUMENTED else 1 if name == REFUSED else 2), name


GITHUB = re.compile(r"https://github\.com/([^/]+)/([^/]+)/(?:issues|pull)/([0-9]+)")


def link(address: str) -> str:
    return f"[{label(address)}]({address})"


def label(address: str) -> str:
    """Return a repository and a number, or the host of another page."""
    named = GITHUB.fullmatch(address)
    if named is None:
        return address.split("/")[2].removeprefix("www.")
    return f"{named[2]} {named[3]}"


def label_key(address: str) -> tuple[bool, str, int]:
    """Return a key that sorts TensorFlow's own tracker first, then by name and number."""
    name, _, number = label(address).rpartition(" ")
    return name != "tensorflow", name.lower(), int(number) if number.isdigit() else 0


def cell_text(text: str | None) -> str:
    """Return text as it can stand in a cell of a table."""
    return " ".join((text or "").split()).replace("|", "\\|")


def not_stated() -> Iterator[str]:
    """Yield the table of reports that no case states."""
    yield from table_head("report", "what it is about", "why there is no case")
    known = yaml.safe_load(NOT_STATED.read_text(encoding="utf-8"))
    for one in sorted(known, key=lambda one: label_key(one["address"])):
        yield f"| {link(one['address'])} | {cell_text(one['about'])} | {cell_text(one['why'])} |"


if __name__ == "__main__":
    main(sys.argv[1:])
