"""Explain why some arguments cannot be passed through an entry point.

Arguments that can be passed but that the documentation refuses are no obstacle: the refusal is
tested.
"""

from __future__ import annotations

from tf_conv_conformance.convolution.arguments import (
    CASTS,
    Arguments,
    channel_place,
    channels_first,
    in_channels_of,
    interpret,
    spatial,
)
from tf_conv_conformance.convolution.company import DTYPES
from tf_conv_conformance.convolution.entry_points import DEFAULTS
from tf_conv_conformance.convolution.geometry import documented_size
from tf_conv_conformance.convolution.output_padding import output_padding

Obstacle = tuple[str, str]
"""The key of the argument that cannot be passed, and the reason, to follow the entry point."""


def obstacle(arguments: Arguments) -> Obstacle | None:
    """Return the key of an argument that cannot be passed, and why; None if all can be passed."""
    found = _obstacle(arguments)
    if found is None:
        return None
    key, reason = found
    return key, f"{arguments.entry_point.symbol} {reason}"


def _obstacle(arguments: Arguments) -> Obstacle | None:
    entry_point = arguments.entry_point
    if arguments.through is not None and (found := _transformation_obstacle(arguments)):
        return found
    if arguments.variables and (found := _variable_obstacle(arguments)):
        return found
    if arguments.op_name is not None and (found := _name_obstacle(arguments)):
        return found
    if arguments.optimizer is not None and (found := _optimizer_obstacle(arguments)):
        return found
    if arguments.in_company and (found := _company_obstacle(arguments)):
        return found
    if entry_point.computes == "filter" and arguments.filter_dtype not in (None, arguments.dtype):
        return "filter_dtype", "takes no filter, only its shape; leave `filter_dtype` out"
    if entry_point.is_keras and "rank" in arguments.unknown:
        reason = "documents the rank of its input, and nothing for one whose rank is unknown"
        return "unknown", f"{reason}; leave `rank` out"
    if entry_point.dimensions == 1 and "height" in arguments.unknown:
        return "unknown", "has an input without height; leave `height` out"
    if entry_point.needs_dilations:
        return _atrous_obstacle(arguments)
    if entry_point.is_layer and entry_point.computes is not None:
        return _layer_obstacle(arguments) or _transposed_obstacle(arguments)
    if entry_point.is_layer:
        return _layer_obstacle(arguments)
    if entry_point.pointwise:
        return _pointwise_obstacle(arguments)
    if entry_point.is_keras and (found := _dtype_obstacle(arguments)):
        return found
    if entry_point.counts_axes_by_filter and len(arguments.filter.shape) != 4:
        advice = "and this suite supports only two; give a filter of rank 4"
        return "filter", f"takes its number of axes from the filter, {advice}"
    if entry_point.style == "raw op" and arguments.padding == "EXPLICIT":
        advice = "write a pair for each dimension: [[0, 0], [1, 1], [1, 1], [0, 0]]"
        return "padding", f"needs the amounts of EXPLICIT padding; {advice}"
    return None


def _transformation_obstacle(arguments: Arguments) -> Obstacle | None:
    """Return why a transformation does not lead to the result of the call."""
    entry_point, through, by = arguments.entry_point, arguments.through or "", arguments.gradient
    advice = "leave `through` out"
    if entry_point.is_keras or entry_point.computes is not None:
        what = "belongs to Keras" if entry_point.is_keras else "computes a gradient itself"
        return "through", f"{what}, and is called directly; {advice}"
    if arguments.unknown:
        return "unknown", f"is called with known shapes if there is a `through`; {advice}"
    if through == f"gradient_by_{by}":
        reason = f"is linear in its {by}, so this second derivative is 0"
        return "through", f"{reason}; write the other tensor"
    if through in ("jacobian", "batch_jacobian") and by is None:
        return "through", "has a Jacobian with respect to a tensor; name it as `gradient`"
    if through == "batch_jacobian" and by == "filter":
        return "through", "has no filter for each element of the batch; write `jacobian`"
    if not through.startswith("vectorized") and "float" not in arguments.dtype:
        return "through", f"has a derivative only in a floating dtype, not in {arguments.dtype}"
    return None


def _variable_obstacle(arguments: Arguments) -> Obstacle | None:
    """Return why a call is not made with variables."""
    held = [name.removeprefix("captured_") for name in arguments.variables]
    advice = "leave `variables` out"
    if arguments.entry_point.is_keras:
        return "variables", f"belongs to Keras, whose layers have variables of their own; {advice}"
    if len(set(held)) < len(held):
        return "variables", f"gets the {held[0]} once, as an argument or captured; keep one"
    if arguments.entry_point.computes in held:
        computes = arguments.entry_point.computes
        return "variables", f"gets only the shape of the {computes}; {advice}"
    if arguments.through is not None or arguments.unknown:
        name = "unknown" if arguments.unknown else "through"
        return name, f"is not called with both `variables` and `{name}`; keep one"
    return None


def _name_obstacle(arguments: Arguments) -> Obstacle | None:
    """Return why the name of an operation is not that of the one with the result."""
    entry_point = arguments.entry_point
    if entry_point.is_keras or entry_point.computes is not None or arguments.dimensions == 1:
        return "op_name", "is called without a name; leave `op_name` out"
    if arguments.gradient is not None or arguments.through is not None or arguments.in_company:
        return (
            "op_name",
            "returns the result of another operation here; leave it out",
        )
    return None


def _optimizer_obstacle(arguments: Arguments) -> Obstacle | None:
    """Return why the optimizer has nothing to rewrite."""
    name = arguments.optimizer
    if name == "NCHW_TO_NHWC" and not channels_first(arguments):
        return "optimizer", f"has a call in {name} only if the channels come first; write NCHW"
    if name in CASTS and arguments.dtype != "float32":
        return "dtype", f"is rewritten by {name} in float32 alone, not in {arguments.dtype}"
    return None


def _company_obstacle(arguments: Arguments) -> Obstacle | None:
    """Return why a call cannot have operations around it."""
    key = "after" if arguments.after else "before"
    if arguments.through is not None:
        return key, "has no operations around it if there is a `through`; leave that out"
    if arguments.entry_point.computes is not None:
        return key, "computes a gradient itself, and has no operations around it; use `gradient`"
    if arguments.entry_point.is_keras or arguments.dimensions == 1:
        return key, f"has no operations around it; use {DEFAULTS[arguments.op].symbol}"
    for name in ("filter", "rank"):
        if name in arguments.unknown:
            return "unknown", f"has operations around it, so the {name} must be known"
    for operation in arguments.after:
        known = DTYPES.get(operation.name, (arguments.dtype,))
        if arguments.dtype not in known:
            reason = f"is followed by {operation.name}, which does not document {arguments.dtype}"
            return "dtype", f"{reason}; use {', '.join(known)}"
    return None


def _atrous_obstacle(arguments: Arguments) -> Obstacle | None:
    computes = arguments.entry_point.computes
    general = "tf.nn.convolution" if computes is None else "tf.nn.conv2d_transpose"
    strides = arguments.strides if isinstance(arguments.strides, tuple) else (arguments.strides,)
    if arguments.dilations is None:
        return "rate", "needs a rate; write `rate: 1` for none"
    if set(strides) != {1}:
        advice = f"write `strides: 1`, or use {general}"
        return "strides", f"takes no strides: it always steps by 1; {advice}"
    if arguments.data_format not in (None, "NHWC"):
        advice = f"leave it out, or use {general}"
        return "data_format", f"takes no data_format: its input is NHWC; {advice}"
    return None


def _dtype_obstacle(arguments: Arguments) -> Obstacle | None:
    """Return why the documentation of Keras's functions says nothing about the dtypes."""
    if arguments.filter_dtype not in (None, arguments.dtype):
        advice = "leave `filter_dtype` out"
        return "filter_dtype", f"does not document a filter of another dtype; {advice}"
    if "float" not in arguments.dtype:
        reason = f"does not document {arguments.dtype}"
        return "dtype", f"{reason}; use a floating dtype"
    return None


def _pointwise_obstacle(arguments: Arguments) -> Obstacle | None:
    """Return the obstacle to a pointwise identity, which has the filter's size and dtype."""
    if len(arguments.filter.shape) != 4:
        return "filter", "is called with a pointwise identity, which needs a filter of rank 4"
    if (arguments.filter_dtype or arguments.dtype) == "string":
        return "dtype", "is called with a pointwise identity, which cannot have strings"
    return None


def _transposed_obstacle(arguments: Arguments) -> Obstacle | None:
    """Return why Keras's transposed convolution cannot have an output of the shape of `input`."""
    if arguments.sizes is not None:
        return "sizes", "infers the shape of its output; leave `sizes` out"
    if (reason := _upstream_obstacle(arguments)) is not None:
        return "upstream", reason
    if in_channels_of(arguments) != arguments.filter.shape[2]:
        reason = "has as many output channels as its filter"
        return "input", f"{reason}, {arguments.filter.shape[2]}, not {in_channels_of(arguments)}"
    amounts, strides = output_padding(arguments), spatial(arguments, "strides")
    if amounts is not None and min(amounts) < 0:
        reason = "has a larger output without any output_padding"
        return "input", f"{reason}, which would be {list(amounts)} here"
    allowed = amounts is None or strides is None or max(amounts) < min(strides)
    if allowed and not _is_of_a_convolution(arguments):
        return "upstream", "has no documented output of this shape for this input"
    return None


def _upstream_obstacle(arguments: Arguments) -> str | None:
    """Return why the input of Keras's transposed convolution cannot have such an output."""
    upstream, channels = arguments.upstream, arguments.filter.shape[3]
    if upstream is None:
        return None
    if len(upstream) != len(arguments.input.shape):
        return "has as many dimensions in its output as in its input"
    if upstream[:1] != arguments.input.shape[:1]:
        reason = "has as large a batch in its output as in its input"
        return f"{reason}, {upstream[0]}, which `input` has not"
    if len(upstream) < 3 or upstream[channel_place(arguments)] != channels:
        reason = "creates a filter for the channels of its input"
        return f"{reason}, so it cannot have one for {channels}"
    return None


def _is_of_a_convolution(arguments: Arguments) -> bool:
    """Return whether the upstream gradient has the height and width of the convolution's result."""
    meaning, upstream = interpret(arguments), arguments.upstream
    if meaning is None or upstream is None:
        return True
    sizes = upstream[-2:] if meaning.channels_first else upstream[-3:-1]
    return sizes == tuple(map(documented_size, meaning.axes))


def _layer_obstacle(arguments: Arguments) -> Obstacle | None:
    """Return why a Keras layer, which creates its own filter, cannot create the case's."""
    shape, in_channels = list(arguments.filter.shape), in_channels_of(arguments)
    rank_of_filter = arguments.dimensions + 2
    if len(arguments.input.shape) < rank_of_filter - 1:
        rank = len(arguments.input.shape)
        reason = (
            f"creates its filter for the input's channels, but an input of rank {rank} has none"
        )
        return "input", reason
    if arguments.filter_dtype not in (None, arguments.dtype):
        advice = "leave `filter_dtype` out"
        return "filter_dtype", f"creates its filter in the dtype of the layer; {advice}"
    if "float" not in arguments.dtype:
        reason = f"fills its filter with random reals, so it cannot use {arguments.dtype}"
        return "dtype", f"{reason}; use a floating dtype"
    if len(shape) != rank_of_filter:
        reason = f"creates a filter of rank {rank_of_filter}"
        return "filter", f"{reason}, so it cannot have one of shape {shape}"
    if 0 in shape:
        reason = "creates a filter with sizes of 1 or more"
        return "filter", f"{reason}, so it cannot have one of shape {shape}"
    if arguments.op == "depthwise_conv2d" and shape[-2] != in_channels:
        reason = f"creates a filter for the input's {in_channels} channels"
        return "filter", f"{reason}, so it cannot have one for {shape[-2]}"
    if in_channels % shape[-2]:
        reason = "creates a filter for the input's channels, or with `groups` for a divisor of them"
        mismatch = f"the filter's {shape[-2]} in_channels do not divide {in_channels}"
        return "filter", f"{reason}; {mismatch}"
    return None
