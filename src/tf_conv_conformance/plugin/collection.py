"""Collect tests from case files: one for each call, and one for each case with errors."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import pytest

from tf_conv_conformance.casefile.diagnostic import Diagnostic
from tf_conv_conformance.casefile.loading import CaseFileContents, load
from tf_conv_conformance.plugin import options
from tf_conv_conformance.plugin.base import test_name
from tf_conv_conformance.plugin.items import CallItem, DiagnosticItem
from tf_conv_conformance.plugin.options import INVALID
from tf_conv_conformance.plugin.stash import COLLECTED, MEASURED, SUBJECTS
from tf_conv_conformance.records import measured
from tf_conv_conformance.records.measured import Measured, MeasuredError

LINK = "is a link to outside of the project, and is not read; copy the file"


class CaseFile(pytest.File):
    """A YAML file of cases."""

    _measured: Measured | None = None

    def collect(self) -> Iterator[pytest.Item]:
        """Yield a test for each call in the selected modes, and one for each case with errors.

        Ids are passed as text: pytest 9.1 and later tell an id's brackets from its name only
        there, and ``--lf`` compares the parts.
        """
        contents = self._contents()
        by_case: dict[str | None, list[Diagnostic]] = {}
        for diagnostic in contents.diagnostics:
            by_case.setdefault(diagnostic.case, []).append(diagnostic)
        for case, found in by_case.items():
            yield self._invalid("file" if case is None else printable(case), found)
        if (error := self._read_measured()) is not None:
            yield self._invalid(measured.FILE, [Diagnostic(1, 1, "", error)])
        modes = options.modes(self.config).narrowed
        calls = [call for call in contents.calls if call.mode in modes]
        session = self.config.stash[SUBJECTS]
        if calls and options.makes_calls(self.config):
            session.start_ahead()
        with_large = options.large(self.config)
        count = sum(with_large or not call.case.large for call in calls) * len(session.names)
        self.config.stash[COLLECTED] = self.config.stash.get(COLLECTED, 0) + count
        for subject in session.names:
            for call in calls:
                name = test_name(call.name, subject)
                yield CallItem.from_parent(
                    self,
                    name=name,
                    nodeid=f"{self.nodeid}::{name}",
                    call=call,
                    subject=subject,
                    measured=self._measured,
                )

    def _invalid(self, what: str, found: list[Diagnostic]) -> DiagnosticItem:
        name = what + INVALID
        item: DiagnosticItem = DiagnosticItem.from_parent(
            self, name=name, nodeid=f"{self.nodeid}::{name}", diagnostics=found
        )
        return item

    def _read_measured(self) -> str | None:
        """Read where the cases were measured. Return, once, what is wrong with that file."""
        path = measured.governing(self.path, self.config.rootpath)
        known = self.config.stash.setdefault(MEASURED, {})
        if path is None:
            return None
        if path not in known:
            try:
                known[path] = measured.read(path)
            except MeasuredError as error:
                known[path] = None
                return str(error)
        self._measured = known[path]
        return None

    def _contents(self) -> CaseFileContents:
        root = self.config.rootpath
        inside = self.path.resolve().is_relative_to(root.resolve())
        if self.path.is_relative_to(root) and not inside:
            return CaseFileContents((), (Diagnostic(1, 1, "", LINK),))
        return load(self.path, options.extent(self.config))


def diagnostics(items: Iterable[pytest.Item]) -> list[str]:
    """Return the errors of the collected case files."""
    return [item.text() for item in items if isinstance(item, DiagnosticItem)]


def printable(name: str) -> str:
    """Return a case's id as part of a test's id, without characters that pytest may interpret."""
    return "".join(letter if letter.isalnum() or letter in "._-" else "?" for letter in name)[:100]
