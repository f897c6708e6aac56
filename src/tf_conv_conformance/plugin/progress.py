"""The progress of a run, as a line now and then."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Mapping

EVERY = 15.0
"""Seconds from one line to the next, and to the first."""


class Progress:
    """Counts the verdicts of a run, and estimates how long the other calls take."""

    def __init__(self, total: int, clock: Callable[[], float] = time.monotonic) -> None:
        self.verdicts: Counter[str] = Counter()
        self._total = total
        self._clock = clock
        self._first = self._last_line = clock()

    def done(self, verdict: str, before: str | None = None) -> str | None:
        """Count a call, and return a line if one is due.

        A call that is made again replaces its own verdict, `before`.
        """
        self.verdicts[verdict] += 1
        if before is not None:
            self.verdicts[before] -= 1
            self.verdicts += Counter()  # drops verdicts that no call has now
        now, done = self._clock(), self.verdicts.total()
        if done < 2:  # the first call waits for TensorFlow to start
            self._first = now
        if done < 2 or done >= self._total or now - self._last_line < EVERY:
            return None
        self._last_line = now
        left = (now - self._first) / (done - 1) * (self._total - done)
        percent = 100 * done // self._total
        return (
            f"{done:,} of {self._total:,} calls ({percent}%): {counted(self.verdicts)}; "
            f"about {duration(left)} left"
        )


def counted(verdicts: Mapping[str, int]) -> str:
    """Return how often each verdict was reached, the most frequent first."""
    in_order = sorted(verdicts.items(), key=lambda item: (-item[1], item[0]))
    return ", ".join(f"{count:,} {verdict}" for verdict, count in in_order)


def duration(seconds: float) -> str:
    """Return a rounded time: 40 s, 3 min, 1 h 10 min."""
    if seconds < 60:
        return f"{max(1, round(seconds))} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 60 else f"{minutes // 60} h {minutes % 60} min"
