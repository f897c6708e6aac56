"""Makes a call on the subject and judges it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from tf_conv_conformance import prediction
from tf_conv_conformance.call import Call
from tf_conv_conformance.doors import keywords
from tf_conv_conformance.numbers import encode
from tf_conv_conformance.subject.observation import Observation
from tf_conv_conformance.verdict import Verdict, judge, unmet


class Subject(Protocol):
    """The TensorFlow under test, wherever it runs."""

    subject: dict[str, Any]
    documentation: dict[str, str]

    def call(self, head: Mapping[str, Any], arrays: list[NDArray[Any]]) -> Observation:
        """Make one call."""

    def close(self) -> None:
        """End it."""


@dataclass(frozen=True)
class Performed:
    """What became of a call; no observation where the subject lacks what the case requires."""

    verdict: Verdict
    observation: Observation | None


def perform(call: Call, subject: Subject) -> Performed:
    """Make a call and judge it. One that fails is made once more: an answer that changes is *flaky*, whatever it is."""
    lacking = unmet(call.case.requires, subject.subject) if call.case.requires else None
    if lacking is not None:
        return Performed(Verdict("unsupported", f"requires {lacking}"), None)
    observation = make(call, subject)
    verdict = judge(call, observation, subject.subject)
    if verdict.failing and observation.kind == "answered":
        again = make(call, subject)
        if not same(observation, again):
            verdict = Verdict("flaky", f"a second call gave another answer; the first: {verdict.reason}", verdict.rules, verdict.difference)
    return Performed(verdict, observation)


def make(call: Call, subject: Subject) -> Observation:
    """Send a call's data through the subject."""
    arguments = call.arguments
    dtypes = [arguments.dtype, arguments.filter_dtype or arguments.dtype, *([arguments.dtype] if arguments.gradient else [])]
    head = {
        "type": "call",
        "function": arguments.door,
        "keywords": keywords(arguments),
        "gradient": arguments.gradient,
        "dtypes": dtypes,
        "mode": call.mode,
    }
    arms = (arm.arrays(arguments) for arm in prediction.inputs(arguments).arms)
    arrays = [encode(array, dtype) for tensors in arms for array, dtype in zip(tensors, dtypes, strict=True)]
    return subject.call(head, arrays)


def same(one: Observation, other: Observation) -> bool:
    """Whether two observations are the same answer, bit for bit."""
    if one.kind != other.kind or len(one.arms) != len(other.arms):
        return False
    return all(
        a.error == b.error and a.dtype == b.dtype and _same_bits(a.values, b.values) for a, b in zip(one.arms, other.arms, strict=True)
    )


def _same_bits(one: NDArray[Any] | None, other: NDArray[Any] | None) -> bool:
    if one is None or other is None:
        return one is other
    return one.shape == other.shape and np.ascontiguousarray(one).tobytes() == np.ascontiguousarray(other).tobytes()
