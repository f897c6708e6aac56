"""Which tests of calls a run has: from pytest's items, or from the ids that an xdist worker tells."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

from tf_conv_conformance.call import Call
from tf_conv_conformance.casefile.calls import Block
from tf_conv_conformance.casefile.expansion import Unusable
from tf_conv_conformance.casefile.loading import Loaded, load
from tf_conv_conformance.ids import id_of, own_name
from tf_conv_conformance.items import BlockItem, CallItem
from tf_conv_conformance.options import modes


@dataclass(frozen=True)
class Planned:
    """A test of a call or of a block: the test's id, the subject's name, the file, and what is asked."""

    test: str
    subject: str
    file: str
    asked: Call | Block

    @property
    def id(self) -> str:
        """The id of the call or the block."""
        return id_of(self.file, self.asked)

    @property
    def calls(self) -> int:
        """How many calls the test makes."""
        return len(self.asked.numbers) if isinstance(self.asked, Block) else 1


def planned(items: Iterable[pytest.Item]) -> list[Planned]:
    """Those among pytest's items."""
    found = []
    for item in items:
        if isinstance(item, CallItem | BlockItem):
            asked = item.call if isinstance(item, CallItem) else item.block
            found.append(Planned(item.nodeid, item.subject, item.path_id, asked))
    return found


def planned_by_id(identifiers: Iterable[str], config: pytest.Config, subjects: Sequence[str]) -> list[Planned]:
    """The same for the ids that an xdist worker collected: the controller, which collects nothing, reads the files again."""
    files: dict[str, dict[str, Call | Block]] = {}
    loaded: dict[str, Loaded] = {}
    found = []
    for identifier in identifiers:
        file, _, name = identifier.partition("::")
        name = re.sub(r"\]@.*", "]", name)  # xdist's --dist loadgroup adds the name of a group
        if file not in loaded:
            loaded[file] = read(config.rootpath / file, config)
            files[file] = tests_of(loaded[file], config)
        for subject in subjects:
            own = own_name(name, subject)
            asked = files[file].get(own) or named(loaded[file], own) if own is not None else None
            if asked is not None:
                found.append(Planned(identifier, subject, file, asked))
    return found


def read(path: Path, config: pytest.Config) -> Loaded:
    """What a file holds, as the options ask for it."""
    return load(path, bool(config.getoption("--tf-exhaustive")), config.getoption("--tf-block"))


def tests_of(loaded: Loaded, config: pytest.Config) -> dict[str, Call | Block]:
    """The calls and blocks of a file that are tests, in the modes that are asked for, by name."""
    asked = modes(config)
    size = config.getoption("--tf-block")
    tests: dict[str, Call | Block] = {call.name: call for call in loaded.calls if call.mode in asked}
    for sweep in loaded.sweeps:
        tests |= {block.name: block for mode in sweep.modes if mode in asked for block in sweep.blocks(size, mode)}
    return tests


def named(loaded: Loaded, name: str) -> Call | None:
    """The call of this name in a large sweep, if there is one that can be made."""
    for sweep in loaded.sweeps:
        try:
            if call := sweep.named(name):
                return call
        except Unusable:
            return None
    return None
