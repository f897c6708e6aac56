"""Hold what the plugin keeps on pytest's config from one hook to the next."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypedDict

import pytest

from tf_conv_conformance.plugin import options

if TYPE_CHECKING:
    from tf_conv_conformance.records.baseline import Baseline
    from tf_conv_conformance.records.merge import Column
    from tf_conv_conformance.records.reader import Records
    from tf_conv_conformance.subject.pool import SubjectPool


@dataclass(frozen=True)
class Done:
    """The calls that an earlier run has finished: their content hashes by subject and id.

    `records` has the record files that they come from, in the process that writes the new ones.
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


SESSION: pytest.StashKey[SubjectPool] = pytest.StashKey()
"""The subjects of this process, once :func:`session_of` has been called."""
DONE: pytest.StashKey[Done] = pytest.StashKey()
"""What an earlier run has finished, with ``--tf-resume``."""
BASELINE: pytest.StashKey[Baseline] = pytest.StashKey()
"""The known failures, with ``--tf-baseline``."""
SINCE: pytest.StashKey[Since] = pytest.StashKey()
"""The earlier run to compare with, read before this run writes, perhaps to the same file."""
PLAN: pytest.StashKey[Plan] = pytest.StashKey()
"""The plan of the run, until the report of a test takes it along."""
COLLECTED: pytest.StashKey[int] = pytest.StashKey()
"""How many calls the collected case files hold, the large ones only if they are selected."""
WHOLE: pytest.StashKey[int] = pytest.StashKey()
"""How many calls the shards of a run have together, if pytest-split divides it."""
DIAGNOSTICS: pytest.StashKey[list[str]] = pytest.StashKey()
"""What is wrong with the case files, with ``--collect-only``."""


def session_of(config: pytest.Config) -> SubjectPool:
    """Return the subjects of this process, which the first call makes."""
    from tf_conv_conformance.prediction.rules.rule import SYMBOLS
    from tf_conv_conformance.subject.pool import SubjectPool

    if SESSION not in config.stash:
        config.stash[SESSION] = SubjectPool(
            SYMBOLS,
            config.getoption("--tf-timeout"),
            options.definitions(config),
            config.getoption("--tf-in-process"),
            config.getoption("--tf-memory"),
        )
    return config.stash[SESSION]
