"""Enumerate exhaustive scopes: every problem of one axis up to given sizes.

Each call has two problems, for height and for width, so that a mix-up of the two is detected.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from itertools import product
from typing import Any

import numpy as np

from tf_conv_conformance.casefile.argument_fields import Scope
from tf_conv_conformance.convolution.geometry import (
    Axis,
    Padding,
    documented_size,
    phase_strided_size,
)

SEED = 20260  # for the shuffles, so that every run has the same pairs and the same sample


@dataclass(frozen=True)
class Pair:
    """The two axes of a call. They have the same stride and the same kind of padding."""

    height: Axis
    width: Axis

    @property
    def _explicit(self) -> list[tuple[int, int]]:
        """The padding of both axes, or an empty string if it is SAME or VALID."""
        paddings = (self.height.padding, self.width.padding)
        return [padding for padding in paddings if not isinstance(padding, str)]

    @property
    def label(self) -> str:
        """The label of the call within its scope."""
        h, w = self.height, self.width
        explicit = "x".join(f"{before}:{after}" for before, after in self._explicit)
        sizes = f"n{h.size}x{w.size}-k{h.filter}x{w.filter}-s{h.stride}-r{h.rate}x{w.rate}"
        return f"{sizes}-{explicit or h.padding}"

    def given(self) -> dict[str, Any]:
        """Return the arguments as a case file would give them."""
        h, w = self.height, self.width
        pairs = [list(pair) for pair in self._explicit]
        return {
            "input": [1, h.size, w.size, 2],
            "filter": [h.filter, w.filter, 2, 2],
            "strides": h.stride,
            "dilations": [h.rate, w.rate],
            "padding": [[0, 0], *pairs, [0, 0]] if pairs else h.padding,
        }


@lru_cache(maxsize=8)
def _by_result(
    limits: tuple[int, int, int, int], paddings: tuple[Padding, ...]
) -> dict[bool, list[Axis]]:
    """Return every problem within the limits, by whether it has a result in both models."""
    ranges = (range(1, limit + 1) for limit in limits)
    by_result: dict[bool, list[Axis]] = {True: [], False: []}
    for size, filter_size, stride, rate in product(*ranges):
        for padding in paddings:
            axis = Axis(size, filter_size, stride, rate, padding)
            has_result = min(documented_size(axis), phase_strided_size(axis)) >= 1
            by_result[has_result].append(axis)
    return by_result


def problems(scope: Scope) -> list[Axis]:
    """Return the axis problems of a scope: with a result in both models, or all others."""
    limits = (scope.sizes, scope.filters, scope.strides, scope.rates)
    paddings: list[Padding] = [
        padding if isinstance(padding, str) else (padding[0], padding[1])
        for padding in scope.paddings
    ]
    return _by_result(limits, tuple(paddings))[scope.results == "some"]


def most_problems(scope: Scope) -> int:
    """Return how many axis problems must be examined to find the problems of a scope."""
    return scope.sizes * scope.filters * scope.strides * scope.rates * len(scope.paddings)


def pairs(scope: Scope, whole: bool) -> list[Pair]:
    """Return the calls of a scope: all of them, which cover each problem, or a seeded sample."""
    groups: dict[tuple[int, str], list[Axis]] = {}
    for axis in problems(scope):
        padding = axis.padding if isinstance(axis.padding, str) else "explicit"
        groups.setdefault((axis.stride, padding), []).append(axis)
    rng = np.random.RandomState(SEED)
    made: list[tuple[Axis, Axis]] = []
    for group in groups.values():
        order = rng.permutation(len(group)).tolist()
        half = (len(group) + 1) // 2
        made += [(group[order[i]], group[order[(i + half) % len(group)]]) for i in range(half)]
    everything = range(len(made))
    chosen = everything if whole else sorted(rng.permutation(len(made))[: scope.sample].tolist())
    return [Pair(*made[index]) for index in chosen]
