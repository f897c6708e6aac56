"""Every rule that the suite knows, by the entry point that documents it and in the order of its docstring.

The ids of an entry point's rules begin with its name. The forms of ``tf.compat.v1.nn`` document nearly what those of ``tf.nn`` do, so
their rules are made from those.
"""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache

from tf_conv_conformance.convolution.arguments import Arguments
from tf_conv_conformance.convolution.entry_points import BY_OP, ENTRY_POINTS, EntryPoint
from tf_conv_conformance.prediction.rules import conditions as c
from tf_conv_conformance.prediction.rules.rule import GRADIENT, NOTES, Rule

CONV2D, V1_CONV2D, RAW_CONV2D, CONVOLUTION, ATROUS, KERAS_CONV2D = (
    entry.symbol for entry in BY_OP["conv2d"]
)
DEPTHWISE, V1_DEPTHWISE, RAW_DEPTHWISE, SEPARABLE, KERAS_DEPTHWISE = (
    entry.symbol for entry in BY_OP["depthwise_conv2d"]
)

_C: tuple[EntryPoint, ...] = (ENTRY_POINTS[CONV2D],)
_D: tuple[EntryPoint, ...] = (ENTRY_POINTS[DEPTHWISE],)
_ALL: tuple[EntryPoint, ...] = tuple(ENTRY_POINTS.values())
_LINKED: tuple[EntryPoint, ...] = tuple(
    entry for entry in _ALL if not entry.is_layer
)  # those whose docstrings rest on the notes on padding
_EXPLICIT: tuple[EntryPoint, ...] = tuple(
    entry for entry in _LINKED if entry.symbol not in (CONVOLUTION, ATROUS)
)

# fmt: off
_CONV2D = (
    Rule("conv2d.input-rank", _C, "call", CONV2D, "A Tensor of rank at least 4", holds=c.rank_at_least_4),
    Rule("conv2d.outer-batch-dimensions", _C, "shape", CONV2D, "shape dimensions `[:-3]` are considered batch dimensions",
         applies=c.rank_above_4),
    Rule("conv2d.in-channels", _C, "call", CONV2D, "and a filter / kernel tensor of shape", holds=c.same_in_channels),
    Rule("conv2d.out-channels", _C, "shape", CONV2D, "`[filter_height * filter_width * in_channels, output_channels]`"),
    Rule("conv2d.values", _C, "values", CONV2D, "sum_{di, dj, q} input[b, strides[1] * i + di"),
    Rule("conv2d.flattened-filter", _C, "values", CONV2D, "Flattens the filter to a 2-D matrix with shape"),
    Rule("conv2d.patches", _C, "shape", CONV2D, "Extracts image patches from the input tensor to form a *virtual* tensor"),
    Rule("conv2d.multiplied", _C, "values", CONV2D, "right-multiplies the filter matrix and the image patch vector"),
    Rule("conv2d.unit-batch-and-channel-strides", _C, "call", CONV2D, "Must have `strides[0] = strides[3] = 1`",
         holds=c.outer_strides_1),
    Rule("conv2d.example", _C, "shape", CONV2D, "<tf.Tensor: shape=(1, 4, 4, 2), dtype=float32",
         applies=c.printed_example((1, 5, 5, 1), (2, 2, 1, 2), valid_padding=True)),
    Rule("conv2d.unequal-strides", _C, "call", CONV2D, "For the most common case of the same horizontal and vertical strides",
         applies=c.strides_unequal),
    Rule("conv2d.input-dtype", _C, "call", CONV2D, "`half`, `bfloat16`, `float32`, `float64`", holds=c.float_dtype),
    Rule("conv2d.filter-dtype", _C, "call", CONV2D, "Must have the same type as `input`", holds=c.filter_of_same_dtype),
    Rule("conv2d.filter-rank", _C, "call", CONV2D, "A 4-D tensor of shape", holds=c.filter_rank_4),
    Rule("conv2d.strides-length", _C, "call", CONV2D, "strides: An int or list of `ints` that has length `1`, `2` or `4`",
         holds=c.strides_int_or_1_2_4),
    Rule("conv2d.strides-positive", _C, "call", CONV2D, "The stride of the sliding window for each dimension of `input`",
         holds=c.strides_positive, stated=False),
    Rule("conv2d.single-value-replicated", _C, "shape", CONV2D, "If a single value is given it is replicated in the `H` and `W` dimension",
         applies=c.single_stride),
    Rule("conv2d.outer-strides-default", _C, "shape", CONV2D, "By default the `N` and `C` dimensions are set to 1",
         applies=c.no_outer_strides),
    Rule("conv2d.padding-kind", _C, "call", CONV2D, "padding: Either the `string` `\"SAME\"` or `\"VALID\"`", holds=c.known_padding),
    Rule("conv2d.explicit-padding-form", _C, "call", CONV2D, "this should be in the form `[[0, 0], [pad_top, pad_bottom]",
         applies=c.explicit, holds=c.pairs_for_4_dimensions),
    Rule("conv2d.explicit-padding-form-nchw", _C, "values", CONV2D, "this should be in the form `[[0, 0], [0, 0], [pad_top, pad_bottom]",
         applies=c.explicit_nchw),
    Rule("conv2d.data-format", _C, "call", CONV2D, "An optional `string` from: `\"NHWC\", \"NCHW\"`", holds=c.known_format),
    Rule("conv2d.format-default", _C, "shape", CONV2D, "Defaults to `\"NHWC\"`", applies=c.no_format),
    Rule("conv2d.nchw-order", _C, "shape", CONV2D, "`batch_shape + [channels, height, width]`", applies=c.nchw),
    Rule("conv2d.dilations-length", _C, "call", CONV2D, "dilations: An int or list of `ints` that has length `1`, `2` or `4`",
         applies=c.given_dilations, holds=c.dilations_int_or_1_2_4),
    Rule("conv2d.dilations-default", _C, "values", CONV2D, "has length `1`, `2` or `4`, defaults to 1", applies=c.no_dilations),
    Rule("conv2d.dilations-positive", _C, "call", CONV2D, "The dilation factor for each dimension of`input`",
         applies=c.given_dilations, holds=c.dilations_positive, stated=False),
    Rule("conv2d.dilated-values", _C, "values", CONV2D, "there will be k-1 skipped cells between each filter element", applies=c.atrous),
    Rule("conv2d.unit-batch-and-depth-dilations", _C, "call", CONV2D, "Dilations in the batch and depth dimensions",
         applies=c.given_dilations, holds=c.outer_dilations_1),
    Rule("conv2d.result-dtype", _C, "dtype", CONV2D, "A `Tensor`. Has the same type as `input`"),
    Rule("conv2d.batch-shape", _C, "shape", CONV2D, "and the same outer batch shape"),
)
_DEPTHWISE = (
    Rule("depthwise.input-rank", _D, "call", DEPTHWISE, "Given a 4D input tensor", holds=c.rank_4),
    Rule("depthwise.in-channels", _D, "call", DEPTHWISE, "containing `in_channels` convolutional filters of depth 1",
         holds=c.same_in_channels),
    Rule("depthwise.filter-for-each-channel", _D, "values", DEPTHWISE, "applies a different filter to each input channel",
         applies=c.several_channels),
    Rule("depthwise.channel-multiplier", _D, "values", DEPTHWISE, "expanding from 1 channel to `channel_multiplier` channels for each",
         applies=c.several_multiplied),
    Rule("depthwise.concatenated", _D, "values", DEPTHWISE, "then concatenates the results together", applies=c.several_channels),
    Rule("depthwise.out-channels", _D, "shape", DEPTHWISE, "The output has `in_channels * channel_multiplier` channels"),
    Rule("depthwise.values", _D, "values", DEPTHWISE, "sum_{di, dj} filter[di, dj, k, q]"),
    Rule("depthwise.example-valid", _D, "values", DEPTHWISE, "array([[[[10., 14.], [14., 20.]], [[18., 26.], [22., 32.]]]]",
         applies=c.printed_example((1, 3, 2, 1), (2, 1, 1, 2), valid_padding=True)),
    Rule("depthwise.example-explicit", _D, "values", DEPTHWISE, "array([[[[ 0., 0.], [ 3., 4.], [ 6., 8.]]",
         applies=c.printed_example((1, 3, 2, 1), (2, 1, 1, 2), valid_padding=False)),
    Rule("depthwise.unit-batch-and-channel-strides", _D, "call", DEPTHWISE, "Must have `strides[0] = strides[3] = 1`",
         holds=c.outer_strides_1),
    Rule("depthwise.unequal-strides", _D, "call", DEPTHWISE, "For the most common case of the same horizontal and vertical strides",
         applies=c.strides_unequal),
    Rule("depthwise.unit-strides-when-atrous", _D, "call", DEPTHWISE, "in which case all values in the `strides` tensor must be equal",
         applies=c.atrous, holds=c.all_strides_1),
    Rule("depthwise.input-dtype", _D, "call", RAW_DEPTHWISE, "Must be one of the following types", holds=c.float_dtype),
    Rule("depthwise.filter-dtype", _D, "call", RAW_DEPTHWISE, "Must have the same type as `input`", holds=c.filter_of_same_dtype),
    Rule("depthwise.filter-rank", _D, "call", DEPTHWISE, "filter: 4-D with shape", holds=c.filter_rank_4),
    Rule("depthwise.strides-length", _D, "call", DEPTHWISE, "strides: 1-D of size 4", holds=c.strides_of_4),
    Rule("depthwise.strides-positive", _D, "call", DEPTHWISE, "The stride of the sliding window for each dimension of `input`",
         holds=c.strides_positive, stated=False),
    Rule("depthwise.padding-kind", _D, "call", DEPTHWISE, "Can be the string `\"SAME\"` or `\"VALID\"`", holds=c.known_padding),
    Rule("depthwise.explicit-padding-form", _D, "call", DEPTHWISE, "this should be in the form `[[0, 0], [pad_top, pad_bottom]",
         applies=c.explicit, holds=c.pairs_for_4_dimensions),
    Rule("depthwise.explicit-padding-form-nchw", _D, "values", DEPTHWISE,
         "this should be in the form `[[0, 0], [0, 0], [pad_top, pad_bottom]", applies=c.explicit_nchw),
    Rule("depthwise.data-format", _D, "call", DEPTHWISE, "The data format for input. Either \"NHWC\" (default) or \"NCHW\"",
         holds=c.known_format),
    Rule("depthwise.dilations-length", _D, "call", DEPTHWISE, "dilations: 1-D of size 2", applies=c.given_dilations,
         holds=c.dilations_of_2),
    Rule("depthwise.dilations-positive", _D, "call", DEPTHWISE, "The dilation rate in which we sample input values",
         applies=c.given_dilations, holds=c.dilations_positive, stated=False),
    Rule("depthwise.dilated-values", _D, "values", DEPTHWISE, "across the `height` and `width` dimensions in atrous convolution",
         applies=c.atrous),
    Rule("depthwise.nchw-order", _D, "shape", DEPTHWISE, "A 4-D `Tensor` with shape according to `data_format`", applies=c.nchw),
    Rule("depthwise.result-shape", _D, "shape", DEPTHWISE, "`[batch, out_height, out_width, in_channels * channel_multiplier].`"),
    Rule("depthwise.result-dtype", _D, "dtype", RAW_DEPTHWISE, "A `Tensor`. Has the same type as `input`"),
)


def _again(rules: tuple[Rule, ...], old: str, new: str, door: str, leave: set[str], **phrases: str) -> tuple[Rule, ...]:
    """An entry point's rules made from another's: all but some, each under the new name, with other words where they are given."""
    made = []
    for rule in rules:
        name = rule.id.removeprefix(f"{old}.")
        if name not in leave:
            symbol = door if rule.symbol in (CONV2D, DEPTHWISE) else rule.symbol
            phrase = phrases.get(name.replace("-", "_"), rule.phrase)
            made.append(replace(rule, id=f"{new}.{name}", entry_points=(ENTRY_POINTS[door],), symbol=symbol, phrase=phrase))
    return tuple(made)


_V1 = (
    *_again(_CONV2D, "conv2d", "v1-conv2d", V1_CONV2D, {"outer-batch-dimensions", "batch-shape", "input-rank", "example"},
            nchw_order="[batch, channels, height, width]"),
    Rule("v1-conv2d.input-rank", (ENTRY_POINTS[V1_CONV2D],), "call", V1_CONV2D, "A 4-D tensor. The dimension order", holds=c.rank_4),
    *_again(_DEPTHWISE, "depthwise", "v1-depthwise", V1_DEPTHWISE, set(), dilations_length="rate: 1-D of size 2"),
)
_RC: tuple[EntryPoint, ...] = (ENTRY_POINTS[RAW_CONV2D],)
_RD: tuple[EntryPoint, ...] = (ENTRY_POINTS[RAW_DEPTHWISE],)
_RAW = (
    Rule("raw-conv2d.values", _RC, "values", RAW_CONV2D, "sum_{di, dj, q} input[b, strides[1] * i + di"),
    Rule("raw-conv2d.in-channels", _RC, "call", RAW_CONV2D, "and a filter / kernel tensor of shape", holds=c.same_in_channels),
    Rule("raw-conv2d.unit-batch-and-channel-strides", _RC, "call", RAW_CONV2D, "Must have `strides[0] = strides[3] = 1`",
         holds=c.outer_strides_1),
    Rule("raw-conv2d.input-dtype", _RC, "call", RAW_CONV2D, "`half`, `bfloat16`, `float32`, `float64`, `int32`", holds=c.float_or_int32),
    Rule("raw-conv2d.filter-dtype", _RC, "call", RAW_CONV2D, "Must have the same type as `input`", holds=c.filter_of_same_dtype),
    Rule("raw-conv2d.input-rank", _RC, "call", RAW_CONV2D, "A 4-D tensor. The dimension order", holds=c.rank_4),
    Rule("raw-conv2d.filter-rank", _RC, "call", RAW_CONV2D, "A 4-D tensor of shape", holds=c.filter_rank_4),
    Rule("raw-conv2d.strides-length", _RC, "call", RAW_CONV2D, "1-D tensor of length 4. The stride of the sliding window",
         holds=c.strides_of_4),
    Rule("raw-conv2d.dilations-length", _RC, "call", RAW_CONV2D, "1-D tensor of length 4. The dilation factor",
         applies=c.given_dilations, holds=c.dilations_of_4),
    Rule("raw-conv2d.strides-positive", _RC, "call", RAW_CONV2D, "The stride of the sliding window for each dimension of `input`",
         holds=c.strides_positive, stated=False),
    Rule("raw-conv2d.dilations-positive", _RC, "call", RAW_CONV2D, "The dilation factor for each dimension of `input`",
         applies=c.given_dilations, holds=c.dilations_positive, stated=False),
    Rule("raw-conv2d.unit-batch-and-depth-dilations", _RC, "call", RAW_CONV2D, "Dilations in the batch and depth dimensions must be 1",
         applies=c.given_dilations, holds=c.outer_dilations_1),
    Rule("raw-conv2d.dilated-values", _RC, "values", RAW_CONV2D, "there will be k-1 skipped cells between each filter element",
         applies=c.atrous),
    Rule("raw-conv2d.explicit-paddings", _RC, "values", RAW_CONV2D, "the list of explicit padding amounts", applies=c.explicit),
    Rule("raw-conv2d.result-dtype", _RC, "dtype", RAW_CONV2D, "A `Tensor`. Has the same type as `input`"),
    Rule("raw-depthwise.in-channels", _RD, "call", RAW_DEPTHWISE, "`in_channels` convolutional filters of depth 1",
         holds=c.same_in_channels),
    Rule("raw-depthwise.out-channels", _RD, "shape", RAW_DEPTHWISE, "the output has `in_channels * channel_multiplier` channels"),
    Rule("raw-depthwise.values", _RD, "values", RAW_DEPTHWISE, "sum_{di, dj} input[b, strides[1] * i + di"),
    Rule("raw-depthwise.unit-batch-and-channel-strides", _RD, "call", RAW_DEPTHWISE, "Must have `strides[0] = strides[3] = 1`",
         holds=c.outer_strides_1),
    Rule("raw-depthwise.input-rank", _RD, "call", RAW_DEPTHWISE, "Computes a 2-D depthwise convolution given 4-D `input`", holds=c.rank_4),
    Rule("raw-depthwise.input-dtype", _RD, "call", RAW_DEPTHWISE, "Must be one of the following types", holds=c.float_dtype),
    Rule("raw-depthwise.filter-dtype", _RD, "call", RAW_DEPTHWISE, "Must have the same type as `input`",
         holds=c.filter_of_same_dtype),
    Rule("raw-depthwise.filter-rank", _RD, "call", RAW_DEPTHWISE, "given 4-D `input` and `filter` tensors", holds=c.filter_rank_4),
    Rule("raw-depthwise.strides-length", _RD, "call", RAW_DEPTHWISE, "1-D of length 4. The stride of the sliding window",
         holds=c.strides_of_4),
    Rule("raw-depthwise.dilations-length", _RD, "call", RAW_DEPTHWISE, "1-D tensor of length 4. The dilation factor",
         applies=c.given_dilations, holds=c.dilations_of_4),
    Rule("raw-depthwise.strides-positive", _RD, "call", RAW_DEPTHWISE, "The stride of the sliding window for each dimension of `input`",
         holds=c.strides_positive, stated=False),
    Rule("raw-depthwise.dilations-positive", _RD, "call", RAW_DEPTHWISE, "The dilation factor for each dimension of `input`",
         applies=c.given_dilations, holds=c.dilations_positive, stated=False),
    Rule("raw-depthwise.unit-batch-and-depth-dilations", _RD, "call", RAW_DEPTHWISE,
         "Dilations in the batch and depth dimensions must be 1",
         applies=c.given_dilations, holds=c.outer_dilations_1),
    Rule("raw-depthwise.dilated-values", _RD, "values", RAW_DEPTHWISE, "there will be k-1 skipped cells between each filter element",
         applies=c.atrous),
    Rule("raw-depthwise.result-dtype", _RD, "dtype", RAW_DEPTHWISE, "A `Tensor`. Has the same type as `input`"),
)
_N: tuple[EntryPoint, ...] = (ENTRY_POINTS[CONVOLUTION],)
_A: tuple[EntryPoint, ...] = (ENTRY_POINTS[ATROUS],)
_S: tuple[EntryPoint, ...] = (ENTRY_POINTS[SEPARABLE],)
_OTHERS = (
    Rule("convolution.values", _N, "values", CONVOLUTION, "padded_input[b, x[0]*strides[0] + dilation_rate[0]*z[0]"),
    Rule("convolution.in-channels", _N, "call", CONVOLUTION, "If input/output depth does not match `filters` shape",
         holds=c.same_in_channels),
    Rule("convolution.input-dtype", _N, "call", RAW_CONV2D, "`half`, `bfloat16`, `float32`, `float64`, `int32`",
         holds=c.float_or_int32),
    Rule("convolution.filter-dtype", _N, "call", CONVOLUTION, "with the same type as `input` and shape", holds=c.filter_of_same_dtype),
    Rule("convolution.padding-kind", _N, "call", CONVOLUTION, "padding: A string, either `\"VALID\"` or `\"SAME\"`", holds=c.same_or_valid),
    Rule("convolution.strides-length", _N, "call", CONVOLUTION, "Sequence of N ints >= 1. Specifies the output stride",
         holds=c.strides_of_2),
    Rule("convolution.dilations-length", _N, "call", CONVOLUTION, "Sequence of N ints >= 1. Specifies the filter upsampling",
         applies=c.given_dilations, holds=c.dilations_of_2),
    Rule("convolution.strides-positive", _N, "call", CONVOLUTION, "strides: Optional. Sequence of N ints >= 1", holds=c.strides_positive),
    Rule("convolution.dilations-positive", _N, "call", CONVOLUTION, "dilations: Optional. Sequence of N ints >= 1",
         applies=c.given_dilations, holds=c.dilations_positive),
    Rule("convolution.unit-strides-when-atrous", _N, "call", CONVOLUTION, "If any value of strides is > 1, then all values of",
         holds=c.no_strides_with_rate),
    Rule("convolution.same-size", _N, "shape", CONVOLUTION, "ceil(input_spatial_shape[i] / strides[i])", applies=c.same),
    Rule("convolution.valid-size", _N, "shape", CONVOLUTION, "(spatial_filter_shape[i]-1) * dilation_rate[i])", applies=c.valid),
    Rule("convolution.result-dtype", _N, "dtype", CONVOLUTION, "A `Tensor` with the same type as `input` of shape"),
    Rule("atrous.values", _A, "values", ATROUS, "value[batch, height + rate*dheight, width + rate*dwidth, in_channel]"),
    Rule("atrous.in-channels", _A, "call", ATROUS, "`in_channels` dimension must match that of `value`", holds=c.same_in_channels),
    Rule("atrous.input-rank", _A, "call", ATROUS, "value: A 4-D `Tensor` of type `float`", holds=c.rank_4),
    Rule("atrous.filter-rank", _A, "call", ATROUS, "filters: A 4-D `Tensor` with the same type as `value`", holds=c.filter_rank_4),
    Rule("atrous.input-dtype", _A, "call", ATROUS, "value: A 4-D `Tensor` of type `float`", holds=c.float_dtype),
    Rule("atrous.filter-dtype", _A, "call", ATROUS, "filters: A 4-D `Tensor` with the same type as `value`",
         holds=c.filter_of_same_dtype),
    Rule("atrous.rate-integer", _A, "call", ATROUS, "rate: A positive int32", holds=c.dilation_is_an_integer),
    Rule("atrous.rate-positive", _A, "call", ATROUS, "A positive int32", holds=c.dilations_positive),
    Rule("atrous.padding-kind", _A, "call", ATROUS, "padding: A string, either `'VALID'` or `'SAME'`", holds=c.same_or_valid),
    Rule("atrous.result-dtype", _A, "dtype", ATROUS, "A `Tensor` with the same type as `value`"),
    Rule("separable.values", _S, "values", SEPARABLE, "depthwise_filter[di, dj, q, r]"),
    Rule("separable.in-channels", _S, "call", SEPARABLE, "Contains `in_channels` convolutional filters of depth 1",
         holds=c.same_in_channels),
    Rule("separable.input-rank", _S, "call", SEPARABLE, "input: 4-D `Tensor` with shape according to", holds=c.rank_4),
    Rule("separable.input-dtype", _S, "call", RAW_DEPTHWISE, "Must be one of the following types", holds=c.float_dtype),
    Rule("separable.filter-dtype", _S, "call", RAW_DEPTHWISE, "Must have the same type as `input`", holds=c.filter_of_same_dtype),
    Rule("separable.unit-strides-when-atrous", _S, "call", SEPARABLE, "in which case all values in the `strides` tensor must be equal",
         applies=c.atrous, holds=c.all_strides_1),
    Rule("separable.unit-batch-and-channel-strides", _S, "call", SEPARABLE, "Must have `strides[0] = strides[3] = 1`",
         holds=c.outer_strides_1),
    Rule("separable.strides-positive", _S, "call", SEPARABLE, "The strides for the depthwise convolution for each dimension",
         holds=c.strides_positive, stated=False),
    Rule("separable.dilations-positive", _S, "call", SEPARABLE, "The dilation rate in which we sample input values",
         applies=c.given_dilations, holds=c.dilations_positive, stated=False),
    Rule("separable.strides-length", _S, "call", SEPARABLE, "strides: 1-D of size 4", holds=c.strides_of_4),
    Rule("separable.dilations-length", _S, "call", SEPARABLE, "dilations: 1-D of size 2", applies=c.given_dilations,
         holds=c.dilations_of_2),
    Rule("separable.result-shape", _S, "shape", SEPARABLE, "shape is [batch, out_height, out_width, out_channels]"),
)


def _keras(name: str, door: str) -> tuple[Rule, ...]:
    """The rules of a Keras layer. They speak of the same things for both."""
    doors = (ENTRY_POINTS[door],)
    if door == KERAS_CONV2D:
        size, values = "batch_size, new_height, new_width, filters", "activation(conv2d(inputs, kernel) + bias)"
    else:
        size, values = "new_height, new_width, channels * depth_multiplier", "activation(depthwise_conv2d(inputs, kernel) + bias)"
    return (
        Rule(f"{name}.values", doors, "values", door, values),
        Rule(f"{name}.input-rank", doors, "call", door, "A 4D tensor with shape", holds=c.rank_4),
        Rule(f"{name}.strides-length", doors, "call", door, "strides: int or tuple/list of 2 integer", holds=c.strides_int_or_2),
        Rule(f"{name}.dilations-length", doors, "call", door, "dilation_rate: int or tuple/list of 2 integers",
             applies=c.given_dilations, holds=c.dilations_int_or_2),
        Rule(f"{name}.unit-strides-when-atrous", doors, "call", door, "`strides > 1` is incompatible with `dilation_rate > 1`",
             holds=c.no_strides_with_rate),
        Rule(f"{name}.padding-kind", doors, "call", door, "padding: string, either `\"valid\"` or `\"same\"`", holds=c.same_or_valid),
        Rule(f"{name}.same-keeps-size", doors, "shape", door, "the output has the same size as the input", applies=c.unit_strides_same),
        Rule(f"{name}.result-shape", doors, "shape", door, size),
    )


_KERAS = (
    *_keras("keras-conv2d", KERAS_CONV2D),
    Rule("keras-conv2d.groups", (ENTRY_POINTS[KERAS_CONV2D],), "call", KERAS_CONV2D, "Input channels and `filters` must both be divisible by `groups`",
         applies=c.grouped, holds=c.groups_fit),
    *_keras("keras-depthwise", KERAS_DEPTHWISE),
)
_PADDING = (
    Rule("padding.zeros", _LINKED, "values", NOTES, "In the case of convolutions, the input is padded with zeros", applies=c.pads_zeros),
    Rule("padding.size-exists", _ALL, "call", NOTES, "In the 2D case, the output size is computed as",
         holds=c.size_not_negative, stated=False),
    Rule("padding.valid-pads-nothing", _LINKED, "values", NOTES, "to an op causes no padding to be used", applies=c.valid),
    Rule("padding.valid-size", _LINKED, "shape", NOTES, "out_height = ceil((in_height - filter_height + 1) / stride_height)",
         applies=c.valid),
    Rule("padding.dilated-filter-size", _LINKED, "shape", NOTES, "refer to the filter size after dilations", applies=c.dilated_sizes),
    Rule("padding.same-keeps-size", _LINKED, "shape", NOTES, "the output size is the same as the input size", applies=c.unit_strides_same),
    Rule("padding.same-size", _LINKED, "shape", NOTES, "out_height = ceil(in_height / stride_height)", applies=c.same),
    Rule("padding.same-smallest", _LINKED, "shape", NOTES, "the smallest amount that results in the output size",
         applies=c.same),
    Rule("padding.same-amount", _LINKED, "values", NOTES, "pad_along_height = max(filter_height - stride_height, 0)", applies=c.same_pads),
    Rule("padding.same-halves", _LINKED, "values", NOTES, "pad_top = pad_along_height // 2", applies=c.same_pads),
    Rule("padding.same-extra-at-end", _LINKED, "values", NOTES, "bottom and right sides always get the one additional padded pixel",
         applies=c.pads_unevenly),
    Rule("padding.explicit-format", _EXPLICIT, "shape", NOTES, "in the same format as what is passed to `tf.pad`", applies=c.explicit),
    Rule("padding.amounts", _EXPLICIT, "call", NOTES, "allow a list of explicit padding amounts", applies=c.explicit,
         holds=c.no_negative_padding, stated=False),
    Rule("padding.only-spatial", _EXPLICIT, "call", NOTES, "only spatial dimensions can have padding", applies=c.explicit,
         holds=c.outer_padding_0),
    Rule("padding.explicit-is-pad", _EXPLICIT, "values", NOTES, "Equivalently, tf.pad can be used, since convolutions pad with zeros",
         applies=c.explicit),
    Rule("padding.example-same", _C, "shape", NOTES, "output.shape[1] # output_height: ceil(5 / 2)", applies=c.same_example),
    Rule("padding.example-explicit", _C, "values", NOTES, "(1, 5, 3, 1)",
         applies=c.printed_example((1, 3, 3, 1), (2, 2, 1, 1), valid_padding=False)),
    Rule("padding.example-multiplied", _C, "values", NOTES, "simulate the avg_pool with conv2d",
         applies=c.printed_example((1, 3, 2, 1), (2, 2, 1, 1), valid_padding=False)),
    Rule("padding.multiplied", _LINKED, "values", NOTES, "padding is filled with values of zero, and padding is multiplied with kernels",
         applies=c.pads_zeros),
)
_GRADIENT = (
    Rule("gradient.values", _ALL, "values", GRADIENT, "Computes the gradient using operations recorded in context of this tape",
         applies=c.with_gradient),
)
# fmt: on

RULES: dict[str, Rule] = {
    rule.id: rule
    for rule in (*_CONV2D, *_DEPTHWISE, *_PADDING, *_V1, *_RAW, *_OTHERS, *_KERAS, *_GRADIENT)
}


_BY_ENTRY_POINT = {
    entry.symbol: tuple(rule for rule in RULES.values() if entry in rule.entry_points)
    for entry in _ALL
}


@lru_cache(maxsize=8192)
def exercised(arguments: Arguments) -> tuple[Rule, ...]:
    """The rules that speak about a call."""
    return tuple(
        rule for rule in _BY_ENTRY_POINT[arguments.entry_point.symbol] if rule.applies(arguments)
    )


@lru_cache(maxsize=8192)
def broken(arguments: Arguments) -> tuple[Rule, ...]:
    """The preconditions that a call does not keep."""
    return tuple(rule for rule in exercised(arguments) if not rule.holds(arguments))
