"""Every entry point × padding, stride and rate × gradient × relation × layout × mode, on the installed TensorFlow.

The documentation holds, a shipped deviation explains what comes out, or the reader of case files complains: there is no fourth.
"""

from itertools import product
from typing import get_args

import pytest

from tf_conv_conformance.casefile.loading import load_text
from tf_conv_conformance.explore.known import foretelling, read_known
from tf_conv_conformance.question import case_text
from tf_conv_conformance.runner import perform_all
from tf_conv_conformance.vocabulary import DOORS, MODES, RelationName

LAYOUTS = {"NHWC": [2, 8, 7, 4], "NCHW": [2, 4, 8, 7]}
EXPLICIT = {"NHWC": [[0, 0], [1, 2], [3, 0], [0, 0]], "NCHW": [[0, 0], [0, 0], [1, 2], [3, 0]]}
STEPS = [{"strides": 1, "rate": 1}, {"strides": 2}, {"strides": 1, "rate": 2}]
DTYPES = ["float32", "half", "float64", "bfloat16"]


def cases_of(op, via, layout):
    """One case for each combination, so that a complaint about one hides no other; dtypes and modes take turns."""
    common = {"op": op, "via": via, "input": LAYOUTS[layout], "filter": [3, 2, 4, 3]}
    if layout == "NCHW" or ".keras." in via:
        common["data_format"] = layout
    paddings = ["SAME", "VALID", EXPLICIT[layout], *(["same"] if ".keras." in via else [])]
    for number, (padding, steps, gradient) in enumerate(product(paddings, STEPS, [None, "input", "filter"])):
        extra = {"gradient": gradient} if gradient else {}
        yield {**common, **steps, **extra, "padding": padding, "dtype": DTYPES[number % 4], "modes": MODES[number % 3]}
    names = get_args(RelationName)
    for number, (name, steps, data) in enumerate(product(names, STEPS, ["small_integers", "reals"])):
        padding = "VALID" if name == "translation" else "SAME"
        extra = {"relations": [name], "data": data, "dtype": DTYPES[number % 2 * 2]}
        yield {**common, **steps, **extra, "padding": padding, "modes": MODES[number % 3]}


@pytest.fixture(scope="module")
def known(repository):
    return read_known([repository / "cases"])


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize(("op", "via"), [(op, via) for op, doors in DOORS.items() for via in doors])
def test_no_call_is_blamed_on_tensorflow_that_is_not_its_own(tensorflow, known, op, via, layout):
    cases = [{"id": f"x{number}", **case} for number, case in enumerate(cases_of(op, via, layout))]
    loaded = [load_text(case_text(case)) for case in cases]
    calls = [call for one in loaded for call in one.calls]
    wrong = []
    for call, performed in zip(calls, perform_all(calls, tensorflow), strict=True):
        verdict = performed.verdict
        if not verdict.failing:
            continue
        if verdict.kind == "suite error" or foretelling(known, call, performed.observation, tensorflow.subject) is None:
            wrong.append(f"{call.arguments} {call.mode} {call.relation}: {verdict.kind}: {verdict.reason}")
    assert wrong == []
    assert len(calls) > len(cases) / 4
