"""Values that many lines of a record file have in common: held once, and checked once."""

from __future__ import annotations

import marshal
import sys
from collections.abc import Iterable
from typing import Any

from tf_conv_conformance.records.schema import FIELDS, Line, fault

SHARED = {
    "call": ("case", "mode", "relation", "arguments", "rules", "predicted"),
    "end": (
        "subject",
        "verdict",
        "reason",
        "rules",
        "data",
        "excludes",
        "observed",
        "difference",
        "explained",
        "warnings",
    ),
}
"""What is often the same from line to line, by their type: in the modes of a call if nowhere else."""
SHARED_LIMIT = 40_000  # values that are remembered; what is the same is not far away


class SharedValues:
    """The values of the lines of one file."""

    def __init__(self) -> None:
        self._values: dict[str | bytes, Any] = {}
        self._checked: set[tuple[str, str, int]] = set()

    def share(self, line: Line, kind: str) -> None:
        """Replace each value by the equal one of an earlier line."""
        line["type"] = sys.intern(kind)
        if len(self._values) > SHARED_LIMIT:
            self._values.clear()
            self._checked.clear()
        for name in SHARED.get(kind, ()):
            if (value := line.get(name)) is not None:
                line[name] = self._one(value)

    def check(self, line: Line, kind: str) -> None:
        """Raise ``ValueError`` if a key is missing or its value is not what it must be."""
        shared = SHARED.get(kind, ())
        for name, optional, spec in FIELDS[kind]:
            if name not in line:
                if not optional:
                    raise ValueError(fault(line, {name: spec}, kind))
                continue
            value = line[name]
            if (seen := (kind, name, id(value))) in self._checked:
                continue
            if found := fault(value, spec, f"{kind}.{name}"):
                raise ValueError(found)
            if name in shared and value is not None:
                self._checked.add(seen)  # shared, so it lives as long as its id stands here

    def _one(self, value: Any) -> Any:
        """Return the shared instance equal to `value`; values within it are shared as well."""
        key = value if isinstance(value, str) else marshal.dumps(value, 2)
        if key in self._values:
            return self._values[key]
        places: Iterable[tuple[Any, Any]] = ()
        if isinstance(value, dict):
            places = value.items()
        elif isinstance(value, list) and value and not isinstance(value[0], int | float):
            places = enumerate(value)
        for place, inner in places:
            if isinstance(inner, str | list | dict):
                value[place] = self._one(inner)
        self._values[key] = value
        return value
