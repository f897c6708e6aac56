"""Going on with a run that was cut: which calls its record files have an end of."""

from __future__ import annotations

from collections.abc import Container, Generator

import pytest

from tf_conv_conformance.plugin.items import CallItem
from tf_conv_conformance.plugin.options import definitions, reports, shard, splitting
from tf_conv_conformance.plugin.selection import deselect
from tf_conv_conformance.plugin.stash import Done
from tf_conv_conformance.records.reader import RecordFileError, Records, file_name, read


def read_done(config: pytest.Config) -> Done:
    """What the record files of the subjects that are asked have; an xdist worker is told it. Raises ``pytest.UsageError``."""
    told = getattr(config, "workerinput", None)
    if told is not None:
        return Done(told["tf_conv_done"], {})
    records = {}
    for definition in definitions(config):
        path = reports(config) / file_name(definition.name)
        try:
            records[definition.name] = read(path)
        except RecordFileError as error:
            raise pytest.UsageError(f"--tf-resume: {error}") from error
        if (made := records[definition.name].shards) != shard(config):
            held, how = (
                (f"shard {made}", f"with {splitting(made)}")
                if made
                else ("no shard", "without --splits")
            )
            raise pytest.UsageError(f"--tf-resume: {path}: holds {held}: resume it {how}")
    return Done({name: _hashes(run) for name, run in records.items()}, records)


def _hashes(run: Records) -> dict[str, str]:
    """Return the content hashes of the calls that have an end, by id."""
    return {one: run.calls[one]["hash"] for one in run.ends if one in run.calls}


def is_done(item: pytest.Item, done: Done) -> bool:
    """Return whether a test is of a call that has an end, and was not edited since."""
    if not isinstance(item, CallItem):
        return False
    return done.hashes.get(item.subject, {}).get(item.call_id) == item.call.content_hash


class Resuming:
    """Leaves out what an earlier run has done, after all other plugins have selected.

    So pytest-split sees the tests that it saw in the earlier run, and selects the same.
    """

    def __init__(self, done: Done) -> None:
        self._done = done

    @pytest.hookimpl(wrapper=True)
    def pytest_collection_modifyitems(
        self, items: list[pytest.Item]
    ) -> Generator[None, object, object]:
        """Deselect the calls that have an end."""
        result = yield
        deselect(items, lambda item: is_done(item, self._done))
        return result


def carried(done: Done, subject: str, again: Container[str]) -> Records:
    """Return what a new record file takes over: the calls with an end whose ids are not among `again`, with their cases."""
    run = done.records[subject]
    ends = {one: end for one, end in run.ends.items() if one in run.calls and one not in again}
    calls = {one: run.calls[one] for one in ends}
    cases = {line["case"]: run.cases[line["case"]] for line in calls.values()}
    return Records(header=run.header, subjects=run.subjects, cases=cases, calls=calls, ends=ends)
