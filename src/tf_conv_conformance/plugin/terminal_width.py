"""The width of the terminal, also in xdist's workers. Imports nothing that takes time."""

from __future__ import annotations

from typing import Any

import pytest

NARROWEST, WIDEST = 60, 120
KEY = "tf_conv_width"


def width(config: pytest.Config) -> int | None:
    """Return the width to wrap messages to; None if the run has no terminal."""
    if hasattr(config, "workerinput"):
        found: int | None = config.workerinput.get(KEY)
        return found
    terminal = config.pluginmanager.get_plugin("terminalreporter")
    if terminal is None or not terminal.isatty:
        return None
    return max(NARROWEST, min(config.get_terminal_writer().fullwidth, WIDEST))


def send_width(node: Any) -> None:
    """Send the width to an xdist worker, which has no terminal."""
    node.workerinput[KEY] = width(node.config)
