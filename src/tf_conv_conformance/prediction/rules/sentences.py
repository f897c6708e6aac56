"""Find the sentence that states a rule, in the installed documentation or in sentences.json.

sentences.json is for reports and commands that do not start TensorFlow.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from functools import cache
from importlib import resources

from tf_conv_conformance.prediction.rules.rule import Rule

VERSION = "2.21.0"
"""The TensorFlow version from which sentences.json has the sentences of all preconditions."""

_BEGINS_BLOCK = re.compile(r"\s*(\w+: |\d+\. |```|>>> |#)")
_CODE_BEGINS = re.compile(r"^(?:```(?:python)?|>>> #) ")
_SENTENCE_ENDS = re.compile(r"(?<=[.]) (?=[A-Z`\[(])")


def quoted(rule: Rule, documentation: Mapping[str, str] | None = None) -> str:
    """Return a rule with the sentence that states it, or with the closest one.

    The sentence is from `documentation`, docstrings by symbol. It is from sentences.json without
    them, or if the subject has no such symbol, as Keras alone has none of TensorFlow's.
    """
    if documentation is not None and documentation.get(rule.symbol) == "" and rule.id in kept():
        documentation = None
    found: str | None
    if documentation is None:
        found, source = kept()[rule.id], f"{rule.symbol} in TensorFlow {VERSION}"
    else:
        found, source = sentence(documentation.get(rule.symbol, ""), rule.phrase), rule.symbol
    if found is None:
        return f"{rule.id} ({source}): the documentation changed; it no longer says {rule.phrase!r}"
    if not rule.stated:
        no_sentence = "no sentence of the documentation states this"
        return f"{rule.id}: {no_sentence}; the closest ({source}): {found}"
    return f"{rule.id} ({source}): {found}"


@cache
def kept() -> dict[str, str]:
    """Return the sentences of sentences.json, by the id of the rule."""
    text = resources.files(__package__).joinpath("sentences.json").read_text(encoding="utf-8")
    sentences: dict[str, str] = json.loads(text)
    return sentences


def sentence(documentation: str, phrase: str) -> str | None:
    """Return the sentence of a docstring that contains a phrase; None if none does."""
    phrase = _on_one_line(phrase)
    for block in _blocks(documentation):
        start = block.find(phrase)
        if start >= 0:
            ends = [match.start() for match in _SENTENCE_ENDS.finditer(block)]
            first = max((end for end in ends if end < start), default=0)
            last = min((end for end in ends if end >= start + len(phrase)), default=len(block))
            return _CODE_BEGINS.sub("", block[first:last].strip())
    return None


def _blocks(documentation: str) -> Iterator[str]:
    """Yield the paragraphs of a docstring. Arguments, list items and code count as paragraphs."""
    lines: list[str] = []
    for line in documentation.splitlines():
        if not line.strip() or _BEGINS_BLOCK.match(line):
            yield _on_one_line(" ".join(lines))
            lines = []
        lines.append(line)
    yield _on_one_line(" ".join(lines))


def _on_one_line(text: str) -> str:
    """Return text with single spaces, since TensorFlow versions wrap docstrings differently."""
    return " ".join(text.split())
