"""Suggest what was probably meant by an unknown key or value of a case file."""

from __future__ import annotations

import difflib
from collections.abc import Sequence

from tf_conv_conformance.casefile.argument_fields import Tensor
from tf_conv_conformance.casefile.diagnostic import Keys
from tf_conv_conformance.casefile.expectations import Deviation, Expect, Observed, When
from tf_conv_conformance.casefile.fields import Strict
from tf_conv_conformance.casefile.model import Case, CaseFileModel, Defaults, model_at
from tf_conv_conformance.casefile.names import own_name
from tf_conv_conformance.convolution.entry_points import ENTRY_POINTS

NEAR = 0.7  # least ratio of difflib: `stride` is near `strides`, `bias` is not near `via`
NEAR_ALIKE = 0.65  # for names with the same first letter: `egar` is near `eager`
LISTED = 24  # known names that a message lists, at most
NAMED = 6  # of them that contain an unknown word, at most

_WHOLE_FILTER = "write `filter`, the whole shape: [height, width, in_channels, out_channels]"
_WHOLE_INPUT = "write `input`, the whole shape: [batch, height, width, in_channels]"
_NO_TOLERANCE = "there are no tolerances: integers are compared bit for bit, "
_NO_TOLERANCE += "`data: [reals]` within a rounding bound"
_NO_SEED = "the seed of the data follows from the arguments; leave it out"
_GROUPS = "groups follow from the filter: its in_channels are those of one group"
# Words of Keras, PyTorch and ONNX, the equivalent key of a case file (None: there is none), and the
# advice to give if that key is allowed in the same place.
_FOREIGN_KEYS: tuple[tuple[str, str | None, str], ...] = (
    ("kernel kernel_size kernel_shape weight weights w", "filter", _WHOLE_FILTER),
    (
        "filters out_channels depth_multiplier channel_multiplier",
        "filter",
        "write it as the last size of `filter`",
    ),
    ("group groups", "filter", _GROUPS),
    ("dilation dilation_rate", "rate", "write `rate`"),
    ("pads pad auto_pad paddings", "padding", "write `padding`"),
    ("layout format", "data_format", "write `data_format`"),
    ("operator function layer", "op", "write `op`"),
    ("shape input_shape x in_channels", "input", _WHOLE_INPUT),
    ("type", "dtype", "write `dtype` for float32 and the like, `op` for the operator"),
    ("name", "id", "write `id`"),
    ("bias use_bias activation", "after", "write `after`, such as [bias_add, relu]"),
    ("atol rtol tol tolerance", None, _NO_TOLERANCE),
    ("description comment", "notes", "write `notes`"),
    ("link url issue", "reported", "write `reported`"),
    ("exception raises", "error", "write `error`"),
    ("message", "match", "write `match`, a regular expression"),
    ("result output", "values", "write `values`, and `shape` if they are flat"),
    ("output_shape output_values", "expect", "write `expect: {shape: …}` or `expect: {values: …}`"),
    (
        "skip xfail",
        "deviations",
        "declare what TensorFlow does in `deviations`, and what the case needs in `requires`",
    ),
    ("seed random_seed", None, _NO_SEED),
    ("version", "tensorflow", "write `tensorflow`"),
)
_KEYS = {word: (key, advice) for words, key, advice in _FOREIGN_KEYS for word in words.split()}
_VALUES = {
    "half": "fp16 f16",
    "float32": "float fp32 f32 single",
    "float64": "double fp64 f64",
    "bfloat16": "bf16",
    "int32": "int",
    "NHWC": "channels_last",
    "NCHW": "channels_first",
    "graph": "tf.function",
    "xla": "jit jit_compile",
    "saved_model": "savedmodel saved",
    "tflite": "lite tf.lite tensorflow_lite xnnpack",
    "tflite-reference": "tflite_reference reference",
    "litert": "ai_edge_litert ai-edge-litert",
    "onnx": "onnxruntime tf2onnx ort",
    "input": "x image",
    "filter": "w kernel weights",
}
"""Values, and their names in other libraries."""
_WORDS = {word: value for value, words in _VALUES.items() for word in words.split()}
_HOMES: tuple[tuple[type[Strict], tuple[str, ...]], ...] = (
    (Case, ("a case",)),
    (Expect, ("`expect`",)),
    (Deviation, ("a deviation",)),
    (Observed, ("`observed`",)),
    (When, ("`when`", "`requires`")),
    (Tensor, ("`input`", "`filter`")),
)
_TOP = "at the top level of the file"


def near(name: str, known: Sequence[str]) -> str | None:
    """Return the known name that was probably meant; None if none is similar."""
    folded = {other.lower(): other for other in reversed(known)}
    alike = [other for other in folded if other[:1] == name[:1].lower()]
    found = difflib.get_close_matches(name.lower(), folded, 1, NEAR)
    found = found or difflib.get_close_matches(name.lower(), alike, 1, NEAR_ALIKE)
    return folded[found[0]] if found else None


def nearest(name: str, known: Sequence[str]) -> str:
    """Return a hint: the known name that was probably meant, or all known names if they are few."""
    if (found := near(name, known)) is not None:
        return f"did you mean {found!r}?"
    if len(known) <= LISTED:
        return f"known here: {', '.join(known)}"
    return "`tf-conv-conformance docs writing-cases` lists the known keys"


def unknown_key(keys: Keys) -> str:
    """Return the message for an unknown key: its name in case files, or where it belongs."""
    key, model = str(keys[-1]), model_at(keys)
    known = list(model.model_fields)
    here, advice = _KEYS.get(key.lower(), ("", ""))
    if here is None or here in known:
        return f"unknown key; {advice}"
    if home := _home(key, model):
        parents = [parent for parent in keys[:-1] if isinstance(parent, str)]
        return f"unknown key; `{key}` belongs {home}, not {_place(parents)}"
    if known == ["verbatim"]:
        return "unknown key; a mapping here is {verbatim: …}, which is passed on unchanged"
    return f"unknown key; {nearest(key, known)}"


def _home(key: str, here: type[Strict]) -> str:
    """Return where a key is allowed; an empty string if nowhere."""
    if key in CaseFileModel.model_fields:
        return _TOP
    homes = [home for model, words in _HOMES if key in model.model_fields for home in words]
    if here is CaseFileModel and key in Defaults.model_fields:
        homes.insert(0, "`defaults`")
    listed = " or ".join(filter(None, (", ".join(homes[:-1]), *homes[-1:])))
    return f"in {listed}" if homes else ""


def _place(parents: Sequence[str]) -> str:
    if not parents:
        return _TOP
    places = {"cases": "in a case", "deviations": "in a deviation"}
    return places.get(parents[-1], f"in `{parents[-1]}`")


def unknown_word(value: object, choices: Sequence[str]) -> str:
    """Return a hint about a value that is not a choice; an empty string if none is similar."""
    text = str(value)
    entry_point = ENTRY_POINTS.get(text)
    if entry_point is not None and entry_point.op in choices:
        via = "" if entry_point.is_default else f" and via: {text}"
        return f"; write op: {entry_point.op}{via}"
    alias = _WORDS.get(text.lower())
    found = alias if alias in choices else None
    found = found or near(text, choices) or near(own_name(text), choices)
    if found is not None:
        return f"; did you mean {found!r}?"
    within = [choice for choice in choices if len(text) > 2 and text.lower() in choice]
    return f"; did you mean {' or '.join(map(repr, within))}?" if 0 < len(within) <= NAMED else ""
