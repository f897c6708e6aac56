"""Perform calls: make them on a subject and judge them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tf_conv_conformance.casefile.call import Call
from tf_conv_conformance.casefile.expectations import When
from tf_conv_conformance.convolution.modes import EXTRAS, RUNTIMES, needs_tensorflow
from tf_conv_conformance.prediction.predict import predict
from tf_conv_conformance.prediction.relations import is_across_subjects, others_of
from tf_conv_conformance.subject.errors import SubjectUnavailableError
from tf_conv_conformance.subject.interface import Subject
from tf_conv_conformance.subject.observation import Observation
from tf_conv_conformance.verdict.comparison import ending
from tf_conv_conformance.verdict.deviations import outside, unmet
from tf_conv_conformance.verdict.judge import judge
from tf_conv_conformance.verdict.kinds import HOLDS
from tf_conv_conformance.verdict.relation_verdict import judge_relation
from tf_conv_conformance.verdict.requests import own_request, requests
from tf_conv_conformance.verdict.subjects_verdict import Side, judge_subjects
from tf_conv_conformance.verdict.verdict import Verdict

ONE_SUBJECT = (
    "two subjects to compare; name each on the command line, as in "
    "--tf-subject 'off = TF_ENABLE_ONEDNN_OPTS=0' --tf-subject 'on = TF_ENABLE_ONEDNN_OPTS=1'"
)


@dataclass(frozen=True)
class CallResult:
    """The verdict on a call, and its observation.

    The observation is None if the subject lacks what the case requires.
    """

    verdict: Verdict
    observation: Observation | None


@dataclass(frozen=True)
class OtherSubject:
    """The subject with which another one, of the name `own_name`, is compared."""

    own_name: str
    name: str
    subject: Subject


def perform(
    call: Call,
    subject: Subject,
    observe: Callable[[], Sequence[Observation]] | None = None,
    is_measured: bool = True,
    other: OtherSubject | None = None,
) -> CallResult:
    """Make a call and judge it.

    `observe` returns the observations of its :func:`requests`. By default, the subject makes them.
    A call that fails is made once more. If the answer changes, the verdict is *flaky*. If the suite
    fails in the second call, it is a *suite error*, since the failure is not confirmed. Where the
    deviations of a case were not measured, it is *unmeasured* that one was not observed. The
    relation `subjects` compares the result with that of the `other` subject.
    """
    if (lacking := lacks(call, subject) or _lacks_other(call, other)) is not None:
        return CallResult(Verdict("unsupported", f"requires {lacking}"), None)
    observation, *answers = observe() if observe is not None else subject.calls(requests(call))
    prediction, facts = predict(call.arguments), subject.subject
    if other is not None and is_across_subjects(call.relation):
        own = Side(other.own_name, facts, observation)
        return CallResult(judge_subjects(call, prediction, own, _side(call, other)), observation)
    if call.relation is not None:
        others = others_of(call.relation, call.arguments, call.mode)
        verdict = judge_relation(call, prediction, observation, others, answers, facts)
        return CallResult(verdict, observation)
    verdict = judge(call, prediction, observation, facts)
    if not verdict.failing or observation.kind in ("timed out", "suite error"):
        return CallResult(verdict, observation)
    verdict = _confirmed(call, verdict, observation, subject)
    if verdict.kind == "resolved" and not is_measured:
        verdict = replace(verdict, kind="unmeasured", reason=_unmeasured(verdict.rules[0]))
    return CallResult(verdict, observation)


def _unmeasured(rule: str) -> str:
    deviation = f"the case declares a deviation from {rule}"
    return f"{HOLDS}; {deviation}, which no run on such a subject has measured"


def lacks(call: Call, subject: Subject) -> str | None:
    """Return what the call's case or its mode requires and the subject lacks, if anything."""
    if call.case.requires and (lacking := unmet(call.case.requires, subject.subject)) is not None:
        return lacking
    entry_point = call.arguments.entry_point
    is_function = entry_point.is_keras and not entry_point.is_layer  # which Keras 2 does not have
    if is_function and (lacking := unmet(When(keras=">=3"), subject.subject)) is not None:
        return lacking
    if subject.subject["tensorflow"] is None:
        return _lacks_tensorflow(call)
    for package, wanted in RUNTIMES.get(call.mode, {}).items():
        if (without := outside(package, wanted, subject.subject)) is not None:
            needed = f"{package} {wanted}".strip()
            lacking = f"{needed} for the mode {call.mode}, but the subject has {without}"
            return f"{lacking}{_advice(package)}"
    return None


def _side(call: Call, other: OtherSubject) -> Side:
    """Make a call on the other subject. If that cannot be started again, the call is not judged."""
    facts = other.subject.subject
    try:
        return Side(other.name, facts, observe(call, other.subject))
    except SubjectUnavailableError as error:
        return Side(other.name, facts, Observation("suite error", last_output=error.brief))


def _lacks_other(call: Call, other: OtherSubject | None) -> str | None:
    """Return what a comparison of subjects lacks."""
    if not is_across_subjects(call.relation):
        return None
    if other is None:
        return ONE_SUBJECT
    lacking = lacks(call, other.subject)
    return f"on {other.name} {lacking}" if lacking else None


def _advice(package: str) -> str:
    """Return how to install what a mode needs; nothing if it comes with TensorFlow."""
    extra = EXTRAS.get(package)
    return f"; pip install 'tf-conv-conformance[{extra}]'" if extra else ""


def _lacks_tensorflow(call: Call) -> str | None:
    """Return why Keras cannot make a call without TensorFlow, or another call of its relation."""
    made = [(call.arguments, call.mode)]
    if call.relation is not None:
        others = others_of(call.relation, call.arguments, call.mode)
        made += [(other.arguments, other.mode) for other in others]
    for arguments, mode in made:
        if (need := needs_tensorflow(arguments, mode)) is not None:
            return f"tensorflow for {need}, but the subject has no tensorflow"
    return None


def _confirmed(call: Call, verdict: Verdict, observation: Observation, subject: Subject) -> Verdict:
    """Make a call that fails again, and return its verdict.

    After a crash, the second call has a fresh worker. So it shows whether this call caused the
    crash, or an earlier one.
    """
    again = observe(call, subject)
    if same(observation, again):
        return verdict
    if again.kind == "suite error":
        reason = f"in a second call, {ending(again)}; the first: {verdict.reason}"
        return Verdict("suite error", reason)
    alike = again.answers and forms(observation) == forms(again)
    second = "the same shape and dtype, but other values" if alike else ending(again)
    reason = f"a second call gave {second}; the first: {verdict.reason}"
    return replace(verdict, kind="flaky", reason=reason)


def forms(observation: Observation) -> tuple[object, ...]:
    """Return an observation without its values."""
    answers = [
        (answer.shape, answer.dtype, answer.known, answer.error) for answer in observation.answers
    ]
    return observation.kind, answers


def observe(call: Call, subject: Subject) -> Observation:
    """Make a call with its own data, and return the observation."""
    (observation,) = subject.calls([own_request(call)])
    return observation


def same(one: Observation, other: Observation) -> bool:
    """Return whether two observations are the same, bit for bit."""
    if one.kind != other.kind or one.unanswered != other.unanswered:
        return False
    return len(one.answers) == len(other.answers) and all(
        (a.error, a.dtype, a.known) == (b.error, b.dtype, b.known)
        and _same_bits(a.values, b.values)
        for a, b in zip(one.answers, other.answers, strict=True)
    )


def _same_bits(one: NDArray[Any] | None, other: NDArray[Any] | None) -> bool:
    if one is None or other is None:
        return one is other
    if one.shape != other.shape:
        return False
    return np.ascontiguousarray(one).tobytes() == np.ascontiguousarray(other).tobytes()
