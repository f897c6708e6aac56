"""Operators by mode: the verdicts in each, and the calls that differ from eager mode."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tf_conv_conformance.convolution.modes import RUNTIMES
from tf_conv_conformance.convolution.names import MODES, OPS, Mode, Op
from tf_conv_conformance.records.outcome import absent
from tf_conv_conformance.report.agreement import likeness
from tf_conv_conformance.report.calls import ORDER, CallRow
from tf_conv_conformance.verdict.kinds import Kind

RUNTIME_NAMES = {
    "tflite": "TensorFlow Lite",
    "litert": "LiteRT",
    "onnxruntime": "onnxruntime",
    "tf2onnx": "tf2onnx",
}
"""The names of runtimes by fact of a subject."""


@dataclass(frozen=True)
class ModeRow:
    """A mode: the calls of each verdict, and how many agree with eager mode.

    `differing` has the numbers of the calls that do not. Calls that one of the two modes lacks are
    not compared.
    """

    mode: Mode
    runtimes: str
    counts: Mapping[Kind, int]
    agreeing: int
    differing: tuple[int, ...]

    @property
    def total(self) -> int:
        """The number of its calls."""
        return sum(self.counts.values())


def verdicts(calls: Sequence[CallRow]) -> list[Kind]:
    """Return the verdicts that occur, in the order of their counts in a row."""
    found = {call.verdict for call in calls}
    return [verdict for verdict in ORDER if verdict in found]


def by_operator(
    calls: Sequence[CallRow], subject: Mapping[str, Any] | None
) -> dict[Op, list[ModeRow]]:
    """Return the rows of the modes for each operator that was called."""
    own = {op: [call for call in calls if call.arguments.op == op] for op in OPS}
    return {op: mode_rows(some, subject) for op, some in own.items() if some}


def mode_rows(calls: Sequence[CallRow], subject: Mapping[str, Any] | None) -> list[ModeRow]:
    """Return a row for each mode of the calls of one subject."""
    by_mode: dict[Mode, list[CallRow]] = {}
    for call in calls:
        by_mode.setdefault(call.call["mode"], []).append(call)
    eager = {_likes(call): call for call in by_mode.get("eager", ())}
    return [_row(mode, by_mode[mode], eager, subject) for mode in MODES if mode in by_mode]


def _row(
    mode: Mode,
    calls: Sequence[CallRow],
    eager: Mapping[tuple[object, ...], CallRow],
    subject: Mapping[str, Any] | None,
) -> ModeRow:
    counts = Counter(call.verdict for call in calls)
    pairs = [(call, eager.get(_likes(call))) for call in calls if mode != "eager"]
    agree = {
        call.number: likeness(call.end) == likeness(other.end)
        for call, other in pairs
        if other is not None and not absent(call.end) and not absent(other.end)
    }
    return ModeRow(
        mode,
        _runtimes(mode, subject),
        counts,
        sum(agree.values()),
        tuple(number for number, same in agree.items() if not same),
    )


def _likes(call: CallRow) -> tuple[object, ...]:
    """Return what calls have in common that differ only in the mode."""
    return call.case["key"], call.call["relation"], id(call.arguments)


def _runtimes(mode: Mode, subject: Mapping[str, Any] | None) -> str:
    """Return the names and versions of what converts a call and runs it."""
    facts = subject or {}
    needed = [name for name in RUNTIMES.get(mode, ()) if name in RUNTIME_NAMES]
    own = [name for name in needed if name != "tflite" or mode != "litert"]
    return ", ".join(f"{RUNTIME_NAMES[name]} {facts.get(name) or '(none)'}" for name in own)
