"""A case file → its calls and the diagnostics about it. One bad case does not hide the others."""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from pydantic import ValidationError

from tf_conv_conformance.casefile.advice import unknown_key
from tf_conv_conformance.casefile.call import Call
from tf_conv_conformance.casefile.diagnostic import Diagnostic, quote
from tf_conv_conformance.casefile.expansion import CaseError, Keys
from tf_conv_conformance.casefile.messages import describe, keys_of, message_of
from tf_conv_conformance.casefile.model import Case, CaseFileModel, Defaults, Strict
from tf_conv_conformance.casefile.scope import most_problems
from tf_conv_conformance.casefile.sweep import Sweep, all_calls, checked
from tf_conv_conformance.casefile.yaml_reader import (
    Source,
    UnreadableFileError,
    read_source,
    read_text,
)

DIAGNOSTICS_LIMIT = 100  # of a case
TESTS, COMPARISONS, PROBLEMS = (
    "tests",
    "comparisons with the conditions of deviations",
    "problems of one axis",
)
ROOM = {TESTS: 300_000, COMPARISONS: 200_000, PROBLEMS: 300_000}
"""How much a file may ask for: a sweep of 100,000 combinations in three modes."""
M = TypeVar("M", bound=Strict)


@dataclass(frozen=True)
class CaseFileContents:
    """What a file holds, in its order: the calls of its good cases, and the diagnostics about the other cases."""

    calls: tuple[Call, ...]
    diagnostics: tuple[Diagnostic, ...]


def load(path: Path, whole: bool = False) -> CaseFileContents:
    """Read a case file; of exhaustive scopes a sample, or the `whole`. It always returns."""
    try:
        return load_text(read_text(path), whole)
    except UnreadableFileError as error:
        return CaseFileContents((), (error.diagnostic,))


def load_text(text: str, whole: bool = False) -> CaseFileContents:
    """The calls and diagnostics of YAML text. Raises :class:`UnreadableFileError` where it is not one YAML document."""
    source = read_source(text)
    if not isinstance(source.value, dict):
        got = "nothing" if source.value is None else describe(source.value)
        raise UnreadableFileError(
            Diagnostic(*source.place(()), "", f"expected a mapping with the key `cases`; got {got}")
        )
    faults = _reading_faults(source)
    diagnostics = [*_top_level(source), *faults]
    defaults, wrong = _validated(Defaults, source.value.get("defaults", {}), source, ("defaults",))
    diagnostics += wrong
    calls, wrong = _all_cases(source, defaults, faults, whole)
    diagnostics += wrong
    bad = {diagnostic.case for diagnostic in diagnostics}
    return CaseFileContents(
        tuple(call for call in calls if call.case.id not in bad),
        tuple(
            sorted(
                set(diagnostics),
                key=lambda diagnostic: (diagnostic.line, diagnostic.column, diagnostic.message),
            )
        ),
    )


def _top_level(source: Source) -> list[Diagnostic]:
    """Return the diagnostics about the file's own keys."""
    unknown = [key for key in source.value if key not in CaseFileModel.model_fields]
    found = [source.diagnostic((key,), unknown_key((key,)), about_key=True) for key in unknown]
    cases = source.value.get("cases")
    if "cases" not in source.value:
        found.append(
            source.diagnostic(
                (), "`cases` is missing: write `cases:`, and below it a list of cases"
            )
        )
    elif not isinstance(cases, list) or not cases:
        got = "an empty list" if cases == [] else describe(cases)
        found.append(
            source.diagnostic(
                ("cases",),
                f"expected a list of cases; got {got}; start each case with a dash, as in `- id: plain`",
            )
        )
    about = source.value.get("about", "")
    if not isinstance(about, str):
        found.append(
            source.diagnostic(
                ("about",), f"expected text; got {describe(about)}; write it in quotes"
            )
        )
    return found


def _case_id(source: Source, index: int) -> str:
    """The id of a case; its place in the list where it has none that can be used."""
    raw = source.value["cases"][index]
    identifier = raw.get("id") if isinstance(raw, dict) else None
    return identifier if isinstance(identifier, str) and identifier else f"case-{index + 1}"


def _reading_faults(source: Source) -> list[Diagnostic]:
    """Faults found while reading, each with the case that it spoils."""
    return [
        Diagnostic(c.line, c.column, c.key, c.message, _owner(source, fault.keys))
        for c, fault in zip(source.diagnostics(), source.faults, strict=True)
    ]


def _owner(source: Source, keys: tuple[str | int, ...]) -> str | None:
    cases = source.value.get("cases")
    if (
        len(keys) > 1
        and keys[0] == "cases"
        and isinstance(keys[1], int)
        and isinstance(cases, list)
        and keys[1] < len(cases)
    ):
        return _case_id(source, keys[1])
    return None


def _validated(
    model: type[M], raw: Any, source: Source, keys: tuple[str | int, ...]
) -> tuple[M | None, list[Diagnostic]]:
    """The model's instance, or the diagnostics that say why there is none."""
    case = _owner(source, keys)
    try:
        return model.model_validate(raw), []
    except ValidationError as error:
        found = []
        for fault in itertools.islice(error.errors(include_url=False), DIAGNOSTICS_LIMIT):
            path = (*keys, *keys_of(fault))
            found.append(
                source.diagnostic(
                    path,
                    message_of(fault, path),
                    case,
                    about_key=fault["type"] == "extra_forbidden",
                )
            )
        if (more := error.error_count() - len(found)) > 0:
            found.append(source.diagnostic(keys, f"has {more} more faults", case))
        return None, found


def _all_cases(
    source: Source, defaults: Defaults | None, faults: list[Diagnostic], whole: bool
) -> tuple[list[Call], list[Diagnostic]]:
    """The calls, and what is wrong beside the faults of reading: no second word about one place or a spoiled case."""
    places, spoiled = (
        {(fault.line, fault.column) for fault in faults},
        {fault.case for fault in faults},
    )
    calls: list[Call] = []
    diagnostics: list[Diagnostic] = []
    taken: set[str] = set()
    room = dict(ROOM)
    cases = source.value.get("cases")
    for index, raw in enumerate(cases if isinstance(cases, list) else []):
        name = _case_id(source, index)
        if name in taken:
            wrong = [
                source.diagnostic(
                    ("cases", index, "id"),
                    f"the id {quote(name)} is already taken by an earlier case",
                    name,
                )
            ]
        else:
            case, wrong = _validated(Case, raw, source, ("cases", index))
            try:
                if case is not None and defaults is not None:
                    calls += all_calls(_checked(case, defaults, whole, source, index, room))
            except CaseError as error:
                keys = (
                    error.keys if error.keys and error.keys[0] in raw else ()
                )  # an argument may be in the defaults or in a sweep
                wrong = [source.diagnostic(("cases", index, *keys), error.message, name)]
        taken.add(name)
        said = [one for one in wrong if (one.line, one.column) not in places]
        diagnostics += [one for one in said if name not in spoiled or one.key != f"cases[{index}]"]
    return calls, diagnostics


def _checked(
    case: Case, defaults: Defaults, whole: bool, source: Source, index: int, room: dict[str, int]
) -> Sweep:
    """One case, for which there is room. Raises :class:`CaseError`."""
    if case.scope is not None:
        _take(room, PROBLEMS, most_problems(case.scope), ("scope",))
    sweep = checked(case, defaults, whole, source, ("cases", index))
    _take(room, TESTS, sweep.expansion.count * len(sweep.modes), ())
    _take(room, COMPARISONS, sweep.comparisons, ("deviations",))
    return sweep


def _take(room: dict[str, int], what: str, count: int, keys: Keys) -> None:
    """Take so much of the room that a file has. Raises :class:`CaseError` where it has less."""
    if count > room[what]:
        raise CaseError(
            keys, f"makes {count} {what}, and the file has room for {room[what]} more; split it"
        )
    room[what] -= count
