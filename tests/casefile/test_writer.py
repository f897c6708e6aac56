"""Values are written as case files read them."""

from tf_conv_conformance.casefile.writer import flow


def test_equal_lists_are_written_in_full():
    pair = [0, 0]
    assert flow([pair, [1, 2], pair]) == "[[0, 0], [1, 2], [0, 0]]"
