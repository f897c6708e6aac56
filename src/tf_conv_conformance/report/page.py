"""Record files → one HTML file that needs nothing else."""

from __future__ import annotations

import base64
import gzip
import json
from importlib.resources import files
from pathlib import Path
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined

from tf_conv_conformance.report import view
from tf_conv_conformance.results import Records


def render(records: Records) -> str:
    """The page for one run. Whatever the records hold stays text: Jinja2 escapes it, and the script sets it as text."""
    environment = Environment(
        loader=PackageLoader("tf_conv_conformance.report"), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    calls = view.shown(records)
    subjects = list(records.subjects.values())
    assets = files("tf_conv_conformance.report") / "templates"
    return environment.get_template("index.html.j2").render(
        style=(assets / "style.css").read_text(encoding="utf-8"),
        script=(assets / "script.js").read_text(encoding="utf-8"),
        header=records.header,
        complete=records.complete,
        subjects=[line["subject"] for line in subjects],
        outcome=view.outcome(calls),
        coverage=view.coverage(calls),
        totals=view.totals(calls),
        total=len(calls),
        matrices=view.matrices(calls),
        rules=list(view.rules(calls, subjects[0]["sentences"] if subjects else {})),
        documented=bool(subjects),
        payload=packed(view.payload(calls)),
    )


def packed(value: Any) -> str:
    """A value as JSON, compressed, in base64: text that no HTML parser can take for markup."""
    data = json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()
    return base64.b64encode(gzip.compress(data, mtime=0)).decode("ascii")


def write(records: Records, path: Path) -> None:
    """Render a run to a file, in place of what was there."""
    path.write_text(render(records), encoding="utf-8", newline="\n")
