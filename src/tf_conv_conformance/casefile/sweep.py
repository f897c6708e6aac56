"""Make the calls of a case."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence, Set
from dataclasses import dataclass, replace

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
from tf_conv_conformance.casefile.limits import has_room
from tf_conv_conformance.casefile.model import Case, Defaults
from tf_conv_conformance.casefile.source import Source
from tf_conv_conformance.convolution.modes import obstacle
from tf_conv_conformance.convolution.names import DEFAULT_MODES, GRAPH_MODES, MODES, Mode
from tf_conv_conformance.prediction import relations
from tf_conv_conformance.prediction.predict import Refuses, predict

REASONS = 3  # in a message why a relation applies to no call, or a mode makes none


@dataclass(frozen=True)
class Extent:
    """How much of a file's calls to make: a sample of each scope or the `whole`, in more modes."""

    whole: bool = False
    added_modes: tuple[Mode, ...] = ()


SAMPLE = Extent()


@dataclass(frozen=True)
class Sweep:
    """A case whose calls have not been made yet. `keys` are the path to it in its file.

    `own_modes` are the `modes` that the case itself names. Those of its defaults may suit only
    some of a file's cases, and the `added_modes` of the command line only some of a run's.
    """

    case: Case
    expansion: Expansion
    source: Source
    keys: Keys
    modes: tuple[Mode, ...]
    own_modes: tuple[Mode, ...]
    added_modes: tuple[Mode, ...]

    @property
    def comparisons(self) -> int:
        """How often a combination has to be compared with the condition of a deviation."""
        where = [values for one in self.case.deviations for _, values in one.where]
        conditions = len(self.case.deviations) + sum(len(values or ()) for values in where)
        return conditions * self.expansion.count

    def calls(self) -> list[Call]:
        """Return the calls in all modes, with the calls of relations last.

        Raises :class:`CaseError` for the first fault.
        """
        obstacles: dict[Mode, list[str]] = {}
        calls = list(self._plain_calls(obstacles))
        self._check_modes({call.mode for call in calls}, obstacles)
        if self.case.rewrites and not any(call.mode in GRAPH_MODES for call in calls):
            known = " or ".join(GRAPH_MODES)
            message = f"the executed graph is observed in {known} mode, and no call is made in it"
            raise CaseError(("rewrites",), message)
        check_all_apply(self.case.deviations, calls)
        return calls + _related(self.case, calls)

    def _check_modes(self, used: Set[Mode], obstacles: Mapping[Mode, Sequence[str]]) -> None:
        """Refuse a mode that the case itself names, but in which none of its calls can be made."""
        for mode in self.own_modes:
            if mode not in used:
                reasons = "; ".join(list(dict.fromkeys(obstacles[mode]))[:REASONS])
                message = f"no call of this case can be made in {mode} mode: {reasons}"
                raise CaseError(("modes",), message)

    def _plain_calls(self, obstacles: dict[Mode, list[str]]) -> Iterator[Call]:
        """Yield the calls, and collect the obstacles to others by their modes."""
        line, value = self.source.place(self.keys)[0], self.source.value
        written = (value.get("defaults", {}), value["cases"][self.keys[-1]])
        for expanded in self.expansion:
            modes = []
            for mode in self.modes:
                if found := obstacle(expanded.arguments, mode):
                    obstacles.setdefault(mode, []).append(found)
                elif not self._is_too_large(expanded, mode):
                    modes.append(mode)
            self._check(expanded, modes)
            deviations = self._deviations(expanded)
            label = f"{expanded.label}-" if expanded.label else ""
            for mode in modes:
                here = [one for one in deviations if mode in one.deviation.modes]
                elsewhere = [one for one in deviations if mode not in one.deviation.modes]
                yield Call(
                    name=f"{self.case.id}[{label}{mode}]",
                    line=line,
                    case=self.case,
                    arguments=expanded.arguments,
                    mode=mode,
                    deviations=tuple(here),
                    written=written,
                    other_modes=tuple(one.deviation for one in elsewhere),
                )

    def _is_too_large(self, expanded: Expanded, mode: Mode) -> bool:
        """Return whether a mode of the command line has no memory for a large call."""
        is_added = mode in self.added_modes
        return is_added and bool(self.case.large) and not has_room(expanded.arguments, mode)

    def _check(self, expanded: Expanded, modes: Sequence[Mode]) -> None:
        try:
            checks.check_arguments(expanded.arguments, modes, bool(self.case.large))
        except CaseError as error:
            if not expanded.label:
                raise
            swept = ("sweep",) if set(error.keys) & self.expansion.swept else ()
            raise CaseError((*swept, *error.keys), f"{expanded.label}: {error.message}") from None
        if self.case.expect == "result":
            checks.check_result(expanded, "expect")
        if self.case.claim is not None:
            checks.check_claim(self.case.claim, expanded.arguments)
        if self.case.rewrites:
            checks.check_rewrites(self.case.claim, expanded)

    def _deviations(self, expanded: Expanded) -> list[AppliedDeviation]:
        at_stake = rules_at_stake(expanded.arguments)
        found = (
            applied(deviation, expanded, at_stake, ("deviations", index))
            for index, deviation in enumerate(self.case.deviations)
            if any(mode in deviation.modes for mode in self.modes)
        )
        return [one for one in found if one is not None]


def checked(case: Case, defaults: Defaults, extent: Extent, source: Source, keys: Keys) -> Sweep:
    """Return a case with its defaults. Checks all but its calls. Raises :class:`CaseError`."""
    own_modes = tuple(mode for mode in MODES if mode in (case.modes or ()))
    for index, deviation in enumerate(case.deviations):
        check_deviation(deviation, ("deviations", index))
    expansion = expand(case, defaults, extent.whole)
    names = ("modes", "large", "requires", "references", "expect")
    update = {name: getattr(case, name) or getattr(defaults, name) for name in names}
    case = case.model_copy(update=update)
    if case.claim is not None:
        checks.check_expected_values(case.claim)
    named = case.modes or DEFAULT_MODES
    added = tuple(mode for mode in extent.added_modes if mode not in named)
    modes = tuple(mode for mode in MODES if mode in named or mode in added)
    return Sweep(case, expansion, source, keys, modes, own_modes, added)


def _related(case: Case, calls: list[Call]) -> list[Call]:
    """Return a call for each relation that applies to a call.

    Raises :class:`CaseError` for a relation that applies to no call.
    """
    found = []
    named = case.relations or []
    for index, name in enumerate(named):
        if name in named[:index]:
            continue
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
