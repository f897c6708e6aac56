"""Find the deviations that apply to a subject, and compare observations with them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from packaging.specifiers import SpecifierSet

from tf_conv_conformance.casefile.call import AppliedDeviation, Call, model_of
from tf_conv_conformance.casefile.expectations import VERSIONED, Deviation, Observed, When
from tf_conv_conformance.casefile.names import own_name
from tf_conv_conformance.convolution.instruction_sets import is_within
from tf_conv_conformance.convolution.static_shape import StaticShape
from tf_conv_conformance.prediction.predict import Prediction, Returns, predict
from tf_conv_conformance.subject.observation import Observation
from tf_conv_conformance.verdict import comparison
from tf_conv_conformance.verdict.claim import documented_arms
from tf_conv_conformance.verdict.comparison import Difference

_YAML = {True: "true", False: "false", None: "unknown"}


def unmet(condition: When, subject: Mapping[str, Any]) -> str | None:
    """Return what a condition requires but the subject lacks; None if it lacks nothing.

    Modes are not checked, since they are not a property of a subject.
    """
    for package in VERSIONED:
        wanted = getattr(condition, package)
        if wanted is not None and (has := outside(package, wanted, subject)) is not None:
            return f"{package} {wanted}, but the subject has {has}"
    if condition.backend is not None and not _runs_on(condition.backend, subject):
        return f"backend {condition.backend}, but the subject has {_backend_of(subject)}"
    for name in ("onednn", "device", "platform", "machine"):
        wanted = getattr(condition, name)
        if wanted is not None and wanted != subject[name]:
            return f"{name}={_plain(wanted)}, but the subject has {name}={_plain(subject[name])}"
    if condition.isa is not None and not is_within(subject.get("isa"), condition.isa):
        return f"isa {condition.isa}, but the subject has {subject.get('isa') or 'an unknown one'}"
    flags = subject["cpu"]["flags"]
    if unwanted := [flag for flag in condition.cpu_without or () if flag in flags]:
        return f"a CPU without {' and '.join(unwanted)}"
    lacking = [flag for flag in condition.cpu or () if flag not in flags]
    return f"a CPU with {' and '.join(lacking)}" if lacking else None


def _backend_of(subject: Mapping[str, Any]) -> str:
    """Return what the Keras layers of a subject run on, with its version."""
    return subject.get("backend") or f"tensorflow {subject['tensorflow']}"


def _runs_on(wanted: str, subject: Mapping[str, Any]) -> bool:
    """Return whether Keras runs on the wanted backend, in the wanted versions if any are given."""
    backend, _, version = _backend_of(subject).partition(" ")
    versions = wanted.removeprefix(backend).strip()
    return wanted.startswith(backend) and (not versions or _contains(versions, version or None))


def outside(package: str, wanted: str, subject: Mapping[str, Any]) -> str | None:
    """Return the subject's version of a package, in words, if it is not in a range."""
    version = subject.get(package)
    if _contains(wanted, version):
        return None
    return f"{package} {version}" if version else f"no {package}"


def _contains(wanted: str, version: str | None) -> bool:
    return version is not None and SpecifierSet(wanted).contains(version, prereleases=True)


def _plain(value: Any) -> str:
    """Return a value of a condition in YAML."""
    return _YAML[value] if value is None or isinstance(value, bool) else str(value)


def applying(
    call: Call, subject: Mapping[str, Any]
) -> tuple[list[AppliedDeviation], list[AppliedDeviation]]:
    """Return the call's deviations that are declared for this subject.

    Those about static shapes come second.
    """
    found = [one for one in call.deviations if unmet(one.deviation.when, subject) is None]
    static = [one for one in found if one.deviation.observed.is_static]
    return [one for one in found if one not in static], static


def not_applying(call: Call, subject: Mapping[str, Any]) -> Iterator[str]:
    """Yield the case's deviations that do not apply to this subject or mode, and why not."""
    for one in call.deviations:
        if (lacks := unmet(one.deviation.when, subject)) is not None:
            yield f"{_summary(one.deviation)}: requires {lacks}"
    for other in call.other_modes:
        modes = " or ".join(other.modes)
        yield f"{_summary(other)}: requires mode {modes}, but the call runs in {call.mode}"


def deviations_of_eager(call: Call, subject: Mapping[str, Any]) -> list[str]:
    """Return what the case declares for the same call in eager mode on this subject."""
    return [
        _summary(one)
        for one in call.other_modes
        if "eager" in one.modes and unmet(one.when, subject) is None
    ]


def _summary(deviation: Deviation) -> str:
    return f"{deviation.rule} ({_declared(deviation.observed)})"


def declared_text(one: AppliedDeviation) -> str:
    """Describe what a deviation declares, and where it is reported."""
    deviation = one.deviation
    return f"{deviation.rule} ({_declared(deviation.observed)}; {deviation.reported})"


def _declared(observed: Observed) -> str:
    return f"{'sometimes ' if observed.sometimes else ''}{_form(observed)}"


def _form(observed: Observed) -> str:
    if observed.model is not None:
        return observed.model
    if observed.unknown is not None:
        return f"{', '.join(observed.unknown)} unknown"
    if observed.static is not None:
        return f"shape {StaticShape.of(observed.static_sizes)}"
    several = observed.error or observed.crash
    if several:
        return " or ".join(several)
    return "timeout" if observed.timeout else "unspecified values"


def deviation_difference(
    one: AppliedDeviation, prediction: Prediction, observation: Observation
) -> Difference | None:
    """Return the first difference of an observation from what a deviation declares."""
    observed, names = one.deviation.observed, prediction.names
    skipped = documented_arms(prediction, observation) if observed.sometimes else frozenset[int]()
    if observed.crash is not None or observed.timeout is not None:
        return _end_difference(observed, observation)
    if observed.error is not None:
        found = comparison.from_error(observed.error, observed.match, observation, names, skipped)
    elif (model := model_of(observed)) is not None:
        outcome = predict(one.arguments).outcome(model)
        assert isinstance(outcome, Returns)  # checked when the case was read
        values = prediction.values(model, one.arguments)
        found = comparison.from_values(outcome, values, names, observation, skipped)
    else:
        returned = Returns(tuple(observed.shape or ()), observed.dtype or one.arguments.dtype)
        found = comparison.from_values(returned, None, names, observation, skipped)
    if found is None and observed.warning is not None:
        categories = [warned.category for warned in observation.warnings]
        if own_name(observed.warning) not in categories:
            return Difference("warning", observed.warning, ", ".join(categories) or "no warning")
    return found


def _end_difference(observed: Observed, observation: Observation) -> Difference | None:
    """Return the difference from a declared crash or time-out."""
    if observed.crash is None:
        if observation.kind == "timed out":
            return None
        return Difference("outcome", "a time-out", comparison.ending(observation))
    if observation.kind == "crashed" and observation.signal in observed.crash:
        return None
    declared = f"a crash ({' or '.join(observed.crash)})"
    return Difference("outcome", declared, comparison.ending(observation))
