"""A real TensorFlow with built-in faults, and deliberately wrong cases: only the affected calls get
another verdict.
"""

import re
import sys
from pathlib import Path

import pytest

from support.performing import perform_all
from tf_conv_conformance.casefile.loading import load
from tf_conv_conformance.prediction.rules.rule import DOCUMENTED_SYMBOLS
from tf_conv_conformance.subject.definition import Definition
from tf_conv_conformance.subject.errors import SubjectUnavailableError
from tf_conv_conformance.subject.gateway import Gateway
from tf_conv_conformance.verdict.perform import perform

HERE = Path(__file__).parents[1]
ODD, DILATED, WIDE = (
    ("odd[eager]", "odd[graph]"),
    ("dilated[eager]", "dilated[graph]"),
    ("wide[eager]",),
)
ALL = (*ODD, *DILATED, "first[xla]", *WIDE, "atrous[eager]")
TRACED = {"odd[graph]": "violates", "dilated[graph]": "violates"}
VERDICTS = {
    "none": {},
    "same-before": dict.fromkeys(ODD, "violates"),
    "nchw-read-as-nhwc": {"first[xla]": "violates"},
    "dilation-ignored": dict.fromkeys((*DILATED, *WIDE), "violates"),
    "tf32": dict.fromkeys(ALL, "violates"),
    "segfault": dict.fromkeys(WIDE, "crashed"),
    "hang": dict.fromkeys(WIDE, "timed out"),
    "warning-lost": {"atrous[eager]": "violates"},
    "static-width": {**TRACED, "first[xla]": "violates"},
    "static-same-floored": {"odd[graph]": "violates"},
    "static-height-lost": {**TRACED, "first[xla]": "violates"},
    "static-rank-lost": {**TRACED, "first[xla]": "violates"},
}
"""For each fault, the calls of faults/cases.yaml whose verdict differs from the verdict without it.
"""


def read(name):
    loaded = load(HERE / name)
    assert not loaded.diagnostics
    return loaded.calls


def gateway(fault, time_limit=60):
    return Gateway(
        DOCUMENTED_SYMBOLS,
        time_limit,
        Definition("fault", (sys.executable, str(HERE / "faults" / "subject.py"), fault)),
    )


@pytest.fixture(scope="module")
def with_faults(tmp_path_factory):
    """A TensorFlow that gets other faults for each test."""
    names = tmp_path_factory.mktemp("faults") / "names"
    subject = gateway(f"@{names}")

    def with_faults(*faults, time_limit=60):
        names.write_text(",".join(faults), encoding="utf-8")
        subject.time_limit = time_limit
        return subject

    yield with_faults
    subject.close()


@pytest.mark.tensorflow
@pytest.mark.parametrize("fault", VERDICTS)
def test_a_fault_costs_the_calls_that_it_alters_and_no_other(with_faults, fault):
    calls = read("faults/cases.yaml")
    assert tuple(call.name for call in calls) == ALL
    performed = perform_all(calls, with_faults(fault, time_limit=3 if fault == "hang" else 60))
    right = {name: "deviates" if name.startswith("atrous") else "conforms" for name in ALL}
    assert {
        call.name: one.verdict.kind for call, one in zip(calls, performed, strict=True)
    } == right | VERDICTS[fault]


DERIVED = {
    "second-derivative-loses-row": ["second[graph]", "second-by[graph]"],
    "jvp-of-first-element": ["jvp[graph]"],
    "vectorized-without-padding": ["vectorized[graph]"],
    "recomputed-twice": ["recomputed[graph]"],
    "captured-variable-read-once": ["captured[graph]"],
    "name-lost": ["named[graph]"],
    "first-shape-kept": ["again[graph-retraced]"],
    "race": ["thread[eager-threads]"],
}
"""Faults of transformations, state and threads, and the calls of faults/derived.yaml that fail."""


WITHOUT_HEIGHT = {
    "conv1d-drops-batch": ["one[eager]"],
    "conv1d-batch-dimensions": ["batches[eager]"],
    "conv1d-stride-list": ["listed[eager]"],
    "causal-behind": ["causal[eager]"],
    "causal-undilated": ["causal-dilated[eager]"],
    "keras-1d-dilation": ["dilated[eager]"],
    "separable-pointwise": ["pointwise[eager]"],
}
"""Faults of entry points without height, and the calls of faults/without_height.yaml that fail."""


COMPANY = {
    "fused-bias-dropped": ["biased[graph]"],
    "fused-clips-first": ["clipped[graph]"],
    "fused-relu6-as-relu": ["limited[graph]"],
    "fused-relu6-as-minimum": ["kept[graph]"],
    "batch-norm-epsilon": ["normal[graph]"],
    "fused-add-dropped": ["added[graph]"],
    "between-two-convolutions": ["two[graph]"],
    "layout-not-undone": ["layout[graph]"],
    "mixed-precision-of-few-bits": ["casted[graph]"],
    "layout-of-strides-not-changed": ["moved[graph]"],
    "fused-pad-dropped": ["padded[graph]"],
    "fused-pad-swapped": ["sided[graph]"],
    "gradient-not-masked": ["masked[graph]"],
    "gradient-of-relu6-as-relu": ["above[graph]"],
    "gradient-without-scale": ["scaled[graph]"],
    "gradient-of-pad-swapped": ["taken[graph]"],
}
"""Faults of what is around a convolution, and the calls of faults/company.yaml that fail."""


@pytest.mark.tensorflow
@pytest.mark.parametrize(
    ("file", "faults"),
    [("derived", DERIVED), ("without_height", WITHOUT_HEIGHT), ("company", COMPANY)],
)
def test_faults_of_further_kinds_cost_their_own_calls(with_faults, file, faults):
    """No two of them alter the same call, so one process has them all."""
    calls = read(f"faults/{file}.yaml")
    performed = perform_all(calls, with_faults(*faults))
    kinds = {call.name: one.verdict.kind for call, one in zip(calls, performed, strict=True)}
    kinds = {name: kind for name, kind in kinds.items() if kind != "unsupported"}
    wrong = [name for names in faults.values() for name in names]
    assert kinds == {name: "violates" if name in wrong else "conforms" for name in kinds}


@pytest.mark.tensorflow
def test_a_result_that_changes_from_call_to_call_is_flaky(with_faults):
    """Every third eager arm is wrong, so a call and its repetition differ in another arm."""
    (call,) = (call for call in read("faults/cases.yaml") if call.name == "dilated[eager]")
    subject = with_faults("every-third-differs")
    kinds = [perform(call, subject).verdict.kind for _ in range(3)]
    assert "flaky" in kinds
    assert set(kinds) <= {"conforms", "flaky"}


def test_an_unknown_fault_is_refused():
    subject = gateway("strides-swaped")
    with pytest.raises(SubjectUnavailableError, match="no fault is named 'strides-swaped'"):
        subject.subject  # noqa: B018
    subject.close()


WRONG = read("wrong/on_purpose.yaml")


@pytest.mark.parametrize("call", WRONG, ids=[call.name for call in WRONG])
def test_a_case_that_is_wrong_on_purpose(call, tensorflow):
    verdict = perform(call, tensorflow).verdict
    assert verdict.kind == call.case.id.partition(".")[0]
    assert re.search(call.case.notes, verdict.reason)
