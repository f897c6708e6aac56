"""A block of drawn calls as one test."""

from __future__ import annotations

import time
import traceback
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import pytest

from tf_conv_conformance.casefile.writer import flow
from tf_conv_conformance.convolution.names import MODES, Mode
from tf_conv_conformance.explore.coverage import code
from tf_conv_conformance.explore.found import Found, found
from tf_conv_conformance.explore.investigating import Investigator
from tf_conv_conformance.explore.judging import Judge, Judged
from tf_conv_conformance.explore.known import Known, read_known, shipped
from tf_conv_conformance.explore.random_calls import VERSION, RandomCall, draw_block
from tf_conv_conformance.plugin import options
from tf_conv_conformance.plugin.base import CallFailedError, SubjectItem
from tf_conv_conformance.subject.errors import SubjectUnavailableError
from tf_conv_conformance.subject.interface import Subject

SIZE = 250
"""Calls of a block."""
SHOWN = 5  # faults of ours that are shown
FOLDER = "found"
"""In the folder of the reports: the causes that were found."""


@dataclass(frozen=True)
class Asked:
    """A block: its seed, its number from 0, and how many of its calls are made."""

    seed: int
    number: int
    count: int = SIZE

    @property
    def name(self) -> str:
        """The name of its test; calls count from 1."""
        first = self.number * SIZE
        return f"seed{self.seed}[calls{first + 1}-{first + self.count}]"


class Explorer:
    """What one process keeps from block to block."""

    def __init__(self, config: pytest.Config) -> None:
        self.modes: tuple[Mode, ...] = tuple(
            mode for mode in MODES if mode in options.modes(config)
        )
        self._config = config
        self._known: tuple[Known, ...] | None = None
        self._by_subject: dict[str, tuple[Judge, Investigator]] = {}

    def on(self, name: str, subject: Subject) -> tuple[Judge, Investigator]:
        """The judge of a subject, and what investigates for it."""
        if self._known is None:
            self._known = read_known(_folders(self._config))
        if name not in self._by_subject:
            judge = Judge(subject, self._known)
            self._by_subject[name] = judge, Investigator(judge, self.modes)
        self._by_subject[name][0].subject = subject  # another, where it was started again
        return self._by_subject[name]


def _folders(config: pytest.Config) -> list[Path]:
    """The folders whose case files declare what is known: the shipped ones, and those of the project."""
    names = [
        *options.folders(config),
        *([options.FOLDER] if config.getini("tf_cases") is None else []),
    ]
    given = [options.given(config, str(argument).partition("::")[0]) for argument in config.args]
    return [
        folder
        for folder in (shipped(), *(config.rootpath / name for name in names), *given)
        if folder.is_dir()
    ]


class ExploreItem(SubjectItem):
    """Makes the calls of a block; fails where one of them has a cause that this process has not met and nothing foretells."""

    def __init__(
        self,
        *,
        asked: Asked,
        explorer: Explorer,
        deadline: float | None,
        **kwargs: Any,
    ) -> None:
        super().__init__(line=1, **kwargs)
        self.asked = asked
        self._explorer = explorer
        self._deadline = deadline
        self._faults: list[str] = []  # calls on which this suite itself failed

    def runtest(self) -> None:
        """Draw the calls, make and judge them, and reduce those with a new cause."""
        if self._deadline is not None and time.monotonic() > self._deadline:
            pytest.skip("the minutes of --tf-explore-minutes are over")
        subject = self.live_subject()
        try:
            line, causes = self._explore(subject)
        except SubjectUnavailableError as error:
            self.give_up(error)
            raise
        explored = {"line": line, "found": [asdict(one) for one in causes]}
        self.for_report = {"tf_conv_explored": explored}
        self.user_properties += [
            (f"explored-{kind}", count) for kind, count in line["kinds"].items()
        ]
        if causes or self._faults:
            raise CallFailedError(self._told(causes))

    def _explore(self, subject: Subject) -> tuple[dict[str, Any], list[Found]]:
        judge, investigator = self._explorer.on(self.subject, subject)
        began = time.monotonic()
        drawn = draw_block(
            self.asked.seed, self.asked.number, self.asked.count, self._explorer.modes
        )
        judged: list[Judged] = []
        causes: Counter[str] = Counter()
        made: list[Found] = []
        origin = f"--tf-explore-seed {self.asked.seed}, {self.asked.name}"
        for one, became in zip(drawn, judge.judge_all([one.call for one in drawn]), strict=True):
            try:
                if became.kind == "new":
                    signature, cause = investigator.cause(one, became)
                    causes[signature] += 1
                    made += [found(cause, subject.subject, origin)] if cause is not None else []
            except SubjectUnavailableError:
                raise
            except Exception:  # a fault of ours in one call does not end an unattended run
                became = Judged("unjudged", fault=traceback.format_exc(limit=-2))
            judged.append(became)
            if became.fault:
                self._faults.append(f"{flow(one.plain)} ({one.call.mode})\n{became.fault}")
        return self._line(drawn, judged, causes, subject) | {
            "seconds": round(time.monotonic() - began, 3)
        }, made

    def _line(
        self,
        drawn: Sequence[RandomCall],
        judged: Sequence[Judged],
        causes: Counter[str],
        subject: Subject,
    ) -> dict[str, Any]:
        """What explored.jsonl has of the block."""
        made = [one for one, became in zip(drawn, judged, strict=True) if became.kind != "spared"]
        return {
            "seed": self.asked.seed,
            "number": self.asked.number,
            "calls": self.asked.count,
            "subject": self.subject,
            "tensorflow": subject.subject["tensorflow"],
            "strategies": VERSION,
            "modes": list(self._explorer.modes),
            "kinds": dict(Counter(one.kind for one in judged)),
            "known": dict(Counter(one.known for one in judged if one.known)),
            "causes": dict(causes),
            "codes": dict(Counter(code(one.call) for one in made)),
        }

    def _told(self, causes: Sequence[Found]) -> str:
        folder = options.reports(self.config) / FOLDER
        lines = [f"{len(causes)} new causes:"]
        for one in causes:
            case = next(text for text in one.yaml.splitlines() if text.startswith("  - id"))
            lines += [
                f"  {one.title}",
                f"    {folder / one.name}.yaml, and .py; {case.strip(' -')}",
            ]
        faults = (
            [f"this suite itself failed on {len(self._faults)} calls:", *self._faults[:SHOWN]]
            if self._faults
            else []
        )
        return "\n".join([*(lines if causes else []), *faults])
