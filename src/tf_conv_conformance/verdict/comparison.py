"""Compare an observation with what must come out, and find the first difference."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import regex
from numpy.typing import NDArray

from tf_conv_conformance.casefile.names import own_name
from tf_conv_conformance.convolution.dtypes import PRECISION, as_numbers
from tf_conv_conformance.prediction.correlation import Array
from tf_conv_conformance.prediction.error_bounds import Values
from tf_conv_conformance.prediction.predict import Returns
from tf_conv_conformance.subject.observation import Answer, Observation

PATTERN_LIMIT = 1.0  # seconds that a regular expression of a case file may take


@dataclass(frozen=True)
class Difference:
    """What differs first: the outcome itself, dtype, shape, values, or a warning.

    `index` is that of the first unlike element, `largest_at` that of the one farthest off. `distance` is how far each element is from
    its prediction, 0 where that is near enough, infinity where it is no number.
    """

    aspect: str
    predicted: str
    observed: str
    arm: str = ""
    index: tuple[int, ...] | None = None
    unlike: int = 0
    elements: int = 0
    largest: float | None = None
    ulp: float | None = None
    largest_at: tuple[int, ...] | None = None
    distance: Array | None = field(default=None, repr=False, compare=False)

    def text(self, by: str = "predicted") -> str:
        """Return the difference as one line, the point first; `by` says whose prediction it is."""
        if self.aspect == "values":
            ulp = "" if self.ulp is None or self.arm != "reals" else f" ({self.ulp:.3g} ulp)"
            off = "" if self.largest is None else f" by up to {self.largest:g}{ulp}"
            count = f"{self.unlike} of {self.elements} values"
            first = f"first at {shape_text(self.index or ())}: {self.observed}, not {self.predicted} as {by}"
            return f"{count} differ{off}; {first} ({self.arm.replace('_', ' ')})"
        if self.aspect in ("shape", "dtype"):
            observed, predicted = (
                value.replace(", ", ",") for value in (self.observed, self.predicted)
            )
            return f"{self.aspect} {observed}, not {predicted} as {by}"
        if self.aspect == "message":
            return f"no match for {self.predicted} in the message {self.observed}"
        name, colon, message = self.observed.partition(": ")
        if name.isidentifier():  # an exception
            return f"{name} instead of {self.predicted}{colon}{message}"
        if " of shape " in name:
            return (
                f"no {self.predicted.removeprefix('an ').removeprefix('a ')}, but {self.observed}"
            )
        return f"{self.observed} instead of {self.predicted}"


def outcome_text(arm: Answer) -> str:
    """Return what an arm returned or raised, in a few words."""
    if arm.error is not None:
        return (
            f"{arm.error}: {arm.message.splitlines()[0][:160] if arm.message else '(no message)'}"
        )
    return value_text(arm.dtype, arm.shape or ())


def value_text(dtype: str | None, shape: Sequence[int]) -> str:
    """A tensor in a few words."""
    return f"{dtype} of shape {shape_text(shape)}"


def shape_text(shape: Sequence[int]) -> str:
    """A shape as people write it."""
    return "[" + ", ".join(map(str, shape)) + "]"


def ending(observation: Observation) -> str:
    """Return how the call ended, in a few words."""
    if observation.signal is not None:
        return f"the process died ({observation.signal})"
    if observation.exit_status is not None:
        return f"the process ended with exit status {observation.exit_status}"
    if observation.time_limit is not None:
        return f"no answer within {observation.time_limit:g} s"
    if observation.protocol_error is not None:
        return f"protocol error: {observation.protocol_error}"
    if observation.kind == "suite error":
        return f"the suite's worker failed: {(observation.last_output.splitlines() or ['(no message)'])[-1]}"
    return outcome_text(observation.answers[0]) if observation.answers else "no answer"


def from_values(
    expected: Returns,
    values: Sequence[Values] | None,
    names: Sequence[str],
    observation: Observation,
) -> Difference | None:
    """The first difference from a result of this shape and dtype; from these values of each arm, where they are given."""
    said = value_text(expected.dtype, expected.shape)
    if observation.kind != "answered":
        return Difference("outcome", said, ending(observation))
    for number, arm in enumerate(observation.answers):
        if arm.values is None:
            return Difference("outcome", said, outcome_text(arm), names[number])
        if arm.shape != expected.shape:
            return Difference(
                "shape", shape_text(expected.shape), shape_text(arm.shape or ()), names[number]
            )
        if arm.dtype != expected.dtype:
            return Difference("dtype", expected.dtype, str(arm.dtype), names[number])
        if values is not None and (
            unlike := first_unlike(
                values[number],
                as_numbers(arm.values, expected.dtype),
                expected.dtype,
                names[number],
            )
        ):
            return unlike
    return None


def first_unlike(said: Values, observed: Array, dtype: str, name: str) -> Difference | None:
    """Return the first difference of numbers that were observed in `dtype` from the right ones of the same shape, in the arm `name`."""
    predicted = said.numbers
    wrong = said.unlike(observed)
    if not wrong.any():
        return None
    index = _place(wrong)
    with np.errstate(invalid="ignore"):
        distance = np.abs(observed - predicted)
    largest = float(distance.max()) if np.isfinite(distance).all() else None
    off = np.where(wrong, np.nan_to_num(distance, nan=np.inf, posinf=np.inf), 0.0)
    return Difference(
        aspect="values",
        predicted=f"{predicted[index]:.17g}",
        observed=f"{observed[index]:.17g}",
        arm=name,
        index=index,
        unlike=int(wrong.sum()),
        elements=wrong.size,
        largest=largest,
        ulp=None
        if largest is None
        else _ulp(distance, np.maximum(np.abs(predicted), np.abs(observed)), dtype),
        largest_at=_place(off),
        distance=off,
    )


def _place(array: NDArray[Any]) -> tuple[int, ...]:
    """The index of the first largest element."""
    return tuple(int(i) for i in np.unravel_index(int(np.argmax(array)), array.shape))


def _ulp(distance: Array, magnitude: Array, dtype: str) -> float | None:
    """The largest distance in units in the last place of `dtype` at the larger of the two values; None for integers."""
    if "float" not in dtype or dtype not in PRECISION:
        return None
    unit = np.exp2(
        np.floor(np.log2(np.maximum(magnitude, np.finfo(np.float32).tiny))) - (PRECISION[dtype] - 1)
    )
    return float(np.max(distance / unit))


def from_error(
    names: Sequence[str] | None, match: str | None, observation: Observation, arms: Sequence[str]
) -> Difference | None:
    """The first difference from an exception: any, or one with a base of these names and a message that matches."""
    said = " or ".join(names) if names else "an exception"
    if observation.kind != "answered":
        return Difference("outcome", said, ending(observation))
    for number, arm in enumerate(observation.answers):
        if arm.error is None:
            return Difference("outcome", said, outcome_text(arm), arms[number])
        if names and not set(map(own_name, names)) & set(arm.bases):
            return Difference("error", said, f"{arm.error}: {arm.message[:160]}", arms[number])
        if match is not None and not _found(match, arm.message):
            return Difference("message", repr(match), repr(arm.message[:200]), arms[number])
    return None


def _found(pattern: str, message: str) -> bool:
    """Whether a pattern is found in a message; one that takes too long to tell is not."""
    try:
        return regex.search(pattern, message, timeout=PATTERN_LIMIT) is not None
    except TimeoutError:
        return False
