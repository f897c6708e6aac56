"""Going on with a run that was cut: which calls its record files have an end of."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from tf_conv_conformance.collect import CallItem, call_id
from tf_conv_conformance.options import definitions, reports
from tf_conv_conformance.results import NotRecords, Records, file_name, read


@dataclass(frozen=True)
class Done:
    """The content hashes of the calls that have an end, by subject and id, and in the process that writes the records they come from."""

    hashes: dict[str, dict[str, str]]
    records: dict[str, Records]


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
        except NotRecords as error:
            raise pytest.UsageError(f"--resume: {error}") from error
    hashes = {name: {one: run.calls[one]["hash"] for one in run.ends if one in run.calls} for name, run in records.items()}
    return Done(hashes, records)


def is_done(item: pytest.Item, done: Done) -> bool:
    """Whether a test is of a call that has an end, and was not edited since."""
    if not isinstance(item, CallItem):
        return False
    return done.hashes.get(item.subject, {}).get(call_id(item.path_id, item.call)) == item.call.content_hash


def carried(done: Done, subject: str, remaining: frozenset[str]) -> Records:
    """What a new record file takes over: the calls with an end that are not made again, with their cases."""
    run = done.records[subject]
    ends = {one: end for one, end in run.ends.items() if one in run.calls and one not in remaining}
    calls = {one: run.calls[one] for one in ends}
    cases = {call["case"]: run.cases[call["case"]] for call in calls.values()}
    return Records(header=run.header, subjects=run.subjects, cases=cases, calls=calls, ends=ends)
