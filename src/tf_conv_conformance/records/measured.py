"""The kinds of subjects on which cases were measured, in a file beside the cases.

Kernels depend on the processor, and so do some declared deviations. The file says on which
subjects each declared deviation was observed. On another subject, a deviation that is not observed
is no mistake of the case.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec
from packaging.version import InvalidVersion, Version

from tf_conv_conformance import ConformanceError
from tf_conv_conformance.convolution.instruction_sets import INSTRUCTION_SETS
from tf_conv_conformance.convolution.names import MODES
from tf_conv_conformance.convolution.quantity import quantity
from tf_conv_conformance.records.merge import Column
from tf_conv_conformance.records.series import disagreement, library
from tf_conv_conformance.verdict.kinds import FAILING

FILE = "tf-conv-measured.json"
SCHEMA = 1
SIZE_LIMIT = 2**24  # bytes


class MeasuredError(ConformanceError):
    """A file of measured subjects, or records for it, that cannot be used; the message says why."""


class SubjectClass(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A kind of subject: what decides which kernels compute. `library` has no patch level."""

    library: str
    onednn: bool | None
    isa: str | None
    machine: str
    platform: str
    device: str

    @property
    def text(self) -> str:
        """The kind of subject in words."""
        onednn = {True: "with oneDNN", False: "without oneDNN", None: ""}[self.onednn]
        parts = (self.library, onednn, f"on {self.isa or self.machine}", self.device.upper())
        return " ".join(part for part in parts if part)


class Measurement(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Runs on one kind of subject, and the modes in which they made calls."""

    subject: SubjectClass
    modes: tuple[str, ...]


class _File(msgspec.Struct, forbid_unknown_fields=True):
    schema: int
    measurements: list[Measurement]


@dataclass(frozen=True)
class Measured:
    """The runs that the file at `path` states."""

    path: Path
    measurements: tuple[Measurement, ...] = ()

    def knows(self, subject: Mapping[str, Any], mode: str | None = None) -> bool:
        """Return whether there is a run on such a subject, in a mode if one is given."""
        kind = class_of(subject)
        return any(
            one.subject == kind and (mode is None or mode in one.modes) for one in self.measurements
        )


def class_of(subject: Mapping[str, Any]) -> SubjectClass | None:
    """Return the kind of a subject.

    It is None if oneDNN and TensorFlow see different processors, or if the instruction set is
    unknown.
    """
    isa, version = subject.get("isa"), subject["tensorflow"]
    if disagreement(subject) is not None or (version is not None and isa is None):
        return None
    name, _, rest = library(subject).rpartition(" ")
    return SubjectClass(
        f"{name} {_minor(rest)}",
        subject["onednn"],
        isa,
        subject["machine"],
        subject["platform"],
        subject["device"],
    )


def _minor(version: str) -> str:
    try:
        found = Version(version)
    except InvalidVersion:
        return version
    return f"{found.major}.{found.minor}"


def governing(case_file: Path, root: Path) -> Path | None:
    """Return the file of measured subjects in the folder of a case file, or in one above it.

    Folders outside `root` are not searched.
    """
    for folder in case_file.parents:
        if (folder / FILE).is_file():
            return folder / FILE
        if folder == root:
            break
    return None


def read(path: Path) -> Measured:
    """Return what a file says. Raises :class:`MeasuredError`."""
    advice = "`tf-conv-conformance measured` writes one"
    try:
        with path.open("rb") as file:
            data = file.read(SIZE_LIMIT + 1)
    except OSError as error:
        raise MeasuredError(f"{path}: cannot be read: {error.strerror}") from error
    if len(data) > SIZE_LIMIT:
        raise MeasuredError(f"{path}: is larger than {SIZE_LIMIT} bytes; {advice}")
    try:
        content = msgspec.json.decode(data, type=_File)
    except (ValueError, RecursionError) as error:
        raise MeasuredError(
            f"{path}: is not a file of measured subjects: {error}; {advice}"
        ) from error
    if content.schema != SCHEMA:
        raise MeasuredError(f"{path}: is not of schema {SCHEMA}; {advice}")
    for one in content.measurements:
        unknown = {one.subject.isa, *one.modes} - {None, *INSTRUCTION_SETS, *MODES}
        if unknown:
            names = ", ".join(map(repr, sorted(map(str, unknown))))
            raise MeasuredError(f"{path}: has no instruction set or mode of the name {names}")
    return Measured(path, tuple(content.measurements))


def text_of(measured: Measured) -> str:
    """Return the text of the file, a line for each run."""
    runs = ",\n ".join(msgspec.json.encode(one).decode() for one in measured.measurements)
    return f'{{"schema": {SCHEMA}, "measurements": [\n {runs}\n]}}\n'


def updated(measured: Measured, columns: Sequence[Column]) -> Measured:
    """Return the file's content with the runs of these columns; runs on one kind are one.

    Raises :class:`MeasuredError` if a run did not end, or has a failure or an unmeasured deviation.
    """
    modes: dict[SubjectClass, set[str]] = {}
    for one in (*measured.measurements, *map(measurement, columns)):
        modes.setdefault(one.subject, set()).update(one.modes)
    runs = (Measurement(kind, tuple(sorted(own))) for kind, own in modes.items())
    return Measured(measured.path, tuple(sorted(runs, key=lambda one: repr(one.subject))))


def measurement(column: Column) -> Measurement:
    """Return the kind of subject of a run, and its modes. Raises :class:`MeasuredError`."""
    records, subject = column.records, column.subject
    bad = [end for end in records.ends.values() if end["verdict"] in {*FAILING, "unmeasured"}]
    if subject is None or not records.complete:
        why = "; ".join(records.lacks) or "TensorFlow did not start"
        raise MeasuredError(f"{column.label}: is not a whole run: {why}")
    if bad:
        advice = "state in the deviation's `when` where it applies, then run again"
        calls = f"{quantity(len(bad), 'call')}, such as {bad[0]['id']}"
        raise MeasuredError(f"{column.label}: {calls} is {bad[0]['verdict']}: {advice}")
    if (kind := class_of(subject)) is None:
        why = disagreement(subject) or "what oneDNN uses is unknown"
        raise MeasuredError(f"{column.label}: is no kind of processor: {why}")
    made = [end for end in records.ends.values() if end["verdict"] != "unsupported"]
    modes = {records.calls[end["id"]]["mode"] for end in made}
    return Measurement(kind, tuple(sorted(modes)))
