"""The interface of a subject, the TensorFlow under test."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, Protocol

from tf_conv_conformance.subject.observation import Observation
from tf_conv_conformance.subject.request import Request


class Subject(Protocol):
    """The TensorFlow under test."""

    @property
    def subject(self) -> dict[str, Any]:
        """The facts that identify it: versions, processor, oneDNN."""

    @property
    def documentation(self) -> dict[str, str]:
        """The installed docstrings, by symbol."""

    def calls(self, requests: Iterable[Request]) -> Iterator[Observation]:
        """Make calls, and yield their observations in the same order.

        Requests may be drawn ahead of their observations.
        """

    def close(self) -> None:
        """End the subject."""
