"""Literal reals, as people paste them from reports, are rounded to the dtype and compared within
the bound.
"""

import numpy as np
import pytest

from support.performing import perform_all
from tf_conv_conformance.casefile.loading import load_text
from tf_conv_conformance.convolution.dtypes import as_numbers, encode
from tf_conv_conformance.prediction.models import DOCUMENTED
from tf_conv_conformance.prediction.predict import predict
from tf_conv_conformance.prediction.reproduction import python
from tf_conv_conformance.subject.observation import Answer, Observation
from tf_conv_conformance.verdict.judge import judge

CASES = """
defaults: {op: conv2d, padding: SAME, data: reals}
cases:
  - id: dtypes
    input: {shape: [1, 2, 3, 1], values: [0.1, 0.2, 0.3, -0.4, 0.5, 1.1]}
    filter: &kernel {shape: [2, 2, 1, 1], values: [0.1, -0.2, 0.7, 0.31]}
    sweep: {dtype: [half, bfloat16, float32, float64], op: [conv2d, depthwise_conv2d]}
    modes: [eager, xla]
  - id: one-random-tensor
    input: [2, 6, 7, 1]
    filter: *kernel
    sweep: {gradient: [input, filter]}
    modes: graph
  - id: not-finite
    input: {shape: [1, 3, 3, 1], values: [0.1, .inf, 0.3, 0.4, 0.5, 0.6, 0.7, .nan, 0.9]}
    filter: *kernel
    padding: VALID
  - id: flushed-on-the-way
    input: {shape: [1, 2, 2, 1], values: [1.2e-38, 2.3e-36, 1.4e-36, 1.5e-36]}
    filter: *kernel
  - id: stated
    input: {shape: [1, 1, 3, 1], values: [0.1, 0.2, 0.3]}
    filter: {shape: [1, 1, 1, 1], values: [0.3]}
    expect: {values: [0.03, 0.06, 0.09]}
  - id: box-with-values
    data: small_integers
    input: {shape: [1, 3, 3, 1], values: [1, 2, 3, 4, 5, 6, 7, 8, 9]}
    filter: {shape: [2, 2, 1, 1], values: [1, 1, 1, 1]}
    padding: VALID
    expect: {values: [12, 16, 24, 28]}
"""
STATED = """
cases:
  - {id: x, op: conv2d, input: {values: [[[[0.1], [0.7]]]]}, filter: {values: [[[[0.3]]]]},
     padding: VALID, data: %s, expect: {values: %s}}
"""


def test_tensorflow_keeps_to_the_bound(tensorflow, calls):
    made = list(calls(CASES).values())
    performed = perform_all(made, tensorflow)
    assert {
        call.name: one.verdict.reason
        for call, one in zip(made, performed, strict=True)
        if one.verdict.kind != "conforms"
    } == {}


@pytest.mark.parametrize("dtype", ["half", "bfloat16", "float32"])
def test_tensorflow_oracle_and_printed_program_use_the_same_numbers(calls, dtype):
    call = calls(CASES)[f"dtypes[conv2d-{dtype}-eager]"]
    (arm,), name = predict(call.arguments).arms, call.arguments.dtype
    for tensor in arm.arrays(call.arguments):
        assert np.array_equal(as_numbers(encode(tensor, name), name), tensor)
    lines = python(call.arguments, "eager", arm).splitlines()
    names = {}
    exec(
        "\n".join(line for line in lines if line.startswith(("import numpy", "rng", "x =", "w ="))),
        names,
    )
    for drawn, printed in zip(arm.arrays(call.arguments), (names["x"], names["w"]), strict=True):
        assert np.array_equal(drawn, printed)


@pytest.mark.parametrize(
    ("factor", "kind"), [(1 + 2**-24, "conforms"), (1 + 2**-20, "violates"), (np.inf, "violates")]
)
def test_a_result_beyond_the_bound_violates(calls, factor, kind):
    call = calls(CASES)["dtypes[conv2d-float32-eager]"]
    right = predict(call.arguments).values(DOCUMENTED)[0].numbers
    observed = Observation(
        "answered", (Answer(values=(right * factor).astype(np.float32), dtype="float32"),)
    )
    assert judge(call, predict(call.arguments), observed, {}).kind == kind


@pytest.mark.parametrize(
    ("stated", "kind"),
    [
        ("[0.03, 0.21]", "conforms"),
        ("[0.030000001, 0.21000001]", "conforms"),
        ("[0.03, 0.2]", "unexpected"),
    ],
)
def test_stated_results_may_differ_by_the_bound_and_one_rounding(calls, stated, kind):
    call = calls(STATED % ("reals", stated))["x[eager]"]
    result = np.float32([[[[0.1], [0.7]]]]) * np.float32(0.3)
    assert (
        judge(
            call,
            predict(call.arguments),
            Observation("answered", (Answer(values=result, dtype="float32"),)),
            {},
        ).kind
        == kind
    )


@pytest.mark.parametrize(
    ("data", "stated", "expected"),
    [
        (
            "small_integers",
            "[0.03, 0.21]",
            "is not exact in float32; write `data: [reals]` to compare the result "
            "within a rounding bound, or use",
        ),
        (
            "reals",
            "[0.03, 0.21, 1]",
            "no model predicts 3 values for this call, so there is no bound for "
            "reals; expect only the `shape`",
        ),
        ("[reals], dtype: half, gradient: input", "[1, 1e6]", None),
        ("reals, dtype: int32", "[0.03, 0.21]", "int32 holds only integers; leave out `reals`"),
    ],
)
def test_reals_without_a_bound_are_refused(data, stated, expected):
    diagnostics = [
        diagnostic.message for diagnostic in load_text(STATED % (data, stated)).diagnostics
    ]
    assert diagnostics == [] if expected is None else expected in diagnostics[0]


def test_a_value_beyond_its_dtype_is_refused():
    (diagnostic,) = load_text((STATED % ("reals", "[1, 2]")).replace("0.7", "1e39")).diagnostics
    assert (
        diagnostic.message
        == "the value 1e+39 of `input` exceeds the largest number of float32, 3.403e+38"
    )
