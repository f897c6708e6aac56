"""The tests that this process runs next, as far as it knows."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import pytest


def upcoming(item: pytest.Item) -> Iterator[pytest.Item]:
    """Yield the tests that come after one, except those whose markers may keep them from running.

    An xdist worker receives more tests while it runs. They are found once those before them have
    been yielded.
    """
    last = item
    while after := _behind(last, _queue(item)):
        yield from (test for test in after if not _may_be_skipped(test))
        last = after[-1]


def _may_be_skipped(item: pytest.Item) -> bool:
    return any(
        mark.name in ("skip", "skipif")
        or (mark.name == "xfail" and mark.kwargs.get("run") is False)
        for mark in item.iter_markers()
    )


def _behind(item: pytest.Item, items: Sequence[pytest.Item]) -> Sequence[pytest.Item]:
    return items[items.index(item) + 1 :] if item in items else ()


def _queue(item: pytest.Item) -> Sequence[pytest.Item]:
    """Return the tests of this process, or of an xdist worker those that it has received."""
    items = item.session.items
    plugins = item.config.pluginmanager.get_plugins() if hasattr(item.config, "workerinput") else ()
    # xdist has no public way to its queue
    worker = next((plugin for plugin in plugins if hasattr(plugin, "torun")), None)
    if worker is None:
        return items
    with worker.torun.lock() as queue:
        numbers = [worker.item_index, worker.nextitem_index, *queue]
    return [items[number] for number in numbers if isinstance(number, int)]
