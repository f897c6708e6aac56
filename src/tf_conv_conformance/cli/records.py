"""The commands that take record files: report, summary, compare, merge."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import wraps
from pathlib import Path
from typing import ParamSpec

from tf_conv_conformance import ConformanceError
from tf_conv_conformance.records import measured
from tf_conv_conformance.records.load import changes_since, load_columns, load_run
from tf_conv_conformance.records.merge import MergeError, lines, sole
from tf_conv_conformance.records.reader import RecordFileError, record_files
from tf_conv_conformance.report.escape import plain

TROUBLE = 2  # the exit status of a command that cannot do its work
Options = ParamSpec("Options")


class UnwritableFileError(ConformanceError):
    """A file that cannot be written; the message names it and says why."""


EXPECTED = (RecordFileError, MergeError, measured.MeasuredError, UnwritableFileError)


def _explained(command: Callable[Options, int]) -> Callable[Options, int]:
    """Have a command that cannot do its work say why in one line."""

    @wraps(command)
    def run(*arguments: Options.args, **options: Options.kwargs) -> int:
        try:
            return command(*arguments, **options)
        except EXPECTED as error:
            print(f"tf-conv-conformance: {plain(error, 4000)}", file=sys.stderr)
            return TROUBLE

    return run


@contextmanager
def _writing(path: Path) -> Iterator[None]:
    """Raise :class:`UnwritableFileError` if a file cannot be written."""
    try:
        yield
    except OSError as error:
        raise UnwritableFileError(f"cannot write {path}: {error.strerror}") from error


@_explained
def report(paths: Sequence[Path], output: Path, since: Path | None, partial: bool) -> int:
    """Render record files as one page; return the exit status."""
    from tf_conv_conformance.report.page import write

    columns = load_columns(paths, partial)
    changes = changes_since(load_run(since), columns) if since else None
    with _writing(output):
        write(columns, output, changes)
    print(output)
    return 0


@_explained
def summarise(paths: Sequence[Path], since: Path | None, partial: bool) -> int:
    """Print a summary of record files in Markdown; return the exit status."""
    from tf_conv_conformance.cli.console import console, verbatim
    from tf_conv_conformance.report.summary import summary

    columns = load_columns(paths, partial)
    changes = changes_since(load_run(since), columns) if since else None
    verbatim(console(), summary(columns, changes))
    return 0


@_explained
def compare(old: Path, new: Path, output: Path | None) -> int:
    """Print what changed between two runs, and render it if there is an `output`.

    Return the exit status: 1 if a call changed or could not be compared.
    """
    from tf_conv_conformance.cli.console import console
    from tf_conv_conformance.report.changes_text import print_changes
    from tf_conv_conformance.report.page import write

    column = load_run(new)
    changes = changes_since(load_run(old), [column])
    if output is not None:
        with _writing(output):
            write([column], output, changes)
    print_changes(changes, console())
    return int(changes.any or changes.blind)


@_explained
def merge(paths: Sequence[Path], output: Path, partial: bool) -> int:
    """Write the record files of one subject as one file; return the exit status."""
    from tf_conv_conformance.records.writer import encoded

    column = sole("the merged file", load_columns(paths, partial))
    with _writing(output), output.open("wb") as file:
        file.writelines(map(encoded, lines(column.records)))
    print(output)
    return 0


@_explained
def measure(paths: Sequence[Path], output: Path) -> int:
    """Add runs to the file that says where cases were measured; return the exit status."""
    before = measured.read(output) if output.exists() else measured.Measured(output)
    files = [file for path in paths for file in record_files(path)]
    columns = [column for file in files for column in load_columns([file], partial=True)]
    after = measured.updated(before, columns)
    with _writing(output):
        output.write_text(measured.text_of(after), encoding="utf-8", newline="\n")
    for one in after.measurements:
        new = "" if one in before.measurements else "new: "
        print(f"{new}{one.subject.text}: {', '.join(one.modes)}")
    print(output)
    return 0
