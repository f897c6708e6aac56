"""The commands about record files: render them, merge them, compare two, sum them up."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from tf_conv_conformance import ConformanceError
from tf_conv_conformance.records.load import changes_since, load_columns, load_run
from tf_conv_conformance.records.merge import MergeError, sole
from tf_conv_conformance.records.reader import RecordFileError
from tf_conv_conformance.report.escape import plain

TROUBLE = 2
"""The exit status if a command cannot do its work."""


class UnwritableFileError(ConformanceError):
    """A file that cannot be written; the message names it and says why."""


def report(paths: Sequence[Path], output: Path, since: Path | None, partial: bool) -> int:
    """Render record files as one page; return the exit status."""
    from tf_conv_conformance.report.page import write

    def render() -> int:
        found = load_columns(paths, partial)
        changes = changes_since(load_run(since), found) if since else None
        with _writing(output):
            write(found, output, changes)
        print(output)
        return 0

    return _saying_why_not(render)


def summarise(paths: Sequence[Path], since: Path | None, partial: bool) -> int:
    """Print a summary of record files in Markdown; return the exit status."""
    from tf_conv_conformance.cli.console import console, verbatim
    from tf_conv_conformance.report.summary import summary

    def say() -> int:
        found = load_columns(paths, partial)
        verbatim(
            console(), summary(found, changes_since(load_run(since), found) if since else None)
        )
        return 0

    return _saying_why_not(say)


def told(paths: Sequence[Path], folder: Path, partial: bool) -> int:
    """Write README.md and outcomes.json on what changed with which version; return the exit status."""
    from tf_conv_conformance.report import history
    from tf_conv_conformance.report.calls import shown
    from tf_conv_conformance.report.versions import patterns

    def write() -> int:
        found = load_columns(paths, partial)
        calls = shown(found)
        unlike = patterns(found, calls)
        with _writing(folder):
            folder.mkdir(parents=True, exist_ok=True)
            (folder / "README.md").write_text(
                history.page(found, calls, unlike), encoding="utf-8", newline="\n"
            )
            (folder / "outcomes.json").write_text(
                history.outcomes(found, unlike, calls), encoding="utf-8", newline="\n"
            )
        print(folder / "README.md")
        return 0

    return _saying_why_not(write)


def compared(old: Path, new: Path, output: Path | None) -> int:
    """Print what changed from one run to another, and render it; return the exit status: 1 for any change, or a call not compared."""
    from tf_conv_conformance.cli.console import console
    from tf_conv_conformance.report.changes_text import print_changes
    from tf_conv_conformance.report.page import write

    def say() -> int:
        now = load_run(new)
        changes = changes_since(load_run(old), [now])
        if output is not None:
            with _writing(output):
                write([now], output, changes)
        print_changes(changes, console())
        return int(changes.any or changes.blind)

    return _saying_why_not(say)


def merged(paths: Sequence[Path], output: Path, partial: bool) -> int:
    """Write the record files of one subject's shards or other parts as one; return the exit status."""
    from tf_conv_conformance.records.merge import lines
    from tf_conv_conformance.records.writer import encoded

    def write() -> int:
        column = sole("the merged file", load_columns(paths, partial))
        with _writing(output), output.open("wb") as file:
            file.writelines(map(encoded, lines(column.records)))
        print(output)
        return 0

    return _saying_why_not(write)


@contextmanager
def _writing(path: Path) -> Iterator[None]:
    """Raise :class:`UnwritableFileError` if a file cannot be written."""
    try:
        yield
    except OSError as error:
        raise UnwritableFileError(f"cannot write {path}: {error.strerror}") from error


def _saying_why_not(command: Callable[[], int]) -> int:
    """Run a command; if it cannot do its work, say why in one line."""
    try:
        return command()
    except (RecordFileError, MergeError, UnwritableFileError) as error:
        print(f"tf-conv-conformance: {plain(error, 4000)}", file=sys.stderr)
        return TROUBLE
