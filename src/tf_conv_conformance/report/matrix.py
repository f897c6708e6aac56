"""Matrices of strides against rates, one for each entry point, padding, input and filter."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from tf_conv_conformance.convolution.arguments import Arguments
from tf_conv_conformance.records.outcome import why_no_value
from tf_conv_conformance.report.calls import ORDER, CallRow
from tf_conv_conformance.verdict.comparison import shape_text
from tf_conv_conformance.verdict.kinds import PASSING

Pair = tuple[int, int]
"""A stride or a rate of height and width."""


@dataclass(frozen=True)
class Cell:
    """A stride and a rate in a matrix: sizes, how they compare, and the numbers of the calls."""

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
        cells = (cell for _, row in self.rows for cell in row)
        return any(cell is not None and cell.look not in PASSING for cell in cells)


def matrices(calls: Sequence[CallRow]) -> list[Matrix]:
    """Return a matrix for each group of calls with several strides and rates.

    Those with deviations come first, then the largest.
    """
    groups: dict[tuple[str, str, str], dict[tuple[Pair, Pair], list[CallRow]]] = {}
    for call in calls:
        meaning = call.interpretation
        if meaning is None or call.call["relation"] or call.arguments.gradient:
            continue
        height, width = meaning.height, meaning.width
        place = ((height.stride, width.stride), (height.rate, width.rate))
        groups.setdefault(_group(call.arguments), {}).setdefault(place, []).append(call)
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
        rows.append((_pair_text(stride), tuple(row)))
    return Matrix(*key, rates=tuple(map(_pair_text, rates)), rows=tuple(rows))


def _pair_text(pair: Pair) -> str:
    return str(pair[0]) if pair[0] == pair[1] else f"{pair[0]},{pair[1]}"


def _cell(calls: Sequence[CallRow] | None) -> Cell | None:
    """Return a cell that shows the worst of its calls."""
    if calls is None:
        return None
    worst = min(calls, key=lambda call: ORDER.index(call.verdict))
    channels_first = worst.arguments.data_format == "NCHW"
    predicted, observed = worst.call["predicted"], worst.observed_shape
    look, note = worst.verdict.replace(" ", "-"), str(worst.verdict)
    failed = worst.verdict not in (*PASSING, "suite error", "missing", "unsupported")
    if failed and observed is not None and predicted["shape"] == observed:
        look, note = f"{look} hidden", f"{note}: same shape, other values"
    if predicted["refuses"] and observed is not None:
        note += "; documented: must not be accepted"
    return Cell(
        look,
        _size(predicted["shape"], channels_first) or "none",
        _size(observed, channels_first) or why_no_value(worst.end) or "–",
        note,
        tuple(call.number for call in calls),
    )


def _size(shape: list[int] | None, channels_first: bool) -> str | None:
    """Return height and width; None without a shape."""
    if shape is None:
        return None
    if len(shape) < 3:
        return shape_text(shape)
    height, width = shape[-2:] if channels_first else shape[-3:-1]
    return f"{height}×{width}"
