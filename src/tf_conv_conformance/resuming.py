"""Going on with a run that was cut: which calls its record files have an end of."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

import pytest

from tf_conv_conformance.call import Call
from tf_conv_conformance.casefile.calls import Block
from tf_conv_conformance.ids import id_of
from tf_conv_conformance.items import BlockItem, CallItem
from tf_conv_conformance.options import definitions, reports, shard
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
            raise pytest.UsageError(f"--tf-resume: {error}") from error
        if (made := records[definition.name].shards) != (asked := shard(config)):
            said = f"holds {f'shard {made}' if made else 'no shard'}, and {f'--tf-shard {asked}' if asked else 'no --tf-shard'} is given"
            raise pytest.UsageError(f"--tf-resume: {path}: {said}")
        if records[definition.name].header.get("block") != config.getoption("--tf-block"):
            made_with = records[definition.name].header.get("block")
            raise pytest.UsageError(f"--tf-resume: {path} was made with --tf-block={made_with}; give the same")
    return Done({name: _hashes(run) for name, run in records.items()}, records)


def _hashes(run: Records) -> dict[str, str]:
    """The content hashes of the calls that have an end, and of the blocks of which all calls have one, by id."""
    hashes = {one: run.calls[one]["hash"] for one in run.ends if one in run.calls}
    ended = Counter(run.calls[one].get("block") for one in hashes)
    return hashes | {one: block["hash"] for one, block in run.blocks.items() if ended[one] == block["calls"]}


def is_done(item: pytest.Item, done: Done) -> bool:
    """Whether a test is of a call that has an end, or of a block of such, and was not edited since."""
    if not isinstance(item, CallItem | BlockItem):
        return False
    asked = item.call if isinstance(item, CallItem) else item.block
    return done.hashes.get(item.subject, {}).get(id_of(item.path_id, asked)) == asked.content_hash


def carried(done: Done, subject: str, remaining: Iterable[tuple[str, str, Call | Block]]) -> Records:
    """What a new record file takes over: the calls with an end that are not made again, with their blocks and cases."""
    run = done.records[subject]
    again = {identifier: asked.content_hash for identifier, _, asked in remaining}
    kept = {one: block for one, block in run.blocks.items() if again.get(one, block["hash"]) == block["hash"]}
    ends = {
        one: end for one, end in run.ends.items() if one in run.calls and one not in again and run.calls[one].get("block") in {None, *kept}
    }
    calls = {one: run.calls[one] for one in ends}
    cases = {line["case"]: run.cases[line["case"]] for line in (*calls.values(), *kept.values())}
    return Records(header=run.header, subjects=run.subjects, cases=cases, blocks=kept, calls=calls, ends=ends)
