"""Whether a YAML file is a case file: other projects have folders named ``cases`` with YAML of their own."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tf_conv_conformance.casefile.diagnostic import UnreadableFileError
from tf_conv_conformance.casefile.yaml_reader import FILE_LIMIT, read_source
from tf_conv_conformance.convolution.names import OPS

_SCHEMA = re.compile(
    r"^#[ \t]*yaml-language-server:[ \t]*\$schema=\S*\bcase-file\.schema\.json", re.M
)
_CASES, _OP = (re.compile(rf"(?:^|[\s\[{{,\"'-]){key}[\"']?\s*:", re.M) for key in ("cases", "op"))


def is_case_file(path: Path) -> bool:
    """Return whether a file has the schema line, or a list `cases` in which there is an `op`. Never raises.

    Most files are told by their text. Only one with both keys is parsed; if that fails, it is taken for a case file, so that its
    author reads what is wrong with it.
    """
    try:
        with path.open("rb") as file:
            data = file.read(FILE_LIMIT + 1)
    except OSError:
        return False
    text = data.decode("utf-8-sig", errors="replace")
    if _SCHEMA.search(text):
        return True
    if not (_CASES.search(text) and _OP.search(text)):
        return False
    if len(data) > FILE_LIMIT:
        return True
    try:
        return _has_cases(read_source(text).value)
    except UnreadableFileError:
        return True


def _has_cases(value: Any) -> bool:
    """Return whether there is a list `cases` with an `op`; or no list, as without its dashes, but the name of an operator."""
    if not isinstance(value, dict) or "cases" not in value:
        return False
    ops = _values_of("op", [value["cases"], value.get("defaults")])
    return any(isinstance(value["cases"], list) or op in OPS for op in ops)


def _values_of(key: str, value: Any) -> Iterator[Any]:
    """Yield what a key stands for, at any depth, which the reader has bounded with the number of values."""
    pending = [value]
    while pending:
        one = pending.pop()
        if isinstance(one, dict) and key in one:
            yield one[key]
        pending += one.values() if isinstance(one, dict) else one if isinstance(one, list) else ()
