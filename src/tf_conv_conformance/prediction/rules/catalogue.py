"""Read the rules from rules.yaml, and find the rules that a call exercises or breaks."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import lru_cache
from importlib import resources
from typing import Any, get_args

import yaml

from tf_conv_conformance.convolution.arguments import Arguments
from tf_conv_conformance.convolution.entry_points import ENTRY_POINTS
from tf_conv_conformance.prediction.rules.conditions import CONDITIONS, MAKERS
from tf_conv_conformance.prediction.rules.preconditions import PRECONDITIONS
from tf_conv_conformance.prediction.rules.rule import Aspect, Rule

ASPECTS: tuple[Aspect, ...] = get_args(Aspect)
_BY_RULE_PREFIX = {entry_point.rules: entry_point for entry_point in ENTRY_POINTS.values()}

Row = Mapping[str, Any]


def _load() -> dict[str, Rule]:
    text = resources.files(__package__).joinpath("rules.yaml").read_text(encoding="utf-8")
    sections = yaml.load(text, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))
    rules = (rule for name in sections for rule in _rules_of(name, sections))
    return {rule.id: rule for rule in rules}


def _rules_of(section_name: str, sections: Mapping[str, Row]) -> Iterator[Rule]:
    section = sections[section_name]
    entry_point = _BY_RULE_PREFIX.get(section_name)
    symbol = entry_point.symbol if entry_point else section["documented_in"]
    for rule_name, row in _rows(section, sections).items():
        aspect = next(aspect for aspect in ASPECTS if aspect in row)
        names = [section_name] if entry_point else row.get("entry_points", _BY_RULE_PREFIX)
        precondition = row.get("holds")
        yield Rule(
            id=f"{section_name}.{rule_name}",
            entry_points=tuple(_BY_RULE_PREFIX[name] for name in names),
            aspect=aspect,
            symbol=row.get("documented_in", symbol),
            phrase=row[aspect],
            applies=_resolved(row.get("applies", "always"), CONDITIONS | MAKERS),
            precondition=precondition and _resolved(precondition, PRECONDITIONS),
            stated=row.get("stated", True),
        )


def _rows(section: Row, sections: Mapping[str, Row]) -> dict[str, Row]:
    """Return the rules of a section by name, including those it takes over with `like`."""
    like = _rows(sections[section["like"]], sections) if "like" in section else {}
    without = section.get("without", ())
    kept = {name: row for name, row in like.items() if name not in without}
    return {**kept, **section["rules"]}


def _resolved(written: str | Mapping[str, Any], known: Mapping[str, Any]) -> Any:
    """Return the value with a name, or the result of the function with that name."""
    if isinstance(written, str):
        return known[written]
    ((name, arguments),) = written.items()
    make: Callable[..., Any] = known[name]
    return make(**arguments) if isinstance(arguments, dict) else make(*arguments)


RULES = _load()
_BY_ENTRY_POINT = {
    entry_point: tuple(rule for rule in RULES.values() if entry_point in rule.entry_points)
    for entry_point in ENTRY_POINTS.values()
}


@lru_cache(maxsize=8192)
def exercised(arguments: Arguments) -> tuple[Rule, ...]:
    """Return the rules that apply to a call."""
    rules = _BY_ENTRY_POINT[arguments.entry_point]
    return tuple(rule for rule in rules if rule.applies(arguments))


@lru_cache(maxsize=8192)
def broken(arguments: Arguments) -> tuple[Rule, ...]:
    """Return the preconditions that a call breaks."""
    rules = exercised(arguments)
    return tuple(one for one in rules if one.precondition and not one.precondition.holds(arguments))


def refusal(reason: str, arguments: Arguments) -> str:
    """Return how a call breaks a rule, and its id. A reason that is no rule id stays as it is."""
    return f"{RULES[reason].mismatch(arguments)} ({reason})" if reason in RULES else reason
