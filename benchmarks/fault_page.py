"""docs/fault-detection.md from the records of benchmarks/faults.py and benchmarks/peer_tests.py."""

import json
from pathlib import Path

import jinja2
from catalogue import CATALOGUE

SHOWN = 4  # case files that are named for a fault

UNCAUGHT = {
    "warning-without-reason": (
        "no documentation says when there is no warning, so no case can require that"
    ),
}
"""Why the cases do not catch a fault, if that is understood."""

PAGE = Path(__file__).with_suffix(".md.jinja")


def read(path):
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def named(files):
    """The case files with failing calls, most first."""
    failing = sorted(
        ((failed, file) for file, (failed, _) in files.items() if failed),
        key=lambda one: (-one[0], one[1]),
    )
    shown = [
        f"{file.removeprefix('cases/').removesuffix('.yaml')} {failed}"
        for failed, file in failing[:SHOWN]
    ]
    return (
        ", ".join(shown)
        + (f" and {len(failing) - SHOWN} files more" if len(failing) > SHOWN else "")
        or "**nothing**"
    )


def rows(records, peer, places):
    """A row for each fault, of its last record; `places` says which calls it alters."""
    found = {record["fault"]: record for record in records}
    tests = {record["fault"]: record["failed"] for record in peer}
    for name, fault in CATALOGUE.items():
        if name in found:
            caught = sum(failed for failed, _ in found[name]["files"].values())
            of_peer = (
                ("fails" if tests[name] else "passes")
                if name in tests
                else ""
                if fault.kind == "process"
                else "not altered"
            )
            by = named(found[name]["files"])
            yield {
                **found[name],
                **places[name],
                "says": fault.says,
                "kind": fault.kind,
                "caught": caught,
                "by": by,
                "peer": of_peer,
            }


def of_peer(peer, rows):
    """The figures of TensorFlow's own test, for the faults that can alter its calls."""
    possible = [row for row in rows if row["depthwise"] and row["kind"] != "process"]
    names = {row["fault"] for row in possible}
    tried = [record for record in peer[1:] if record["fault"] in names]
    failed = [record for record in tried if record["failed"]]
    ours = [row for row in possible if row["caught"]]
    return {
        "run": peer[0]["run"],
        "possible": len(possible),
        "altered": len(tried),
        "failed": len(failed),
        "percent": round(100 * len(failed) / len(possible)),
        "ours": len(ours),
        "ours_percent": round(100 * len(ours) / len(possible)),
        "survived": ", ".join(f"`{record['fault']}`" for record in tried if not record["failed"])
        or "none",
    }


def page(records, peer, places):
    """The page as Markdown, from the paths of the records; `places` says of each fault which calls
    it alters.
    """
    tests = read(peer)
    made = list(rows([record for path in records for record in read(path)], tests, places))
    classes = {}
    for row in made:
        classes.setdefault(row["kind"], []).append(row)
    environment = jinja2.Environment(
        undefined=jinja2.StrictUndefined, autoescape=False, keep_trailing_newline=True
    )
    template = environment.from_string(PAGE.read_text(encoding="utf-8"))
    return template.render(
        total=len(made),
        caught=[row for row in made if row["caught"]],
        uncaught=[row for row in made if not row["caught"]],
        classes=classes,
        reasons=UNCAUGHT,
        tensorflow=made[0]["tensorflow"],
        peer=of_peer(tests, made),
    )
