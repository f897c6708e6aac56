"""Find the shipped deviations that explain what a model's calls returned."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tf_conv_conformance.casefile.call import Call
from tf_conv_conformance.casefile.shipped import shipped
from tf_conv_conformance.casefile.writer import WrittenCase
from tf_conv_conformance.explore.known_deviations import (
    KnownDeviation,
    find_known,
    find_known_shape,
    read_known,
)
from tf_conv_conformance.verdict.static_shapes import is_about_static_shape
from tf_conv_conformance.verdict.suggestion import Plain, Results, suggest
from tf_conv_conformance.verdict.verdict import Verdict


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
    deviations, where = [], dict[str, None]()
    for deviation in suggest(case, results, subject).deviations:
        is_static = not {"static", "unknown"}.isdisjoint(deviation["observed"])
        modes = deviation.get("when", {}).get("modes", list(results))
        found = [
            _known(call, results, subject, known, is_static)
            for call in case.calls
            if call.mode in modes and _fails(results[call.mode].verdict, is_static)
        ]
        if not found or None in found:
            return Explained()
        where |= {one.where: None for one in found if one is not None}
        deviations.append(_declared(deviation, found[0]))
    return Explained(tuple(deviations), tuple(where))


def _fails(verdict: Verdict, is_static: bool) -> bool:
    """Return whether a call fails, for its result or for what was known of its shape."""
    return verdict.failing and is_about_static_shape(verdict) == is_static


def _known(
    call: Call,
    results: Results,
    subject: Mapping[str, Any],
    known: Sequence[KnownDeviation],
    is_static: bool,
) -> KnownDeviation | None:
    observation = results[call.mode].observation
    find = find_known_shape if is_static else find_known
    return None if observation is None else find(known, call, observation, subject)


def _declared(deviation: Plain, known: KnownDeviation | None) -> Plain:
    """Return a deviation with the conditions and the report of the shipped one."""
    assert known is not None  # checked before
    conditions = known.deviation.when.model_dump(exclude_none=True, exclude={"modes"})
    when = {**conditions, **deviation.get("when", {})}
    reported = known.deviation.reported
    given = {"rule": deviation["rule"], **({"when": when} if when else {})}
    return {**given, "observed": deviation["observed"], "reported": reported}
