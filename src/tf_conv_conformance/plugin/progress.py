"""The progress of a run: as a line now and then, or as one that is rewritten."""

from __future__ import annotations

import math
import time
from collections import Counter
from collections.abc import Callable, Container, Mapping

from tf_conv_conformance.verdict.kinds import FAILING

EVERY = 15.0
"""Seconds from one line to the next, and to the first."""
LIVE_EVERY = 0.25
"""The same if one line is rewritten; the first comes at once."""
PART, SOON = 0.1, 60.0
"""The part of the calls, or the seconds, after which the time left is estimated: the first calls
take longer.
"""


class Progress:
    """Counts the verdicts of a run, and estimates how long the other calls take."""

    def __init__(
        self, total: int, *, live: bool = False, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self.verdicts: Counter[str] = Counter()
        self._total = total
        self._live = live
        self._clock = clock
        self._first = clock()
        self._last_line = -math.inf if live else self._first

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
        every = LIVE_EVERY if self._live else EVERY
        if done < 2 or done >= self._total or now - self._last_line < every:
            return None
        self._last_line = now
        return self._line(done, now - self._first)

    def _line(self, done: int, seconds: float) -> str:
        percent = 100 * done // self._total
        calls = f"{done:,} of {self._total:,} calls"
        left = f"about {duration(seconds / (done - 1) * (self._total - done))} left"
        is_known = done >= PART * self._total or seconds > SOON
        if not self._live:
            estimate = f"; {left}" if is_known else ""
            return f"{calls} ({percent}%): {counted(self.verdicts)}{estimate}"
        estimate = f", {left}" if is_known else ""
        # A narrow terminal cuts the end off: failures come first.
        return f"[{percent:3}%] {calls}{estimate}: {counted(self.verdicts, first=FAILING)}"


def counted(verdicts: Mapping[str, int], first: Container[str] = ()) -> str:
    """Return how often each verdict was reached, some of them `first`, then the most frequent."""
    in_order = sorted(verdicts.items(), key=lambda item: (item[0] not in first, -item[1], item[0]))
    return ", ".join(f"{count:,} {verdict}" for verdict, count in in_order)


def duration(seconds: float) -> str:
    """Return a rounded time: 40 s, 3 min, 1 h 10 min."""
    if seconds < 60:
        return f"{max(1, round(seconds))} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 60 else f"{minutes // 60} h {minutes % 60} min"
