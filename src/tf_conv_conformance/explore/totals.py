"""Count random calls by how they were judged and by their classes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass
class Totals:
    """The numbers of calls by kind, known deviation, cause and code of classes."""

    kinds: Counter[str] = field(default_factory=Counter)
    known: Counter[str] = field(default_factory=Counter)
    causes: Counter[str] = field(default_factory=Counter)
    codes: Counter[str] = field(default_factory=Counter)
    seconds: float = 0.0

    def add(self, line: Mapping[str, Any]) -> None:
        """Add the counts from the line of a block."""
        for name in ("kinds", "known", "causes", "codes"):
            getattr(self, name).update(line[name])
        self.seconds += line["seconds"]

    def plain(self) -> dict[str, Any]:
        """Return the counts as JSON values."""
        counters = ("kinds", "known", "causes", "codes")
        return {**{name: dict(getattr(self, name)) for name in counters}, "seconds": self.seconds}
