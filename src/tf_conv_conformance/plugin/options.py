"""The options of the plugin and their values. Imports nothing that takes time."""

from __future__ import annotations

import os
import shlex
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tf_conv_conformance.convolution.names import DEFAULT_MODES, MODES, Mode
from tf_conv_conformance.records.shards import MOST, Shards
from tf_conv_conformance.subject.definition import (
    DEFAULT,
    FORM,
    Definition,
    SubjectDefinitionError,
    define,
    located,
)

if TYPE_CHECKING:
    from tf_conv_conformance.casefile.sweep import Extent

MARKER = "tf_"
"""The prefix of this plugin's markers."""
SUFFIXES = (".yaml", ".yml")
FOLDER = "cases"
"""The folders in which case files are looked for unless `tf_cases` names others."""
ALL = "all"
"""The value of ``--tf-modes`` that adds every mode to every case."""
INVALID = "[invalid]"
"""How the name of a test ends that reports the errors of a case."""
BYTES_A_CALL = 4096  # of the record file and the page, at most


def add(parser: pytest.Parser) -> None:
    """Add the options and ini values, in a group of their own."""
    group = parser.getgroup(
        "tf-conv-conformance", "tf-conv-conformance: TensorFlow's 2-D convolutions"
    )

    def option(name: str, metavar: str, text: str, **settings: Any) -> None:
        group.addoption(name, metavar=metavar, help=text, **settings)

    def flag(name: str, text: str) -> None:
        group.addoption(name, action="store_true", help=text)

    text = (
        f"make calls only in these modes, from {','.join(MODES)}; +MODE adds a mode to every case, "
        "as in +tflite, and all adds every mode (default: the modes that cases name)"
    )
    option("--tf-modes", "MODES", text)
    text = "also collect every *.yaml under folders with this name"
    option("--tf-cases", "NAME", text, action="append", default=[])
    text = "where to write results.jsonl and index.html (default: reports)"
    option("--tf-reports", "DIR", text, default="reports")
    text = (
        "test another TensorFlow: the path of an interpreter, the name of a subject in tf_subjects "
        f"of the ini file (all: each of them), or a definition: '{FORM}'; may be repeated"
    )
    option("--tf-subject", "SUBJECT", text, action="append", default=[])
    text = "report what changed since an earlier run: its record file, or a folder of its shards"
    option("--tf-since", "RESULTS", text)
    text = "known failures, which do not fail the run; new and stale ones are reported"
    option("--tf-baseline", "FILE", text)
    flag("--tf-update-baseline", "write the failures of this run to the baseline")
    text = "resume an interrupted run: make only the calls missing from its record files"
    flag("--tf-resume", text)
    text = "time limit of one call (default: 60)"
    option("--tf-timeout", "SECONDS", text, type=float, default=60.0)
    text = "memory limit of each TensorFlow process (default: 8)"
    option("--tf-memory", "GIB", text, type=float, default=8.0)
    flag("--tf-quiet", "print no progress of the calls and no heading, only the summary")
    text = "import TensorFlow into this process, for a debugger; a crash then ends the run"
    flag("--tf-in-process", text)
    text = "make every call of an exhaustive scope, not a sample (some minutes)"
    flag("--tf-exhaustive", text)
    text = (
        "names of folders in which every *.yaml is a case file "
        f"(default: in folders named {FOLDER}, those that look like one)"
    )
    parser.addini("tf_cases", text, type="args", default=None)
    text = f"subjects for --tf-subject, one a line: {FORM}"
    parser.addini("tf_subjects", text, type="linelist", default=[])


def check(config: pytest.Config) -> None:
    """Raise ``pytest.UsageError`` for invalid values and combinations."""
    modes(config)
    subjects, part = definitions(config), shard(config)
    if len(subjects) > 1 and part and part.of > 1:
        raise pytest.UsageError(
            f"--splits: splits a run of one subject, and this run has {len(subjects)}; "
            "run pytest once for each --tf-subject, with the same --splits and --group"
        )
    if not config.getoption("--tf-timeout") > 0:
        raise pytest.UsageError("--tf-timeout: must be above 0 seconds")
    if not config.getoption("--tf-memory") > 0:
        raise pytest.UsageError("--tf-memory: must be above 0 GiB")
    if config.getoption("--tf-in-process") and config.getoption("--tf-subject"):
        raise pytest.UsageError(
            "--tf-in-process: imports the TensorFlow of this interpreter; leave out --tf-subject"
        )
    if config.getoption("--tf-update-baseline") and config.getoption("--tf-baseline") is None:
        raise pytest.UsageError("--tf-update-baseline: needs --tf-baseline FILE, the file to write")


def folders(config: pytest.Config) -> set[str]:
    """Return the names of the folders that the user gives for case files."""
    return {*(config.getini("tf_cases") or ()), *config.getoption("--tf-cases")}


def collects(config: pytest.Config, path: Path, named: bool) -> bool:
    """Return whether a file is a case file.

    It is one if it is `named` on the command line, if the user names its folder, or if it looks
    like one in a folder with the default name.
    """
    if path.suffix not in SUFFIXES:
        return False
    # in a project, the folders around the project do not matter
    inside = path.is_relative_to(config.rootpath) and config.inipath is not None
    around = (path.relative_to(config.rootpath) if inside else path).parts[:-1]
    if named or not folders(config).isdisjoint(around):
        return True
    if config.getini("tf_cases") is not None or FOLDER not in around:
        return False
    from tf_conv_conformance.casefile.sniffing import is_case_file

    return is_case_file(path)


def names(config: pytest.Config, path: Path) -> bool:
    """Return whether the command line names a file or a test of it.

    An xdist controller must look: it collects nothing.
    """
    given_paths = (str(argument).partition("::")[0] for argument in config.args)
    return any(given(config, given_path) == path for given_path in given_paths)


def makes_calls(config: pytest.Config) -> bool:
    """Return whether tests are run, and not only listed or set up."""
    without = ("collectonly", "setuponly", "setupplan", "showfixtures", "show_fixtures_per_test")
    return not any(config.getoption(name, False) for name in without)


def large(config: pytest.Config) -> bool:
    """Return whether ``-m`` selects large calls."""
    return MARKER + "large" in config.getoption("markexpr")


def selecting(config: pytest.Config) -> str:
    """Return the options that select tests, as they are given."""
    given = []
    for flag, name in (("-k", "keyword"), ("-m", "markexpr")):
        if value := config.getoption(name, None):
            given.append(f"{flag} {shlex.quote(value)}")
    if part := shard(config):
        given.append(splitting(part))
    given += [flag for flag in ("--lf", "--deselect") if config.getoption(flag, None)]
    return ", ".join(given)


@dataclass(frozen=True)
class ModeSelection:
    """The modes of ``--tf-modes``: to which cases are `narrowed`, and those `added` to them."""

    narrowed: tuple[Mode, ...] = MODES
    added: tuple[Mode, ...] = ()
    is_narrowed: bool = False

    @property
    def without_cases(self) -> tuple[Mode, ...]:
        """The modes of calls that belong to no case, as when exploring."""
        if self.is_narrowed:
            return self.narrowed
        return tuple(mode for mode in MODES if mode in (*DEFAULT_MODES, *self.added))


def modes(config: pytest.Config) -> ModeSelection:
    """Return the modes of ``--tf-modes``. Raises ``pytest.UsageError`` for an unknown one."""
    given = config.getoption("--tf-modes")
    words = [] if given is None else [word.strip() for word in str(given).split(",")]
    if ALL in words:
        words = [word for word in words if word != ALL] + [f"+{mode}" for mode in MODES]
    named = {word: _mode(word.removeprefix("+")) for word in words}
    added = tuple(mode for word, mode in named.items() if word.startswith("+"))
    if len(added) == len(named):
        return ModeSelection(added=added)
    return ModeSelection(tuple(mode for mode in MODES if mode in named.values()), added, True)


def _mode(name: str) -> Mode:
    for mode in MODES:
        if mode == name:
            return mode
    from tf_conv_conformance.casefile.advice import unknown_word

    known = f"{', '.join(MODES)}, or {ALL}"
    hint = unknown_word(name, (*MODES, ALL))
    raise pytest.UsageError(f"--tf-modes: {name!r} is not one of {known}{hint}")


def extent(config: pytest.Config) -> Extent:
    """Return how much of a case file to make."""
    from tf_conv_conformance.casefile.sweep import Extent

    return Extent(bool(config.getoption("--tf-exhaustive")), modes(config).added)


def shard(config: pytest.Config) -> Shards | None:
    """Return which shard of a run this is: the group that pytest-split selects.

    Raises ``pytest.UsageError`` if there are too many.
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
    """Return the folder of the reports."""
    return given(config, str(config.getoption("--tf-reports")))


def given(config: pytest.Config, path: str) -> Path:
    """Return a path of the command line, which is relative to where pytest was started."""
    return config.invocation_params.dir / path


def definitions(config: pytest.Config) -> tuple[Definition, ...]:
    """Return the subjects of the run; by default, that of this interpreter.

    Raises ``pytest.UsageError``.
    """
    found: dict[str, Definition] = {}
    for value in config.getoption("--tf-subject"):
        for definition in _defined(config, value):
            if definition.name in found:
                twice = repr(definition.name) if definition.name else "a path without a name"
                raise pytest.UsageError(
                    f"--tf-subject: {twice} is given twice; write 'NAME = PATH' with other names"
                )
            found[definition.name] = definition
    return tuple(found.values()) or (DEFAULT,)


def _defined(config: pytest.Config, value: str) -> Iterator[Definition]:
    """Yield the subjects of one ``--tf-subject``."""
    folder = config.invocation_params.dir
    if "/" in value.partition("=")[0]:
        yield Definition(command=tuple(located([value], folder)))
        return
    try:
        if "=" in value:
            yield define(value, folder)
            return
        listed = [define(line, config.rootpath) for line in config.getini("tf_subjects")]
    except SubjectDefinitionError as error:
        raise pytest.UsageError(f"--tf-subject: {error}") from error
    selected = [definition for definition in listed if value in ("all", definition.name)]
    if not selected and value != "all":
        known = ", ".join(definition.name for definition in listed) or "none"
        raise pytest.UsageError(
            f"--tf-subject: {value!r} is neither a path with a / nor a subject in tf_subjects of "
            f"the ini file (which has: {known}); define it: '{FORM}'"
        )
    yield from selected


def check_reports_folder(folder: Path, calls: int) -> None:
    """Raise ``pytest.UsageError`` if the reports' folder cannot be written or lacks space.

    Creates nothing: perhaps no call is made.
    """
    there = next(path for path in (folder, *folder.parents) if path.exists())
    if not there.is_dir() or not os.access(there, os.W_OK | os.X_OK):
        why = "is not a folder" if not there.is_dir() else "cannot be written"
        raise pytest.UsageError(f"--tf-reports: cannot write {folder}: {there} {why}")
    free, needed = shutil.disk_usage(there).free, BYTES_A_CALL * calls
    if free < needed:
        raise pytest.UsageError(
            f"--tf-reports: {folder} has {free:,} bytes left, and {calls:,} calls need up to "
            f"{needed:,}"
        )
