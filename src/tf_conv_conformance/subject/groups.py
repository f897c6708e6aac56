"""Make calls in order, as many as possible of them in one function. Runs on Python 3.7."""

from __future__ import annotations

import time
import warnings
from collections.abc import Iterator
from typing import Any

from .execution import (
    answer,
    arrays_of,
    attempt,
    in_mode,
    known_of,
    plain_warnings,
    prepare,
    specs_of,
    tensors_of,
    traces,
    value_arm,
)


def execute_all(
    tf: Any, requests: list[Any], arrays: list[Any], together: bool
) -> Iterator[tuple[dict[str, Any], list[Any]]]:
    """Yield the answers to calls in order. Each call is made when its answer is drawn.

    With `together`, as many as possible are made in one function before the first answer.
    """
    of_call, answers = arrays_of(requests, arrays), {}
    if together:
        tensors = [list(tensors_of(tf, request, own)) for request, own in zip(requests, of_call)]
        answers = grouped_answers(tf, requests, tensors, list(range(len(requests))))
    for number, request in enumerate(requests):
        yield answers.pop(number) if number in answers else attempt(tf, request, of_call[number])


def grouped_answers(
    tf: Any, requests: list[Any], tensors: list[Any], chosen: list[int]
) -> dict[int, Any]:
    """Return the answers to the chosen calls that one function can make, by number.

    A call that raises is left out, and must be made alone.
    """
    # Each tf.function costs a trace, and in xla mode a compilation: much more than the small calls
    # in it. One function of 64 calls makes a run in xla mode three to four times as fast. If it
    # fails, the error does not say which call caused it. Halving the group finds the call in a few
    # more functions, and leaves most calls in groups.
    if len(chosen) < 2:
        return {}
    began = time.perf_counter()
    group = Group(tf, [requests[number] for number in chosen])
    try:
        count = requests[chosen[0]]["arms"]
        by_arm = [group.run([tensors[number][arm] for number in chosen]) for arm in range(count)]
    except Exception:
        half = len(chosen) // 2
        answers = grouped_answers(tf, requests, tensors, chosen[:half])
        answers.update(grouped_answers(tf, requests, tensors, chosen[half:]))
        return answers
    seconds = (time.perf_counter() - began) / len(chosen)
    of_calls = zip(chosen, zip(*by_arm))
    return {number: answer(arms, seconds) for number, arms in of_calls if None not in arms}


class Group:
    """Several calls as one function of all their tensors, compiled once for all arms."""

    def __init__(self, tf: Any, requests: list[Any]) -> None:
        self.tf, self.requests = tf, requests
        self.caught: dict[int, Any] = {}
        self.traced: list[dict[str, Any]] = [{} for _ in requests]  # as in PreparedCall
        known = [specs_of(tf, request) for request in requests]
        specs = None if known[0] is None else [spec for own in known for spec in own or ()]
        self.function = in_mode(tf, self._trace, requests[0]["mode"], specs, autograph=False)

    def run(self, tensors: list[Any]) -> list[Any]:
        """Run one arm of each call as :func:`run_arm` does. Returns None for calls that raise."""
        self.caught.clear()
        results = self.function(*(tensor for own in tensors for tensor in own))
        arms = [
            None if result is None else value_arm(result, known)
            for result, known in zip(results, self.traced)
        ]
        for number, arm in enumerate(arms):
            if arm is not None:
                arm[0]["warnings"] = plain_warnings(self.caught.get(number, ()))
        return arms

    def _trace(self, *tensors: Any) -> list[Any]:
        results, rest = [], list(tensors)
        for number, request in enumerate(self.requests):
            count = len(request["dtypes"])
            own, rest = rest[:count], rest[count:]
            with warnings.catch_warnings(record=True) as self.caught[number]:
                warnings.simplefilter("always")
                try:
                    results.append(prepare(self.tf, request, own)(*own))
                except Exception:
                    results.append(None)
        if traces(self.requests[0]["mode"]):
            self.traced = list(map(known_of, results, self.requests))
        return results
