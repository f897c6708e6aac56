"""Errors of a subject's process."""

from __future__ import annotations

from tf_conv_conformance import ConformanceError
from tf_conv_conformance.subject.output import without_stacks


class SubjectUnavailableError(ConformanceError):
    """TensorFlow cannot be started. The message says what was tried and what was printed last.

    `brief` is the message without tracebacks.
    """

    def __init__(self, tried: str, printed: str = "", advice: str = "") -> None:
        full = [tried, "its last output:", printed or "(none)", advice] if advice else [tried]
        super().__init__("\n".join(full))
        self.brief = "\n".join(part for part in (tried, without_stacks(printed), advice) if part)


class ProtocolError(ConformanceError):
    """A message breaks the protocol; the text says how."""


class SettingRefusedError(ConformanceError):
    """A subject cannot have a setting of its definition; the text says why."""


class NoAnswerError(ConformanceError):
    """A worker has not answered a request; the message says why."""


class LateAnswerError(ConformanceError):
    """A message did not arrive within its time limit."""


class LongAnswerError(ConformanceError):
    """A message is too long to be read; the text says how long."""


class WorkerDiedError(EOFError):
    """A worker has died, and its fork server can fork another one."""


RECEIVING_ERRORS = (
    ConformanceError, EOFError, ValueError, KeyError, TypeError, AttributeError, MemoryError,
    RecursionError, OverflowError,
)  # fmt: skip
"""The errors that reading a message may raise, since a faulty worker may send anything."""
