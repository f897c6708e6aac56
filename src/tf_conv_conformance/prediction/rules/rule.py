"""The form of a rule, and the TensorFlow symbols whose documentation states rules."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from tf_conv_conformance.convolution.arguments import Arguments
from tf_conv_conformance.convolution.company import AFTER, SYMBOLS
from tf_conv_conformance.convolution.entry_points import ENTRY_POINTS, EntryPoint
from tf_conv_conformance.prediction.rules.conditions import Condition
from tf_conv_conformance.prediction.rules.preconditions import Precondition

NOTES = "tf.nn"  # for its notes on padding
GRADIENT = "tf.GradientTape.gradient"
TRANSFORMATIONS = (
    "tf.GradientTape",
    "tf.GradientTape.jacobian",
    "tf.GradientTape.batch_jacobian",
    "tf.autodiff.ForwardAccumulator.jvp",
    "tf.vectorized_map",
    "tf.recompute_grad",
)
LAYER = "tf.keras.layers.Layer"
COMPANY = (
    *(SYMBOLS[name] for name in ("pad", *AFTER)),
    "tf.raw_ops.ReluGrad",
    "tf.raw_ops.Relu6Grad",
)
STATIC_SHAPES = ("tf.Tensor.shape", "tf.TensorShape", "tf.keras.KerasTensor")
DOCUMENTED_SYMBOLS = (
    *ENTRY_POINTS, NOTES, GRADIENT, *TRANSFORMATIONS, LAYER, *COMPANY, *STATIC_SHAPES,
)  # fmt: skip

Aspect = Literal[
    "call", "shape", "dtype", "values", "name", "static shape", "symbolic shape", "computed shape"
]
"""What a rule is about: whether a call is allowed at all, or its result."""


@dataclass(frozen=True)
class Rule:
    """One statement of TensorFlow's documentation.

    `phrase` is used to find the statement in the installed docstring of `symbol`, ignoring white
    space. `applies` selects the calls through one of the `entry_points` that the rule is about.
    TensorFlow must refuse a call that breaks a `precondition`. All other rules are about the
    result, which the oracle predicts. If `stated` is false, no sentence states the rule, and the
    phrase is from the closest sentence.
    """

    id: str
    entry_points: tuple[EntryPoint, ...]
    aspect: Aspect
    symbol: str
    phrase: str
    applies: Condition
    precondition: Precondition | None
    stated: bool

    @property
    def knows(self) -> str | None:
        """Who knows the shape that the rule is about before the call; None for other rules."""
        who, _, shape = self.aspect.partition(" ")
        return who if shape else None

    @property
    def is_precondition(self) -> bool:
        """Whether the rule is about the arguments rather than about the result."""
        return self.aspect == "call"

    def mismatch(self, arguments: Arguments) -> str:
        """Return how a call breaks the precondition, with the call's own numbers."""
        assert self.precondition is not None  # arguments can break no other rule
        return self.precondition.mismatch(arguments)
