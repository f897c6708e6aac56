"""The tests of a case file: a call, or what is wrong with a case."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from itertools import takewhile
from pathlib import Path
from typing import Any

import pytest

from tf_conv_conformance import ConformanceError
from tf_conv_conformance.casefile.call import Call
from tf_conv_conformance.casefile.diagnostic import Diagnostic
from tf_conv_conformance.plugin.failure_text import shown
from tf_conv_conformance.plugin.hooks import BASELINE, SESSION
from tf_conv_conformance.plugin.ids import id_of
from tf_conv_conformance.plugin.options import MARKER
from tf_conv_conformance.plugin.upcoming import upcoming
from tf_conv_conformance.prediction import predict
from tf_conv_conformance.prediction.predict import Returns
from tf_conv_conformance.records import lines
from tf_conv_conformance.records.reader import Line
from tf_conv_conformance.subject.gateway import SubjectUnavailableError
from tf_conv_conformance.subject.pool import Running
from tf_conv_conformance.verdict import message
from tf_conv_conformance.verdict.comparison import ending, value_text
from tf_conv_conformance.verdict.kinds import PASSING
from tf_conv_conformance.verdict.message import Failure
from tf_conv_conformance.verdict.perform import Performed, perform


class CallFailedError(ConformanceError):
    """A call or a case that fails; its parts are all that is printed, the program last where there is one."""

    def __init__(self, *parts: str) -> None:
        super().__init__("\n".join(parts))
        self.parts = parts


class Standing(pytest.Item):
    """A test that stands at a line of a case file and prints no traceback."""

    line: int

    @property
    def path_id(self) -> str:
        """The case file, as ids name it."""
        return self.nodeid.partition("::")[0]

    def reportinfo(self) -> tuple[Path, int, str]:
        """The place that pytest names in headings and in JUnit XML."""
        return self.path, self.line - 1, self.name

    def repr_failure(self, excinfo: pytest.ExceptionInfo[BaseException], style: Any = None) -> Any:
        """The message alone for what this plugin reports, which also spares an xfail the cost of its traceback; else a traceback."""
        if isinstance(excinfo.value, CallFailedError):
            return shown(self.path_id, self.line, excinfo.value.parts)
        if isinstance(excinfo.value, SubjectUnavailableError):
            return shown(self.path_id, self.line, [str(excinfo.value)])
        if isinstance(excinfo.value, pytest.xfail.Exception):
            return str(excinfo.value)
        return super().repr_failure(excinfo, style)


class Asking(Standing):
    """A test that asks a subject. `tf_conv_word` is what ``-v`` and ``-rA`` say of a call that passes without a result."""

    subject: str
    tf_conv_word: str | None = None
    _described: Sequence[tuple[str, object]] = ()

    def _describe(self, properties: Sequence[tuple[str, object]]) -> None:
        """Set what JUnit XML has of the test, in place of what an earlier try has set: pytest-rerunfailures runs a test again."""
        others = [one for one in self.user_properties if one not in self._described]
        self.user_properties = [*others, *properties]
        self._described = properties

    def _running(self) -> Running:
        """The subject. One that does not start fails one test; where others do start, the rest of its tests are skipped, and missing."""
        session = self.config.stash[SESSION]
        if session.failed(self.subject):
            pytest.skip(f"subject {self.subject} did not start")
        try:
            return session.running(self.subject)
        except SubjectUnavailableError as error:
            raise self._unavailable(error) from None

    def _died(self, error: SubjectUnavailableError) -> SubjectUnavailableError:
        """The error of a subject that died and cannot be started again."""
        self.config.stash[SESSION].give_up(self.subject, error)
        return self._unavailable(error)

    def _unavailable(self, error: SubjectUnavailableError) -> SubjectUnavailableError:
        """The error, which ends the run where no other subject is asked."""
        if len(self.config.stash[SESSION].names) == 1:
            self.session.shouldfail = "TensorFlow did not start"
        return error

    def _end(self, call: Call, performed: Performed, subject: Line) -> Line:
        """The record of a call; it says so where the call fails just as the baseline says."""
        end = lines.end_line(
            id_of(self.path_id, call),
            call,
            performed.verdict,
            performed.observation,
            subject["key"],
        )
        baseline = self.config.stash.get(BASELINE, None)
        if (
            performed.verdict.failing
            and baseline is not None
            and baseline.knows(self.subject, call.content_hash, end)
        ):
            end["known"] = True
        return end

    def _failure(self, call: Call, performed: Performed, running: Running) -> Failure:
        where = f"{self.path_id}:{call.line}"
        return message.explain(
            where, call, performed.verdict, performed.observation, running.subject.documentation
        )


def markers(call: Call) -> list[str]:
    """Return the names of a call's markers."""
    arguments = call.arguments
    half = "half" if arguments.dtype == "float16" else None
    return [
        MARKER + name
        for name in (arguments.op, call.mode, arguments.dtype, half, call.case.large and "large")
        if name
    ]


class CallItem(Asking):
    """One call: makes it, judges it, and leaves its record on the report."""

    def __init__(self, *, call: Call, subject: str, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.call = call
        self.subject = subject
        self.line = call.line
        self.tf_conv_record: dict[str, Any] | None = None
        self.tf_conv_likeness: tuple[str, str] | None = None
        for marker in markers(call):
            self.add_marker(marker)

    def runtest(self) -> None:
        """Make the call; fail, xfail or skip by its verdict."""
        running = self._running()
        try:
            performed = perform(
                self.call,
                running.subject,
                lambda: running.ahead.observations(self.call, self._following()),
            )
        except SubjectUnavailableError as error:
            raise self._died(error) from None
        self._describe(properties(self.call, performed))
        end = self._end(self.call, performed, running.record)
        self.tf_conv_record = {"name": self.subject, "subject": running.record, "end": end}
        verdict = performed.verdict
        self.tf_conv_word = "refused" if verdict.kind == "refused" else None
        if verdict.kind == "unsupported":
            pytest.skip(verdict.reason)
        if verdict.kind == "deviates":
            pytest.xfail(verdict.reason)  # returns under --runxfail, which asks for the failure
        if "known" in end:
            pytest.xfail(f"known, by the baseline: {verdict.kind}: {verdict.reason}")
        if verdict.kind not in PASSING:  # also one that deviates, under --runxfail
            found = self._failure(self.call, performed, running)
            self.tf_conv_likeness = self._likeness(found)
            raise CallFailedError(f"{found.point}\n{found.details}", found.program)

    def _following(self) -> Iterator[Call]:
        """Return the calls of the tests that this process runs next, of the same subject."""
        items = (item for item in upcoming(self) if isinstance(item, CallItem))
        return (item.call for item in takewhile(lambda item: item.subject == self.subject, items))

    def _likeness(self, found: Failure) -> tuple[str, str]:
        """Return what this failure shares with those of the same call in other modes, as a hash, and the mode."""
        same = [
            self.subject,
            self.path_id,
            self.call.case.id,
            str(self.call.arguments),
            self.call.relation,
            found.likeness,
        ]
        return hashlib.sha256(repr(same).encode()).hexdigest(), self.call.mode


def properties(call: Call, performed: Performed) -> list[tuple[str, object]]:
    """What JUnit XML has of a call: its verdict, the rules that it contradicts, what is documented and what was observed."""
    documented = predict.documented(call.arguments)
    said = (
        value_text(documented.dtype, documented.shape)
        if isinstance(documented, Returns)
        else "an exception"
    )
    found: list[tuple[str, object]] = [
        ("verdict", performed.verdict.kind),
        *(("rule", rule) for rule in performed.verdict.rules),
    ]
    found.append(("documented", said))
    if performed.observation is not None:
        found.append(("observed", ending(performed.observation)))
    return found


class DiagnosticItem(Standing):
    """What is wrong with one case, or with the whole file: a test that fails with it."""

    def __init__(self, *, diagnostics: list[Diagnostic], **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.diagnostics = diagnostics
        self.line = diagnostics[0].line

    def text(self) -> str:
        """The diagnostics, a line each."""
        return "\n".join(diagnostic.at(self.path_id) for diagnostic in self.diagnostics)

    def runtest(self) -> None:
        """Fail with the diagnostics: what is wrong first, since pytest's summary has room for little more than the test's name."""
        raise CallFailedError(
            "\n".join(
                f"{diagnostic.brief()}\n    {diagnostic.place(self.path_id)}"
                for diagnostic in self.diagnostics
            )
        )
