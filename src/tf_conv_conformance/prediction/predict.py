"""What must come out of a call: what the documentation says, and what each model computes."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache, partial

import numpy as np
from cachetools import LRUCache, cached

from tf_conv_conformance.convolution.arguments import Arguments
from tf_conv_conformance.convolution.dtypes import PRECISION, as_numbers, encode
from tf_conv_conformance.prediction import data, models
from tf_conv_conformance.prediction.correlation import Array
from tf_conv_conformance.prediction.error_bounds import Values, bound, unit_roundoff
from tf_conv_conformance.prediction.models import DOCUMENTED, MODELS, Model
from tf_conv_conformance.prediction.rules import catalogue
from tf_conv_conformance.prediction.wrong_oracles import Told, less_precise, told

SALTS = 8  # draws of data that are tried before a call is called vacuous


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
class Inputs:
    """The data that goes through a call, and a wrong oracle that it cannot tell from the right one, if any.

    `excluded` has the names of the wrong oracles that it does tell, for each model that the call may be held against, by name.
    """

    arms: tuple[data.Arm, ...]
    vacuous: str | None
    excluded: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


@lru_cache(maxsize=4096)
def outcome(model: Model, arguments: Arguments) -> Outcome:
    """What a model says comes out, whatever preconditions are broken."""
    try:
        return Returns(models.shape(model, arguments), arguments.dtype)
    except models.NoResultError as error:
        return Refuses((str(error),))


def has_values(model: Model, arguments: Arguments) -> bool:
    """Whether a model predicts values: it has a result, and what comes from above into a gradient has the shape of its convolution."""
    if isinstance(outcome(model, arguments), Refuses):
        return False
    return arguments.gradient is None or models.forward_shape(
        model, arguments
    ) == data.result_shape(arguments)


@lru_cache(maxsize=4096)
def documented(arguments: Arguments) -> Outcome:
    """What the documentation says comes out: a refusal where a precondition is broken, else what its formula gives."""
    broken = catalogue.broken(arguments)
    return Refuses(tuple(rule.id for rule in broken)) if broken else outcome(DOCUMENTED, arguments)


@lru_cache(maxsize=4096)
def inputs(arguments: Arguments) -> Inputs:
    """The data of a call: the first draw that tells every model of the call from its wrong oracles.

    Raises :class:`tf_conv_conformance.prediction.data.InexactDataError` where no exact data exists.
    """
    judged = [model for model in models.models_of(arguments) if has_values(model, arguments)]
    literal = (arguments.input.values or ()) + (arguments.filter.values or ())
    if not all(
        map(math.isfinite, literal)
    ):  # infinities and NaN spread: that they do is the question, not which oracle they notice
        return Inputs(data.arms(arguments), None)
    draws = (_draw(arguments, judged, salt) for salt in range(SALTS))
    first = next(draws)
    return (
        first
        if first.vacuous is None
        else next((drawn for drawn in draws if drawn.vacuous is None), first)
    )


def _draw(arguments: Arguments, judged: Sequence[Model], salt: int) -> Inputs:
    """One draw of data, and the first wrong oracle that it does not notice."""
    arms = data.arms(arguments, salt)
    found = {model.name: _told(model, arguments, arguments, arms, salt) for model in judged}
    vacuous = next((one.unnoticed for one in found.values() if one.unnoticed is not None), None)
    return Inputs(arms, vacuous, {name: one.excluded for name, one in found.items()})


def _told(
    model: Model, arguments: Arguments, drawn: Arguments, arms: Sequence[data.Arm], seed: int
) -> Told:
    """What arms of data tell of the wrong oracles of a model."""
    tensors = {arm.name: arm.arrays(drawn) for arm in arms}
    with np.errstate(over="ignore"):
        said = [_values(model, arguments, drawn, arm) for arm in arms]
        found = told(
            model, arguments, list(tensors.values()), said, partial(_held, arguments.dtype), seed
        )
        less = less_precise(model, arguments, tensors, said, seed)
    return Told(found.excluded + less.excluded, found.unnoticed or less.unnoticed)


@lru_cache(maxsize=4096)
def excluded(model: Model, arguments: Arguments, drawn: Arguments) -> tuple[str, ...] | None:
    """The wrong oracles that data drawn for `drawn` would show, where a call is held to a model's values for `arguments`.

    None where that is not asked: of infinities and NaN, of a model that leaves out padding or flushes what is subnormal.
    """
    plain, own = MODELS[model.name], inputs(drawn)
    if model != plain and replace(model, accumulator=None, truncates_sizes=False) != plain:
        return None
    if model == plain and arguments == drawn:
        return own.excluded.get(model.name)
    return _told(model, arguments, drawn, own.arms, 0).excluded if own.excluded else None


def values(model: Model, arguments: Arguments, drawn: Arguments) -> tuple[Values, ...]:
    """What a model predicts for each arm; `drawn` are the arguments for which the data was drawn."""
    return tuple(_values(model, arguments, drawn, arm) for arm in inputs(drawn).arms)


def model_with(size: int, arguments: Arguments) -> Model | None:
    """Return the model that predicts so many values, the documented one first."""
    models_with_values = (
        model for model in models.models_of(arguments) if has_values(model, arguments)
    )
    return next(
        (
            model
            for model in models_with_values
            if math.prod(models.shape(model, arguments)) == size
        ),
        None,
    )


def around(stated: Array, arguments: Arguments) -> tuple[Values, ...]:
    """Return values that a case states, for each arm: exact, and for reals with the bound of the model that predicts as many.

    People paste numbers as they were printed, so that they may be off by one more rounding.
    """
    arms, model = inputs(arguments).arms, model_with(stated.size, arguments)
    if model is None or "reals" not in arguments.data:
        return (Values(stated),) * len(arms)
    rounding = unit_roundoff(arguments.dtype) * np.abs(stated)
    bounds = [one.bound for one in values(model, arguments, arguments)]
    finite = [
        None if one is None else np.where(np.isfinite(one), one, 0.0).reshape(stated.shape)
        for one in bounds
    ]
    return tuple(Values(stated, None if one is None else one + rounding) for one in finite)


def _bytes(values: Values) -> int:
    return data.BESIDE + values.numbers.nbytes * (1 if values.bound is None else 2)


@cached(LRUCache(data.KEPT, getsizeof=_bytes))
def _values(model: Model, arguments: Arguments, drawn: Arguments, arm: data.Arm) -> Values:
    """What a model predicts for one arm: once for the data's own check, and for the verdicts in all modes. Not to be written to."""
    tensors = arm.arrays(drawn)
    with np.errstate(all="ignore"):  # infinities and NaN are data, too
        numbers = models.values(model, arguments, *tensors)
        predicted = (
            Values(numbers, bound(model, arguments, *tensors))
            if arm.name == "reals"
            else Values(_held(arguments.dtype, numbers))
        )
    predicted.numbers.flags.writeable = False
    return predicted


def _held(dtype: str, sums: Array) -> Array:
    """What a dtype holds of exact sums: all but those that overflow, of which it makes infinities."""
    return as_numbers(encode(sums, dtype), dtype) if dtype in PRECISION else sums
