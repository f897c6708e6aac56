"""Send calls to the subject ahead of the tests that judge them.

A test's call goes to the subject together with the calls of the next tests in this process. So the
subject computes while the suite judges, and it traces or compiles calls in groups.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from itertools import chain, islice
from typing import Generic, TypeVar

from tf_conv_conformance.subject.interface import Subject
from tf_conv_conformance.subject.observation import Observation
from tf_conv_conformance.subject.request import Request

C = TypeVar("C")


class LookAhead(Generic[C]):
    """The calls of one subject that have been sent but not judged.

    `requests` returns the requests of a call.
    """

    def __init__(self, subject: Subject, requests: Callable[[C], list[Request]]) -> None:
        self._subject = subject
        self._requests = requests
        self._sent: deque[tuple[C, int]] = deque()  # calls, and how many observations each has
        self._observations: Iterator[Observation] = iter(())

    def observations(self, call: C, following: Iterable[C]) -> list[Observation]:
        """Return the observations of a call's requests.

        A call that has not been sent is sent now, with as many of the calls in `following` as the
        subject takes. It is sent alone if those have been sent already, as when a test is rerun.
        Observations of earlier calls are dropped, since their tests were not run. Raises
        :class:`tf_conv_conformance.subject.errors.SubjectUnavailableError`, and what `requests`
        raises for this call.
        """
        is_sent = any(one is call for one, _ in self._sent)
        own = [] if is_sent else self._requests(call)
        try:
            if not is_sent:
                following = iter(following)
                after = list(islice(following, 1))
                if after and self._sent and self._sent[0][0] is after[0]:
                    return list(self._subject.calls(own))
                self._sent.clear()
                self._observations = self._subject.calls(
                    self._draw(call, own, chain(after, following))
                )
            while True:
                observation = next(self._observations)
                one, count = self._sent.popleft()
                observations = [observation, *islice(self._observations, count - 1)]
                if one is call:
                    return observations
        except BaseException:  # including a plugin's time limit; the calls in flight are not judged
            self._sent.clear()
            raise

    def _draw(self, call: C, own: list[Request], following: Iterable[C]) -> Iterator[Request]:
        """Yield the requests of calls; a call counts as sent when its first request is drawn."""
        self._sent.append((call, len(own)))
        yield from own
        for later in following:
            try:
                requests = self._requests(later)
            except Exception:  # raised again in the test of that call
                continue
            self._sent.append((later, len(requests)))
            yield from requests
