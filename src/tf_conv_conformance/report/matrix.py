"""Calls → strides against rates, a matrix for each entry point, padding, input and filter."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from tf_conv_conformance.convolution.arguments import Arguments, interpret
from tf_conv_conformance.records.outcome import why_no_value
from tf_conv_conformance.report.calls import ORDER, Shown
from tf_conv_conformance.verdict.comparison import shape_text
from tf_conv_conformance.verdict.kinds import PASSING

Steps = tuple[tuple[int, int], tuple[int, int]]
"""Strides and rates of a call, each of height and width."""


@dataclass(frozen=True)
class Cell:
    """A stride and a rate in a matrix: sizes, how they compare over the modes, and the numbers of its calls."""

    look: str
    documented: str
    observed: str
    note: str
    calls: tuple[int, ...]


@dataclass(frozen=True)
class Matrix:
    """Strides against rates for one entry point, padding, input and filter."""

    entry_point: str
    padding: str
    sizes: str
    rates: tuple[str, ...]
    rows: tuple[tuple[str, tuple[Cell | None, ...]], ...]

    @property
    def deviates(self) -> bool:
        """Whether any of its cells is not as documented."""
        return any(
            cell is not None and cell.look not in PASSING
            for _, cells in self.rows
            for cell in cells
        )


def matrices(calls: Sequence[Shown]) -> list[Matrix]:
    """A matrix for each group of calls with at least two strides and two rates; those with deviations first, then the largest."""
    groups: dict[tuple[str, str, str], dict[Steps, list[Shown]]] = {}
    for call in calls:
        interpretation = interpret(call.arguments)
        if interpretation is None or call.call["relation"] or call.arguments.gradient:
            continue
        strides = (interpretation.height.stride, interpretation.width.stride)
        rates = (interpretation.height.rate, interpretation.width.rate)
        groups.setdefault(_group(call.arguments), {}).setdefault((strides, rates), []).append(call)
    made = [matrix for key, cells in groups.items() if (matrix := _matrix(key, cells)) is not None]
    return sorted(
        made, key=lambda matrix: (not matrix.deviates, -len(matrix.rows) * len(matrix.rates))
    )


def _group(arguments: Arguments) -> tuple[str, str, str]:
    padding = (
        arguments.padding
        if isinstance(arguments.padding, str)
        else "padding " + str([list(pair) for pair in arguments.padding])
    )
    sizes = f"input {shape_text(arguments.input.shape)}, filter {shape_text(arguments.filter.shape)}, {arguments.dtype}"
    return (
        arguments.entry_point.symbol,
        padding,
        sizes + (f", {arguments.data_format}" if arguments.data_format else ""),
    )


def _matrix(key: tuple[str, str, str], cells: Mapping[Steps, Sequence[Shown]]) -> Matrix | None:
    strides, rates = sorted({stride for stride, _ in cells}), sorted({rate for _, rate in cells})
    if len(strides) < 2 or len(rates) < 2 or len(cells) < 4:
        return None
    rows = tuple(
        (
            _pair(stride),
            tuple(
                _cell(cells[stride, rate]) if (stride, rate) in cells else None for rate in rates
            ),
        )
        for stride in strides
    )
    return Matrix(*key, rates=tuple(map(_pair, rates)), rows=rows)


def _pair(pair: tuple[int, int]) -> str:
    return str(pair[0]) if pair[0] == pair[1] else f"{pair[0]},{pair[1]}"


def _cell(calls: Sequence[Shown]) -> Cell:
    worst = min(calls, key=lambda call: ORDER.index(call.verdict))
    first = worst.arguments.data_format == "NCHW"
    documented, observed = worst.call["predicted"]["shape"], worst.observed_shape
    look, note = worst.verdict.replace(" ", "-"), worst.verdict
    if (
        worst.verdict not in (*PASSING, "suite error", "missing", "unsupported")
        and observed is not None
        and documented == observed
    ):
        look, note = f"{look} hidden", f"{note}: same shape, other values"
    if worst.call["predicted"]["refuses"] and observed is not None:
        note += "; documented: must not be accepted"
    return Cell(
        look,
        _size(documented, first),
        _observed(worst, first),
        note,
        tuple(call.number for call in calls),
    )


def _size(shape: list[int] | None, first: bool) -> str:
    if shape is None:
        return "none"
    height, width = shape[-2:] if first else shape[-3:-1]
    return f"{height}×{width}"


def _observed(call: Shown, first: bool) -> str:
    if call.observed_shape is not None:
        return _size(call.observed_shape, first)
    return why_no_value(call.end) or "–"
