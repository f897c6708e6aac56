"""The part of the plugin that writes: the record file and how far the run is while it goes on, the report when it ends."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import chain

import pytest

from tf_conv_conformance.plugin.failure_text import shorten
from tf_conv_conformance.plugin.options import (
    check_reports_folder,
    given,
    reports,
    selecting,
    shard,
)
from tf_conv_conformance.plugin.plan import unpacked
from tf_conv_conformance.plugin.progress import Progress, counted
from tf_conv_conformance.plugin.resuming import carried
from tf_conv_conformance.plugin.stash import BASELINE, DONE, SESSION, SINCE, Plan, Since
from tf_conv_conformance.records import baseline
from tf_conv_conformance.records.baseline import Baseline, BaselineError
from tf_conv_conformance.records.changes import Changes
from tf_conv_conformance.records.load import changes_since, load_run
from tf_conv_conformance.records.merge import Column, MergeError, merge
from tf_conv_conformance.records.reader import (
    RecordFileError,
    Records,
    file_name,
    is_new_failure,
    read,
)
from tf_conv_conformance.records.schema import EndLine, PlanLine, SubjectLine
from tf_conv_conformance.records.series import heading
from tf_conv_conformance.records.writer import Recorder
from tf_conv_conformance.report.page import write
from tf_conv_conformance.report.refusals import refusal_lines

STALE_SHOWN = 20  # stale entries of a baseline that the terminal names


def read_since(config: pytest.Config) -> Since:
    """Read the run that ``--tf-since`` names. Raises ``pytest.UsageError``."""
    path = config.getoption("--tf-since")
    try:
        return Since(path, load_run(given(config, path)))
    except (RecordFileError, MergeError) as error:
        raise pytest.UsageError(f"--tf-since: {error}") from error


def read_baseline(config: pytest.Config) -> Baseline:
    """The baseline that is asked for; an empty one where it is yet to be written. Raises ``pytest.UsageError``."""
    path = given(config, config.getoption("--tf-baseline"))
    if config.getoption("--tf-update-baseline") and not path.exists():
        return Baseline()
    if not path.exists():
        raise pytest.UsageError(
            f"--tf-baseline: {path} does not exist; add --tf-update-baseline to write it"
        )
    try:
        return baseline.read(path)
    except BaselineError as error:
        raise pytest.UsageError(f"--tf-baseline: {error}") from error


class Recording:
    """Registered once the plan is known, where results are gathered: in the one process, or in xdist's controller.

    There is a record file for each subject, so that one that was not asked this time keeps its records.
    """

    def __init__(self, config: pytest.Config, calls: int) -> None:
        """Prepare for a number of calls; write nothing before the first.

        Raises ``pytest.UsageError`` if the folder of the reports cannot hold their records.
        """
        self._config = config
        self._folder = reports(config)
        check_reports_folder(self._folder, calls)
        self._page = self._folder / "index.html"
        self._calls = calls
        self._plan: Plan = {"collected": calls, "whole": None, "lines": {}}
        self._done = config.stash.get(DONE, None)
        self._carried: list[EndLine] = []
        self._recorders: dict[str, Recorder] = {}
        self._progress = Progress(calls)
        self._due: str | None = None
        self._terminal: pytest.TerminalReporter | None = config.pluginmanager.get_plugin(
            "terminalreporter"
        )
        self._said: list[str] = []
        self._named: set[str] = set()
        self._unnamed: list[str] = []

    def _begun(self) -> dict[str, Recorder]:
        """Return the recorders; the first time, begin the record files with the plan."""
        if not self._recorders:
            names = self._done.records if self._done else self._plan["lines"]
            self._recorders = {name: self._recorder(name) for name in names}
        return self._recorders

    def _recorder(self, name: str) -> Recorder:
        path, part = self._folder / file_name(name), shard(self._config)
        packed = self._plan["lines"].get(name, b"")
        plan: Iterable[PlanLine] = unpacked(packed)
        kept = None
        if self._done is not None:
            again = {line["id"] for line in unpacked(packed) if line["type"] == "call"}
            kept = carried(self._done, name, again)
            self._carried += kept.ends.values()
            plan = chain(plan, kept.cases.values(), kept.calls.values())
        return Recorder(path, plan, kept, str(part) if part else None)

    def headings(self) -> list[str]:
        """Return the subject that has started before the first call, to be named at the beginning of the run."""
        if (
            not self._calls
            or SESSION not in self._config.stash
            or (facts := self._config.stash[SESSION].facts_ahead()) is None
        ):
            return []
        self._named.add(facts.get("name", ""))
        return [heading(facts)]

    @pytest.hookimpl(tryfirst=True)  # other plugins may write a report with all that it holds
    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Record that a call begins, or that it has ended."""
        values = vars(report)
        plan, start, record = (
            values.pop(f"tf_conv_{name}", None) for name in ("plan", "start", "record")
        )
        if plan is not None and not self._recorders:
            self._plan = plan
        if start is not None and report.passed:
            name, identifier = start
            with self._room():
                self._begun()[name].start(identifier)
        if record is not None:
            self._end(record["name"], record["subject"], record["end"])

    def _end(self, name: str, subject: SubjectLine, end: EndLine) -> None:
        if name not in self._named:
            self._named.add(name)
            self._unnamed.append(heading(subject["subject"]))
        with self._room():
            before = self._begun()[name].end(end, subject)
        self._due = self._progress.done(end["verdict"], before) or self._due

    @pytest.hookimpl(trylast=True)
    def pytest_runtest_logfinish(self) -> None:
        """A test has ended, and pytest has printed so: now and then, say how far the run is."""
        if self._due is not None and self._terminal is not None and self._terminal.verbosity > -2:
            self._terminal.ensure_newline()
            if (
                self._terminal.config.get_terminal_writer().width_of_current_line
            ):  # with xdist there may be dots nevertheless
                self._terminal.line("")
            self._terminal.write_line(self._due)
        self._due = None

    @pytest.hookimpl(tryfirst=True)
    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        """Complete the record files and render them, however the run ended. One that made no call leaves those of the last run."""
        if self._terminal is not None:
            shorten(self._terminal.stats.get("failed", []), self._config.option.tbstyle)
        if self._done:
            failing = any(map(is_new_failure, self._carried))
            self._said.append(
                f"resumed: {len(self._carried):,} calls had been made{', some of which fail' if failing else ''}"
            )
            if session.exitstatus in (pytest.ExitCode.OK, pytest.ExitCode.NO_TESTS_COLLECTED):
                session.exitstatus = pytest.ExitCode.TESTS_FAILED if failing else pytest.ExitCode.OK
        try:
            if self._done and not any(run.missing for run in self._done.records.values()):
                self._begun()  # nothing was left but to end the files
            if self._recorders:
                self._finish()
        except OSError as error:
            self._said.append(
                f"cannot write {self._folder}: {error.strerror}; what was written before is kept"
            )
            session.exitstatus = pytest.ExitCode.INTERNAL_ERROR

    def _finish(self) -> None:
        runs = {}
        for name, recorder in self._recorders.items():
            recorder.close(self._whole(name))
            runs[name] = read(recorder.path)
        columns = merge(
            [(str(self._recorders[name].path), records) for name, records in runs.items()],
            partial=True,
        )
        write(columns, self._page, self._changes(columns))
        self._said += refusal_lines(runs.values())
        self._hold_against_baseline(runs)

    def _whole(self, name: str) -> int | None:
        """Return how many calls all shards have, from the earlier run if none was left to make."""
        footer = self._done.records[name].footer if self._done else None
        whole = self._plan["whole"]
        return footer.get("whole") if whole is None and footer else whole

    @contextmanager
    def _room(self) -> Iterator[None]:
        """End the run where there is no room for its records."""
        try:
            yield
        except OSError as error:
            pytest.exit(
                f"--tf-reports: cannot write {self._folder}: {error.strerror}",
                returncode=pytest.ExitCode.INTERNAL_ERROR,
            )

    def _changes(self, columns: Sequence[Column]) -> Changes | None:
        """What changed since the earlier run, if one is named."""
        since = self._config.stash.get(SINCE, None)
        if since is None:
            return None
        try:
            changes = changes_since(since.column, columns)
        except MergeError as error:
            self._said.append(f"since {since.name}: {error}")
            return None
        self._said.append(f"since {since.name}: {changes.sentence}")
        return changes

    def _hold_against_baseline(self, runs: Mapping[str, Records]) -> None:
        """Say how many failures were known and which entries are stale; write the baseline anew where that is asked for."""
        known = self._config.stash.get(BASELINE, None)
        if known is None:
            return
        path = given(self._config, self._config.getoption("--tf-baseline"))
        count = sum(
            end.get("known", False) for records in runs.values() for end in records.ends.values()
        )
        stale = [
            (name, *one)
            for name, records in runs.items()
            for one in known.stale(name, records.calls, records.ends)
        ]
        self._said.append(f"baseline {path}: {count} known failures, {len(stale)} stale entries")
        self._said += [
            f"  stale: {identifier}{f' of {name}' if name else ''}: {why}"
            for name, identifier, why in stale[:STALE_SHOWN]
        ]
        if self._config.getoption("--tf-update-baseline"):
            for name, records in runs.items():
                known = known.updated(name, records.calls, records.ends.values())
            path.write_text(known.text(), encoding="utf-8", newline="\n")
            self._said.append(
                f"baseline {path}: written, {sum(map(len, known.known.values()))} entries"
            )

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        """Say how many calls were made, what they came to, and where to read about it."""
        terminalreporter.section("TensorFlow convolution conformance")
        verdicts, missing = (
            self._progress.verdicts,
            sum(recorder.missing for recorder in self._recorders.values()),
        )
        if terminalreporter.verbosity >= 0:
            for line in self._unnamed:
                terminalreporter.line(line)
        total = verdicts.total()
        absent = f", {missing} missing" if missing else ""
        terminalreporter.line(
            f"{total} call{'' if total == 1 else 's'}: {counted(verdicts) or 'none made'}{absent}"
        )
        if verdicts["refused"]:
            terminalreporter.line(
                "refused: TensorFlow raised, as its documentation or the case's `expect` says it must"
            )
        for line in self._said:
            terminalreporter.line(line)
        if not self._recorders:
            terminalreporter.line(f"records: none written; {self._folder} is as it was")
            return
        for recorder in self._recorders.values():
            terminalreporter.line(f"records: {recorder.path}")
        terminalreporter.line(f"report:  {self._page}{self._part()}")

    def _part(self) -> str:
        """Return which of the collected calls the page covers, if not all; a resumed run has those of the earlier one as well."""
        collected, by = self._plan["collected"], selecting(self._config)
        if self._done or (self._calls >= collected and "--lf" not in by):
            return ""
        return f" ({self._calls:,} of {collected:,} collected calls{f': {by}' if by else ''})"
