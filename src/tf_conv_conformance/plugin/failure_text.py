"""How the terminal shows failures of calls: whole, in a line, or by another one that differs in nothing but the mode."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from _pytest._code.code import ReprEntryNative, ReprExceptionInfo, ReprFileLocation, ReprTraceback

from tf_conv_conformance.convolution.names import MODES


def shown(path: str, line: int, parts: Sequence[str]) -> ReprExceptionInfo:
    """Return a text as pytest keeps a failure: summaries show its first line, FAILURES and JUnit XML all of it.

    Of a plain string the short summary repeats every line with ``-vv`` and on CI.
    """
    point, _, rest = parts[0].partition("\n")
    traceback = ReprTraceback(
        [_entry(text) for text in (point, rest, *parts[1:]) if text], extraline=None, style="native"
    )
    return ReprExceptionInfo(reprtraceback=traceback, reprcrash=ReprFileLocation(path, line, point))


def shorten(reports: Iterable[Any], style: str) -> None:
    """Shorten the failures of calls as ``--tb`` asks, and name the modes of those that fail alike at the first of them.

    This is for the terminal alone, when the run ends: whoever writes JUnit XML or another report has the whole text by then.
    """
    alike: dict[str, list[Any]] = {}
    for report in reports:
        if (likeness := getattr(report, "tf_conv_likeness", None)) is not None:
            alike.setdefault(likeness[0], []).append(report)
    for first, *others in alike.values():
        name, modes = (
            first.nodeid.partition("::")[2],
            [report.tf_conv_likeness[1] for report in (first, *others)],
        )
        point, *details = first.longrepr.reprtraceback.reprentries
        if others:
            *most, last = sorted(set(modes), key=list(MODES).index)
            point = _entry(
                f"{first.longrepr.reprcrash.message}\n  modes      {', '.join(most)} and {last}"
            )
        _show(first, style, point, *(details[:-1] if style == "short" else details))
        for report in others:
            _show(
                report,
                style,
                _entry(f"{report.longrepr.reprcrash.message}\n  the same as {name} above"),
            )


def _show(report: Any, style: str, *entries: ReprEntryNative) -> None:
    report.longrepr.reprtraceback.reprentries = (
        [] if style == "line" else entries
    )  # pytest adds the line itself


def _entry(text: str) -> ReprEntryNative:
    return ReprEntryNative([f"{text}\n"])
