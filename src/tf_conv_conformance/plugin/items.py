"""The tests of a case file: a call, or the errors of a case."""

from __future__ import annotations

import hashlib
import textwrap
import traceback
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import takewhile
from typing import Any

import pytest

from tf_conv_conformance.casefile.call import Call
from tf_conv_conformance.casefile.diagnostic import Diagnostic
from tf_conv_conformance.plugin.base import CallFailedError, LocatedItem, SubjectItem
from tf_conv_conformance.plugin.options import MARKER
from tf_conv_conformance.plugin.stash import BASELINE, MEASURED, PLAN, SUBJECTS
from tf_conv_conformance.plugin.terminal_width import width
from tf_conv_conformance.plugin.upcoming import upcoming
from tf_conv_conformance.prediction.predict import Returns, predict
from tf_conv_conformance.prediction.relations import is_across_subjects
from tf_conv_conformance.records import lines
from tf_conv_conformance.records.baseline import Baseline
from tf_conv_conformance.records.measured import Measured
from tf_conv_conformance.records.schema import EndLine, SubjectLine
from tf_conv_conformance.subject.errors import SubjectUnavailableError
from tf_conv_conformance.subject.interface import Subject
from tf_conv_conformance.subject.lookahead import LookAhead
from tf_conv_conformance.subject.observation import Observation
from tf_conv_conformance.subject.pool import facts
from tf_conv_conformance.verdict.comparison import ending, value_text
from tf_conv_conformance.verdict.kinds import PASSING
from tf_conv_conformance.verdict.message import WIDTH, Failure, failure_of
from tf_conv_conformance.verdict.perform import CallResult, OtherSubject, lacks, perform
from tf_conv_conformance.verdict.requests import requests
from tf_conv_conformance.verdict.verdict import Verdict


@dataclass(frozen=True)
class LiveSubject:
    """A subject that has started, its line in a record file, and the calls sent ahead to it."""

    subject: Subject
    line: SubjectLine
    ahead: LookAhead[Call]


LIVE: pytest.StashKey[dict[str, LiveSubject]] = pytest.StashKey()
"""The subjects that have started in this process, by name."""


def markers(call: Call) -> list[str]:
    """Return the names of a call's markers."""
    arguments = call.arguments
    half = "half" if arguments.dtype == "float16" else None
    plain_mode = call.mode.replace("-", "_") if "-" in call.mode else None
    return [
        MARKER + name
        for name in (
            *(arguments.op, call.mode, plain_mode, arguments.dtype, half),
            call.case.large and "large",
        )
        if name
    ]


@cache
def _mark(name: str) -> pytest.MarkDecorator:
    """Return a marker; the tests of a run share it."""
    mark: pytest.MarkDecorator = getattr(pytest.mark, name)
    return mark


class CallItem(SubjectItem):
    """A test of one call, which puts the record of the call on its report."""

    _described: Sequence[tuple[str, object]] = ()

    def __init__(self, *, call: Call, measured: Measured | None = None, **kwargs: Any) -> None:
        super().__init__(line=call.line, **kwargs)
        self.call = call
        self.measured = measured
        for name in markers(call):
            self.add_marker(_mark(name))

    @property
    def call_id(self) -> str:
        """Return the id of the call, which is the same for every subject."""
        return f"{self.path_id}::{self.call.name}"

    def setup(self) -> None:
        """Report that the call comes next, and the plan of the run if it is the first."""
        self.for_report = {"tf_conv_start": (self.subject, self.call_id)}
        if (plan := self.config.stash.get(PLAN, None)) is not None:
            self.for_report["tf_conv_plan"] = plan
            del self.config.stash[PLAN]

    def runtest(self) -> None:
        """Make the call; fail, xfail or skip by its verdict."""
        live, other = self._live(), self._other_subject()
        observations: list[Observation] = []
        try:
            self._perform(live, other, observations)
        except SubjectUnavailableError as error:
            self.give_up(error)
            raise
        except (CallFailedError, pytest.exit.Exception):
            raise
        except Exception as error:
            self._fail_unjudged(error, live, observations[0] if observations else None)

    def _perform(
        self, live: LiveSubject, other: OtherSubject | None, observations: list[Observation]
    ) -> None:
        """Make the call and end the test by its verdict. Adds to `observations` what it sees."""

        def observe() -> Sequence[Observation]:
            following = self._following(live.subject)
            observations.extend(live.ahead.observations(self.call, following))
            return observations

        facts, mode = live.subject.subject, self.call.mode
        is_measured = self.measured is None or self.measured.knows(facts, mode)
        performed = perform(self.call, live.subject, observe, is_measured, other)
        self._describe(properties(self.call, performed))
        end = self._end(performed, live.line)
        record = {"name": self.subject, "subject": live.line, "end": end}
        verdict = performed.verdict
        self.for_report = {"tf_conv_record": record}
        if verdict.kind in ("refused", "unmeasured"):
            self.for_report["tf_conv_word"] = verdict.kind
        if verdict.kind == "unsupported":
            pytest.skip(verdict.reason)
        if verdict.kind == "deviates":
            pytest.xfail(verdict.reason)  # returns under --runxfail, which wants the failure
        if "known" in end:
            pytest.xfail(f"known, by the baseline: {verdict.kind}: {verdict.reason}")
        if verdict.kind not in (*PASSING, "unmeasured"):  # also one that deviates, under --runxfail
            where = f"{self.path_id}:{self.line}"
            failure = failure_of(
                where,
                self.call,
                predict(self.call.arguments),
                verdict,
                performed.observation,
                live.subject.documentation,
                width(self.config) or WIDTH,
            )
            self.for_report["tf_conv_likeness"] = self._likeness(failure)
            raise CallFailedError(f"{failure.point}\n{failure.details}", failure.program)

    def _fail_unjudged(
        self, error: Exception, live: LiveSubject, observation: Observation | None
    ) -> None:
        """Record a suite error, and fail with the traceback of the error, which is the suite's."""
        raised = traceback.format_exception_only(error)[-1].strip()
        reason = f"not a verdict on TensorFlow: the suite raised {textwrap.shorten(raised, 200)}"
        verdict = Verdict("suite error", reason)
        end = lines.suite_error_line(self.call_id, verdict, observation, live.line["key"])
        record = {"name": self.subject, "subject": live.line, "end": end}
        self.for_report = {"tf_conv_record": record}
        seen = [("observed", ending(observation))] if observation is not None else []
        self._describe([("verdict", verdict.kind), *seen])
        rows = [("case", f"{self.path_id}:{self.line} {self.call.name}"), *seen]
        point = "\n".join([f"{verdict.kind}: {reason}", *(f"  {a:<10} {b}" for a, b in rows)])
        raise CallFailedError(point, "".join(traceback.format_exception(error))) from error

    def _describe(self, properties: Sequence[tuple[str, object]]) -> None:
        """Set what JUnit XML has of the call, in place of what an earlier try has set.

        pytest-rerunfailures runs a test again.
        """
        others = [one for one in self.user_properties if one not in self._described]
        self.user_properties = [*others, *properties]
        self._described = properties

    def _end(self, performed: CallResult, subject: SubjectLine) -> EndLine:
        """Return the record of the call, marked if it fails as the baseline says."""
        call, verdict = self.call, performed.verdict
        observation, key = performed.observation, subject["key"]
        prediction = predict(call.arguments)
        end = lines.end_line(self.call_id, call, prediction, verdict, observation, key)
        known = self.config.stash.get(BASELINE, Baseline())
        if verdict.failing and known.knows(self.subject, call.content_hash, end):
            end["known"] = True
        return end

    def _live(self) -> LiveSubject:
        """Return the subject of the call, started if it is not alive."""
        subject, alive = self.live_subject(), self.config.stash.setdefault(LIVE, {})
        live = alive.get(self.subject)
        if live is None or live.subject is not subject:
            line = lines.subject_line(facts(subject, self.subject), subject.documentation)
            if any(not one.knows(subject.subject) for one in self._all_measured()):
                line["measured"] = False
            live = alive[self.subject] = LiveSubject(subject, line, LookAhead(subject, requests))
        return live

    def _other_subject(self) -> OtherSubject | None:
        """Return the subject to compare with, if the call is compared with that of another.

        It is the first of the run, and for that one the second.
        """
        names = self.config.stash[SUBJECTS].names
        if not is_across_subjects(self.call.relation) or len(names) < 2:
            return None
        name = names[1] if self.subject == names[0] else names[0]
        own, others = (one or "the unnamed subject" for one in (self.subject, name))
        return OtherSubject(own, others, self.start(name))

    def _all_measured(self) -> list[Measured]:
        """Return what states where the cases of this run were measured."""
        found = self.config.stash.get(MEASURED, {})
        return [one for one in found.values() if one is not None]

    def _following(self, subject: Subject) -> Iterator[Call]:
        """Return the calls of the tests that this process runs next on the same subject."""
        items = (item for item in upcoming(self) if isinstance(item, CallItem))
        same = takewhile(lambda item: item.subject == self.subject, items)
        return (item.call for item in same if lacks(item.call, subject) is None)

    def _likeness(self, failure: Failure) -> tuple[str, str]:
        """Return a hash that equal failures in other modes share, and the mode."""
        call = self.call
        place = (
            self.subject,
            self.path_id,
            call.case.id,
            str(call.arguments),
            call.arguments.unknown,
            call.relation,
        )
        return hashlib.sha256(repr((*place, failure.likeness)).encode()).hexdigest(), call.mode


def properties(call: Call, result: CallResult) -> list[tuple[str, object]]:
    """Return the verdict of a call, its rules, the documented and the observed result."""
    documented = predict(call.arguments).documented
    predicted = "an exception"
    if isinstance(documented, Returns):
        predicted = value_text(documented.dtype, documented.shape)
    return [
        ("verdict", result.verdict.kind),
        *(("rule", rule) for rule in result.verdict.rules),
        ("documented", predicted),
        *([("observed", ending(result.observation))] if result.observation else []),
    ]


class DiagnosticItem(LocatedItem):
    """A test that fails with the errors of one case, or of the whole file."""

    def __init__(self, *, diagnostics: list[Diagnostic], **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.diagnostics = diagnostics
        self.line = diagnostics[0].line

    def text(self) -> str:
        """Return the diagnostics, a line each."""
        return "\n".join(diagnostic.at(self.path_id) for diagnostic in self.diagnostics)

    def runtest(self) -> None:
        """Fail with the diagnostics, each with its place last: pytest's summary is short."""
        texts = [f"{found.brief()}\n    {found.place(self.path_id)}" for found in self.diagnostics]
        raise CallFailedError("\n".join(texts))
