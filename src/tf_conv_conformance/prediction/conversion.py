"""Say what conversion makes of a call, and which call comes out the same in every runtime."""

from __future__ import annotations

from tf_conv_conformance.convolution.arguments import (
    Arguments,
    Interpretation,
    channels_first,
    interpret,
    padding_of,
)
from tf_conv_conformance.convolution.geometry import documented_padding
from tf_conv_conformance.convolution.modes import can_be_made
from tf_conv_conformance.prediction.converted_models import CONVERTED, XNNPACK, reads_alike
from tf_conv_conformance.prediction.models import DOCUMENTED, is_atrous_strided, models_of
from tf_conv_conformance.prediction.predict import predict
from tf_conv_conformance.prediction.remedy import RULE
from tf_conv_conformance.prediction.rules.catalogue import broken

ANOTHER = "TFLite, LiteRT and ONNX compute another result than TensorFlow"
OLD_KERAS = "before Keras 3.15, "
"""Since then Keras itself computes strides with a rate by the formula, where it refused them or
left them to TensorFlow."""
ZEROS = "TFLite in TensorFlow 2.8 to 2.21 (XNNPACK) and LiteRT before 2.2 return zeros"
AS_SAME = "TFLite and LiteRT take the padding for SAME"
PAGE = "tf-conv-conformance docs deploying"


def conversion(arguments: Arguments) -> str | None:
    """Return what conversion changes about a call, and what to write instead.

    Return None if nothing is known to change, or the call breaks a rule other than that on strides
    with a rate.
    """
    meaning = interpret(arguments)
    if meaning is None or not _is_known(arguments):
        return None
    change = _change(arguments)
    if change is None:
        return None
    if change == ANOTHER and arguments.entry_point.is_keras:
        change = OLD_KERAS + change
    call = rewritten(arguments, meaning)
    return f"{change}; to get one result everywhere, write {call} (more: {PAGE})"


def _is_known(arguments: Arguments) -> bool:
    """Return whether conversion was studied for such a call."""
    if len(arguments.input.shape) != 4 or channels_first(arguments) or arguments.unknown:
        return False
    if arguments.op == "depthwise_conv2d" and arguments.entry_point.style == "raw op":
        return False  # it takes no rates, and has no padding beside its names
    if not can_be_made(arguments, "tflite") or not predict(arguments).has_values(DOCUMENTED):
        return False
    return all(rule.id.endswith(RULE) for rule in broken(arguments))


def _change(arguments: Arguments) -> str | None:
    phased = models_of(arguments)[1:]
    changes = [(DOCUMENTED, one, ANOTHER) for one in phased]
    changes += [(DOCUMENTED, CONVERTED, AS_SAME), (CONVERTED, XNNPACK, ZEROS)]
    for one, other, change in changes:
        if not reads_alike(one, other, arguments, arguments):
            return change
    return None


def rewritten(arguments: Arguments, meaning: Interpretation) -> str:
    """Return the call without what conversion changes: padding, and strides with a rate."""
    padded = padded_first(meaning)
    changes = [] if padding_of(arguments) == "VALID" else ["padding='VALID'"]
    of = ""
    if is_atrous_strided(arguments):
        changes.append("strides of 1")
        of = f"y[{every_stride(meaning)}] of "
    where = "" if padded == "x" else f" on {padded}"
    return f"{of}the same call{where} with {' and '.join(changes)}"


def padded_first(meaning: Interpretation) -> str:
    """Return the input with the documented padding, as an expression."""
    pads = [list(documented_padding(axis)) for axis in meaning.axes]
    return f"tf.pad(x, {[[0, 0], *pads, [0, 0]]})" if any(map(any, pads)) else "x"


def every_stride(meaning: Interpretation) -> str:
    """Return the index of the documented result in that of strides of 1, without padding."""
    return ", ".join([":", *(f"::{axis.stride}" for axis in meaning.axes)])
