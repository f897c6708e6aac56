"""Every rule that the suite knows, in the order in which the documentation states them."""

from __future__ import annotations

from tf_conv_conformance.arguments import Arguments
from tf_conv_conformance.rules import conditions as c
from tf_conv_conformance.rules.rule import CONV2D, DEPTHWISE, NOTES, RAW_DEPTHWISE, Rule
from tf_conv_conformance.vocabulary import OPS, Op

_C: tuple[Op, ...] = ("conv2d",)
_D: tuple[Op, ...] = ("depthwise_conv2d",)

# fmt: off
_CONV2D_CALLS = (
    Rule("conv2d.input-rank", _C, "call", CONV2D, "A Tensor of rank at least 4", holds=c.rank_at_least_4),
    Rule("conv2d.input-dtype", _C, "call", CONV2D, "`half`, `bfloat16`, `float32`, `float64`", holds=c.float_dtype),
    Rule("conv2d.filter-rank", _C, "call", CONV2D, "A 4-D tensor of shape", holds=c.filter_rank_4),
    Rule("conv2d.in-channels", _C, "call", CONV2D, "and a filter / kernel tensor of shape", holds=c.same_in_channels),
    Rule("conv2d.strides-length", _C, "call", CONV2D, "strides: An int or list of `ints` that has length `1`, `2` or `4`",
         holds=c.strides_int_or_1_2_4),
    Rule("conv2d.strides-positive", _C, "call", CONV2D, "The stride of the sliding window for each dimension of `input`",
         holds=c.strides_positive),
    Rule("conv2d.unit-batch-and-channel-strides", _C, "call", CONV2D, "Must have `strides[0] = strides[3] = 1`",
         holds=c.outer_strides_1),
    Rule("conv2d.unequal-strides", _C, "call", CONV2D, "For the most common case of the same horizontal and vertical strides",
         applies=c.strides_unequal),
    Rule("conv2d.dilations-length", _C, "call", CONV2D, "dilations: An int or list of `ints` that has length `1`, `2` or `4`",
         applies=c.given_dilations, holds=c.dilations_int_or_1_2_4),
    Rule("conv2d.dilations-positive", _C, "call", CONV2D, "The dilation factor for each dimension of`input`",
         applies=c.given_dilations, holds=c.dilations_positive),
    Rule("conv2d.unit-batch-and-depth-dilations", _C, "call", CONV2D, "Dilations in the batch and depth dimensions",
         applies=c.given_dilations, holds=c.outer_dilations_1),
    Rule("conv2d.data-format", _C, "call", CONV2D, "An optional `string` from: `\"NHWC\", \"NCHW\"`", holds=c.known_format),
    Rule("conv2d.padding-kind", _C, "call", CONV2D, "padding: Either the `string` `\"SAME\"` or `\"VALID\"`", holds=c.known_padding),
    Rule("conv2d.explicit-padding-form", _C, "call", CONV2D, "this should be in the form `[[0, 0], [pad_top, pad_bottom]",
         applies=c.explicit, holds=c.pairs_for_4_dimensions),
)
_DEPTHWISE_CALLS = (
    Rule("depthwise.input-rank", _D, "call", DEPTHWISE, "Given a 4D input tensor", holds=c.rank_4),
    Rule("depthwise.input-dtype", _D, "call", RAW_DEPTHWISE, "Must be one of the following types", holds=c.float_dtype),
    Rule("depthwise.filter-rank", _D, "call", DEPTHWISE, "filter: 4-D with shape", holds=c.filter_rank_4),
    Rule("depthwise.in-channels", _D, "call", DEPTHWISE, "containing `in_channels` convolutional filters of depth 1",
         holds=c.same_in_channels),
    Rule("depthwise.strides-length", _D, "call", DEPTHWISE, "strides: 1-D of size 4", holds=c.strides_of_4),
    Rule("depthwise.strides-positive", _D, "call", DEPTHWISE, "The stride of the sliding window for each dimension of `input`",
         holds=c.strides_positive),
    Rule("depthwise.unit-batch-and-channel-strides", _D, "call", DEPTHWISE, "Must have `strides[0] = strides[3] = 1`",
         holds=c.outer_strides_1),
    Rule("depthwise.unequal-strides", _D, "call", DEPTHWISE, "For the most common case of the same horizontal and vertical strides",
         applies=c.strides_unequal),
    Rule("depthwise.unit-strides-when-atrous", _D, "call", DEPTHWISE, "in which case all values in the `strides` tensor must be equal",
         applies=c.atrous, holds=c.all_strides_1),
    Rule("depthwise.dilations-length", _D, "call", DEPTHWISE, "dilations: 1-D of size 2", applies=c.given_dilations,
         holds=c.dilations_of_2),
    Rule("depthwise.dilations-positive", _D, "call", DEPTHWISE, "The dilation rate in which we sample input values",
         applies=c.given_dilations, holds=c.dilations_positive),
    Rule("depthwise.data-format", _D, "call", DEPTHWISE, "The data format for input. Either \"NHWC\" (default) or \"NCHW\"",
         holds=c.known_format),
    Rule("depthwise.padding-kind", _D, "call", DEPTHWISE, "Can be the string `\"SAME\"` or `\"VALID\"`", holds=c.known_padding),
    Rule("depthwise.explicit-padding-form", _D, "call", DEPTHWISE, "this should be in the form `[[0, 0], [pad_top, pad_bottom]",
         applies=c.explicit, holds=c.pairs_for_4_dimensions),
)
_PADDING_CALLS = (
    Rule("padding.only-spatial", OPS, "call", NOTES, "only spatial dimensions can have padding", applies=c.explicit,
         holds=c.outer_padding_0),
    Rule("padding.amounts", OPS, "call", NOTES, "allow a list of explicit padding amounts", applies=c.explicit,
         holds=c.no_negative_padding),
    Rule("padding.size-exists", OPS, "call", NOTES, "In the 2D case, the output size is computed as", holds=c.size_not_negative),
)
_RESULTS = (
    Rule("conv2d.values", _C, "values", CONV2D, "sum_{di, dj, q} input[b, strides[1] * i + di"),
    Rule("conv2d.dilated-values", _C, "values", CONV2D, "there will be k-1 skipped cells between each filter element", applies=c.atrous),
    Rule("conv2d.result-dtype", _C, "dtype", CONV2D, "A `Tensor`. Has the same type as `input`"),
    Rule("conv2d.batch-shape", _C, "shape", CONV2D, "and the same outer batch shape"),
    Rule("conv2d.outer-batch-dimensions", _C, "shape", CONV2D, "shape dimensions `[:-3]` are considered batch dimensions",
         applies=c.rank_above_4),
    Rule("conv2d.nchw-order", _C, "shape", CONV2D, "`batch_shape + [channels, height, width]`", applies=c.nchw),
    Rule("depthwise.values", _D, "values", DEPTHWISE, "sum_{di, dj} filter[di, dj, k, q]"),
    Rule("depthwise.dilated-values", _D, "values", DEPTHWISE, "across the `height` and `width` dimensions in atrous convolution",
         applies=c.atrous),
    Rule("depthwise.out-channels", _D, "shape", DEPTHWISE, "The output has `in_channels * channel_multiplier` channels"),
    Rule("depthwise.channel-multiplier", _D, "values", DEPTHWISE, "expanding from 1 channel to `channel_multiplier` channels for each",
         applies=c.several_multiplied),
    Rule("depthwise.result-shape", _D, "shape", DEPTHWISE, "`[batch, out_height, out_width, in_channels * channel_multiplier].`"),
    Rule("depthwise.result-dtype", _D, "dtype", RAW_DEPTHWISE, "A `Tensor`. Has the same type as `input`"),
    Rule("depthwise.nchw-order", _D, "shape", DEPTHWISE, "A 4-D `Tensor` with shape according to `data_format`", applies=c.nchw),
    Rule("padding.zeros", OPS, "values", NOTES, "In the case of convolutions, the input is padded with zeros", applies=c.pads_zeros),
    Rule("padding.valid-size", OPS, "shape", NOTES, "out_height = ceil((in_height - filter_height + 1) / stride_height)", applies=c.valid),
    Rule("padding.dilated-filter-size", OPS, "shape", NOTES, "refer to the filter size after dilations", applies=c.dilated_sizes),
    Rule("padding.same-size", OPS, "shape", NOTES, "out_height = ceil(in_height / stride_height)", applies=c.same),
    Rule("padding.same-keeps-size", OPS, "shape", NOTES, "the output size is the same as the input size", applies=c.unit_strides_same),
    Rule("padding.same-amount", OPS, "values", NOTES, "pad_along_height = max(filter_height - stride_height, 0)", applies=c.same_pads),
    Rule("padding.same-extra-at-end", OPS, "values", NOTES, "bottom and right sides always get the one additional padded pixel",
         applies=c.pads_unevenly),
    Rule("padding.explicit-is-pad", OPS, "values", NOTES, "Equivalently, tf.pad can be used, since convolutions pad with zeros",
         applies=c.explicit),
)
# fmt: on

RULES: dict[str, Rule] = {rule.id: rule for rule in (*_CONV2D_CALLS, *_DEPTHWISE_CALLS, *_PADDING_CALLS, *_RESULTS)}


def exercised(arguments: Arguments) -> tuple[Rule, ...]:
    """The rules that speak about a call."""
    return tuple(rule for rule in RULES.values() if arguments.op in rule.ops and rule.applies(arguments))


def broken(arguments: Arguments) -> tuple[Rule, ...]:
    """The preconditions that a call does not keep."""
    return tuple(rule for rule in exercised(arguments) if not rule.holds(arguments))
