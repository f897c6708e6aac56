"""Find the cause of a new call: the smallest such call, in every mode, and its signature."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass

from tf_conv_conformance.convolution.names import Mode
from tf_conv_conformance.explore.edges import generalizes
from tf_conv_conformance.explore.judgement import FatalPattern, Judge, Judgement
from tf_conv_conformance.explore.matching import broken_rules
from tf_conv_conformance.explore.random_calls import Plain, RandomCall, calls_of
from tf_conv_conformance.explore.reduction import reduced
from tf_conv_conformance.explore.signature import ObservedOutcome, signature

# Limits on the calls to reduce one of these outcomes, since ending a process costs seconds.
TRIES = {"crashed": 80, "timed out": 8, "flaky": 60}
TRIES_ELSE = 250
SECONDS = 60.0  # after which a reduction ends with what it has
REDUCTIONS = 3  # limit for calls with the same outcome that no cause covers
RETRIES = 2  # for a call that may conform by chance
FATAL_CALLS = {"crashed": 6}  # limit for a reduction
FATAL_CALLS_ELSE = 2


@dataclass(frozen=True)
class Cause:
    """A cause: its smallest call, and how that call was judged in each mode."""

    signature: str
    plain: Plain
    judged: dict[Mode, Judgement]
    calls: dict[Mode, RandomCall]
    rules: tuple[str, ...]

    @property
    def new(self) -> list[Mode]:
        """The modes in which the cause is new."""
        return [mode for mode, judgement in self.judged.items() if judgement.kind == "new"]

    @property
    def outcome(self) -> ObservedOutcome:
        """The outcome in the first new mode."""
        return self.judged[self.new[0]].outcome

    def covers(self, random_call: RandomCall, judgement: Judgement) -> bool:
        """Return whether a call has this cause, by its outcome, edges and broken rules."""
        call = random_call.call
        if call.mode not in self.new or self.judged[call.mode].outcome != judgement.outcome:
            return False
        rules = broken_rules(call.arguments)
        own = self.calls[call.mode].call.arguments
        return generalizes(own, call.arguments) and set(self.rules) <= set(rules)


class Investigator:
    """Finds the causes of the calls of one process."""

    def __init__(self, judge: Judge, modes: Sequence[Mode]) -> None:
        self._judge = judge
        self._modes = modes
        self._signatures: dict[tuple[object, ...], list[str]] = {}
        self._causes: list[Cause] = []

    def investigate(
        self, random_call: RandomCall, judgement: Judgement
    ) -> tuple[str, Cause | None]:
        """Return the signature of a call's cause, and the cause if this process has a new one."""
        for cause in self._causes:
            if cause.covers(random_call, judgement):
                return cause.signature, None
        call = random_call.call
        dtype, rules = call.arguments.dtype, broken_rules(call.arguments)
        key = (call.arguments.op, call.mode, dtype, rules, judgement.outcome)
        signatures = self._signatures.setdefault(key, [])
        if len(signatures) >= REDUCTIONS:
            return signatures[-1], None
        cause = self._cause(self._smallest(random_call, judgement), random_call, judgement)
        is_known = any(cause.signature == other.signature for other in self._causes)
        signatures.append(cause.signature)
        self._causes.append(cause)
        return cause.signature, None if is_known else cause

    def _smallest(self, random_call: RandomCall, judgement: Judgement) -> Plain:
        """Return the smallest case that can be found with the same outcome in the same mode."""
        mode, kind = random_call.call.mode, judgement.outcome[0]
        rules = set(broken_rules(random_call.call.arguments))
        end = time.monotonic() + SECONDS
        fatal_calls = FATAL_CALLS.get(kind, FATAL_CALLS_ELSE)

        def has_cause(plain: Plain) -> bool:
            nonlocal fatal_calls
            calls = calls_of(plain, [mode])
            if not calls or not fatal_calls or time.monotonic() > end:
                return False
            found = self._judge_again(calls[0], judgement)
            observation = found.observation
            fatal_calls -= observation is not None and observation.kind != "answered"
            if found.kind != "new" or found.outcome != judgement.outcome:
                return False
            return rules.issuperset(broken_rules(calls[0].call.arguments))

        return reduced(random_call.plain, has_cause, TRIES.get(kind, TRIES_ELSE))

    def _judge_again(self, random_call: RandomCall, first: Judgement) -> Judgement:
        """Judge a call. Repeat if uninitialised memory may hold the right values by chance."""
        found = self._judge.judge(random_call.call)
        for _ in range(RETRIES if "unexplained" in first.outcome else 0):
            if found.kind == "new":
                break
            found = self._judge.judge(random_call.call)
        return found

    def _cause(self, plain: Plain, first: RandomCall, judgement: Judgement) -> Cause:
        calls = {one.call.mode: one for one in calls_of(plain, self._modes)}
        judged = {mode: self._judge_again(one, judgement) for mode, one in calls.items()}
        if judged[first.call.mode].kind != "new":  # the failure did not happen again
            if plain is not first.plain:
                return self._cause(first.plain, first, judgement)
            judged[first.call.mode] = judgement
        new = [mode for mode, one in judged.items() if one.kind == "new"]
        for mode in new:
            if judged[mode].outcome[0] in ("crashed", "timed out"):
                self._judge.fatal.append(FatalPattern(calls[mode].call.arguments, mode))
        call = calls[new[0]].call
        rules = broken_rules(call.arguments)
        by_mode = {mode: judged[mode].outcome if mode in new else None for mode in judged}
        return Cause(signature(call, by_mode, rules), plain, judged, calls, rules)
