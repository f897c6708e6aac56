"""Write the results of exploring: a line per block, the files of each cause, and the coverage."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tf_conv_conformance.explore import coverage
from tf_conv_conformance.explore.cause_files import CauseFiles
from tf_conv_conformance.explore.items import FOLDER
from tf_conv_conformance.explore.random_calls import VERSION
from tf_conv_conformance.explore.summary import summary
from tf_conv_conformance.explore.totals import Totals
from tf_conv_conformance.plugin import options

LINES, COVERAGE = "explored.jsonl", "coverage.json"
Line = dict[str, Any]


def read_explored(reports: Path) -> list[Line]:
    """Return the lines of earlier runs, except lines that were cut off or of another version.

    Raises ``pytest.UsageError``.
    """
    path = reports / FOLDER / LINES
    try:
        texts = path.read_text(encoding="utf-8").splitlines()
    except FileNotFoundError:
        return []
    except OSError as error:
        raise pytest.UsageError(f"--tf-resume: cannot read {path}: {error.strerror}") from error
    lines = []
    for text in texts:
        try:
            line = json.loads(text)
        except ValueError:
            continue
        if isinstance(line, dict) and line.get("strategies") == VERSION:
            lines.append(line)
    return lines


class Journal:
    """Collects the results of blocks, in a single process or in xdist's controller."""

    def __init__(self, config: pytest.Config, earlier: list[Line]) -> None:
        """Create a journal that has written nothing.

        Raises ``pytest.UsageError`` if the folder cannot be written.
        """
        self._folder = options.reports(config) / FOLDER
        self._earlier = earlier
        self._begun = False
        self._skipped = 0
        self._totals = Totals()
        options.check_reports_folder(self._folder, 0)
        for line in earlier:
            self._totals.add(line)

    def _begin(self) -> None:
        """Start the file of lines with the lines of an earlier run. Raises OSError."""
        if not self._begun:
            self._folder.mkdir(parents=True, exist_ok=True)
            earlier = "".join(json.dumps(line) + "\n" for line in self._earlier)
            (self._folder / LINES).write_text(earlier, encoding="utf-8")
            self._begun = True

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Write the results of a block that has ended."""
        if report.nodeid.startswith("explore::") and report.skipped:
            self._skipped += "--tf-explore-minutes" in str(report.longrepr)
        explored = getattr(report, "tf_conv_explored", None)
        if explored is None:
            return
        del report.tf_conv_explored  # pytest keeps reports until the end of the run
        try:
            self._begin()
            for files in explored["files"]:
                CauseFiles(**files).write(self._folder)
            with (self._folder / LINES).open("a", encoding="utf-8") as file:
                file.write(json.dumps(explored["line"]) + "\n")
        except OSError as error:
            reason = f"--tf-reports: cannot write {self._folder}: {error.strerror}"
            pytest.exit(reason, returncode=pytest.ExitCode.INTERNAL_ERROR)
        self._totals.add(explored["line"])

    @pytest.hookimpl(tryfirst=True)
    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        """Write the coverage. A resumed run fails if an earlier block failed."""
        if self._earlier:
            self._begin()  # there may have been no block to run
        if self._begun:
            text = json.dumps(coverage.plain(self._totals.codes), indent=1) + "\n"
            (self._folder / COVERAGE).write_text(text, encoding="utf-8")
        failed = any(line["causes"] or line["kinds"].get("unjudged") for line in self._earlier)
        passing = (pytest.ExitCode.OK, pytest.ExitCode.NO_TESTS_COLLECTED)
        if failed and session.exitstatus in passing:
            session.exitstatus = pytest.ExitCode.TESTS_FAILED

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        """Print a summary."""
        if not self._totals.kinds and not self._skipped:
            return
        terminalreporter.section("exploration of TensorFlow's convolutions")
        for line in summary(self._totals, self._skipped, self._folder):
            terminalreporter.line(line)
        if self._begun:
            terminalreporter.line(f"results of the blocks: {self._folder / LINES}")
