"""pytest's options of this plugin: what they are, and what is made of their values. Imports nothing that takes time."""

from __future__ import annotations

import os
import shlex
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tf_conv_conformance.convolution.names import MODES
from tf_conv_conformance.records.shards import MOST, Shards
from tf_conv_conformance.subject.definition import (
    DEFAULT,
    FORM,
    Definition,
    SubjectDefinitionError,
    define,
    located,
)

MARKER = "tf_"
"""What the names of this plugin's markers begin with."""
FOLDER = "cases"
"""The name of a folder in which case files are looked for unless `tf_cases` says otherwise."""


INVALID = "[invalid]"
"""How the name of a test ends that reports what is wrong with a case."""
BYTES_A_CALL = 4096  # of the record file and the page, at most


def add(parser: pytest.Parser) -> None:
    """The options, in a group of their own."""
    group = parser.getgroup(
        "tf-conv-conformance", "tf-conv-conformance: TensorFlow's 2-D convolutions"
    )
    option = group.addoption
    option(
        "--tf-modes",
        metavar="MODES",
        default=",".join(MODES),
        help="execution modes, of eager,graph,xla (default: all)",
    )
    option(
        "--tf-cases",
        metavar="NAME",
        action="append",
        default=[],
        help="collect every *.yaml under folders of this name, too",
    )
    option(
        "--tf-reports",
        metavar="DIR",
        default="reports",
        help="where results.jsonl and index.html are written (default: reports)",
    )
    option(
        "--tf-python",
        metavar="PATH",
        help="ask the TensorFlow of another interpreter, which needs nothing of this suite",
    )
    asking = f"ask a subject that tf_subjects of the ini file names (all: each), or one defined here: '{FORM}'; repeat it for others"
    option("--tf-subject", metavar="NAME", action="append", default=[], help=asking)
    option(
        "--tf-since",
        metavar="RESULTS",
        help="an earlier run (its record file, or a folder of its shards): say what changed since",
    )
    option(
        "--tf-baseline",
        metavar="FILE",
        help="known failures: they do not fail the run; what is new or stale is said",
    )
    option(
        "--tf-update-baseline",
        action="store_true",
        help="write this run's failures to the baseline",
    )
    option(
        "--tf-resume",
        action="store_true",
        help="go on with a run that was cut: make the calls that its record files lack",
    )
    option(
        "--tf-timeout",
        metavar="SECONDS",
        type=float,
        default=60.0,
        help="time limit of one call (default: 60)",
    )
    option(
        "--tf-memory",
        metavar="GIB",
        type=float,
        default=8.0,
        help="memory limit of each TensorFlow process (default: 8)",
    )
    option(
        "--tf-in-process",
        action="store_true",
        help="import TensorFlow here, for a debugger; a crash then ends the run",
    )
    option(
        "--tf-exhaustive",
        action="store_true",
        help="make every call of an exhaustive scope, not a sample (some minutes)",
    )
    option(
        "--tf-large", action="store_true", help="also make the calls of cases that are marked large"
    )
    folders = f"names of the folders in which every *.yaml is a case file (default: in folders named {FOLDER}, those that look like one)"
    parser.addini("tf_cases", folders, type="args", default=None)
    parser.addini(
        "tf_subjects",
        f"subjects for --tf-subject, a line each: {FORM}",
        type="linelist",
        default=[],
    )


def check(config: pytest.Config) -> None:
    """Raise ``pytest.UsageError`` for what cannot be used together, or at all."""
    modes(config)
    if len(subjects := definitions(config)) > 1 and (part := shard(config)) and part.of > 1:
        raise pytest.UsageError(
            f"--splits: splits a run of one subject, and this run has {len(subjects)}; "
            "run pytest once for each --tf-subject, with the same --splits and --group"
        )
    if not config.getoption("--tf-timeout") > 0:
        raise pytest.UsageError("--tf-timeout: must be above 0 seconds")
    if not config.getoption("--tf-memory") > 0:
        raise pytest.UsageError("--tf-memory: must be above 0 GiB")
    if config.getoption("--tf-in-process") and (
        config.getoption("--tf-python") or config.getoption("--tf-subject")
    ):
        raise pytest.UsageError(
            "--tf-in-process: imports the TensorFlow of this interpreter, and can ask no other"
        )
    if config.getoption("--tf-update-baseline") and config.getoption("--tf-baseline") is None:
        raise pytest.UsageError("--tf-update-baseline: needs --tf-baseline FILE, the file to write")


def folders(config: pytest.Config) -> set[str]:
    """Return the names of the folders in which the user says that case files are."""
    return {*(config.getini("tf_cases") or ()), *config.getoption("--tf-cases")}


def collects(config: pytest.Config, path: Path, named: bool) -> bool:
    """Return whether a file is a case file: it is `named` on the command line, its folder is by the user, or it looks like one."""
    if path.suffix not in (".yaml", ".yml"):
        return False
    inside = (
        path.is_relative_to(config.rootpath) and config.inipath is not None
    )  # a project: what it lies in does not matter
    around = (path.relative_to(config.rootpath) if inside else path).parts[:-1]
    if named or not folders(config).isdisjoint(around):
        return True
    if config.getini("tf_cases") is not None or FOLDER not in around:
        return False
    from tf_conv_conformance.casefile.sniffing import is_case_file

    return is_case_file(path)


def names(config: pytest.Config, path: Path) -> bool:
    """Return whether the command line names a file or a test of it, as an xdist controller must find out, which collects nothing."""
    return any(
        config.invocation_params.dir / str(argument).partition("::")[0] == path
        for argument in config.args
    )


def makes_calls(config: pytest.Config) -> bool:
    """Return whether tests are run, and not only listed or set up."""
    without = ("collectonly", "setuponly", "setupplan", "showfixtures", "show_fixtures_per_test")
    return not any(config.getoption(name, False) for name in without)


def large(config: pytest.Config) -> bool:
    """Return whether large calls are asked for."""
    return bool(config.getoption("--tf-large")) or MARKER + "large" in config.getoption("markexpr")


def selecting(config: pytest.Config) -> str:
    """Return the options that select tests, as they are given."""
    valued = {"-k": "keyword", "-m": "markexpr"}
    given = [
        f"{flag} {shlex.quote(value)}"
        for flag, name in valued.items()
        if (value := config.getoption(name, None))
    ]
    if part := shard(config):
        given.append(splitting(part))
    return ", ".join(
        [*given, *(flag for flag in ("--lf", "--deselect") if config.getoption(flag, None))]
    )


def modes(config: pytest.Config) -> tuple[str, ...]:
    """The modes that are asked for. Raises ``pytest.UsageError`` for one that does not exist."""
    asked = tuple(mode.strip() for mode in str(config.getoption("--tf-modes")).split(","))
    if unknown := [mode for mode in asked if mode not in MODES]:
        raise pytest.UsageError(f"--tf-modes: {unknown[0]!r} is not one of {', '.join(MODES)}")
    return asked


def shard(config: pytest.Config) -> Shards | None:
    """Return which shard of a run this is: the group that pytest-split selects.

    Raises ``pytest.UsageError``.
    """
    of, number = config.getoption("splits", None), config.getoption("group", None)
    if not isinstance(of, int) or not isinstance(number, int):
        return None
    if of > MOST:
        limit = f"at most {MOST:,}, the most shards that a record file can name"
        raise pytest.UsageError(f"--splits: expected {limit}; got {of:,}")
    return Shards((number,), of)


def splitting(part: Shards) -> str:
    """Return the options that make pytest-split select one shard."""
    return f"--splits {part.of} --group {','.join(map(str, part.numbers))}"


def reports(config: pytest.Config) -> Path:
    """The folder of the reports; like ``--junitxml``, relative to where pytest was started."""
    return given(config, str(config.getoption("--tf-reports")))


def given(config: pytest.Config, path: str) -> Path:
    """A path of the command line: relative to where pytest was started."""
    return config.invocation_params.dir / path


def definitions(config: pytest.Config) -> tuple[Definition, ...]:
    """The subjects that are asked, that of this interpreter unless told otherwise. Raises ``pytest.UsageError``."""
    python, asked = config.getoption("--tf-python"), config.getoption("--tf-subject")
    if python is not None:
        if asked:
            raise pytest.UsageError(
                "--tf-python: is short for a single subject; name it with --tf-subject 'NAME = PATH' beside others"
            )
        return (Definition(command=tuple(located([python], config.invocation_params.dir))),)
    found = [definition for value in asked for definition in _asked(config, value)]
    if twice := [
        one.name
        for number, one in enumerate(found)
        if one.name in {other.name for other in found[:number]}
    ]:
        raise pytest.UsageError(f"--tf-subject: {twice[0]!r} is asked twice")
    return tuple(found) or (DEFAULT,)


def _asked(config: pytest.Config, value: str) -> Iterator[Definition]:
    try:
        if "=" in value:
            yield define(value, config.invocation_params.dir)
            return
        named = {
            one.name: one
            for one in (define(line, config.rootpath) for line in config.getini("tf_subjects"))
        }
    except SubjectDefinitionError as error:
        raise pytest.UsageError(f"--tf-subject: {error}") from error
    if value not in named and value != "all":
        known = ", ".join(named) or "none"
        raise pytest.UsageError(
            f"--tf-subject: the ini file's tf_subjects have no {value!r} (they have: {known}); define it: '{FORM}'"
        )
    yield from named.values() if value == "all" else (named[value],)


def check_reports_folder(folder: Path, calls: int) -> None:
    """Raise ``pytest.UsageError`` if the reports' folder cannot be written or lacks space.

    Creates nothing: perhaps no call is made.
    """
    there = next(path for path in (folder, *folder.parents) if path.exists())
    if not there.is_dir() or not os.access(there, os.W_OK | os.X_OK):
        why = "is not a folder" if not there.is_dir() else "cannot be written"
        raise pytest.UsageError(f"--tf-reports: cannot write {folder}: {there} {why}")
    if (free := shutil.disk_usage(there).free) < (needed := BYTES_A_CALL * calls):
        raise pytest.UsageError(
            f"--tf-reports: {folder} has {free:,} bytes left, and {calls:,} calls need up to {needed:,}"
        )
