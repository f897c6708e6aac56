"""The subject of one pytest process: started with the first call, shared by all, ended with the run."""

from __future__ import annotations

from dataclasses import dataclass

from tf_conv_conformance import record
from tf_conv_conformance.results import Line
from tf_conv_conformance.rules.rule import SYMBOLS
from tf_conv_conformance.runner import Subject
from tf_conv_conformance.subject.gateway import Gateway, InProcess, SubjectUnavailable


@dataclass
class Session:
    """How calls are made in this process, and the subject that makes them."""

    time_limit: float
    in_process: bool
    record: Line | None = None
    _subject: Subject | None = None
    _unavailable: SubjectUnavailable | None = None

    def subject(self) -> Subject:
        """The subject, started when first asked for. Raises :class:`SubjectUnavailable` when it cannot start, which is tried once."""
        if self._unavailable is not None:
            raise self._unavailable
        if self._subject is None:
            try:
                self._subject = InProcess(SYMBOLS) if self.in_process else Gateway(SYMBOLS, self.time_limit)
            except SubjectUnavailable as error:
                self._unavailable = error
                raise
            self.record = record.subject_line(self._subject.subject, self._subject.documentation)
        return self._subject

    def close(self) -> None:
        """End the subject."""
        if self._subject is not None:
            self._subject.close()
            self._subject = None
