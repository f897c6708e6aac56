"""Parts of the output of `probe` and `explain`: the call, its documentation, the arithmetic."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from rich.console import RenderableType
from rich.text import Text

from tf_conv_conformance.cli.console import beside
from tf_conv_conformance.convolution.arguments import Arguments, Interpretation
from tf_conv_conformance.convolution.company import listed
from tf_conv_conformance.prediction.arithmetic import axes_of, steps
from tf_conv_conformance.prediction.conversion import conversion
from tf_conv_conformance.prediction.models import DOCUMENTED, models_of
from tf_conv_conformance.prediction.predict import Outcome, Refuses, Returns, predict
from tf_conv_conformance.prediction.remedy import remedy
from tf_conv_conformance.prediction.rules.catalogue import RULES
from tf_conv_conformance.prediction.rules.sentences import quoted
from tf_conv_conformance.prediction.static_shape import static_shape
from tf_conv_conformance.verdict.comparison import value_text

TITLES = {"documented": "documented", "phase_strided": "phase-strided"}


def tensor_rows(arguments: Arguments) -> Iterator[tuple[str, str]]:
    """Yield the tensors of the call."""
    yield "x", value_text(arguments.dtype, arguments.input.shape)
    yield "w", value_text(arguments.filter_dtype or arguments.dtype, arguments.filter.shape)
    if arguments.gradient:
        if arguments.upstream is not None:
            yield "dy", value_text(arguments.dtype, arguments.upstream)
        shapes = "shapes are the gradient's, the arithmetic is the convolution's"
        yield "gradient", f"with respect to the {arguments.gradient}; {shapes}"
    yield from company_rows(arguments)


def company_rows(arguments: Arguments) -> Iterator[tuple[str, str]]:
    """Yield the operations around the convolution."""
    if arguments.before:
        yield "before", listed(arguments.before)
    if arguments.after:
        yield "after", listed(arguments.after)


def documentation_rows(
    arguments: Arguments, docstrings: Mapping[str, str] | None
) -> Iterator[tuple[str, str]]:
    """Yield the documented result, and each broken rule: how the call breaks it, and its sentence.

    The sentences are those of the docstrings, or of the suite if there are none. The last row is
    about conversion, if that changes the result.
    """
    documented = predict(arguments).documented
    if isinstance(documented, Refuses) and documented.because[0] in RULES:
        yield from _refusal_rows(arguments, documented, docstrings)
    else:
        yield "says", outcome_text(documented)
    if arguments.unknown and isinstance(documented, Returns):
        yield "static", f"{static_shape(arguments)} is what a traced function can know of it"
    if (deployed := conversion(arguments)) is not None:
        yield "deploy", deployed


def _refusal_rows(
    arguments: Arguments, documented: Refuses, docstrings: Mapping[str, str] | None
) -> Iterator[tuple[str, str]]:
    yield "says", "the call must be refused"
    for rule in (RULES[identifier] for identifier in documented.because):
        yield "because", rule.mismatch(arguments)
        yield "rule", quoted(rule, docstrings)
    outcome = predict(arguments).outcome(DOCUMENTED)
    would = "" if isinstance(outcome, Refuses) else "would give "
    yield "formula", would + outcome_text(outcome)
    if (instead := remedy(arguments)) is not None:
        yield "instead", instead


def outcome_text(outcome: Outcome) -> str:
    """Return a documented outcome in a few words."""
    if isinstance(outcome, Refuses):
        return "no result: " + "; ".join(outcome.because)
    return value_text(outcome.dtype, outcome.shape)


def arithmetic(arguments: Arguments, interpretation: Interpretation) -> Iterator[RenderableType]:
    """Yield the steps of each axis.

    With two models they are side by side, with each side of an equation on its own line.
    """
    models = models_of(arguments)
    for name, axis in axes_of(interpretation).items():
        given = steps(DOCUMENTED, axis)[0]
        yield Text(f"{name}: {given}", style="italic")
        if len(models) == 1:
            yield Text("\n".join(steps(DOCUMENTED, axis)[1:]))
        else:
            texts = ["\n".join(map(ladder, steps(model, axis)[1:])) for model in models]
            titles = [TITLES[model.name] for model in models]
            yield beside(*zip(titles, map(Text, texts), strict=True))


def ladder(line: str) -> str:
    """Return a chain of equations with each side on its own line."""
    name, first, *others = line.split(" = ")
    return "\n".join([f"{name} = {first}", *(" " * len(name) + f" = {other}" for other in others)])
