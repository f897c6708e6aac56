"""Performing calls: which are made twice, and which not at all, on a subject with faults."""

from dataclasses import replace

import numpy as np
import pytest

from support.observations import CONV2D, SUBJECT, eager
from tf_conv_conformance.subject.observation import Answer, Observation
from tf_conv_conformance.verdict.comparison import ending
from tf_conv_conformance.verdict.perform import lacks, perform, same


class Subject:
    """A subject that returns the given observations in turn, and counts calls."""

    def __init__(self, *answers):
        self.subject, self.documentation, self.answers, self.heads = SUBJECT, {}, list(answers), []

    def call(self, head, arrays):
        self.heads.append((head, arrays))
        return self.answers.pop(0)

    def calls(self, requests):
        return (self.call(request.head, request.arrays) for request in requests)

    def close(self):
        """Nothing to end."""


def answer(number, shape=(1, 4, 3, 3)):
    return Observation(
        "answered", (Answer(values=np.full(shape, number, np.float32), dtype="float32"),) * 2
    )


@pytest.mark.parametrize(("second", "kind"), [(1.0, "violates"), (2.0, "flaky")])
def test_a_failing_call_is_made_once_more(calls, second, kind):
    subject = Subject(answer(1.0), answer(second))
    performed = perform(eager(calls, CONV2D), subject)
    assert performed.verdict.kind == kind
    assert subject.answers == []


@pytest.mark.parametrize(
    ("second", "words"),
    [
        (answer(2.0), "the same shape and dtype, but other values"),
        (answer(1.0, shape=(1, 3, 4, 3)), "float32 of shape [1, 3, 4, 3]"),
    ],
)
def test_a_flaky_call_says_what_the_second_call_gave(calls, second, words):
    performed = perform(eager(calls, CONV2D), Subject(answer(1.0), second))
    assert performed.verdict.reason.startswith(f"a second call gave {words}; the first: ")


def test_answers_with_nan_in_the_same_places_are_the_same():
    assert same(answer(np.nan), answer(np.nan))
    assert not same(answer(1.0), answer(1.0, shape=(1, 3, 4, 3)))
    assert not same(answer(1.0), Observation("crashed", signal="SIGFPE"))


CRASH = Observation("crashed", signal="SIGFPE")


@pytest.mark.parametrize(
    ("second", "kind"),
    [
        (CRASH, "crashed"),
        (Observation("crashed", signal="SIGABRT"), "flaky"),
        (answer(1.0), "flaky"),
    ],
)
def test_a_call_that_crashed_is_repeated_in_a_fresh_worker(calls, second, kind):
    """This distinguishes a crash of this call from one that an earlier call caused."""
    subject = Subject(CRASH, second)
    assert perform(eager(calls, CONV2D), subject).verdict.kind == kind
    assert subject.answers == []


FAILED = [
    Observation("suite error", exit_status=1),
    Observation("suite error", protocol_error="no JSON"),
]


@pytest.mark.parametrize("failed", FAILED)
def test_a_failure_of_the_suite_is_no_verdict_on_tensorflow(calls, failed):
    """Neither alone, nor in the repetition of a call that fails."""
    assert perform(eager(calls, CONV2D), Subject(failed)).verdict.kind == "suite error"
    for first in (answer(1.0), CRASH):
        verdict = perform(eager(calls, CONV2D), Subject(first, failed)).verdict
        assert (verdict.kind, verdict.rules) == ("suite error", ())
        assert verdict.reason.startswith(f"in a second call, {ending(failed)}; the first: ")


def test_a_call_that_timed_out_is_not_repeated(calls):
    subject = Subject(Observation("timed out", time_limit=60.0))
    assert perform(eager(calls, CONV2D), subject).verdict.kind == "timed out"


def test_a_call_that_the_subject_does_not_support_is_not_made(calls):
    subject = Subject()
    performed = perform(eager(calls, CONV2D[:-1] + ", requires: {device: gpu}}"), subject)
    assert (performed.verdict.kind, performed.observation, subject.heads) == (
        "unsupported",
        None,
        [],
    )


@pytest.mark.parametrize(
    ("mode", "facts", "needed"),
    [
        ("saved_model", {"tensorflow": "1.15.5"}, "tensorflow >=2"),
        ("tflite-reference", {"tflite": "2.4.4"}, "tflite >=2.5"),
        ("litert", {"litert": None}, "litert"),
        ("onnx", {"onnxruntime": None}, "onnxruntime"),
    ],
)
def test_a_mode_that_the_subject_is_too_old_for_is_not_made(calls, mode, facts, needed):
    (call,) = calls(f"{CONV2D[:-1]}, modes: {mode}}}").values()
    subject = Subject()
    subject.subject = {**SUBJECT, **facts}
    verdict = perform(call, subject).verdict
    assert (verdict.kind, subject.heads) == ("unsupported", [])
    ((package, version),) = facts.items()
    has = f"{package} {version}" if version else f"no {package}"
    advice = "" if version else f"; pip install 'tf-conv-conformance[{mode}]'"
    reason = f"requires {needed} for the mode {mode}, but the subject has {has}{advice}"
    assert verdict.reason == reason


def test_the_data_of_each_arm_is_sent_with_its_dtypes(calls):
    call = eager(calls, CONV2D[:-1] + ", filter_dtype: float64}")
    subject = Subject(CRASH, CRASH)
    perform(call, subject)
    head, arrays = subject.heads[0]
    assert head["dtypes"] == ["float32", "float64"]
    assert [array.dtype.name for array in arrays] == ["float32", "float64"] * 2
    assert [array.shape for array in arrays[:2]] == [(1, 7, 6, 2), (3, 2, 2, 3)]


def test_a_gradient_sends_its_upstream_gradient(calls):
    call = eager(calls, CONV2D)
    call = replace(call, arguments=replace(call.arguments, gradient="filter"))
    subject = Subject(CRASH, CRASH)
    perform(call, subject)
    head, arrays = subject.heads[0]
    assert head["gradient"] == "filter"
    assert [array.shape for array in arrays[:3]] == [(1, 7, 6, 2), (3, 2, 2, 3), (1, 4, 3, 3)]


@pytest.mark.parametrize(
    ("keras", "has"), [(None, "no keras"), ("2.15.0", "keras 2.15.0"), ("3.0.5", None)]
)
def test_the_functions_of_keras_need_keras_3(calls, keras, has):
    call = eager(calls, CONV2D.replace("rate: [1, 2]", "via: keras.ops.conv"))
    subject = Subject(answer(1.0))
    subject.subject = {**SUBJECT, "keras": keras}
    expected = has and f"keras >=3, but the subject has {has}"
    assert lacks(call, subject) == expected
