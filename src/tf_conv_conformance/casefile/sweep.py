"""Make the calls of a case."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property

from tf_conv_conformance.casefile import checks
from tf_conv_conformance.casefile.call import AppliedDeviation, Call
from tf_conv_conformance.casefile.deviations import (
    applied,
    check_all_apply,
    check_deviation,
    rules_at_stake,
)
from tf_conv_conformance.casefile.diagnostic import CaseError, Keys
from tf_conv_conformance.casefile.expansion import Expanded, Expansion, expand
from tf_conv_conformance.casefile.expectations import Deviation
from tf_conv_conformance.casefile.model import Case, Defaults
from tf_conv_conformance.casefile.source import Source
from tf_conv_conformance.convolution.names import MODES, Mode
from tf_conv_conformance.prediction import relations
from tf_conv_conformance.prediction.predict import Refuses, predict

REASONS = 3  # reasons in a message why a relation applies to no call


@dataclass(frozen=True)
class Sweep:
    """A case whose calls have not been made yet. `keys` are the path to it in its file."""

    case: Case
    expansion: Expansion
    source: Source
    keys: Keys

    @property
    def comparisons(self) -> int:
        """How often a combination has to be compared with the condition of a deviation."""
        where = [values for one in self.case.deviations for _, values in one.where]
        conditions = len(self.case.deviations) + sum(len(values or ()) for values in where)
        return conditions * self.expansion.count

    @cached_property
    def modes(self) -> tuple[Mode, ...]:
        """The modes in which the calls are made."""
        return tuple(mode for mode in MODES if mode in (self.case.modes or MODES))

    def calls(self) -> list[Call]:
        """Return the calls in all modes, with the calls of relations last.

        Raises :class:`CaseError` for the first fault.
        """
        calls = list(self._plain_calls())
        check_all_apply(self.case.deviations, calls)
        return calls + _related(self.case, calls)

    def _plain_calls(self) -> Iterator[Call]:
        line, text = self.source.place(self.keys)[0], self.source.block(self.keys)
        for expanded in self.expansion:
            self._check(expanded)
            deviations = self._deviations(expanded)
            label = f"{expanded.label}-" if expanded.label else ""
            for mode in self.modes:
                here = [one for one in deviations if _is_in(mode, one.deviation)]
                elsewhere = [one for one in deviations if not _is_in(mode, one.deviation)]
                yield Call(
                    name=f"{self.case.id}[{label}{mode}]",
                    line=line,
                    case=self.case,
                    arguments=expanded.arguments,
                    mode=mode,
                    deviations=tuple(here),
                    text=text,
                    other_modes=tuple(one.deviation for one in elsewhere),
                )

    def _check(self, expanded: Expanded) -> None:
        try:
            checks.check_arguments(expanded.arguments)
        except CaseError as error:
            if not expanded.label:
                raise
            swept = ("sweep",) if set(error.keys) & self.expansion.swept else ()
            raise CaseError((*swept, *error.keys), f"{expanded.label}: {error.message}") from None
        if self.case.expect == "result":
            checks.check_result(expanded)
        if self.case.claim is not None:
            checks.check_claim(self.case.claim, expanded.arguments)

    def _deviations(self, expanded: Expanded) -> list[AppliedDeviation]:
        at_stake = rules_at_stake(expanded.arguments)
        found = (
            applied(deviation, expanded, at_stake, ("deviations", index))
            for index, deviation in enumerate(self.case.deviations)
            if any(_is_in(mode, deviation) for mode in self.modes)
        )
        return [one for one in found if one is not None]


def _is_in(mode: Mode, deviation: Deviation) -> bool:
    return deviation.when.modes is None or mode in deviation.when.modes


def checked(case: Case, defaults: Defaults, whole: bool, source: Source, keys: Keys) -> Sweep:
    """Return a case with its defaults. Checks all but its calls. Raises :class:`CaseError`."""
    for index, deviation in enumerate(case.deviations):
        check_deviation(deviation, ("deviations", index))
    expansion = expand(case, defaults, whole)
    names = ("modes", "large", "requires", "references", "expect")
    update = {name: getattr(case, name) or getattr(defaults, name) for name in names}
    case = case.model_copy(update=update)
    if case.claim is not None:
        checks.check_expected_values(case.claim)
    return Sweep(case, expansion, source, keys)


def _related(case: Case, calls: list[Call]) -> list[Call]:
    """Return a call for each relation that applies to a call.

    Raises :class:`CaseError` for a relation that applies to no call.
    """
    found = []
    for index, name in enumerate(case.relations or ()):
        obstacles = [
            _no_result(name, call) or relations.obstacle(name, call.arguments, call.mode)
            for call in calls
        ]
        related = [call for call, why in zip(calls, obstacles, strict=True) if why is None]
        if not related:
            reasons = "; ".join(list(dict.fromkeys(filter(None, obstacles)))[:REASONS])
            message = f"{reasons}, so it applies to no call of this case"
            raise CaseError(("relations", index), message)
        for call in related:
            found.append(replace(call, name=f"{call.name[:-1]}-{name}]", relation=name))
    return found


def _no_result(name: str, call: Call) -> str | None:
    """Return why a call has no result for a relation: because of its case or documentation."""
    claim = call.case.claim
    if claim is not None and claim.error is not None:
        raised = " or ".join(claim.error)
        return f"{name} needs a result, and `expect` says that the call raises {raised}"
    documented = predict(call.arguments).documented
    declared = any(one.deviation.observed.returns for one in call.deviations)
    if isinstance(documented, Refuses) and not declared and claim is None:
        rules = ", ".join(documented.because)
        return f"{name} needs a result, and the documentation refuses the call ({rules})"
    return None
