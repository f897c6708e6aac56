"""The command ``explain``: what the documentation says of a call, why in numbers, and what feeds an element. Starts no TensorFlow."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from rich.console import Console
from rich.text import Text

from tf_conv_conformance.cli.console import GAP, INDENT, beside, heading, indented, pairs, verbatim
from tf_conv_conformance.cli.picture import (
    LEGEND,
    ROWS,
    View,
    draw,
    first_unlike,
    label_width,
    remarks,
    view,
)
from tf_conv_conformance.cli.question import OptionError
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

COLUMNS = 5  # of a picture at least, however narrow the terminal


@dataclass(frozen=True)
class Picture:
    """What feeds one element of the result by one model; no views where the model has no such element."""

    title: str
    views: tuple[View, View] | None


def explain(to: Console, arguments: Arguments, at: tuple[int, int] | None) -> None:
    """Print the explanation; the picture is of the element in row and column `at`. Raises :class:`OptionError` where there is none."""
    interpretation = interpret(arguments)
    element = _element(arguments, interpretation, at)
    verbatim(to, "\n".join(source(arguments)), indent=INDENT)
    indented(to, pairs(*tensor_rows(arguments)))
    heading(to, "What the documentation says")
    indented(to, pairs(*documentation_rows(arguments, None)))
    if interpretation is None:
        return
    heading(to, "The arithmetic")
    for part in arithmetic(arguments, interpretation):
        indented(to, part)
    models = models_of(arguments)
    if len(models) > 1:
        heading(to, "What is documented, and what space to batch with a strided convolution gives")
        indented(to, pairs(*_comparison(arguments, interpretation, models)))
    of = "convolution" if arguments.gradient else "result"
    if element is None:
        heading(to, f"What feeds the {of}")
        indented(to, Text("It has no elements, so there is nothing to draw."))
        return
    chosen = (
        ", the first in which the two differ"
        if at is None and len(models) > 1 and element != (0, 0)
        else ""
    )
    heading(to, f"What feeds the {of}'s element in row {element[0]}, column {element[1]}{chosen}")
    _draw(to, _pictures(interpretation, models, element, to.width))


def _comparison(
    arguments: Arguments, interpretation: Interpretation, models: tuple[Model, ...]
) -> Iterator[tuple[str, str]]:
    """The shapes of both models, and whether one shape hides other values."""
    outcomes = [predict(arguments).outcome(model) for model in models]
    yield from (
        (TITLES[model.name], outcome_text(outcome))
        for model, outcome in zip(models, outcomes, strict=True)
    )
    if any(isinstance(outcome, Refuses) for outcome in outcomes):
        return
    documented, phased = (
        [model.indices(axis) for axis in (interpretation.height, interpretation.width)]
        for model in models
    )
    if any(one.shape != other.shape for one, other in zip(documented, phased, strict=True)):
        yield "so", "the sizes differ, so that no element can be compared with another"
        return
    rows, columns = (
        (one != other).any(axis=1) for one, other in zip(documented, phased, strict=True)
    )
    unlike = int((rows[:, None] | columns[None, :]).sum())
    if unlike:
        yield (
            "so",
            f"the sizes agree, the values do not: {unlike} of {rows.size} × {columns.size} elements are sums of other inputs",
        )
    else:
        yield "so", "the two agree: every element is the sum of the same inputs"


def _element(
    arguments: Arguments, interpretation: Interpretation | None, at: tuple[int, int] | None
) -> tuple[int, int] | None:
    """The element to draw; None where no model has any. Raises :class:`OptionError` where no model has the one that was asked for."""
    models = models_of(arguments)
    axes = (interpretation.height, interpretation.width) if interpretation is not None else ()
    sizes = [[max(model.size(axis), 0) for axis in axes] for model in models]
    if at is None:
        drawable = interpretation is not None and any(all(size) for size in sizes)
        return (
            first_unlike(interpretation, models)
            if interpretation is not None and drawable
            else None
        )
    if not any(size and at[0] < size[0] and at[1] < size[1] for size in sizes):
        known = ", ".join(
            f"{TITLES[model.name]} {' × '.join(map(str, size)) or 'none'}"
            for model, size in zip(models, sizes, strict=True)
        )
        raise OptionError(
            f"--at: the result has no element {at[0]},{at[1]}, counted from 0; its rows × columns are: {known}"
        )
    return at


def _pictures(
    interpretation: Interpretation, models: tuple[Model, ...], element: tuple[int, int], width: int
) -> list[Picture]:
    """What to draw for each model, as many columns as fit side by side."""
    found = []
    for model in models:
        rows = view(model, interpretation.height, element[0], ROWS)
        edge = label_width(rows) if rows is not None else 0
        room = (width - INDENT - GAP * (len(models) - 1)) // len(models) - edge
        columns = view(model, interpretation.width, element[1], max((room + 1) // 2, COLUMNS))
        views = (rows, columns) if rows is not None and columns is not None else None
        found.append(Picture(TITLES[model.name], views))
    return found


def _draw(to: Console, pictures: list[Picture]) -> None:
    drawn = [
        (one.title if len(pictures) > 1 else "", one.views)
        for one in pictures
        if one.views is not None
    ]
    if len(drawn) == 2 and drawn[0][1] == drawn[1][1]:
        drawn = [("in both", drawn[0][1])]
    indented(to, beside(*((title, draw(*views)) for title, views in drawn)))
    to.print()
    indented(to, Text(LEGEND))
    for one in pictures:
        if one.views is None:
            indented(to, Text(f"The {one.title} result has no such element."))
    for title, views in drawn:
        for remark in remarks(*views):
            indented(to, Text(f"{title}: {remark}" if len(drawn) > 1 else remark))
