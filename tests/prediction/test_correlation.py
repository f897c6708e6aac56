"""The sum and its adjoints against literal loops, in each of the ways in which what is read is
copied.
"""

import itertools
from functools import lru_cache

import numpy as np
import pytest

from tf_conv_conformance.convolution.geometry import (
    FAR,
    Axis,
    documented_indices,
    phase_strided_indices,
)
from tf_conv_conformance.prediction import correlation
from tf_conv_conformance.prediction.correlation import (
    adjoint_filter,
    adjoint_input,
    correlate,
    grouped,
    multiplied,
)

CONV, DEPTHWISE, BOTH = (2, 2, 3), (1, 3, 2), (2, 1, 3)
"""Filters by their last dimensions: what a filter reads, groups, and outputs of a group."""


@pytest.fixture(autouse=True)
def _memory_that_nobody_has_written_to_shows(monkeypatch):
    monkeypatch.setattr(
        np,
        "empty",
        lambda shape, dtype=float: np.full(
            shape, np.nan if np.dtype(dtype).kind == "f" else -1, dtype
        ),
    )


def integers(seed, shape):
    return np.random.RandomState(seed).randint(1, 99, size=shape).astype(np.float64)


def terms(x, w, rows, columns):
    """Each product of the sum: where it goes, which element of `w` and which of `x` it is of; None
    for padding.
    """
    height, width, depth, groups, out = w.shape
    for b, i, j in itertools.product(range(len(x)), range(len(rows)), range(len(columns))):
        for di, dj, q, g, o in np.ndindex(height, width, depth, groups, out):
            row, column = int(rows[i, di]), int(columns[j, dj])
            inside = 0 <= row < x.shape[1] and 0 <= column < x.shape[2]
            yield (
                (b, i, j, g * out + o),
                (di, dj, q, g, o),
                (b, row, column, g * depth + q) if inside else None,
            )


def literal(x, w, rows, columns, skip_padding=False):
    y = np.zeros((len(x), len(rows), len(columns), w.shape[3] * w.shape[4]))
    for to, tap, pixel in terms(x, w, rows, columns):
        if pixel is not None or not skip_padding:
            y[to] += w[tap] * (0 if pixel is None else x[pixel])
    return y


def descending(axis):
    return documented_indices(axis)[:, ::-1]


def with_a_jump(axis):
    """Return indices that advance evenly except for the last position."""
    reads = documented_indices(axis).copy()
    reads[-1, -1] += 1
    return reads


def far_outside(axis):
    return np.full_like(documented_indices(axis), -FAR)


# At once; by slices, and gathered, in blocks of one row, of several, and of several batch elements.
WAYS = [{}] + [
    {"SMALL": -1, "STRIP": strip, "BLOCK": block, "RUN": run}
    for strip, run in ((2**30, 1), (2**30, 20), (-1, 1))
    for block in (1, 300, 2**30)
]
AXES = [  # (height, width)
    (Axis(6, 2, 1, 1, "VALID"), Axis(7, 3, 1, 1, "VALID")),
    (Axis(6, 3, 2, 1, "SAME"), Axis(5, 2, 1, 2, (3, 4))),
    (Axis(9, 3, 2, 3, (2, 1)), Axis(8, 2, 3, 2, (1, 0))),
    (Axis(2, 2, 1, 1, (4, 5)), Axis(3, 2, 1, 1, (6, 4))),  # some outputs read padding alone
    (Axis(5, 1, 3, 1, "VALID"), Axis(4, 1, 1, 1, "VALID")),
    (Axis(9, 1, 1, 1, (-3, -2)), Axis(9, 2, 2, 1, (-1, -4))),
    (Axis(3, 3, 1, 1, "VALID"), Axis(3, 1, 5, 1, "SAME")),  # one output
    (Axis(0, 2, 1, 1, (1, 2)), Axis(3, 1, 1, 1, "VALID")),  # padding alone
    (Axis(3, 2, 1, 1, (0, 1)), Axis(0, 1, 1, 1, (1, 1))),
]


KINDS = [
    (descending, documented_indices),
    (documented_indices, descending),
    (with_a_jump, documented_indices),
    (documented_indices, with_a_jump),
    (phase_strided_indices, phase_strided_indices),
    (far_outside, documented_indices),
    (documented_indices, far_outside),
]


@lru_cache
def examples(channels):
    """Return inputs, filters, indices and sums."""
    found = []
    for (height, width), (down, along) in [
        (axes, (documented_indices, documented_indices)) for axes in AXES
    ] + [(AXES[2], kind) for kind in KINDS]:
        x = integers(0, (2, height.size, width.size, channels[0] * channels[1]))
        given = (
            x,
            integers(1, (height.filter, width.filter, *channels)),
            down(height),
            along(width),
        )
        found.append((given, literal(*given)))
    return found


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("channels", [CONV, DEPTHWISE, BOTH, (1, 1, 1)])
def test_every_way_to_sum_equals_the_literal_sum(way, channels, monkeypatch):
    for name, number in way.items():
        monkeypatch.setattr(correlation, name, number)
    for (x, w, *reads), expected in examples(channels):
        for dtype in (np.float64, np.float32):
            result = correlate(x.astype(dtype), w.astype(dtype), *reads)
            assert result.dtype == np.float64
            assert np.array_equal(result, expected)


@pytest.mark.parametrize("way", WAYS[1:])
@pytest.mark.parametrize("channels", [CONV, DEPTHWISE, BOTH])
def test_sums_are_made_in_float32_up_to_the_bound_and_no_further(way, channels, monkeypatch):
    """Every product is the largest.

    One more in a filter element, and the sum is odd above 2**24: float32 has no such number.
    """
    for name, number in way.items():
        monkeypatch.setattr(correlation, name, number)
    rows, columns = (
        documented_indices(Axis(9, 2, 1, 1, "VALID")),
        documented_indices(Axis(8, 4, 2, 1, "VALID")),
    )
    terms = 2 * 4 * channels[0]
    x = np.full((2, 9, 8, channels[0] * channels[1]), 2**10, np.float32)
    w = np.full((2, 4, *channels), 2**14 // terms, np.float32)
    assert terms * x.max() * w.max() == 2**24
    assert correlation.dtype_of_sums(x, w) == np.float32
    assert (correlate(x, w, rows, columns) == 2**24).all()
    assert correlation.dtype_of_sums(-x, w) == correlation.dtype_of_sums(x, -w) == np.float32
    x[:] = 1
    w[:] = 2**24 // terms
    w[0, 0, 0] += 1
    for sign in (1, -1):
        assert (
            correlation.dtype_of_sums(sign * x, w)
            == correlation.dtype_of_sums(x, sign * w)
            == np.float64
        )
        assert (correlate(x, sign * w, rows, columns) == sign * (2**24 + 1)).all()


def test_a_product_beyond_the_bound_uses_float64(monkeypatch):
    monkeypatch.setattr(correlation, "SMALL", -1)
    x, w = np.full((1, 2, 2, 1), 97, np.float32), np.full((1, 1, 1, 1, 1), 257 * 673, np.float32)
    assert 97 * 257 * 673 == 2**24 + 1
    rows = documented_indices(Axis(2, 1, 1, 1, "VALID"))
    assert (correlate(x, w, rows, rows) == 2**24 + 1).all()
    x[0, 1, 1, 0] = 96
    assert correlation.dtype_of_sums(x[:, 1:, 1:], w) == np.float32


def test_sums_of_numbers_that_may_not_be_integers_use_float64():
    one = np.ones((1, 1, 1, 1, 1))
    narrow, infinite, none = (
        array.astype(np.float32) for array in (one, one * np.inf, one * np.nan)
    )
    assert correlation.dtype_of_sums(narrow[0], narrow) == np.float32
    for x, w in (
        (one, one),
        (narrow, one),
        (one, narrow),
        (infinite, narrow),
        (narrow, none),
        (none, infinite),
    ):
        assert correlation.dtype_of_sums(x[0], w) == np.float64


def test_zeros_are_summed_in_float32_whatever_they_are_multiplied_by():
    zero, large = (np.full((1, 1, 1, 1, 1), number, np.float32) for number in (0, 2**30))
    assert correlation.dtype_of_sums(zero[0], large) == np.float32
    assert correlation.dtype_of_sums(large[0], zero) == np.float32


@pytest.mark.parametrize("channels", [CONV, DEPTHWISE])
def test_non_finite_filters_are_multiplied_with_padding_or_skipped(channels):
    for height, width in AXES[1:4]:
        x = integers(0, (2, height.size, width.size, channels[0] * channels[1]))
        w, rows, columns = (
            integers(1, (height.filter, width.filter, *channels)),
            documented_indices(height),
            documented_indices(width),
        )
        w[0, 0], w[-1, -1] = np.inf, 0
        with np.errstate(invalid="ignore"):
            for skips in (False, True):
                assert np.array_equal(
                    correlate(x, w, rows, columns, skips),
                    literal(x, w, rows, columns, skips),
                    equal_nan=True,
                )
            assert np.array_equal(
                correlate(x, w, rows, columns), literal(x, w, rows, columns), equal_nan=True
            )
        w[0, 0] = 5
        x[0, 0, 0, 0] = np.inf
        with np.errstate(invalid="ignore"):
            assert np.array_equal(
                correlate(x, w, rows, columns, True), literal(x, w, rows, columns), equal_nan=True
            )


@pytest.mark.parametrize("channels", [CONV, DEPTHWISE, BOTH])
def test_adjoints_sum_the_same_products(channels):
    for height, width in AXES:
        shape = (2, height.size, width.size, channels[0] * channels[1])
        rows, columns = documented_indices(height), documented_indices(width)
        x, w = integers(0, shape), integers(1, (height.filter, width.filter, *channels))
        dy = integers(2, (2, len(rows), len(columns), channels[1] * channels[2]))
        by_input, by_filter = np.zeros(shape), np.zeros(w.shape)
        for to, tap, pixel in terms(x, w, rows, columns):
            if pixel is not None:
                by_input[pixel] += w[tap] * dy[to]
                by_filter[tap] += x[pixel] * dy[to]
        assert np.array_equal(
            adjoint_input(dy, w, rows, columns, height.size, width.size), by_input
        )
        assert np.array_equal(
            adjoint_filter(x, dy, rows, columns, channels[0], channels[1]), by_filter
        )


@pytest.mark.parametrize("way", WAYS)
def test_without_channels_or_outputs_sums_are_empty_or_zero(way, monkeypatch):
    for name, number in way.items():
        monkeypatch.setattr(correlation, name, number)
    rows, columns = (
        documented_indices(Axis(4, 2, 1, 1, "VALID")),
        documented_indices(Axis(5, 2, 1, 1, "VALID")),
    )
    for batch, depth, groups, out in (
        (2, 1, 2, 0),
        (2, 1, 0, 2),
        (2, 0, 1, 3),
        (2, 3, 1, 0),
        (0, 1, 1, 1),
        (0, 1, 2, 1),
    ):
        x, w = np.ones((batch, 4, 5, depth * groups)), np.ones((2, 2, depth, groups, out))
        assert np.array_equal(correlate(x, w, rows, columns), np.zeros((batch, 3, 4, groups * out)))
    none = documented_indices(Axis(1, 2, 1, 1, "VALID"))
    x, w = np.ones((2, 4, 5, 2)), np.ones((2, 2, 2, 1, 3))
    assert correlate(x, w, none, columns).shape == (2, 0, 4, 3)
    assert correlate(x, w, rows, none).shape == (2, 3, 0, 3)
    assert adjoint_filter(
        np.ones((2, 4, 5, 0)), np.ones((2, 3, 4, 0)), rows, columns, 1, 0
    ).shape == (2, 2, 1, 0, 0)


def test_a_filter_is_split_into_groups():
    w = np.arange(24.0).reshape(1, 2, 3, 4)
    assert grouped(w, 3, False).shape == (1, 2, 3, 1, 4)
    two = grouped(w, 6, False)  # filters 0 and 1 read the first three channels
    assert two.shape == (1, 2, 3, 2, 2)
    assert two[0, 1, 2, 1, 0] == w[0, 1, 2, 2]
    each = grouped(w, 3, True)
    assert each.shape == (1, 2, 1, 3, 4)
    assert each[0, 1, 0, 2, 3] == w[0, 1, 2, 3]
    assert grouped(np.zeros((1, 1, 0, 5)), 0, False).shape == (1, 1, 0, 1, 5)


DOWN, ALONG = (
    documented_indices(Axis(15, 3, 2, 3, "VALID")),
    documented_indices(Axis(12, 2, 3, 2, "VALID")),
)  # five outputs, and four


def copied(channels, monkeypatch, batch=3, rows=DOWN, columns=ALONG, **numbers):
    """What is multiplied at once of a sum with these numbers, or the strips and windows that are
    taken of the input.
    """
    depth, groups, _ = channels
    gathered, strips, windows = [], [], []

    def takes(x, places):
        gathered.append((len(x), len(places)))
        return as_it_was["taken"](x, places)

    def strip(x, start, size, copies, dtype):
        strips.append((len(x), start[0], size[0], start[1], size[1], copies))
        return as_it_was["_strip"](x, start, size, copies, dtype)

    def window(*given):
        windows.append((given[1], *given[5:]))
        return as_it_was["_windows"](*given)

    with monkeypatch.context() as patch:
        as_it_was = {name: getattr(correlation, name) for name in ("taken", "_strip", "_windows")}
        for name, number in {
            **numbers,
            "taken": takes,
            "_strip": strip,
            "_windows": window,
        }.items():
            patch.setattr(correlation, name, number)
        x, w = (
            integers(0, (batch, 15, 12, depth * groups)),
            integers(1, (rows.shape[1], columns.shape[1], *channels)),
        )
        assert np.array_equal(correlate(x, w, rows, columns), literal(x, w, rows, columns))
    return gathered, strips, windows


def test_little_is_gathered_at_once(monkeypatch):
    """Three batch elements of five rows of four outputs, which read six taps of four channels."""
    whole = 3 * 5 * 4 * 6 * 4
    for small in (whole, whole + 1):
        assert copied(CONV, monkeypatch, SMALL=small) == ([(3, 20)], [], [])
    assert copied(CONV, monkeypatch, SMALL=whole - 1)[0] == []


@pytest.mark.parametrize(
    ("block", "expected"),
    [
        (1, [(1, 4)] * 15),
        (191, [(1, 4)] * 15),
        (192, [(1, 8), (1, 8), (1, 4)] * 3),
        (479, [(1, 16), (1, 4)] * 3),
        (480, [(1, 20)] * 3),
        (959, [(1, 20)] * 3),
        (960, [(2, 20), (1, 20)]),
        (1440, [(3, 20)]),
    ],
)
def test_a_block_has_as_many_output_rows_as_fit(block, expected, monkeypatch):
    """An output row reads 4 outputs × 6 taps × 4 channels = 96 elements, a batch element 480."""
    assert copied(CONV, monkeypatch, SMALL=-1, STRIP=-1, BLOCK=block)[0] == expected


def test_the_size_of_a_block_also_limits_its_results(monkeypatch):
    """An output row reads 96 elements, as above, and has 4 outputs × 48 channels = 192."""
    blocks = copied((4, 1, 48), monkeypatch, batch=1, SMALL=-1, STRIP=-1, BLOCK=2 * 192)[0]
    assert blocks == [(1, 8), (1, 8), (1, 4)]


@pytest.mark.parametrize(
    ("channels", "rows", "elements"),
    [
        (
            CONV,
            DOWN,
            11 * 12 * 4,
        ),  # three output rows overlap by half with the next: (3 - 1) * (2 + 3) + 1 input rows
        (DEPTHWISE, DOWN, 11 * 12 * 6),  # each channel is there for each output
        ((1, 2, 5), DOWN, 11 * 12 * 10),
        ((1, 1, 5), DOWN, 11 * 12 * 1),
        ((2, 2, 1), DOWN, 11 * 12 * 4),
        (CONV, DOWN[:2], 9 * 12 * 4),  # there are but two
        (CONV, DOWN[:, :1], 1 * 12 * 4),  # no overlap
        (
            CONV,
            documented_indices(Axis(15, 4, 1, 2, "VALID")),
            12 * 12 * 4,
        ),  # six output rows: (6 - 1) * 1 + (4 - 1) * 2 + 1
    ],
)
def test_a_filter_that_is_dilated_wide_is_gathered(channels, rows, elements, monkeypatch):
    """By the width: (4 - 1) * 3 + (2 - 1) * 2 + 1 = 12 columns."""
    for strip, slices in ((elements, True), (elements + 1, True), (elements - 1, False)):
        gathered, strips, _ = copied(channels, monkeypatch, rows=rows, SMALL=-1, STRIP=strip)
        assert (bool(gathered), bool(strips)) == (not slices, slices)


@pytest.mark.parametrize(
    ("axis", "slices"),
    [
        (documented_indices(Axis(15, 3, 2, 3, (4, 1))), True),
        (documented_indices(Axis(15, 3, 2, 3, (-2, -1))), True),
        (documented_indices(Axis(15, 1, 2, 1, (1, 0))), True),
        (documented_indices(Axis(15, 8, 1, 2, (-1, 1))), True),  # one output
        (documented_indices(Axis(15, 1, 1, 1, (-7, -7))), True),  # one output and one tap
        (descending(Axis(15, 3, 2, 3, "VALID")), False),
        (documented_indices(Axis(15, 3, 2, 3, "VALID"))[::-1], False),
        (with_a_jump(Axis(15, 3, 2, 3, "VALID")), False),
        (phase_strided_indices(Axis(15, 3, 2, 3, "VALID")), False),
    ],
)
def test_what_advances_evenly_is_copied_by_slices(axis, slices, monkeypatch):
    for rows, columns in ((axis, ALONG), (DOWN, axis)):
        gathered, strips, _ = copied(
            CONV, monkeypatch, batch=1, rows=rows, columns=columns, SMALL=-1, STRIP=2**30
        )
        assert (bool(gathered), bool(strips)) == (not slices, slices)


@pytest.mark.parametrize(
    ("channels", "block", "copies", "lines"),
    [
        (
            CONV,
            96 * 4,
            1,
            [(0, 13), (8, 7)],
        ),  # first input row, and how many: four outputs, and one
        (CONV, 96, 1, [(0, 11), (6, 9)]),  # never fewer than three outputs
        (CONV, 96 * 5, 1, [(0, 15)]),
        (DEPTHWISE, 24 * 4, 2, [(0, 13), (8, 7)]),
        (DEPTHWISE, 24 * 5, 2, [(0, 15)]),
        (DEPTHWISE, 24 * 5 - 1, 2, [(0, 13), (8, 7)]),
    ],
)
def test_slices_are_blocks_of_output_rows(channels, block, copies, lines, monkeypatch):
    _, strips, _ = copied(channels, monkeypatch, batch=2, SMALL=-1, STRIP=2**30, BLOCK=block)
    assert strips == [(1, first, rows, 0, 12, copies) for first, rows in lines] * 2


@pytest.mark.parametrize(
    ("run", "expected"),
    [
        (1, [((5, 11), 1)]),
        (17, [((5, 10), 2), ((5, 1), 1)]),  # six channels for each output
        (18, [((5, 9), 3), ((5, 2), 2)]),
        (29, [((5, 8), 4), ((5, 3), 3)]),
        (65, [((5, 10), 10), ((5, 1), 1)]),
        (66, [((5, 11), 11)]),
        (999, [((5, 11), 11)]),
    ],
)
def test_depthwise_outputs_side_by_side_are_summed_in_one_run(run, expected, monkeypatch):
    columns = documented_indices(Axis(12, 2, 1, 1, "VALID"))
    found = copied(
        DEPTHWISE, monkeypatch, batch=1, columns=columns, SMALL=-1, STRIP=2**30, RUN=run
    )[2]
    assert found == expected
    assert copied(DEPTHWISE, monkeypatch, batch=1, SMALL=-1, STRIP=2**30, RUN=run)[2] == [
        ((5, 4), 1)
    ]  # with a stride, one by one


def test_what_is_there_whole_is_not_copied():
    x = integers(0, (1, 4, 5, 2))
    assert np.shares_memory(correlation._strip(x, (1, 0), (3, 5), 1, x.dtype), x)
    assert not np.shares_memory(correlation._strip(x, (1, 0), (3, 5), 2, x.dtype), x)
    assert not np.shares_memory(correlation._strip(x, (1, 0), (4, 5), 1, x.dtype), x)


def test_sums_go_where_they_are_to():
    read, w = integers(0, (2, 3, 4, 2)), integers(1, (2, 2, 1, 2, 3))
    into = np.zeros((2, 3, 6))
    result = multiplied(read, w, into)
    assert np.shares_memory(result, into)
    assert into[1, 2, 4] == sum(
        read[1, 2, tap, 1] * w[tap // 2, tap % 2, 0, 1, 1] for tap in range(4)
    )
    assert np.array_equal(multiplied(read, w), into)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_memory_for_sums_is_of_their_dtype_and_part_of_the_result_if_it_can_be(dtype):
    result = np.zeros((2, 3, 4, 5))
    for _, _, sums in correlation._blocks(result, np.dtype(dtype), 1):
        assert sums.dtype == dtype
        assert np.shares_memory(sums, result) == (dtype == np.float64)
        sums[...] = 7
    assert (result == 7).all()


def test_windows_of_the_input_cannot_be_written_to():
    """A strip may be the input itself."""
    x = integers(0, (1, 4, 5, 2))
    windows = correlation._windows(x, (3, 4), (2, 2), (0, 1, 1), (0, 1, 1))
    assert np.shares_memory(windows, x)
    assert not windows.flags.writeable
