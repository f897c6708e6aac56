"""How the terminal shows failures of calls: whole, in a line, or once for several modes."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from _pytest._code.code import ReprEntryNative, ReprExceptionInfo, ReprFileLocation, ReprTraceback

from tf_conv_conformance.convolution.names import MODES


def failure_repr(path: str, line: int, parts: Sequence[str]) -> ReprExceptionInfo:
    """Return the parts of a failure as pytest keeps it.

    Summaries show its first line, FAILURES and JUnit XML all of it. Of a plain string the short
    summary would repeat every line with ``-vv`` and on CI.
    """
    point, _, rest = parts[0].partition("\n")
    entries = [_entry(text) for text in (point, rest, *parts[1:]) if text]
    traceback = ReprTraceback(entries, extraline=None, style="native")
    return ReprExceptionInfo(reprtraceback=traceback, reprcrash=ReprFileLocation(path, line, point))


def shorten_failures(reports: Iterable[Any], style: str) -> None:
    """Shorten the failures of calls to the `style` of ``--tb``, and show equal ones once.

    Those that differ only in the mode are shown with the first of them. This is for the terminal
    when the run ends: what writes JUnit XML or another report has the whole text by then.
    """
    alike: dict[str, list[Any]] = {}
    for report in reports:
        if (likeness := getattr(report, "tf_conv_likeness", None)) is not None:
            alike.setdefault(likeness[0], []).append(report)
    for first, *others in alike.values():
        point, *details = first.longrepr.reprtraceback.reprentries
        if others:
            modes = {report.tf_conv_likeness[1] for report in (first, *others)}
            *most, last = sorted(modes, key=list(MODES).index)
            message = first.longrepr.reprcrash.message
            point = _entry(f"{message}\n  modes      {', '.join(most)} and {last}")
        _replace(first, style, point, *(details[:-1] if style == "short" else details))
        name = first.nodeid.partition("::")[2]
        for report in others:
            message = report.longrepr.reprcrash.message
            _replace(report, style, _entry(f"{message}\n  the same as {name} above"))


def _replace(report: Any, style: str, *entries: ReprEntryNative) -> None:
    # with --tb=line pytest adds the line itself
    report.longrepr.reprtraceback.reprentries = [] if style == "line" else entries


def _entry(text: str) -> ReprEntryNative:
    return ReprEntryNative([f"{text}\n"])
