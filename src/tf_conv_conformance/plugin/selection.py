"""Deselect tests."""

from __future__ import annotations

from collections.abc import Callable

import pytest


def deselect(items: list[pytest.Item], unwanted: Callable[[pytest.Item], bool]) -> None:
    """Deselect the tests that are `unwanted`."""
    left_out = [item for item in items if unwanted(item)]
    if left_out:
        left_out[0].config.hook.pytest_deselected(items=left_out)
        items[:] = [item for item in items if not unwanted(item)]
