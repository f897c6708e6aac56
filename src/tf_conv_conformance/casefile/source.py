"""The values of a case file, with their places in its text."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from tf_conv_conformance.casefile.diagnostic import Diagnostic, Keys, key_path


@dataclass
class Source:
    """The values of a case file, with the line and column of each by its key path.

    `key_places` has the places of the keys themselves. `faults` are the mistakes found while
    reading, each with the path to its value. The rest of the file can be used.
    """

    value: Any = None
    places: dict[Keys, tuple[int, int]] = field(default_factory=dict)
    key_places: dict[Keys, tuple[int, int]] = field(default_factory=dict)
    faults: list[tuple[Keys, Diagnostic]] = field(default_factory=list)

    def place(self, keys: Keys) -> tuple[int, int]:
        """Return line and column of the value at `keys`, or of the nearest enclosing value."""
        while keys and keys not in self.places:
            keys = keys[:-1]
        return self.places.get(keys, (1, 1))

    def diagnostic(
        self, keys: Keys, message: str, case: str | None = None, about_key: bool = False
    ) -> Diagnostic:
        """Return a diagnostic for the value at `keys`, or for the last key itself."""
        place = self.key_places.get(keys) if about_key else None
        line, column = place or self.place(keys)
        return Diagnostic(line, column, key_path(keys), message, case)
