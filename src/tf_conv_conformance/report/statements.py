"""The documented statements, with what supports and what contradicts each."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from tf_conv_conformance.prediction.rules.catalogue import RULES
from tf_conv_conformance.prediction.rules.rule import Rule
from tf_conv_conformance.report.calls import CallRow
from tf_conv_conformance.report.escape import is_link


@dataclass(frozen=True)
class Statement:
    """A rule, its sentence in the installed documentation, and the calls for and against it."""

    rule: Rule
    sentence: str | None
    supporting: int
    contradicting: int
    reported: tuple[str, ...]


def statements(
    calls: Sequence[CallRow], sentences: Mapping[str, str | None]
) -> Iterator[Statement]:
    """Yield every rule of the catalogue, with the public reports of the deviations from it."""
    supporting: Counter[str] = Counter()
    contradicting: Counter[str] = Counter()
    reported: dict[str, set[str]] = {}
    for call in calls:
        contradicted = call.end["rules"]
        contradicting.update(contradicted)
        supporting.update(call.supports)
        for deviation in call.case["deviations"]:
            if deviation["rule"] in contradicted and is_link(deviation["reported"]):
                reported.setdefault(deviation["rule"], set()).add(deviation["reported"])
    for rule in RULES.values():
        links = tuple(sorted(reported.get(rule.id, ())))
        yield Statement(
            rule, sentences.get(rule.id), supporting[rule.id], contradicting[rule.id], links
        )


def most_contradicted(found: Iterable[Statement]) -> list[Statement]:
    """Return the statements that calls contradict, those that most calls contradict first."""
    contradicted = (one for one in found if one.contradicting)
    return sorted(contradicted, key=lambda one: -one.contradicting)
