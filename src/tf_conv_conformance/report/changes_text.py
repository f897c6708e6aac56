"""Prints what changed between two runs on the terminal; it reads the same without colour."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from rich.console import Console

from tf_conv_conformance.convolution.quantity import quantity
from tf_conv_conformance.records.changes import Changes, FactChange, Group
from tf_conv_conformance.report.escape import plain


def print_changes(changes: Changes, console: Console) -> None:
    """Print changes; nothing in them is markup, and lines are broken only on a terminal."""
    for line, style in _lines(changes):
        console.print(line, style=style, markup=False, highlight=False, emoji=False, soft_wrap=True)


def _lines(changes: Changes) -> Iterator[tuple[str, str | None]]:
    """Yield each line with its style, and the sentence that sums them up last."""
    groups = changes.groups()
    yield f"{plain(changes.old)} → {plain(changes.new)}", "bold"
    yield from _section("environment changed", map(_environment, changes.environment))
    yield from _section(
        "documentation changed",
        (line for change in changes.documentation for line in _documentation(change)),
    )
    yield from _section(
        f"calls changed, in {quantity(len(groups), 'way')}",
        (line for group in groups for line in _group(group)),
    )
    yield from _section("not compared", _not_compared(changes))
    yield from _section("moved, and compared", _moved(changes.moved))
    colour = "red" if changes.any else "yellow" if changes.blind else "green"
    yield changes.sentence, f"bold {colour}"


def _section(title: str, body: Iterator[str]) -> Iterator[tuple[str, str | None]]:
    lines = list(body)
    if lines:
        yield title, "bold"
        yield from ((f"  {line}", None) for line in lines)


def _environment(change: FactChange) -> str:
    old, new = _fact(change.old), _fact(change.new)
    other = "  (another subject)" if change.identifies else ""
    return f"{plain(change.name)}: {old} → {new}{other}"


def _fact(value: str | None) -> str:
    return plain("none" if value is None else value or "(empty)")


def _documentation(change: FactChange) -> Iterator[str]:
    yield plain(change.name)
    yield f"  - {plain(change.old) if change.old else '(not there before)'}"
    yield f"  + {plain(change.new) if change.new else '(no longer there)'}"


def _group(group: Group) -> Iterator[str]:
    yield f"{len(group.ids):,}× {plain(group.case)}: {plain(group.kind)}"
    example = group.example
    moved = f", which was {plain(example.moved_from)}" if example.moved_from else ""
    words = "" if example.words == group.kind else f": {plain(example.words)}"
    yield f"     such as {plain(example.id)}{moved}{words}"


def _not_compared(changes: Changes) -> Iterator[str]:
    ids: dict[str, list[str]] = {}
    for call in changes.not_compared:
        ids.setdefault(call.why, []).append(call.id)
    ids["edited"], ids["added"] = list(changes.edited), list(changes.added)
    ids["removed"] = list(changes.removed)
    for why, own in ids.items():
        if own:
            yield f"{len(own):,} {why}, such as {plain(own[0])}"


def _moved(moved: Sequence[tuple[str, str]]) -> Iterator[str]:
    if moved:
        old, new = moved[0]
        yield f"{len(moved):,}, such as {plain(old)} → {plain(new)}"
