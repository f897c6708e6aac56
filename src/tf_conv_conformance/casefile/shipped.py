"""Find the files that come with the package: the cases, and the documentation."""

from __future__ import annotations

from pathlib import Path


def shipped(name: str) -> Path:
    """Return the folder ``cases`` or ``docs``, in the installed package or in the repository."""
    installed = Path(__file__).parents[1] / name
    return installed if installed.is_dir() else Path(__file__).parents[3] / name
