"""What a failing test prints: all that a person needs, and no traceback of ours."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Mapping

from tf_conv_conformance import prediction
from tf_conv_conformance.call import Call
from tf_conv_conformance.comparison import ending, shape_text, value_text
from tf_conv_conformance.exclusions import listed
from tf_conv_conformance.explanation import explaining_model, feeding, from_formula
from tf_conv_conformance.oracle.models import DOCUMENTED
from tf_conv_conformance.prediction import Refuses, Returns
from tf_conv_conformance.relations import RELATIONS
from tf_conv_conformance.reproduction import python
from tf_conv_conformance.rules.catalogue import RULES
from tf_conv_conformance.rules.rule import sentence
from tf_conv_conformance.subject.observation import Observation
from tf_conv_conformance.verdict import Verdict, claim, has_own_claim

WIDTH = 120


def text(where: str, call: Call, verdict: Verdict, observation: Observation | None, documentation: Mapping[str, str]) -> str:
    """The report of a failed call; `where` is its file and line."""
    rows = [("case", f"{where} {call.name}"), *_rules(verdict, documentation)]
    rows += [("relation", RELATIONS[call.relation].says)] if call.relation else _predicted(call)
    if observation is not None:
        rows.append(("observed", ending(observation)))
        rows += [] if call.relation else first_difference(call, verdict, observation)
        rows += [("excluded", listed(verdict.excluded or ()) or "no wrong oracle")] if verdict.kind == "vacuous" else []
        rows += [("declared", f"but not for this call: {why}") for why in verdict.undeclared]
        rows += [("warned", f"{warned.category}: {warned.message}") for warned in observation.warnings]
    lines = [f"{verdict.kind}: {verdict.reason}", *(_row(name, value) for name, value in rows)]
    if observation is not None and observation.last_output and observation.kind != "answered":
        lines.append("  last output of the process:")
        lines.append(textwrap.indent(observation.last_output, "    | "))
    lines.append("  the call, to paste and run:")
    arm = prediction.inputs(call.arguments).arms[arm_of(call, verdict)]
    lines.append(textwrap.indent(python(call.arguments, call.mode, arm, call.relation), "    "))
    return "\n".join(lines)


def _row(name: str, value: str) -> str:
    wrapped = textwrap.wrap(value, WIDTH - 13, break_long_words=False, break_on_hyphens=False) or [""]
    return f"  {name:<10} " + ("\n" + " " * 13).join(wrapped)


def arm_of(call: Call, verdict: Verdict) -> int:
    """The arm of data that shows the difference."""
    names = [arm.name for arm in prediction.inputs(call.arguments).arms]
    return names.index(verdict.difference.arm) if verdict.difference and verdict.difference.arm in names else 0


def _rules(verdict: Verdict, documentation: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    for identifier in verdict.rules:
        rule = RULES[identifier]
        found = sentence(documentation.get(rule.symbol, ""), rule.phrase)
        yield "rule", f"{identifier} ({rule.symbol}): {found or f'documentation changed: no longer says {rule.phrase!r}'}"


def _predicted(call: Call) -> Iterator[tuple[str, str]]:
    """What must come out: by the case, where that claims something of its own, and by the documentation."""
    if has_own_claim(call):
        claimed = claim(call)
        what = value_text(claimed.dtype, claimed.shape) if isinstance(claimed, Returns) else " or ".join(claimed.because)
        yield "expected", f"{what}, by the case's `expect`"
    documented, formula = prediction.documented(call.arguments), prediction.outcome(DOCUMENTED, call.arguments)
    if isinstance(documented, Returns):
        yield "predicted", f"{value_text(documented.dtype, documented.shape)}, by the documentation"
    else:
        would = f"; its formula would give {shape_text(formula.shape)}" if isinstance(formula, Returns) else ""
        yield "predicted", f"an exception, by the documentation ({', '.join(documented.because)}){would}"


def first_difference(call: Call, verdict: Verdict, observation: Observation) -> Iterator[tuple[str, str]]:
    """The first differing element, what feeds it, and the model that explains the observation."""
    difference, by = from_formula(call, verdict, observation), "by the documented formula"
    explained = explaining_model(call, observation)
    if verdict.kind == "unexpected":  # what it differs from is the case's, and no model has to explain it
        difference, by, explained = verdict.difference, "by the case's `expect`", None
    if difference is not None and difference.aspect == "values" and difference.index is not None and call.arguments.gradient is None:
        yield "first", difference.text("expected" if verdict.kind == "unexpected" else "predicted")
        yield "fed by", feeding("documented", call.arguments, difference.index) + ", as documented"
        if explained is not None and explained != "documented":
            yield "", feeding(explained, call.arguments, difference.index) + f", as {explained}"
    elif difference is not None and difference.aspect in ("shape", "dtype"):
        yield difference.aspect, f"{difference.predicted} {by}, {difference.observed} observed"
    if explained is not None and (explained != "documented" or isinstance(prediction.documented(call.arguments), Refuses)):
        yield "explained", f"by the model {explained}: shape, dtype and every value are what it predicts"
