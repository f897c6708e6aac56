"""How what became of a call in one run differs from what became of it in another: two end lines → words."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from tf_conv_conformance.records.reader import Line
from tf_conv_conformance.verdict.comparison import shape_text, value_text

Aspect = Literal["verdict", "outcome", "shape", "dtype", "error", "signal", "values", "warnings"]
ABSENT = {"missing": "no result", "unsupported": "unsupported", "suite error": "suite error"}
"""Why a call with such a verdict has nothing to compare."""


@dataclass(frozen=True)
class Became:
    """One thing that is not what it was. `kind` is the same for all that are alike, `words` says what became what in this call."""

    aspect: Aspect
    kind: str
    words: str


def outcome(end: Line) -> str:
    """What came of the call: a value, an error, crashed, timed out, suite error; nothing where it was not made."""
    observed = end.get("observed") or {}
    if "shape" in observed:
        return "a value"
    return "an error" if "error" in observed else str(observed.get("ended", "nothing"))


def absent(end: Line | None) -> str | None:
    """Return why a call has nothing to compare; None if it has."""
    return "no result" if end is None else ABSENT.get(end["verdict"])


def told(end: Line) -> str:
    """What came of the call, in a few words."""
    observed, kind = end.get("observed") or {}, outcome(end)
    if kind == "a value":
        return value_text(observed["dtype"], observed["shape"])
    if kind == "an error":
        return str(observed["error"])
    why = unanswered(observed)
    return kind if why in (None, kind) else f"{kind} ({why})"


def unanswered(observed: Line) -> str | None:
    """Return why there is no answer, in two or three words; None if there is one."""
    if "exit_status" in observed:
        return f"exit status {observed['exit_status']}"
    if "protocol_error" in observed:
        return "protocol error"
    return observed.get("signal") or observed.get("ended")


def differences(old: Line, new: Line) -> tuple[Became, ...]:
    """All that differs between two ends of a call, both with an outcome: the verdict first."""
    return tuple(_differences(old, new))


def _differences(old: Line, new: Line) -> Iterator[Became]:
    if old["verdict"] != new["verdict"]:
        words = f"{old['verdict']} → {new['verdict']}"
        yield Became("verdict", words, words)
    if outcome(old) != outcome(new):
        yield Became("outcome", f"{_brief(old)} → {_brief(new)}", f"{told(old)} → {told(new)}")
    else:
        yield from _observed(old, new)
    before, now = (
        {warned["category"] for warned in end.get("warnings") or []} for end in (old, new)
    )
    if before != now:
        said = [f"warns {name} now" for name in sorted(now - before)] + [
            f"no longer warns {name}" for name in sorted(before - now)
        ]
        yield Became("warnings", ", ".join(said), ", ".join(said))


def _brief(end: Line) -> str:
    return "a value" if outcome(end) == "a value" else told(end)


def _observed(old: Line, new: Line) -> Iterator[Became]:
    """What differs where both came to the same kind of outcome."""
    before, now = old.get("observed") or {}, new.get("observed") or {}
    if outcome(old) == "crashed" and before.get("signal") != now.get("signal"):
        words = f"{before.get('signal')} → {now.get('signal')}"
        yield Became("signal", words, words)
    if before.get("error") != now.get("error"):
        words = f"{before['error']} → {now['error']}"
        yield Became("error", words, words)
    if before.get("shape") != now.get("shape"):
        yield Became(
            "shape", "another shape", f"{shape_text(before['shape'])} → {shape_text(now['shape'])}"
        )
    if before.get("dtype") != now.get("dtype"):
        words = f"{before['dtype']} → {now['dtype']}"
        yield Became("dtype", words, words)
    if values_compared(old, new) and old["digest"] != new["digest"]:
        yield Became("values", "same shape, other values", "same shape, other values")


def values_compared(old: Line, new: Line) -> bool:
    """Whether the bits of two results can be held against each other: both hashed, of one shape and dtype, from the same data."""
    same = old.get("observed") == new.get("observed") and old["data"] == new["data"]
    return (
        outcome(old) == outcome(new) == "a value"
        and same
        and None not in (old.get("digest"), new.get("digest"))
    )
