"""Case files as pytest's tree: a file, and in it a test for each call, and one for each case that cannot be read."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tf_conv_conformance import failure, prediction, record
from tf_conv_conformance.call import Call
from tf_conv_conformance.casefile.complaint import Complaint
from tf_conv_conformance.casefile.loading import Loaded, load
from tf_conv_conformance.comparison import ending, value_text
from tf_conv_conformance.options import modes
from tf_conv_conformance.plugin import BASELINE, SESSION
from tf_conv_conformance.prediction import Returns
from tf_conv_conformance.results import Line
from tf_conv_conformance.runner import Performed, perform
from tf_conv_conformance.session import Running
from tf_conv_conformance.subject.gateway import SubjectUnavailable


class Failed(Exception):
    """A call or a case that fails; the message is all that is printed."""


class _Item(pytest.Item):
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
        if isinstance(excinfo.value, Failed | SubjectUnavailable | pytest.xfail.Exception):
            return str(excinfo.value)
        return super().repr_failure(excinfo, style)


class CallItem(_Item):
    """One call: makes it, judges it, and leaves its record on the report."""

    def __init__(self, *, call: Call, subject: str, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.call = call
        self.subject = subject
        self.line = call.line
        self.tf_conv_record: dict[str, Any] | None = None
        for marker in (call.arguments.op, call.mode, call.arguments.dtype, *(["large"] if call.case.large else [])):
            self.add_marker(marker)

    def runtest(self) -> None:
        """Make the call; fail, xfail or skip by its verdict."""
        running = self._running()
        try:
            performed = perform(self.call, running.subject)
        except SubjectUnavailable as error:  # it died, and cannot be started again
            self.config.stash[SESSION].give_up(self.subject, error)
            raise self._unavailable(error) from None
        known = self._record(performed, running.record)
        verdict = performed.verdict
        if verdict.kind == "unsupported":
            pytest.skip(verdict.reason)
        if verdict.kind == "deviates":
            pytest.xfail(verdict.reason)  # returns under --runxfail, which asks for the failure
        if known:
            pytest.xfail(f"known, by the baseline: {verdict.kind}: {verdict.reason}")
        if verdict.kind != "conforms":
            where = f"{self.path_id}:{self.line}"
            raise Failed(failure.text(where, self.call, verdict, performed.observation, running.subject.documentation))

    def _running(self) -> Running:
        """The subject. One that does not start fails one test; where others do start, the rest of its tests are skipped, and missing."""
        session = self.config.stash[SESSION]
        if session.failed(self.subject):
            pytest.skip(f"subject {self.subject} did not start")
        try:
            return session.running(self.subject)
        except SubjectUnavailable as error:
            raise self._unavailable(error) from None

    def _unavailable(self, error: SubjectUnavailable) -> SubjectUnavailable:
        """The error, which ends the run where no other subject is asked."""
        if len(self.config.stash[SESSION].names) == 1:
            self.session.shouldfail = "TensorFlow did not start"
        return error

    def _record(self, performed: Performed, subject: Line) -> bool:
        """Leave the record; whether the call fails just as the baseline says."""
        self.user_properties += properties(self.call, performed)
        end = record.end_line(call_id(self.path_id, self.call), self.call, performed.verdict, performed.observation, subject["key"])
        baseline = self.config.stash.get(BASELINE, None)
        known = performed.verdict.failing and baseline is not None and baseline.knows(self.subject, self.call.content_hash, end)
        if known:
            end["known"] = True
        self.tf_conv_record = {"end": end, "subject": subject, "name": self.subject}
        return known


def call_id(file: str, call: Call) -> str:
    """The id of a call, whoever is asked."""
    return f"{file}::{call.name}"


def name_of(call: Call, subject: str) -> str:
    """The name of the test of a call: its own, with the subject's before what is in its brackets."""
    case, _, rest = call.name.partition("[")
    return f"{case}[{subject}-{rest}" if subject else call.name


def properties(call: Call, performed: Performed) -> list[tuple[str, object]]:
    """What JUnit XML has of a call: its verdict, the rules that it contradicts, what is documented and what was observed."""
    documented = prediction.documented(call.arguments)
    said = value_text(documented.dtype, documented.shape) if isinstance(documented, Returns) else "an exception"
    found: list[tuple[str, object]] = [("verdict", performed.verdict.kind), *(("rule", rule) for rule in performed.verdict.rules)]
    found.append(("documented", said))
    if performed.observation is not None:
        found.append(("observed", ending(performed.observation)))
    return found


class ComplaintItem(_Item):
    """What is wrong with one case, or with the whole file: a test that fails with it."""

    def __init__(self, *, complaints: list[Complaint], **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.complaints = complaints
        self.line = complaints[0].line

    def text(self) -> str:
        """The complaints, a line each."""
        return "\n".join(complaint.at(self.path_id) for complaint in self.complaints)

    def runtest(self) -> None:
        """Fail with the complaints."""
        raise Failed(self.text())


class CaseFile(pytest.File):
    """A YAML file of cases."""

    def collect(self) -> Iterator[pytest.Item]:
        """A test for each call in the modes that are asked for, and one for each case that cannot be read.

        Ids are passed as text: pytest 9.1 and later tell an id's brackets from its name only there, and ``--lf`` compares the parts.
        """
        loaded = self._load()
        by_case: dict[str | None, list[Complaint]] = {}
        for complaint in loaded.complaints:
            by_case.setdefault(complaint.case, []).append(complaint)
        for case, complaints in by_case.items():
            name = f"{printable(case)}[invalid]" if case is not None else "file[invalid]"
            yield ComplaintItem.from_parent(self, name=name, nodeid=f"{self.nodeid}::{name}", complaints=complaints)
        asked = modes(self.config)
        for subject in self.config.stash[SESSION].names:
            for call in loaded.calls:
                if call.mode in asked:
                    name = name_of(call, subject)
                    yield CallItem.from_parent(self, name=name, nodeid=f"{self.nodeid}::{name}", call=call, subject=subject)

    def _load(self) -> Loaded:
        root = self.config.rootpath
        if self.path.is_relative_to(root) and not self.path.resolve().is_relative_to(root.resolve()):
            return Loaded((), (Complaint(1, 1, "", "is a link to outside of the project, and is not read; copy the file"),))
        return load(self.path, bool(self.config.getoption("--tf-exhaustive")))


def complaints(items: Iterable[pytest.Item]) -> list[str]:
    """What is wrong with the case files that were collected."""
    return [item.text() for item in items if isinstance(item, ComplaintItem)]


def printable(name: str) -> str:
    """A case's id as part of a test's id, whatever it holds."""
    return "".join(letter if letter.isalnum() or letter in "._-" else "?" for letter in name)[:100]


@dataclass(frozen=True)
class Planned:
    """A test of a call: the test's id, the subject's name, the call with its id and its file."""

    test: str
    subject: str
    id: str
    file: str
    call: Call


def planned(items: Iterable[pytest.Item]) -> list[Planned]:
    """The calls among tests."""
    calls = [item for item in items if isinstance(item, CallItem)]
    return [Planned(item.nodeid, item.subject, call_id(item.path_id, item.call), item.path_id, item.call) for item in calls]


def planned_by_id(identifiers: Iterable[str], root: Path, whole: bool, subjects: Sequence[str]) -> list[Planned]:
    """The same for the ids that an xdist worker collected: the controller, which collects nothing, reads the files again."""
    tests: dict[str, dict[str, Planned]] = {}
    found = []
    for identifier in identifiers:
        file, _, name = identifier.partition("::")
        if not file.endswith((".yaml", ".yml")):
            continue
        if file not in tests:
            calls = load(root / file, whole).calls
            pairs = [(name_of(call, subject), subject, call) for subject in subjects for call in calls]
            tests[file] = {test: Planned(f"{file}::{test}", subject, call_id(file, call), file, call) for test, subject, call in pairs}
        if name in tests[file]:
            found.append(tests[file][name])
    return found
