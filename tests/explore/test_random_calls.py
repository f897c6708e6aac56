"""Random calls depend only on the seed, are valid cases, and reach all edges."""

import math
from collections import Counter
from typing import get_args

import pytest

from tf_conv_conformance.casefile.loading import load_text
from tf_conv_conformance.casefile.writer import case_text
from tf_conv_conformance.convolution.names import SYMBOLS, Unknown
from tf_conv_conformance.explore.edges import edges
from tf_conv_conformance.explore.random_calls import (
    ELEMENTS,
    MORE_ELEMENTS,
    calls_of,
    draw_block,
)


@pytest.fixture(scope="module")
def drawn():
    return [one for block in range(10) for one in draw_block(7, block, 250)]


def test_a_block_depends_only_on_seed_and_number():
    first = draw_block(7, 3, 60)
    draw_block(8, 0, 20)
    assert draw_block(7, 3, 60) == first
    assert draw_block(7, 3, 25) == first[:25]
    assert draw_block(7, 4, 60) != first
    assert draw_block(8, 3, 60) != first


def test_calls_are_rarely_repeated(drawn):
    assert len({(one.call.arguments, one.call.mode) for one in drawn}) > 0.97 * len(drawn)


def test_every_call_reads_back_with_the_same_arguments(drawn):
    for one in drawn[:150]:
        loaded = load_text(case_text({"id": "x", **one.plain, "modes": [one.call.mode]}))
        assert loaded.diagnostics == ()
        # as text: NaN is not equal to itself
        assert {str(call.arguments) for call in loaded.calls} == {str(one.call.arguments)}
        assert one.call.relation in [call.relation for call in loaded.calls]


def test_only_the_given_modes_are_drawn():
    assert {one.call.mode for one in draw_block(7, 0, 100, ["graph"])} == {"graph"}
    assert {one.call.mode for one in draw_block(7, 0, 250)} == {"eager", "graph", "xla"}


def test_half_of_the_calls_lie_on_edges_and_every_edge_occurs(drawn):
    found = Counter(edge for one in drawn for edge in edges(one.call.arguments))
    expected = {
        "no batch",
        "no height or width",
        "no channels",
        "empty filter",
        "no result channels",
        "no result",
        "empty result",
        "groups",
        "channels that do not fit",
        "input of rank below 4",
        "input of rank above 4",
        "filter of another rank",
        "channels first",
        "unknown data format",
        "unknown padding",
        "padding of another form",
        "negative padding",
        "padding of batch or channels",
        "stride below 1",
        "rate below 1",
        "stride of batch or channels",
        "rate of batch or channels",
        "unequal strides",
        "stride and rate",
        "filter beyond the input",
        "odd dtype",
        "int32",
        "filter of another dtype",
        "not finite",
        "subnormal",
    }
    assert expected <= found.keys()
    assert 0.3 < sum(bool(edges(one.call.arguments)) for one in drawn) / len(drawn) < 0.9
    assert {one.call.arguments.entry_point.symbol for one in drawn} == set(SYMBOLS)
    assert "causal" in [one.plain["padding"] for one in drawn]
    unknown = {name for one in drawn for name in one.call.arguments.unknown}
    assert unknown == set(get_args(Unknown))


def test_tensors_are_small(drawn):
    """But for a few, whose work is split among threads."""
    sizes = [math.prod(one.call.arguments.input.shape) for one in drawn]
    assert max(sizes) <= MORE_ELEMENTS
    assert 0 < sum(size > ELEMENTS for size in sizes) < len(drawn) / 50
    assert max(sizes) > MORE_ELEMENTS / 4


def test_some_calls_are_also_made_in_other_surroundings(drawn):
    found = Counter((one.call.relation, one.call.mode) for one in drawn)
    assert {relation for relation, _ in found} == {None, "retraced", "threads"}
    assert not found["retraced", "eager"]
    assert 0 < found["threads", "eager"] < len(drawn) / 20


def test_invalid_and_large_cases_make_no_calls():
    plain = {
        "op": "conv2d",
        "input": [1, 4, 4, 1],
        "filter": [2, 2, 1, 1],
        "strides": 1,
        "padding": "VALID",
    }
    assert len(calls_of(plain, ["eager", "xla"])) == 2
    assert calls_of({**plain, "padding": "FULL"}, ["eager"]) == []
    assert calls_of({**plain, "input": [1, 4096, 4096, 1]}, ["eager"]) == []
    huge = [[0, 0], [0, 2**40], [0, 0], [0, 0]]
    assert (
        calls_of({**plain, "padding": huge, "filter": [2, 5, 1, 1]}, ["eager"]) == []
    )  # its result is empty, and 2**40 high
