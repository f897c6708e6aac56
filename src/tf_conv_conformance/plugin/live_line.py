"""The progress of a run as one line of a terminal, in place of a letter for each call."""

from __future__ import annotations

import os
from collections.abc import Generator

import pytest

from tf_conv_conformance.plugin.base import SubjectItem

LEFT_OPEN = -2
"""What pytest's reporter writes to `currentfspath` while it has a line that does not end yet."""
START = "\r\x1b[2K"
"""Erases the line, and goes to its start."""


def is_possible(terminal: pytest.TerminalReporter) -> bool:
    """Return whether a line can be rewritten: not in a pipe, a CI log, or between other output.

    Other reporters than pytest's own have a progress of their own.
    """
    option = terminal.config.option
    return (
        type(terminal) is pytest.TerminalReporter
        and bool(terminal.isatty)
        and os.environ.get("TERM") != "dumb"
        and not (os.environ.get("CI") or os.environ.get("BUILD_NUMBER"))
        and are_letters(terminal)
        and option.capture != "no"
        and not option.setupshow
    )


def are_letters(terminal: pytest.TerminalReporter) -> bool:
    """Return whether pytest prints a letter for each test."""
    return terminal.verbosity == 0 and not terminal.showlongtestinfo


class LiveLine:
    """A line that is rewritten in place; also without one, calls have no letters.

    Tests of others have theirs: before a letter the line is erased, and it is drawn below letters.
    """

    def __init__(self, terminal: pytest.TerminalReporter) -> None:
        self.call: pytest.TestReport | None = None  # that pytest is about to print
        self._terminal = terminal
        self._writer = terminal.config.get_terminal_writer()
        self._drawn = False

    def draw(self, line: str) -> None:
        """Draw a line, cut to the width of the terminal, over the one before."""
        if not self._drawn and self._writer.width_of_current_line:
            self._terminal.line("")  # below the letters of other tests
        room = self._writer.fullwidth - 1
        text = line if len(line) <= room else f"{line[: room - 3]}..."
        self._writer.write_raw(f"{START}{text}", flush=True)
        self._terminal.currentfspath = self._terminal.currentfspath or LEFT_OPEN
        self._drawn = True

    def erase(self) -> None:
        """Erase the line, if there is one, so that others can write in its place."""
        if self._drawn:
            self._writer.write_raw(START, flush=True)
            self._terminal.currentfspath = None
        self._drawn = False

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> None:
        """Keep pytest from heading calls with the name of their file; with xdist it never does."""
        if isinstance(item, SubjectItem):
            self._terminal.currentfspath = item.config.rootpath / item.path_id
            return
        self.erase()
        if not self._writer.width_of_current_line:
            self._terminal.currentfspath = None

    @pytest.hookimpl(wrapper=True)
    def pytest_report_teststatus(
        self, report: pytest.CollectReport | pytest.TestReport
    ) -> Generator[None, tuple[str, str, object], tuple[str, str, object]]:
        """Take the letter of a call away; its category and its word stay."""
        category, letter, word = yield
        if report is self.call:
            return category, "", word
        if letter:
            self.erase()
        return category, letter, word
