"""From one call that nothing foretells to a cause: its smallest call, asked in every mode, and its signature."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass

from tf_conv_conformance.convolution.names import Mode
from tf_conv_conformance.explore.cause import Outcome, rules_of, signature
from tf_conv_conformance.explore.edges import stands_for
from tf_conv_conformance.explore.judging import Judge, Judged, Killing
from tf_conv_conformance.explore.random_calls import Plain, RandomCall, calls_of
from tf_conv_conformance.explore.reducing import reduce, weight

TRIES = {"crashed": 80, "timed out": 8, "flaky": 60}
"""Calls that may be made to reduce one of these; a process that ends costs seconds."""
TRIES_ELSE = 250
SECONDS = 60.0  # after which a reduction ends with what it has
REDUCTIONS = 3  # of calls with the same outcome that none of the causes found covers
AGAIN = 2  # more tries of a call that may conform by chance
DEATHS = 6  # calls of a reduction that may end the process


@dataclass(frozen=True)
class Cause:
    """A cause: its smallest call, and what became of that in each mode where it was made."""

    signature: str
    plain: Plain
    judged: dict[Mode, Judged]
    drawn: dict[Mode, RandomCall]
    rules: tuple[str, ...]

    @property
    def new(self) -> list[Mode]:
        """The modes in which nothing foretells it."""
        return [mode for mode, one in self.judged.items() if one.kind == "new"]

    @property
    def outcome(self) -> Outcome:
        """What came out in the first of those modes."""
        return self.judged[self.new[0]].outcome

    def covers(self, drawn: RandomCall, judged: Judged) -> bool:
        """Whether a call has this cause: the same comes out in its mode, and it has the edges, the broken rules and more of them."""
        mode = drawn.call.mode
        if mode not in self.new or self.judged[mode].outcome != judged.outcome:
            return False
        return stands_for(self.drawn[mode].call.arguments, drawn.call.arguments) and set(
            self.rules
        ) <= set(rules_of(drawn.call))

    @property
    def weight(self) -> float:
        """How large its call is."""
        return weight(self.plain)


class Investigator:
    """Finds causes, and tells by them that a call has one that was found before."""

    def __init__(self, judge: Judge, modes: Sequence[Mode]) -> None:
        self._judge = judge
        self._modes = modes
        self._found_by: dict[tuple[object, ...], list[str]] = {}
        self._causes: list[Cause] = []

    def cause(self, drawn: RandomCall, judged: Judged) -> tuple[str, Cause | None]:
        """The signature of a call's cause, and the cause where it was not found before in this process."""
        alike = next((one for one in self._causes if one.covers(drawn, judged)), None)
        if alike is not None:
            return alike.signature, None
        key = (
            drawn.call.arguments.op,
            drawn.call.mode,
            drawn.call.arguments.dtype,
            rules_of(drawn.call),
            judged.outcome,
        )
        found = self._found_by.setdefault(key, [])
        if len(found) >= REDUCTIONS:
            return found[-1], None
        cause = self._found(drawn, judged)
        known = cause.signature in (one.signature for one in self._causes)
        found.append(cause.signature)
        self._causes.append(cause)
        return cause.signature, None if known else cause

    def _found(self, drawn: RandomCall, judged: Judged) -> Cause:
        mode, wanted = drawn.call.mode, judged
        broken = set(rules_of(drawn.call))
        kind, deaths, began = judged.outcome[0], 0, time.monotonic()

        def shows(plain: Plain) -> bool:
            nonlocal deaths
            made = calls_of(plain, [mode])
            if (
                not made
                or deaths >= (DEATHS if kind == "crashed" else 2)
                or time.monotonic() - began > SECONDS
            ):
                return False
            one = self._again(made[0], wanted)
            deaths += (
                one.performed is not None
                and one.performed.observation is not None
                and one.performed.observation.kind != "answered"
            )
            if one.kind != "new" or one.outcome[0] != wanted.outcome[0]:
                return False
            return one.outcome == wanted.outcome and set(rules_of(made[0].call)) <= broken

        plain = reduce(drawn.plain, shows, TRIES.get(kind, TRIES_ELSE))
        return self._in_every_mode(plain, drawn, judged)

    def _again(self, drawn: RandomCall, wanted: Judged) -> Judged:
        """Judge a call; where memory that nobody wrote may be at stake, and happens to hold the right numbers, a few times."""
        one = self._judge.judge(drawn.call)
        for _ in range(AGAIN if "unexplained" in wanted.outcome else 0):
            if one.kind == "new":
                break
            one = self._judge.judge(drawn.call)
        return one

    def _in_every_mode(self, plain: Plain, first: RandomCall, judged: Judged) -> Cause:
        """Ask the smallest call in every mode."""
        drawn = {one.call.mode: one for one in calls_of(plain, self._modes)}
        found = {mode: self._again(one, judged) for mode, one in drawn.items()}
        if found[first.call.mode].kind != "new":  # it does not happen again, or not this time
            if plain is not first.plain:
                return self._in_every_mode(first.plain, first, judged)
            found[first.call.mode] = judged
        for mode, one in found.items():
            if one.kind == "new" and one.outcome[0] in ("crashed", "timed out"):
                self._judge.killing.append(Killing(drawn[mode].call.arguments, mode))
        start = next(mode for mode in found if found[mode].kind == "new")
        rules = rules_of(drawn[start].call)
        by_mode = {mode: one.outcome if one.kind == "new" else None for mode, one in found.items()}
        return Cause(signature(drawn[start].call, by_mode, rules), plain, found, drawn, rules)
