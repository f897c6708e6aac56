"""Run TensorFlow in this process, for a debugger."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from tf_conv_conformance.subject import worker
from tf_conv_conformance.subject.definition import DEFAULT
from tf_conv_conformance.subject.errors import SubjectUnavailableError
from tf_conv_conformance.subject.messages import observation_of
from tf_conv_conformance.subject.observation import Observation
from tf_conv_conformance.subject.request import Request


class InProcess:
    """The worker's code in this process. It has no time limit, and a crash ends the run."""

    def __init__(self, symbols: Sequence[str]) -> None:
        self._module = worker.chosen()
        try:
            self._library = self._module.load()
        except ImportError as error:
            reason = f"{DEFAULT.library} cannot be imported in this process: {error}"
            raise SubjectUnavailableError(reason) from error
        self.subject: dict[str, Any] = self._module.describe(self._library, {}, {})
        self.documentation: dict[str, str] = self._module.documentation(self._library, symbols)

    def calls(self, requests: Iterable[Request]) -> Iterator[Observation]:
        """Make calls, each when its observation is drawn."""
        for request in requests:
            arrays = list(request.arrays)
            answer, results = self._module.attempt(self._library, request.head, arrays)
            yield observation_of(answer, results, len(answer.get("arms", ())))

    def close(self) -> None:
        """Do nothing, since nothing was started."""
