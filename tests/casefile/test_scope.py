"""Exhaustive scopes: every problem is in some call, and truncated sizes divide as C++ does."""

import itertools
from dataclasses import replace

import pytest

from tf_conv_conformance.casefile.argument_fields import Scope
from tf_conv_conformance.casefile.loading import load_text
from tf_conv_conformance.casefile.scope import pairs, problems
from tf_conv_conformance.casefile.sweep import Extent
from tf_conv_conformance.convolution.geometry import (
    Axis,
    documented_size,
    phase_strided_size,
    truncated_steps,
)

SMALL = Scope(
    sizes=6,
    filters=3,
    strides=3,
    rates=2,
    paddings=["SAME", "VALID", [2, 1]],
    results="some",
    sample=7,
)


def test_some_and_none_together_are_all_problems():
    both = [*problems(SMALL), *problems(SMALL.model_copy(update={"results": "none"}))]
    assert len(both) == len(set(both)) == 6 * 3 * 3 * 2 * 3
    for axis in problems(SMALL):
        assert documented_size(axis) >= 1
        assert phase_strided_size(axis) >= 1


@pytest.mark.parametrize("results", ["some", "none"])
def test_a_whole_scope_has_every_problem_at_most_twice(results):
    scope = SMALL.model_copy(update={"results": results})
    made = pairs(scope, whole=True)
    seen = [axis for pair in made for axis in (pair.height, pair.width)]
    assert set(seen) == set(problems(scope))
    assert max(seen.count(axis) for axis in seen) <= 2
    assert len(made) < 0.6 * len(set(seen)) + 10
    for pair in made:
        assert pair.height.stride == pair.width.stride
        assert isinstance(pair.height.padding, str) == isinstance(pair.width.padding, str)


def test_a_sample_is_the_same_in_every_run():
    assert pairs(SMALL, whole=False) == pairs(SMALL, whole=False)
    assert len(pairs(SMALL, whole=False)) == 7
    assert len({pair.label for pair in pairs(SMALL, whole=True)}) == len(pairs(SMALL, whole=True))


CASE = """
cases:
  - id: x
    op: conv2d
    modes: eager
    scope: {sizes: 6, filters: 3, strides: 3, rates: 2, paddings: [SAME, VALID, [2, 1]],
            results: some, sample: 7}
"""


def test_a_scope_expands_to_a_sample_or_to_all_calls(calls):
    assert len(calls(CASE)) == 7
    assert len(load_text(CASE, Extent(whole=True)).calls) == len(pairs(SMALL, whole=True))
    name, call = next(iter(calls(CASE).items()))
    assert name.startswith("x[n")
    assert call.arguments.input.shape[3] == 2


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ("strides: 2", "the scope gives `strides`; leave it out"),
        ("rate: 2", "the scope gives `dilations`"),
    ],
)
def test_arguments_that_a_scope_gives_are_refused(change, message):
    (diagnostic,) = load_text(CASE + f"    {change}\n").diagnostics
    assert message in diagnostic.message


def test_truncated_steps_divide_towards_zero():
    for room, stride in itertools.product(range(-9, 10), range(1, 5)):
        assert truncated_steps(room, stride) == int((room + stride) / stride)


def test_truncated_sizes_differ_only_below_zero():
    for axis in (
        Axis(n, k, s, r, "VALID")
        for n, k, s, r in itertools.product(range(1, 12), range(1, 5), range(1, 5), range(1, 4))
    ):
        for size in (documented_size, phase_strided_size):
            assert size(axis, True) == size(axis) or size(axis) < 0
    assert (
        documented_size(Axis(14, 5, 4, 5, "VALID")),
        documented_size(Axis(14, 5, 4, 5, "VALID"), True),
    ) == (-1, 0)
    assert documented_size(replace(Axis(14, 5, 4, 5, "VALID"), stride=1), True) == -6
