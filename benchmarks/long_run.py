"""What ten thousand calls leave in memory: ``python benchmarks/long_run.py [PAGE]``.

The calls of tests/test_faults.py, one in a hundred with a fault, are made on the subject of
tests/faulty.py in one process. As a pytest plugin, this file notes the memory of that process:
after the 1,000th call, after the 9,000th, and at its peak, when the page has been rendered. Needs
the extra test.
"""

import os
import sys
import tempfile
from pathlib import Path

import measure
import pytest

HERE = Path(__file__).parent
TESTS = HERE.parent / "tests"
AT = (1_000, 9_000)


def resident():
    """Megabytes that this process has now."""
    pages = int(Path("/proc/self/statm").read_text(encoding="utf-8").split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6


class Memory:
    """Counts calls, and notes the memory where it is wanted."""

    def __init__(self):
        self._calls, self._noted = 0, []

    def pytest_runtest_logreport(self, report):
        self._calls += report.when == "call"
        if report.when == "call" and self._calls in AT:
            self._noted.append(resident())

    @pytest.hookimpl(trylast=True)
    def pytest_unconfigure(self):
        values = [*self._noted, measure.peak()]
        Path("memory").write_text(" ".join(f"{value:.0f}" for value in values), encoding="utf-8")


def pytest_configure(config):
    config.pluginmanager.register(Memory())


def main():
    from section import parser, publish, table

    given = parser(__doc__).parse_args()
    sys.path.insert(0, str(TESTS))
    from support.faulty_runs import FAULTY, write_many_calls

    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "cases").mkdir()
        write_many_calls(folder / "cases")
        path = os.pathsep.join([str(HERE), os.environ.get("PYTHONPATH", "")])
        command = [
            *measure.SUITE,
            "-p",
            "long_run",
            "cases",
            "--tf-timeout=2",
            "--tb=no",
            "--tf-subject",
            FAULTY,
        ]
        cost = measure.run(command, folder, {**measure.ALONE, "PYTHONPATH": path}, (1,))
        memory = (folder / "memory").read_text(encoding="utf-8").split()
    head = (
        "10,992 calls",
        *(f"after the {count:,}th" for count in AT),
        "at the peak, the page rendered",
        "processor, s",
    )
    row = ("memory of the process, MB", *memory, f"{cost.processor:.0f}")
    publish(__file__, [table(head, [row])], given.page)


if __name__ == "__main__":
    main()
