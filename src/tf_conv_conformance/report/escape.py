"""Text from a record file, made safe for where it is shown: a terminal, or GitHub's Markdown."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

_HARMLESS = re.compile(
    r"[A-Za-z0-9](?:[A-Za-z0-9 .,:;=()/+_\[\]-]*[A-Za-z0-9.:)\]])?|\[[A-Za-z0-9 ,\[\]]*\][A-Za-z0-9 ]*"
)
"""Text that a code span takes as it is."""


def plain(value: Any, limit: int = 1000) -> str:
    """A value as one line of at most `limit` characters, in which nothing moves the cursor, hides or turns text around."""
    text = " ".join(str(value).split())
    text = text if len(text) <= limit else text[: limit - 1] + "…"
    return (
        text
        if text.isprintable()
        else "".join(letter if letter.isprintable() else ascii(letter)[1:-1] for letter in text)
    )


def markdown(value: Any, limit: int = 200) -> str:
    """A value as inline code in which nothing is Markdown, HTML, a link or a mention, in a table as well."""
    text = plain(value, limit)
    if _HARMLESS.fullmatch(text):
        return f"`{text}`"
    kept = " ,-=()/+"
    return (
        "<code>"
        + "".join(
            c if c.isalnum() or c in kept or not c.isascii() else f"&#{ord(c)};" for c in text
        )
        + "</code>"
    )


def table_head(*names: str) -> Iterator[str]:
    """The two lines with which a table begins in Markdown."""
    yield f"| {' | '.join(names)} |"
    yield "| --- " * len(names) + "|"
