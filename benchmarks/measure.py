"""What a command costs, with all the processes that it starts and waits for."""

import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

PYTEST = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-p", "xdist.plugin"]
SUITE = [*PYTEST, "-p", "tf_conv_conformance.plugin.hooks"]
ALONE = {"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1", "PYTEST_ADDOPTS": ""}
"""The environment in which pytest loads no other plugin that happens to be installed."""
PRINTED = 2000  # characters of what a failed command printed


@dataclass(frozen=True)
class Cost:
    """User and system time of all processes, wall clock, and megabytes of the largest process."""

    processor: float
    wall: float
    memory: float


def peak() -> float:
    """Return the megabytes that this process has had at most."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e6


def run(
    command: Sequence[str],
    folder: Path | None = None,
    environment: Mapping[str, str] | None = None,
    ok: Sequence[int] = (0,),
) -> Cost:
    """Run a command. What it prints is shown only if its exit status is not among the `ok` ones."""
    began = time.perf_counter()
    with tempfile.TemporaryFile() as output:
        process = subprocess.Popen(
            command,
            cwd=folder,
            env={**os.environ, **(environment or {})},
            stdout=output,
            stderr=output,
        )
        _, status, usage = os.wait4(process.pid, 0)
        wall = time.perf_counter() - began
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode not in ok:
            output.seek(0)
            printed = output.read().decode(errors="replace")[-PRINTED:]
            raise SystemExit(f"{printed}\nexit status {process.returncode}: {' '.join(command)}")
    return Cost(usage.ru_utime + usage.ru_stime, wall, usage.ru_maxrss * 1024 / 1e6)
