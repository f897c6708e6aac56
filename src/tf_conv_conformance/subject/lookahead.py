"""Observations of calls ahead of the tests that judge them.

A test's call goes to the subject together with those of the tests that this process runs next, so that the
subject computes while the suite judges, and traces or compiles calls in groups.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from functools import partial
from itertools import chain, islice

from tf_conv_conformance.casefile.call import Call
from tf_conv_conformance.subject.observation import Observation
from tf_conv_conformance.subject.request import Request
from tf_conv_conformance.verdict.perform import Performed, Subject, lacks, perform, requests


class LookAhead:
    """The calls of one subject that have been sent and not been judged."""

    def __init__(self, subject: Subject) -> None:
        self._subject = subject
        self._sent: deque[tuple[Call, int]] = deque()  # each with how many observations it has
        self._observations: Iterator[Observation] = iter(())

    def observations(self, call: Call, following: Iterable[Call]) -> list[Observation]:
        """Return the observations of a call's requests.

        If the call has not been sent, it is sent now, and as many of those `following` it as the subject takes;
        alone if those have been sent, as for a test that is run again. Observations of calls before it are
        dropped: their tests were not run. Raises
        :class:`tf_conv_conformance.subject.errors.SubjectUnavailableError`.
        """
        try:
            if not any(one is call for one, _ in self._sent):
                following = self._taken(following)
                after = next(following, None)
                if self._sent and self._sent[0][0] is after:
                    return list(self._subject.calls(requests(call)))
                self._sent.clear()
                self._observations = self._subject.calls(
                    self._requests([call, *([after] if after else ())], following)
                )
            while True:
                observation = next(self._observations)
                one, count = self._sent.popleft()
                observations = [observation, *islice(self._observations, count - 1)]
                if one is call:
                    return observations
        except (
            BaseException
        ):  # a plugin's time limit, for instance: what is on its way has no taker
            self._sent.clear()
            raise

    def _taken(self, calls: Iterable[Call]) -> Iterator[Call]:
        """Return the calls for which the subject lacks nothing."""
        return (one for one in calls if lacks(one, self._subject) is None)

    def _requests(self, *parts: Iterable[Call]) -> Iterator[Request]:
        """Return the requests of calls, each call noted as sent when the first is drawn."""
        for one in chain(*parts):
            own = requests(one)
            self._sent.append((one, len(own)))
            yield from own


def perform_all(calls: Sequence[Call], subject: Subject) -> list[Performed]:
    """Make calls ahead of being judged."""
    ahead = LookAhead(subject)
    observe = [
        partial(ahead.observations, call, islice(calls, number, None))
        for number, call in enumerate(calls, 1)
    ]
    return [perform(call, subject, observed) for call, observed in zip(calls, observe, strict=True)]
