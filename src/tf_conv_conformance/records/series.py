"""Series: runs on the same kind of subject, and the texts that describe a subject.

Runs of one series are parts of one run, or yesterday's run and today's.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from packaging.version import InvalidVersion, Version

from tf_conv_conformance.records.schema import SubjectRecord

IDENTIFYING = (
    "name",
    "tensorflow",
    "onednn",
    "device",
    "threads",
    "deterministic",
    "platform",
    "machine",
    "environment",
)
"""The facts that identify a series; the others may vary within it."""
LIBRARY = ("keras", "backend")
"""The facts that identify a subject without TensorFlow, too."""
_ONEDNN = {True: "on", False: "off", None: "unknown"}
_INSTRUCTIONS = {"avx512f": "AVX-512", "avx2": "AVX2", "avx": "AVX", "sve": "SVE", "asimd": "NEON"}
"""Names of vector instructions by flag of /proc/cpuinfo, the widest first."""
_EXTENSIONS = {"avx512_bf16": "BF16", "avx512_fp16": "FP16", "amx_": "AMX"}
"""Names of extensions by prefix of a flag: with them other kernels are chosen."""


def series(subject: SubjectRecord | None, but: Sequence[str] = ()) -> str | None:
    """Return the key of a subject's series; None if TensorFlow did not start.

    Subjects that differ only in the facts `but` have one key.
    """
    if subject is None:
        return None
    names = IDENTIFYING if subject["tensorflow"] is not None else (*IDENTIFYING, *LIBRARY)
    facts = {name: subject.get(name) for name in names if name not in but}
    return json.dumps(facts, sort_keys=True)


def order(subject: SubjectRecord | None) -> tuple[Any, ...]:
    """Return a sort key: by version, then oneDNN off and on; without a version last.

    Keras on another backend comes first: the page shows most of the last subject.
    """
    if subject is None:
        return (2,)
    version, onednn = subject["tensorflow"], bool(subject["onednn"])
    if version is None:
        return -1, library(subject), onednn
    try:
        return 0, Version(version), onednn
    except InvalidVersion:
        return 1, version, onednn


def identifying(subject: SubjectRecord | None) -> dict[str, str]:
    """Return the facts that identify a series, in words, with each environment variable."""
    if subject is None:
        return {}
    facts = {
        "subject": subject.get("name"),
        **_tensorflow(subject),
        "device": subject["device"],
        "platform": subject["platform"],
        "machine": subject["machine"],
        "threads": subject.get("threads"),
        "op determinism": "enabled" if subject.get("deterministic") else None,
    }
    given = {name: str(value) for name, value in facts.items() if value}
    return {**given, **dict(sorted(subject["environment"].items()))}


def _tensorflow(subject: SubjectRecord) -> dict[str, str]:
    """Return the version of TensorFlow and whether it uses oneDNN; Keras where there is none."""
    if subject["tensorflow"] is None:
        return {"library": library(subject)}
    onednn = {True: "in effect", False: "not in effect", None: "unknown"}[subject["onednn"]]
    return {"TensorFlow": subject["tensorflow"], "oneDNN": onednn}


def library(subject: Mapping[str, Any]) -> str:
    """Return the library under test with its version: TensorFlow, or Keras on another backend."""
    if subject["tensorflow"] is not None:
        return f"TensorFlow {subject['tensorflow']}"
    return f"Keras {subject['keras']} on {subject.get('backend')}"


def varying(subject: SubjectRecord | None) -> dict[str, str]:
    """Return the facts that may vary within a series, in words."""
    if subject is None:
        return {}
    return {
        "Python": subject["python"],
        "NumPy": subject["numpy"],
        **({"Keras": subject["keras"] or "none"} if subject["tensorflow"] is not None else {}),
        **dict(runtimes(subject)),
        **({"build": str(subject["git_version"])} if subject["tensorflow"] is not None else {}),
        "CPU": subject["cpu"]["name"],
        "instruction set": subject.get("isa") or "unknown",
        "CPU extensions": " ".join(subject["cpu"]["flags"]) or "none",
    }


def runtimes(subject: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Return the installed runtimes of converted models, and their versions."""
    names = {"LiteRT": "litert", "onnxruntime": "onnxruntime", "tf2onnx": "tf2onnx"}
    return [(name, version) for name, key in names.items() if (version := subject.get(key))]


def heading(subject: Mapping[str, Any]) -> str:
    """Return a subject in a line, for the header of pytest."""
    name = f"{name}: " if (name := subject.get("name")) else ""
    build = f" ({build})" if (build := subject.get("git_version")) else ""
    parts = [
        f"{name}{library(subject)}{build}",
        *_onednn(subject),
        instruction_set(subject["cpu"]["flags"]) or subject["machine"],
        subject["device"].upper(),
    ]
    return ", ".join(parts)


def _onednn(subject: Mapping[str, Any]) -> list[str]:
    """Return whether oneDNN is in effect, and whether it uses less than the processor has."""
    if subject["tensorflow"] is None:
        return []
    said = ("oneDNN", subject.get("onednn_version"), _ONEDNN[subject["onednn"]])
    return [" ".join(filter(None, said)), *filter(None, [disagreement(subject)])]


def disagreement(subject: Mapping[str, Any]) -> str | None:
    """Return in which instruction set oneDNN differs from the processor, which TensorFlow uses."""
    isa, of_processor = subject.get("isa"), subject["cpu"].get("isa")
    if isa is None or of_processor is None or isa == of_processor:
        return None
    return f"oneDNN uses {isa} on a processor that has {of_processor}, as TensorFlow takes it"


def subject_text(subject: Mapping[str, Any]) -> str:
    """Return a subject in a line with all versions, for `probe`."""
    parts = [
        library(subject),
        *([f"Keras {subject['keras']}"] if subject["keras"] and subject["tensorflow"] else []),
        *(f"{name} {version}" for name, version in runtimes(subject)),
        f"Python {subject['python']}",
        f"NumPy {subject['numpy']}",
        *_onednn(subject),
        subject["device"],
        f"{subject['machine']} ({subject['cpu']['name']})",
    ]
    return ", ".join(parts)


def instruction_set(flags: Sequence[str]) -> str | None:
    """Return the widest vector instructions among the flags of a CPU, by their common name."""
    widest = next((name for flag, name in _INSTRUCTIONS.items() if flag in flags), None)
    extensions = [
        name
        for prefix, name in _EXTENSIONS.items()
        if any(flag.startswith(prefix) for flag in flags)
    ]
    return widest and " + ".join([widest, *extensions])


def labels(subjects: Sequence[SubjectRecord | None]) -> list[str]:
    """Return a short, unique label for each subject.

    Subjects with the same short label get the facts in which they differ, or else a number.
    """
    short = [_short(subject) for subject in subjects]
    found = []
    for subject, label in zip(subjects, short, strict=True):
        same = [other for other, theirs in zip(subjects, short, strict=True) if theirs == label]
        found.append(" ".join([label, *_distinctive(subject, same)]))
    counts, seen = Counter(found), Counter[str]()
    for number, label in enumerate(found):
        if counts[label] > 1:
            seen[label] += 1
            found[number] = f"{label} ({seen[label]})"
    return found


def _short(subject: SubjectRecord | None) -> str:
    if subject is None:
        return "no TensorFlow"
    onednn = "oneDNN" if subject["onednn"] else ""
    device = subject["device"] if subject["device"] != "cpu" else ""
    version = subject["tensorflow"] or library(subject)
    return " ".join(part for part in (version, onednn, device) if part)


def _distinctive(
    subject: SubjectRecord | None, others: Sequence[SubjectRecord | None]
) -> list[str]:
    """Return the facts of a subject that not all others share."""
    facts = [{**identifying(other), **varying(other)} for other in others]
    own = {**identifying(subject), **varying(subject)}
    variables = subject["environment"] if subject else {}
    return [
        f"{name}={value}" if name in variables else f"{name} {value}"
        for name, value in own.items()
        if len({other.get(name) for other in facts}) > 1
    ]
