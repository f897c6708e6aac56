"""Load runs from record files and folders of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from tf_conv_conformance.records.changes import Changes, compare
from tf_conv_conformance.records.merge import Column, MergeError, merge, sole
from tf_conv_conformance.records.reader import read, record_files
from tf_conv_conformance.records.series import series


def load_columns(paths: Sequence[Path], partial: bool) -> tuple[Column, ...]:
    """Return the columns of record files, and of all those in folders.

    Raises RecordFileError, MergeError.
    """
    files = [file for path in paths for file in record_files(path)]
    return merge([(str(file), read(file)) for file in files], partial)


def load_run(path: Path) -> Column:
    """Return the run in a record file, or in the files of a folder, to compare it with another.

    It may be partial: a comparison lists what it could not compare.
    Raises RecordFileError, MergeError.
    """
    return sole(str(path), load_columns([path], partial=True))


def changes_since(old: Column, now: Sequence[Column]) -> Changes:
    """Return what changed since an earlier run in the column of its series, or in the only column.

    Raises MergeError if there are several columns and none is of that series.
    """
    key = series(old.subject)
    same = [column for column in now if series(column.subject) == key]
    if not same and len(now) > 1:
        labels = ", ".join(column.label for column in now)
        raise MergeError(f"the earlier run is of {old.label}; expected one of {labels}")
    column = (same or now)[0]
    found = compare(old.records, column.records)
    return replace(found, new=column.label, old=column.label if same else found.old)
