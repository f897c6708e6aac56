"""The form of a rule, and the symbols of TensorFlow whose documentation states rules."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from tf_conv_conformance.convolution.arguments import Arguments
from tf_conv_conformance.convolution.entry_points import ENTRY_POINTS, EntryPoint
from tf_conv_conformance.prediction.rules.conditions import Condition
from tf_conv_conformance.prediction.rules.preconditions import Precondition

NOTES = "tf.nn"  # its notes on padding
GRADIENT = "tf.GradientTape.gradient"
SYMBOLS = (*ENTRY_POINTS, NOTES, GRADIENT)

Aspect = Literal["call", "shape", "dtype", "values"]
"""What a rule is about: whether a call may be made at all, or the result."""


@dataclass(frozen=True)
class Rule:
    """One statement of TensorFlow's documentation.

    `phrase` is a few words by which the statement is found in the installed docstring of `symbol`,
    white space aside. `applies` says which calls through one of the `entry_points` the rule is
    about. TensorFlow must refuse a call that breaks a `precondition`. Rules of other aspects are
    kept by the result, which the oracle predicts. If `stated` is false, no sentence states the
    rule, and the phrase leads to the closest one.
    """

    id: str
    entry_points: tuple[EntryPoint, ...]
    aspect: Aspect
    symbol: str
    phrase: str
    applies: Condition
    precondition: Precondition | None = None
    stated: bool = True

    @property
    def is_precondition(self) -> bool:
        """Whether the rule is about the arguments rather than about the result."""
        return self.aspect == "call"

    def is_broken_by(self, arguments: Arguments) -> bool:
        """Return whether a call that the rule applies to does not keep its precondition."""
        return self.precondition is not None and not self.precondition.holds(arguments)

    def mismatch(self, arguments: Arguments) -> str:
        """Return how a call breaks the precondition, in the call's own numbers."""
        assert self.precondition is not None  # no other rule can be broken by arguments
        return self.precondition.mismatch(arguments)
