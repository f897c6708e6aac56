"""Record the calls of a run, show its progress, and write the report when it ends."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager

import pytest

from tf_conv_conformance.convolution.quantity import quantity
from tf_conv_conformance.plugin import options
from tf_conv_conformance.plugin.failure_text import shorten_failures
from tf_conv_conformance.plugin.live_line import LiveLine, are_letters, is_possible
from tf_conv_conformance.plugin.progress import Progress, counted
from tf_conv_conformance.plugin.record_files import RecordFiles
from tf_conv_conformance.plugin.stash import BASELINE, RESUMED, SINCE, SUBJECTS, ResumedRun
from tf_conv_conformance.records.changes import Changes
from tf_conv_conformance.records.load import changes_since
from tf_conv_conformance.records.merge import Column, MergeError, merge
from tf_conv_conformance.records.reader import Records, is_new_failure
from tf_conv_conformance.records.schema import EndLine, SubjectLine
from tf_conv_conformance.records.series import heading
from tf_conv_conformance.report.novelty import novelty
from tf_conv_conformance.report.page import write
from tf_conv_conformance.report.refusals import refusal_lines
from tf_conv_conformance.report.unsupported import unsupported_lines

STALE_SHOWN = 20  # stale entries of a baseline that the terminal names


class Recording:
    """The part of the plugin that gathers results, in the one process or in xdist's controller."""

    def __init__(self, config: pytest.Config, calls: int) -> None:
        """Prepare for a number of calls; write nothing before the first.

        Raises ``pytest.UsageError`` if the folder of the reports cannot hold their records.
        """
        self._config = config
        self._calls = calls
        self._folder = options.reports(config)
        options.check_reports_folder(self._folder, calls)
        self._page = self._folder / "index.html"
        self._page_written = False
        self._resumed = config.stash.get(RESUMED, None)
        self._files = RecordFiles(
            self._folder,
            {"collected": calls, "whole": None, "lines": {}},
            options.shard(config),
            self._resumed,
        )
        self._progress_line: str | None = None
        self._terminal: pytest.TerminalReporter | None = config.pluginmanager.get_plugin(
            "terminalreporter"
        )
        self._quiet = bool(config.getoption("--tf-quiet"))
        live = not self._quiet and self._terminal is not None and is_possible(self._terminal)
        self._progress = Progress(calls, live=live)
        self._live_line: LiveLine | None = None
        if self._terminal is not None and (live or (self._quiet and are_letters(self._terminal))):
            self._live_line = LiveLine(self._terminal)
            config.pluginmanager.register(self._live_line)
        self._subjects: dict[str, str] = {}  # a heading for each whose calls have been made
        self._named_at_start: str | None = None
        self._notes: list[str] = []  # for the summary in the terminal

    def headings(self) -> list[str]:
        """Return the subject that was started ahead, to name it before the first call."""
        if not self._calls or self._quiet or SUBJECTS not in self._config.stash:
            return []
        facts = self._config.stash[SUBJECTS].facts_ahead()
        if facts is None:
            return []
        self._named_at_start = facts.get("name", "")
        return [heading(facts)]

    @pytest.hookimpl(tryfirst=True)  # before plugins that write all attributes of a report
    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Record that a call begins, or that it has ended."""
        attributes = vars(report)
        plan = attributes.pop("tf_conv_plan", None)
        start = attributes.pop("tf_conv_start", None)
        record = attributes.pop("tf_conv_record", None)
        if plan is not None and not self._files.begun:
            self._files.plan = plan
        if self._live_line is not None:
            self._live_line.call = report if start or record else None
        with self._exit_if_unwritable():
            if start is not None and report.passed:
                self._files.of(start[0]).start(start[1])
            if record is not None:
                self._record_end(record["name"], record["subject"], record["end"])

    def _record_end(self, name: str, subject: SubjectLine, end: EndLine) -> None:
        self._subjects.setdefault(name, heading(subject["subject"]))
        before = self._files.of(name).end(end, subject)
        self._progress_line = self._progress.done(end["verdict"], before) or self._progress_line
        if self._progress.verdicts.total() == self._calls:
            self._end_progress()

    def _end_progress(self) -> None:
        self._progress_line = None
        if self._live_line is not None:
            self._live_line.erase()

    @contextmanager
    def _exit_if_unwritable(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            pytest.exit(
                f"--tf-reports: cannot write {self._folder}: {error.strerror}",
                returncode=pytest.ExitCode.INTERNAL_ERROR,
            )

    @pytest.hookimpl(trylast=True)
    def pytest_runtest_logfinish(self) -> None:
        """Print a line of progress if one is due, after pytest has printed the result."""
        line, self._progress_line = self._progress_line, None
        terminal = self._terminal
        if line is None or terminal is None or self._quiet or terminal.verbosity <= -2:
            return
        if self._live_line is not None:
            self._live_line.draw(line)
            return
        terminal.ensure_newline()
        if terminal.config.get_terminal_writer().width_of_current_line:
            terminal.line("")  # with xdist there may be dots nevertheless
        terminal.write_line(line)

    @pytest.hookimpl(tryfirst=True)
    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        """Complete the record files and render them, however the run ended.

        A run that made no call leaves the files of the last run as they are.
        """
        self._end_progress()
        if self._terminal is not None:
            shorten_failures(self._terminal.stats.get("failed", []), self._config.option.tbstyle)
        try:
            if self._resumed:
                self._finish_resumed(self._resumed, session)
            if self._files.begun:
                self._finish()
        except OSError as error:
            self._notes.append(
                f"cannot write {self._folder}: {error.strerror}; what was written before is kept"
            )
            session.exitstatus = pytest.ExitCode.INTERNAL_ERROR

    def _finish_resumed(self, run: ResumedRun, session: pytest.Session) -> None:
        """Let the failures of the resumed run fail this one."""
        nothing_left = not any(records.missing for records in run.records.values())
        if nothing_left and not self._files.begun:
            self._files.begin()  # only the end of the files may be missing
        carried = self._files.carried
        failing = any(map(is_new_failure, carried))
        failures = ", some of them failures" if failing else ""
        self._notes.append(
            f"resumed: {quantity(len(carried), 'call')} had results already{failures}"
        )
        if session.exitstatus in (pytest.ExitCode.OK, pytest.ExitCode.NO_TESTS_COLLECTED):
            session.exitstatus = pytest.ExitCode.TESTS_FAILED if failing else pytest.ExitCode.OK

    def _finish(self) -> None:
        runs = self._files.close()
        files = zip(self._files.paths, runs.values(), strict=True)
        columns = merge([(str(path), records) for path, records in files], partial=True)
        write(columns, self._page, self._changes(columns))
        self._page_written = True
        self._notes += [*unsupported_lines(runs.values()), *refusal_lines(runs.values())]
        self._notes += filter(None, map(novelty, runs.values()))
        self._compare_with_baseline(runs)

    def _changes(self, columns: Sequence[Column]) -> Changes | None:
        """Return what changed since the earlier run of ``--tf-since``, if any."""
        since = self._config.stash.get(SINCE, None)
        if since is None:
            return None
        try:
            changes = changes_since(since.column, columns)
        except MergeError as error:
            self._notes.append(f"since {since.name}: {error}")
            return None
        self._notes.append(f"since {since.name}: {changes.sentence}")
        return changes

    def _compare_with_baseline(self, runs: Mapping[str, Records]) -> None:
        """Count known failures, name stale entries, and write the baseline if that is selected."""
        baseline = self._config.stash.get(BASELINE, None)
        if baseline is None:
            return
        path = options.given(self._config, self._config.getoption("--tf-baseline"))
        count = sum(end.get("known", False) for run in runs.values() for end in run.ends.values())
        stale = [
            f"  stale: {call}{f' of {name}' if name else ''}: {why}"
            for name, run in runs.items()
            for call, why in baseline.stale(name, run.calls, run.ends)
        ]
        self._notes.append(
            f"baseline {path}: {quantity(count, 'known failure')}, "
            f"{quantity(len(stale), 'stale entry', 'stale entries')}"
        )
        self._notes += stale[:STALE_SHOWN]
        if self._config.getoption("--tf-update-baseline"):
            for name, run in runs.items():
                baseline = baseline.updated(name, run.calls, run.ends.values())
            path.write_text(baseline.text(), encoding="utf-8", newline="\n")
            entries = sum(map(len, baseline.known.values()))
            self._notes.append(f"baseline {path}: written, {quantity(entries, 'entry', 'entries')}")

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        """Print how many calls were made, their verdicts, and where the reports are."""
        terminalreporter.section("TensorFlow convolution conformance")
        for line in self._summary(terminalreporter.verbosity):
            terminalreporter.line(line)

    def _summary(self, verbosity: int) -> Iterator[str]:
        if verbosity >= 0:
            yield from (
                text for name, text in self._subjects.items() if name != self._named_at_start
            )
        verdicts = self._progress.verdicts
        total, missing = verdicts.total(), self._files.missing
        count = f"{quantity(total, 'call')}: {counted(verdicts) or 'none made'}"
        yield f"{count}, {missing} missing" if missing else count
        if verdicts["refused"]:
            yield (
                "refused: TensorFlow raised an exception, as its documentation or the case's "
                "`expect` requires"
            )
        yield from self._notes
        if not self._files.begun:
            yield f"records: none written; {self._folder} is unchanged"
            return
        yield from (f"records: {path}" for path in self._files.paths)
        if self._page_written:
            yield f"report:  {self._page}{self._part()}"

    def _part(self) -> str:
        """Return which of the collected calls the page covers, if not all.

        The page of a resumed run has the calls of the earlier one as well.
        """
        collected, by = self._files.plan["collected"], options.selecting(self._config)
        if self._resumed or (self._calls >= collected and "--lf" not in by):
            return ""
        return f" ({self._calls:,} of {collected:,} collected calls{f': {by}' if by else ''})"
