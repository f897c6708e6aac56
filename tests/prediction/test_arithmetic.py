"""Every equation in the text holds, and its sizes and paddings match the geometry."""

import re
from dataclasses import replace
from fractions import Fraction
from math import ceil, floor, trunc

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from tf_conv_conformance.convolution.geometry import Axis
from tf_conv_conformance.prediction.arithmetic import steps
from tf_conv_conformance.prediction.models import DOCUMENTED, PHASE_STRIDED

MODELS = [
    DOCUMENTED,
    PHASE_STRIDED,
    replace(DOCUMENTED, truncates_sizes=True),
    replace(PHASE_STRIDED, truncates_sizes=True),
]
PADDINGS = st.sampled_from(["SAME", "VALID"]) | st.tuples(st.integers(-3, 9), st.integers(-3, 9))
AXES = st.builds(
    Axis, st.integers(0, 40), st.integers(0, 7), st.integers(1, 9), st.integers(1, 9), PADDINGS
)
FUNCTIONS = {"ceil": ceil, "floor": floor, "trunc": trunc, "max": max, "Fraction": Fraction}


def value(expression, names):
    """Evaluate an expression of the text in exact arithmetic."""
    exact = re.sub(
        r"\d+", lambda number: f"Fraction({number[0]})", expression.replace(" mod ", " % ")
    )
    return eval(exact, FUNCTIONS, names)


def equations(lines):
    """Return the value of each name in the lines. Fails if the expressions of a line are not all
    equal.
    """
    names = {name: Fraction(number) for name, number in re.findall(r"\b([nksr]) = (\d+)", lines[0])}
    assert names.keys() == set("nksr")
    for line in lines[1:]:
        name, *expressions = re.split(r"[:,](?!.*=) ?|, whatever| with padding", line)[0].split(
            " = "
        )
        assert expressions, line
        values = {value(expression, names) for expression in expressions}
        assert len(values) == 1, line
        names[name] = values.pop()
    return names


@settings(deadline=None)
@given(st.sampled_from(MODELS), AXES)
@example(PHASE_STRIDED, Axis(7, 3, 9, 5, "VALID"))
@example(PHASE_STRIDED, Axis(1, 7, 1, 1, "VALID"))
@example(DOCUMENTED, Axis(24, 4, 4, 3, "SAME"))
def test_every_equation_holds_and_ends_in_the_geometry(model, axis):
    lines = steps(model, axis)
    names = equations(lines)
    size = model.size(axis, model.truncates_sizes)
    assert names["out"] == size
    assert sum(line.startswith("out = ") for line in lines) == 1
    assert any("no such tensor exists" in line for line in lines) == (size < 0)
    if axis.padding == "SAME":
        before, after = model.padding(axis)
        assert names["padding"] == before + after
        assert any(line.endswith(f": {before} before and {after} after") for line in lines)


@pytest.mark.parametrize(
    ("model", "axis", "expected"),
    [
        (
            DOCUMENTED,
            Axis(24, 4, 4, 3, "VALID"),
            [
                "input size n = 24, filter size k = 4, stride s = 4, rate r = 3, padding VALID",
                "out = ceil((n - (k-1)*r) / s) = ceil((24 - (4-1)*3) / 4) = ceil(15 / 4) = 4",
            ],
        ),
        (
            DOCUMENTED,
            Axis(24, 4, 4, 3, "SAME"),
            [
                "input size n = 24, filter size k = 4, stride s = 4, rate r = 3, padding SAME",
                "out = ceil(n / s) = ceil(24 / 4) = 6",
                "n mod s = 24 mod 4 = 0, so s takes its place",
                (
                    "padding = max((k-1)*r + 1 - s, 0) = max((4-1)*3 + 1 - 4, 0) = 6: 3 "
                    "before and 3 after"
                ),
            ],
        ),
        (
            DOCUMENTED,
            Axis(9, 4, 2, 1, "SAME"),
            [
                "input size n = 9, filter size k = 4, stride s = 2, rate r = 1, padding SAME",
                "out = ceil(n / s) = ceil(9 / 2) = 5",
                "n mod s = 9 mod 2 = 1",
                (
                    "padding = max((k-1)*r + 1 - n mod s, 0) = max((4-1)*1 + 1 - 1, 0) = "
                    "3: 1 before and 2 after"
                ),
            ],
        ),
        (
            DOCUMENTED,
            Axis(24, 4, 4, 3, (1, 2)),
            [
                (
                    "input size n = 24, filter size k = 4, stride s = 4, rate r = 3, "
                    "padding 1 before and 2 after"
                ),
                "n = 24 + 1 + 2 = 27 with padding",
                "out = ceil((n - (k-1)*r) / s) = ceil((27 - (4-1)*3) / 4) = ceil(18 / 4) = 5",
            ],
        ),
        (
            PHASE_STRIDED,
            Axis(24, 4, 4, 3, "VALID"),
            [
                "input size n = 24, filter size k = 4, stride s = 4, rate r = 3, padding VALID",
                (
                    "e = (-n) mod r = (-24) mod 3 = 0: zeros added so that r divides n + "
                    "e, and cropped again"
                ),
                (
                    "m = floor(((n+e)/r - k) / s) + 1 = floor(((24+0)/3 - 4) / 4) + 1 = "
                    "floor(4 / 4) + 1 = 2: outputs of each of the 3 phases"
                ),
                "out = r*m - e = 3*2 - 0 = 6",
            ],
        ),
        (
            PHASE_STRIDED,
            Axis(7, 3, 2, 2, "SAME"),
            [
                "input size n = 7, filter size k = 3, stride s = 2, rate r = 2, padding SAME",
                "padding = (k-1)*r = (3-1)*2 = 4, whatever the stride: 2 before and 2 after",
                "n = 7 + 2 + 2 = 11 with padding",
                (
                    "e = (-n) mod r = (-11) mod 2 = 1: zeros added so that r divides n + "
                    "e, and cropped again"
                ),
                (
                    "m = floor(((n+e)/r - k) / s) + 1 = floor(((11+1)/2 - 3) / 2) + 1 = "
                    "floor(3 / 2) + 1 = 2: outputs of each of the 2 phases"
                ),
                "out = r*m - e = 2*2 - 1 = 3",
            ],
        ),
    ],
)
def test_steps_are_written_out(model, axis, expected):
    assert list(steps(model, axis)) == expected


@pytest.mark.parametrize(
    ("model", "axis", "last"),
    [
        (
            DOCUMENTED,
            Axis(3, 5, 1, 2, "VALID"),
            "out = ceil((n - (k-1)*r) / s) = ceil((3 - (5-1)*2) / 1) = ceil(-5 / 1) = -5",
        ),
        (PHASE_STRIDED, Axis(7, 3, 9, 5, "VALID"), "out = r*m - e = 5*0 - 3 = -3"),
        (PHASE_STRIDED, Axis(1, 7, 1, 1, "VALID"), "out = m = -5"),
        (
            DOCUMENTED,
            Axis(4, 1, 1, 1, (-6, 0)),
            "out = ceil((n - (k-1)*r) / s) = ceil((-2 - (1-1)*1) / 1) = ceil(-2 / 1) = -2",
        ),
    ],
)
def test_a_negative_size_gets_a_remark(model, axis, last):
    assert steps(model, axis)[-1] == last + ": no such tensor exists"
