"""Hold what the plugin keeps on pytest's config from one hook to the next."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypedDict

import pytest

from tf_conv_conformance.plugin import options

if TYPE_CHECKING:
    from pathlib import Path

    from tf_conv_conformance.records.baseline import Baseline
    from tf_conv_conformance.records.measured import Measured
    from tf_conv_conformance.records.merge import Column
    from tf_conv_conformance.records.reader import Records
    from tf_conv_conformance.subject.pool import SubjectPool


@dataclass(frozen=True)
class ResumedRun:
    """An earlier run: the content hashes of the calls that it has finished, by subject and id.

    The process that writes the new record files has its `records` by subject.
    """

    hashes: dict[str, dict[str, str]]
    records: dict[str, Records]


@dataclass(frozen=True)
class Since:
    """An earlier run, and the name that ``--tf-since`` gives it."""

    name: str
    column: Column


class Plan(TypedDict):
    """What a run is to make, in values that xdist carries from a worker to the controller."""

    collected: int
    """How many calls there were to select from."""
    whole: int | None
    """How many calls all shards have together, if pytest-split divides the run."""
    lines: dict[str, bytes]
    """The packed lines of each subject's calls."""


SUBJECTS: pytest.StashKey[SubjectPool] = pytest.StashKey()
"""The subjects of this process, once :func:`subjects_of` has been called."""
RESUMED: pytest.StashKey[ResumedRun] = pytest.StashKey()
"""The run that ``--tf-resume`` resumes."""
BASELINE: pytest.StashKey[Baseline] = pytest.StashKey()
"""The known failures, with ``--tf-baseline``."""
SINCE: pytest.StashKey[Since] = pytest.StashKey()
"""The earlier run to compare with, read before this run writes, perhaps to the same file."""
PLAN: pytest.StashKey[Plan] = pytest.StashKey()
"""The plan of the run, until the report of a test takes it along."""
COLLECTED: pytest.StashKey[int] = pytest.StashKey()
"""How many calls the collected case files hold, the large ones only if they are selected."""
MEASURED: pytest.StashKey[dict[Path, Measured | None]] = pytest.StashKey()
"""The files of measured subjects that apply to the collected cases; None for an invalid one."""
WHOLE: pytest.StashKey[int] = pytest.StashKey()
"""How many calls the shards of a run have together, if pytest-split divides it."""
DIAGNOSTICS: pytest.StashKey[list[str]] = pytest.StashKey()
"""What is wrong with the case files, with ``--collect-only``."""

LEFT_ALONE: pytest.StashKey[list[str]] = pytest.StashKey()
"""The YAML files beside case files that are none."""


def subjects_of(config: pytest.Config) -> SubjectPool:
    """Return the subjects of this process, created on the first call."""
    from tf_conv_conformance.prediction.rules.rule import DOCUMENTED_SYMBOLS
    from tf_conv_conformance.subject.pool import SubjectPool

    if SUBJECTS not in config.stash:
        config.stash[SUBJECTS] = SubjectPool(
            DOCUMENTED_SYMBOLS,
            config.getoption("--tf-timeout"),
            options.definitions(config),
            config.getoption("--tf-in-process"),
            config.getoption("--tf-memory"),
        )
    return config.stash[SUBJECTS]
