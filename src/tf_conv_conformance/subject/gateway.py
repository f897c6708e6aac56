"""Send calls to the worker that runs TensorFlow, and survive its death."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from tf_conv_conformance.subject.definition import DEFAULT, Definition
from tf_conv_conformance.subject.errors import RECEIVING_ERRORS, LateAnswerError, NoAnswerError
from tf_conv_conformance.subject.messages import observation_of
from tf_conv_conformance.subject.observation import Observation
from tf_conv_conformance.subject.output import without_stacks
from tf_conv_conformance.subject.request import Request
from tf_conv_conformance.subject.supervisor import Supervisor, signal_name

PRINTED_KEPT = 2**20  # bytes of output from earlier calls
GROUP = 64  # calls in one message and in one tf.function, at most
# Seconds that a group may take, even if the limit for one call is lower. The calls of a slower
# group are made one at a time.
GROUP_LIMIT = 120.0
# Calls to draw at once, and again when this many or fewer have no answer. Enough for a group per
# mode.
AHEAD = 3 * GROUP
BYTES_AHEAD = 2**23  # the same for the bytes of their tensors


@dataclass
class _PendingCall:
    """A call that has no observation yet, or has just received it."""

    request: Request
    observation: Observation | None = None


@dataclass
class _Parcel:
    """Calls in one message to the worker, which answers them one after the other.

    `pending` are the calls without an answer. If the calls are made `together`, the worker makes
    all of them before it answers the first.
    """

    pending: deque[_PendingCall]
    together: bool


class Gateway:
    """The TensorFlow of a worker process, which is restarted after it has died.

    The constructor does not wait for TensorFlow. The first use does, and raises
    :class:`tf_conv_conformance.subject.errors.SubjectUnavailableError` if it does not start.
    Threads must not share a gateway.
    """

    def __init__(
        self,
        symbols: Sequence[str],
        time_limit: float,
        definition: Definition = DEFAULT,
        memory: float | None = None,
    ) -> None:
        self.time_limit = time_limit
        self._supervisor = Supervisor(symbols, definition, memory)
        self._parcels: deque[_Parcel] = deque()
        self._supervisor.launch()

    @property
    def subject(self) -> dict[str, Any]:
        """The facts that identify the subject. Waits until TensorFlow has started once."""
        return self._greeting()[0]

    @property
    def documentation(self) -> dict[str, str]:
        """The installed docstrings by symbol. Waits until TensorFlow has started once."""
        return self._greeting()[1]

    @property
    def pid(self) -> int | None:
        """The id of the process that was started: the fork server, or else the worker."""
        process = self._supervisor.process
        return process.pid if process is not None else None

    def call(self, head: Mapping[str, Any], arrays: Sequence[np.ndarray]) -> Observation:
        """Make one call."""
        (observation,) = self.calls([Request(head, arrays)])
        return observation

    def calls(self, requests: Iterable[Request]) -> Iterator[Observation]:
        """Make calls, and return their observations in the same order.

        Requests are drawn ahead while the worker computes. Calls in graph or xla mode go to the
        worker in groups. If anything goes wrong in a group, its calls are made one at a time.
        If a worker dies, exceeds a call's time limit or breaks the protocol, only the call that it
        was making is lost. A new worker gets the others.
        """
        source = iter(requests)
        ahead: deque[_PendingCall] = deque()
        exhausted = False
        while True:
            if not exhausted and len(ahead) <= AHEAD and _size(ahead) <= BYTES_AHEAD:
                exhausted = self._draw(source, ahead)
            if not ahead:
                return
            call = ahead.popleft()
            try:
                while call.observation is None:
                    self._advance()
            except BaseException:  # may also come from a signal handler, such as pytest-timeout's
                self._abandon()
                raise
            yield call.observation

    def ask(self, request: dict[str, Any]) -> dict[str, Any]:
        """Return the answer to a request that makes no call.

        Raises :class:`NoAnswerError` if the worker dies or is late.
        """
        self._greeting()
        if not self._supervisor.started:
            self._start()
        process = self._supervisor.process
        assert process is not None
        process.send(request)
        try:
            answer, _ = process.receive(self.time_limit)
            self._supervisor.output.mark(answer)
        except RECEIVING_ERRORS as error:
            code = self._supervisor.end(error)
            if isinstance(error, LateAnswerError):
                raise NoAnswerError(f"no answer within {self.time_limit:g} s") from error
            why = f"the process died ({signal_name(code)})" if code < 0 else str(error)
            printed = self._supervisor.output.tail()
            raise NoAnswerError("\n".join([why, without_stacks(printed)]).strip()) from error
        return answer

    def close(self) -> None:
        """End the worker."""
        self._supervisor.close(busy=bool(self._parcels))

    def _greeting(self) -> tuple[dict[str, Any], dict[str, str]]:
        """Return the subject and the docstrings of the first worker, or of the current one."""
        return self._supervisor.greeting or self._start()

    def _start(self) -> tuple[dict[str, Any], dict[str, str]]:
        """Wait until a worker has started, and send it all calls without an answer."""
        greeting = self._supervisor.start()
        for parcel in self._parcels:
            self._send(parcel)
        return greeting

    def _abandon(self) -> None:
        """Drop all calls, and end the worker.

        The worker may hang in a call, or part of its answer may have been read. A worker that is
        still starting is left alone, since importing TensorFlow may take longer than a test may.
        """
        self._parcels.clear()
        if self._supervisor.started:
            self._supervisor.kill()

    def _draw(self, source: Iterator[Request], ahead: deque[_PendingCall]) -> bool:
        """Draw and send requests, at least one if none is ahead. Return if the source has ended."""
        groups: dict[object, list[_PendingCall]] = {}
        exhausted, drawn, size = False, 0, 0
        several = self._may_print()
        while not ahead or (several and drawn < AHEAD and size < BYTES_AHEAD):
            request = next(source, None)
            if request is None:
                exhausted = True
                break
            call, group = _PendingCall(request), request.group
            ahead.append(call)
            drawn += 1
            size += request.nbytes
            groups.setdefault(group, []).append(call)
            if len(groups[group]) == GROUP:
                self._hand_over(groups.pop(group), group is not None)
        for group, calls in groups.items():
            self._hand_over(calls, group is not None)
        return exhausted

    def _may_print(self) -> bool:
        """Return whether the worker's output is small enough to make several calls at once.

        The output file is emptied between calls. If it is large, calls in flight must end first.
        """
        output = self._supervisor.output
        if not self._parcels:
            output.mark()
            if output.before > PRINTED_KEPT:
                output.clear()
        return output.before <= PRINTED_KEPT

    def _hand_over(self, calls: Sequence[_PendingCall], together: bool) -> None:
        """Send calls to the worker. If it has not started yet, they are sent when it has."""
        self._parcels.append(_Parcel(deque(calls), together and len(calls) > 1))
        if self._supervisor.started:
            self._send(self._parcels[-1])

    def _send(self, parcel: _Parcel) -> None:
        requests = [call.request for call in parcel.pending]
        heads = [{**request.head, "arms": request.arms} for request in requests]
        arrays = [array for request in requests for array in request.arrays]
        message = {"type": "calls", "together": parcel.together, "calls": heads}
        assert self._supervisor.process is not None
        self._supervisor.process.send(message, arrays)

    def _advance(self) -> None:
        """Wait for the observation of the first call that has none."""
        if not self._supervisor.started:
            self._start()
        process = self._supervisor.process
        assert process is not None
        parcel = self._parcels[0]
        call = parcel.pending[0]
        time_limit = self.time_limit
        if parcel.together:
            time_limit = max(time_limit, min(time_limit * len(parcel.pending), GROUP_LIMIT))
        try:
            answer, results = process.receive(time_limit)
            call.observation = observation_of(answer, results, call.request.arms)
            self._supervisor.output.mark(answer)
        except RECEIVING_ERRORS as error:
            self._failed(parcel, error, round(process.seconds, 6))
        if call.observation is not None:
            parcel.pending.popleft()
        if not parcel.pending:
            self._parcels.popleft()
        if not self._supervisor.started and self._parcels:
            self._supervisor.launch()

    def _failed(self, parcel: _Parcel, error: BaseException, seconds: float) -> None:
        """End the worker. Record why its call has no answer, or retry a group's calls singly."""
        code = self._supervisor.end(error)
        if parcel.together:
            self._parcels.popleft()
            alone = [_Parcel(deque([call]), False) for call in parcel.pending]
            self._parcels.extendleft(reversed(alone))
            return
        if isinstance(error, LateAnswerError):
            observation = Observation("timed out", time_limit=self.time_limit)
        elif not isinstance(error, EOFError):
            reason = str(error) or type(error).__name__
            observation = Observation("suite error", protocol_error=reason)
        elif code < 0:
            observation = Observation("crashed", signal=signal_name(code))
        else:
            observation = Observation("suite error", exit_status=code)
        last_output = self._supervisor.output.tail()
        observation = replace(observation, seconds=seconds, last_output=last_output)
        parcel.pending[0].observation = observation


def _size(calls: Iterable[_PendingCall]) -> int:
    return sum(call.request.nbytes for call in calls)
