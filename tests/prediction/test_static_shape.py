"""The static shape against a literal table, and against all completions of what is unknown."""

import itertools
from dataclasses import replace

import pytest

from tf_conv_conformance.convolution.arguments import Arguments, TensorSpec
from tf_conv_conformance.convolution.static_shape import StaticShape
from tf_conv_conformance.prediction.predict import Refuses, predict
from tf_conv_conformance.prediction.static_shape import static_shape

CONV2D = Arguments("conv2d", TensorSpec((2, 9, 8, 3)), TensorSpec((3, 2, 3, 4)), 2, "SAME")
DEPTHWISE = Arguments(
    "depthwise_conv2d",
    TensorSpec((2, 9, 8, 3)),
    TensorSpec((3, 2, 3, 4)),
    (1, 1, 1, 1),
    "VALID",
    (2, 2),
)
NCHW = replace(CONV2D, input=TensorSpec((2, 3, 9, 8)), data_format="NCHW")
BATCHES = replace(CONV2D, input=TensorSpec((5, 2, 9, 8, 3)))
CONVOLUTION = replace(CONV2D, via="tf.nn.convolution", strides=(2, 2))


@pytest.mark.parametrize(
    ("arguments", "unknown", "expected"),
    [
        (CONV2D, (), (2, 5, 4, 4)),
        (CONV2D, ("batch",), (None, 5, 4, 4)),
        (CONV2D, ("height",), (2, None, 4, 4)),
        (CONV2D, ("width",), (2, 5, None, 4)),
        (CONV2D, ("filter",), (2, 5, 4, None)),  # SAME needs no filter
        (CONV2D, ("height", "filter"), (2, None, 4, None)),
        (CONV2D, ("rank",), None),  # tf.nn.conv2d takes more dimensions of the batch
        (CONVOLUTION, ("rank",), None),
        (replace(CONV2D, via="tf.compat.v1.nn.conv2d"), ("rank",), (None, None, None, 4)),
        (NCHW, ("height",), (2, 4, None, 4)),
        (NCHW, ("filter",), (2, None, 5, 4)),
        (BATCHES, ("batch",), (None, None, 5, 4, 4)),
        (BATCHES, ("width",), (5, 2, 5, None, 4)),
        (replace(CONV2D, filter=TensorSpec((3, 2, 1, 6))), ("batch",), (None, 5, 4, 6)),
        (DEPTHWISE, (), (2, 5, 6, 12)),
        (DEPTHWISE, ("height",), (2, None, 6, 12)),
        (DEPTHWISE, ("rank",), (None, None, None, 12)),
        (DEPTHWISE, ("filter",), (2, None, None, None)),
        (DEPTHWISE, ("rank", "filter"), (None, None, None, None)),
        (replace(DEPTHWISE, padding="SAME"), ("filter",), (2, 9, 8, None)),
        (replace(DEPTHWISE, gradient="input"), ("height",), (2, None, 8, 3)),
        (replace(DEPTHWISE, gradient="input"), ("rank",), None),
        (replace(DEPTHWISE, gradient="input"), ("filter",), (2, 9, 8, 3)),
        (replace(DEPTHWISE, gradient="filter"), ("rank",), (3, 2, 3, 4)),
        (replace(DEPTHWISE, gradient="filter"), ("filter",), None),
    ],
)
def test_each_size_that_can_be_known_is_predicted(arguments, unknown, expected):
    assert static_shape(replace(arguments, unknown=unknown)) == StaticShape(expected)


@pytest.mark.parametrize(
    ("arguments", "lost", "expected"),
    [
        (CONV2D, ["width"], (2, 5, None, 4)),
        (NCHW, ["channels", "batch"], (None, None, 5, 4)),
        (BATCHES, ["batch"], (None, None, 5, 4, 4)),
        (CONV2D, ["rank"], None),
        (replace(CONV2D, gradient="filter"), ["height", "channels"], (None, 2, None, None)),
    ],
)
def test_what_is_lost_is_unknown_as_well(arguments, lost, expected):
    assert static_shape(arguments, lost) == StaticShape(expected)


UNKNOWN = ("batch", "height", "width", "rank", "filter")
SUBSETS = [subset for count in range(4) for subset in itertools.combinations(UNKNOWN, count)]
COMPLETED = {
    "conv2d": CONV2D,
    "conv2d-valid": replace(CONV2D, padding="VALID", strides=1),
    "conv2d-explicit": replace(CONV2D, padding=((0, 0), (1, 2), (0, 1), (0, 0))),
    "v1-rate": replace(CONV2D, via="tf.compat.v1.nn.conv2d", strides=1, dilations=2),
    "nchw": NCHW,
    "batches": BATCHES,
    "convolution": CONVOLUTION,
    "depthwise": DEPTHWISE,
    "depthwise-same": replace(DEPTHWISE, padding="SAME"),
    "keras": replace(CONV2D, via="tf.keras.layers.Conv2D", padding="same"),
}


def completions(arguments, unknown):
    """Yield calls that a function with these unknown sizes may be called with."""
    shape = arguments.input.shape
    first = arguments.data_format == "NCHW"
    inner = ("channels", "height", "width") if first else ("height", "width", "channels")
    names = (*["batch"] * (len(shape) - 3), *inner)
    inputs = [
        [size, size + 1, size + 5] if name in unknown else [size]
        for name, size in zip(names, shape, strict=True)
    ]
    if "rank" in unknown:
        channels = arguments.filter.shape[2]
        sizes = [(2, 9, 8), (1, 7, 6), (3, 6, 9), (2, 2, 6, 5)]
        inputs = [
            (*batch, channels, *size) if first else (*batch, *size, channels)
            for *batch, size in ((*one[:-2], one[-2:]) for one in sizes)
        ]
    else:
        inputs = list(itertools.product(*inputs))
    in_channels = arguments.filter.shape[2]
    filters = [arguments.filter.shape]
    if "filter" in unknown:
        filters += [(1, 1, in_channels, 1), (2, 3, in_channels, 5), (4, 4, in_channels, 2)]
    for x, w in itertools.product(inputs, filters):
        yield replace(arguments, input=TensorSpec(tuple(x)), filter=TensorSpec(w))


@pytest.mark.parametrize("unknown", SUBSETS, ids=lambda subset: "-".join(subset) or "none")
@pytest.mark.parametrize("name", COMPLETED)
def test_a_size_is_known_if_all_completions_agree(name, unknown):
    """The meet of the documented shapes of all calls that the traced function may get."""
    arguments = COMPLETED[name]
    documented = [predict(one).documented for one in completions(arguments, unknown)]
    shapes = {one.shape for one in documented if not isinstance(one, Refuses)}
    assert len(shapes) > bool(set(unknown) - {"batch"})
    expected = None
    if len({len(shape) for shape in shapes}) == 1:
        sizes = zip(*shapes, strict=True)
        expected = tuple(own[0] if len(set(own)) == 1 else None for own in sizes)
    assert static_shape(replace(arguments, unknown=unknown)) == StaticShape(expected)


def test_a_static_shape_contradicts_another_rank_or_size():
    partial = StaticShape((2, None, 4))
    assert str(partial) == "[2, None, 4]"
    assert not partial.contradicts((2, 7, 4))
    assert partial.contradicts((2, 7, 5))
    assert partial.contradicts((2, 7))
    assert str(StaticShape(None)) == "unknown rank"
    assert not StaticShape(None).contradicts((2, 7))


def test_a_static_shape_knows_all_of_another_with_fewer_sizes():
    full, partial, none = StaticShape((2, 7)), StaticShape((2, None)), StaticShape(None)
    assert full.knows_all_of(partial)
    assert partial.knows_all_of(none)
    assert not partial.knows_all_of(full)
    assert not none.knows_all_of(partial)
    assert none.knows_all_of(none)
    assert full.limited_to(partial) == partial
    assert partial.limited_to(full) == partial
    assert full.limited_to(none) == none
    assert none.limited_to(full) == none
