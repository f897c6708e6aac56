"""pytest's hooks and options, and nothing else. Heavy imports wait until a case file is collected."""

from __future__ import annotations

from collections.abc import Generator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tf_conv_conformance.convolution.names import DTYPES, MODES, OPS
from tf_conv_conformance.plugin import options
from tf_conv_conformance.plugin.numpy_threads import import_numpy
from tf_conv_conformance.plugin.options import INVALID, MARKER
from tf_conv_conformance.plugin.selection import deselect
from tf_conv_conformance.plugin.stash import (
    BASELINE,
    DIAGNOSTICS,
    DONE,
    PLAN,
    SESSION,
    SINCE,
    WHOLE,
    session_of,
)

if TYPE_CHECKING:
    from tf_conv_conformance.plugin.collection import CaseFile
    from tf_conv_conformance.plugin.recording import Recording

RECORDING = "tf-conv-conformance-recording"


def pytest_addoption(parser: pytest.Parser) -> None:
    """The options, in a group of their own."""
    options.add(parser)


def pytest_configure(config: pytest.Config) -> None:
    """Check the options, register the markers, and read the files that the run is held against."""
    lines = [
        *(f"{op}: calls of tf.nn.{op}" for op in OPS),
        *(f"{mode}: calls in {mode} mode" for mode in MODES),
        *(f"{dtype}: calls with {dtype} input and filter" for dtype in DTYPES),
        "half: another name of tf_float16",
        "large: calls that take long, which only -m tf_large selects",
    ]
    for line in lines:
        config.addinivalue_line("markers", MARKER + line)
    options.check(config)
    if config.getoption("--tf-baseline") is not None:
        from tf_conv_conformance.plugin.recording import read_baseline

        config.stash[BASELINE] = read_baseline(config)
    if config.getoption("--tf-resume") and config.args:
        from tf_conv_conformance.plugin.resuming import Resuming, read_done

        config.stash[DONE] = read_done(config)
        config.pluginmanager.register(Resuming(config.stash[DONE]))
    if config.getoption("--tf-since") is not None and not hasattr(config, "workerinput"):
        from tf_conv_conformance.plugin.recording import read_since

        config.stash[SINCE] = read_since(config)


def pytest_collect_file(file_path: Path, parent: pytest.Collector) -> CaseFile | None:
    """Take case files, and leave all other YAML files alone."""
    config = parent.config
    if not options.collects(config, file_path, parent.session.isinitpath(file_path)):
        return None
    import_numpy(config)
    from tf_conv_conformance.plugin.collection import CaseFile

    session_of(config)
    file: CaseFile = CaseFile.from_parent(parent, path=file_path)
    return file


@pytest.hookimpl(trylast=True)  # after -k and -m; before pytest-split, which registers later
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Put the calls of each subject together, and leave out large calls unless they are selected."""
    if SESSION not in config.stash:
        return
    from tf_conv_conformance.plugin.base import SubjectItem
    from tf_conv_conformance.plugin.items import CallItem

    names = config.stash[SESSION].names
    items.sort(key=lambda item: names.index(item.subject) if isinstance(item, SubjectItem) else 0)
    if not options.large(config):
        deselect(items, lambda item: item.get_closest_marker(MARKER + "large") is not None)
    if options.shard(config):
        config.stash[WHOLE] = sum(isinstance(item, CallItem) for item in items)


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: Any) -> None:
    """Tell an xdist worker what earlier runs have done: record files are the controller's, which may write them anew meanwhile."""
    if DONE in node.config.stash:
        node.workerinput["tf_conv_done"] = node.config.stash[DONE].hashes


@pytest.hookimpl(tryfirst=True)  # before pytest reports the collection
def pytest_collection_finish(session: pytest.Session) -> None:
    """Prepare to record the selected calls; with xdist, the controller does."""
    if SESSION in session.config.stash and not hasattr(session.config, "workerinput"):
        from tf_conv_conformance.plugin.items import CallItem

        _record(session.config, sum(isinstance(item, CallItem) for item in session.items))


def pytest_report_collectionfinish(config: pytest.Config) -> list[str]:
    """Name the TensorFlow that is tested, which was started during collection; with xdist the summary does."""
    recording: Recording | None = config.pluginmanager.get_plugin(RECORDING)
    return [] if recording is None or config.get_verbosity() < 0 else recording.headings()


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_node_collection_finished(node: Any, ids: list[str]) -> None:
    """Prepare to record the calls that a worker has selected: all workers select the same."""
    config: pytest.Config = node.config
    if config.pluginmanager.hasplugin(RECORDING):
        return
    paths = {file: config.rootpath / file for file in {test.partition("::")[0] for test in ids}}
    ours = {
        file
        for file, path in paths.items()
        if options.collects(config, path, options.names(config, path))
    }
    calls = [test for test in ids if test.partition("::")[0] in ours and INVALID not in test]
    _record(config, len(calls))


def _record(config: pytest.Config, calls: int) -> None:
    """Have the calls of a run recorded, if it is to make any or resumes an earlier run."""
    if options.makes_calls(config) and (calls or DONE in config.stash):
        from tf_conv_conformance.plugin.recording import Recording

        config.pluginmanager.register(Recording(config, calls), RECORDING)


@pytest.hookimpl(tryfirst=True)
def pytest_runtestloop(session: pytest.Session) -> None:
    """Make the plan, while the first subject starts; in each xdist worker, before its first test."""
    if SESSION in session.config.stash and options.makes_calls(session.config):
        from tf_conv_conformance.plugin.plan import plan_of

        session.config.stash[PLAN] = plan_of(session)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Put the record of a call on its report, which xdist carries to the controller."""
    report = yield
    if SESSION not in item.config.stash:
        return report
    from tf_conv_conformance.plugin.base import LocatedItem, SubjectItem

    if isinstance(item, SubjectItem):
        vars(report).update(item.for_report)  # pytest carries any attribute of plain values
        item.for_report = {}  # pytest keeps the tests of a run until its end
    if isinstance(item, LocatedItem) and report.skipped and isinstance(report.longrepr, tuple):
        # where the case stands, not where it was skipped
        report.longrepr = str(item.path), item.line, report.longrepr[2]
    return report


def pytest_report_teststatus(
    report: pytest.CollectReport | pytest.TestReport,
) -> tuple[str, str, str] | None:
    """Say that a call passed because TensorFlow refused it; its letter and category are those of any test that passes."""
    word = getattr(report, "tf_conv_word", None)
    return ("passed", ".", f"PASSED ({word})") if word and report.passed else None


@pytest.hookimpl(tryfirst=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    """End the subject. With ``--collect-only``, let what is wrong with a case file show in the exit status."""
    config = session.config
    if SESSION not in config.stash:
        return
    config.stash[SESSION].close()
    if config.getoption("collectonly"):
        from tf_conv_conformance.plugin.collection import diagnostics

        config.stash[DIAGNOSTICS] = diagnostics(session.items)
        if config.stash[DIAGNOSTICS]:
            session.exitstatus = pytest.ExitCode.TESTS_FAILED


def pytest_terminal_summary(
    terminalreporter: pytest.TerminalReporter, config: pytest.Config
) -> None:
    """With ``--collect-only``, where no test runs that could say it: what is wrong with the case files."""
    if found := config.stash.get(DIAGNOSTICS, []):
        terminalreporter.section("case files that cannot be read as they are", red=True)
        terminalreporter.write_line("\n".join(found))
