"""The base classes of tests that stand in case files and call subjects."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tf_conv_conformance import ConformanceError
from tf_conv_conformance.plugin.failure_text import failure_repr
from tf_conv_conformance.plugin.stash import SUBJECTS
from tf_conv_conformance.subject.errors import SubjectUnavailableError
from tf_conv_conformance.subject.interface import Subject


class CallFailedError(ConformanceError):
    """A call or a case fails; the parts are all that is printed, with a program last, if any."""

    def __init__(self, *parts: str) -> None:
        super().__init__("\n".join(parts))
        self.parts = parts


class LocatedItem(pytest.Item):
    """A test at a line of a case file. It prints no traceback."""

    line: int

    @property
    def path_id(self) -> str:
        """Return the case file, as ids name it."""
        return self.nodeid.partition("::")[0]

    def reportinfo(self) -> tuple[Path, int, str]:
        """Return the place that pytest names in headings and in JUnit XML."""
        return self.path, self.line - 1, self.name

    def repr_failure(self, excinfo: pytest.ExceptionInfo[BaseException], style: Any = None) -> Any:
        """Return the message alone for errors of this plugin and for xfail, else a traceback."""
        if isinstance(excinfo.value, CallFailedError):
            return failure_repr(self.path_id, self.line, excinfo.value.parts)
        if isinstance(excinfo.value, SubjectUnavailableError):
            return failure_repr(self.path_id, self.line, [str(excinfo.value)])
        if isinstance(excinfo.value, pytest.xfail.Exception):
            return str(excinfo.value)
        return super().repr_failure(excinfo, style)


class SubjectItem(LocatedItem):
    """A test that makes calls on a subject.

    What it puts into `for_report` becomes attributes of its report, whose names must begin with
    ``tf_conv_``. With xdist they reach the controller, so they must be plain values.
    """

    def __init__(self, *, subject: str, line: int, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.subject = subject
        self.line = line
        self.for_report: dict[str, Any] = {}

    def live_subject(self) -> Subject:
        """Return the subject, started if it is not alive.

        A subject that does not start fails one test, which ends the run if there is no other
        subject. The other tests of that subject are skipped.
        """
        try:
            return self.start(self.subject)
        except SubjectUnavailableError:
            self._end_run_of_one_subject()
            raise

    def start(self, name: str) -> Subject:
        """Return a subject of the run. If it has failed to start before, skip the test."""
        pool = self.config.stash[SUBJECTS]
        if pool.failed(name):
            pytest.skip(f"subject {name} did not start")
        return pool.subject(name)

    def give_up(self, error: SubjectUnavailableError) -> None:
        """Use the subject no more: it died with this error and could not be started again."""
        self.config.stash[SUBJECTS].give_up(self.subject, error)
        self._end_run_of_one_subject()

    def _end_run_of_one_subject(self) -> None:
        if len(self.config.stash[SUBJECTS].names) == 1:
            self.session.shouldfail = "TensorFlow did not start"


def test_name(name: str, subject: str) -> str:
    """Return the name of a test: that of what it calls, with its subject first in the brackets."""
    case, _, rest = name.partition("[")
    return f"{case}[{subject}-{rest}" if subject else name
