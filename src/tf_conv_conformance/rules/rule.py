"""The form of a rule, and the places in TensorFlow's documentation where rules are found."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from tf_conv_conformance.arguments import Arguments, Op

CONV2D = "tf.nn.conv2d"
DEPTHWISE = "tf.nn.depthwise_conv2d"
NOTES = "tf.nn"  # its notes on padding
RAW_DEPTHWISE = "tf.raw_ops.DepthwiseConv2dNative"
SYMBOLS = (CONV2D, DEPTHWISE, NOTES, RAW_DEPTHWISE)

Aspect = Literal["call", "shape", "dtype", "values"]
"""What a rule speaks of: whether a call may be made at all (a precondition), or the result's shape, dtype or values."""


def always(_: Arguments) -> bool:
    """The rule says something about every call of its operator."""
    return True


@dataclass(frozen=True)
class Rule:
    """One statement of TensorFlow's documentation.

    `phrase` is a few words by which the statement is found in the installed docstring of `symbol`, white space aside. `applies`
    says whether the rule speaks about a call. `holds`, for a precondition alone (aspect ``call``), says whether the call keeps it;
    TensorFlow must refuse one that does not. The other aspects are kept by the result, which the oracle predicts.
    """

    id: str
    ops: tuple[Op, ...]
    aspect: Aspect
    symbol: str
    phrase: str
    applies: Callable[[Arguments], bool] = always
    holds: Callable[[Arguments], bool] = always

    @property
    def is_precondition(self) -> bool:
        """Whether the rule is about the arguments rather than about the result."""
        return self.aspect == "call"


def plain(text: str) -> str:
    """Text with each run of white space as one space: docstrings are wrapped differently from version to version."""
    return " ".join(text.split())


def sentence(documentation: str, phrase: str) -> str | None:
    """The sentence of a docstring that holds the phrase; None where the phrase is no longer there."""
    text = plain(documentation)
    start = text.find(plain(phrase))
    if start < 0:
        return None
    ends = [match.end() for match in re.finditer(r"[.:] (?=[A-Z`*(]|>>>)|```(?:python)? ?", text)]
    first = max((end for end in ends if end <= start), default=0)
    last = min((end for end in ends if end >= start + len(plain(phrase))), default=len(text))
    return text[first:last].strip().removesuffix("```").strip()
