"""Make random calls and judge them: as documented, a known deviation, or new."""

from __future__ import annotations

import traceback
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Literal, get_args

from tf_conv_conformance.casefile.call import Call
from tf_conv_conformance.convolution.arguments import Arguments, TensorSpec
from tf_conv_conformance.convolution.names import CONVERTED_MODES, Gradient, Mode
from tf_conv_conformance.explore.edges import edges, generalizes
from tf_conv_conformance.explore.known_deviations import (
    KnownDeviation,
    find_known,
    find_known_shape,
)
from tf_conv_conformance.explore.signature import ObservedOutcome, outcome_of
from tf_conv_conformance.prediction.literals import InexactDataError
from tf_conv_conformance.prediction.predict import predict
from tf_conv_conformance.subject.errors import SubjectUnavailableError
from tf_conv_conformance.subject.interface import Subject
from tf_conv_conformance.subject.observation import Observation
from tf_conv_conformance.subject.request import Request
from tf_conv_conformance.verdict.comparison import ending
from tf_conv_conformance.verdict.judge import judge
from tf_conv_conformance.verdict.perform import CallResult, forms, observe, perform, same
from tf_conv_conformance.verdict.requests import own_request
from tf_conv_conformance.verdict.static_shapes import is_about_static_shape
from tf_conv_conformance.verdict.verdict import Verdict

JudgementKind = Literal[
    "conforms", "refused", "vacuous", "known", "consequence", "new", "unjudged", "spared"
]
JUDGEMENT_KINDS: dict[JudgementKind, str] = {
    "conforms": "a result as documented",
    "refused": "an exception, as documented",
    "vacuous": "as documented, but a wrong result would also pass",
    "known": "as a declared deviation says",
    "consequence": "made of a result or a gradient that is itself not as documented",
    "new": "not as documented, and no deviation declares it",
    "unjudged": "this suite itself failed",
    "spared": "not made: calls of this kind end the process",
}
SPARED = 100  # of the calls that are expected to end the process, one in this many is made


@dataclass(frozen=True)
class Judgement:
    """The judgement of a random call.

    `known` names the deviation that explains a known call. `outcome` describes a new one. If this
    suite failed, `fault` is its traceback.
    """

    kind: JudgementKind
    result: CallResult | None = None
    known: str = ""
    outcome: ObservedOutcome = ()
    fault: str = ""

    @property
    def observation(self) -> Observation | None:
        """The observation, if the call was made."""
        return self.result.observation if self.result is not None else None


@dataclass(frozen=True)
class FatalPattern:
    """A pattern for calls that end TensorFlow's process or take too long, from one such call.

    It matches calls on the same edges. A call without edges matches no other, or all ordinary calls
    would match. A default argument matches any value, because the process ended without it.
    """

    arguments: Arguments
    mode: Mode

    def matches(self, call: Call) -> bool:
        """Return whether the call is expected to end the process, too."""
        padding = self.arguments.padding in ("VALID", call.arguments.padding)
        alike = self.mode == call.mode and padding and bool(edges(self.arguments))
        return alike and generalizes(self.arguments, call.arguments)


class Judge:
    """Judges the calls of one process on one subject.

    `fatal` collects patterns of calls that ended TensorFlow's process.
    """

    def __init__(self, subject: Subject, known: Sequence[KnownDeviation]) -> None:
        self.subject = subject
        self.fatal: list[FatalPattern] = []
        self._known = known
        self._fatal_calls = 0

    def judge_all(self, calls: Sequence[Call]) -> Iterator[Judgement]:
        """Make calls and judge them. Calls are sent ahead of the judgements.

        Most calls that are expected to end the process are spared, since a new one takes seconds.
        """
        requests = [self._request(call) for call in calls]
        made = [request for request in requests if isinstance(request, Request)]
        observations = self.subject.calls(made)
        for call, request in zip(calls, requests, strict=True):
            if isinstance(request, Judgement):
                yield request
            else:
                yield self._without_fault(call, next(observations))

    def judge(self, call: Call) -> Judgement:
        """Make a call and judge it."""
        return self._judge(call, observe(call, self.subject))

    def _request(self, call: Call) -> Request | Judgement:
        """Return the request for a call, or its judgement if the call is not made."""
        try:
            return Judgement("spared") if self._spares(call) else own_request(call)
        except Exception:  # an error of this suite in one call must not end the run
            return suite_failed()

    def _spares(self, call: Call) -> bool:
        facts = self.subject.subject
        is_fatal = any(pattern.matches(call) for pattern in self.fatal)
        if not is_fatal and not any(known.is_fatal(call, facts) for known in self._known):
            return False
        self._fatal_calls += 1
        return self._fatal_calls % SPARED != 0

    def _without_fault(self, call: Call, observation: Observation) -> Judgement:
        try:
            return self._judge(call, observation)
        except SubjectUnavailableError:
            raise
        except Exception:
            return suite_failed()

    def _judge(self, call: Call, observation: Observation) -> Judgement:
        alone = self._judge_alone(replace(call, relation=None), observation)
        if call.relation is None or alone.kind != "conforms":
            return alone
        result = perform(call, self.subject)
        if result.verdict.kind == "suite error":
            return _unjudged(result)
        if not _is_wrong(result.verdict):
            return alone
        # The result depends on other calls.
        flaky = replace(result, verdict=replace(result.verdict, kind="flaky"))
        return Judgement("new", flaky, outcome=("flaky", call.relation))

    def _judge_alone(self, call: Call, observation: Observation) -> Judgement:
        facts = self.subject.subject
        verdict = self._verdict(call, observation)
        result = CallResult(verdict, observation)
        if verdict.kind == "suite error":
            return _unjudged(result)
        if verdict.kind == "vacuous":
            return Judgement("vacuous", result)
        if not verdict.failing:
            return Judgement("refused" if verdict.kind == "refused" else "conforms", result)
        if is_about_static_shape(verdict):
            known = find_known_shape(self._known, call, observation, facts)
        else:
            known = find_known(self._known, call, observation, facts)
        if known is not None:
            return Judgement("known", result, f"{known.deviation.rule} ({known.where})")
        if self._is_of_tensorflow(call, result):
            return Judgement("consequence", result)
        is_derived = (call.arguments.gradient, call.arguments.through) != (None, None)
        if (is_derived or call.arguments.in_company) and self._part_fails(call):
            return Judgement("consequence", result)
        result = self._confirmed(call, result, observation)
        if result.verdict.kind == "suite error":
            return _unjudged(result)
        return Judgement("new", result, outcome=outcome_of(call, result))

    def _confirmed(self, call: Call, first: CallResult, observation: Observation) -> CallResult:
        """Make a call that was answered again. It is flaky if the kind or shape of answer changes.

        It is not flaky if only values change, since uninitialised memory may hold anything.
        """
        if observation.kind != "answered":
            return first
        again = observe(call, self.subject)
        if same(observation, again) or forms(observation) == forms(again):
            return first
        if again.kind == "suite error":
            return CallResult(Verdict("suite error", ending(again)), again)
        reason = f"{ending(observation)}; then {ending(again)}"
        return replace(first, verdict=replace(first.verdict, kind="flaky", reason=reason))

    def _is_of_tensorflow(self, call: Call, result: CallResult) -> bool:
        """Return whether a converted model does what the function does that it is made of."""
        if call.mode not in CONVERTED_MODES:
            return False
        traced = replace(call, mode="graph")
        observation = observe(traced, self.subject)
        verdict = self._verdict(traced, observation)
        if not _is_wrong(verdict):
            return False
        return outcome_of(traced, CallResult(verdict, observation)) == outcome_of(call, result)

    def _part_fails(self, call: Call) -> bool:
        """Return whether what a call is made of differs already, so that the call does, too."""
        return any(self._fails(replace(call, arguments=part)) for part in _parts(call.arguments))

    def _fails(self, call: Call) -> bool:
        try:
            return _is_wrong(self._verdict(call, observe(call, self.subject)))
        except InexactDataError:  # a part may sum more products than the whole
            return False

    def _verdict(self, call: Call, observation: Observation) -> Verdict:
        return judge(call, predict(call.arguments), observation, self.subject.subject)


def _is_wrong(verdict: Verdict) -> bool:
    """Return whether a verdict says that TensorFlow is wrong."""
    return verdict.failing and verdict.kind not in ("vacuous", "suite error")


def _parts(arguments: Arguments) -> Iterator[Arguments]:
    """Yield the convolution alone, and the gradients that a transformation is made of."""
    forward = replace(arguments, gradient=None, through=None, before=(), after=())
    if arguments.before and arguments.input.values is None:
        forward = replace(forward, input=TensorSpec(arguments.convolved))
    yield forward
    first = (arguments.through or "").partition("gradient_by_")[2]
    for by in get_args(Gradient):
        if arguments.through is not None and by in (arguments.gradient, first):
            yield replace(forward, gradient=by)


def suite_failed() -> Judgement:
    """Return the judgement on a call in which this suite raises; to be called in an ``except``."""
    return Judgement("unjudged", fault=traceback.format_exc(limit=-2))


def _unjudged(result: CallResult) -> Judgement:
    """Return the judgement for a suite error, which says nothing about TensorFlow."""
    printed = result.observation.last_output if result.observation else ""
    return Judgement("unjudged", fault=f"{result.verdict.reason}\n{printed}".rstrip())
