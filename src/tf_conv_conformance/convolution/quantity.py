"""Write how many there are of something, in the singular or the plural."""

from __future__ import annotations


def quantity(count: int, noun: str, several: str = "") -> str:
    """Return ``1 call`` or ``2,000 calls``; `several` is the plural if it is irregular."""
    return f"{count:,} {noun if count == 1 else several or noun + 's'}"
