"""Write case files without overwriting any."""

from __future__ import annotations

from pathlib import Path

from tf_conv_conformance.cli.case_options import OptionError


def check_new(path: Path | None) -> None:
    """Raise :class:`OptionError` if there is a file already, before any work is done."""
    if path is not None and path.exists():
        raise OptionError(f"{path} exists; name a new file, or remove it first")


def write_new(path: Path, text: str) -> None:
    """Write a new file, in a new folder if need be. Raises :class:`OptionError`."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("x", encoding="utf-8", newline="\n") as file:
            file.write(text)
    except OSError as error:
        raise OptionError(f"cannot write {path}: {error.strerror}") from error
