"""A case → its calls."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from functools import cached_property

from tf_conv_conformance.casefile import checks
from tf_conv_conformance.casefile.call import AppliedDeviation, Call
from tf_conv_conformance.casefile.expansion import CaseError, Expanded, Expansion, Keys, expand
from tf_conv_conformance.casefile.model import Case, Defaults
from tf_conv_conformance.casefile.yaml_reader import Source
from tf_conv_conformance.convolution.names import MODES, Mode
from tf_conv_conformance.prediction import relations
from tf_conv_conformance.prediction.predict import Refuses, predict
from tf_conv_conformance.prediction.rules.catalogue import broken, exercised

REASONS = 3  # why no call has a relation, in a message


@dataclass(frozen=True)
class Sweep:
    """A case that is right as far as can be told without making its calls; `keys` lead to it in its file."""

    case: Case
    expansion: Expansion
    source: Source
    keys: Keys

    @cached_property
    def line(self) -> int:
        """Where the case stands, 1-based."""
        return self.source.place(self.keys)[0]

    @cached_property
    def text(self) -> str:
        """The case as its file has it."""
        return self.source.block(self.keys)

    @property
    def comparisons(self) -> int:
        """How often combinations are compared with conditions of deviations."""
        conditions = sum(
            1 + sum(len(values or ()) for _, values in deviation.where)
            for deviation in self.case.deviations
        )
        return conditions * self.expansion.count

    @property
    def modes(self) -> tuple[Mode, ...]:
        """The modes in which its calls are made."""
        return tuple(mode for mode in MODES if mode in (self.case.modes or MODES))

    def calls(self) -> Iterator[Call]:
        """The calls of all combinations, checked. Raises :class:`CaseError` at the first that cannot be made."""
        for one in self.expansion:
            self._check_entry_point(one)
            checks.check_size(one.arguments)
            checks.check_gradient(one.arguments)
            checks.check_exact(one.arguments)
            checks.check_expected_reals(self.case.expect, one.arguments)
            checks.check_expected_count(self.case.expect, one.arguments)
            if self.case.expect == "result":
                checks.check_result(one)
            declared = self._declared(one)
            for mode in self.modes:
                here = tuple(one for one in declared if mode in (one.deviation.when.modes or MODES))
                elsewhere = tuple(
                    one.deviation
                    for one in declared
                    if mode not in (one.deviation.when.modes or MODES)
                )
                name = f"{self.case.id}[{one.label}{'-' if one.label else ''}{mode}]"
                yield Call(
                    name,
                    self.line,
                    self.case,
                    one.arguments,
                    mode,
                    here,
                    None,
                    self.text,
                    elsewhere,
                )

    def _check_entry_point(self, one: Expanded) -> None:
        """Refuse a combination that the entry point cannot take, at the alternative. Raises :class:`CaseError`."""
        try:
            checks.check_entry_point(one.arguments)
        except CaseError as error:
            if not one.label:
                raise
            swept = ("sweep",) if set(error.keys) & self.expansion.swept else ()
            raise CaseError((*swept, *error.keys), f"{one.label}: {error.message}") from None

    def _declared(self, one: Expanded) -> list[AppliedDeviation]:
        """The deviations that are about a combination, in some of the case's modes."""
        found = []
        for index, deviation in enumerate(self.case.deviations):
            if not set(self.modes).isdisjoint(
                deviation.when.modes or MODES
            ) and checks.speaks_about(deviation, one):
                stands_for = checks.stands_for(deviation.observed, one)
                checks.check_observed(
                    deviation.observed, stands_for, ("deviations", index, "observed")
                )
                found.append(AppliedDeviation(deviation, stands_for))
        return found


def checked(case: Case, defaults: Defaults, whole: bool, source: Source, keys: Keys) -> Sweep:
    """A case that is right as far as can be told without making its calls. Raises :class:`CaseError`."""
    for index, deviation in enumerate(case.deviations):
        checks.check_deviation(deviation, ("deviations", index))
    expansion = expand(case, defaults, whole)
    taken = {
        name: getattr(case, name) or getattr(defaults, name)
        for name in ("modes", "large", "requires", "references", "expect")
    }
    case = case.model_copy(update=taken)
    if case.claim is not None:
        checks.check_expectation(case.claim)
    return Sweep(case, expansion, source, keys)


def all_calls(sweep: Sweep) -> list[Call]:
    """The calls of a case in all its modes, those of its relations last. Raises :class:`CaseError` for the first fault."""
    calls = list(sweep.calls())
    _check_deviations(sweep.case, calls)
    return calls + _related(sweep.case, calls)


def _check_deviations(case: Case, calls: Iterable[Call]) -> None:
    """Refuse a deviation that is about none of these calls; no further is looked than is needed. Raises :class:`CaseError`."""
    left = dict(enumerate(case.deviations))
    at_stake: set[str] = set()
    for call in calls if left else ():
        at_stake |= {rule.id for rule in broken(call.arguments) or exercised(call.arguments)}
        matched = [one.deviation for one in call.deviations]
        left = {
            index: deviation
            for index, deviation in left.items()
            if not any(deviation is one for one in matched)
        }
        if not left:
            return
    for index, deviation in left.items():
        raise CaseError(("deviations", index), _unmatched(deviation.rule, sorted(at_stake)))


def _unmatched(rule: str, at_stake: list[str]) -> str:
    """Why a deviation matches no call, as far as the rules tell."""
    if rule not in at_stake:
        return f"matches no call: no call of this case can break {rule}; they can break {', '.join(at_stake)}"
    return (
        "matches no call: `when` and `where` exclude every one, or the documentation says the same"
    )


def _related(case: Case, calls: list[Call]) -> list[Call]:
    """A call for each relation that can be held for a call. Raises :class:`CaseError` for a relation that can be held for none."""
    found = []
    for index, name in enumerate(case.relations or ()):
        obstacles = {
            call.name: _no_result(name, call) or relations.obstacle(name, call.arguments, call.mode)
            for call in calls
        }
        related = [call for call in calls if obstacles[call.name] is None]
        if not related:
            reasons = dict.fromkeys(reason for reason in obstacles.values() if reason is not None)
            raise CaseError(
                ("relations", index),
                f"{'; '.join(list(reasons)[:REASONS])}, so no call of this case can have it",
            )
        found += [
            replace(call, name=f"{call.name[:-1]}-{name}]", relation=name) for call in related
        ]
    return found


def _no_result(name: str, call: Call) -> str | None:
    """Return why a call has no result to hold a relation for: by its case, or by the documentation and the deviations."""
    claim = call.case.claim
    if claim is not None and claim.error is not None:
        return f"{name} needs a result, and `expect` says that the call raises {' or '.join(claim.error)}"
    documented = predict(call.arguments).documented
    declared = any(one.deviation.observed.returns for one in call.deviations)
    if isinstance(documented, Refuses) and not declared and claim is None:
        return f"{name} needs a result, and the documentation refuses the call ({', '.join(documented.because)})"
    return None
