"""Calls → each documented statement, with what supports and what contradicts it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from tf_conv_conformance.prediction.rules.catalogue import RULES
from tf_conv_conformance.prediction.rules.rule import Rule
from tf_conv_conformance.report.calls import Shown


@dataclass(frozen=True)
class Statement:
    """A rule, its sentence in the installed documentation, and how many calls of a run support and contradict it."""

    rule: Rule
    sentence: str | None
    supporting: int
    contradicting: int
    reported: tuple[str, ...]


def statements(calls: Sequence[Shown], sentences: Mapping[str, str | None]) -> Iterator[Statement]:
    """Every rule of the catalogue, with the public reports that the deviations from it name."""
    supporting: Counter[str] = Counter()
    contradicting: Counter[str] = Counter()
    reported: dict[str, set[str]] = {}
    for call in calls:
        against = call.end["rules"]
        contradicting.update(against)
        supporting.update(call.supports)
        for deviation in call.case["deviations"]:
            if deviation["rule"] in against and deviation["reported"].startswith(
                ("https://", "http://")
            ):
                reported.setdefault(deviation["rule"], set()).add(deviation["reported"])
    for rule in RULES.values():
        links = tuple(sorted(reported.get(rule.id, ())))
        yield Statement(
            rule, sentences.get(rule.id), supporting[rule.id], contradicting[rule.id], links
        )
