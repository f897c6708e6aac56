"""The record files that a run writes, one for each subject."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from itertools import chain
from pathlib import Path

from tf_conv_conformance.plugin.plan import unpacked
from tf_conv_conformance.plugin.stash import Plan, ResumedRun
from tf_conv_conformance.records.reader import Records, file_name, read
from tf_conv_conformance.records.schema import EndLine, PlanLine
from tf_conv_conformance.records.shards import Shards
from tf_conv_conformance.records.writer import Recorder


class RecordFiles:
    """Begins, completes and reads the files.

    Each subject has a file, so one that a run leaves out keeps its records.
    """

    def __init__(
        self, folder: Path, plan: Plan, shard: Shards | None, resumed: ResumedRun | None
    ) -> None:
        self.plan = plan
        self.carried: list[EndLine] = []
        self._folder = folder
        self._shard = str(shard) if shard else None
        self._resumed = resumed
        self._recorders: dict[str, Recorder] = {}

    @property
    def begun(self) -> bool:
        """Return whether any file is written."""
        return bool(self._recorders)

    @property
    def paths(self) -> list[Path]:
        """Return the files that are written."""
        return [recorder.path for recorder in self._recorders.values()]

    @property
    def missing(self) -> int:
        """Return how many planned calls have no end."""
        return sum(recorder.missing for recorder in self._recorders.values())

    def begin(self) -> None:
        """Begin the files with the plan and what a resumed run has finished. Raises OSError."""
        for name in self._resumed.records if self._resumed else self.plan["lines"]:
            self._recorders[name] = self._recorder(name)

    def of(self, subject: str) -> Recorder:
        """Return the recorder of a subject; the first call begins all files. Raises OSError."""
        if not self.begun:
            self.begin()
        return self._recorders[subject]

    def close(self) -> dict[str, Records]:
        """Complete the files, and return what they hold. Raises OSError."""
        records = {}
        for name, recorder in self._recorders.items():
            recorder.close(self._whole(name))
            records[name] = read(recorder.path)
        return records

    def _recorder(self, name: str) -> Recorder:
        path, packed = self._folder / file_name(name), self.plan["lines"].get(name, b"")
        plan: Iterable[PlanLine] = unpacked(packed)
        if self._resumed is None:
            return Recorder(path, plan, shard=self._shard)
        again = {line["id"] for line in unpacked(packed) if line["type"] == "call"}
        kept = finished(self._resumed.records[name], again)
        self.carried += kept.ends.values()
        plan = chain(plan, kept.cases.values(), kept.calls.values())
        return Recorder(path, plan, kept, self._shard)

    def _whole(self, name: str) -> int | None:
        """Return how many calls all shards have; the earlier run knows if none is left to make."""
        if self.plan["whole"] is not None or self._resumed is None:
            return self.plan["whole"]
        footer = self._resumed.records[name].footer
        return footer.get("whole") if footer else None


def finished(run: Records, again: Collection[str]) -> Records:
    """Return the calls of a run that have an end, with their cases, except those made `again`."""
    ends = {call: end for call, end in run.ends.items() if call in run.calls and call not in again}
    calls = {call: run.calls[call] for call in ends}
    cases = {line["case"]: run.cases[line["case"]] for line in calls.values()}
    return Records(header=run.header, subjects=run.subjects, cases=cases, calls=calls, ends=ends)
