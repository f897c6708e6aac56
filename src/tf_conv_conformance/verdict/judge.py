"""Prediction × observation × declared deviations → verdict: a pure function."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np
from packaging.specifiers import SpecifierSet

from tf_conv_conformance.casefile.call import AppliedDeviation, Call, model_of
from tf_conv_conformance.casefile.expansion import literal
from tf_conv_conformance.casefile.model import Expect, Observed, When
from tf_conv_conformance.casefile.names import own_name
from tf_conv_conformance.convolution.dtypes import nearest
from tf_conv_conformance.prediction.models import DOCUMENTED
from tf_conv_conformance.prediction.predict import Refuses, Returns, predict
from tf_conv_conformance.prediction.rules.catalogue import RULES, exercised, refusal
from tf_conv_conformance.subject.observation import Observation
from tf_conv_conformance.verdict import comparison
from tf_conv_conformance.verdict.comparison import Difference
from tf_conv_conformance.verdict.kinds import FAILING, Kind


@dataclass(frozen=True)
class Verdict:
    """What the observation means. `rules` are the ids of the rules that it contradicts, `reason` says it in a sentence.

    `excluded` are the wrong oracles that this check would have noticed, by name; None where nothing was held
    to an oracle's values, or where they are infinite or NaN. With `by_expect`, a call passes by its case's `expect`
    and against the documentation. `undeclared` are its deviations that do not apply here, each with why not.
    """

    kind: Kind
    reason: str
    rules: tuple[str, ...] = ()
    difference: Difference | None = None
    excluded: tuple[str, ...] | None = None
    by_expect: bool = False
    undeclared: tuple[str, ...] = ()

    @property
    def failing(self) -> bool:
        """Whether a test with this verdict fails."""
        return self.kind in FAILING


def unmet(condition: When, subject: Mapping[str, Any]) -> str | None:
    """Return what a condition requires and the subject does not have; None if it has all. Modes are no matter of the subject."""
    for package, wanted in (("tensorflow", condition.tensorflow), ("keras", condition.keras)):
        version = subject[package]
        if wanted is not None and (
            version is None or not SpecifierSet(wanted).contains(version, prereleases=True)
        ):
            return f"{package} {wanted}, but the subject has {f'{package} {version}' if version else f'no {package}'}"
    for name in ("onednn", "device", "platform", "machine"):
        wanted = getattr(condition, name)
        if wanted is not None and wanted != subject[name]:
            return f"{name}={_plain(wanted)}, but the subject has {name}={_plain(subject[name])}"
    lacking = [flag for flag in condition.cpu or () if flag not in subject["cpu"]["flags"]]
    unwanted = [flag for flag in condition.cpu_without or () if flag in subject["cpu"]["flags"]]
    if unwanted:
        return f"a CPU without {' and '.join(unwanted)}"
    return f"a CPU with {' and '.join(lacking)}" if lacking else None


def _plain(value: object) -> str:
    """Return a value of a condition as YAML has it."""
    return (
        {True: "true", False: "false", None: "unknown"}[value]
        if value is None or isinstance(value, bool)
        else str(value)
    )


def judge(call: Call, observation: Observation, subject: Mapping[str, Any]) -> Verdict:
    """The verdict on a call: its claim first, then the deviations that are declared for this subject."""
    if observation.kind == "suite error":
        return Verdict(
            "suite error", f"not a verdict on TensorFlow: {comparison.ending(observation)}"
        )
    declared = applying(call, subject)
    verdict = replace(_judged(call, observation, declared), excluded=_excluded(call, declared))
    return (
        replace(verdict, undeclared=tuple(_undeclared(call, subject)))
        if verdict.failing
        else verdict
    )


def _undeclared(call: Call, subject: Mapping[str, Any]) -> Iterator[str]:
    """Return the deviations of a case that do not apply to this subject, or not in this mode, each with why not."""
    for one in call.deviations:
        if (lacks := unmet(one.deviation.when, subject)) is not None:
            yield f"{one.deviation.rule} ({_how(one.deviation.observed)}): requires {lacks}"
    for other in call.other_modes:
        modes = " or ".join(other.when.modes or ())
        yield f"{other.rule} ({_how(other.observed)}): requires mode {modes}, but the call runs in {call.mode}"


def applying(call: Call, subject: Mapping[str, Any]) -> list[AppliedDeviation]:
    """Return the call's deviations that are declared for this subject."""
    return [one for one in call.deviations if unmet(one.deviation.when, subject) is None]


def _judged(call: Call, observation: Observation, declared: Sequence[AppliedDeviation]) -> Verdict:
    """Hold the observation against the documentation, against `expect` where that claims something else, and against deviations."""
    inputs = predict(call.arguments)
    names = [arm.name for arm in inputs.arms]
    documented = documented_difference(call, observation, names)
    claimed = expected_difference(call, observation, names) if has_own_claim(call) else documented
    differs = documented or claimed
    third = (
        next(
            (
                found
                for one in declared
                if (found := deviation_difference(call, one, observation, names))
            ),
            None,
        )
        if differs
        else None
    )
    vacuous = None if inputs.vacuous is None else _vacuous(call, inputs.vacuous)
    rules = tuple(one.deviation.rule for one in declared)
    if declared and differs and third is None:
        if vacuous is not None and any(one.deviation.observed.model for one in declared):
            return Verdict("vacuous", vacuous)
        return Verdict("deviates", _declared_text(declared), rules, differs)
    if declared and (claimed is None or documented is None):
        holds = "the documentation holds" if documented is None else "the case's `expect` holds"
        also = f"; {_differs_from_expect(claimed)}" if claimed else ""
        return Verdict("resolved", f"delete the deviation from {rules[0]}: {holds}{also}", rules)
    if claimed is None:
        if vacuous is not None and _compares_values(call):
            return Verdict(
                "vacuous", f"{vacuous}, or write what must come out as `expect: {{values: …}}`"
            )
        return _passes(call, documented)
    if documented is None:
        reason = f"{claimed.text('expected')}; TensorFlow does what it documents, and the case's `expect` differs"
        return Verdict("unexpected", reason, (), claimed)
    reason = (
        f"{third.text('declared')}; not as documented either"
        if third
        else _reason(call, documented, observation)
    )
    also = f"; {_differs_from_expect(claimed)}" if has_own_claim(call) else ""
    return Verdict(
        ended(observation) or "violates", reason + also, contradicted(call, documented), documented
    )


def _differs_from_expect(difference: Difference) -> str:
    return f"the case's `expect` differs: {difference.text('expected')}"


def _vacuous(call: Call, unnoticed: str) -> str:
    """Return why a call proves nothing, and which data would."""
    literal = call.arguments.input.values is not None or call.arguments.filter.values is not None
    remedy = (
        "give a shape in place of the literal values, for random data"
        if literal
        else "take another size"
    )
    return f"the same with {unnoticed}, a wrong oracle: this data cannot tell them apart; {remedy}"


def _excluded(call: Call, declared: Sequence[AppliedDeviation]) -> tuple[str, ...] | None:
    """The wrong oracles that the data shows where the call is held to what deviations declare, else to what the case claims."""
    held = [
        (model, one.arguments)
        for one in declared
        if (model := model_of(one.deviation.observed)) is not None
    ]
    if not declared and _compares_values(call):
        held = [(DOCUMENTED, call.arguments)]
    asked = [predict(call.arguments).excluded(model, arguments) for model, arguments in held]
    found = [names for names in asked if names is not None]
    return tuple(dict.fromkeys(name for names in found for name in names)) if found else None


def ended(observation: Observation) -> Literal["crashed", "timed out", "suite error"] | None:
    """Return the verdict on a call that was not answered; None on one that was."""
    return None if observation.kind == "answered" else observation.kind


def claim(call: Call) -> Returns | Refuses:
    """What the case says comes out: what it expects, else what the documentation says."""
    documented = predict(call.arguments).documented
    expect = call.case.claim
    if expect is None:
        return documented
    if expect.error is not None:
        return Refuses(tuple(expect.error))
    return Returns(_expected_shape(expect, documented), call.arguments.dtype)


def _expected_shape(expect: Expect, documented: Returns | Refuses) -> tuple[int, ...]:
    """The literal shape; that of nested values; for flat values without a shape, the documented one."""
    if expect.shape is not None:
        return tuple(expect.shape)
    shape, numbers = literal(expect.values, ())
    if (
        len(shape) == 1
        and isinstance(documented, Returns)
        and math.prod(documented.shape) == len(numbers)
    ):
        return documented.shape
    return shape


def has_own_claim(call: Call) -> bool:
    """Whether the case's `expect` claims something else than the documentation, or literal values."""
    expect = call.case.claim
    return expect is not None and (
        expect.values is not None or claim(call) != predict(call.arguments).documented
    )


def _compares_values(call: Call) -> bool:
    """Whether the claim rests on the oracle's values."""
    return isinstance(predict(call.arguments).documented, Returns) and not has_own_claim(call)


def documented_difference(
    call: Call, observation: Observation, names: Sequence[str]
) -> Difference | None:
    """Where the observation is not what the documentation says."""
    documented = predict(call.arguments).documented
    if isinstance(documented, Refuses):
        return comparison.from_error(None, None, observation, names)
    return comparison.from_values(
        documented,
        predict(call.arguments).values(DOCUMENTED),
        names,
        observation,
    )


def expected_difference(
    call: Call, observation: Observation, names: Sequence[str]
) -> Difference | None:
    """Where the observation is not what the case's `expect` claims."""
    expect, claimed = call.case.claim, claim(call)
    assert expect is not None  # it has a claim of its own
    if isinstance(claimed, Refuses):
        any_class = "Exception" in claimed.because
        return comparison.from_error(
            None if any_class else expect.error, expect.match, observation, names
        )
    if expect.values is None:
        return comparison.from_values(claimed, None, names, observation)
    numbers = [nearest(number, claimed.dtype) for number in literal(expect.values, ())[1]]
    values = predict(call.arguments).around(
        np.array(numbers, dtype=np.float64).reshape(claimed.shape)
    )
    return comparison.from_values(claimed, values, names, observation)


def deviation_difference(
    call: Call, one: AppliedDeviation, observation: Observation, names: Sequence[str]
) -> Difference | None:
    """Where the observation is not what a deviation declares."""
    observed = one.deviation.observed
    if observed.crash is not None or observed.timeout is not None:
        said = "crashed" if observed.crash is not None else "timed out"
        right = observation.kind == said and (
            observed.crash is None or observation.signal in observed.crash
        )
        declared = f"a crash ({' or '.join(observed.crash)})" if observed.crash else "a time-out"
        return None if right else Difference("outcome", declared, comparison.ending(observation))
    if observed.error is not None:
        found = comparison.from_error(observed.error, observed.match, observation, names)
    elif (model := model_of(observed)) is not None:
        outcome = predict(one.arguments).outcome(model)
        assert isinstance(outcome, Returns)  # checked when the case was read
        values = predict(call.arguments).values(model, one.arguments)
        found = comparison.from_values(outcome, values, names, observation)
    else:
        returned = Returns(tuple(observed.shape or ()), observed.dtype or one.arguments.dtype)
        found = comparison.from_values(returned, None, names, observation)
    if found is None and observed.warning is not None:
        categories = [warned.category for warned in observation.warnings]
        if own_name(observed.warning) not in categories:
            return Difference("warning", observed.warning, ", ".join(categories) or "no warning")
    return found


def contradicted(call: Call, difference: Difference) -> tuple[str, ...]:
    """The ids of the rules that a difference from the documentation speaks against, as far as it tells them apart."""
    documented = predict(call.arguments).documented
    if isinstance(documented, Refuses):
        return tuple(reason for reason in documented.because if reason in RULES)
    if (
        difference.aspect == "outcome"
    ):  # nothing came out that could be held against more than the formula itself
        return tuple(rule.id for rule in exercised(call.arguments) if rule.id.endswith(".values"))[
            :1
        ]
    return tuple(rule.id for rule in exercised(call.arguments) if rule.aspect == difference.aspect)


def _passes(call: Call, documented: Difference | None) -> Verdict:
    """The verdict where the claim holds; `documented` is the difference from the documentation, if the claim is another."""
    kind: Kind = "refused" if isinstance(claim(call), Refuses) else "conforms"
    if documented is not None:
        return Verdict(
            kind,
            f"as the case expects, against the documentation: {documented.text('documented')}",
            by_expect=True,
        )
    outcome = predict(call.arguments).documented
    if isinstance(outcome, Refuses):
        return Verdict(kind, f"refused, as documented ({', '.join(outcome.because)})")
    return Verdict(
        kind,
        "the values that the case expects"
        if has_own_claim(call)
        else "shape, dtype and every value are as documented",
    )


def _reason(call: Call, difference: Difference, observation: Observation) -> str:
    documented = predict(call.arguments).documented
    if isinstance(documented, Refuses) and observation.kind == "answered":
        return f"not refused: {'; '.join(refusal(reason, call.arguments) for reason in documented.because)}"
    return difference.text()


def _declared_text(declared: Sequence[AppliedDeviation]) -> str:
    return "; ".join(
        f"{one.deviation.rule} ({_how(one.deviation.observed)}; {one.deviation.reported})"
        for one in declared
    )


def _how(observed: Observed) -> str:
    """Return what a deviation declares, in a few words."""
    how = (
        observed.model
        or observed.error
        or observed.crash
        or ("timeout" if observed.timeout else "unspecified values")
    )
    return how if isinstance(how, str) else " or ".join(how)
