"""Case files as pytest's tree: a file, and in it a test for each call or block of calls, and one for each case that cannot be read."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import pytest

from tf_conv_conformance.call import Call
from tf_conv_conformance.casefile.calls import Block
from tf_conv_conformance.casefile.complaint import Complaint
from tf_conv_conformance.casefile.loading import Loaded
from tf_conv_conformance.ids import own_name, test_name
from tf_conv_conformance.items import BlockItem, CallItem, ComplaintItem, DeviationsItem
from tf_conv_conformance.options import large, makes_calls
from tf_conv_conformance.planning import named, read, tests_of
from tf_conv_conformance.plugin import COLLECTED, SESSION
from tf_conv_conformance.vocabulary import MARKER


class CaseFile(pytest.File):
    """A YAML file of cases."""

    def collect(self) -> Iterator[pytest.Item]:
        """A test for each call or block in the modes that are asked for, and one for each case that cannot be read.

        Ids are passed as text: pytest 9.1 and later tell an id's brackets from its name only there, and ``--lf`` compares the parts.
        """
        loaded = self._load()
        by_case: dict[str | None, list[Complaint]] = {}
        for complaint in loaded.complaints:
            by_case.setdefault(complaint.case, []).append(complaint)
        for case, complaints in by_case.items():
            name = f"{printable(case)}[invalid]" if case is not None else "file[invalid]"
            yield ComplaintItem.from_parent(self, name=name, nodeid=f"{self.nodeid}::{name}", complaints=complaints)
        for sweep in loaded.sweeps:
            if sweep.case.deviations:
                name = f"{sweep.case.id}[deviations]"
                yield DeviationsItem.from_parent(self, name=name, nodeid=f"{self.nodeid}::{name}", sweep=sweep)
        tests = tests_of(loaded, self.config)
        if tests and makes_calls(self.config):
            self.config.stash[SESSION].start_ahead()
        for subject in self.config.stash[SESSION].names:
            for asked in (*tests.values(), *self._singled_out(loaded, subject, tests)):
                yield self._counted(self._test(asked, subject), asked)

    def _counted(self, test: pytest.Item, asked: Call | Block) -> pytest.Item:
        """Count the calls of a test, whatever is deselected later; those of a large one only if large ones are asked for."""
        if large(self.config) or not test.get_closest_marker(MARKER + "large"):
            before = self.config.stash.get(COLLECTED, 0)
            self.config.stash[COLLECTED] = before + (len(asked.numbers) if isinstance(asked, Block) else 1)
        return test

    def _test(self, asked: Call | Block, subject: str) -> pytest.Item:
        name = test_name(asked.name, subject)
        nodeid = f"{self.nodeid}::{name}"
        if isinstance(asked, Block):
            block: BlockItem = BlockItem.from_parent(self, name=name, nodeid=nodeid, block=asked, subject=subject)
            return block
        call: CallItem = CallItem.from_parent(self, name=name, nodeid=nodeid, call=asked, subject=subject)
        return call

    def _singled_out(self, loaded: Loaded, subject: str, tests: dict[str, Call | Block]) -> Iterator[Call]:
        """The calls of large sweeps that the command line names by their ids."""
        if not loaded.sweeps:
            return
        for argument in self.config.args:
            path, _, name = argument.partition("::")
            own = own_name(name, subject) if name and self.config.invocation_params.dir / path == self.path else None
            if own is not None and own not in tests and (call := named(loaded, own)):
                yield call

    def _load(self) -> Loaded:
        root = self.config.rootpath
        if self.path.is_relative_to(root) and not self.path.resolve().is_relative_to(root.resolve()):
            return Loaded((), (Complaint(1, 1, "", "is a link to outside of the project, and is not read; copy the file"),))
        return read(self.path, self.config)


def complaints(items: Iterable[pytest.Item]) -> list[str]:
    """What is wrong with the case files that were collected."""
    return [item.text() for item in items if isinstance(item, ComplaintItem)]


def printable(name: str) -> str:
    """A case's id as part of a test's id, whatever it holds."""
    return "".join(letter if letter.isalnum() or letter in "._-" else "?" for letter in name)[:100]
