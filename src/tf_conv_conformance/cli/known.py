"""Find the shipped deviations that explain what a model's calls returned."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tf_conv_conformance.casefile.call import Call
from tf_conv_conformance.casefile.shipped import shipped
from tf_conv_conformance.casefile.writer import WrittenCase
from tf_conv_conformance.explore.known_deviations import KnownDeviation, find_known, read_known
from tf_conv_conformance.verdict.suggestion import Plain, Results, suggest


@dataclass(frozen=True)
class Explained:
    """The deviations to declare for a case, and where shipped cases declare the same.

    There are none if nothing fails, or if a shipped deviation is missing for one of its calls.
    """

    deviations: tuple[Plain, ...] = ()
    where: tuple[str, ...] = ()


def shipped_deviations() -> tuple[KnownDeviation, ...]:
    """Return the deviations of the shipped cases."""
    return read_known([shipped("cases")])


def explained(
    case: WrittenCase,
    results: Results,
    subject: Mapping[str, Any],
    known: Sequence[KnownDeviation],
) -> Explained:
    """Return the deviations of a case, if shipped ones explain all that its calls returned."""
    suggested = suggest(case, results, subject).deviations
    by_mode = {
        call.mode: _known(call, results, subject, known)
        for call in case.calls
        if results[call.mode].verdict.failing
    }
    deviations = []
    for deviation in suggested:
        modes = deviation.get("when", {}).get("modes", list(by_mode))
        found = [by_mode[mode] for mode in modes if mode in by_mode]
        if not found or None in found:
            return Explained()
        deviations.append(_declared(deviation, found[0]))
    where = dict.fromkeys(one.where for one in by_mode.values() if one is not None)
    return Explained(tuple(deviations), tuple(where) if deviations else ())


def _known(
    call: Call, results: Results, subject: Mapping[str, Any], known: Sequence[KnownDeviation]
) -> KnownDeviation | None:
    observation = results[call.mode].observation
    return None if observation is None else find_known(known, call, observation, subject)


def _declared(deviation: Plain, known: KnownDeviation | None) -> Plain:
    """Return a deviation with the conditions and the report of the shipped one."""
    assert known is not None  # checked before
    conditions = known.deviation.when.model_dump(exclude_none=True, exclude={"modes"})
    when = {**conditions, **deviation.get("when", {})}
    reported = known.deviation.reported
    given = {"rule": deviation["rule"], **({"when": when} if when else {})}
    return {**given, "observed": deviation["observed"], "reported": reported}
