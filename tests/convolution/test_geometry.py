"""Sizes and indices of an axis, compared with the documentation's own code and a literal space to
batch.
"""

import itertools

import numpy as np
import pytest

from tf_conv_conformance.convolution.geometry import (
    Axis,
    Phases,
    documented_indices,
    documented_padding,
    documented_size,
    phase_strided_indices,
    phase_strided_size,
    phases,
    same_total,
)
from tf_conv_conformance.prediction.models import DOCUMENTED, PHASE_STRIDED

documented_taps, phase_strided_taps = DOCUMENTED.taps, PHASE_STRIDED.taps

PADDINGS = ["SAME", "VALID", (0, 0), (2, 1), (0, 3)]
SMALL = [
    Axis(n, k, s, r, padding)
    for n, k, s, r, padding in itertools.product(
        range(1, 13), range(1, 4), range(1, 5), range(1, 5), PADDINGS
    )
]


def notes_on_padding(axis):
    """Follow the snippets of TensorFlow's notes on padding to the letter, in floating point as
    written.
    """
    filter_height = (axis.filter - 1) * axis.rate + 1
    if axis.padding == "SAME":
        out = int(np.ceil(axis.size / axis.stride))
        if axis.size % axis.stride == 0:
            total = max(filter_height - axis.stride, 0)
        else:
            total = max(filter_height - (axis.size % axis.stride), 0)
        return out, total // 2, total - total // 2
    before, after = (0, 0) if axis.padding == "VALID" else axis.padding
    return (
        int(np.ceil((axis.size + before + after - filter_height + 1) / axis.stride)),
        before,
        after,
    )


def literal_reads(axis):
    """Return the input elements that the documented sum of each output reads, None for a padded
    zero.
    """
    size, before, _ = notes_on_padding(axis)
    found = []
    for i in range(max(size, 0)):
        reads = [axis.stride * i + axis.rate * d - before for d in range(axis.filter)]
        found.append([position if 0 <= position < axis.size else None for position in reads])
    return found


def space_to_batch_reads(axis):
    """Send positions themselves through padding, space to batch, a strided VALID window, batch to
    space and crop.

    Returns None where a phase is too short for the filter or the crop too long for the result.
    """
    if axis.padding == "SAME":
        total = (axis.filter - 1) * axis.rate
        before, after = total // 2, total - total // 2
    else:
        before, after = (0, 0) if axis.padding == "VALID" else axis.padding
    positions = [None] * before + list(range(axis.size)) + [None] * after
    crop = 0
    while len(positions) % axis.rate:
        positions.append(None)
        crop += 1
    phases = [positions[phase :: axis.rate] for phase in range(axis.rate)]
    windows = [
        [
            phase[start : start + axis.filter]
            for start in range(0, len(phase) - axis.filter + 1, axis.stride)
        ]
        for phase in phases
    ]
    if len(phases[0]) < axis.filter:
        return None
    interleaved = [window for step in zip(*windows, strict=True) for window in step]
    return interleaved[: len(interleaved) - crop] if len(interleaved) >= crop else None


def as_lists(taps):
    return [[None if position < 0 else position for position in row] for row in taps.tolist()]


def test_documented_sizes_and_padding_match_the_notes():
    for axis in SMALL:
        size, before, after = notes_on_padding(axis)
        assert documented_size(axis) == size, axis
        assert documented_padding(axis) == (before, after), axis


def test_the_total_padding_of_same_is_documented_unless_it_is_negative():
    for axis in SMALL:
        if axis.padding == "SAME":
            assert max(same_total(axis), 0) == sum(documented_padding(axis)), axis
    assert same_total(Axis(9, 2, 4, 3, "SAME")) == 3
    assert same_total(Axis(8, 2, 4, 1, "SAME")) == -2  # two outputs read elements 0, 1, 4 and 5


def test_documented_indices_match_the_formula():
    for axis in SMALL:
        assert as_lists(documented_taps(axis)) == literal_reads(axis), axis


def test_phase_strided_indices_match_space_to_batch():
    compared = 0
    for axis in SMALL:
        literal = space_to_batch_reads(axis)
        if literal is not None:
            assert phase_strided_size(axis) == len(literal), axis
            assert as_lists(phase_strided_taps(axis)) == literal, axis
            compared += 1
        else:
            assert phase_strided_size(axis) <= 0, axis
    assert compared > 2000


def test_both_models_agree_for_stride_1():
    for axis in SMALL:
        if axis.stride == 1 and documented_size(axis) > 0:
            assert np.array_equal(documented_taps(axis), phase_strided_taps(axis)), axis


@pytest.mark.parametrize(
    ("axis", "documented", "phase_strided"),
    [
        (Axis(24, 4, 4, 3, "VALID"), 4, 6),  # the blog's
        (Axis(24, 4, 1, 3, "VALID"), 15, 15),
        (Axis(9, 3, 2, 2, "SAME"), 5, 5),  # the same size, other reads
        (
            Axis(7, 3, 9, 5, "VALID"),
            0,
            -3,
        ),  # TensorFlow: "cropped_shape[0]=-3 must be non-negative"
        (Axis(2, 4, 2, 2, "VALID"), -2, -1),  # towards zero, as C++ divides, it would be -1 and 0
        (Axis(0, 3, 2, 1, "SAME"), 0, 0),
        (Axis(4, 2, 1, 2**30, "SAME"), 4, 4),
        (Axis(5, 3, 2**31 - 1, 1, "SAME"), 1, 1),
    ],
)
def test_sizes_and_indices_computed_by_hand(axis, documented, phase_strided):
    assert documented_size(axis) == documented
    assert phase_strided_size(axis) == phase_strided


def test_models_of_the_same_size_may_read_other_elements():
    axis = Axis(9, 3, 2, 2, "SAME")
    assert documented_size(axis) == phase_strided_size(axis)
    assert not np.array_equal(documented_taps(axis), phase_strided_taps(axis))


def test_same_puts_odd_padding_at_the_end():
    assert documented_padding(Axis(5, 2, 1, 1, "SAME")) == (0, 1)
    assert documented_padding(Axis(5, 4, 1, 1, "SAME")) == (1, 2)


def test_indices_distinguish_padding_before_and_after():
    assert documented_indices(Axis(5, 3, 2, 2, "SAME")).tolist() == [
        [-2, 0, 2],
        [0, 2, 4],
        [2, 4, 6],
    ]
    assert documented_indices(Axis(4, 2, 3, 1, (1, 2))).tolist() == [[-1, 0], [2, 3]]
    assert phase_strided_indices(Axis(5, 2, 2, 2, (1, 2))).tolist() == [
        [-1, 1],
        [0, 2],
        [3, 5],
        [4, 6],
    ]


@pytest.mark.parametrize("rate", [2**31, 2**61, 2**63 - 1, 2**63, 2**70])
def test_a_rate_beyond_64_bits_reads_like_any_large_rate(rate):
    same, explicit = Axis(9, 3, 2, rate, "SAME"), Axis(9, 3, 1, rate, (rate, rate))
    assert np.array_equal(
        documented_taps(same), [[-1, position, -1] for position in (0, 2, 4, 6, 8)]
    )
    assert np.array_equal(documented_taps(explicit), [[-1, position, -1] for position in range(9)])
    assert np.array_equal(
        phase_strided_taps(explicit), [[-1, position, -1] for position in range(9)]
    )


@pytest.mark.parametrize("rate", [1, 2**63, 2**70])
@pytest.mark.parametrize("indices", [documented_indices, phase_strided_indices])
def test_indices_are_64_bit_integers_at_any_rate(indices, rate):
    assert indices(Axis(9, 3, 1, rate, (rate, rate))).dtype == np.int64


def test_positions_beyond_64_bits_are_clipped_on_either_side():
    """62 bits are enough for any input, and leave room to add to them."""
    assert documented_indices(Axis(1, 3, 1, 2**70, "SAME")).tolist() == [[-(2**62), 0, 2**62]]


def test_positions_in_a_long_input_are_not_clipped():
    whole = Axis(1000, 1, 1, 1, "VALID")
    assert documented_indices(whole).ravel().tolist() == list(range(1000))


def test_padding_beyond_64_bits_may_be_cut_off_again():
    """Negative padding is cut off, so that the result is small."""
    cut = Axis(9, 2, 1, 1, (2**64, -(2**64)))
    assert documented_taps(cut).tolist() == [[-1, -1]] * 8


def test_a_stride_beyond_64_bits_leaves_the_first_element():
    assert np.array_equal(documented_taps(Axis(9, 2, 2**64, 1, "VALID")), [[0, 1]])
    assert np.array_equal(documented_taps(Axis(9, 2, 2**64, 1, (2**64 - 1, 1))), [[-1, -1], [1, 2]])


def test_the_phases_of_an_axis():
    assert phases(Axis(24, 4, 4, 3, "VALID")) == Phases(padded=24, excess=0, result=2)
    assert phases(Axis(7, 3, 1, 5, (1, 0))) == Phases(padded=8, excess=2, result=0)
    assert phases(Axis(2, 4, 2, 2, "VALID")) == Phases(padded=2, excess=0, result=-1)
    assert phases(Axis(2, 4, 2, 2, "VALID"), truncated=True) == Phases(padded=2, excess=0, result=0)
