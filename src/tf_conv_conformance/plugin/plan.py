"""The plan of a run: the record lines of its calls, packed to travel on the report of a test."""

from __future__ import annotations

import gzip
import io
import json
from collections.abc import Iterable, Iterator

import pytest

from tf_conv_conformance.casefile.call import Call
from tf_conv_conformance.plugin.items import CallItem
from tf_conv_conformance.plugin.stash import COLLECTED, WHOLE, Plan
from tf_conv_conformance.records import lines
from tf_conv_conformance.records.schema import PlanLine
from tf_conv_conformance.records.writer import encoded


def plan_of(session: pytest.Session) -> Plan:
    """Return the plan of a run that makes the selected calls."""
    calls: dict[str, list[tuple[str, str, Call]]] = {}
    for item in session.items:
        if isinstance(item, CallItem):
            calls.setdefault(item.subject, []).append((item.call_id, item.path_id, item.call))
    stash = session.config.stash
    return {
        "collected": stash.get(COLLECTED, 0),
        "whole": stash.get(WHOLE, None),
        "lines": {subject: _packed(lines.plan(own)) for subject, own in calls.items()},
    }


def _packed(plan: Iterable[PlanLine]) -> bytes:
    packed = io.BytesIO()
    with gzip.open(packed, "wb", compresslevel=1) as file:
        file.writelines(map(encoded, plan))
    return packed.getvalue()


def unpacked(packed: bytes) -> Iterator[PlanLine]:
    """Yield the lines of a subject's calls."""
    with gzip.open(io.BytesIO(packed)) as file:
        yield from map(json.loads, file)
