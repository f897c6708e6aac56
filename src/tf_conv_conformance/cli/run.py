"""Run the shipped cases with pytest, wherever the package is installed."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

import pytest

from tf_conv_conformance.casefile.shipped import shipped

IMPORTED = "ignore:Module already imported:pytest.PytestAssertRewriteWarning"
"""pytest finds this package imported, whose assertions it need not rewrite."""


def run(arguments: Sequence[str]) -> int:
    """Run pytest with these arguments, and return its exit status.

    An argument such as ``cases/relations`` or ``cases/relations/relations.yaml::conv2d[eager]``
    selects shipped cases, as does a path to them; without one, all of them run. pytest's ini files
    are not read, since they belong to other tests. Its cache is kept in the working directory.
    """
    cases = shipped("cases")
    selected = {argument: found for argument in arguments if (found := _located(argument, cases))}
    located = [selected.get(argument, argument) for argument in arguments]
    if not selected:
        located.append(str(cases))
    given = [f"--rootdir={cases.parent}", "-o", f"cache_dir={Path.cwd() / '.pytest_cache'}"]
    given += ["-W", IMPORTED]
    if not any(argument.startswith(("-c", "--config-file")) for argument in arguments):
        given += ["-c", os.devnull]
    return int(pytest.main([*given, *located]))


def _located(argument: str, cases: Path) -> str | None:
    """Return the absolute path, and the test, of an argument that selects shipped cases."""
    path, separator, test = argument.partition("::")
    inside = cases.parent / path if Path(path).parts[:1] == (cases.name,) else Path(path).resolve()
    if not inside.is_relative_to(cases.resolve()) or not inside.exists():
        return None
    return f"{inside}{separator}{test}"
