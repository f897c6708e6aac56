"""Diagnostics: what is wrong with a case file, and where."""

from __future__ import annotations

import re
from dataclasses import dataclass

from tf_conv_conformance import ConformanceError

Keys = tuple[str | int, ...]
"""The path to a value: keys of mappings and indices of lists."""


@dataclass(frozen=True, order=True)
class Diagnostic:
    """A fault in a case file: its 1-based place, its key path, what is wrong and how to fix it.

    `case` is the id of the case with the fault; None if the fault is not within one case.
    """

    line: int
    column: int
    key: str
    message: str
    case: str | None = None

    def at(self, file: str) -> str:
        """Return the diagnostic as one line, ``file:line:column: key: message``."""
        return f"{self.place(file)}: {self.key + ': ' if self.key else ''}{self.message}"

    def place(self, file: str) -> str:
        """Return ``file:line:column``, which editors and terminals turn into a link."""
        return f"{file}:{self.line}:{self.column}"

    def brief(self) -> str:
        """Return ``line:column: key: message`` with the key within its case."""
        key = re.sub(r"^cases\[\d+\]\.?", "", self.key)
        return f"{self.line}:{self.column}: {key + ': ' if key else ''}{self.message}"


class UnreadableFileError(ConformanceError):
    """A file that cannot be read as YAML at all; `diagnostic` says why."""

    def __init__(self, diagnostic: Diagnostic) -> None:
        super().__init__(diagnostic.message)
        self.diagnostic = diagnostic


class CaseError(ConformanceError):
    """A case that cannot be turned into calls; `keys` lead from the case to the fault."""

    def __init__(self, keys: Keys, message: str) -> None:
        super().__init__(message)
        self.keys = keys
        self.message = message


def quote(value: object) -> str:
    """Return a value from a case file in printable form, short and on one line."""
    text = ascii(value) if isinstance(value, str) and not value.isprintable() else repr(value)
    return text if len(text) <= 60 else text[:57] + "..."


def key_path(keys: Keys) -> str:
    """Return the path to a value in readable form: ``cases[2].sweep.rate[0]``."""
    path = ""
    for key in keys:
        path += f"[{key}]" if isinstance(key, int) else f".{key}" if path else str(key)
    return path
