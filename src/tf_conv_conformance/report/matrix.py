"""Matrices of strides against rates, one for each entry point, padding, input and filter."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from zlib import crc32

from tf_conv_conformance.convolution.arguments import Arguments, channels_first
from tf_conv_conformance.convolution.names import MODES
from tf_conv_conformance.records.outcome import why_no_value
from tf_conv_conformance.report.agreement import DOCUMENTED, agreement, modes_text, result
from tf_conv_conformance.report.calls import ORDER, CallRow, Pair, pair_text
from tf_conv_conformance.verdict.comparison import shape_text
from tf_conv_conformance.verdict.kinds import PASSING

LOOKS = {"documented": "conforms", "as expected": "conforms", "in phases": "deviates"}
"""How results look in a cell in which modes disagree; others look like failures."""


@dataclass(frozen=True)
class Agreeing:
    """The modes of a cell that agree: their size, and what they followed.

    Its look is that of the result, whatever the verdict: a converted model that follows the
    documented formula of a call that must be refused fails as well.
    """

    look: str
    modes: str
    observed: str
    result: str


@dataclass(frozen=True)
class Cell:
    """A stride and a rate in a matrix: sizes, how they compare, and the numbers of the calls.

    `groups` has the modes by what they made of the calls; it is empty if all agree.
    """

    look: str
    documented: str
    observed: str
    note: str
    calls: tuple[int, ...]
    groups: tuple[Agreeing, ...]


@dataclass(frozen=True)
class Matrix:
    """Strides against rates for one entry point, padding, input and filter."""

    entry_point: str
    padding: str
    sizes: str
    rates: tuple[str, ...]
    rows: tuple[tuple[str, tuple[Cell | None, ...]], ...]

    @property
    def name(self) -> str:
        """A name that is the same in every run, for links to its cells."""
        text = "|".join((self.entry_point, self.padding, self.sizes))
        return f"m{crc32(text.encode()):08x}"

    @property
    def deviates(self) -> bool:
        """Whether any of its cells is not as documented."""
        return any(cell.look not in PASSING for cell in self._cells)

    @property
    def disagrees(self) -> bool:
        """Whether modes disagree in any of its cells."""
        return any(cell.groups for cell in self._cells)

    @property
    def _cells(self) -> Iterator[Cell]:
        return (cell for _, row in self.rows for cell in row if cell is not None)


def matrices(calls: Sequence[CallRow]) -> list[Matrix]:
    """Return a matrix for each group of calls with several strides and rates.

    Those with deviations come first, then the largest.
    """
    groups: dict[tuple[str, str, str], dict[tuple[Pair, Pair], list[CallRow]]] = {}
    for call in calls:
        arguments = call.arguments
        if call.steps is None or call.call["relation"] or arguments.in_company:
            continue
        if arguments.gradient or arguments.through:
            continue
        groups.setdefault(_group(arguments), {}).setdefault(call.steps, []).append(call)
    made = [matrix for key, cells in groups.items() if (matrix := _matrix(key, cells)) is not None]
    return sorted(
        made, key=lambda matrix: (not matrix.deviates, -len(matrix.rows) * len(matrix.rates))
    )


def _group(arguments: Arguments) -> tuple[str, str, str]:
    """Return what the calls of a matrix have in common, as its title has it."""
    padding = arguments.padding
    if not isinstance(padding, str):
        padding = f"padding {[list(pair) for pair in padding]}"
    sizes = [
        f"input {shape_text(arguments.input.shape)}",
        f"filter {shape_text(arguments.filter.shape)}",
        arguments.dtype,
        *([arguments.data_format] if arguments.data_format else []),
    ]
    return arguments.entry_point.symbol, padding, ", ".join(sizes)


def _matrix(
    key: tuple[str, str, str], cells: Mapping[tuple[Pair, Pair], Sequence[CallRow]]
) -> Matrix | None:
    strides = sorted({stride for stride, _ in cells})
    rates = sorted({rate for _, rate in cells})
    if len(strides) < 2 or len(rates) < 2 or len(cells) < 4:
        return None
    rows = []
    for stride in strides:
        row = [_cell(cells.get((stride, rate))) for rate in rates]
        rows.append((pair_text(stride), tuple(row)))
    return Matrix(*key, rates=tuple(map(pair_text, rates)), rows=tuple(rows))


def _cell(calls: Sequence[CallRow] | None) -> Cell | None:
    """Return a cell that shows the worst of its calls, and the modes that disagree."""
    if calls is None:
        return None
    worst = _worst(calls)
    groups = _groups(calls)
    documented = _size(worst.call["predicted"]["shape"], worst) or "none"
    note = _note(worst)
    if groups:
        note = f"{'; '.join(map(_sentence, groups))}. The worst verdict: {note}"
    return Cell(
        _look(worst),
        documented,
        _observed(worst),
        note,
        tuple(call.number for call in calls),
        tuple(groups),
    )


def _sentence(group: Agreeing) -> str:
    return f"{group.modes}: {', '.join(filter(None, (group.observed, group.result)))}"


def _worst(calls: Iterable[CallRow]) -> CallRow:
    return min(calls, key=lambda call: ORDER.index(call.verdict))


def _look(call: CallRow) -> str:
    return f"{call.verdict.replace(' ', '-')}{' hidden' if _is_hidden(call) else ''}"


def _is_hidden(call: CallRow) -> bool:
    """Return whether a result has the documented shape and other values."""
    predicted = call.call["predicted"]["shape"]
    failed = call.verdict not in (*PASSING, "suite error", "missing", "unsupported")
    other = failed and result(call.end) != DOCUMENTED
    return other and call.observed_shape == predicted is not None


def _note(call: CallRow) -> str:
    note = str(call.verdict)
    if _is_hidden(call):
        note += ": same shape, other values"
    if call.call["predicted"]["refuses"] and call.observed_shape is not None:
        note += "; documented: must not be accepted"
    return note


def _groups(calls: Sequence[CallRow]) -> list[Agreeing]:
    """Return the modes by what they made of the calls, the worst of each; none if all agree."""
    modes = dict.fromkeys(call.call["mode"] for call in calls)
    shown = {mode: _worst(call for call in calls if call.call["mode"] == mode) for mode in modes}
    groups = agreement((mode, call.end) for mode, call in shown.items())
    if len(groups) < 2:
        return []
    among = [mode for mode in MODES if any(mode in group.modes for group in groups)]
    found = []
    for group in groups:
        size = _observed(shown[group.modes[0]])
        said = "" if size == group.result else group.result
        look = LOOKS.get(group.result, "violates" if said else "refused")
        found.append(Agreeing(look, modes_text(group.modes, among), size, said))
    return found


def _observed(call: CallRow) -> str:
    return _size(call.observed_shape, call) or why_no_value(call.end) or "–"


def _size(shape: list[int] | None, call: CallRow) -> str | None:
    """Return height and width, or the width alone; None without a shape."""
    if shape is None:
        return None
    dimensions = call.arguments.dimensions
    if len(shape) <= dimensions:
        return shape_text(shape)
    inner = shape[-1 - dimensions :]
    return "×".join(map(str, inner[1:] if channels_first(call.arguments) else inner[:-1]))
