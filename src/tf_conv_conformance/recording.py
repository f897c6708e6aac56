"""The part of the plugin that writes: the record file and how far the run is while it goes on, the report when it ends."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

from tf_conv_conformance import record
from tf_conv_conformance.call import Call
from tf_conv_conformance.merging import Column, Refused, merge
from tf_conv_conformance.progress import Progress, counted
from tf_conv_conformance.report.page import write
from tf_conv_conformance.results import NotRecords, Recorder, read
from tf_conv_conformance.runs import against, earlier


@dataclass(frozen=True)
class Since:
    """An earlier run, as ``--tf-since`` names it."""

    name: str
    column: Column


SINCE: pytest.StashKey[Since] = pytest.StashKey()
"""The earlier run that this one is held against; read before this one writes, perhaps to the same file."""


def remember(config: pytest.Config, path: str) -> None:
    """Read an earlier run, relative to where pytest was started. Raises ``pytest.UsageError`` where it cannot be read."""
    try:
        config.stash[SINCE] = Since(path, earlier(config.invocation_params.dir / path))
    except (NotRecords, Refused) as error:
        raise pytest.UsageError(f"--tf-since: {error}") from error


class Recording:
    """Registered once the plan is known, where results are gathered: in the one process, or in xdist's controller."""

    def __init__(self, config: pytest.Config, folder: Path, calls: Sequence[tuple[str, str, Call]]) -> None:
        """Write the plan. Raises ``pytest.UsageError`` where the folder cannot be written."""
        try:
            self._recorder = Recorder(folder / "results.jsonl", record.plan(calls))
        except OSError as error:
            raise pytest.UsageError(f"--tf-reports: cannot write {folder}: {error.strerror}") from error
        self._page = folder / "index.html"
        self._progress = Progress(len(calls))
        self._due: str | None = None
        self._terminal: pytest.TerminalReporter | None = config.pluginmanager.get_plugin("terminalreporter")
        self._since = config.stash.get(SINCE, None)
        self._changed = ""

    def pytest_runtest_logstart(self, nodeid: str) -> None:
        """A test begins."""
        self._recorder.start(nodeid)

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """A test has a report; that of a call carries its record."""
        lines = getattr(report, "tf_conv_record", None)
        if lines is not None:
            self._recorder.end(lines["end"], lines["subject"])
            self._due = self._progress.done(lines["end"]["verdict"]) or self._due

    @pytest.hookimpl(trylast=True)
    def pytest_runtest_logfinish(self) -> None:
        """A test has ended, and pytest has printed so: now and then, say how far the run is."""
        if self._due is not None and self._terminal is not None and self._terminal.verbosity > -2:
            self._terminal.ensure_newline()
            if self._terminal.config.get_terminal_writer().width_of_current_line:  # with xdist there may be dots nevertheless
                self._terminal.line("")
            self._terminal.write_line(self._due)
        self._due = None

    @pytest.hookimpl(tryfirst=True)
    def pytest_sessionfinish(self) -> None:
        """Complete the record file and render it, however the run ended."""
        self._recorder.close()
        columns = merge([(str(self._recorder.path), read(self._recorder.path))], partial=True)
        changes = None
        if self._since is not None:
            try:
                changes = against(self._since.column, columns)
                self._changed = changes.sentence
            except Refused as error:
                self._changed = str(error)
        write(columns, self._page, changes)

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        """Say how many calls were made, what they came to, and where to read about it."""
        verdicts, missing = self._progress.verdicts, self._recorder.missing
        terminalreporter.section("TensorFlow convolution conformance")
        terminalreporter.line(f"{verdicts.total()} calls: {counted(verdicts) or 'none made'}{f', {missing} missing' if missing else ''}")
        if self._since is not None:
            terminalreporter.line(f"since {self._since.name}: {self._changed}")
        terminalreporter.line(f"records: {self._recorder.path}")
        terminalreporter.line(f"report:  {self._page}")
