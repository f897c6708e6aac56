"""Print characters that the encoding of standard output lacks as similar ones."""

from __future__ import annotations

import codecs
import sys

SIMILAR = {"●": "#", "○": "o", "·": ".", "×": "x", "…": "...", "–": "-", "→": "->"}


def replace_unencodable() -> None:
    """Let standard output replace what it cannot encode."""
    if hasattr(sys.stdout, "reconfigure"):
        codecs.register_error("tf-conv-conformance", _replacement)
        sys.stdout.reconfigure(errors="tf-conv-conformance")


def _replacement(error: UnicodeError) -> tuple[str, int]:
    assert isinstance(error, UnicodeEncodeError)
    letters = error.object[error.start : error.end]
    return "".join(SIMILAR.get(letter, "?") for letter in letters), error.end
