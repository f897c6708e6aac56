"""What is wrong with a case file, and where."""

from __future__ import annotations

import re
from dataclasses import dataclass


@dataclass(frozen=True, order=True)
class Diagnostic:
    """One fault in a case file: 1-based `line` and `column`, the `key` path to it, and what is wrong and would be right.

    `case` is the id of the case that has it; None where the whole file cannot be read.
    """

    line: int
    column: int
    key: str
    message: str
    case: str | None = None

    def at(self, file: str) -> str:
        """The diagnostic as one line, ``file:line:column: key: message``."""
        return f"{self.place(file)}: {self.key + ': ' if self.key else ''}{self.message}"

    def place(self, file: str) -> str:
        """Return ``file:line:column``, as editors and terminals take it."""
        return f"{file}:{self.line}:{self.column}"

    def brief(self) -> str:
        """Return the diagnostic without what the name of its test says: ``line:column: key: message``, the key within its case."""
        key = re.sub(r"^cases\[\d+\]\.?", "", self.key)
        return f"{self.line}:{self.column}: {key + ': ' if key else ''}{self.message}"


def quote(value: object) -> str:
    """A value from a case file as it may be printed: short, on one line, control characters escaped."""
    text = ascii(value) if isinstance(value, str) and not value.isprintable() else repr(value)
    return text if len(text) <= 60 else text[:57] + "..."


def key_path(keys: tuple[str | int, ...]) -> str:
    """The path to a value as people write it: ``cases[2].sweep.rate[0]``."""
    path = ""
    for key in keys:
        path += f"[{key}]" if isinstance(key, int) else f".{key}" if path else str(key)
    return path
