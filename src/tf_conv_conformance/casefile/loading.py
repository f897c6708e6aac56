"""Load a case file: its calls and its diagnostics. A mistake in a case does not affect others."""

from __future__ import annotations

import traceback
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any, TypeVar

from pydantic import ValidationError

from tf_conv_conformance.casefile.advice import unknown_key
from tf_conv_conformance.casefile.call import Call
from tf_conv_conformance.casefile.diagnostic import (
    CaseError,
    Diagnostic,
    Keys,
    UnreadableFileError,
    quote,
)
from tf_conv_conformance.casefile.fields import Strict
from tf_conv_conformance.casefile.messages import describe, keys_of, message_of
from tf_conv_conformance.casefile.model import Case, CaseFileModel, Defaults
from tf_conv_conformance.casefile.scope import most_problems
from tf_conv_conformance.casefile.source import Source
from tf_conv_conformance.casefile.sweep import SAMPLE, Extent, Sweep, checked
from tf_conv_conformance.casefile.yaml_reader import read_source, read_text
from tf_conv_conformance.convolution.quantity import quantity

DIAGNOSTICS_LIMIT = 100  # of a case
Words = tuple[str, str]
"""The words for one and for several."""
TESTS, PROBLEMS = ("test", "tests"), ("problem of one axis", "problems of one axis")
COMPARISONS = ("comparison of a call with a deviation", "comparisons of calls with deviations")
# The most that a file may add. The first is a sweep of 100,000 combinations in three modes.
LIMITS: dict[Words, int] = {TESTS: 300_000, COMPARISONS: 300_000, PROBLEMS: 300_000}
M = TypeVar("M", bound=Strict)


@dataclass(frozen=True)
class CaseFileContents:
    """The calls of a file's valid cases, and the diagnostics of the others, in file order."""

    calls: tuple[Call, ...]
    diagnostics: tuple[Diagnostic, ...]


def load(path: Path, extent: Extent = SAMPLE) -> CaseFileContents:
    """Read a case file.

    Never raises: every problem becomes a diagnostic.
    """
    try:
        return load_text(read_text(path), extent)
    except UnreadableFileError as error:
        return CaseFileContents((), (error.diagnostic,))


def load_text(text: str, extent: Extent = SAMPLE) -> CaseFileContents:
    """Return the calls and diagnostics of YAML text.

    Raises :class:`UnreadableFileError` if it is not one YAML document.
    """
    source = read_source(text)
    if not isinstance(source.value, dict):
        got = "nothing" if source.value is None else describe(source.value)
        message = f"expected a mapping with the key `cases`; got {got}"
        raise UnreadableFileError(source.diagnostic((), message))
    return _Loader(source, extent).load()


def _suite_error(error: Exception) -> str:
    raised = traceback.format_exception_only(error)[-1].strip()
    at = traceback.extract_tb(error.__traceback__)[-1]
    where = f"{Path(at.filename).name}:{at.lineno}"
    return f"suite error: the suite raised {raised} ({where}); the case may be right"


@dataclass
class _Loader:
    """Collects the calls and diagnostics of a file. `room` is how much the file may still add."""

    source: Source
    extent: Extent
    calls: list[Call] = field(default_factory=list)
    diagnostics: list[Diagnostic] = field(default_factory=list)
    room: dict[Words, int] = field(default_factory=lambda: dict(LIMITS))

    def load(self) -> CaseFileContents:
        faults = [replace(fault, case=self._owner(keys)) for keys, fault in self.source.faults]
        self.diagnostics += [*self._top_level(), *faults]
        defaults = self._validated(Defaults, self.source.value.get("defaults", {}), ("defaults",))
        before = len(self.diagnostics)
        self._load_cases(defaults)
        # Keep at most one diagnostic per place, and none for a whole case that failed to parse.
        places = {(fault.line, fault.column) for fault in faults}
        spoiled = {fault.case for fault in faults}
        self.diagnostics[before:] = [
            one
            for one in self.diagnostics[before:]
            if (one.line, one.column) not in places and ("." in one.key or one.case not in spoiled)
        ]
        bad = {one.case for one in self.diagnostics}
        calls = tuple(call for call in self.calls if call.case.id not in bad)
        in_order = sorted(
            set(self.diagnostics), key=lambda one: (one.line, one.column, one.message)
        )
        return CaseFileContents(calls, tuple(in_order))

    def _add(self, keys: Keys, message: str, about_key: bool = False) -> None:
        self.diagnostics.append(self.source.diagnostic(keys, message, self._owner(keys), about_key))

    def _top_level(self) -> Iterator[Diagnostic]:
        value, diagnostic = self.source.value, self.source.diagnostic
        for key in value:
            if key not in CaseFileModel.model_fields:
                yield diagnostic((key,), unknown_key((key,)), about_key=True)
        cases = value.get("cases")
        if "cases" not in value:
            message = "`cases` is missing: write `cases:`, with a list of cases below it"
            yield diagnostic((), message)
        elif not isinstance(cases, list) or not cases:
            got = "an empty list" if cases == [] else describe(cases)
            advice = "start each case with a dash, as in `- id: plain`"
            yield diagnostic(("cases",), f"expected a list of cases; got {got}; {advice}")
        about = value.get("about", "")
        if not isinstance(about, str):
            message = f"expected text; got {describe(about)}; write it in quotes"
            yield diagnostic(("about",), message)

    @property
    def _raw_cases(self) -> list[Any]:
        cases = self.source.value.get("cases")
        return cases if isinstance(cases, list) else []

    @cached_property
    def _case_ids(self) -> list[str]:
        """The id of each case, or a name from its place if it has none of its own."""
        ids: dict[str, None] = {}
        for index, raw in enumerate(self._raw_cases):
            own = raw.get("id") if isinstance(raw, dict) else None
            if not isinstance(own, str) or not own or own in ids:
                own = f"case-{index + 1}"
            ids[own] = None
        return list(ids)

    def _owner(self, keys: Keys) -> str | None:
        if len(keys) < 2 or keys[0] != "cases" or not isinstance(keys[1], int):
            return None
        return self._case_ids[keys[1]] if keys[1] < len(self._raw_cases) else None

    def _validated(self, model: type[M], raw: Any, keys: Keys) -> M | None:
        """Return an instance of the model. Add diagnostics and return None if it is invalid."""
        try:
            return model.model_validate(raw)
        except ValidationError as error:
            faults = error.errors(include_url=False)[:DIAGNOSTICS_LIMIT]
            for fault in faults:
                path = (*keys, *keys_of(fault))
                is_unknown = fault["type"] == "extra_forbidden"
                self._add(path, message_of(fault, path), about_key=is_unknown)
            if (more := error.error_count() - len(faults)) > 0:
                self._add(keys, f"has {quantity(more, 'more error')}")
            return None

    def _load_cases(self, defaults: Defaults | None) -> None:
        first: dict[str, int] = {}
        for index, raw in enumerate(self._raw_cases):
            keys = ("cases", index)
            case = self._validated(Case, raw, keys)
            if case is None or defaults is None:
                continue
            if (earlier := first.setdefault(case.id, index)) != index:
                line = self.source.place(("cases", earlier))[0]
                message = f"the id {quote(case.id)} is already taken by the case in line {line}"
                self._add((*keys, "id"), message)
                continue
            try:
                self.calls += self._sweep(case, defaults, keys).calls()
            except CaseError as error:
                # An argument may also be in the defaults or in a sweep.
                inner = error.keys if error.keys and error.keys[0] in raw else ()
                self._add((*keys, *inner), error.message)
            except Exception as error:  # of the suite itself, which must not end the run
                self._add(keys, _suite_error(error))

    def _sweep(self, case: Case, defaults: Defaults, keys: Keys) -> Sweep:
        """Return the sweep of a case. Raises :class:`CaseError`, also if the file is full."""
        if case.scope is not None:
            self._take(PROBLEMS, most_problems(case.scope), ("scope",))
        sweep = checked(case, defaults, self.extent, self.source, keys)
        self._take(TESTS, sweep.expansion.count * len(sweep.modes), ())
        self._take(COMPARISONS, sweep.comparisons, ("deviations",))
        return sweep

    def _take(self, what: Words, count: int, keys: Keys) -> None:
        room = self.room[what]
        if count > room:
            limit = f"the file may add only {room:,} more"
            raise CaseError(
                keys, f"expands to {quantity(count, *what)}, but {limit}; split the file"
            )
        self.room[what] = room - count
