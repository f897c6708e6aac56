"""The part of the plugin that writes: the record file while the run goes on, the report when it ends."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from pathlib import Path

import pytest

from tf_conv_conformance import record
from tf_conv_conformance.call import Call
from tf_conv_conformance.merging import single
from tf_conv_conformance.report.page import write
from tf_conv_conformance.results import Recorder, read


class Recording:
    """Registered once the plan is known, where results are gathered: in the one process, or in xdist's controller."""

    def __init__(self, folder: Path, calls: Iterable[tuple[str, str, Call]]) -> None:
        """Write the plan. Raises ``pytest.UsageError`` where the folder cannot be written."""
        try:
            self._recorder = Recorder(folder / "results.jsonl", record.plan(calls))
        except OSError as error:
            raise pytest.UsageError(f"--tf-reports: cannot write {folder}: {error.strerror}") from error
        self._page = folder / "index.html"
        self._verdicts: Counter[str] = Counter()

    def pytest_runtest_logstart(self, nodeid: str) -> None:
        """A test begins."""
        self._recorder.start(nodeid)

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """A test has a report; that of a call carries its record."""
        lines = getattr(report, "tf_conv_record", None)
        if lines is not None:
            self._recorder.end(lines["end"], lines["subject"])
            self._verdicts[lines["end"]["verdict"]] += 1

    @pytest.hookimpl(tryfirst=True)
    def pytest_sessionfinish(self) -> None:
        """Complete the record file and render it, however the run ended."""
        self._recorder.close()
        write([single(self._recorder.path.name, read(self._recorder.path))], self._page)

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        """Say how many calls were made, what they came to, and where to read about it."""
        counts = ", ".join(f"{count} {verdict}" for verdict, count in self._verdicts.most_common())
        missing = self._recorder.missing
        terminalreporter.section("TensorFlow convolution conformance")
        terminalreporter.line(f"{sum(self._verdicts.values())} calls: {counts or 'none made'}{f', {missing} missing' if missing else ''}")
        terminalreporter.line(f"records: {self._recorder.path}")
        terminalreporter.line(f"report:  {self._page}")
