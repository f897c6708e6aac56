"""Compare an observation with what is expected, and describe the first difference."""

from __future__ import annotations

from collections.abc import Container, Sequence
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
MESSAGE_LIMIT = 160  # characters of an exception's message


@dataclass(frozen=True)
class Difference:
    """The first difference: in the outcome itself, the dtype, shape or values, or a warning.

    `index` is the index of the first differing element, `largest_at` that of the element with the
    largest difference. `distance` has the distance of each element from its prediction: 0 if it is
    near enough, infinity if it is not a number.
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
        """Return the difference in one line; `by` says where the prediction comes from."""
        if self.aspect == "values":
            return self._values_text(by)
        if self.aspect == "dtype" or self.aspect.endswith("shape"):
            observed = self.observed.replace(", ", ",")
            predicted = self.predicted.replace(", ", ",")
            return f"{self.aspect} {observed}, not {predicted} as {by}"
        if self.aspect == "message":
            return f"no match for {self.predicted} in the message {self.observed}"
        name, colon, message = self.observed.partition(": ")
        if name.isidentifier():  # an exception
            return f"{name} instead of {self.predicted}{colon}{message}"
        if " of shape " in name:
            predicted = self.predicted.removeprefix("an ").removeprefix("a ")
            return f"no {predicted}, but {self.observed}"
        return f"{self.observed} instead of {self.predicted}"

    def _values_text(self, by: str) -> str:
        ulp = "" if self.ulp is None or self.arm != "reals" else f" ({self.ulp:.3g} ulp)"
        off = "" if self.largest is None else f" by up to {self.largest:g}{ulp}"
        place, arm = shape_text(self.index or ()), self.arm.replace("_", " ")
        first = f"first at {place}: {self.observed}, not {self.predicted} as {by}"
        return f"{self.unlike} of {self.elements} values differ{off}; {first} ({arm})"


BEFORE_THE_REASON = ("Graph execution error", "Exception encountered when calling")
"""How the first line of a message begins that says nothing."""


def outcome_text(answer: Answer) -> str:
    """Describe an answer in a few words."""
    if answer.error is None:
        return value_text(answer.dtype, answer.shape or ())
    lines = [line for line in answer.message.splitlines() if line.strip()]
    if len(lines) > 1 and lines[0].startswith(BEFORE_THE_REASON):
        del lines[0]
    return f"{answer.error}: {lines[0][:MESSAGE_LIMIT] if lines else '(no message)'}"


def value_text(dtype: str | None, shape: Sequence[int]) -> str:
    """Describe a tensor's dtype and shape in a few words."""
    return f"{dtype} of shape {shape_text(shape)}"


def shape_text(shape: Sequence[int]) -> str:
    """Return a shape as text: ``[1, 4, 4, 1]``."""
    return "[" + ", ".join(map(str, shape)) + "]"


def ending(observation: Observation) -> str:
    """Describe how a call ended in a few words."""
    if observation.signal is not None:
        return f"the process died ({observation.signal})"
    if observation.exit_status is not None:
        return f"the process ended with exit status {observation.exit_status}"
    if observation.time_limit is not None:
        return f"no answer within {observation.time_limit:g} s"
    if observation.protocol_error is not None:
        return f"protocol error: {observation.protocol_error}"
    if observation.kind == "suite error":
        lines = observation.last_output.splitlines() or ["(no message)"]
        return f"the suite's worker failed: {lines[-1]}"
    return outcome_text(observation.answers[0]) if observation.answers else "no answer"


def from_values(
    expected: Returns,
    values: Sequence[Values] | None,
    names: Sequence[str],
    observation: Observation,
    skipped: Container[int] = (),
) -> Difference | None:
    """Return the first difference from a result of this shape and dtype, and from its values.

    `values` has the values for each arm; without it, values are not compared. `names` has the names
    of the arms, `skipped` the numbers of those that are not compared.
    """
    predicted = value_text(expected.dtype, expected.shape)
    if observation.kind != "answered":
        return Difference("outcome", predicted, ending(observation))
    for number, answer in enumerate(observation.answers):
        if number in skipped:
            continue
        name, bits = names[number], answer.values
        if bits is None:
            return Difference("outcome", predicted, outcome_text(answer), name)
        if answer.shape != expected.shape:
            shapes = shape_text(expected.shape), shape_text(answer.shape or ())
            return Difference("shape", *shapes, name)
        if answer.dtype != expected.dtype:
            return Difference("dtype", expected.dtype, str(answer.dtype), name)
        if values is not None:
            numbers = as_numbers(bits, expected.dtype)
            if unlike := first_unlike(values[number], numbers, expected.dtype, name):
                return unlike
    return None


def first_unlike(right: Values, observed: Array, dtype: str, name: str) -> Difference | None:
    """Return the first difference of observed numbers from the right ones of the same shape.

    `dtype` is the dtype of the observed numbers, and `name` the name of their arm.
    """
    predicted, wrong = right.numbers, right.differing(observed)
    if not wrong.any():
        return None
    index = _place(wrong)
    with np.errstate(invalid="ignore"):
        distance = np.abs(observed - predicted)
    largest = ulp = None
    if np.isfinite(distance).all():
        largest = float(distance.max())
        ulp = _ulp(distance, np.maximum(np.abs(predicted), np.abs(observed)), dtype)
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
        ulp=ulp,
        largest_at=_place(off),
        distance=off,
    )


def _place(array: NDArray[Any]) -> tuple[int, ...]:
    return tuple(int(i) for i in np.unravel_index(int(np.argmax(array)), array.shape))


def _ulp(distance: Array, magnitude: Array, dtype: str) -> float | None:
    """Return the largest distance in ulp of `dtype` at these magnitudes; None for integers."""
    if "float" not in dtype or dtype not in PRECISION:
        return None
    exponents = np.floor(np.log2(np.maximum(magnitude, np.finfo(np.float32).tiny)))
    return float(np.max(distance / np.exp2(exponents - (PRECISION[dtype] - 1))))


def from_error(
    errors: Sequence[str] | None,
    match: str | None,
    observation: Observation,
    names: Sequence[str],
    skipped: Container[int] = (),
) -> Difference | None:
    """Return the first difference from an expected exception.

    The exception may be any, or must have one of `errors` as a base. Its message must match
    `match`, if given. `names` has the names of the arms, `skipped` the numbers of those that are
    not compared.
    """
    predicted = " or ".join(errors) if errors else "an exception"
    if observation.kind != "answered":
        return Difference("outcome", predicted, ending(observation))
    for number, (answer, name) in enumerate(zip(observation.answers, names, strict=False)):
        if number in skipped:
            continue
        if answer.error is None:
            return Difference("outcome", predicted, outcome_text(answer), name)
        if errors and set(map(own_name, errors)).isdisjoint(answer.bases):
            observed = f"{answer.error}: {answer.message[:MESSAGE_LIMIT]}"
            return Difference("error", predicted, observed, name)
        if match is not None and not _matches(match, answer.message):
            return Difference("message", repr(match), repr(answer.message[:200]), name)
    return None


def _matches(pattern: str, message: str) -> bool:
    """Return whether a pattern is found in a message within the time limit."""
    try:
        return regex.search(pattern, message, timeout=PATTERN_LIMIT) is not None
    except TimeoutError:
        return False
