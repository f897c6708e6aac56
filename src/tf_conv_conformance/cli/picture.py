"""The padded input as a grid of characters, with the elements that one output element reads."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from rich.text import Text

from tf_conv_conformance.convolution.arguments import Interpretation
from tf_conv_conformance.convolution.geometry import Axis
from tf_conv_conformance.prediction.models import Model

TAP, PADDED_TAP, INPUT, PADDING = "●", "○", "·", "0"
STYLES = {TAP: "bold green", PADDED_TAP: "bold yellow", INPUT: "", PADDING: "dim"}
LEGEND = (
    f"{TAP} read and multiplied with a filter element   {PADDED_TAP} the same, a padded zero   "
    f"{INPUT} input   {PADDING} padding"
)
ROWS = 30  # of a picture
TICKS = 5  # columns from one column number to the next


@dataclass(frozen=True)
class View:
    """An axis as it is drawn, with the positions that the element reads as `taps`.

    Of all positions ``start .. stop - 1`` the window ``first .. last - 1`` is drawn.
    """

    size: int
    taps: tuple[int, ...]
    start: int
    stop: int
    first: int
    last: int

    @property
    def cropped(self) -> bool:
        """Return whether there is more than is drawn."""
        return (self.first, self.last) != (self.start, self.stop)

    @property
    def unseen(self) -> int:
        """Return how many taps are outside of the window."""
        return sum(not self.first <= tap < self.last for tap in self.taps)


def view(model: Model, axis: Axis, element: int, limit: int) -> View | None:
    """Return the view of an axis for one element, or None if the model has no such element.

    It has at most `limit` positions.
    """
    reads = model.indices(axis)
    if element >= len(reads):
        return None
    taps = tuple(int(position) for position in reads[element])
    before, after = model.padding(axis)
    start = min(0, -before, *taps)
    stop = max(axis.size, axis.size + after, *(tap + 1 for tap in taps), start + 1)
    first = start
    if stop - start > limit:
        low, high = min(taps, default=start), max(taps, default=start)
        margin = max((limit - (high - low + 1)) // 2, 0)
        first = max(start, min(low - margin, stop - limit))
    return View(axis.size, taps, start, stop, first, min(stop, first + limit))


def label_width(rows: View) -> int:
    """Return how wide the label of a row is: its number and a space."""
    return max(len(str(row)) for row in (rows.first, rows.last - 1)) + 1


def draw(rows: View, columns: View) -> Text:
    """Return the grid, with rows and columns numbered as in the input.

    Padding has negative numbers, or numbers above the size of the input.
    """
    edge = label_width(rows)
    drawn = Text(" " * edge + _ticks(columns), style="dim", no_wrap=True)
    for row in range(rows.first, rows.last):
        drawn.append(f"\n{row:>{edge - 1}} ")
        for column in range(columns.first, columns.last):
            mark = _mark(rows, columns, row, column)
            drawn.append(
                f"{mark} " if column < columns.last - 1 else mark, style=f"not dim {STYLES[mark]}"
            )
    return drawn


def _mark(rows: View, columns: View, row: int, column: int) -> str:
    inside = 0 <= row < rows.size and 0 <= column < columns.size
    if row in rows.taps and column in columns.taps:
        return TAP if inside else PADDED_TAP
    return INPUT if inside else PADDING


def _ticks(columns: View) -> str:
    """Return the number of every fifth column, each above its column."""
    line = ""
    for column in range(columns.first, columns.last):
        place = 2 * (column - columns.first)
        if column % TICKS == 0 and (not line or len(line) < place):
            line = line.ljust(place) + str(column)
    return line[: 2 * (columns.last - columns.first)]


def remarks(rows: View, columns: View) -> list[str]:
    """Return what the picture leaves out."""
    found = []
    for name, axis in (("rows", rows), ("columns", columns)):
        if axis.cropped:
            drawn = f"{axis.first} to {axis.last - 1} of {axis.start} to {axis.stop - 1}"
            found.append(f"cropped to {name} {drawn}")
    whole = len(rows.taps) * len(columns.taps)
    if not whole:
        return [*found, "nothing is read: the filter is empty"]
    unseen = whole - (len(rows.taps) - rows.unseen) * (len(columns.taps) - columns.unseen)
    return (
        [*found, f"{unseen} of the {whole} elements that are read are outside"] if unseen else found
    )


def first_difference(interpretation: Interpretation, models: Sequence[Model]) -> tuple[int, int]:
    """Return row and column of the first element for which the models read different input.

    It is one that not all of them have, or 0, 0 if they do not differ.
    """
    row, column = (
        _first_on_axis(models, axis) for axis in (interpretation.height, interpretation.width)
    )
    if column is not None:
        return 0, column
    return (row or 0), 0


def _first_on_axis(models: Sequence[Model], axis: Axis) -> int | None:
    first, *others = [model.indices(axis) for model in models]
    common = min(map(len, (first, *others)))
    for element in range(common):
        if any((other[element] != first[element]).any() for other in others):
            return element
    return common if any(len(indices) > common for indices in (first, *others)) else None
