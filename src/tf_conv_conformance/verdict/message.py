"""Write the message of a failing test, without a traceback."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from tf_conv_conformance.casefile.call import Call
from tf_conv_conformance.convolution.names import Mode
from tf_conv_conformance.prediction.arithmetic import sizes
from tf_conv_conformance.prediction.conversion import conversion
from tf_conv_conformance.prediction.converted_models import ALL_MODELS
from tf_conv_conformance.prediction.exclusions import listed
from tf_conv_conformance.prediction.models import DOCUMENTED
from tf_conv_conformance.prediction.predict import Prediction, Refuses, Returns
from tf_conv_conformance.prediction.relations import RELATIONS
from tf_conv_conformance.prediction.remedy import remedy
from tf_conv_conformance.prediction.reproduction import python
from tf_conv_conformance.prediction.rules.catalogue import RULES
from tf_conv_conformance.prediction.rules.sentences import quoted
from tf_conv_conformance.subject.observation import Observation
from tf_conv_conformance.verdict.claim import claim_of
from tf_conv_conformance.verdict.comparison import Difference, ending, shape_text, value_text
from tf_conv_conformance.verdict.explanation import (
    explaining_error,
    explaining_model,
    feeding,
    from_formula,
)
from tf_conv_conformance.verdict.verdict import Verdict

WIDTH = 100  # columns, if the run has no terminal
Row = tuple[str, str]
"""The name of a line of a message, and its text."""


@dataclass(frozen=True)
class Failure:
    """Why a call fails: a summary, the details, and a program that makes the call.

    `likeness` is the same for calls that fail in the same way in different modes.
    """

    point: str
    details: str
    program: str
    likeness: str

    @property
    def text(self) -> str:
        """The whole message."""
        return "\n".join([self.point, self.details, self.program])


def failure_of(
    where: str,
    call: Call,
    prediction: Prediction,
    verdict: Verdict,
    observation: Observation | None,
    documentation: Mapping[str, str],
    width: int = WIDTH,
) -> Failure:
    """Return why a call fails, with lines wrapped to a `width`.

    `where` is the file and line of its case. `documentation` has the subject's docstrings by
    symbol.
    """
    rows = list(_rows(call, prediction, verdict, observation, documentation))
    point = f"{verdict.kind}: {verdict.reason}"
    details = [_line(*row, width) for row in (("case", f"{where} {call.name}"), *rows)]
    if observation is not None:
        warnings = observation.warnings
        details += [_line("warned", f"{one.category}: {one.message}", width) for one in warnings]
        if observation.last_output and observation.kind != "answered":
            details.append("  last output of the process:")
            details.append(textwrap.indent(observation.last_output, "    | "))
    arm = prediction.arms[arm_of(prediction, verdict)]
    source = python(call.arguments, call.mode, arm, call.relation)
    program = "  the call, to paste and run:\n" + textwrap.indent(source, "    ")
    return Failure(point, "\n".join(details), program, "\n".join([point, *map(str, rows)]))


def _rows(
    call: Call,
    prediction: Prediction,
    verdict: Verdict,
    observation: Observation | None,
    documentation: Mapping[str, str],
) -> Iterator[Row]:
    """Yield what was predicted and observed and why they differ, and how to avoid it.

    They are the same in all modes that differ in the same way, unless a model was converted.
    """
    if observation is not None and not call.relation:
        yield from first_difference(prediction, verdict, observation, call.mode)
    for identifier in verdict.rules:
        yield "rule", quoted(RULES[identifier], documentation)
    if call.relation:
        yield "relation", RELATIONS[call.relation].says
    else:
        yield from _predicted(call, prediction)
    if observation is not None:
        yield "observed", ending(observation)
        if verdict.kind == "vacuous":
            yield "excluded", listed(verdict.excluded or ()) or "no wrong oracle"
    for why in verdict.undeclared:
        yield "deviation", f"declared, but not for this call: {why}"
    if not call.relation and (instead := remedy(call.arguments)) is not None:
        yield "instead", instead
    if (deployed := conversion(call.arguments)) is not None:
        yield "deploy", deployed


def _line(name: str, value: str, width: int) -> str:
    wrapped = textwrap.wrap(value, width - 13, break_long_words=False, break_on_hyphens=False)
    return f"  {name:<10} " + ("\n" + " " * 13).join(wrapped)


def arm_of(prediction: Prediction, verdict: Verdict) -> int:
    """Return the number of the arm of data that shows the difference."""
    names, difference = prediction.names, verdict.difference
    return names.index(difference.arm) if difference and difference.arm in names else 0


def _predicted(call: Call, prediction: Prediction) -> Iterator[Row]:
    """Yield what the call must do: by the case if it claims something else, and as documented."""
    claim = claim_of(call, prediction)
    if claim.own:
        if isinstance(claim.outcome, Returns):
            expected = value_text(claim.outcome.dtype, claim.outcome.shape)
        else:
            expected = " or ".join(claim.outcome.because)
        yield "expected", f"{expected}, by the case's `expect`"
    documented, formula = prediction.documented, prediction.outcome(DOCUMENTED)
    if isinstance(documented, Returns):
        yield "predicted", f"{value_text(documented.dtype, documented.shape)}, by the documentation"
        return
    would = ""
    if isinstance(formula, Returns):
        would = f"; the formula would give {shape_text(formula.shape)}"
    rules = ", ".join(documented.because)
    yield "predicted", f"an exception, by the documentation ({rules}){would}"


def first_difference(
    prediction: Prediction, verdict: Verdict, observation: Observation, mode: Mode
) -> Iterator[Row]:
    """Yield the first difference, where it comes from, and the model that explains it."""
    if verdict.kind == "unexpected":  # it differs only from `expect`, so no model has to explain it
        difference, by, explained = verdict.difference, "expected", None
    else:
        is_refused = isinstance(prediction.documented, Refuses)
        by = "the formula gives" if is_refused else "predicted"
        difference = from_formula(prediction, verdict, observation)
        explained = explaining_model(prediction, observation, mode)
    gradient = prediction.arguments.gradient is not None
    if difference is not None and not (gradient and difference.aspect == "values"):
        if difference.text(by) not in verdict.reason:
            yield from _difference_text(difference, by)
        if not gradient and not prediction.arguments.in_company:
            yield from _origin(prediction, difference, explained)
    if explained is not None and (
        explained != "documented" or not isinstance(prediction.documented, Returns)
    ):
        text = f"by the model {explained}, which predicts this shape, dtype and every value"
        yield "explained", text
    elif explained is None and (error := explaining_error(prediction, observation)):
        yield "explained", f"by an error after the convolution ({error}), which predicts all values"


def _difference_text(difference: Difference, by: str) -> Iterator[Row]:
    if difference.aspect in ("shape", "dtype"):
        whose = "by the case's `expect`" if by == "expected" else "by the documented formula"
        text = f"{difference.predicted} {whose}, {difference.observed} observed"
        yield difference.aspect, text
    elif difference.aspect == "values" and difference.index is not None:
        yield "values", difference.text(by)


def _origin(prediction: Prediction, difference: Difference, explained: str | None) -> Iterator[Row]:
    """Yield the input elements in the first differing value, or how the sizes are computed."""
    arguments = prediction.arguments
    other = explained if explained != "documented" else None
    if difference.aspect == "values" and difference.index is not None:
        yield "sum of", f"{feeding('documented', arguments, difference.index)}, as documented"
        if other is not None:
            text = feeding(other, arguments, difference.index)
            yield "", f"{text}, {other.replace('_', '-')}"
    elif difference.aspect == "shape":
        models = (DOCUMENTED,) if other is None else (DOCUMENTED, ALL_MODELS[other])
        yield from sizes(arguments, models)
