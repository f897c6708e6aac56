"""The pytest item for a block of random calls."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest

from tf_conv_conformance.casefile.shipped import shipped
from tf_conv_conformance.casefile.writer import flow
from tf_conv_conformance.convolution.names import Mode
from tf_conv_conformance.explore.block import Block
from tf_conv_conformance.explore.cause_files import CauseFiles, files_of
from tf_conv_conformance.explore.coverage import code
from tf_conv_conformance.explore.investigation import Investigator
from tf_conv_conformance.explore.judgement import Judge, Judgement, suite_failed
from tf_conv_conformance.explore.known_deviations import KnownDeviation, read_known
from tf_conv_conformance.explore.random_calls import VERSION, RandomCall, draw_block
from tf_conv_conformance.explore.totals import Totals
from tf_conv_conformance.plugin import options
from tf_conv_conformance.plugin.base import CallFailedError, SubjectItem
from tf_conv_conformance.subject.errors import SubjectUnavailableError
from tf_conv_conformance.subject.interface import Subject

SHOWN = 5  # at most this many failures of this suite are printed for a block
FOLDER = "found"
"""The folder for causes, within the folder of reports."""


class Explorer:
    """The state that one process keeps between blocks."""

    def __init__(self, config: pytest.Config) -> None:
        self.modes = options.modes(config).without_cases
        self._config = config
        self._known: tuple[KnownDeviation, ...] | None = None
        self._by_subject: dict[str, tuple[Judge, Investigator]] = {}

    def on(self, name: str, subject: Subject) -> tuple[Judge, Investigator]:
        """Return the judge and the investigator of a subject."""
        if self._known is None:
            self._known = read_known(_case_folders(self._config))
        if name not in self._by_subject:
            judge = Judge(subject, self._known)
            self._by_subject[name] = judge, Investigator(judge, self.modes)
        judge, investigator = self._by_subject[name]
        judge.subject = subject  # which may have been restarted
        return judge, investigator


def _case_folders(config: pytest.Config) -> list[Path]:
    """Return the folders with known deviations: the shipped cases, and those of the project."""
    names = set(options.folders(config))
    if config.getini("tf_cases") is None:
        names.add(options.FOLDER)
    paths = [str(argument).partition("::")[0] for argument in config.args]
    given = (options.given(config, path) for path in paths)
    folders = [shipped("cases"), *(config.rootpath / name for name in sorted(names)), *given]
    return [folder for folder in folders if folder.is_dir()]


class ExploreItem(SubjectItem):
    """The test of a block. It fails if this process has not met one of its causes before."""

    def __init__(
        self, *, block: Block, explorer: Explorer, deadline: float | None, **kwargs: Any
    ) -> None:
        super().__init__(line=1, **kwargs)
        self.block = block
        self._explorer = explorer
        self._deadline = deadline

    def runtest(self) -> None:
        """Make and judge the calls, and reduce calls with a new cause."""
        if self._deadline is not None and time.monotonic() > self._deadline:
            pytest.skip("the time of --tf-explore-minutes is up")
        subject = self.live_subject()
        exploration = Exploration(self.block, self._explorer.modes)
        try:
            exploration.run(*self._explorer.on(self.subject, subject), subject.subject)
        except SubjectUnavailableError as error:
            self.give_up(error)
            raise
        line = {"subject": self.subject, **exploration.line()}
        files = [asdict(one) for one in exploration.files]
        self.for_report = {"tf_conv_explored": {"line": line, "files": files}}
        kinds = exploration.totals.kinds.items()
        self.user_properties += [(f"explored-{kind}", count) for kind, count in kinds]
        if exploration.files or exploration.faults:
            folder = options.reports(self.config) / FOLDER
            raise CallFailedError("\n".join(exploration.failure(folder)))


class Exploration:
    """The results of a block."""

    def __init__(self, block: Block, modes: Sequence[Mode]) -> None:
        self.block = block
        self.modes = modes
        self.totals = Totals()
        self.files: list[CauseFiles] = []  # of causes that are new to this process
        self.faults: list[str] = []  # calls on which this suite itself failed
        self._facts: Mapping[str, Any] = {}

    def run(self, judge: Judge, investigator: Investigator, facts: Mapping[str, Any]) -> None:
        """Make the calls on a subject. Raises :class:`SubjectUnavailableError`."""
        began = time.monotonic()
        self._facts = facts
        drawn = draw_block(self.block.seed, self.block.number, self.block.count, self.modes)
        judged = judge.judge_all([one.call for one in drawn])
        for random_call, judgement in zip(drawn, judged, strict=True):
            self._count(random_call, self._investigated(random_call, judgement, investigator))
        self.totals.seconds = round(time.monotonic() - began, 3)

    def _investigated(
        self, random_call: RandomCall, judgement: Judgement, investigator: Investigator
    ) -> Judgement:
        if judgement.kind != "new":
            return judgement
        try:
            signature, cause = investigator.investigate(random_call, judgement)
            self.totals.causes[signature] += 1
            if cause is not None:
                origin = f"--tf-explore-seed {self.block.seed}, {self.block.name}"
                self.files.append(files_of(cause, self._facts, origin))
        except SubjectUnavailableError:
            raise
        except Exception:  # an error of this suite in one call must not end the run
            return suite_failed()
        return judgement

    def _count(self, random_call: RandomCall, judgement: Judgement) -> None:
        self.totals.kinds[judgement.kind] += 1
        if judgement.kind != "spared":
            self.totals.codes[code(random_call.call)] += 1
        if judgement.known:
            self.totals.known[judgement.known] += 1
        if judgement.fault:
            call = f"{flow(random_call.plain)} ({random_call.call.mode})"
            self.faults.append(f"{call}\n{judgement.fault}")

    def line(self) -> dict[str, Any]:
        """Return the line of this block in explored.jsonl."""
        return {
            "seed": self.block.seed,
            "number": self.block.number,
            "calls": self.block.count,
            "tensorflow": self._facts["tensorflow"],
            "strategies": VERSION,
            "modes": list(self.modes),
            **self.totals.plain(),
        }

    def failure(self, folder: Path) -> Iterator[str]:
        """Return the failure message of the block. The files of its causes are in `folder`."""
        if self.files:
            yield f"new causes: {len(self.files)}"
        for one in self.files:
            yield f"  {one.title}"
            yield f"    {folder / one.name}.yaml, and .py; id: {one.name}"
        if self.faults:
            yield f"calls on which this suite itself failed: {len(self.faults)}"
            yield from self.faults[:SHOWN]
