"""Exhaustive small scope: every problem of one axis up to given sizes, two to a call, so that height and width cannot be confused."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from itertools import product
from typing import Any, Literal

import numpy as np

from tf_conv_conformance.casefile.argument_fields import Scope
from tf_conv_conformance.convolution.geometry import (
    Axis,
    Padding,
    documented_size,
    phase_strided_size,
)

SEED = 20260  # of the shuffles: the same pairs, and the same sample of them, in every run


@dataclass(frozen=True)
class Pair:
    """A call's two axes, which share stride and kind of padding, since one argument gives both."""

    height: Axis
    width: Axis

    @property
    def label(self) -> str:
        """What tells the call from the others of its scope."""
        h, w = self.height, self.width
        padding = (
            h.padding
            if isinstance(h.padding, str)
            else f"{h.padding[0]}:{h.padding[1]}x{_pads(w)[0]}:{_pads(w)[1]}"
        )
        return f"n{h.size}x{w.size}-k{h.filter}x{w.filter}-s{h.stride}-r{h.rate}x{w.rate}-{padding}"

    def given(self) -> dict[str, Any]:
        """The arguments as a case would give them."""
        h, w = self.height, self.width
        padding: Any = (
            h.padding
            if isinstance(h.padding, str)
            else [[0, 0], list(h.padding), list(_pads(w)), [0, 0]]
        )
        return {
            "input": [1, h.size, w.size, 2],
            "filter": [h.filter, w.filter, 2, 2],
            "strides": h.stride,
            "dilations": [h.rate, w.rate],
            "padding": padding,
        }


def _pads(axis: Axis) -> tuple[int, int]:
    assert not isinstance(axis.padding, str)
    return axis.padding


@lru_cache(maxsize=8)
def _classified(
    limits: tuple[int, int, int, int], paddings: tuple[Padding, ...]
) -> dict[bool, tuple[Axis, ...]]:
    """Every axis problem up to the limits of size, filter, stride and rate, by whether it has a result in both models."""
    ranges = (range(1, limit + 1) for limit in limits)
    axes = (
        Axis(size, filter_size, stride, rate, padding)
        for size, filter_size, stride, rate in product(*ranges)
        for padding in paddings
    )
    found: dict[bool, list[Axis]] = {True: [], False: []}
    for axis in axes:
        found[documented_size(axis) >= 1 and phase_strided_size(axis) >= 1].append(axis)
    return {has_result: tuple(some) for has_result, some in found.items()}


def problems(scope: Scope) -> tuple[Axis, ...]:
    """Every axis problem of a scope: those with a result in both models, or those without one in either of them."""
    limits = (scope.sizes, scope.filters, scope.strides, scope.rates)
    paddings: list[Padding] = [
        padding if isinstance(padding, str) else (padding[0], padding[1])
        for padding in scope.paddings
    ]
    return _classified(limits, tuple(paddings))[scope.results == "some"]


def most_problems(scope: Scope) -> int:
    """How many axis problems are looked at to find those of a scope."""
    return scope.sizes * scope.filters * scope.strides * scope.rates * len(scope.paddings)


def pairs(scope: Scope, whole: bool) -> list[Pair]:
    """The calls of a scope: all, so that every problem is in one at least, or a seeded sample of them."""
    groups: dict[tuple[int, Padding | Literal["explicit"]], list[Axis]] = {}
    for axis in problems(scope):
        groups.setdefault(
            (axis.stride, axis.padding if isinstance(axis.padding, str) else "explicit"), []
        ).append(axis)
    rng = np.random.RandomState(SEED)
    made: list[tuple[list[Axis], int, int]] = []
    for group in groups.values():
        order = rng.permutation(len(group)).tolist()
        half = (len(group) + 1) // 2
        made += [(group, order[i], order[(i + half) % len(group)]) for i in range(half)]
    chosen = (
        range(len(made)) if whole else sorted(rng.permutation(len(made))[: scope.sample].tolist())
    )
    return [
        Pair(group[height], group[width])
        for group, height, width in (made[index] for index in chosen)
    ]
