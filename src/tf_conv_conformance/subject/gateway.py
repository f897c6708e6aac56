"""Starts the worker that holds TensorFlow, hands it calls, and survives its end."""

from __future__ import annotations

import re
import signal
from collections import deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from tf_conv_conformance import ConformanceError
from tf_conv_conformance.subject import execution, worker
from tf_conv_conformance.subject.answer import ProtocolError, greeting, observation_of
from tf_conv_conformance.subject.channel import LateAnswerError, LongAnswerError
from tf_conv_conformance.subject.definition import DEFAULT, Definition
from tf_conv_conformance.subject.observation import Observation
from tf_conv_conformance.subject.output import Output
from tf_conv_conformance.subject.process import Process, command
from tf_conv_conformance.subject.request import Request

START_LIMIT = 180.0  # seconds that importing TensorFlow may take, on a loaded machine
_STACKS = re.compile(
    r"^(?:Traceback \(|Current thread 0x|Thread 0x)", re.MULTILINE
)  # from there on: where Python was
START_TRIES = 3  # of a worker that follows one that died
PRINTED_KEPT = 2**20  # bytes of what a worker printed in earlier calls
GROUP = 64  # calls in one message and in one tf.function, at most
GROUP_LIMIT = 120.0  # seconds that a group may take, where one call has less; a group that takes more is made one at a time
AHEAD = (
    3 * GROUP
)  # calls that are drawn at once, and again when as many or fewer are without an answer: a group of each mode
BYTES_AHEAD = 2**23  # of tensors, in the same way


_FAILURES = (
    EOFError,
    LateAnswerError,
    LongAnswerError,
    ProtocolError,
    ValueError,
    KeyError,
    TypeError,
    AttributeError,
    MemoryError,
    RecursionError,
    OverflowError,
)
"""What reading an answer may raise: the worker's end, its silence, or anything that it may have sent."""


class SubjectUnavailableError(ConformanceError):
    """No TensorFlow could be started; the message says what was tried and what it printed last, `brief` leaves out its tracebacks."""

    def __init__(self, tried: str, printed: str = "", advice: str = "") -> None:
        super().__init__(
            "\n".join(
                [tried, *(["its last output:", printed or "(none)", advice] if advice else [])]
            )
        )
        self.brief = "\n".join(part for part in (tried, without_stacks(printed), advice) if part)


def without_stacks(printed: str) -> str:
    """What the worker printed before Python told where it was."""
    return _STACKS.split(printed)[0].strip()


class InProcess:
    """The worker's code in this process, for a debugger: no time limit, and a crash ends the run."""

    def __init__(self, symbols: Sequence[str]) -> None:
        try:
            self._tf = worker.import_tensorflow()
        except ImportError as error:
            raise SubjectUnavailableError(
                f"TensorFlow cannot be imported in this process: {error}"
            ) from error
        self.subject: dict[str, Any] = worker.describe(self._tf, {})
        self.documentation: dict[str, str] = worker.documentation(self._tf, symbols)

    def call(self, head: Mapping[str, Any], arrays: Sequence[np.ndarray]) -> Observation:
        """Carry out one call here."""
        answer, results = execution.attempt(self._tf, head, list(arrays))
        return observation_of(answer, results, len(answer.get("arms", ())))

    def calls(self, requests: Iterable[Request]) -> Iterator[Observation]:
        """Carry out calls here, each when its observation is asked for."""
        return (self.call(request.head, request.arrays) for request in requests)

    def close(self) -> None:
        """Nothing was started, so there is nothing to end."""


class _Asked:
    """A call on its way: what became of it, once that is known."""

    def __init__(self, request: Request) -> None:
        self.request = request
        self.observation: Observation | None = None


@dataclass
class _Parcel:
    """Calls that the worker gets in one message, and answers one after the other; `left` are without an answer.

    Those that it makes together, it makes before the first answer.
    """

    left: deque[_Asked]
    together: bool


class Gateway:
    """A worker process, started at construction and again after it has died. Not for use by several threads.

    Construction does not wait: the first use does, and raises :class:`SubjectUnavailableError` when TensorFlow does not start.
    """

    def __init__(
        self,
        symbols: Sequence[str],
        time_limit: float,
        definition: Definition = DEFAULT,
        memory: float | None = None,
    ) -> None:
        self._definition = definition
        self._symbols = symbols
        self._time_limit = time_limit
        self._memory = memory
        self._output = Output()
        self._process: Process | None = None
        self._greeted = False
        self._greeting: tuple[dict[str, Any], dict[str, str]] | None = None
        self._parcels: deque[_Parcel] = deque()
        with suppress(SubjectUnavailableError):  # it is told at the first use
            self._launch()

    @property
    def subject(self) -> dict[str, Any]:
        """What identifies the TensorFlow that answers; waits until it has started."""
        return self._known()[0]

    @property
    def documentation(self) -> dict[str, str]:
        """The installed docstrings of the symbols; waits until TensorFlow has started."""
        return self._known()[1]

    def call(self, head: Mapping[str, Any], arrays: Sequence[np.ndarray]) -> Observation:
        """Make one call: :meth:`calls` of one."""
        (observation,) = self.calls([Request(head, arrays)])
        return observation

    def calls(self, requests: Iterable[Request]) -> Iterator[Observation]:
        """Make calls, and give their observations in the same order. Requests are drawn ahead while the worker computes.

        Calls in graph or xla mode go to the worker in groups. Whatever goes wrong with a group is found by making its calls one at a
        time. A worker that dies, exceeds a call's time limit or answers nonsense costs the call that it was at; a new one gets the others.
        """
        source = iter(requests)
        ahead: deque[_Asked] = deque()
        exhausted = False
        while True:
            if (
                not exhausted
                and len(ahead) <= AHEAD
                and sum(asked.request.nbytes for asked in ahead) <= BYTES_AHEAD
            ):
                exhausted = self._draw(source, ahead)
            if not ahead:
                return
            asked = ahead.popleft()
            try:
                while asked.observation is None:
                    self._advance()
            except BaseException:  # a signal's handler, such as that of pytest-timeout
                self._abandon()
                raise
            yield asked.observation

    def _abandon(self) -> None:
        """Drop the calls on their way, and end the worker: it may hang in one, and its answer may have been read in part.

        One that starts is left: its import of TensorFlow may take longer than a test is given.
        """
        self._parcels.clear()
        if self._greeted:
            self._kill()

    def _draw(self, source: Iterator[Request], ahead: deque[_Asked]) -> bool:
        """Draw some requests, at least one where none is ahead, and hand them over; whether they were the last."""
        groups: dict[object, list[_Asked]] = {}
        exhausted, drawn, size = False, 0, 0
        several = self._may_print()
        while not ahead or (several and drawn < AHEAD and size < BYTES_AHEAD):
            request = next(source, None)
            if request is None:
                exhausted = True
                break
            asked, kind = _Asked(request), _group_of(request)
            ahead.append(asked)
            drawn += 1
            size += request.nbytes
            groups.setdefault(kind, []).append(asked)
            if len(groups[kind]) == GROUP:
                self._hand_over(groups.pop(kind), kind is not None)
        for kind, group in groups.items():
            self._hand_over(group, kind is not None)
        return exhausted

    def _may_print(self) -> bool:
        """Whether what the worker printed is little enough to go on at once; the file of too much is emptied when nothing is on its way."""
        if not self._parcels:
            self._output.mark()
            if self._output.before > PRINTED_KEPT:
                self._output.clear()
        return self._output.before <= PRINTED_KEPT

    def _hand_over(self, calls: Sequence[_Asked], together: bool) -> None:
        """Give the worker calls. One that has not started yet gets them when it has."""
        self._parcels.append(_Parcel(deque(calls), together and len(calls) > 1))
        self._send(self._parcels[-1])

    def _send(self, parcel: _Parcel) -> None:
        if self._process is not None and self._greeted:
            heads = [{**asked.request.head, "arms": asked.request.arms} for asked in parcel.left]
            arrays = [array for asked in parcel.left for array in asked.request.arrays]
            self._process.send(
                {"type": "calls", "together": parcel.together, "calls": heads}, arrays
            )

    def _advance(self) -> None:
        """Wait for what becomes of the first call that has no answer; start a worker where there is none."""
        process = self._ready()
        parcel = self._parcels[0]
        asked = parcel.left[0]
        time_limit = self._time_limit
        if parcel.together:
            time_limit = max(time_limit, min(time_limit * len(parcel.left), GROUP_LIMIT))
        try:
            answer, results = process.receive(time_limit)
            asked.observation = observation_of(answer, results, asked.request.arms)
            self._output.mark(answer)
        except _FAILURES as error:
            self._failed(parcel, error, round(process.seconds, 6))
        if asked.observation is not None:
            parcel.left.popleft()
        if not parcel.left:
            self._parcels.popleft()
        if not self._greeted and self._parcels:
            with suppress(SubjectUnavailableError):  # it is tried again when it is waited for
                self._launch()

    def _failed(self, parcel: _Parcel, error: BaseException, seconds: float) -> None:
        """End the worker, and say what that was for the call that it was at; of a group, the calls are made anew one at a time."""
        code = self._end(error)
        if parcel.together:
            self._parcels.popleft()
            self._parcels.extendleft(
                _Parcel(deque([asked]), False) for asked in reversed(parcel.left)
            )
            return
        parcel.left[0].observation = replace(
            self._unanswered(error, code), seconds=seconds, last_output=self._output.tail()
        )

    def _unanswered(self, error: BaseException, code: int) -> Observation:
        """Return why there is no answer: `error` is what reading it raised, `code` the process's return code."""
        if isinstance(error, LateAnswerError):
            return Observation("timed out", time_limit=self._time_limit)
        if not isinstance(error, EOFError):
            return Observation("suite error", protocol_error=str(error) or type(error).__name__)
        return (
            Observation("crashed", signal=_signal_name(code))
            if code < 0
            else Observation("suite error", exit_status=code)
        )

    def close(self) -> None:
        """Ask the worker to end, and end it if it does not, or is busy."""
        if self._process is not None:
            if self._parcels or not self._greeted:
                self._process.kill()
            self._process.close()
            self._process = None
            self._greeted = False
        self._output.close()

    def _known(self) -> tuple[dict[str, Any], dict[str, str]]:
        """The subject and the docstrings."""
        if self._greeting is None:
            self._ready()
        assert self._greeting is not None
        return self._greeting

    def _ready(self) -> Process:
        """Wait until a worker has started. After one that died, a machine that is short of something gets a few tries."""
        tries = START_TRIES if self._greeting else 1
        while self._process is None or not self._greeted:
            tries -= 1
            try:
                self._start()
            except SubjectUnavailableError:
                if not tries:
                    raise
        return self._process

    def _start(self) -> None:
        """Wait for the greeting of a worker, launched before or now, and send it all calls that have no answer."""
        if self._process is None or self._process.died:
            self._launch()
        assert self._process is not None
        try:
            hello, _ = self._process.receive(START_LIMIT)
            if isinstance(hello, dict) and hello.get("type") == "failed":
                raise ProtocolError(str(hello.get("message")))
            subject, documentation = greeting(hello)
            self._output.mark(hello)
        except _FAILURES as error:
            code = self._end(error)
            self._kill()  # a fork server is not given another try
            reason = (
                f"no answer within {START_LIMIT:g} s"
                if isinstance(error, LateAnswerError)
                else str(error)
            )
            if isinstance(error, EOFError):
                reason = _signal_name(code) if code < 0 else f"exit status {code}"
            raise self._unavailable(reason) from error
        self._greeted = True
        self._greeting = subject, self._greeting[1] if self._greeting else documentation
        for parcel in self._parcels:
            self._send(parcel)

    def _launch(self) -> None:
        """Start a worker without waiting for it: a fork where one has died that was forked, else a new process."""
        self._output.clear()
        if self._process is not None:
            self._process.fork()
            return
        words = command(self._definition, self._memory, () if self._greeting else self._symbols)
        try:
            self._process = Process(words, self._output)
        except OSError as error:
            raise self._unavailable(
                f"{error.filename or self._definition.command[0]}: {error.strerror}"
            ) from error

    def _unavailable(self, reason: str) -> SubjectUnavailableError:
        name, words = self._definition.name, " ".join(self._definition.command)
        who = f"subject {name} ({words})" if name else words
        advice = f"Install it there: {words} -m pip install tensorflow, or a build of your own."
        return SubjectUnavailableError(
            f"TensorFlow did not start in {who}: {reason}", self._output.tail(), advice
        )

    def _kill(self) -> None:
        """End the process, if it lives."""
        if self._process is not None:
            self._process.kill()
            self._process.reap()
        self._process, self._greeted = None, False

    def _end(self, error: BaseException) -> int:
        """Return the exit status or signal of the worker, after receiving has raised `error`."""
        assert self._process is not None
        code = self._process.ending(error)
        self._greeted = False
        if not self._process.died:
            self._process = None
        return code


def _signal_name(code: int) -> str:
    """Return the name of the signal behind a negative return code; most real-time signals have none."""
    try:
        return signal.Signals(-code).name
    except ValueError:
        return f"signal {-code}"


def _group_of(request: Request) -> object:
    """What calls must have in common to be made together; None for one that is made alone: a Keras layer holds its filter."""
    if request.alone or request.head["mode"] == "eager" or ".keras." in request.head["function"]:
        return None
    return request.head["mode"], request.arms
