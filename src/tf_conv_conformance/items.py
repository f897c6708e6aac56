"""The tests of a case file: a call, a block of calls, or what is wrong with a case."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import Any

import pytest

from tf_conv_conformance import failure, prediction, record
from tf_conv_conformance.call import Call
from tf_conv_conformance.casefile.calls import Block, Sweep, check_deviations
from tf_conv_conformance.casefile.complaint import Complaint
from tf_conv_conformance.casefile.expansion import Unusable
from tf_conv_conformance.comparison import ending, value_text
from tf_conv_conformance.failure import Failure
from tf_conv_conformance.ids import id_of
from tf_conv_conformance.numbers import canonical
from tf_conv_conformance.plugin import BASELINE, DONE, SESSION
from tf_conv_conformance.prediction import Returns
from tf_conv_conformance.progress import counted
from tf_conv_conformance.results import Line
from tf_conv_conformance.runner import Performed, perform, perform_all
from tf_conv_conformance.session import Running
from tf_conv_conformance.shown import shown
from tf_conv_conformance.subject.gateway import SubjectUnavailable
from tf_conv_conformance.vocabulary import MARKER, PASSING

PART = 64  # calls of a block whose records are on their way together
SHOWN = 5  # failing calls of a block that are shown in full
NAMED = 100  # failing calls of a block that are named


class Failed(Exception):
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
        if isinstance(excinfo.value, Failed):
            return shown(self.path_id, self.line, excinfo.value.parts)
        if isinstance(excinfo.value, SubjectUnavailable):
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
        except SubjectUnavailable as error:
            raise self._unavailable(error) from None

    def _died(self, error: SubjectUnavailable) -> SubjectUnavailable:
        """The error of a subject that died and cannot be started again."""
        self.config.stash[SESSION].give_up(self.subject, error)
        return self._unavailable(error)

    def _unavailable(self, error: SubjectUnavailable) -> SubjectUnavailable:
        """The error, which ends the run where no other subject is asked."""
        if len(self.config.stash[SESSION].names) == 1:
            self.session.shouldfail = "TensorFlow did not start"
        return error

    def _end(self, call: Call, performed: Performed, subject: Line) -> Line:
        """The record of a call; it says so where the call fails just as the baseline says."""
        end = record.end_line(id_of(self.path_id, call), call, performed.verdict, performed.observation, subject["key"])
        baseline = self.config.stash.get(BASELINE, None)
        if performed.verdict.failing and baseline is not None and baseline.knows(self.subject, call.content_hash, end):
            end["known"] = True
        return end

    def _failure(self, call: Call, performed: Performed, running: Running) -> Failure:
        where = f"{self.path_id}:{call.line}"
        return failure.explain(where, call, performed.verdict, performed.observation, running.subject.documentation)


def markers(op: str | None, mode: str, dtype: str | None, large: bool | None) -> list[str]:
    """Return the markers of a call, or of a block: of the latter those that all of its calls have."""
    half = "half" if dtype == "float16" else None
    return [MARKER + name for name in (op, mode, dtype, half, large and "large") if name]


class CallItem(Asking):
    """One call: makes it, judges it, and leaves its record on the report."""

    def __init__(self, *, call: Call, subject: str, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.call = call
        self.subject = subject
        self.line = call.line
        self.tf_conv_record: dict[str, Any] | None = None
        self.tf_conv_likeness: tuple[str, str] | None = None
        for marker in markers(call.arguments.op, call.mode, call.arguments.dtype, call.case.large):
            self.add_marker(marker)

    def runtest(self) -> None:
        """Make the call; fail, xfail or skip by its verdict."""
        running = self._running()
        try:
            performed = perform(self.call, running.subject)
        except SubjectUnavailable as error:
            raise self._died(error) from None
        self._describe(properties(self.call, performed))
        end = self._end(self.call, performed, running.record)
        self.tf_conv_record = {"name": self.subject, "subject": running.record, "made": [(None, end)]}
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
            raise Failed(f"{found.point}\n{found.details}", found.program)

    def _likeness(self, found: Failure) -> tuple[str, str]:
        """Return what this failure shares with those of the same call in other modes, as a hash, and the mode."""
        same = [self.subject, self.path_id, self.call.case.id, str(self.call.arguments), self.call.relation, found.likeness]
        return hashlib.sha256(repr(same).encode()).hexdigest(), self.call.mode


def properties(call: Call, performed: Performed) -> list[tuple[str, object]]:
    """What JUnit XML has of a call: its verdict, the rules that it contradicts, what is documented and what was observed."""
    documented = prediction.documented(call.arguments)
    said = value_text(documented.dtype, documented.shape) if isinstance(documented, Returns) else "an exception"
    found: list[tuple[str, object]] = [("verdict", performed.verdict.kind), *(("rule", rule) for rule in performed.verdict.rules)]
    found.append(("documented", said))
    if performed.observation is not None:
        found.append(("observed", ending(performed.observation)))
    return found


class BlockItem(Asking):
    """Some calls of a large sweep as one test: it fails with those of them that fail, and sends their records as they come.

    If pytest-rerunfailures runs it again, it makes the calls that failed, and those that were not made.
    """

    def __init__(self, *, block: Block, subject: str, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.block = block
        self.subject = subject
        self.line = block.sweep.line
        self._settled: dict[int, str] = {}  # the verdicts of calls that did not fail, by number
        op, dtype = (block.sweep.expansion.shared(*name) for name in (("op", ""), ("dtype", "float32")))
        for marker in markers(op, block.mode, dtype and canonical(dtype), block.sweep.case.large):
            self.add_marker(marker)

    def runtest(self) -> None:
        """Make the calls that no earlier run has made; fail with those that fail."""
        calls = self._left()
        running = self._running()
        failing: Counter[str] = Counter()
        failed: list[tuple[str, str]] = []
        parts = iter(lambda: list(islice(calls, PART)), [])
        for part in parts:
            for (number, call), (performed, known) in zip(part, self._make(part, running), strict=True):
                if self._fails(performed, known):
                    failing[performed.verdict.kind] += 1
                    text = self._failure(call, performed, running).text if len(failed) < SHOWN else performed.verdict.reason
                    failed.append((id_of(self.path_id, call), text))
                else:
                    self._settled[number] = performed.verdict.kind
            if 0 < (self.config.getoption("maxfail") or 0) <= len(failed):
                break
        verdicts = Counter(self._settled.values()) + failing
        self._describe([(f"verdict-{kind}", count) for kind, count in verdicts.items()])
        self.tf_conv_word = f"{verdicts['refused']} of {verdicts.total()} refused" if verdicts["refused"] else None
        if failed:
            raise Failed(_together(failed, counted(verdicts)))
        self._settled = {}  # pytest keeps the tests of a run until its end

    def _left(self) -> Iterator[tuple[int, Call]]:
        """The block's calls, numbered in their sweep, without those that an earlier run or try has settled."""
        try:
            calls = self.block.calls()
        except Unusable as error:
            raise Failed(self.block.sweep.complaint(error).at(self.path_id)) from None
        done = self.config.stash[DONE].hashes.get(self.subject, {}) if DONE in self.config.stash else {}
        numbered = [one for one in zip(self.block.numbers, calls, strict=True) if one[0] not in self._settled]
        return ((number, call) for number, call in numbered if not done or done.get(id_of(self.path_id, call)) != call.content_hash)

    def _make(self, part: Sequence[tuple[int, Call]], running: Running) -> Iterator[tuple[Performed, bool]]:
        """Make some calls and send their records; each with whether it fails as the baseline says."""
        try:
            made = perform_all([call for _, call in part], running.subject)
        except SubjectUnavailable as error:
            raise self._died(error) from None
        key, block = f"{self.path_id}::{self.block.sweep.case.id}", id_of(self.path_id, self.block)
        lines = []
        for (number, call), performed in zip(part, made, strict=True):
            planned = {**record.call_line(id_of(self.path_id, call), key, call), "block": block, "number": number}
            lines.append((planned, self._end(call, performed, running.record)))
        report = pytest.TestReport(self.nodeid, self.location, {}, "passed", None, "setup")  # of this phase nobody says anything
        report.tf_conv_record = {"name": self.subject, "subject": running.record, "made": lines}  # type: ignore[attr-defined]
        self.ihook.pytest_runtest_logreport(report=report)
        known = ["known" in end for _, end in lines]
        return zip(made, known, strict=True)

    def _fails(self, performed: Performed, known: bool) -> bool:
        """Whether a call fails the test, as it would by itself."""
        if performed.verdict.kind == "deviates" or known:
            return bool(self.config.getoption("runxfail"))
        return performed.verdict.failing


def _together(failed: Sequence[tuple[str, str]], verdicts: str) -> str:
    """What is printed of the failing calls of a block: some in full, more by id and reason."""
    lines = [f"failing calls: {len(failed)} ({verdicts})"]
    lines += [f"\n{identifier}\n{text}" for identifier, text in failed[:SHOWN]]
    lines += ["", *(f"{identifier}: {text.splitlines()[0]}" for identifier, text in failed[SHOWN:NAMED])]
    if len(failed) > NAMED:
        lines.append(f"and {len(failed) - NAMED} more, in the record file and the report")
    return "\n".join(lines)


class DeviationsItem(Standing):
    """Whether each deviation of a large sweep is about one of its calls: what a smaller case is asked when it is read."""

    def __init__(self, *, sweep: Sweep, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.sweep = sweep
        self.line = sweep.line

    def runtest(self) -> None:
        """Go through the calls as far as it takes."""
        try:
            check_deviations(self.sweep.case, self.sweep.calls(range(len(self.sweep.expansion)), self.sweep.modes))
        except Unusable as error:
            raise Failed(self.sweep.complaint(error).at(self.path_id)) from None


class ComplaintItem(Standing):
    """What is wrong with one case, or with the whole file: a test that fails with it."""

    def __init__(self, *, complaints: list[Complaint], **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.complaints = complaints
        self.line = complaints[0].line

    def text(self) -> str:
        """The complaints, a line each."""
        return "\n".join(complaint.at(self.path_id) for complaint in self.complaints)

    def runtest(self) -> None:
        """Fail with the complaints: what is wrong first, since pytest's summary has room for little more than the test's name."""
        raise Failed("\n".join(f"{complaint.brief()}\n    {complaint.place(self.path_id)}" for complaint in self.complaints))
