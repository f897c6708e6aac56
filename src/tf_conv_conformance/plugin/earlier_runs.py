"""Read the files of earlier runs that options name."""

from __future__ import annotations

import pytest

from tf_conv_conformance.plugin.options import definitions, given, reports, shard, splitting
from tf_conv_conformance.plugin.stash import ResumedRun, Since
from tf_conv_conformance.records import baseline
from tf_conv_conformance.records.baseline import Baseline, BaselineError
from tf_conv_conformance.records.load import load_run
from tf_conv_conformance.records.merge import MergeError
from tf_conv_conformance.records.reader import RecordFileError, Records, file_name, read


def read_since(config: pytest.Config) -> Since:
    """Return the run that ``--tf-since`` names. Raises ``pytest.UsageError``."""
    path = config.getoption("--tf-since")
    try:
        return Since(path, load_run(given(config, path)))
    except (RecordFileError, MergeError) as error:
        raise pytest.UsageError(f"--tf-since: {error}") from error


def read_baseline(config: pytest.Config) -> Baseline:
    """Return the baseline, empty if this run is to write a new one.

    Raises ``pytest.UsageError``.
    """
    path = given(config, config.getoption("--tf-baseline"))
    if not path.exists() and config.getoption("--tf-update-baseline"):
        return Baseline()
    if not path.exists():
        raise pytest.UsageError(
            f"--tf-baseline: {path} does not exist; add --tf-update-baseline to write it"
        )
    try:
        return baseline.read(path)
    except BaselineError as error:
        raise pytest.UsageError(f"--tf-baseline: {error}") from error


def read_resumed(config: pytest.Config) -> ResumedRun:
    """Return the run that ``--tf-resume`` resumes, without its records in an xdist worker.

    The controller sends the hashes to its workers, because it may already rewrite the files.
    Raises ``pytest.UsageError``.
    """
    workerinput = getattr(config, "workerinput", None)
    if workerinput is not None:
        return ResumedRun(workerinput["tf_conv_hashes"], {})
    records = {subject.name: _records_of(config, subject.name) for subject in definitions(config)}
    hashes = {
        name: {call: run.calls[call]["hash"] for call in run.ends if call in run.calls}
        for name, run in records.items()
    }
    return ResumedRun(hashes, records)


def _records_of(config: pytest.Config, subject: str) -> Records:
    path = reports(config) / file_name(subject)
    try:
        records = read(path)
    except RecordFileError as error:
        raise pytest.UsageError(f"--tf-resume: {error}") from error
    if records.shards != shard(config):
        held = f"shard {records.shards}" if records.shards else "no shard"
        how = f"with {splitting(records.shards)}" if records.shards else "without --splits"
        raise pytest.UsageError(f"--tf-resume: {path}: holds {held}: resume it {how}")
    return records
