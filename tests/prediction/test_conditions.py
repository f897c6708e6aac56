"""Conditions of rules, with calls that meet them and calls that do not, around each limit, axis and
format.
"""

from dataclasses import replace

import pytest

from tf_conv_conformance.convolution.arguments import Arguments, TensorSpec
from tf_conv_conformance.convolution.company import Operation
from tf_conv_conformance.prediction.rules import conditions as c

CALL = Arguments("conv2d", TensorSpec((2, 9, 8, 3)), TensorSpec((3, 2, 3, 4)), 1, "SAME")
FIRST = {"input": TensorSpec((2, 3, 9, 8)), "data_format": "NCHW"}
NO_MEANING = {"strides": (1, 1, 1)}
FIVE_BY_TWO = {"input": TensorSpec((2, 5, 2, 3)), "strides": (2, 1)}  # of the notes on padding
PADDED = ((0, 0), (1, 2), (3, 0), (0, 0))
EXAMPLE = {
    "input": TensorSpec((1, 5, 5, 1), (1.0,) * 25),
    "filter": TensorSpec((2, 2, 1, 2), (1.0,) * 8),
    "padding": "VALID",
}
CAUSAL = {"via": "tf.keras.layers.Conv1D", "padding": "causal"}
NARROW = TensorSpec((1, 1, 3, 4))


def x(*shape):
    return {"input": TensorSpec(shape)}


def w(*shape):
    return {"filter": TensorSpec(shape)}


def each(name, *values):
    return [{name: value} for value in values]


def lengths(name, *numbers):
    """Return an argument as lists of these lengths. 0 means an integer, -1 no argument."""
    return each(name, *({0: 1, -1: None}.get(number, (1,) * number) for number in numbers))


def padded(height, width):
    return {"padding": ((0, 0), height, width, (0, 0))}


TABLE = [
    ("rank_at_least_4", [x(2, 9, 8, 3), x(2, 2, 9, 8, 3)], [x(9, 8, 3)]),
    (
        c.gradient_through("relu"),
        [
            {"gradient": by, "after": (Operation("add"), Operation("relu"))}
            for by in ("input", "filter")
        ],
        [{"gradient": "input", "after": (Operation("add"),)}, {"after": (Operation("relu"),)}],
    ),
    ("named", each("op_name", "mine"), [{}]),
    ("rank_4", [x(2, 9, 8, 3)], [x(9, 8, 3), x(2, 2, 9, 8, 3)]),
    ("rank_above_4", [x(2, 2, 9, 8, 3), x(1, 2, 2, 9, 8, 3)], [x(9, 8, 3), x(2, 9, 8, 3)]),
    ("rank_at_least_3", [x(2, 9, 3), x(2, 2, 9, 3)], [x(9, 3)]),
    ("rank_3", [x(2, 9, 3)], [x(9, 3), x(2, 2, 9, 3)]),
    ("rank_above_3", [x(2, 2, 9, 3)], [x(9, 3), x(2, 9, 3)]),
    ("filter_rank_3", [w(3, 3, 4)], [w(3, 3), w(1, 3, 3, 4)]),
    ("causal", [CAUSAL], each("padding", "VALID", "causal")),
    ("same_valid_or_causal", [{}, CAUSAL], each("padding", "causal", "FULL", PADDED)),
    (
        "half_float_or_double",
        each("dtype", "float16", "float32", "float64"),
        each("dtype", "bfloat16", "int32"),
    ),
    (
        "filter_of_same_dtype",
        each("filter_dtype", None, "float32"),
        each("filter_dtype", "float16", "int32"),
    ),
    (
        "float_dtype",
        each("dtype", "float16", "bfloat16", "float32", "float64"),
        each("dtype", "int32", "complex64", "string"),
    ),
    (
        "float_or_int32",
        each("dtype", "float16", "int32"),
        each("dtype", "int16", "int64", "complex64"),
    ),
    ("filter_rank_4", [w(3, 2, 3, 4)], [w(3, 2, 3), w(3, 2, 3, 4, 1)]),
    (
        "same_in_channels",
        [{}, FIRST, x(3), x(8, 7), w(3, 2, 4), w(3, 2, 4, 4, 3), x(9, 8, 3)],
        [w(3, 2, 2, 3), w(3, 2, 4, 3), x(9, 8, 2), {**FIRST, **w(3, 2, 8, 4)}],
    ),
    (c.strides("integer", 1, 2, 4), lengths("strides", 0, 1, 2, 4), lengths("strides", 3, 5)),
    (c.strides(4), lengths("strides", 4), lengths("strides", 0, 1, 2, 3, 5)),
    (c.strides(2), lengths("strides", 2), lengths("strides", 0, 1, 3, 4)),
    (c.strides("integer", 2), lengths("strides", 0, 2), lengths("strides", 1, 3, 4)),
    (c.strides("integer", 1), lengths("strides", 0, 1), lengths("strides", 2, 4)),
    (c.strides("integer", 1, 2), lengths("strides", 0, 1, 2), lengths("strides", 3, 4)),
    (c.dilations(4), lengths("dilations", 4), lengths("dilations", 0, 1, 2, 3, 5)),
    (c.dilations("integer", 2), lengths("dilations", 0, 2), lengths("dilations", 1, 3, 4)),
    (c.dilations("integer"), lengths("dilations", 0), lengths("dilations", -1, 1, 2)),
    ("given_dilations", lengths("dilations", 0, 2), lengths("dilations", -1)),
    ("no_dilations", lengths("dilations", -1), lengths("dilations", 0, 2)),
    (
        "outer_strides_1",
        [*each("strides", 3, (2, 3), (1, 2, 3, 1)), {**FIRST, "strides": (1, 1, 2, 3)}],
        [
            *each("strides", (0, 1, 1, 1), (2, 1, 1, 1), (1, 1, 1, 0), (1, 1, 1, 2)),
            {**FIRST, "strides": (1, 2, 1, 1)},
        ],
    ),
    (
        "outer_dilations_1",
        [*each("dilations", None, 3, (2, 3), (1, 2, 3, 1)), {**FIRST, "dilations": (1, 1, 2, 3)}],
        [
            *each("dilations", (0, 1, 1, 1), (2, 1, 1, 1), (1, 1, 1, 0), (1, 1, 1, 2)),
            {**FIRST, "dilations": (1, 2, 1, 1)},
        ],
    ),
    (
        "strides_positive",
        each("strides", 1, 2, (1, 2), (0, 1, 2, 0), (0, 0, 0)),
        [
            *each("strides", 0, -1, (0, 1), (1, 0), (1, 0, 1, 1), (1, 1, 0, 1)),
            {**FIRST, "strides": (1, 1, 1, 0)},
        ],
    ),
    (
        "dilations_positive",
        each("dilations", None, 1, 2, (1, 2), (0, 1, 2, 0), (0, 0, 0)),
        [
            *each("dilations", 0, -1, (0, 1), (1, 0), (1, 0, 1, 1), (1, 1, 0, 1)),
            {**FIRST, "dilations": (1, 1, 1, 0)},
        ],
    ),
    (
        "strides_unequal",
        each("strides", (1, 2), (2, 1), (1, 3, 2, 1)),
        each("strides", 2, (2, 2), (1, 2, 3)),
    ),
    (
        "all_strides_1",
        each("strides", 1, (1, 1), (1, 1, 1, 1), ()),  # without a stride, none is above 1
        each("strides", 0, 2, (1, 0), (1, 2), (2, 1, 1, 1)),
    ),
    (
        "atrous",
        each("dilations", 2, (1, 2), (2, 1), (1, 1, 3, 1)),
        each("dilations", None, 0, 1, (1, 1), (2, 1, 1, 2), (2, 2, 2)),
    ),
    (
        "no_strides_with_rate",
        [
            *({"strides": strides, "dilations": 2} for strides in (0, 1, (1, 1), (2, 2, 2))),
            {"strides": 2},
            {"strides": 2, "dilations": 1},
        ],
        [
            {"strides": strides, "dilations": rate}
            for strides in (2, (1, 2), (2, 1))
            for rate in (2, (1, 2), (2, 1))
        ],
    ),
    (
        "groups_fit",
        [
            {},
            {**w(3, 2, 2, 3), **NO_MEANING},
            {**x(2, 9, 8, 4), **w(3, 2, 2, 6)},
            {**x(2, 9, 8, 4), **w(3, 2, 1, 4)},
            w(3, 2, 0, 4),
        ],
        [w(3, 2, 2, 4), {**x(2, 9, 8, 4), **w(3, 2, 2, 3)}, {**x(2, 9, 8, 4), **w(3, 2, 1, 6)}],
    ),
    ("grouped", [w(3, 2, 1, 3)], [{}]),
    (
        c.printed_example((1, 5, 5, 1), (2, 2, 1, 2), valid=True),
        [EXAMPLE],
        [
            {**EXAMPLE, "padding": "SAME"},
            {**EXAMPLE, "input": TensorSpec((1, 5, 5, 1))},
            {**EXAMPLE, "filter": TensorSpec((2, 2, 1, 2))},
            *(
                {**EXAMPLE, "filter": TensorSpec(shape, (1.0,) * 8)}
                for shape in ((2, 2, 2, 1), (2, 1, 1, 4))
            ),
        ],
    ),
    (
        c.printed_example((1, 5, 5, 1), (2, 2, 1, 2), valid=False),
        [{**EXAMPLE, "padding": "SAME"}],
        [EXAMPLE],
    ),
    (
        "with_gradient",
        each("gradient", "input", "filter"),
        [{"gradient": None}, {"gradient": "input", "via": "tf.nn.conv2d_transpose"}],
    ),
    (
        "rates_equal",
        each("dilations", None, 2, (2, 2), (1, 2, 2, 1), (1, 1, 1)),
        each("dilations", (1, 2), (1, 2, 1, 1)),
    ),
    (
        "output_padding_below_strides",
        [
            {},
            {"strides": 2, **w(3, 3, 3, 4)},
            {"strides": 2, "padding": "VALID", "upstream": (2, 3, 3, 4), **x(2, 8, 7, 3)},
            NO_MEANING,
        ],
        [
            {"strides": 2},  # a filter of even width has no smaller output
            {"strides": 2, "padding": "VALID", "upstream": (2, 3, 3, 4)},
            {"strides": 2, "padding": "VALID", "upstream": (2, 3, 3, 4), **x(2, 9, 6, 3)},
            {"strides": 2, "padding": "VALID", "upstream": (2, 3, 3, 4), **x(2, 7, 8, 3)},
            {"strides": 2, "padding": "VALID", "upstream": (2, 3, 3, 4), **x(2, 12, 7, 3)},
        ],
    ),
    ("sizes_fit", each("sizes", None), each("sizes", (), (2, 9, 8), (2, 9, 8, -3))),
    (
        "upstream_fits",
        [
            *each("upstream", None, (2, 9, 8, 4)),
            {"upstream": (2, 5, 3, 4), "strides": (2, 3)},
            {"upstream": (2, 12, 9, 8), "op": "depthwise_conv2d", **FIRST},
            {"upstream": (2, 7, 7, 4), "padding": "VALID"},
            {"upstream": (1,), **NO_MEANING},  # which other rules cover
        ],
        [
            *each("upstream", (1, 9, 8, 4), (2, 8, 8, 4), (2, 9, 9, 4), (2, 9, 8, 3)),
            *each("upstream", (2, 9, 8), (2, 1, 9, 8, 4), ()),
            {"upstream": (2, 9, 8, 12), "op": "depthwise_conv2d", **FIRST},
        ],
    ),
    ("same_or_valid", each("padding", "SAME", "VALID"), each("padding", "same", "FULL", PADDED)),
    ("known_padding", each("padding", "SAME", "VALID", PADDED), each("padding", "same", "FULL")),
    ("same", each("padding", "SAME"), each("padding", "FULL", "VALID", PADDED)),
    ("valid", each("padding", "VALID"), each("padding", "SAME", "WRAP", PADDED)),
    ("explicit", each("padding", PADDED, ()), each("padding", "SAME", "FULL")),
    ("explicit_nchw", [{**FIRST, "padding": PADDED}], [{"padding": PADDED}, FIRST]),
    (
        "known_format",
        [*each("data_format", None, "NHWC", "NCHW"), {**CAUSAL, "data_format": "NCW"}],
        [*each("data_format", "NCWH", "nhwc", "NCW"), {**CAUSAL, "data_format": "NCHW"}],
    ),
    ("nchw", each("data_format", "NCHW"), each("data_format", None, "HWCN", "NHWC")),
    ("no_format", each("data_format", None), each("data_format", "NHWC")),
    (
        "pairs_for_4_dimensions",
        each("padding", "SAME", PADDED),
        each(
            "padding", PADDED[:3], (*PADDED, (0, 0)), (*PADDED[:3], (0,)), (*PADDED[:3], (0, 0, 0))
        ),
    ),
    (
        "outer_padding_0",
        [*each("padding", "SAME", PADDED), {**FIRST, **padded((0, 0), (3, 0))}],
        [
            *({"padding": (outside, *PADDED[1:])} for outside in ((0, 1), (1, 0), (0, -1))),
            {"padding": (*PADDED[:3], (0, 1))},
            {**FIRST, "padding": PADDED},
        ],
    ),
    (
        "no_negative_padding",
        [*each("padding", "SAME", PADDED), padded((0, 0), (0, 0))],
        [
            padded((-1, 0), (0, 0)),
            padded((0, 0), (0, -1)),
            {"padding": ((0, 0), (0, 0), (0, 0), (-1, 5))},
        ],
    ),
    (
        "size_not_negative",
        [
            {"padding": "VALID"},
            *({"padding": "VALID", **x(2, *size, 3)} for size in ((2, 1), (2, 8), (9, 1))),
            {**x(2, 1, 1, 3), **NO_MEANING},
        ],
        [{"padding": "VALID", **x(2, *size, 3)} for size in ((1, 8), (9, 0))],
    ),
    (
        "same_example",
        [{**FIVE_BY_TWO, **w(3, 2, 3, 4)}],
        [
            {**FIVE_BY_TWO, **change}
            for change in (
                x(1, 5, 2, 3),
                x(3, 5, 2, 3),
                x(2, 6, 2, 3),
                x(2, 5, 3, 3),
                x(2, 6, 3, 3),
                x(1, 6, 2, 3),
            )
        ],
    ),
    (
        "dilated_sizes",
        [
            {"padding": padding, "dilations": rate}
            for padding in ("VALID", PADDED)
            for rate in (2, (1, 2), (2, 1))
        ],
        [
            {"padding": "SAME", "dilations": 2},
            {"padding": "VALID"},
            {"padding": "VALID", "dilations": 1},
        ],
    ),
    (
        "pads_zeros",
        [{}, *(padded(*pairs) for pairs in (((1, 0), (0, 0)), ((0, 1), (0, 0)), ((0, 0), (0, 1))))],
        [
            {"padding": "VALID"},
            padded((0, 0), (0, 0)),
            padded((-1, -1), (-1, -1)),
            {"filter": NARROW},
        ],
    ),
    (
        "pads_unevenly",
        [w(2, 1, 3, 4), w(1, 2, 3, 4), w(1, 4, 3, 4)],
        [
            {"filter": NARROW},
            w(3, 3, 3, 4),
            w(5, 5, 3, 4),
            padded((1, 0), (0, 0)),
            {"padding": "VALID"},
        ],
    ),
    (
        "same_pads",
        [w(2, 1, 3, 4), w(1, 2, 3, 4)],
        [{"filter": NARROW}, padded((1, 0), (0, 0)), {"padding": "VALID"}],
    ),
    (
        "unit_strides_same",
        [{}, {"strides": (1, 1)}],
        [
            *each("strides", 2, (1, 2), (2, 1)),
            {"padding": "VALID"},
            {"padding": PADDED},
            NO_MEANING,
        ],
    ),
    ("several_channels", [x(2, 9, 8, 2)], [x(2, 9, 8, 1), x(2, 9, 8, 0)]),
    ("several_multiplied", [w(3, 2, 3, 2)], [w(3, 2, 3, 1), w(3, 2, 3, 0)]),
]


@pytest.mark.parametrize(("condition", "met", "unmet"), TABLE)
def test_a_condition_holds_only_for_these_calls(condition, met, unmet):
    condition = c.CONDITIONS[condition] if isinstance(condition, str) else condition
    assert met
    assert unmet
    assert [change for change in met if condition(replace(CALL, **change)) is not True] == []
    assert [change for change in unmet if condition(replace(CALL, **change)) is not False] == []


def test_every_condition_is_in_the_table():
    assert c.CONDITIONS.keys() - {one for one, _, _ in TABLE} == {"always"}
