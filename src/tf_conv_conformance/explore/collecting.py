"""The part of the plugin that explores: which blocks are tests, and what is written and said of them."""

from __future__ import annotations

import re
import time
from collections.abc import Mapping
from typing import Any

import pytest

from tf_conv_conformance.explore.block import SIZE, Asked, ExploreItem, Explorer
from tf_conv_conformance.explore.journal import Journal, done
from tf_conv_conformance.explore.random_calls import VERSION
from tf_conv_conformance.plugin import options
from tf_conv_conformance.plugin.ids import test_name
from tf_conv_conformance.plugin.stash import session_of

_ID = re.compile(r"explore::seed(-?\d+)\[(?:.*-)?calls(\d+)-(\d+)\]")
NAMED = "tf_explore_named"  # in the options, so that an xdist worker is told


def prepare(config: pytest.Config) -> None:
    """Take the ids of blocks from the command line. Without a path on it nothing else is collected. Raises ``pytest.UsageError``."""
    named = [str(argument) for argument in config.args if str(argument).startswith("explore::")]
    if wrong := [one for one in named if not _ID.fullmatch(one)]:
        raise pytest.UsageError(
            f"{wrong[0]}: is not the id of a block; write it as explore::seed7[calls1-{SIZE}]"
        )
    setattr(config.option, NAMED, named or getattr(config.option, NAMED, []))
    given = config.args_source is pytest.Config.ArgsSource.ARGS
    config.args = (
        [argument for argument in config.args if str(argument) not in named] if given else []
    )
    carried = _carried(config)
    if not hasattr(config, "workerinput") and not config.getoption("collectonly"):
        config.pluginmanager.register(Journal(config, carried), "tf-conv-conformance-exploring")
    config.pluginmanager.register(Collecting(config, carried), "tf-conv-conformance-explore")


def _carried(config: pytest.Config) -> list[dict[str, Any]]:
    """What an earlier run has explored, with ``--tf-resume``; an xdist worker is told."""
    told = getattr(config, "workerinput", None)
    if told is not None:
        return list(told["tf_conv_explored"])
    return done(options.reports(config)) if config.getoption("--tf-resume") else []


class Collecting:
    """Adds the blocks to what is collected."""

    def __init__(self, config: pytest.Config, carried: list[dict[str, Any]]) -> None:
        self._config = config
        self._carried = carried

    @pytest.hookimpl(tryfirst=True)
    def pytest_collection_modifyitems(
        self, session: pytest.Session, items: list[pytest.Item]
    ) -> None:
        """The blocks that no earlier run has explored, before anything is deselected."""
        minutes = self._config.getoption("--tf-explore-minutes")
        deadline = None if minutes is None else time.monotonic() + 60 * minutes
        explorer = Explorer(self._config)
        names = session_of(self._config).names
        parent: Explored = Explored.from_parent(session, name="explore", nodeid="explore")
        ended = {_key(line) for line in self._carried}
        for subject in names:
            for asked in blocks(self._config):
                if (
                    subject,
                    asked.seed,
                    asked.number,
                    asked.count,
                    VERSION,
                    tuple(explorer.modes),
                ) in ended:
                    continue
                name = test_name(asked.name, subject)
                given = {
                    "asked": asked,
                    "subject": subject,
                    "explorer": explorer,
                    "deadline": deadline,
                }
                items.append(
                    ExploreItem.from_parent(parent, name=name, nodeid=f"explore::{name}", **given)
                )

    @pytest.hookimpl(optionalhook=True)
    def pytest_configure_node(self, node: Any) -> None:
        """Tell an xdist worker what an earlier run has explored."""
        node.workerinput["tf_conv_explored"] = [
            {**line, "codes": {}, "known": {}} for line in self._carried
        ]


class Explored(pytest.Collector):
    """Where the blocks hang in pytest's tree."""

    def collect(self) -> list[pytest.Item]:
        """Nothing: blocks are added once all else is collected."""
        return []


def _key(line: Mapping[str, Any]) -> tuple[Any, ...]:
    return (
        line["subject"],
        line["seed"],
        line["number"],
        line["calls"],
        line["strategies"],
        tuple(line["modes"]),
    )


def blocks(config: pytest.Config) -> list[Asked]:
    """The blocks that are asked for, by their ids or by a number of calls."""
    named = [match for one in getattr(config.option, NAMED) if (match := _ID.fullmatch(one))]
    if named:
        return [
            Asked(int(one[1]), (int(one[2]) - 1) // SIZE, int(one[3]) - int(one[2]) + 1)
            for one in named
        ]
    count, seed = config.getoption("--tf-explore"), config.getoption("--tf-explore-seed")
    return [
        Asked(seed, number, min(SIZE, count - number * SIZE)) for number in range(-(-count // SIZE))
    ]
