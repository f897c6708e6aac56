"""The rules as a page to read: ``docs/rules.md`` holds what this makes."""

from __future__ import annotations

from tf_conv_conformance.prediction.rules.catalogue import RULES
from tf_conv_conformance.prediction.rules.rule import Rule

_HEAD = """# Rules

Each rule is one statement of TensorFlow's documentation. A precondition speaks of the arguments: a call that breaks it must be
refused. The others speak of the result. The words quoted are those by which the statement is found in the installed docstring; the
report shows the whole sentence. Where no sentence states a rule, they are those of the closest one. This page is made by
`tf-conv-conformance rules`.
"""


def page() -> str:
    """All rules as Markdown, by the symbol that documents them."""
    symbols = dict.fromkeys(rule.symbol for rule in RULES.values())
    return _HEAD + "".join(
        _section(symbol, [rule for rule in RULES.values() if rule.symbol == symbol])
        for symbol in symbols
    )


def _section(symbol: str, rules: list[Rule]) -> str:
    title = f"`{symbol}`" + (", notes on padding" if symbol == "tf.nn" else "")
    rows = "".join(
        f"| `{rule.id}` | {_about(rule)} | {_cell(rule.phrase)}{'' if rule.stated else ' (no sentence states it)'} |\n"
        for rule in rules
    )
    return f"\n## {title}\n\n| rule | speaks of | found by |\n| --- | --- | --- |\n{rows}"


def _about(rule: Rule) -> str:
    return "the arguments" if rule.is_precondition else f"the result's {rule.aspect}"


def _cell(text: str) -> str:
    return text.replace("|", "\\|")
