"""Compares the outcomes of a call in two runs: two end lines → what differs, in words."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal

from tf_conv_conformance.convolution.static_shape import StaticShape
from tf_conv_conformance.records.outcome import A_VALUE, outcome, outcome_text
from tf_conv_conformance.records.schema import EndLine
from tf_conv_conformance.subject.observation import KNOWN_SHAPES
from tf_conv_conformance.verdict.comparison import shape_text

Aspect = Literal[
    "verdict", "outcome", "shape", "dtype", "static shape", "error", "signal", "values", "warnings"
]
UNRECORDED = "unrecorded"
OTHER_VALUES = "same shape, other values"


@dataclass(frozen=True)
class EndDifference:
    """One difference between two ends of a call.

    `kind` groups similar differences; `words` describes this one ("float32 → float64").
    """

    aspect: Aspect
    kind: str
    words: str


def differences(old: EndLine, new: EndLine) -> tuple[EndDifference, ...]:
    """Return all differences between two ends that both have an outcome, the verdict first."""
    return tuple(_differences(old, new))


def values_alike(old: EndLine, new: EndLine) -> bool:
    """Return whether both are values of one shape and dtype."""
    if outcome(old) != A_VALUE or outcome(new) != A_VALUE:
        return False
    before, now = old["observed"], new["observed"]
    return before["shape"] == now["shape"] and before["dtype"] == now["dtype"]


def values_comparable(old: EndLine, new: EndLine) -> bool:
    """Return whether two values can be compared bit by bit.

    They must be of one shape and dtype, computed from the same data, and both have a digest.
    """
    return (
        values_alike(old, new)
        and old["data"] == new["data"]
        and None not in (old.get("digest"), new.get("digest"))
    )


def _differences(old: EndLine, new: EndLine) -> Iterator[EndDifference]:
    if old["verdict"] != new["verdict"]:
        yield _from_to("verdict", old["verdict"], new["verdict"])
    if outcome(old) == outcome(new):
        yield from _within_outcome(old, new)
    else:
        kind = f"{_brief(old)} → {_brief(new)}"
        yield EndDifference("outcome", kind, f"{outcome_text(old)} → {outcome_text(new)}")
    before, now = _warnings(old), _warnings(new)
    if before != now:
        came = [f"warns {name} now" for name in sorted(now - before)]
        went = [f"no longer warns {name}" for name in sorted(before - now)]
        words = ", ".join(came + went)
        yield EndDifference("warnings", words, words)


def _within_outcome(old: EndLine, new: EndLine) -> Iterator[EndDifference]:
    """Yield the differences between two values, two errors, or two processes that ended."""
    before, now = old.get("observed", {}), new.get("observed", {})
    if outcome(old) == "crashed" and before.get("signal") != now.get("signal"):
        yield _from_to("signal", before.get("signal"), now.get("signal"))
    if before.get("error") != now.get("error"):
        yield _from_to("error", before["error"], now["error"])
    if before.get("shape") != now.get("shape"):
        words = f"{shape_text(before['shape'])} → {shape_text(now['shape'])}"
        yield EndDifference("shape", "another shape", words)
    if before.get("dtype") != now.get("dtype"):
        yield _from_to("dtype", before["dtype"], now["dtype"])
    for name in KNOWN_SHAPES:
        was, is_now = before.get(name, UNRECORDED), now.get(name, UNRECORDED)
        if UNRECORDED not in (was, is_now) and was != is_now:
            words = f"{_known_text(was)} → {_known_text(is_now)}"
            yield EndDifference("static shape", f"another {name} shape", words)
    if values_comparable(old, new) and old["digest"] != new["digest"]:
        yield EndDifference("values", OTHER_VALUES, OTHER_VALUES)


def _known_text(shape: Any) -> str:
    return shape if isinstance(shape, str) else str(StaticShape.of(shape))


def _from_to(aspect: Aspect, old: str | None, new: str | None) -> EndDifference:
    words = f"{old} → {new}"
    return EndDifference(aspect, words, words)


def _brief(end: EndLine) -> str:
    return A_VALUE if outcome(end) == A_VALUE else outcome_text(end)


def _warnings(end: EndLine) -> set[str]:
    return {warning["category"] for warning in end.get("warnings", [])}
