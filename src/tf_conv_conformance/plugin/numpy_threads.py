"""Import NumPy with as many threads as a process of the run should use."""

from __future__ import annotations

import os
import sys

import pytest


def import_numpy(config: pytest.Config) -> None:
    """Import NumPy in an xdist worker with the worker's share of the cores.

    With as many threads in each worker as there are cores, the oracle takes 2 to 3 times as long
    for large calls. OpenBLAS reads the variable when it is loaded, so it is set only for that.
    """
    variable = "OPENBLAS_NUM_THREADS"
    workers = getattr(config, "workerinput", {}).get("workercount", 1)
    if workers < 2 or variable in os.environ or "numpy" in sys.modules:
        return
    os.environ[variable] = str(max(1, (os.cpu_count() or 1) // workers))
    try:
        import numpy  # noqa: F401
    finally:
        del os.environ[variable]
