"""Makes a call on the subject and judges it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from tf_conv_conformance.casefile.call import Call
from tf_conv_conformance.convolution.arguments import Arguments
from tf_conv_conformance.convolution.dtypes import encode
from tf_conv_conformance.convolution.invocation import keywords
from tf_conv_conformance.prediction.correlation import Array
from tf_conv_conformance.prediction.predict import Returns, predict
from tf_conv_conformance.prediction.relations import others_of
from tf_conv_conformance.subject.observation import Observation
from tf_conv_conformance.subject.request import Request
from tf_conv_conformance.verdict.comparison import ending
from tf_conv_conformance.verdict.judge import Verdict, judge, unmet
from tf_conv_conformance.verdict.relation_verdict import judge_relation


class Subject(Protocol):
    """The TensorFlow under test, wherever it runs."""

    @property
    def subject(self) -> dict[str, Any]:
        """What identifies it."""

    @property
    def documentation(self) -> dict[str, str]:
        """Its docstrings, by symbol."""

    def calls(self, requests: Iterable[Request]) -> Iterator[Observation]:
        """Make calls, drawn ahead of their observations, which come in the same order."""

    def close(self) -> None:
        """End it."""


@dataclass(frozen=True)
class Performed:
    """What became of a call; no observation where the subject lacks what the case requires."""

    verdict: Verdict
    observation: Observation | None


def perform(
    call: Call, subject: Subject, observe: Callable[[], Sequence[Observation]] | None = None
) -> Performed:
    """Make a call and judge it; `observe` carries out its :func:`requests`, if not the subject at once.

    A call that fails is made once more: an answer that changes is *flaky*, whatever it is. If the suite fails
    in that second call, the failure is not confirmed: it is a *suite error*.
    """
    if (lacking := lacks(call, subject)) is not None:
        return Performed(Verdict("unsupported", f"requires {lacking}"), None)
    observation, *answers = observe() if observe is not None else subject.calls(requests(call))
    if call.relation is not None:
        others = others_of(call.relation, call.arguments, call.mode)
        return Performed(
            judge_relation(call, observation, others, answers, subject.subject), observation
        )
    return _again(call, judge(call, observation, subject.subject), observation, subject)


def lacks(call: Call, subject: Subject) -> str | None:
    """Return what the call's case requires and the subject lacks, if anything."""
    return unmet(call.case.requires, subject.subject) if call.case.requires else None


def _data(call: Call) -> list[tuple[Array, ...]]:
    """Each arm's tensors."""
    return [arm.arrays(call.arguments) for arm in predict(call.arguments).arms]


def _again(call: Call, verdict: Verdict, observation: Observation, subject: Subject) -> Performed:
    """Return what stands when a call that fails is made again."""
    first = Performed(verdict, observation)
    if not verdict.failing or observation.kind in ("timed out", "suite error"):
        return first
    again = ask(
        call, subject
    )  # after a crash in a fresh worker: was it this call, or one before it?
    if same(observation, again):
        return first
    if again.kind == "suite error":
        return Performed(
            Verdict(
                "suite error", f"in a second call, {ending(again)}; the first: {verdict.reason}"
            ),
            observation,
        )
    reason = f"a second call gave {ending(again)}; the first: {verdict.reason}"
    return Performed(replace(verdict, kind="flaky", reason=reason), observation)


def requests(call: Call) -> list[Request]:
    """Return the request for a call, and those for the calls that its relation needs."""
    if call.relation is None:
        return [asked(call)]
    data = _data(call)
    others = others_of(call.relation, call.arguments, call.mode)
    return [
        asked(call),
        *(
            request(other.arguments, other.mode, [other.tensors(tensors) for tensors in data])
            for other in others
        ),
    ]


def asked(call: Call) -> Request:
    """The request for a call with its own data, alone if it probably raises or crashes: a group would be made again, one at a time."""
    return replace(request(call.arguments, call.mode, _data(call)), alone=not _returns(call))


def _returns(call: Call) -> bool:
    """Return whether a result is declared, or documented."""
    if call.deviations:
        return all(declared.deviation.observed.returns for declared in call.deviations)
    return isinstance(predict(call.arguments).documented, Returns)


def ask(call: Call, subject: Subject) -> Observation:
    """Make a call with its own data, and do not judge it."""
    (observation,) = subject.calls([asked(call)])
    return observation


def request(arguments: Arguments, mode: str, data: Sequence[tuple[Array, ...]]) -> Request:
    """The request for a call with each arm's tensors."""
    dtypes = [
        arguments.dtype,
        arguments.filter_dtype or arguments.dtype,
        *([arguments.dtype] if arguments.gradient else []),
    ]
    head = {
        "function": arguments.entry_point.symbol,
        "keywords": keywords(arguments),
        "gradient": arguments.gradient,
        "dtypes": dtypes,
        "mode": mode,
    }
    arrays = [
        encode(array, dtype)
        for tensors in data
        for array, dtype in zip(tensors, dtypes, strict=True)
    ]
    return Request(head, arrays)


def same(one: Observation, other: Observation) -> bool:
    """Whether two observations are the same answer, bit for bit."""
    if (
        one.kind != other.kind
        or one.unanswered != other.unanswered
        or len(one.answers) != len(other.answers)
    ):
        return False
    return all(
        a.error == b.error and a.dtype == b.dtype and _same_bits(a.values, b.values)
        for a, b in zip(one.answers, other.answers, strict=True)
    )


def _same_bits(one: NDArray[Any] | None, other: NDArray[Any] | None) -> bool:
    if one is None or other is None:
        return one is other
    return (
        one.shape == other.shape
        and np.ascontiguousarray(one).tobytes() == np.ascontiguousarray(other).tobytes()
    )
