"""Order and deselect the collected tests."""

from __future__ import annotations

from collections.abc import Callable, Generator

import pytest

from tf_conv_conformance.plugin import options
from tf_conv_conformance.plugin.base import SubjectItem
from tf_conv_conformance.plugin.items import CallItem
from tf_conv_conformance.plugin.options import MARKER
from tf_conv_conformance.plugin.stash import SUBJECTS, WHOLE, ResumedRun


def select(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Put the calls of each subject together, and deselect large calls unless ``-m`` has them."""
    names = config.stash[SUBJECTS].names
    items.sort(key=lambda item: names.index(item.subject) if isinstance(item, SubjectItem) else 0)
    if not options.large(config):
        deselect(items, lambda item: item.get_closest_marker(MARKER + "large") is not None)
    if options.shard(config):
        config.stash[WHOLE] = count_calls(items)


def count_calls(items: list[pytest.Item]) -> int:
    """Return how many of the tests make a call of a case file."""
    return sum(isinstance(item, CallItem) for item in items)


def deselect(items: list[pytest.Item], unwanted: Callable[[pytest.Item], bool]) -> None:
    """Deselect the tests that are `unwanted`."""
    left_out = [item for item in items if unwanted(item)]
    if left_out:
        left_out[0].config.hook.pytest_deselected(items=left_out)
        items[:] = [item for item in items if not unwanted(item)]


class ResumedRunFilter:
    """Deselects what an earlier run has finished, after all other plugins have selected.

    So pytest-split sees the tests that it saw in the earlier run, and selects the same.
    """

    def __init__(self, run: ResumedRun) -> None:
        self._run = run

    @pytest.hookimpl(wrapper=True)
    def pytest_collection_modifyitems(
        self, items: list[pytest.Item]
    ) -> Generator[None, object, object]:
        """Deselect the calls that have an end, and were not edited since."""
        result = yield
        deselect(items, self._is_finished)
        return result

    def _is_finished(self, item: pytest.Item) -> bool:
        if not isinstance(item, CallItem):
            return False
        hashes = self._run.hashes.get(item.subject, {})
        return hashes.get(item.call_id) == item.call.content_hash
