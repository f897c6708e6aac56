"""Every entry point × padding, stride and rate × gradient × relation × layout × mode, on the
installed TensorFlow.

Either the documentation holds, a shipped deviation explains the observation, or the case file is
refused.
"""

from itertools import product
from typing import get_args

import pytest

from support.performing import perform_all
from tf_conv_conformance.casefile.loading import load_text
from tf_conv_conformance.casefile.writer import case_text
from tf_conv_conformance.convolution.entry_points import ENTRY_POINTS
from tf_conv_conformance.convolution.names import MODES, RelationName
from tf_conv_conformance.explore.known_deviations import find_known, read_known

LAYOUTS = {
    "NHWC": [2, 7, 8, 4],
    "NCHW": [2, 4, 7, 8],
}  # a width that channels may be taken for shows: 8 make two groups
WITHOUT_HEIGHT = {"NHWC": [2, 8, 4], "NCHW": [2, 4, 8]}
EXPLICIT = {"NHWC": [[0, 0], [1, 2], [3, 0], [0, 0]], "NCHW": [[0, 0], [0, 0], [1, 2], [3, 0]]}
STEPS = [{"strides": 1, "rate": 1}, {"strides": 2}, {"strides": 1, "rate": 2}]
DTYPES = {
    "NHWC": ["float32", "half", "float64", "bfloat16"],
    "NCHW": ["float32", "float64"],
}  # half: as the processor has it
GRADIENTS = [{}, {"gradient": "input"}, {"gradient": "filter"}]
NO_PAIRS = ("tf.nn.convolution", "tf.nn.atrous_conv2d", "tf.nn.atrous_conv2d_transpose")


def cases_of(op, via, layout):
    """Return a case for each combination of padding and steps, and of relation and data.

    With one case each, a diagnostic for one combination does not hide another.

    Gradients, modes and dtypes take turns, and so do exact and real data with entry points.
    """
    common = {"op": op, "via": via, "input": LAYOUTS[layout], "filter": [3, 2, 4, 3]}
    has_height = ENTRY_POINTS[via].dimensions == 2
    if layout == "NCHW" or ".keras." in via:
        common["data_format"] = layout if has_height else layout.replace("H", "")
    if not has_height:
        common |= {"input": WITHOUT_HEIGHT[layout], "filter": [3, 4, 3]}
    dtypes = DTYPES[layout]
    paddings = [
        "SAME",
        "VALID",
        *([] if via in NO_PAIRS or not has_height else [EXPLICIT[layout]]),
        *(["same"] if ".keras." in via else []),
        *(["causal"] if via == "tf.keras.layers.Conv1D" else []),
    ]
    for (i, padding), (j, steps) in product(enumerate(paddings), enumerate(STEPS)):
        turns = {
            **GRADIENTS[(i + j) % 3],
            "modes": MODES[(i + 2 * j) % 3],
            "dtype": dtypes[(3 * i + j) % len(dtypes)],
        }
        yield {**common, **steps, **turns, "padding": padding}
    place = list(ENTRY_POINTS).index(via) + list(LAYOUTS).index(layout)
    for number, name in enumerate(get_args(RelationName)):
        data = ["small_integers", "reals"][(number + place) % 2]
        padding = "VALID" if name == "translation" else "SAME"
        steps = STEPS[2 if name == "zero-filled" else number % 3]
        turns = {
            "modes": MODES[(number + place) % 3],
            "dtype": ["float32", "float64"][(number + place) // 2 % 2],
        }
        yield {**common, **steps, **turns, "padding": padding, "relations": [name], "data": data}


@pytest.fixture(scope="module")
def known(repository):
    return read_known([repository / "cases"])


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize(
    ("op", "via"), [(entry.op, entry.symbol) for entry in ENTRY_POINTS.values()]
)
def test_no_fault_of_the_suite_is_blamed_on_tensorflow(tensorflow, known, op, via, layout):
    cases = [{"id": f"x{number}", **case} for number, case in enumerate(cases_of(op, via, layout))]
    loaded = [load_text(case_text(case)) for case in cases]
    calls = [call for one in loaded for call in one.calls]
    wrong = []
    for call, performed in zip(calls, perform_all(calls, tensorflow), strict=True):
        verdict = performed.verdict
        if not verdict.failing:
            continue
        if (
            verdict.kind == "suite error"
            or find_known(known, call, performed.observation, tensorflow.subject) is None
        ):
            wrong.append(
                f"{call.arguments} {call.mode} {call.relation}: {verdict.kind}: {verdict.reason}"
            )
    assert wrong == []
    assert len(calls) > len(cases) / 4 or (
        ENTRY_POINTS[via].needs_dilations and layout == "NCHW"
    )  # all diagnostics
