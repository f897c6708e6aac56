"""A cause as files to keep: a YAML case that is green once it is moved into `cases/`, and Python that reproduces it."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from tf_conv_conformance.casefile.call import Call
from tf_conv_conformance.casefile.loading import load_text
from tf_conv_conformance.casefile.writer import WrittenCase, case_text
from tf_conv_conformance.convolution.names import MODES
from tf_conv_conformance.explore.cause import explanation
from tf_conv_conformance.explore.investigating import Cause
from tf_conv_conformance.prediction.models import DOCUMENTED
from tf_conv_conformance.prediction.predict import Refuses, predict
from tf_conv_conformance.prediction.reproduction import python
from tf_conv_conformance.records.series import subject_text
from tf_conv_conformance.verdict.comparison import ending, value_text
from tf_conv_conformance.verdict.message import arm_of
from tf_conv_conformance.verdict.perform import CallResult
from tf_conv_conformance.verdict.suggestion import suggest

PRINTED = 200  # documented values that the program prints
_SIZE = re.compile(r"^# size: ([0-9.]+)$", re.MULTILINE)


@dataclass(frozen=True)
class Found:
    """What is kept of a cause, as plain values that a process can hand to another."""

    name: str
    title: str
    size: float
    yaml: str
    python: str


def found(cause: Cause, subject: Mapping[str, Any], origin: str) -> Found:
    """The files of a cause; `origin` says where the search came upon it."""
    name = f"{cause.plain['op']}-{_slug(cause)}-{cause.signature}"
    written = _written(cause, name)
    performed = {
        mode: one.performed for mode, one in cause.judged.items() if one.performed is not None
    }
    suggestion = suggest(written, performed, subject, _otherwise)
    modes = ", ".join(cause.new)
    title = f"{title_of(cause)} ({modes}; {cause.plain.get('via', cause.drawn[cause.new[0]].call.arguments.entry_point.symbol)})"
    head = [
        f"# {title}",
        f"# on {subject_text(subject)}",
        *(
            f"# {mode}: {text}"
            for mode, one in cause.judged.items()
            if (text := _told(one.performed))
        ),
        f"# found by {origin}; moved into cases/, {suggestion.outlook}",
        f"# size: {cause.weight:.1f}",
    ]
    printable = (
        "".join(letter if letter.isprintable() else " " for letter in line) for line in head
    )
    return Found(
        name,
        title,
        round(cause.weight, 1),
        "\n".join([*printable, suggestion.text]),
        _program(cause, title, subject),
    )


def _told(performed: CallResult | None) -> str:
    """What came out, and where it differs, in a line."""
    if performed is None or performed.observation is None:
        return ""
    difference = performed.verdict.difference
    values = (
        f"; {difference.text()}" if difference is not None and difference.aspect == "values" else ""
    )
    return ending(performed.observation).splitlines()[0] + values


def title_of(cause: Cause) -> str:
    """A cause in a line: the rules at stake, and what came out."""
    return ": ".join(
        [
            *([", ".join(cause.rules)] if cause.rules else []),
            *(word for word in cause.outcome if word),
        ]
    )


def _slug(cause: Cause) -> str:
    words = "-".join([*cause.rules[:1], cause.outcome[0]]).removeprefix("padding.")
    return re.sub(r"[^a-z0-9]+", "-", words.lower()).strip("-")[:50]


def _written(cause: Cause, name: str) -> WrittenCase:
    modes = {} if set(cause.judged) == set(MODES) else {"modes": list(cause.judged)}
    case = {"id": name, **cause.plain, **modes}
    loaded = load_text(case_text(case))
    assert not loaded.diagnostics, loaded.diagnostics  # it was a case when it was drawn
    return WrittenCase(case, loaded.calls)


def _otherwise(call: Call, performed: CallResult) -> dict[str, Any] | None:
    """What a deviation can say where no model of the call itself explains it: other arguments, a bare shape, no answer in time."""
    observation = performed.observation
    if observation is None or performed.verdict.kind in ("flaky", "vacuous"):
        return None
    if observation.kind == "timed out":
        return {"timeout": True}
    arm = observation.answers[0]
    if arm.error is not None or len({one.error for one in observation.answers}) > 1:
        return None
    explained = explanation(call, observation)
    if explained is not None:
        return explained[1]
    dtype = {"dtype": arm.dtype} if arm.dtype != call.arguments.dtype else {}
    return {"shape": list(arm.shape or ()), **dtype, "values": "unspecified"}


def _program(cause: Cause, title: str, subject: Mapping[str, Any]) -> str:
    """A program that makes the call in the first mode that shows the cause; it needs TensorFlow alone."""
    judged = cause.judged[cause.new[0]]
    call = cause.drawn[cause.new[0]].call
    assert judged.performed is not None
    arm = predict(call.arguments).arms[arm_of(predict(call.arguments), judged.performed.verdict)]
    imports, _, body = python(call.arguments, call.mode, arm).partition("\n\n")
    return "\n".join(
        [
            *(f"# {line}" for line in textwrap.wrap(f"{title}. On {subject_text(subject)}.", 120)),
            imports,
            "",
            *_documented(call, arm.name),
            f"print('observed when this was written ({call.mode}):', {_told(judged.performed)!r}, flush=True)",
            "print('observed:', flush=True)",
            "try:",
            textwrap.indent(body, "    "),
            "except Exception as error:",
            "    print(type(error).__name__, error)",
            "",
        ]
    )


def _documented(call: Call, arm: str) -> Iterator[str]:
    """Lines that print what is documented."""
    said = predict(call.arguments).documented
    if isinstance(said, Refuses):
        yield f"print('documented: an exception', {', '.join(said.because)!r})"
        return
    yield f"print('documented:', {value_text(said.dtype, said.shape)!r})"
    names = predict(call.arguments).names
    numbers = predict(call.arguments).values(DOCUMENTED)[names.index(arm)].numbers
    if numbers.size <= PRINTED:
        flat = ", ".join(
            f"{value:.17g}" if np.isfinite(value) else f"float('{value}')"
            for value in numbers.ravel().tolist()
        )
        yield f"print(np.array([{flat}]).reshape({said.shape}))"


def keep(folder: Path, one: Found) -> Path:
    """Write the files of a cause, unless a call as small is there; the path of its case."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{one.name}.yaml"
    if (
        path.exists()
        and (size := _SIZE.search(path.read_text(encoding="utf-8")))
        and float(size[1]) <= one.size
    ):
        return path
    for suffix, text in ((".py", one.python), (".yaml", one.yaml)):
        part = path.with_suffix(f"{suffix}.part")
        part.write_text(text, encoding="utf-8")
        part.replace(path.with_suffix(suffix))
    return path
