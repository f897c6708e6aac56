"""Makes text from a record file safe to show on a terminal or in GitHub's Markdown."""

from __future__ import annotations

import re
from collections.abc import Iterator

_HARMLESS = re.compile(
    r"[A-Za-z0-9](?:[A-Za-z0-9 .,:;=()/+_\[\]-]*[A-Za-z0-9.:)\]])?"
    r"|\[[A-Za-z0-9 ,\[\]]*\][A-Za-z0-9 ]*"
)
"""Text that a code span takes as it is."""
_KEPT = " ,-=()/+"
"""Punctuation that means nothing in Markdown within an HTML element."""


def plain(value: object, limit: int = 1000) -> str:
    """Return a value as one line of at most `limit` characters, without control characters.

    Nothing in it moves the cursor, hides text or turns it around.
    """
    text = " ".join(str(value).split())
    text = text if len(text) <= limit else text[: limit - 1] + "…"
    if text.isprintable():
        return text
    return "".join(letter if letter.isprintable() else ascii(letter)[1:-1] for letter in text)


def markdown(value: object, limit: int = 200) -> str:
    """Return a value as inline code, also for a table.

    Nothing in it is Markdown, HTML, a link or a mention.
    """
    text = plain(value, limit)
    if _HARMLESS.fullmatch(text):
        return f"`{text}`"
    return f"<code>{''.join(map(_escaped, text))}</code>"


def _escaped(letter: str) -> str:
    safe = letter.isalnum() or letter in _KEPT or not letter.isascii()
    return letter if safe else f"&#{ord(letter)};"


def table_head(*names: str) -> Iterator[str]:
    """Yield the two lines with which a table begins in Markdown."""
    yield f"| {' | '.join(names)} |"
    yield "| --- " * len(names) + "|"


def is_link(text: str) -> bool:
    """Return whether a text is the address of a page, rather than that of a script."""
    return text.startswith(("https://", "http://"))
