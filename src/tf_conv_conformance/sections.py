"""The parts of an answer that need no TensorFlow: the call, what the documentation says of it, and the arithmetic behind that."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from rich.console import RenderableType
from rich.text import Text

from tf_conv_conformance import prediction
from tf_conv_conformance.arguments import Arguments, Reading
from tf_conv_conformance.arithmetic import steps
from tf_conv_conformance.comparison import value_text
from tf_conv_conformance.geometry import Axis
from tf_conv_conformance.oracle.models import DOCUMENTED, models_of
from tf_conv_conformance.prediction import Outcome, Refuses
from tf_conv_conformance.rules.catalogue import RULES
from tf_conv_conformance.rules.rule import sentence
from tf_conv_conformance.terminal import beside

TITLES = {"documented": "documented", "phase_strided": "phase-strided"}


def tensor_rows(arguments: Arguments) -> Iterator[tuple[str, str]]:
    """The tensors of the call."""
    yield "x", value_text(arguments.dtype, arguments.input.shape)
    yield "w", value_text(arguments.filter_dtype or arguments.dtype, arguments.filter.shape)
    if arguments.gradient:
        yield (
            "gradient",
            f"by the {arguments.gradient}; a shape is the gradient's, the arithmetic the convolution's",
        )


def documentation_rows(arguments: Arguments, docstrings: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    """What must come out, and the rules that refuse the call: their sentences where the docstrings are at hand, else their phrases."""
    documented = prediction.documented(arguments)
    if not isinstance(documented, Refuses) or documented.because[0] not in RULES:
        yield "says", outcome_text(documented)
        return
    yield "says", "the call must be refused"
    for rule in (RULES[identifier] for identifier in documented.because):
        found = sentence(docstrings.get(rule.symbol, ""), rule.phrase)
        yield "rule", f"{rule.id} ({rule.symbol}): {found or '… ' + rule.phrase + ' …'}"
    outcome = prediction.outcome(DOCUMENTED, arguments)
    yield "formula", outcome_text(outcome) if isinstance(outcome, Refuses) else f"would give {outcome_text(outcome)}"


def outcome_text(outcome: Outcome) -> str:
    """What comes out, in a few words."""
    if isinstance(outcome, Refuses):
        return "no result: " + "; ".join(outcome.because)
    return value_text(outcome.dtype, outcome.shape)


def axes_of(reading: Reading) -> dict[str, Axis]:
    """The axes by name; two that are alike under one."""
    if reading.height == reading.width:
        return {"height and width": reading.height}
    return {"height": reading.height, "width": reading.width}


def arithmetic(arguments: Arguments, reading: Reading) -> Iterator[RenderableType]:
    """The steps of each axis; of two models side by side, each step as a ladder of equations."""
    models = models_of(arguments)
    for name, axis in axes_of(reading).items():
        given = steps(DOCUMENTED, axis)[0]
        yield Text(f"{name}: {given}", style="italic")
        if len(models) == 1:
            yield Text("\n".join(steps(DOCUMENTED, axis)[1:]))
        else:
            yield beside(*((TITLES[model.name], Text("\n".join(map(ladder, steps(model, axis)[1:])))) for model in models))


def ladder(line: str) -> str:
    """A chain of equations with each of its sides on a line of its own."""
    name, first, *others = line.split(" = ")
    return "\n".join([f"{name} = {first}", *(" " * len(name) + f" = {other}" for other in others)])
