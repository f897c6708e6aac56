"""Makes a call that was drawn and judges it: by the documentation, then by what is known, and at last as a cause of its own."""

from __future__ import annotations

import traceback
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from tf_conv_conformance.casefile.call import Call
from tf_conv_conformance.convolution.arguments import Arguments
from tf_conv_conformance.convolution.names import Mode
from tf_conv_conformance.explore.cause import Outcome, outcome
from tf_conv_conformance.explore.edges import edges, stands_for
from tf_conv_conformance.explore.known import Known, foretelling
from tf_conv_conformance.prediction.predict import predict
from tf_conv_conformance.subject.errors import SubjectUnavailableError
from tf_conv_conformance.subject.interface import Subject
from tf_conv_conformance.subject.observation import Observation
from tf_conv_conformance.subject.request import Request
from tf_conv_conformance.verdict.comparison import ending
from tf_conv_conformance.verdict.judge import judge
from tf_conv_conformance.verdict.perform import CallResult, observe, same
from tf_conv_conformance.verdict.requests import own_request
from tf_conv_conformance.verdict.verdict import Verdict

Kind = Literal[
    "conforms", "refused", "vacuous", "known", "consequence", "new", "unjudged", "spared"
]
KINDS: dict[Kind, str] = {
    "conforms": "a result as documented",
    "refused": "an exception, as documented",
    "vacuous": "as documented, on data that could not have shown otherwise",
    "known": "as a declared deviation says",
    "consequence": "a gradient of a result that is not as documented itself",
    "new": "not as documented, and no deviation says so",
    "unjudged": "this suite itself failed",
    "spared": "not made: calls of this kind end the process",
}
SPARED = 100  # one in so many calls of a kind that ends the process is made


@dataclass(frozen=True)
class Judged:
    """What became of a call. `known` says which deviation foretells it; a new one has what came of it, and its outcome in words.

    One that could not be judged has the traceback of the fault in this suite.
    """

    kind: Kind
    known: str = ""
    performed: CallResult | None = None
    outcome: Outcome = ()
    fault: str = ""


@dataclass(frozen=True)
class Killing:
    """A call that ends TensorFlow's process, or takes too long, and with it those on its edges.

    One on none is not told from everyday ones. A plain argument stands for any other: what it does, it does without that one's help.
    """

    arguments: Arguments
    mode: Mode

    def speaks_about(self, call: Call) -> bool:
        """Whether the call is one of them."""
        ours, theirs = self.arguments, call.arguments
        return (
            self.mode == call.mode
            and bool(edges(ours))
            and stands_for(ours, theirs)
            and ours.padding in ("VALID", theirs.padding)
        )


class Judge:
    """Judges the calls of one process on one subject. `killing` grows with what is found to end TensorFlow's process."""

    def __init__(self, subject: Subject, known: Sequence[Known]) -> None:
        self.subject = subject
        self.killing: list[Killing] = []
        self._known = known
        self._would_kill = 0

    def judge_all(self, calls: Sequence[Call]) -> Iterator[Judged]:
        """Make calls, ahead of judging them, and judge them. Most of those that are known to end the process are left out."""
        left_out: dict[int, Judged] = {}
        made = self.subject.calls(self._requests(calls, left_out))
        observation = None
        for number, call in enumerate(calls):
            if observation is None:
                observation = next(
                    made, None
                )  # which says of all calls before its own whether they are left out
            if number in left_out:
                yield left_out[number]
                continue
            assert observation is not None
            yield self._without_fault(call, observation)
            observation = None

    def _requests(self, calls: Sequence[Call], left_out: dict[int, Judged]) -> Iterator[Request]:
        """What is asked of the subject; the calls that nothing is asked for are entered by their number."""
        for number, call in enumerate(calls):
            if self._spares(call):
                left_out[number] = Judged("spared")
                continue
            try:
                request = own_request(call)
            except Exception:  # a fault of ours in one call does not end an unattended run
                left_out[number] = Judged("unjudged", fault=traceback.format_exc(limit=-2))
                continue
            yield request

    def _spares(self, call: Call) -> bool:
        if not self._kills(call):
            return False
        self._would_kill += 1
        return self._would_kill % SPARED != 0

    def _without_fault(self, call: Call, observation: Observation) -> Judged:
        try:
            return self._judged(call, observation)
        except SubjectUnavailableError:
            raise
        except Exception:  # nor does one in judging it
            return Judged("unjudged", fault=traceback.format_exc(limit=-2))

    def judge(self, call: Call) -> Judged:
        """Make a call and judge it."""
        return self._judged(call, observe(call, self.subject))

    def _judged(self, call: Call, observation: Observation) -> Judged:
        verdict = judge(call, predict(call.arguments), observation, self.subject.subject)
        if verdict.kind == "suite error":
            return _unjudged(CallResult(verdict, observation))
        if not verdict.failing:
            return Judged(
                "refused" if verdict.kind == "refused" else "conforms",
                performed=CallResult(verdict, observation),
            )
        if verdict.kind == "vacuous":
            return Judged("vacuous", performed=CallResult(verdict, observation))
        if (known := foretelling(self._known, call, observation, self.subject.subject)) is not None:
            return Judged(
                "known", f"{known.deviation.rule} ({known.where})", CallResult(verdict, observation)
            )
        if call.arguments.gradient is not None and self._forward_fails(call):
            return Judged("consequence", performed=CallResult(verdict, observation))
        performed = self._confirmed(call, verdict, observation)
        if performed.verdict.kind == "suite error":
            return _unjudged(performed)
        return Judged("new", performed=performed, outcome=outcome(call, performed))

    def _confirmed(self, call: Call, verdict: Verdict, observation: Observation) -> CallResult:
        """The call made once more, unless it ended the process: an answer of another kind or shape is flaky, other values are not."""
        if observation.kind != "answered":
            return CallResult(verdict, observation)
        again = observe(call, self.subject)
        if same(observation, again) or _same_shapes(observation, again):
            return CallResult(verdict, observation)
        if again.kind == "suite error":
            return CallResult(Verdict("suite error", ending(again)), again)
        return CallResult(
            Verdict(
                "flaky",
                f"{ending(observation)}; then {ending(again)}",
                verdict.rules,
                verdict.difference,
            ),
            observation,
        )

    def _kills(self, call: Call) -> bool:
        """Whether a deviation that speaks about the call says that the process ends."""
        if any(one.speaks_about(call) for one in self.killing):
            return True
        return any(one.kills(call, self.subject.subject) for one in self._known)

    def _forward_fails(self, call: Call) -> bool:
        """Whether the convolution itself is not as documented: its gradient then says nothing more."""
        forward = replace(call, arguments=replace(call.arguments, gradient=None))
        observation = observe(forward, self.subject)
        prediction = predict(forward.arguments)
        verdict = judge(forward, prediction, observation, self.subject.subject)
        return verdict.failing and verdict.kind not in ("vacuous", "suite error")


def _unjudged(performed: CallResult) -> Judged:
    """Return a suite error as what it is: no finding about TensorFlow."""
    printed = performed.observation.last_output if performed.observation else ""
    return Judged("unjudged", fault=f"{performed.verdict.reason}\n{printed}".rstrip())


def _same_shapes(one: Observation, other: Observation) -> bool:
    """Whether two observations are values of the same shapes and dtypes: memory that nobody wrote may hold anything."""
    return one.kind == other.kind and [
        (arm.shape, arm.dtype, arm.error) for arm in one.answers
    ] == [(arm.shape, arm.dtype, arm.error) for arm in other.answers]
