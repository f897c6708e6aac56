"""pytest's hooks and options, and nothing else. Heavy imports wait until a case file is collected."""

from __future__ import annotations

from collections.abc import Generator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tf_conv_conformance.convolution.names import DTYPES, MODES, OPS
from tf_conv_conformance.plugin import options
from tf_conv_conformance.plugin.numpy_threads import import_numpy
from tf_conv_conformance.plugin.options import MARKER
from tf_conv_conformance.plugin.selection import deselect
from tf_conv_conformance.plugin.stash import (
    BASELINE,
    COLLECTED,
    DIAGNOSTICS,
    DONE,
    SESSION,
    SINCE,
    WHOLE,
    session_of,
)

if TYPE_CHECKING:
    from tf_conv_conformance.plugin.collection import CaseFile
    from tf_conv_conformance.plugin.plan import Planned
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
        "large: calls that take long, made only with --tf-large or -m tf_large",
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


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any) -> None:
    """Take over what an xdist worker has counted; one that crashed says nothing."""
    output = getattr(node, "workeroutput", {})
    for name, key in (("tf_conv_collected", COLLECTED), ("tf_conv_whole", WHOLE)):
        if name in output:
            node.config.stash[key] = output[name]


@pytest.hookimpl(trylast=True)  # after -k and -m; before pytest-split, which registers later
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Put the calls of each subject together; leave out large calls unless they are selected."""
    if SESSION in config.stash and len(names := config.stash[SESSION].names) > 1:
        from tf_conv_conformance.plugin.base import SubjectItem

        items.sort(
            key=lambda item: names.index(item.subject) if isinstance(item, SubjectItem) else 0
        )
    if not options.large(config):
        deselect(items, lambda item: item.get_closest_marker(MARKER + "large") is not None)
    if SESSION in config.stash and options.shard(config):
        from tf_conv_conformance.plugin.items import CallItem

        config.stash[WHOLE] = sum(isinstance(item, CallItem) for item in items)


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: Any) -> None:
    """Tell an xdist worker what earlier runs have done: record files are the controller's, which may write them anew meanwhile."""
    if DONE in node.config.stash:
        node.workerinput["tf_conv_done"] = node.config.stash[DONE].hashes


@pytest.hookimpl(tryfirst=True)  # before pytest reports the collection
def pytest_collection_finish(session: pytest.Session) -> None:
    """Plan all that is selected; with xdist, the controller does, and is told how many calls there were to select from."""
    config = session.config
    if hasattr(config, "workeroutput"):
        config.workeroutput["tf_conv_collected"] = config.stash.get(COLLECTED, 0)
        if WHOLE in config.stash:
            config.workeroutput["tf_conv_whole"] = config.stash[WHOLE]
    elif SESSION in config.stash:
        from tf_conv_conformance.plugin.plan import planned

        _record(config, planned(session.items))


def pytest_report_collectionfinish(config: pytest.Config) -> list[str]:
    """Name the TensorFlow that is tested, which was started during collection; with xdist the summary does."""
    recording: Recording | None = config.pluginmanager.get_plugin(RECORDING)
    return [] if recording is None or config.get_verbosity() < 0 else recording.headings()


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_node_collection_finished(node: Any, ids: list[str]) -> None:
    """With xdist: the same in the controller, once the first worker has told what it collected."""
    config: pytest.Config = node.config
    if config.pluginmanager.hasplugin(RECORDING):
        return
    paths = {file: config.rootpath / file for file in {one.partition("::")[0] for one in ids}}
    ours = {
        file
        for file, path in paths.items()
        if options.collects(config, path, options.names(config, path))
    }
    if ours or DONE in config.stash:
        from tf_conv_conformance.plugin.plan import planned_by_id

        subjects = [definition.name for definition in options.definitions(config)]
        _record(
            config,
            planned_by_id([one for one in ids if one.partition("::")[0] in ours], config, subjects),
        )


def _record(config: pytest.Config, tests: list[Planned]) -> None:
    """Have the calls of a run recorded, if it is to make some or goes on with an earlier one."""
    if options.makes_calls(config) and (tests or DONE in config.stash):
        from tf_conv_conformance.plugin.recording import Recording

        config.pluginmanager.register(Recording(config, tests), RECORDING)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Put the record of a call on its report, which xdist carries to the controller."""
    report = yield
    if SESSION not in item.config.stash:
        return report
    from tf_conv_conformance.plugin.base import LocatedItem, SubjectItem

    if isinstance(item, SubjectItem) and call.when == "call":
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
