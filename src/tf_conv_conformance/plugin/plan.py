"""Which calls a run has tests of: from pytest's items, or from the ids that an xdist worker reports."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

from tf_conv_conformance.casefile.call import Call
from tf_conv_conformance.casefile.loading import CaseFileContents, load
from tf_conv_conformance.plugin.ids import id_of, own_name
from tf_conv_conformance.plugin.items import CallItem
from tf_conv_conformance.plugin.options import modes


@dataclass(frozen=True)
class Planned:
    """A test of a call: the test's id, the subject's name, the file, and the call."""

    test: str
    subject: str
    file: str
    call: Call

    @property
    def id(self) -> str:
        """Return the id of the call."""
        return id_of(self.file, self.call)


def planned(items: Iterable[pytest.Item]) -> list[Planned]:
    """Return those among pytest's items."""
    calls = (item for item in items if isinstance(item, CallItem))
    return [Planned(item.nodeid, item.subject, item.path_id, item.call) for item in calls]


def planned_by_id(
    identifiers: Iterable[str], config: pytest.Config, subjects: Sequence[str]
) -> list[Planned]:
    """Return the same for the ids that an xdist worker collected; the controller collects nothing, and reads the files again."""
    files: dict[str, dict[str, Call]] = {}
    found = []
    for identifier in identifiers:
        file, _, name = identifier.partition("::")
        name = re.sub(r"\]@.*", "]", name)  # xdist's --dist loadgroup adds the name of a group
        if file not in files:
            files[file] = {
                call.name: call for call in calls_of(read(config.rootpath / file, config), config)
            }
        for subject in subjects:
            own = own_name(name, subject)
            if own is not None and own in files[file]:
                found.append(Planned(identifier, subject, file, files[file][own]))
    return found


def read(path: Path, config: pytest.Config) -> CaseFileContents:
    """Return what a file holds, of exhaustive scopes as much as the options ask for."""
    return load(path, bool(config.getoption("--tf-exhaustive")))


def calls_of(loaded: CaseFileContents, config: pytest.Config) -> list[Call]:
    """Return the calls of a file in the modes of ``--tf-modes``."""
    asked = modes(config)
    return [call for call in loaded.calls if call.mode in asked]
