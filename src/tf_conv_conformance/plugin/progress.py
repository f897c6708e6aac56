"""How far a run is, in a line now and then."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Mapping

EVERY = 15.0
"""Seconds from one line to the next, and to the first."""
WORTH = 20.0
"""A run that is expected to take no longer than this many seconds says nothing."""


class Progress:
    """Counts the calls of a run and says now and then how many are done, what they came to, and how long the rest may take."""

    def __init__(self, total: int, clock: Callable[[], float] = time.monotonic) -> None:
        self.verdicts: Counter[str] = Counter()
        self._total = total
        self._clock = clock
        self._began = self._said = clock()
        self._first: float | None = None

    def done(self, verdict: str, before: str | None = None) -> str | None:
        """Count a call, which replaces its own verdict from `before` if it is made again; a line where one is due."""
        self.verdicts[verdict] += 1
        if before is not None:
            self.verdicts[before] -= 1
            self.verdicts += Counter()  # without what is zero now
        now, done = self._clock(), self.verdicts.total()
        if (
            self._first is None or done < 2
        ):  # how long TensorFlow took to start says nothing about the calls
            self._first = now
            return None
        left = (now - self._first) / (done - 1) * max(0, self._total - done)
        if now - self._said < EVERY or now - self._began + left <= WORTH or done >= self._total:
            return None
        self._said = now
        return f"{done:,} of {self._total:,} calls ({100 * done // self._total}%): {counted(self.verdicts)}; about {duration(left)} left"


def counted(verdicts: Mapping[str, int]) -> str:
    """Return how often each verdict was reached, the most frequent first."""
    in_order = sorted(verdicts.items(), key=lambda one: (-one[1], one[0]))
    return ", ".join(f"{count:,} {verdict}" for verdict, count in in_order)


def duration(seconds: float) -> str:
    """A time as people say it: 40 s, 3 min, 1 h 10 min."""
    if seconds < 60:
        return f"{max(1, round(seconds))} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 60 else f"{minutes // 60} h {minutes % 60} min"
