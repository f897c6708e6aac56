"""The command ``explain``: documentation, arithmetic, and a picture of the input of a call."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from rich.console import Console
from rich.text import Text

from tf_conv_conformance.cli.case_options import OptionError
from tf_conv_conformance.cli.console import GAP, INDENT, beside, heading, indented, pairs, verbatim
from tf_conv_conformance.cli.picture import (
    LEGEND,
    ROWS,
    View,
    draw,
    first_difference,
    label_width,
    remarks,
    view,
)
from tf_conv_conformance.cli.sections import (
    TITLES,
    arithmetic,
    documentation_rows,
    outcome_text,
    tensor_rows,
)
from tf_conv_conformance.convolution.arguments import Arguments, Interpretation, interpret
from tf_conv_conformance.convolution.invocation import source
from tf_conv_conformance.prediction.models import Model, models_of
from tf_conv_conformance.prediction.predict import Refuses, predict

COLUMNS = 5  # of a picture at least, even on a narrow terminal


@dataclass(frozen=True)
class Picture:
    """The input of one element of the result by one model; no views if there is no such element."""

    title: str
    views: tuple[View, View] | None


def explain(to: Console, arguments: Arguments, at: tuple[int, int] | None) -> None:
    """Print the explanation of a call, with a picture of the element in row and column `at`.

    Raises :class:`OptionError` if the result has no such element.
    """
    interpretation = interpret(arguments)
    models = models_of(arguments)
    element = _element(models, interpretation, at)
    verbatim(to, "\n".join(source(arguments)), indent=INDENT)
    indented(to, pairs(*tensor_rows(arguments)))
    heading(to, "What the documentation says")
    indented(to, pairs(*documentation_rows(arguments, None)))
    if interpretation is None:
        return
    heading(to, "The arithmetic")
    for part in arithmetic(arguments, interpretation):
        indented(to, part)
    if len(models) > 1:
        heading(to, "The documented result, and that of space to batch with a strided convolution")
        indented(to, pairs(*_comparison(arguments, interpretation, models)))
    of = "convolution" if arguments.gradient else "result"
    if element is None:
        heading(to, f"The input of the {of}")
        indented(to, Text("It has no elements, so there is nothing to draw."))
        return
    first = at is None and len(models) > 1 and element != (0, 0)
    chosen = ", the first in which the two differ" if first else ""
    heading(to, f"The input of the {of}'s element in row {element[0]}, column {element[1]}{chosen}")
    _print_pictures(to, _pictures(interpretation, models, element, to.width))


def _comparison(
    arguments: Arguments, interpretation: Interpretation, models: tuple[Model, ...]
) -> Iterator[tuple[str, str]]:
    """Yield the outcome of both models, and whether they differ in sizes or values."""
    outcomes = [predict(arguments).outcome(model) for model in models]
    for model, outcome in zip(models, outcomes, strict=True):
        yield TITLES[model.name], outcome_text(outcome)
    if any(isinstance(outcome, Refuses) for outcome in outcomes):
        return
    axes = interpretation.height, interpretation.width
    indices = [[model.indices(axis) for model in models] for axis in axes]
    if any(documented.shape != phased.shape for documented, phased in indices):
        yield "so", "the sizes differ, so that no element can be compared with another"
        return
    rows, columns = [(documented != phased).any(axis=1) for documented, phased in indices]
    count = int((rows[:, None] | columns[None, :]).sum())
    if count:
        elements = f"{count} of {rows.size} × {columns.size} elements"
        yield "so", f"the sizes agree, the values do not: {elements} are sums of other inputs"
    else:
        yield "so", "the two agree: every element is the sum of the same inputs"


def _element(
    models: tuple[Model, ...], interpretation: Interpretation | None, at: tuple[int, int] | None
) -> tuple[int, int] | None:
    """Return the element to draw, or None if no model has any.

    Raises :class:`OptionError` if no model has the element `at`.
    """
    axes = (interpretation.height, interpretation.width) if interpretation else ()
    sizes = [[max(model.size(axis), 0) for axis in axes] for model in models]
    if at is None:
        drawable = interpretation and any(all(size) for size in sizes)
        return first_difference(interpretation, models) if interpretation and drawable else None
    if any(size and at[0] < size[0] and at[1] < size[1] for size in sizes):
        return at
    known = ", ".join(
        f"{TITLES[model.name]} {' × '.join(map(str, size)) or 'none'}"
        for model, size in zip(models, sizes, strict=True)
    )
    raise OptionError(
        f"--at: the result has no element {at[0]},{at[1]}, counted from 0; "
        f"its rows × columns are: {known}"
    )


def _pictures(
    interpretation: Interpretation, models: tuple[Model, ...], element: tuple[int, int], width: int
) -> list[Picture]:
    """Return what to draw for each model, with as many columns as fit side by side."""
    pictures = []
    for model in models:
        rows = view(model, interpretation.height, element[0], ROWS)
        edge = label_width(rows) if rows is not None else 0
        room = (width - INDENT - GAP * (len(models) - 1)) // len(models) - edge
        columns = view(model, interpretation.width, element[1], max((room + 1) // 2, COLUMNS))
        views = (rows, columns) if rows is not None and columns is not None else None
        pictures.append(Picture(TITLES[model.name], views))
    return pictures


def _print_pictures(to: Console, pictures: list[Picture]) -> None:
    drawn = [(picture.title, picture.views) for picture in pictures if picture.views is not None]
    if len(pictures) == 1:
        drawn = [("", views) for _, views in drawn]
    elif len(drawn) == 2 and drawn[0][1] == drawn[1][1]:
        drawn = [("in both", drawn[0][1])]
    indented(to, beside(*((title, draw(*views)) for title, views in drawn)))
    to.print()
    indented(to, Text(LEGEND))
    for picture in pictures:
        if picture.views is None:
            indented(to, Text(f"The {picture.title} result has no such element."))
    for title, views in drawn:
        for remark in remarks(*views):
            indented(to, Text(f"{title}: {remark}" if len(drawn) > 1 else remark))
