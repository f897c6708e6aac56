"""What must come out of a call: what the documentation says, and what each model computes."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache, partial

import numpy as np
from cachetools import LRUCache, cached

from tf_conv_conformance import data
from tf_conv_conformance.arguments import Arguments
from tf_conv_conformance.numbers import PRECISION, as_numbers, encode
from tf_conv_conformance.oracle import models
from tf_conv_conformance.oracle.correlation import Array
from tf_conv_conformance.oracle.error_bounds import Values, bound
from tf_conv_conformance.oracle.models import DOCUMENTED, Model
from tf_conv_conformance.oracle.mutants import less_precise, unnoticed
from tf_conv_conformance.rules import catalogue

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
    """The data that goes through a call, and a wrong oracle that it cannot tell from the right one, if any."""

    arms: tuple[data.Arm, ...]
    vacuous: str | None


def outcome(model: Model, arguments: Arguments) -> Outcome:
    """What a model says comes out, whatever preconditions are broken."""
    try:
        return Returns(models.shape(model, arguments), arguments.dtype)
    except models.Impossible as error:
        return Refuses((str(error),))


def has_values(model: Model, arguments: Arguments) -> bool:
    """Whether a model predicts values: it has a result, and what comes from above into a gradient has the shape of its convolution."""
    if isinstance(outcome(model, arguments), Refuses):
        return False
    return arguments.gradient is None or models.forward_shape(model, arguments) == data.result_shape(arguments)


@lru_cache(maxsize=4096)
def documented(arguments: Arguments) -> Outcome:
    """What the documentation says comes out: a refusal where a precondition is broken, else what its formula gives."""
    broken = catalogue.broken(arguments)
    return Refuses(tuple(rule.id for rule in broken)) if broken else outcome(DOCUMENTED, arguments)


@lru_cache(maxsize=4096)
def inputs(arguments: Arguments) -> Inputs:
    """The data of a call: the first draw that tells every model of the call from its wrong oracles.

    Raises :class:`tf_conv_conformance.data.Inexact` where no exact data exists.
    """
    judged = [model for model in models.models_of(arguments) if has_values(model, arguments)]
    literal = (arguments.input.values or ()) + (arguments.filter.values or ())
    if not all(map(math.isfinite, literal)):  # infinities and NaN spread: that they do is the question, not which oracle they notice
        return Inputs(data.arms(arguments), None)
    draws = (_draw(arguments, judged, salt) for salt in range(SALTS))
    first = next(draws)
    return first if first.vacuous is None else next((drawn for drawn in draws if drawn.vacuous is None), first)


def _draw(arguments: Arguments, judged: Sequence[Model], salt: int) -> Inputs:
    """One draw of data, and the first wrong oracle that it does not notice."""
    arms = data.arms(arguments, salt)
    tensors = [arm.arrays(arguments) for arm in arms]
    held = partial(_held, arguments.dtype)
    with np.errstate(over="ignore"):
        for model in judged:
            said = [_values(model, arguments, arguments, arm) for arm in arms]
            names = [unnoticed(model, arguments, tensors, said, held, salt)]
            wide = [number for number, arm in enumerate(arms) if arm.name == "wide_integers"]  # drawn to need all of the dtype's bits
            names += [less_precise(model, arguments, said[number], tensors[number], salt) for number in wide]
            if any(names):
                return Inputs(arms, next(name for name in names if name is not None))
    return Inputs(arms, None)


def values(model: Model, arguments: Arguments, drawn: Arguments) -> tuple[Values, ...]:
    """What a model predicts for each arm; `drawn` are the arguments for which the data was drawn."""
    return tuple(_values(model, arguments, drawn, arm) for arm in inputs(drawn).arms)


def _bytes(values: Values) -> int:
    return data.BESIDE + values.numbers.nbytes * (1 if values.bound is None else 2)


@cached(LRUCache(data.KEPT, getsizeof=_bytes))
def _values(model: Model, arguments: Arguments, drawn: Arguments, arm: data.Arm) -> Values:
    """What a model predicts for one arm: once for the data's own check, and for the verdicts in all modes. Not to be written to."""
    tensors = arm.arrays(drawn)
    with np.errstate(all="ignore"):  # infinities and NaN are data, too
        numbers = models.values(model, arguments, *tensors)
        predicted = Values(numbers, bound(model, arguments, *tensors)) if arm.name == "reals" else Values(_held(arguments.dtype, numbers))
    predicted.numbers.flags.writeable = False
    return predicted


def _held(dtype: str, sums: Array) -> Array:
    """What a dtype holds of exact sums: all but those that overflow, of which it makes infinities."""
    return as_numbers(encode(sums, dtype), dtype) if dtype in PRECISION else sums
