"""The map of differences: where they are, how large, and never larger than a record can hold."""

import numpy as np
import pytest

from tf_conv_conformance.convolution.arguments import Arguments, TensorSpec
from tf_conv_conformance.records.heatmap import heat


def arguments(**given):
    return Arguments(
        "conv2d", TensorSpec((1, 4, 4, 1)), TensorSpec((1, 1, 1, 1)), 1, "VALID", **given
    )


def test_each_cell_is_the_largest_of_its_batch_and_channels():
    distance = np.zeros((2, 2, 3, 2))
    distance[0, 0, 1, 0], distance[1, 0, 1, 1], distance[0, 1, 2, 1] = 3.0, 9.0, 0.5
    assert heat(distance, arguments()) == {
        "size": [2, 3],
        "block": [1, 1],
        "levels": ["090", "001"],
    }


def test_rows_and_columns_are_found_in_every_layout():
    nchw = np.zeros((1, 5, 2, 3))
    nchw[0, 4, 1, 0] = 1
    assert heat(nchw, arguments(data_format="NCHW"))["levels"] == ["000", "900"]
    filter_gradient = np.zeros((2, 3, 4, 5))
    filter_gradient[1, 2, 0, 0] = 1
    assert heat(filter_gradient, arguments(gradient="filter"))["levels"] == ["000", "009"]


def test_what_is_not_finite_is_the_hottest_and_hides_nothing():
    distance = np.array([[0.0, 1.0, 2.0, np.inf]]).reshape(1, 1, 4, 1)
    assert heat(distance, arguments())["levels"] == ["0599"]
    assert heat(np.full((1, 1, 1, 1), np.inf), arguments())["levels"] == ["9"]


def test_the_smallest_difference_is_seen_beside_the_largest():
    distance = np.array([[1e-30, 1e30]]).reshape(1, 1, 2, 1)
    assert heat(distance, arguments())["levels"] == ["19"]


@pytest.mark.parametrize("size", [31, 32, 33, 64, 65, 1000])
def test_a_large_result_is_mapped_in_blocks_that_cover_it(size):
    distance = np.zeros((1, size, 3, 1))
    distance[0, size - 1, 2, 0] = 1
    found = heat(distance, arguments())
    assert len(found["levels"]) <= 32
    assert len(found["levels"]) == -(-size // found["block"][0])
    assert found["levels"][-1] == "009"


def test_a_result_without_elements_has_no_map():
    assert heat(np.zeros((1, 0, 3, 1)), arguments()) is None
    assert heat(np.zeros(3), arguments()) is None
