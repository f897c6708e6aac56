"""Quantities in messages."""

import pytest

from tf_conv_conformance.convolution.quantity import quantity


@pytest.mark.parametrize(
    ("count", "words", "expected"),
    [
        (0, ("call",), "0 calls"),
        (1, ("call",), "1 call"),
        (2000, ("call",), "2,000 calls"),
        (1, ("entry", "entries"), "1 entry"),
        (2, ("entry", "entries"), "2 entries"),
    ],
)
def test_a_noun_is_in_the_singular_for_one_only(count, words, expected):
    assert quantity(count, *words) == expected
