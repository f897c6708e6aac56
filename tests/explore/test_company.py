"""Operations around random convolutions: they are drawn with what they need, and reduced."""

from random import Random

import pytest

from tf_conv_conformance.convolution.names import OperationName
from tf_conv_conformance.explore.random_calls import calls_of, draw_block, draw_case
from tf_conv_conformance.explore.reduction import reduced, weight
from tf_conv_conformance.explore.signature import signature

PLAIN = {
    "op": "conv2d",
    "input": [2, 9, 8, 3],
    "filter": [3, 2, 3, 4],
    "strides": 1,
    "padding": "VALID",
    "before": {"pad": [[0, 0], [1, 2], [3, 0], [0, 0]]},
    "after": ["bias_add", "relu", {"conv2d": {"filter": [3, 3, 4, 5], "padding": "SAME"}}, "relu6"],
}


def names(plain):
    return [one if isinstance(one, str) else next(iter(one)) for one in plain.get("after", [])]


def test_every_operation_is_drawn_and_most_calls_are_in_graphs():
    calls = [one for block in range(8) for one in draw_block(7, block, 250)]
    around = [one for one in calls if one.call.arguments.in_company]
    assert 0.02 < len(around) / len(calls) < 0.2
    drawn = {
        operation.name
        for one in around
        for operation in (*one.call.arguments.before, *one.call.arguments.after)
    }
    assert drawn == set(OperationName.__args__)
    assert max(len(one.call.arguments.after) for one in around) == 4
    in_graphs = sum(one.call.mode == "graph" for one in around)
    assert in_graphs > len(around) / 2


def test_the_size_of_a_case_is_bounded_whatever_is_drawn():
    random = Random(3)
    for _ in range(3000):
        for one in calls_of(draw_case(random), ["eager"]):
            assert len(one.call.arguments.after) <= 4


@pytest.mark.parametrize(
    ("is_wrong", "left", "sizes"),
    [
        (lambda plain: names(plain)[:2] == ["bias_add", "relu"], ["bias_add", "relu"], None),
        (lambda plain: "relu6" in names(plain), ["relu6"], None),
        (lambda plain: "conv2d" in names(plain), ["conv2d"], [1, 1, 1, 1]),
        (lambda plain: "before" in plain, [], None),
    ],
)
def test_what_is_around_a_call_is_reduced_to_what_still_differs(is_wrong, left, sizes):
    def has_cause(plain):
        return is_wrong(plain) and bool(calls_of(plain, ["graph"]))

    smallest = reduced(PLAIN, has_cause, 400)
    assert names(smallest) == left
    assert ("before" in smallest) == (not left)
    if sizes is not None:
        (another,) = smallest["after"]
        assert another["conv2d"]["filter"] == sizes
    assert weight(smallest) < weight(PLAIN)


def test_a_signature_tells_operations_apart():
    (one,), (other,) = (
        calls_of({**PLAIN, "after": [name]}, ["graph"]) for name in ("relu", "bias_add")
    )
    by_mode = {"graph": ("values", "unexplained", "documented")}
    assert signature(one.call, by_mode, ()) != signature(other.call, by_mode, ())
