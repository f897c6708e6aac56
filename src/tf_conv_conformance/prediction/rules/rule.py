"""The form of a rule, and the places in TensorFlow's documentation where rules are found."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Literal

from tf_conv_conformance.convolution.arguments import Arguments
from tf_conv_conformance.convolution.entry_points import EntryPoint
from tf_conv_conformance.convolution.names import SYMBOLS as ENTRY_POINT_SYMBOLS

NOTES = "tf.nn"  # its notes on padding
GRADIENT = "tf.GradientTape.gradient"
SYMBOLS = (*ENTRY_POINT_SYMBOLS, NOTES, GRADIENT)

Aspect = Literal["call", "shape", "dtype", "values"]
"""What a rule speaks of: whether a call may be made at all (a precondition), or the result's shape, dtype or values."""


def always(_: Arguments) -> bool:
    """The rule says something about every call of its operator."""
    return True


@dataclass(frozen=True)
class Rule:
    """One statement of TensorFlow's documentation.

    `phrase` is a few words by which the statement is found in the installed docstring of `symbol`, white space aside. `applies`
    says whether the rule speaks about a call that goes through one of the `entry_points`. `holds`, for a precondition alone (aspect
    ``call``), says whether the call keeps it; TensorFlow must refuse one that does not. The other aspects are kept by the result,
    which the oracle predicts. `stated` is False if no sentence states the rule: the phrase then leads to the closest one.
    """

    id: str
    entry_points: tuple[EntryPoint, ...]
    aspect: Aspect
    symbol: str
    phrase: str
    applies: Callable[[Arguments], bool] = always
    holds: Callable[[Arguments], bool] = always
    stated: bool = True

    @property
    def is_precondition(self) -> bool:
        """Whether the rule is about the arguments rather than about the result."""
        return self.aspect == "call"


def plain(text: str) -> str:
    """Text with each run of white space as one space: docstrings are wrapped differently from version to version."""
    return " ".join(text.split())


_BEGINS_BLOCK = re.compile(r"\s*(\w+: |\d+\. |```|>>> |#)")
_CODE_BEGINS = re.compile(r"^(?:```(?:python)?|>>> #) ")
_SENTENCE_ENDS = re.compile(r"(?<=[.]) (?=[A-Z`\[(])")


def blocks(documentation: str) -> Iterator[str]:
    """The paragraphs of a docstring, each argument, list item and piece of code one of its own."""
    lines: list[str] = []
    for line in documentation.splitlines():
        if not line.strip() or _BEGINS_BLOCK.match(line):
            yield plain(" ".join(lines))
            lines = []
        lines.append(line)
    yield plain(" ".join(lines))


def sentence(documentation: str, phrase: str) -> str | None:
    """The sentence of a docstring that holds the phrase; None where the phrase is no longer there."""
    phrase = plain(phrase)
    for block in blocks(documentation):
        start = block.find(phrase)
        if start >= 0:
            ends = [match.start() for match in _SENTENCE_ENDS.finditer(block)]
            first = max((end for end in ends if end < start), default=0)
            last = min((end for end in ends if end >= start + len(phrase)), default=len(block))
            return _CODE_BEGINS.sub("", block[first:last].strip())
    return None
