"""Write a cause to files: a YAML case that passes in `cases/`, and a program to reproduce it."""

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
from tf_conv_conformance.convolution.names import DEFAULT_MODES
from tf_conv_conformance.explore.investigation import Cause
from tf_conv_conformance.explore.reduction import weight
from tf_conv_conformance.explore.signature import explanation
from tf_conv_conformance.prediction.models import DOCUMENTED
from tf_conv_conformance.prediction.predict import Refuses, predict
from tf_conv_conformance.prediction.reproduction import python
from tf_conv_conformance.records.series import subject_text
from tf_conv_conformance.verdict.comparison import ending, value_text
from tf_conv_conformance.verdict.message import arm_of
from tf_conv_conformance.verdict.perform import CallResult
from tf_conv_conformance.verdict.suggestion import suggest

PRINTED = 200  # the program prints up to this many documented values
_SIZE = re.compile(r"^# size: ([0-9.]+)$", re.MULTILINE)


@dataclass(frozen=True)
class CauseFiles:
    """The files of a cause, as plain values that an xdist worker can send."""

    name: str
    title: str
    size: float
    yaml: str
    python: str

    def write(self, folder: Path) -> None:
        """Write the files, unless files of a smaller or equal call exist. Raises OSError."""
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / f"{self.name}.yaml"
        if path.exists():
            size = _SIZE.search(path.read_text(encoding="utf-8"))
            if size and float(size[1]) <= self.size:
                return
        for suffix, text in ((".py", self.python), (".yaml", self.yaml)):
            part = path.with_suffix(f"{suffix}.part")
            part.write_text(text, encoding="utf-8")
            part.replace(path.with_suffix(suffix))


def files_of(cause: Cause, subject: Mapping[str, Any], origin: str) -> CauseFiles:
    """Return the files of a cause. `origin` says where in the search it was found."""
    call = cause.calls[cause.new[0]].call
    rules = [", ".join(cause.rules)] if cause.rules else []
    words = ": ".join([*rules, *filter(None, cause.outcome)])
    title = f"{words} ({', '.join(cause.new)}; {call.arguments.entry_point.symbol})"
    name = f"{cause.plain['op']}-{_slug(cause)}-{cause.signature}"
    results = {mode: one.result for mode, one in cause.judged.items() if one.result}
    suggestion = suggest(_written(cause, name), results, subject, _otherwise)
    size = round(weight(cause.plain), 1)
    head = [
        title,
        f"on {subject_text(subject)}",
        *(f"{mode}: {text}" for mode, one in results.items() if (text := _observed(one))),
        f"found by {origin}; moved into cases/, {suggestion.outlook}",
        f"size: {size}",
    ]
    printable = ("".join(one if one.isprintable() else " " for one in line) for line in head)
    comments = [f"# {line}" for line in printable]
    yaml = "\n".join([*comments, suggestion.text])
    return CauseFiles(name, title, size, yaml, _program(cause, title, subject))


def _slug(cause: Cause) -> str:
    words = "-".join([*cause.rules[:1], cause.outcome[0]]).removeprefix("padding.")
    return re.sub(r"[^a-z0-9]+", "-", words.lower()).strip("-")[:50]


def _observed(result: CallResult) -> str:
    """Describe in one line what was observed, and where its values differ."""
    if result.observation is None:
        return ""
    difference = result.verdict.difference
    has_values = difference is not None and difference.aspect == "values"
    values = f"; {difference.text()}" if difference is not None and has_values else ""
    return ending(result.observation).splitlines()[0] + values


def _written(cause: Cause, name: str) -> WrittenCase:
    modes = {} if set(cause.judged) == set(DEFAULT_MODES) else {"modes": list(cause.judged)}
    case = {"id": name, **cause.plain, **modes}
    contents = load_text(case_text(case))
    assert not contents.diagnostics, contents.diagnostics  # it was a valid case when it was drawn
    return WrittenCase(case, contents.calls)


def _otherwise(call: Call, result: CallResult) -> dict[str, Any] | None:
    """Return what a deviation can declare about a call that no model explains directly.

    This is a model with other arguments, only the shape, or a time-out.
    """
    observation = result.observation
    if observation is None or result.verdict.kind in ("flaky", "vacuous"):
        return None
    if observation.kind == "timed out":
        return {"timeout": True}
    if any(answer.error is not None for answer in observation.answers):
        return None
    if (explained := explanation(call, observation)) is not None:
        return explained[1]
    answer = observation.answers[0]
    dtype = {"dtype": answer.dtype} if answer.dtype != call.arguments.dtype else {}
    return {"shape": list(answer.shape or ()), **dtype, "values": "unspecified"}


def _program(cause: Cause, title: str, subject: Mapping[str, Any]) -> str:
    """Return a program that makes the call in the first new mode with TensorFlow alone."""
    mode = cause.new[0]
    call, result = cause.calls[mode].call, cause.judged[mode].result
    assert result is not None
    prediction = predict(call.arguments)
    arm = prediction.arms[arm_of(prediction, result.verdict)]
    imports, _, body = python(call.arguments, mode, arm).partition("\n\n")
    about = textwrap.wrap(f"{title}. On {subject_text(subject)}.", 98)
    observed = f"observed when this was written ({mode}):"
    lines = [
        *(f"# {line}" for line in about),
        imports,
        "",
        *_documented(call, arm.name),
        f"print({observed!r}, {_observed(result)!r}, flush=True)",
        "print('observed:', flush=True)",
        "try:",
        textwrap.indent(body, "    "),
        "except Exception as error:",
        "    print(type(error).__name__, error)",
    ]
    return "\n".join(lines) + "\n"


def _documented(call: Call, arm: str) -> Iterator[str]:
    prediction = predict(call.arguments)
    documented = prediction.documented
    if isinstance(documented, Refuses):
        yield f"print('documented: an exception', {', '.join(documented.because)!r})"
        return
    yield f"print('documented:', {value_text(documented.dtype, documented.shape)!r})"
    numbers = prediction.values(DOCUMENTED)[prediction.names.index(arm)].numbers
    if numbers.size <= PRINTED:
        flat = ", ".join(map(_literal, numbers.ravel().tolist()))
        yield f"print(np.array([{flat}]).reshape({documented.shape}))"


def _literal(value: float) -> str:
    return f"{value:.17g}" if np.isfinite(value) else f"float('{value}')"
