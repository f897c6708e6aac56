"""A case file → its calls and the complaints about it. One bad case does not hide the others."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, TypeVar

from pydantic import ValidationError

from tf_conv_conformance import relations
from tf_conv_conformance.call import Call, Declared
from tf_conv_conformance.casefile import checks
from tf_conv_conformance.casefile.complaint import Complaint, shown
from tf_conv_conformance.casefile.expansion import Expanded, Unusable, expand
from tf_conv_conformance.casefile.faults import keys_of, message_of, nearest
from tf_conv_conformance.casefile.model import Case, CaseFile, Defaults, Strict
from tf_conv_conformance.casefile.reading import Source, Unreadable, read_source, read_text
from tf_conv_conformance.rules.catalogue import broken, exercised
from tf_conv_conformance.vocabulary import MODES, Mode

CALLS_LIMIT = 100_000  # of a file
M = TypeVar("M", bound=Strict)


@dataclass(frozen=True)
class Loaded:
    """What a file holds: the calls of its good cases, and the complaints about the others, in the order of the file."""

    calls: tuple[Call, ...]
    complaints: tuple[Complaint, ...]


def load(path: Path, whole: bool = False) -> Loaded:
    """Read a case file; of exhaustive scopes a sample, or the `whole`. Whatever is in it, this returns."""
    try:
        return load_text(read_text(path), whole)
    except Unreadable as error:
        return Loaded((), (error.complaint,))


def load_text(text: str, whole: bool = False) -> Loaded:
    """The calls and complaints of YAML text. Raises :class:`Unreadable` where it is not one YAML document."""
    source = read_source(text)
    if not isinstance(source.value, dict):
        what = "is empty" if source.value is None else f"is not a mapping but {shown(source.value)}"
        raise Unreadable(Complaint(*source.place(()), "", f"{what}; a case file has the key `cases`"))
    faults = _reading_faults(source)
    complaints = [*_top_level(source), *faults]
    defaults, wrong = _validated(Defaults, source.value.get("defaults", {}), source, ("defaults",))
    complaints += wrong
    calls, wrong = _all_calls(source, defaults, faults, whole)
    complaints += wrong
    bad = {complaint.case for complaint in complaints}
    kept = tuple(call for call in calls if call.case.id not in bad)
    return Loaded(kept, tuple(sorted(set(complaints), key=lambda complaint: (complaint.line, complaint.column, complaint.message))))


def _top_level(source: Source) -> list[Complaint]:
    """Complaints about the file's own keys."""
    found = [
        source.complaint((key,), f"unknown key; {nearest(key, list(CaseFile.model_fields))}")
        for key in source.value
        if key not in CaseFile.model_fields
    ]
    cases = source.value.get("cases")
    if "cases" not in source.value:
        found.append(source.complaint((), "has no `cases`"))
    elif not isinstance(cases, list) or not cases:
        found.append(source.complaint(("cases",), "must be a list of cases, with at least one"))
    if not isinstance(source.value.get("about", ""), str):
        found.append(source.complaint(("about",), f"text belongs here, not {shown(source.value['about'])}; quote it"))
    return found


def _case_id(source: Source, index: int) -> str:
    """The id of a case; its place in the list where it has none that can be used."""
    raw = source.value["cases"][index]
    identifier = raw.get("id") if isinstance(raw, dict) else None
    return identifier if isinstance(identifier, str) and identifier else f"case-{index + 1}"


def _reading_faults(source: Source) -> list[Complaint]:
    """Faults found while reading, each with the case that it spoils."""
    return [
        Complaint(c.line, c.column, c.key, c.message, _owner(source, fault.keys))
        for c, fault in zip(source.complaints(), source.faults, strict=True)
    ]


def _owner(source: Source, keys: tuple[str | int, ...]) -> str | None:
    cases = source.value.get("cases")
    if len(keys) > 1 and keys[0] == "cases" and isinstance(keys[1], int) and isinstance(cases, list) and keys[1] < len(cases):
        return _case_id(source, keys[1])
    return None


def _validated(model: type[M], raw: Any, source: Source, keys: tuple[str | int, ...]) -> tuple[M | None, list[Complaint]]:
    """The model's instance, or the complaints that say why there is none."""
    case = _owner(source, keys)
    try:
        return model.model_validate(raw), []
    except ValidationError as error:
        found = []
        for fault in error.errors(include_url=False):
            path = (*keys, *keys_of(fault))
            found.append(source.complaint(path, message_of(fault, path), case))
        return None, found


def _all_calls(source: Source, defaults: Defaults | None, faults: list[Complaint], whole: bool) -> tuple[list[Call], list[Complaint]]:
    """The calls of all cases, and what is wrong beside the faults of reading: no second word about one place, nor about a spoiled case."""
    places, spoiled = {(fault.line, fault.column) for fault in faults}, {fault.case for fault in faults}
    calls: list[Call] = []
    complaints: list[Complaint] = []
    taken: set[str] = set()
    cases = source.value.get("cases")
    for index, raw in enumerate(cases if isinstance(cases, list) else []):
        name = _case_id(source, index)
        if name in taken:
            wrong = [source.complaint(("cases", index, "id"), f"the id {shown(name)} is already taken by an earlier case", name)]
        else:
            made, wrong = _calls(raw, index, source, defaults, whole)
            calls += made
        taken.add(name)
        said = [one for one in wrong if (one.line, one.column) not in places]
        complaints += [one for one in said if name not in spoiled or one.key != f"cases[{index}]"]
        if len(calls) > CALLS_LIMIT:
            message = f"makes more than {CALLS_LIMIT} calls with the cases before it; split the file"
            raise Unreadable(source.complaint(("cases", index), message))
    return calls, complaints


def _calls(raw: Any, index: int, source: Source, defaults: Defaults | None, whole: bool) -> tuple[list[Call], list[Complaint]]:
    """The calls of one case, or what is wrong with it."""
    keys = ("cases", index)
    case, wrong = _validated(Case, raw, source, keys)
    if case is None or defaults is None:
        return [], wrong
    try:
        return [replace(call, text=source.block(keys)) for call in _checked_calls(case, defaults, source.place(keys)[0], whole)], []
    except Unusable as error:
        return [], [source.complaint((*keys, *error.keys), error.message, _case_id(source, index))]


def _checked_calls(case: Case, defaults: Defaults, line: int, whole: bool) -> list[Call]:
    """The calls of one case. Raises :class:`Unusable` for the first fault."""
    for index, deviation in enumerate(case.deviations):
        checks.check_deviation(deviation, ("deviations", index))
    if case.expect is not None:
        checks.check_expectation(case.expect)
    expanded = list(expand(case, defaults, whole))
    for one in expanded:
        checks.check_size(one.arguments)
        checks.check_exact(one.arguments)
    resolved = case.model_copy(
        update={name: getattr(case, name) or getattr(defaults, name) for name in ("modes", "large", "requires", "references")}
    )
    matched: set[int] = set()
    pairs = [(one, mode) for one in expanded for mode in MODES if mode in (resolved.modes or MODES)]
    calls = [_call(resolved, one, mode, line, matched) for one, mode in pairs]
    calls += _related(case, calls)
    for index, deviation in enumerate(case.deviations):
        if index not in matched:
            raise Unusable(("deviations", index), _unmatched(deviation.rule, expanded))
    return calls


def _call(case: Case, expanded: Expanded, mode: Mode, line: int, matched: set[int]) -> Call:
    declared = []
    for index, deviation in enumerate(case.deviations):
        if checks.speaks_about(deviation, expanded, mode):
            stands_for = checks.stands_for(deviation.observed, expanded)
            checks.check_observed(deviation.observed, stands_for, ("deviations", index, "observed"))
            declared.append(Declared(deviation, stands_for))
            matched.add(index)
    name = f"{case.id}[{expanded.label}{'-' if expanded.label else ''}{mode}]"
    return Call(name, line, case, expanded.arguments, mode, tuple(declared))


def _related(case: Case, calls: list[Call]) -> list[Call]:
    """A call for each relation that speaks about a call. Raises :class:`Unusable` for a relation that speaks about none."""
    found = []
    for index, name in enumerate(case.relations or ()):
        about = [call for call in calls if relations.speaks_about(name, call.arguments, call.mode)]
        if not about:
            raise Unusable(("relations", index), f"{name} speaks about no call of this case: {relations.RELATIONS[name].says}")
        found += [replace(call, name=f"{call.name[:-1]}-{name}]", relation=name, deviations=()) for call in about]
    return found


def _unmatched(rule: str, expanded: list[Expanded]) -> str:
    """Why a deviation matches no call, as far as the rules tell."""
    at_stake = sorted({r.id for one in expanded for r in (broken(one.arguments) or exercised(one.arguments))})
    if rule not in at_stake:
        return f"matches no call: no call of this case can break {rule}; they can break {', '.join(at_stake)}"
    return "matches no call: `when` and `where` exclude every one, or the documentation says the same"
