"""The reduction of a call keeps what shows the cause, drops the rest, and limits its tries."""

import pytest

from tf_conv_conformance.explore.reduction import reduced, weight

LARGE = {
    "op": "depthwise_conv2d",
    "via": "tf.raw_ops.DepthwiseConv2dNative",
    "dtype": "half",
    "data_format": "NCHW",
    "padding": "SAME",
    "input": [3, 4, 13, 11],
    "filter": [5, 3, 4, 2],
    "strides": [1, 1, 4, 3],
    "dilations": [1, 1, 3, 5],
    "gradient": "filter",
}


def pair(value, first):
    if isinstance(value, int):
        return [value, value]
    return value if len(value) == 2 else value[2:] if first else value[1:3]


def test_reduction_drops_what_does_not_matter():
    assert reduced(LARGE, lambda plain: True, 1000) == {
        "op": "depthwise_conv2d",
        "padding": "VALID",
        "input": [1, 1, 1, 1],
        "filter": [1, 1, 1, 1],
        "strides": 1,
    }


def test_reduction_keeps_what_matters():
    def shows(plain):
        first = plain.get("data_format") == "NCHW"
        return (
            max(pair(plain["strides"], first)) > 1
            and max(pair(plain.get("dilations", 1), first)) > 2
            and plain["filter"][0] > 1
        )

    assert reduced(LARGE, shows, 1000) == {
        "op": "depthwise_conv2d",
        "padding": "VALID",
        "input": [1, 1, 1, 1],
        "filter": [2, 1, 1, 1],
        "strides": 2,
        "dilations": 3,
    }


def test_reduction_keeps_the_padding_that_matters():
    plain = {
        "op": "conv2d",
        "padding": [[0, 0], [3, 2], [7, 1], [0, 0]],
        "input": [1, 5, 5, 1],
        "filter": [3, 3, 1, 1],
        "strides": 2,
    }
    found = reduced(
        plain, lambda one: isinstance(one["padding"], list) and one["padding"][2][0] >= 3, 500
    )
    assert found["padding"] == [[0, 0], [0, 0], [3, 0], [0, 0]]


def test_reduction_keeps_the_literal_value_that_matters():
    values = [2.0, float("nan"), 3.0, 5.0]
    plain = {
        "op": "conv2d",
        "padding": "SAME",
        "input": [1, 4, 4, 1],
        "filter": {"shape": [2, 2, 1, 1], "values": values},
        "strides": 1,
    }
    found = reduced(
        plain,
        lambda one: (
            isinstance(one["filter"], dict)
            and any(value != value for value in one["filter"]["values"])
        ),
        500,
    )
    assert found["filter"]["shape"] == [1, 1, 1, 1]
    assert repr(found["filter"]["values"]) == "[nan]"


@pytest.mark.parametrize("budget", [0, 1, 7])
def test_reduction_tries_no_more_calls_than_allowed(budget):
    tried = []
    reduced(LARGE, lambda plain: bool(tried.append(plain)), budget)
    assert len(tried) == budget


def test_each_step_tries_a_new_and_lighter_call():
    tried = []

    def shows(plain):
        tried.append(plain)
        return len(tried) % 3 == 0

    found = reduced(LARGE, shows, 1000)
    assert weight(found) < weight(LARGE)
    assert len({repr(sorted(one.items())) for one in tried}) == len(tried)
