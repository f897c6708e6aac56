"""The tests that this process runs next, as far as it knows."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import dropwhile, islice

import pytest


def upcoming(item: pytest.Item) -> Iterator[pytest.Item]:
    """Return the tests that come after one, without those whose markers may keep them from being run.

    An xdist worker is given more tests while it runs. They are found once those before them have been drawn.
    """
    last = item
    while after := _behind(last, _queue(item)):
        yield from (one for one in after if not _may_be_skipped(one))
        last = after[-1]


def _may_be_skipped(item: pytest.Item) -> bool:
    marks = list(item.iter_markers())
    return any(
        mark.name in ("skip", "skipif")
        or (mark.name == "xfail" and mark.kwargs.get("run") is False)
        for mark in marks
    )


def _behind(item: pytest.Item, items: Iterable[pytest.Item]) -> list[pytest.Item]:
    return list(islice(dropwhile(lambda one: one is not item, items), 1, None))


def _queue(item: pytest.Item) -> Iterable[pytest.Item]:
    """Return the tests of this process; of an xdist worker, the one that runs and those that it has been given."""
    items = item.session.items
    plugins = item.config.pluginmanager.get_plugins() if hasattr(item.config, "workerinput") else ()
    worker = next(
        (plugin for plugin in plugins if hasattr(plugin, "torun")), None
    )  # xdist has no public way to its queue
    if worker is None:
        return items
    with worker.torun.lock() as queue:
        numbers = [worker.item_index, worker.nextitem_index, *queue]
    return [items[number] for number in numbers if isinstance(number, int)]
