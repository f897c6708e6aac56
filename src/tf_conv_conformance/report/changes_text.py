"""What changed between two runs, on the terminal: lines that read the same without colour."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from rich.console import Console

from tf_conv_conformance.records.changes import (
    Changes,
    DocumentationChange,
    EnvironmentChange,
    Group,
)
from tf_conv_conformance.report.escape import plain


def print_changes(changes: Changes, console: Console) -> None:
    """Print them; nothing in them is taken for markup, and no line is broken where the output is a file."""
    for line, style in lines(changes):
        console.print(line, style=style, markup=False, highlight=False, emoji=False, soft_wrap=True)


def lines(changes: Changes) -> Iterator[tuple[str, str | None]]:
    """Each line with its style: the runs, what they ran on, what changed, what was not compared, and all of it in a sentence."""
    yield f"{plain(changes.old)} → {plain(changes.new)}", "bold"
    yield from _section("environment changed", [_environment(one) for one in changes.environment])
    yield from _section(
        "documentation changed",
        [line for one in changes.documentation for line in _documentation(one)],
    )
    groups = changes.groups()
    yield from _section(
        f"calls changed, in {len(groups):,} ways",
        [line for group in groups for line in _group_lines(group)],
    )
    yield from _section("not compared", list(_apart(changes)))
    yield from _section("moved, and compared", list(_moved(changes.moved)))
    yield (
        changes.sentence,
        "bold red" if changes.any else "bold yellow" if changes.blind else "bold green",
    )


def _section(title: str, body: Sequence[str]) -> Iterator[tuple[str, str | None]]:
    if body:
        yield title, "bold"
        yield from ((f"  {line}", None) for line in body)


def _environment(change: EnvironmentChange) -> str:
    old, new = (
        plain("none" if value is None else value or "(empty)") for value in (change.old, change.new)
    )
    return f"{plain(change.name)}: {old} → {new}" + (
        "  (another subject)" if change.identifies else ""
    )


def _documentation(change: DocumentationChange) -> Iterator[str]:
    yield plain(change.rule)
    yield f"  - {plain(change.old) if change.old else '(not there before)'}"
    yield f"  + {plain(change.new) if change.new else '(no longer there)'}"


def _group_lines(group: Group) -> Iterator[str]:
    yield f"{len(group.ids):,}× {plain(group.case)}: {plain(group.kind)}"
    example = group.example
    moved = f", which was {plain(example.moved_from)}" if example.moved_from else ""
    words = "" if example.words == group.kind else f": {plain(example.words)}"
    yield f"     such as {plain(example.id)}{moved}{words}"


def _apart(changes: Changes) -> Iterator[str]:
    found: dict[str, list[str]] = {}
    for one in changes.not_compared:
        found.setdefault(one.why, []).append(one.id)
    found |= {
        "edited": list(changes.edited),
        "added": list(changes.added),
        "removed": list(changes.removed),
    }
    for why, ids in found.items():
        if ids:
            yield f"{len(ids):,} {why}, such as {plain(ids[0])}"


def _moved(moved: Sequence[tuple[str, str]]) -> Iterator[str]:
    if moved:
        before, now = moved[0]
        yield f"{len(moved):,}, such as {plain(before)} → {plain(now)}"
