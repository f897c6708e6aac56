"""Observations of calls ahead of the tests that judge them.

A test's call goes to the subject together with those of the tests that this process runs next, so that the
subject computes while the suite judges, and traces or compiles calls in groups.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator

from tf_conv_conformance.call import Call
from tf_conv_conformance.runner import Subject, asked, lacks
from tf_conv_conformance.subject.observation import Observation
from tf_conv_conformance.subject.request import Request


class LookAhead:
    """The calls of one subject that have been sent and not been judged."""

    def __init__(self, subject: Subject) -> None:
        self._subject = subject
        self._sent: deque[Call] = deque()
        self._observations: Iterator[Observation] = iter(())

    def observation(self, call: Call, following: Iterable[Call]) -> Observation:
        """Return the observation of a call.

        If the call has not been sent, it is sent now, and as many of those `following` it as the subject takes.
        Observations of calls before it are dropped: their tests were not run. Raises
        :class:`tf_conv_conformance.subject.gateway.SubjectUnavailable`.
        """
        if not any(one is call for one in self._sent):
            self._sent.clear()
            self._observations = self._subject.calls(self._requests(call, following))
        try:
            while True:
                observation = next(self._observations)
                if self._sent.popleft() is call:
                    return observation
        except BaseException:  # a plugin's time limit, for instance: what is on its way has no taker
            self._sent.clear()
            raise

    def _requests(self, call: Call, following: Iterable[Call]) -> Iterator[Request]:
        """Return the requests of calls, each noted as sent when it is drawn."""
        self._sent.append(call)
        yield asked(call)
        for one in following:
            if lacks(one, self._subject) is None:
                self._sent.append(one)
                yield asked(one)
