"""Models of what a converted call computes: how TensorFlow Lite folds, and what XNNPACK pads.

TensorFlow makes a dilated depthwise convolution of space to batch, a convolution and batch to
space. The converter of TensorFlow Lite folds these into one dilated convolution
(``ConvertTFDilatedConvOp`` in ``tensorflow/compiler/mlir/lite/transforms/dilated_conv.h``), which
strides as the documentation says. It keeps no explicit padding: if there is any, the convolution
gets SAME. tf2onnx strides so, too, and pads as space to batch does. It leaves SAME to onnxruntime
if it does not know a size.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from tf_conv_conformance.convolution.arguments import Arguments, Interpretation, interpret
from tf_conv_conformance.convolution.geometry import (
    FAR,
    Axis,
    Indices,
    Taps,
    documented_indices,
    documented_padding,
    documented_size,
    phase_strided_padding,
    same_total,
)
from tf_conv_conformance.convolution.names import CONVERTED_MODES, Mode
from tf_conv_conformance.prediction.models import (
    DOCUMENTED,
    MODELS,
    Model,
    models_of,
)


def has_phases(arguments: Arguments, interpretation: Interpretation) -> bool:
    """Return whether TensorFlow makes the call of space to batch and batch to space."""
    dilated = max(axis.rate for axis in interpretation.axes) > 1
    return dilated and arguments.entry_point.splits_into_phases


def folded(arguments: Arguments, interpretation: Interpretation) -> Interpretation:
    """Return what is left of a call whose space to batch the converter has folded.

    It folds nothing of a function that does not know a size or the rank of its input.
    """
    axes = interpretation.axes
    if isinstance(axes[0].padding, str) or not has_phases(arguments, interpretation):
        return interpretation
    if arguments.unknown:
        return interpretation
    padded = any(sum(map(abs, documented_padding(axis))) for axis in axes)
    height, width = (replace(axis, padding="SAME" if padded else "VALID") for axis in axes)
    return replace(interpretation, height=height, width=width)


def delegated(arguments: Arguments, interpretation: Interpretation) -> Interpretation:
    """Return the same for XNNPACK, which pads nothing if the filter has one element."""
    interpretation = folded(arguments, interpretation)
    height, width = interpretation.axes
    if height.padding != "SAME":
        return interpretation
    # Phases that are not folded are padded explicitly, before they are convolved.
    if arguments.unknown and has_phases(arguments, interpretation):
        height = replace(height, padding=documented_padding(height))
        width = replace(width, padding=documented_padding(width))
    elif height.filter == width.filter == 1:
        height, width = replace(height, padding="VALID"), replace(width, padding="VALID")
    return replace(interpretation, height=height, width=width)


def padded_as_phases(arguments: Arguments, interpretation: Interpretation) -> Interpretation:
    """Return the same for tf2onnx, which folds as well, but keeps the padding of the phases.

    It folds nothing with SAME if height or width is unknown.
    """
    axes = interpretation.axes
    is_same = axes[0].padding == "SAME" and has_phases(arguments, interpretation)
    if not is_same or arguments.op != "depthwise_conv2d" or _hides_size(arguments):
        return interpretation
    height, width = (replace(axis, padding=phase_strided_padding(axis)) for axis in axes)
    return replace(interpretation, height=height, width=width)


def cropped(arguments: Arguments, interpretation: Interpretation) -> Interpretation:
    """Return the same for onnxruntime, which crops the input where SAME needs less than nothing.

    tf2onnx computes the padding itself if it knows height and width.
    """
    is_same = interpretation.axes[0].padding == "SAME"
    if not is_same or has_phases(arguments, interpretation):
        return interpretation
    if not _hides_size(arguments):
        return interpretation
    height, width = (_cropped(axis) for axis in interpretation.axes)
    return replace(interpretation, height=height, width=width)


def _hides_size(arguments: Arguments) -> bool:
    return not {"height", "width"}.isdisjoint(arguments.unknown)


def _cropped(axis: Axis) -> Axis:
    total = same_total(axis)
    if total >= 0:
        return axis
    before = -((-total - 1) // 2)
    return replace(axis, padding=(before, total - before))


def unclamped_indices(axis: Axis) -> Indices:
    """Return the documented positions, or positions in the padding where SAME needs none.

    XNNPACK (``xnn_reshape_convolution2d_nhwc``) computes the total padding of SAME as an unsigned
    ``(out - 1) * stride + dilated filter - size``. If the stride exceeds the dilated filter, that
    may be negative. Then every element reads far outside of the input, which is zero.
    """
    indices = documented_indices(axis)
    if axis.padding == "SAME" and same_total(axis) < 0:
        return np.full_like(indices, -FAR)
    return indices


CONVERTED = replace(DOCUMENTED, name="converted", reads=folded)
XNNPACK = Model("xnnpack", documented_padding, documented_size, unclamped_indices, reads=delegated)
TF2ONNX = replace(DOCUMENTED, name="tf2onnx", reads=padded_as_phases)
ONNXRUNTIME = replace(DOCUMENTED, name="onnxruntime", reads=cropped)
CONVERTED_MODELS = {model.name: model for model in (CONVERTED, XNNPACK, TF2ONNX, ONNXRUNTIME)}
ALL_MODELS = {**MODELS, **CONVERTED_MODELS}


def models_in(arguments: Arguments, mode: Mode) -> tuple[Model, ...]:
    """Return the models that may explain a call in a mode, the documented one first.

    Those are left out that read the same elements as an earlier one.
    """
    models = models_of(arguments)
    if mode not in CONVERTED_MODES:
        return models
    if interpret(arguments) is None:
        return models
    found = [DOCUMENTED]
    own = (TF2ONNX, ONNXRUNTIME) if mode == "onnx" else (CONVERTED, XNNPACK)
    for model in (*own, *models[1:]):
        if not any(reads_alike(model, other, arguments, arguments) for other in found):
            found.append(model)
    return tuple(found)


def reads_alike(one: Model, other: Model, arguments: Arguments, stands_for: Arguments) -> bool:
    """Return whether a model with the arguments reads the same as another with others.

    If no tap of one axis is in the input, every result is zero, whatever the other axis reads.
    """
    pairs = zip(_taps(one, arguments), _taps(other, stands_for), strict=True)
    return all(np.array_equal(own, its) for own, its in pairs)


def _taps(model: Model, arguments: Arguments) -> list[Taps]:
    taps = [model.taps(axis) for axis in model.interpretation(arguments).axes]
    if all((axis >= 0).any() for axis in taps):
        return taps
    return [np.full_like(axis, -1) for axis in taps]
