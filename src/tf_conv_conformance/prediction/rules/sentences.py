"""The sentence that states a rule: from the installed documentation, or as one TensorFlow had it where none is started."""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import cache
from importlib import resources

from tf_conv_conformance.prediction.rules.rule import Rule, sentence

VERSION = "2.21.0"
"""The TensorFlow whose sentences of all preconditions are kept beside this module."""


def quoted(rule: Rule, documentation: Mapping[str, str] | None = None) -> str:
    """Return a rule with the sentence that states it, or the closest one where none does; by default as the kept sentences have it."""
    found: str | None
    if documentation is None:
        found, source = kept()[rule.id], f"{rule.symbol} in TensorFlow {VERSION}"
    else:
        found, source = sentence(documentation.get(rule.symbol, ""), rule.phrase), rule.symbol
    if found is None:
        return f"{rule.id} ({source}): documentation changed: no longer says {rule.phrase!r}"
    if not rule.stated:
        return f"{rule.id}: no sentence of the documentation states this; the closest ({source}): {found}"
    return f"{rule.id} ({source}): {found}"


@cache
def kept() -> dict[str, str]:
    """Return the kept sentences, by the id of the rule."""
    text = resources.files(__package__).joinpath("sentences.json").read_text(encoding="utf-8")
    sentences: dict[str, str] = json.loads(text)
    return sentences
