"""A pytest plugin that notes what has been collected, and ends the run before its first test."""

import json
import os
import time
from pathlib import Path

import measure
import pytest


def note(calls):
    """Add a line: the time, the number of calls, and the megabytes of this process at its peak."""
    with Path(os.environ["COLLECTED"]).open("a", encoding="utf-8") as file:
        file.write(json.dumps({"at": time.time(), "calls": calls, "memory": measure.peak()}) + "\n")


@pytest.hookimpl(trylast=True)
def pytest_collection_finish(session):
    note(len(session.items))
    if not hasattr(session.config, "workerinput"):
        pytest.exit("collected")


class Controller:
    """With xdist, waits for all workers, and for what the suite makes of their collections."""

    def __init__(self):
        self._collected = 0

    @pytest.hookimpl(trylast=True)
    def pytest_xdist_node_collection_finished(self, node, ids):
        self._collected += 1
        if self._collected == node.workerinput["workercount"]:
            note(len(ids))
            pytest.exit("collected")


def pytest_configure(config):
    if config.getoption("numprocesses", None):
        config.pluginmanager.register(Controller())
