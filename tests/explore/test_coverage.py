"""Edges and classes of calls."""

from collections import Counter

import pytest

from support.explored import call
from tf_conv_conformance.convolution.names import MODES
from tf_conv_conformance.explore.coverage import DIMENSIONS, code, counts, never_met, plain
from tf_conv_conformance.explore.edges import edges


@pytest.mark.parametrize(
    ("keys", "expected"),
    [
        ({}, set()),
        ({"input": [0, 8, 7, 1]}, {"no batch"}),
        (
            {"input": [1, 2, 7, 1], "filter": [3, 1, 1, 1]},
            {"empty result", "filter beyond the input"},
        ),
        ({"input": [1, 2, 7, 1], "filter": [5, 1, 1, 1]}, {"no result", "filter beyond the input"}),
        ({"input": [1, 8, 7, 4], "filter": [2, 2, 2, 4]}, {"groups"}),
        ({"input": [1, 8, 7, 4], "filter": [2, 2, 3, 4]}, {"channels that do not fit"}),
        (
            {"input": [2, 1, 8, 7, 0], "filter": [2, 2, 0, 1]},
            {"input of rank above 4", "no channels"},
        ),
        ({"strides": [2, 3], "dilations": 2}, {"unequal strides", "stride and rate"}),
        ({"strides": 2**31}, {"stride out of int32"}),
        ({"dilations": -(2**40)}, {"rate out of int32", "rate below 1"}),
        (
            {"padding": [[1, 0], [-1, 0], [0, 2**15], [0, 0]], "strides": 1000},
            {"padding of batch or channels", "negative padding", "large padding"},
        ),
        ({"dtype": "int8", "strides": [1, 1, 1]}, {"odd dtype", "strides of another length"}),
        ({"strides": [1, 1], "dilations": [1, 1]}, set()),
        (
            {"via": "tf.raw_ops.Conv2D", "strides": [1, 1], "dilations": [1, 1]},
            {"strides of another length", "rates of another length"},
        ),
    ],
)
def test_edges(keys, expected):
    assert edges(call(op="conv2d", **keys).arguments) == expected


def test_coverage_counts_classes_and_lists_pairs_that_never_occurred():
    other = call("xla", op="conv2d", dtype="half", padding="SAME")
    codes = Counter({code(call(op="conv2d")): 3, code(other): 1})
    classes = counts(codes)
    assert (classes["mode"], classes["padding"]["SAME"], classes["padding"]["VALID"]) == (
        {**dict.fromkeys(MODES, 0), "eager": 3, "xla": 1},
        1,
        3,
    )
    assert all(sum(counts.values()) == 4 for counts in classes.values())
    never = never_met(codes)["mode", "padding"]
    assert ("eager", "SAME") in never
    assert ("xla", "SAME") not in never
    assert len(never) == len(MODES) * len(DIMENSIONS["padding"][0]) - 2
    assert plain(codes)["calls"] == 4
