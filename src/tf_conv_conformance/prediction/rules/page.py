"""The rules as a page to read: ``docs/rules.md`` holds what this makes."""

from __future__ import annotations

from tf_conv_conformance.prediction.rules.catalogue import RULES
from tf_conv_conformance.prediction.rules.rule import NOTES, Rule

_HEAD = """# Rules

Each rule is one statement of TensorFlow's documentation. A precondition is about the arguments: a
call that breaks it must be refused. The others are about the result. The words quoted are those by
which the statement is found in the installed docstring; the report shows the whole sentence. If no
sentence states a rule, they are from the closest one. This page is made by
`tf-conv-conformance rules`.
"""


def page() -> str:
    """Return all rules as Markdown, by the symbol that documents them."""
    by_symbol: dict[str, list[Rule]] = {}
    for rule in RULES.values():
        by_symbol.setdefault(rule.symbol, []).append(rule)
    return _HEAD + "".join(_section(symbol, rules) for symbol, rules in by_symbol.items())


def _section(symbol: str, rules: list[Rule]) -> str:
    title = f"`{symbol}`" + (", notes on padding" if symbol == NOTES else "")
    rows = "".join(map(_row, rules))
    return f"\n## {title}\n\n| rule | is about | found by |\n| --- | --- | --- |\n{rows}"


def _row(rule: Rule) -> str:
    about = "the arguments" if rule.is_precondition else f"the result's {rule.aspect}"
    phrase = rule.phrase.replace("|", "\\|")
    unstated = "" if rule.stated else " (no sentence states it)"
    return f"| `{rule.id}` | {about} | {phrase}{unstated} |\n"
