"""Finds the case files of a folder from which pytest collected nothing."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path

import pytest

from tf_conv_conformance.casefile.sniffing import is_case_file
from tf_conv_conformance.plugin.options import FOLDER, SUFFIXES, given

FILES = 200  # YAML files of a folder that are looked at
NAMED = 3  # files that were left alone


def hint(config: pytest.Config) -> str | None:
    """Return how to run the case files of a folder on the command line; None if it has none."""
    for argument in config.args:
        folder = given(config, argument)
        for path in islice(_yaml_files(folder), FILES):
            if is_case_file(path):
                name = path.parent.name
                return (
                    f"{os.path.relpath(path)} is a case file, but pytest collects those in folders"
                    f" named {FOLDER}; to run it: pytest {argument} --tf-cases {name}"
                )
    return None


def left_alone(files: Sequence[str]) -> str:
    """Return a line that names YAML files in folders of cases that are no case files."""
    named = ", ".join(files[:NAMED])
    if (more := len(files) - NAMED) > 0:
        named += f" and {more} more"
    return (
        f"no case file, since it has no `op` in a list `cases`: {named}"
        f" (pytest {files[0]} says what is wrong)"
    )


def _yaml_files(folder: Path) -> Iterator[Path]:
    """Yield the YAML files in a folder, at any depth, but not in hidden folders."""
    for parent, folders, files in os.walk(folder):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        yield from (Path(parent, name) for name in sorted(files) if name.endswith(SUFFIXES))
