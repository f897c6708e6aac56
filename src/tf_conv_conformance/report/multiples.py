"""Stride by rate for each mode, as small multiples: who follows the documentation, and who not."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from tf_conv_conformance.convolution.names import MODES, OPS, Mode
from tf_conv_conformance.records.outcome import A_VALUE, absent, outcome
from tf_conv_conformance.report.agreement import result
from tf_conv_conformance.report.calls import CallRow

MOST = 5  # strides and rates of a multiple
LARGEST = 99  # stride or rate of a multiple
FEWEST = 6  # marks of one that is worth its room
LOOKS = {"documented": "documented", "as expected": "documented", "in phases": "phases"}
"""How a result looks; others look like `other`, and what is no result like `raised`."""


@dataclass(frozen=True)
class Mark:
    """What most calls of a mode, a stride and a rate returned, and all of it in words."""

    look: str
    mixed: bool
    words: str


@dataclass(frozen=True)
class Multiple:
    """A mode: for each stride a row with a mark for each rate, None without a call.

    `agrees` names the first mode that has the same marks, if it is another.
    """

    mode: Mode
    rows: tuple[tuple[Mark | None, ...], ...]
    agrees: Mode | None

    @property
    def documented(self) -> bool:
        """Whether no mark is that of results in phases."""
        return not any(mark and mark.look == "phases" for row in self.rows for mark in row)


@dataclass(frozen=True)
class Row:
    """The multiples of an entry point and a padding."""

    entry_point: str
    padding: str
    strides: tuple[str, ...]
    rates: tuple[str, ...]
    multiples: tuple[Multiple, ...]


Place = tuple[str, str]
"""A stride and a rate, each equal in height and width."""


def rows(calls: Sequence[CallRow]) -> list[Row]:
    """Return a row for each operator and padding that was tried with several strides and rates.

    Gradients and operations around a convolution are left out: they may fail for other reasons.

    Those with results in phases come first.
    """
    own = {f"tf.nn.{op}": op for op in OPS}
    groups: dict[tuple[str, str], dict[Mode, dict[Place, list[CallRow]]]] = {}
    for call in calls:
        symbol = call.arguments.entry_point.symbol
        equal = "," not in call.stride + call.rate
        plain = call.arguments.gradient is None and not call.arguments.in_company
        if symbol in own and plain and call.stride and equal and not absent(call.end):
            modes = groups.setdefault((symbol, call.padding), {})
            cells = modes.setdefault(call.call["mode"], {})
            cells.setdefault((call.stride, call.rate), []).append(call)
    order = [*own]
    keys = sorted(groups, key=lambda key: (order.index(key[0]), key[1] == "explicit", key[1]))
    made = [row for key in keys if (row := _row(*key, groups[key])) is not None]
    return sorted(made, key=lambda row: all(one.documented for one in row.multiples))


def _row(
    entry_point: str, padding: str, modes: Mapping[Mode, Mapping[Place, Sequence[CallRow]]]
) -> Row | None:
    places = {place for cells in modes.values() for place in cells}
    strides, rates = (_tried(places, axis) for axis in (0, 1))
    if len(strides) < 2 or len(rates) < 2:
        return None
    made: list[Multiple] = []
    for mode in MODES:
        if mode not in modes:
            continue
        cells = modes[mode]
        marks = tuple(
            tuple(_mark(cells.get((stride, rate))) for rate in rates) for stride in strides
        )
        if sum(mark is not None for row in marks for mark in row) >= FEWEST:
            made.append(Multiple(mode, marks, _alike(marks, made)))
    return Row(entry_point, padding, strides, rates, tuple(made)) if made else None


def _tried(places: set[Place], axis: int) -> tuple[str, ...]:
    """Return the smallest strides or rates that were tried with several of the others."""
    counts = Counter(place[axis] for place in places)
    found = (one for one in counts if counts[one] > 1 and int(one) <= LARGEST)
    return tuple(sorted(found, key=int)[:MOST])


def _mark(calls: Sequence[CallRow] | None) -> Mark | None:
    if not calls:
        return None
    looks = Counter(map(_look, calls))
    results = Counter(result(call.end) for call in calls)
    words = ", ".join(f"{count:,} {name}" for name, count in results.most_common())
    return Mark(looks.most_common(1)[0][0], len(looks) > 1, words)


def _look(call: CallRow) -> str:
    if outcome(call.end) != A_VALUE:
        return "raised"
    return LOOKS.get(result(call.end), "other")


def _alike(marks: tuple[tuple[Mark | None, ...], ...], before: Sequence[Multiple]) -> Mode | None:
    """Return the first mode before whose marks look the same wherever both have one."""
    own = [mark for row in marks for mark in row]
    for multiple in before:
        if multiple.agrees is not None:
            continue
        theirs = [mark for row in multiple.rows for mark in row]
        both = [(one, other) for one, other in zip(own, theirs, strict=True) if one and other]
        if both and all(one.look == other.look for one, other in both):
            return multiple.mode
    return None
