"""Add blocks of random calls to the tests that pytest collects."""

from __future__ import annotations

import time
from typing import Any

import pytest

from tf_conv_conformance.explore.block import SIZE, Block, block_with_id, blocks_of
from tf_conv_conformance.explore.items import ExploreItem, Explorer
from tf_conv_conformance.explore.journal import Journal, read_explored
from tf_conv_conformance.explore.random_calls import VERSION
from tf_conv_conformance.plugin import options
from tf_conv_conformance.plugin.base import test_name
from tf_conv_conformance.plugin.stash import subjects_of

NAMED = "tf_explore_named"  # stored as an option, so that xdist workers receive it
KEY = ("subject", "seed", "number", "calls", "strategies", "modes")  # identifies a block


def prepare(config: pytest.Config) -> None:
    """Take the ids of blocks from the command line. Without a path, collect nothing else.

    Raises ``pytest.UsageError``.
    """
    arguments = list(map(str, config.args))
    named = [argument for argument in arguments if argument.startswith("explore::")]
    for identifier in named:
        if block_with_id(identifier) is None:
            example = f"write it as explore::seed7[calls1-{SIZE}]"
            raise pytest.UsageError(f"{identifier}: is not the id of a block; {example}")
    setattr(config.option, NAMED, named or getattr(config.option, NAMED, []))
    is_given = config.args_source is pytest.Config.ArgsSource.ARGS
    config.args = [one for one in arguments if one not in named] if is_given else []
    if hasattr(config, "workerinput"):
        done = config.workerinput["tf_conv_explored"]
    else:
        lines = read_explored(options.reports(config)) if config.getoption("--tf-resume") else []
        done = [[line[name] for name in KEY] for line in lines]
        if not config.getoption("collectonly"):
            journal = Journal(config, lines)
            config.pluginmanager.register(journal, "tf-conv-conformance-exploring")
    config.pluginmanager.register(BlockCollection(config, done), "tf-conv-conformance-explore")


class BlockCollection:
    """Adds blocks to the collected tests, except the blocks that an earlier run has completed."""

    def __init__(self, config: pytest.Config, done: list[list[Any]]) -> None:
        self._config = config
        self._done = done

    @pytest.hookimpl(tryfirst=True)
    def pytest_collection_modifyitems(
        self, session: pytest.Session, items: list[pytest.Item]
    ) -> None:
        """Add the blocks before tests are deselected."""
        minutes = self._config.getoption("--tf-explore-minutes")
        deadline = None if minutes is None else time.monotonic() + 60 * minutes
        explorer = Explorer(self._config)
        parent: Explored = Explored.from_parent(session, name="explore", nodeid="explore")
        for subject in subjects_of(self._config).names:
            for block in self._blocks():
                key = [subject, block.seed, block.number, block.count, VERSION]
                if [*key, list(explorer.modes)] in self._done:
                    continue
                name = test_name(block.name, subject)
                own = {"subject": subject, "block": block, "name": name}
                own |= {"nodeid": f"explore::{name}", "explorer": explorer, "deadline": deadline}
                parent.blocks.append(ExploreItem.from_parent(parent, **own))
        items += session.genitems(parent)  # counts them, as the summary of --collect-only does

    def _blocks(self) -> list[Block]:
        named = getattr(self._config.option, NAMED)
        if named:
            return [block for one in named if (block := block_with_id(one)) is not None]
        seed = self._config.getoption("--tf-explore-seed")
        return blocks_of(self._config.getoption("--tf-explore"), 0 if seed is None else seed)

    @pytest.hookimpl(optionalhook=True)
    def pytest_configure_node(self, node: Any) -> None:
        """Tell an xdist worker which blocks an earlier run has completed."""
        node.workerinput["tf_conv_explored"] = self._done


class Explored(pytest.Collector):
    """The parent of the blocks in pytest's tree."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.blocks: list[pytest.Item] = []

    def collect(self) -> list[pytest.Item]:
        """Return the blocks, which are added after everything else is collected."""
        return self.blocks
