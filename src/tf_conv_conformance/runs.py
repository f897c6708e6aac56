"""The commands about record files: render them, merge them, compare two, sum them up."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

from tf_conv_conformance.changes import Changes, compare
from tf_conv_conformance.merging import Column, Refused, merge, single
from tf_conv_conformance.quoting import plain
from tf_conv_conformance.results import LISTED, NotRecords, read
from tf_conv_conformance.series import series


def columns(paths: Sequence[Path], partial: bool) -> tuple[Column, ...]:
    """The columns of record files, and of all those in folders; one file alone may be partial. Raises NotRecords, Refused."""
    files = [file for path in paths for file in (sorted(path.rglob("results*.jsonl")) if path.is_dir() else [path])]
    if not files:
        raise NotRecords(f"{', '.join(map(str, paths))}: no results*.jsonl in there")
    limit = LISTED if len(files) == 1 else None  # of several, a call must be in all columns
    return merge([(str(file), read(file, limit)) for file in files], partial or len(files) == 1)


def earlier(path: Path) -> Column:
    """An earlier run, to hold another against. Raises NotRecords, Refused."""
    return single(str(path), read(path))


def against(old: Column, now: Sequence[Column]) -> Changes:
    """What changed since an earlier run in the column of its series, or in the only one there is. Raises Refused."""
    key = series(old.subject and old.subject["subject"])
    same = [column for column in now if series(column.subject and column.subject["subject"]) == key]
    if not same and len(now) > 1:
        raise Refused(f"the earlier run is of {old.label}, and this is of {', '.join(column.label for column in now)}")
    column = (same or now)[0]
    found = compare(old.records, column.records)
    return replace(found, new=column.label, old=column.label if same else found.old)


def report(paths: Sequence[Path], output: Path, since: Path | None, partial: bool) -> int:
    """Render record files as one page; 1 where one cannot be read, merged or written."""
    from tf_conv_conformance.report.page import write

    def render() -> int:
        found = columns(paths, partial)
        write(found, output, against(earlier(since), found) if since else None)
        print(output)
        return 0

    return _saying_why_not(render, output, 1)


def summarise(paths: Sequence[Path], since: Path | None, partial: bool) -> int:
    """Print a summary of record files in Markdown; 1 where one cannot be read or merged."""
    from tf_conv_conformance.summary import summary
    from tf_conv_conformance.terminal import console, verbatim

    def say() -> int:
        found = columns(paths, partial)
        verbatim(console(), summary(found, against(earlier(since), found) if since else None))
        return 0

    return _saying_why_not(say, None, 1)


def told(paths: Sequence[Path], folder: Path, partial: bool) -> int:
    """Write README.md and outcomes.json on what changed with which version; 1 where a file cannot be read, merged or written."""
    from tf_conv_conformance.report import history
    from tf_conv_conformance.report.calls import shown
    from tf_conv_conformance.report.versions import patterns

    def write() -> int:
        found = columns(paths, partial)
        calls = shown(found)
        unlike = patterns(found, calls)
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "README.md").write_text(history.page(found, calls, unlike), encoding="utf-8", newline="\n")
        (folder / "outcomes.json").write_text(history.outcomes(found, unlike, calls), encoding="utf-8", newline="\n")
        print(folder / "README.md")
        return 0

    return _saying_why_not(write, folder, 1)


def compared(old: Path, new: Path, output: Path | None) -> int:
    """Print what changed from one record file to another, and render it; 1 where anything did or could not be seen, 2 on trouble."""
    from tf_conv_conformance.printing import print_changes
    from tf_conv_conformance.report.page import write
    from tf_conv_conformance.terminal import console

    def say() -> int:
        now = single(str(new), read(new))
        changes = against(earlier(old), [now])
        if output is not None:
            write([now], output, changes)
        print_changes(changes, console())
        return int(changes.any or changes.blind)

    return _saying_why_not(say, output, 2)


def merged(paths: Sequence[Path], output: Path, partial: bool) -> int:
    """Write the record files of one subject's shards or other parts as one; 1 where one cannot be read, merged or written."""
    from tf_conv_conformance.merging import lines
    from tf_conv_conformance.recorder import settle, written

    def write() -> int:
        found = columns(paths, partial)
        if len(found) > 1:
            raise Refused(f"{len(found)} subjects ({', '.join(column.label for column in found)}), and a merged file is of one")
        with output.open("w", encoding="utf-8", newline="\n") as file:
            file.writelines(map(written, lines(found[0].records)))
        settle(output)
        print(output)
        return 0

    return _saying_why_not(write, output, 1)


def _saying_why_not(run: Callable[[], int], output: Path | None, trouble: int) -> int:
    """The exit status of a command, with a line of what is wrong with its files."""
    try:
        return run()
    except (NotRecords, Refused) as error:
        said = plain(error, 4000)
    except OSError as error:
        said = f"cannot write {output}: {error.strerror}"
    print(f"tf-conv-conformance: {said}", file=sys.stderr)
    return trouble
