"""What was probably meant by a key or a word that case files do not know."""

from __future__ import annotations

import difflib
from collections.abc import Sequence

from tf_conv_conformance.casefile.argument_fields import Tensor
from tf_conv_conformance.casefile.expectations import Deviation, Expect, Observed, When
from tf_conv_conformance.casefile.fields import Strict
from tf_conv_conformance.casefile.model import Case, CaseFileModel, Defaults, model_at
from tf_conv_conformance.convolution.entry_points import ENTRY_POINTS

NEAR = 0.7  # of difflib's ratio: `stride` is near `strides`, `bias` is not near `via`
NEAR_ALIKE = 0.65  # of a name with the same first letter: `egar` is near `eager`
LISTED = 20  # known names that a message lists, at most

_FILTER = "write `filter`, the whole shape: [height, width, in_channels, out_channels]"
_INPUT = "write `input`, the whole shape: [batch, height, width, in_channels]"
_NO_BIAS = "convolutions here have neither bias nor activation; leave it out"
_GROUPS = "groups follow from the filter, whose in_channels are those of one group"
_OUT = "write it as the last size of `filter`"
_EXACT = "there are no tolerances: integers are compared bit for bit, `data: [reals]` within a rounding bound"
_KEYS: dict[str, tuple[str | None, str]] = {
    **dict.fromkeys(
        ("kernel", "kernel_size", "kernel_shape", "weight", "weights", "w"), ("filter", _FILTER)
    ),
    **dict.fromkeys(
        ("filters", "out_channels", "depth_multiplier", "channel_multiplier"), ("filter", _OUT)
    ),
    **dict.fromkeys(("group", "groups"), ("filter", _GROUPS)),
    **dict.fromkeys(("dilation", "dilation_rate"), ("rate", "write `rate`")),
    **dict.fromkeys(("pads", "pad", "auto_pad", "paddings"), ("padding", "write `padding`")),
    **dict.fromkeys(("layout", "format"), ("data_format", "write `data_format`")),
    **dict.fromkeys(("operator", "function", "layer"), ("op", "write `op`")),
    **dict.fromkeys(("shape", "input_shape", "x", "in_channels"), ("input", _INPUT)),
    "type": ("dtype", "write `dtype` for float32 and the like, `op` for the operator"),
    "name": ("id", "write `id`"),
    **dict.fromkeys(("bias", "use_bias", "activation"), ("op", _NO_BIAS)),
    **dict.fromkeys(("atol", "rtol", "tol", "tolerance"), (None, _EXACT)),
    **dict.fromkeys(("description", "comment"), ("notes", "write `notes`")),
    **dict.fromkeys(("link", "url", "issue"), ("reported", "write `reported`")),
    **dict.fromkeys(("exception", "raises"), ("error", "write `error`")),
    "message": ("match", "write `match`, a regular expression"),
    **dict.fromkeys(
        ("result", "output"), ("values", "write `values`, and `shape` if they are flat")
    ),
    **dict.fromkeys(
        ("output_shape", "output_values"),
        ("expect", "write `expect: {shape: …}` or `expect: {values: …}`"),
    ),
    **dict.fromkeys(
        ("skip", "xfail"),
        ("deviations", "declare what TensorFlow does in `deviations`, what it needs in `requires`"),
    ),
    **dict.fromkeys(
        ("seed", "random_seed"),
        (None, "the seed of the data follows from the arguments; leave it out"),
    ),
    "version": ("tensorflow", "write `tensorflow`"),
}
"""Keys of Keras, PyTorch, ONNX and of common sense: the key here that does their work, and the advice where that key may stand."""
_WORDS = {
    **dict.fromkeys(("fp16", "f16"), "half"),
    **dict.fromkeys(("float", "fp32", "f32", "single"), "float32"),
    **dict.fromkeys(("double", "fp64", "f64"), "float64"),
    "bf16": "bfloat16", "int": "int32", "channels_last": "NHWC", "channels_first": "NCHW", "tf.function": "graph", "jit": "xla",
    "jit_compile": "xla", "x": "input", "image": "input", "w": "filter", "kernel": "filter", "weights": "filter",
}  # fmt: skip
"""Values that are called otherwise here."""
_HOMES: tuple[tuple[type[Strict], tuple[str, ...]], ...] = (
    (Case, ("a case",)), (Expect, ("`expect`",)), (Deviation, ("a deviation",)), (Observed, ("`observed`",)),
    (When, ("`when`", "`requires`")), (Tensor, ("`input`", "`filter`")),
)  # fmt: skip
_TOP = "at the top level of the file"


def near(name: str, known: Sequence[str]) -> str | None:
    """Return the known name that was probably meant; None if none is near."""
    folded = {one.lower(): one for one in reversed(known)}
    alike = [one for one in folded if one[:1] == name[:1].lower()]
    found = difflib.get_close_matches(name.lower(), folded, 1, NEAR) or difflib.get_close_matches(
        name.lower(), alike, 1, NEAR_ALIKE
    )
    return folded[found[0]] if found else None


def nearest(name: str, known: Sequence[str]) -> str:
    """Return a hint: the known name that was probably meant, or all of them if none is near and they are few."""
    if (found := near(name, known)) is not None:
        return f"did you mean {found!r}?"
    return (
        f"known here: {', '.join(known)}"
        if len(known) <= LISTED
        else "docs/writing-cases.md lists those that are known"
    )


def unknown_key(keys: Sequence[str | int]) -> str:
    """Return the diagnostic about a key that its mapping does not know: what it is called here, or where it belongs."""
    key = str(keys[-1])
    parents = [one for one in keys[:-1] if isinstance(one, str)]
    model = model_at(tuple(keys))
    known = list(model.model_fields)
    here, advice = _KEYS.get(key.lower(), ("", ""))
    if here is None or here in known:
        return f"unknown key; {advice}"
    if home := _home(key, model):
        return f"unknown key; `{key}` belongs {home}, not {_place(parents)}"
    if known == ["verbatim"]:
        return "unknown key; a mapping here is {verbatim: …}, which is passed on as it is"
    return f"unknown key; {nearest(key, known)}"


def _home(key: str, here: type[Strict]) -> str:
    """Return where a key may stand; empty if nowhere."""
    if key in CaseFileModel.model_fields:
        return _TOP
    homes = ["`defaults`"] if here is CaseFileModel and key in Defaults.model_fields else []
    homes += [word for model, words in _HOMES if key in model.model_fields for word in words]
    return "in " + " or ".join(filter(None, (", ".join(homes[:-1]), homes[-1]))) if homes else ""


def _place(parents: Sequence[str]) -> str:
    if not parents:
        return _TOP
    return {"cases": "in a case", "deviations": "in a deviation"}.get(
        parents[-1], f"in `{parents[-1]}`"
    )


def unknown_word(value: object, choices: Sequence[str]) -> str:
    """Return a hint about a value that is none of the choices; empty if nothing is near."""
    text = str(value)
    entry_point = ENTRY_POINTS.get(text)
    if entry_point is not None and entry_point.op in choices:
        via = "" if entry_point.is_default else f" and via: {text}"
        return f"; write op: {entry_point.op}{via}"
    if (alias := _WORDS.get(text.lower())) in choices:
        return f"; did you mean {alias!r}?"
    if (found := near(text, choices) or near(text.rpartition(".")[2], choices)) is not None:
        return f"; did you mean {found!r}?"
    within = [choice for choice in choices if len(text) > 2 and text.lower() in choice]
    return f"; did you mean {' or '.join(map(repr, within))}?" if 0 < len(within) < 4 else ""
