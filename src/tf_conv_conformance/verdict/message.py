"""What a failing test prints: what a person needs to know, without a traceback of ours."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from tf_conv_conformance.casefile.call import Call
from tf_conv_conformance.prediction.arithmetic import sizes
from tf_conv_conformance.prediction.exclusions import listed
from tf_conv_conformance.prediction.models import DOCUMENTED, MODELS, interpretation_of
from tf_conv_conformance.prediction.predict import Refuses, Returns, predict
from tf_conv_conformance.prediction.relations import RELATIONS
from tf_conv_conformance.prediction.remedy import remedy
from tf_conv_conformance.prediction.reproduction import python
from tf_conv_conformance.prediction.rules.catalogue import RULES
from tf_conv_conformance.prediction.rules.sentences import quoted
from tf_conv_conformance.subject.observation import Observation
from tf_conv_conformance.verdict.comparison import ending, shape_text, value_text
from tf_conv_conformance.verdict.explanation import explaining_model, feeding, from_formula
from tf_conv_conformance.verdict.judge import Verdict, claim, has_own_claim

WIDTH = 120


@dataclass(frozen=True)
class Failure:
    """Why a call fails, in the order in which it is printed: the point, what a person needs to know, the program to paste.

    `likeness` is the same for calls that fail alike, whatever their mode.
    """

    point: str
    details: str
    program: str
    likeness: str

    @property
    def text(self) -> str:
        """All of it."""
        return "\n".join([self.point, self.details, self.program])


def explain(
    where: str,
    call: Call,
    verdict: Verdict,
    observation: Observation | None,
    documentation: Mapping[str, str],
) -> Failure:
    """Return why a call failed; `where` is its file and line."""
    rows = list(_rows(call, verdict, observation, documentation))
    point = f"{verdict.kind}: {verdict.reason}"
    details = [_row("case", f"{where} {call.name}"), *(_row(name, value) for name, value in rows)]
    if observation is not None:
        details += [
            _row("warned", f"{warned.category}: {warned.message}")
            for warned in observation.warnings
        ]
        if observation.last_output and observation.kind != "answered":
            details += [
                "  last output of the process:",
                textwrap.indent(observation.last_output, "    | "),
            ]
    arm = predict(call.arguments).arms[arm_of(call, verdict)]
    source = python(call.arguments, call.mode, arm, call.relation)
    program = "  the call, to paste and run:\n" + textwrap.indent(source, "    ")
    return Failure(point, "\n".join(details), program, "\n".join([point, *map(str, rows)]))


def _rows(
    call: Call, verdict: Verdict, observation: Observation | None, documentation: Mapping[str, str]
) -> Iterator[tuple[str, str]]:
    """Yield what was predicted and observed, and why they differ: nothing that is of the mode alone."""
    if observation is not None and not call.relation:
        yield from first_difference(call, verdict, observation)
    for identifier in verdict.rules:
        yield "rule", quoted(RULES[identifier], documentation)
    if call.relation:
        yield "relation", RELATIONS[call.relation].says
    else:
        yield from _predicted(call)
    if observation is not None:
        yield "observed", ending(observation)
        if verdict.kind == "vacuous":
            yield "excluded", listed(verdict.excluded or ()) or "no wrong oracle"
    for why in verdict.undeclared:
        yield "declared", f"but not for this call: {why}"
    if not call.relation and (instead := remedy(call.arguments)) is not None:
        yield "instead", instead


def _row(name: str, value: str) -> str:
    wrapped = textwrap.wrap(value, WIDTH - 13, break_long_words=False, break_on_hyphens=False) or [
        ""
    ]
    return f"  {name:<10} " + ("\n" + " " * 13).join(wrapped)


def arm_of(call: Call, verdict: Verdict) -> int:
    """Return the number of the arm of data that shows the difference."""
    names = predict(call.arguments).names
    return (
        names.index(verdict.difference.arm)
        if verdict.difference and verdict.difference.arm in names
        else 0
    )


def _predicted(call: Call) -> Iterator[tuple[str, str]]:
    """What must come out: by the case, where that claims something of its own, and by the documentation."""
    if has_own_claim(call):
        claimed = claim(call)
        what = (
            value_text(claimed.dtype, claimed.shape)
            if isinstance(claimed, Returns)
            else " or ".join(claimed.because)
        )
        yield "expected", f"{what}, by the case's `expect`"
    documented, formula = (
        predict(call.arguments).documented,
        predict(call.arguments).outcome(DOCUMENTED),
    )
    if isinstance(documented, Returns):
        yield "predicted", f"{value_text(documented.dtype, documented.shape)}, by the documentation"
    else:
        would = (
            f"; the formula would give {shape_text(formula.shape)}"
            if isinstance(formula, Returns)
            else ""
        )
        yield (
            "predicted",
            f"an exception, by the documentation ({', '.join(documented.because)}){would}",
        )


def first_difference(
    call: Call, verdict: Verdict, observation: Observation
) -> Iterator[tuple[str, str]]:
    """Yield the first difference, where it comes from, and the model that explains the observation."""
    difference, said, by = (
        from_formula(call, verdict, observation),
        "predicted",
        "by the documented formula",
    )
    explained = explaining_model(call, observation)
    if (
        verdict.kind == "unexpected"
    ):  # what it differs from is the case's, and no model has to explain it
        difference, said, by, explained = (
            verdict.difference,
            "expected",
            "by the case's `expect`",
            None,
        )
    if (
        difference is not None
        and difference.aspect == "values"
        and difference.index is not None
        and call.arguments.gradient is None
    ):
        if difference.text(said) not in verdict.reason:
            yield "values", difference.text(said)
        yield "fed by", feeding("documented", call.arguments, difference.index) + ", as documented"
        if explained is not None and explained != "documented":
            yield (
                "",
                feeding(explained, call.arguments, difference.index)
                + f", {explained.replace('_', '-')}",
            )
    elif difference is not None and difference.aspect in ("shape", "dtype"):
        if difference.text(said) not in verdict.reason:
            yield difference.aspect, f"{difference.predicted} {by}, {difference.observed} observed"
        if difference.aspect == "shape" and call.arguments.gradient is None:
            models = (
                (DOCUMENTED,)
                if explained is None
                else tuple(dict.fromkeys((DOCUMENTED, MODELS[explained])))
            )
            yield from sizes(interpretation_of(call.arguments), models)
    if explained is not None and (
        explained != "documented" or isinstance(predict(call.arguments).documented, Refuses)
    ):
        yield (
            "explained",
            f"by the model {explained}, which predicts this shape, dtype and every value",
        )
