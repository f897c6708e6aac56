"""Which runs belong together: what of a subject identifies its series, what merely varies within it, and a short label for it."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from packaging.version import InvalidVersion, Version

IDENTIFYING = (
    "name",
    "tensorflow",
    "onednn",
    "device",
    "threads",
    "platform",
    "machine",
    "environment",
)
"""Runs that agree in these are of one series: parts of one run, or yesterday's and today's. The rest merely varies."""
Subject = Mapping[str, Any]
_INSTRUCTIONS = {"avx512f": "AVX-512", "avx2": "AVX2", "avx": "AVX", "sve": "SVE", "asimd": "NEON"}
"""The vector instructions behind flags of /proc/cpuinfo, the widest first."""
_EXTENSIONS = {"avx512_bf16": "BF16", "avx512_fp16": "FP16", "amx_": "AMX"}
"""What further flags that begin so add to them: other kernels are chosen."""


def series(subject: Subject | None) -> str | None:
    """The key of a subject's series; None where TensorFlow did not start."""
    return (
        None
        if subject is None
        else json.dumps({name: subject.get(name) for name in IDENTIFYING}, sort_keys=True)
    )


def order(subject: Subject | None) -> tuple[Any, ...]:
    """Where a subject stands among others: by version, then without and with oneDNN; what has no version comes last."""
    if subject is None:
        return (2,)
    version, onednn = str(subject.get("tensorflow")), bool(subject.get("onednn"))
    try:
        return 0, Version(version), onednn
    except InvalidVersion:
        return 1, version, onednn


def identifying(subject: Subject | None) -> dict[str, str]:
    """The facts that identify a series, in words; each environment variable is one."""
    if subject is None:
        return {}
    onednn = subject.get("onednn")
    return {
        **({"subject": str(subject["name"])} if subject.get("name") else {}),
        "TensorFlow": str(subject.get("tensorflow")),
        "oneDNN": "unknown" if onednn is None else "in effect" if onednn else "not in effect",
        **{name: str(subject.get(name)) for name in ("device", "platform", "machine")},
        **({"threads": str(subject["threads"])} if subject.get("threads") else {}),
        **{name: str(value) for name, value in sorted((subject.get("environment") or {}).items())},
    }


def varying(subject: Subject | None) -> dict[str, str]:
    """The facts that may differ within a series, in words."""
    if subject is None:
        return {}
    cpu = subject.get("cpu") or {}
    return {
        "Python": str(subject.get("python")),
        "NumPy": str(subject.get("numpy")),
        "Keras": str(subject.get("keras") or "none"),
        "build": str(subject.get("git_version")),
        "CPU": str(cpu.get("name")),
        "CPU extensions": " ".join(cpu.get("flags", [])) or "none",
    }


def heading(subject: Mapping[str, Any]) -> str:
    """Return a subject in a line, as pytest's header names what is tested."""
    name = f"{subject['name']}: " if subject.get("name") else ""
    build = f" ({subject['git_version']})" if subject.get("git_version") else ""
    onednn = {True: "oneDNN on", False: "oneDNN off"}.get(subject["onednn"], "oneDNN unknown")
    instructions = instruction_set(subject["cpu"]["flags"]) or subject["machine"]
    return f"{name}TensorFlow {subject['tensorflow']}{build}, {onednn}, {instructions}, {subject['device'].upper()}"


def subject_text(subject: Subject) -> str:
    """Return a subject in a line with the versions of all that it needs, as `probe` prints it."""
    onednn = {True: "oneDNN on", False: "oneDNN off", None: "oneDNN unknown"}[subject["onednn"]]
    keras = f", Keras {subject['keras']}" if subject["keras"] else ""
    cpu = subject["cpu"]
    return (
        f"TensorFlow {subject['tensorflow']}{keras}, Python {subject['python']}, NumPy {subject['numpy']}, {onednn}, "
        f"{subject['device']}, {subject['machine']} ({cpu['name']})"
    )


def instruction_set(flags: Sequence[str]) -> str | None:
    """Return the widest vector instructions among the flags of a CPU, as people call them; None if no flag is of any."""
    widest = next((name for flag, name in _INSTRUCTIONS.items() if flag in flags), None)
    more = [
        name
        for prefix, name in _EXTENSIONS.items()
        if any(flag.startswith(prefix) for flag in flags)
    ]
    return widest and " + ".join([widest, *more])


def labels(subjects: Sequence[Subject | None]) -> list[str]:
    """A short label for each, none of them twice: where two are alike, with all that tells them apart."""
    short = [_short(subject) for subject in subjects]
    longer = []
    for subject, label in zip(subjects, short, strict=True):
        alike = [other for other, theirs in zip(subjects, short, strict=True) if theirs == label]
        longer.append(" ".join([label, *_telling(subject, alike)]))
    seen: Counter[str] = Counter()
    for number, label in enumerate(longer):
        seen[label] += 1
        if longer.count(label) > 1 or seen[label] > 1:
            longer[number] = f"{label} ({seen[label]})"
    return longer


def _short(subject: Subject | None) -> str:
    if subject is None:
        return "no TensorFlow"
    device = str(subject.get("device"))
    parts = [
        str(subject.get("tensorflow")),
        "oneDNN" if subject.get("onednn") else "",
        device if device != "cpu" else "",
    ]
    return " ".join(part for part in parts if part)


def _telling(subject: Subject | None, alike: Sequence[Subject | None]) -> list[str]:
    """What this subject has that not all of those with the same short label have."""
    told = [{**identifying(other), **varying(other)} for other in alike]
    own = {**identifying(subject), **varying(subject)}
    return [
        f"{name}={value}" if name in (subject or {}).get("environment", ()) else f"{name} {value}"
        for name, value in own.items()
        if len({other.get(name) for other in told}) > 1
    ]
