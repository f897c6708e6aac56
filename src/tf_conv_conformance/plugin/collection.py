"""Case files as pytest's tree: a file, and in it a test for each call, and one for each case that cannot be read."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import pytest

from tf_conv_conformance.casefile.diagnostic import Diagnostic
from tf_conv_conformance.casefile.loading import CaseFileContents
from tf_conv_conformance.plugin.ids import test_name
from tf_conv_conformance.plugin.items import CallItem, DiagnosticItem
from tf_conv_conformance.plugin.options import large, makes_calls
from tf_conv_conformance.plugin.plan import calls_of, read
from tf_conv_conformance.plugin.stash import COLLECTED, SESSION


class CaseFile(pytest.File):
    """A YAML file of cases."""

    def collect(self) -> Iterator[pytest.Item]:
        """Return a test for each call in the modes of ``--tf-modes``, and one for each case that cannot be read.

        Ids are passed as text: pytest 9.1 and later tell an id's brackets from its name only there, and ``--lf`` compares the parts.
        """
        loaded = self._load()
        by_case: dict[str | None, list[Diagnostic]] = {}
        for diagnostic in loaded.diagnostics:
            by_case.setdefault(diagnostic.case, []).append(diagnostic)
        for case, diagnostics in by_case.items():
            name = f"{printable(case)}[invalid]" if case is not None else "file[invalid]"
            yield DiagnosticItem.from_parent(
                self, name=name, nodeid=f"{self.nodeid}::{name}", diagnostics=diagnostics
            )
        calls = calls_of(loaded, self.config)
        if calls and makes_calls(self.config):
            self.config.stash[SESSION].start_ahead()
        subjects = self.config.stash[SESSION].names
        counted = len(calls) if large(self.config) else sum(not call.case.large for call in calls)
        self.config.stash[COLLECTED] = self.config.stash.get(COLLECTED, 0) + counted * len(subjects)
        for subject in subjects:
            for call in calls:
                name = test_name(call.name, subject)
                yield CallItem.from_parent(
                    self, name=name, nodeid=f"{self.nodeid}::{name}", call=call, subject=subject
                )

    def _load(self) -> CaseFileContents:
        root = self.config.rootpath
        if self.path.is_relative_to(root) and not self.path.resolve().is_relative_to(
            root.resolve()
        ):
            return CaseFileContents(
                (),
                (
                    Diagnostic(
                        1,
                        1,
                        "",
                        "is a link to outside of the project, and is not read; copy the file",
                    ),
                ),
            )
        return read(self.path, self.config)


def diagnostics(items: Iterable[pytest.Item]) -> list[str]:
    """What is wrong with the case files that were collected."""
    return [item.text() for item in items if isinstance(item, DiagnosticItem)]


def printable(name: str) -> str:
    """A case's id as part of a test's id, whatever it holds."""
    return "".join(letter if letter.isalnum() or letter in "._-" else "?" for letter in name)[:100]
