"""Detect whether a YAML file is a case file. Other projects have ``cases`` folders, too."""

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
    """Return whether a file has the schema line, or a list `cases` with an `op`. Never raises.

    For most files, looking at the text is enough. Only a file with both keys is parsed. If parsing
    fails, it counts as a case file, so that its author gets a diagnostic.
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
    """Return whether there are `cases` with an `op`.

    If `cases` is not a list, because its dashes are missing, an `op` must name an operator.
    """
    if not isinstance(value, dict) or "cases" not in value:
        return False
    ops = _values_of("op", [value["cases"], value.get("defaults")])
    return any(isinstance(value["cases"], list) or op in OPS for op in ops)


def _values_of(key: str, value: Any) -> Iterator[Any]:
    """Yield the values of a key at any depth. The YAML reader limits the depth."""
    if isinstance(value, dict):
        if key in value:
            yield value[key]
        value = list(value.values())
    for item in value if isinstance(value, list) else ():
        yield from _values_of(key, item)
