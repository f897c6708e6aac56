"""Predict a call: its documented outcome, its data, and the values of each model."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property, lru_cache, partial

import numpy as np
from cachetools import LRUCache, cached

from tf_conv_conformance.convolution.arguments import Arguments
from tf_conv_conformance.convolution.dtypes import PRECISION, as_numbers, encode
from tf_conv_conformance.prediction import data
from tf_conv_conformance.prediction.correlation import Array
from tf_conv_conformance.prediction.error_bounds import Values, bound, unit_roundoff
from tf_conv_conformance.prediction.layout import NoResultError
from tf_conv_conformance.prediction.models import (
    DOCUMENTED,
    MODELS,
    Model,
    models_of,
)
from tf_conv_conformance.prediction.rules import catalogue
from tf_conv_conformance.prediction.wrong_oracles import Detection, detect

SALTS = 8  # data is drawn up to this many times before a call counts as vacuous
SALTS_AFTER = 32  # the same for operations after a convolution, which hide some of its sums


@dataclass(frozen=True)
class Returns:
    """A result of this shape and dtype."""

    shape: tuple[int, ...]
    dtype: str


@dataclass(frozen=True)
class Refuses:
    """An exception, for these reasons: ids of broken rules, or why a model has no result."""

    because: tuple[str, ...]


Outcome = Returns | Refuses


@dataclass(frozen=True)
class _Drawn:
    """Data, and the wrong oracles that it detects, by the name of the model."""

    arms: tuple[data.Arm, ...]
    detected: Mapping[str, Detection]

    @property
    def undetected(self) -> str | None:
        return next((one.missed for one in self.detected.values() if one.missed), None)


@dataclass(frozen=True)
class Prediction:
    """The prediction for a call with these arguments. Each part is computed when it is read."""

    arguments: Arguments

    @cached_property
    def documented(self) -> Outcome:
        """The documented outcome: a refusal if a precondition is broken, else the formula's."""
        broken = catalogue.broken(self.arguments)
        return Refuses(tuple(rule.id for rule in broken)) if broken else self.outcome(DOCUMENTED)

    def outcome(self, model: Model) -> Outcome:
        """Return the outcome of a model, even if preconditions are broken."""
        try:
            return Returns(model.shape(self.arguments), self.arguments.dtype)
        except NoResultError as error:
            return Refuses((str(error),))

    def has_values(self, model: Model) -> bool:
        """Return whether a model predicts values.

        A gradient has them if the upstream gradient has the shape of the model's convolution.
        """
        if isinstance(self.outcome(model), Refuses):
            return False
        if self.arguments.gradient is None:
            return True
        return model.forward_shape(self.arguments) == data.result_shape(self.arguments)

    @cached_property
    def _drawn(self) -> _Drawn:
        """The first draw that detects every wrong oracle, or the first draw if none does."""
        arguments = self.arguments
        literal = (arguments.input.values or ()) + (arguments.filter.values or ())
        # Infinities and NaN hide wrong oracles. Such a call checks that they propagate.
        if not all(map(math.isfinite, literal)):
            return _Drawn(data.arms(arguments), {})
        models = [model for model in models_of(arguments) if self.has_values(model)]
        salts = SALTS_AFTER if arguments.after else SALTS
        draws = (self._draw(models, salt) for salt in range(salts))
        first = next(draws)
        if first.undetected is None:
            return first
        return next((one for one in draws if one.undetected is None), first)

    def _draw(self, models: Sequence[Model], salt: int) -> _Drawn:
        arms = data.arms(self.arguments, salt)
        found = {
            one.name: _detect(one, self.arguments, self.arguments, arms, salt) for one in models
        }
        return _Drawn(arms, found)

    @property
    def arms(self) -> tuple[data.Arm, ...]:
        """The sets of data that go through the call.

        Raises :class:`tf_conv_conformance.prediction.literals.InexactDataError`.
        """
        return self._drawn.arms

    @property
    def names(self) -> list[str]:
        """The names of the arms."""
        return [arm.name for arm in self.arms]

    @property
    def tensors(self) -> list[tuple[Array, ...]]:
        """The tensors of each arm: input, filter, and the upstream gradient of a gradient."""
        return [arm.arrays(self.arguments) for arm in self.arms]

    @property
    def vacuous(self) -> str | None:
        """A wrong oracle that the data does not detect; None if it detects all."""
        return self._drawn.undetected

    def values(self, model: Model, stands_for: Arguments | None = None) -> tuple[Values, ...]:
        """Return the values of a model for each arm.

        With `stands_for`, the model computes with those arguments on the data of this call.
        """
        arguments = stands_for or self.arguments
        return tuple(_values(model, arguments, self.arguments, arm) for arm in self.arms)

    def excluded(self, model: Model, stands_for: Arguments | None = None) -> tuple[str, ...] | None:
        """Return the wrong oracles that the data rules out if the call returns a model's values.

        Return None if that is not checked: for infinities and NaN, for a model that skips padding
        or flushes subnormal numbers, and for a model of converted calls.
        """
        if not self._drawn.detected or model.name not in MODELS:
            return None
        plain = MODELS[model.name]
        if replace(model, accumulator=None, truncates_sizes=False) != plain:
            return None
        arguments = stands_for or self.arguments
        if model == plain and arguments == self.arguments:
            own = self._drawn.detected.get(model.name)
            return None if own is None else own.excluded
        return _detect(model, arguments, self.arguments, self.arms, 0).excluded

    def model_with(self, size: int) -> Model | None:
        """Return the model that predicts `size` values, the documented one first."""
        models = (model for model in models_of(self.arguments) if self.has_values(model))
        return next((one for one in models if math.prod(one.shape(self.arguments)) == size), None)

    def around(self, stated: Array) -> tuple[Values, ...]:
        """Return values that a case states, for each arm: exact, or with a bound for reals.

        The bound is taken from the model that predicts as many values. It includes one more
        rounding, since people paste numbers from printed output.
        """
        model = self.model_with(stated.size)
        if model is None or "reals" not in self.arguments.data:
            return (Values(stated),) * len(self.arms)
        rounding = unit_roundoff(self.arguments.dtype) * np.abs(stated)
        return tuple(_loosened(stated, one.bound, rounding) for one in self.values(model))


def _loosened(stated: Array, bound: Array | None, rounding: Array) -> Values:
    if bound is None:
        return Values(stated)
    finite = np.where(np.isfinite(bound), bound, 0.0).reshape(stated.shape)
    return Values(stated, finite + rounding)


@lru_cache(maxsize=4096)
def predict(arguments: Arguments) -> Prediction:
    """Return the prediction for a call's arguments, which calls in all modes share."""
    return Prediction(arguments)


@lru_cache(maxsize=4096)
def _detect(
    model: Model, arguments: Arguments, drawn: Arguments, arms: tuple[data.Arm, ...], seed: int
) -> Detection:
    tensors = {arm.name: arm.arrays(drawn) for arm in arms}
    with np.errstate(over="ignore"):
        right = [_values(model, arguments, drawn, arm) for arm in arms]
        held = partial(_held, arguments.dtype)
        return detect(model, arguments, tensors, right, held, seed)


def _size(values: Values) -> int:
    return data.BESIDE + values.numbers.nbytes * (1 if values.bound is None else 2)


@cached(LRUCache(data.KEPT, getsizeof=_size))
def _values(model: Model, arguments: Arguments, drawn: Arguments, arm: data.Arm) -> Values:
    """Return the values of a model for one arm. They are shared, so they are read-only."""
    tensors = arm.arrays(drawn)
    with np.errstate(all="ignore"):  # infinities and NaN are valid data
        numbers = model.values(arguments, *tensors)
        if arm.name == "reals":
            predicted = Values(numbers, bound(model, arguments, *tensors))
        else:
            predicted = Values(_held(arguments.dtype, numbers))
    predicted.numbers.flags.writeable = False
    return predicted


def _held(dtype: str, sums: Array) -> Array:
    """Round exact sums to what a dtype holds. Sums that overflow become infinities."""
    return as_numbers(encode(sums, dtype), dtype) if dtype in PRECISION else sums
