"""Case files with one case, from its keys, and the diagnostics of a text."""

from tf_conv_conformance.casefile.loading import load_text

GOOD = {
    "id": "x",
    "op": "conv2d",
    "input": "[1, 9, 9, 2]",
    "filter": "[3, 3, 2, 2]",
    "strides": "1",
    "padding": "SAME",
}


def one(**changes):
    """Return a file with one case, with each key on its own line, from line 2."""
    fields = {**GOOD, **changes}
    lines = [f"{key}: {value}" for key, value in fields.items() if value is not None]
    return "cases:\n  - " + "\n    ".join(lines) + "\n"


def diagnostics(text):
    return [diagnostic.at("f.yaml") for diagnostic in load_text(text).diagnostics]


DEVIATION = (
    "{rule: depthwise.unit-strides-when-atrous, observed: {model: phase_strided}, "
    "reported: unreported}"
)
