"""Implement pytest's hooks. Other modules are imported once a case file is collected."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Generator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tf_conv_conformance.convolution.names import DTYPES, MODES, OPS
from tf_conv_conformance.plugin import options
from tf_conv_conformance.plugin.numpy_threads import import_numpy
from tf_conv_conformance.plugin.options import INVALID, MARKER
from tf_conv_conformance.plugin.stash import (
    BASELINE,
    DIAGNOSTICS,
    LEFT_ALONE,
    PLAN,
    RESUMED,
    SINCE,
    SUBJECTS,
    subjects_of,
)
from tf_conv_conformance.plugin.terminal_width import send_width

if TYPE_CHECKING:
    from tf_conv_conformance.plugin.collection import CaseFile
    from tf_conv_conformance.plugin.recording import Recording

RECORDING = "tf-conv-conformance-recording"


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the options, in a group of their own."""
    options.add(parser)


def pytest_configure(config: pytest.Config) -> None:
    """Register the markers, check the options, and read the files of earlier runs."""
    markers = [
        *(f"{op}: calls of tf.nn.{op}" for op in OPS),
        *(f"{mode}: calls in {mode} mode" for mode in MODES),
        *(f"{dtype}: calls with {dtype} input and filter" for dtype in DTYPES),
        "half: another name of tf_float16",
        "tflite_reference: another name of tf_tflite-reference",
        "large: slow calls, which only -m tf_large selects",
    ]
    for marker in markers:
        config.addinivalue_line("markers", MARKER + marker)
    options.check(config)
    if config.getoption("--tf-baseline") is not None:
        from tf_conv_conformance.plugin.earlier_runs import read_baseline

        config.stash[BASELINE] = read_baseline(config)
    if config.getoption("--tf-resume") and config.args:
        from tf_conv_conformance.plugin.earlier_runs import read_resumed
        from tf_conv_conformance.plugin.selection import ResumedRunFilter

        config.stash[RESUMED] = read_resumed(config)
        config.pluginmanager.register(ResumedRunFilter(config.stash[RESUMED]))
    if config.getoption("--tf-since") is not None and not hasattr(config, "workerinput"):
        from tf_conv_conformance.plugin.earlier_runs import read_since

        config.stash[SINCE] = read_since(config)


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: Any) -> None:
    """Send an xdist worker the width of the terminal, and the calls not to make again."""
    send_width(node)
    if RESUMED in node.config.stash:
        node.workerinput["tf_conv_hashes"] = node.config.stash[RESUMED].hashes


def pytest_collect_file(file_path: Path, parent: pytest.Collector) -> CaseFile | None:
    """Collect case files, and leave all other YAML files alone."""
    config = parent.config
    if not options.collects(config, file_path, parent.session.isinitpath(file_path)):
        if file_path.suffix in options.SUFFIXES and options.FOLDER in file_path.parts:
            name = os.path.relpath(file_path, config.invocation_params.dir)
            config.stash.setdefault(LEFT_ALONE, []).append(name)
        return None
    import_numpy(config)
    from tf_conv_conformance.plugin.collection import CaseFile

    subjects_of(config)
    file: CaseFile = CaseFile.from_parent(parent, path=file_path)
    return file


@pytest.hookimpl(trylast=True)  # after -k and -m; before pytest-split, which registers later
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Order the calls by subject, and deselect large ones."""
    if SUBJECTS in config.stash:
        from tf_conv_conformance.plugin.selection import select

        select(config, items)


@pytest.hookimpl(tryfirst=True)  # before pytest reports the collection
def pytest_collection_finish(session: pytest.Session) -> None:
    """Prepare to record the selected calls; with xdist, the controller does."""
    if SUBJECTS in session.config.stash and not hasattr(session.config, "workerinput"):
        from tf_conv_conformance.plugin.selection import count_calls

        _record(session.config, count_calls(session.items))


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_node_collection_finished(node: Any, ids: list[str]) -> None:
    """Prepare to record the calls that a worker has selected: all workers select the same."""
    config: pytest.Config = node.config
    if config.pluginmanager.hasplugin(RECORDING):
        return
    tests = Counter(test.partition("::")[0] for test in ids if INVALID not in test)
    paths = {file: config.rootpath / file for file in tests}
    _record(
        config,
        sum(
            tests[file]
            for file, path in paths.items()
            if options.collects(config, path, options.names(config, path))
        ),
    )


def _record(config: pytest.Config, calls: int) -> None:
    """Have the calls of a run recorded, if it makes any or resumes an earlier run."""
    if options.makes_calls(config) and (calls or RESUMED in config.stash):
        from tf_conv_conformance.plugin.recording import Recording

        config.pluginmanager.register(Recording(config, calls), RECORDING)


def pytest_report_collectionfinish(config: pytest.Config) -> list[str]:
    """Name the TensorFlow under test, which was started ahead; with xdist the summary does."""
    recording: Recording | None = config.pluginmanager.get_plugin(RECORDING)
    return [] if recording is None or config.get_verbosity() < 0 else recording.headings()


@pytest.hookimpl(tryfirst=True)
def pytest_runtestloop(session: pytest.Session) -> None:
    """Make the plan before the first test, in each xdist worker, while the first subject starts."""
    if SUBJECTS in session.config.stash and options.makes_calls(session.config):
        from tf_conv_conformance.plugin.plan import plan_of

        session.config.stash[PLAN] = plan_of(session)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Put the record of a call on its report, which xdist sends to the controller."""
    report = yield
    if SUBJECTS not in item.config.stash:
        return report
    from tf_conv_conformance.plugin.base import LocatedItem, SubjectItem

    if isinstance(item, SubjectItem):
        vars(report).update(item.for_report)  # pytest sends any attribute with a plain value
        item.for_report = {}  # pytest keeps the tests of a run until its end
    if isinstance(item, LocatedItem) and report.skipped and isinstance(report.longrepr, tuple):
        # where the case is, not where it was skipped
        report.longrepr = str(item.path), item.line, report.longrepr[2]
    return report


def pytest_report_teststatus(
    report: pytest.CollectReport | pytest.TestReport,
) -> tuple[str, str, str] | None:
    """Add to PASSED that TensorFlow refused the call; letter and category are those of a pass."""
    word = getattr(report, "tf_conv_word", None)
    return ("passed", ".", f"PASSED ({word})") if word and report.passed else None


@pytest.hookimpl(tryfirst=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    """End the subjects. With ``--collect-only``, fail if a case file has errors."""
    config = session.config
    if SUBJECTS not in config.stash:
        return
    config.stash[SUBJECTS].close()
    if hasattr(config, "workeroutput"):
        config.workeroutput["tf_conv_left_alone"] = config.stash.get(LEFT_ALONE, [])
    if config.getoption("collectonly"):
        from tf_conv_conformance.plugin.collection import diagnostics

        config.stash[DIAGNOSTICS] = diagnostics(session.items)
        if config.stash[DIAGNOSTICS]:
            session.exitstatus = pytest.ExitCode.TESTS_FAILED


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any) -> None:
    """Take over which files a worker of xdist has left alone: all workers leave the same."""
    left_alone = getattr(node, "workeroutput", {}).get("tf_conv_left_alone")
    if left_alone is not None:
        node.config.stash[LEFT_ALONE] = left_alone


def pytest_terminal_summary(
    terminalreporter: pytest.TerminalReporter, exitstatus: int, config: pytest.Config
) -> None:
    """Print the errors of case files with ``--collect-only``, as no test runs that would.

    Also print which YAML files beside case files are none and, if nothing was collected from a
    folder with case files, how to run them.
    """
    if text := _uncollected(config, exitstatus):
        terminalreporter.write_line(text)
    if lines := config.stash.get(DIAGNOSTICS, []):
        terminalreporter.section("errors in case files", red=True)
        terminalreporter.write_line("\n".join(lines))


def _uncollected(config: pytest.Config, exitstatus: int) -> str | None:
    """Return a line about files that were not collected, in runs that have to do with cases."""
    from tf_conv_conformance.plugin import uncollected

    is_of_cases = SUBJECTS in config.stash or config.pluginmanager.hasplugin(RECORDING)
    is_named = config.args_source is pytest.Config.ArgsSource.ARGS
    found_none = exitstatus == pytest.ExitCode.NO_TESTS_COLLECTED and is_named
    left_alone = config.stash.get(LEFT_ALONE, [])
    if left_alone and (is_of_cases or found_none):
        return uncollected.left_alone(left_alone)
    return uncollected.hint(config) if found_none and not is_of_cases else None
