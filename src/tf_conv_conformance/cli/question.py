"""The options of a question asked on the command line → a case file's text → its calls.

Everything goes through the reader of case files, so that what is wrong with an option is what would be wrong in a file.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Mapping
from typing import Any

from tf_conv_conformance import ConformanceError
from tf_conv_conformance.casefile.diagnostic import Diagnostic, UnreadableFileError, quote
from tf_conv_conformance.casefile.loading import load_text
from tf_conv_conformance.casefile.writer import WrittenCase, case_text, flow
from tf_conv_conformance.casefile.yaml_reader import read_source

KEYS = (
    "op",
    "via",
    "input",
    "filter",
    "strides",
    "rate",
    "dilations",
    "padding",
    "data_format",
    "dtype",
    "gradient",
    "data",
    "modes",
)
"""What the options give of a case, in the order in which it is written."""


class OptionError(ConformanceError):
    """An option cannot be used; the message names it, and says what would be right."""


def read_question(options: Mapping[str, str | None]) -> WrittenCase:
    """Return the case that options describe, by key of the case; None if one is not given.

    Raises :class:`OptionError`.
    """
    given = {key: text for key in KEYS if (text := options.get(key)) is not None}
    case: dict[str, Any] = {
        "id": "asked",
        **{key: _value(key, text) for key, text in given.items()},
    }
    loaded = load_text(case_text(case))
    if loaded.diagnostics:
        raise OptionError(
            "\n".join(
                dict.fromkeys(_about_options(diagnostic) for diagnostic in loaded.diagnostics)
            )
        )
    return WrittenCase(case, loaded.calls)


def command(written: WrittenCase, name: str) -> str:
    """Return the command line of another command for the same call, in every mode."""
    words = [
        f"{option(key)}={_written(value)}"
        for key, value in written.case.items()
        if key not in ("id", "op", "modes")
    ]
    return shlex.join(["tf-conv-conformance", name, str(written.case["op"]), *words])


def option(key: str) -> str:
    """The option that gives a key of the case."""
    return "OP" if key == "op" else "--" + key.replace("_", "-")


def _value(key: str, text: str) -> Any:
    """An option's text as a value of YAML; numbers or words with commas between them are a list. Raises :class:`OptionError`."""
    text = _bracketed(text.strip())
    if "," in text and not text.startswith(("[", "{")):
        if not all(item.strip() for item in text.split(",")):
            raise OptionError(
                f"{option(key)}: {quote(text)} has an empty item; put one comma between two items, as in 1,24,24,3"
            )
        text = f"[{text}]"
    try:
        source = read_source(text)
    except UnreadableFileError as error:
        raise OptionError(
            f"{option(key)}: {quote(text)} cannot be read: {error.diagnostic.message}"
        ) from error
    if source.faults:
        raise OptionError(f"{option(key)}: {source.faults[0][1].message}")
    if source.value is None:
        raise OptionError(f"{option(key)}: is empty; give a value, or leave the option out")
    return _pairs(source.value) if key == "padding" else source.value


def _bracketed(text: str) -> str:
    """Return a shape as TensorFlow and people write it, (1, 24, 24, 3) or 1x24x24x3, as YAML has it."""
    if re.fullmatch(r"\d+(x\d+)+", text):
        return text.replace("x", ",")
    printed = re.fullmatch(r"TensorShape\((\[.*\])\)", text)
    if printed:
        return printed[1]
    return (
        text.translate(str.maketrans("()", "[]"))
        if text.startswith("(") and text.endswith(")")
        else text
    )


def _pairs(value: Any) -> Any:
    """Return eight numbers as the pairs of four dimensions; anything else as it is, for the reader of case files to judge."""
    if (
        not isinstance(value, list)
        or len(value) != 8
        or any(isinstance(item, list | dict) for item in value)
    ):
        return value
    return [value[first : first + 2] for first in range(0, 8, 2)]


def _about_options(diagnostic: Diagnostic) -> str:
    """A diagnostic about the case as one about the option that gave it."""
    found = re.fullmatch(r"cases\[0\]\.(\w+)(.*)", diagnostic.key)
    return f"{option(found[1])}{found[2]}: {diagnostic.message}" if found else diagnostic.message


def _written(value: Any) -> str:
    """A value as an option takes it: items of a plain list with commas between them."""
    if (
        isinstance(value, list)
        and value
        and not any(isinstance(item, list | dict) for item in value)
    ):
        return ",".join(flow(item) for item in value)
    return flow(value)
