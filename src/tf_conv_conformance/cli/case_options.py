"""The options of the command line that describe a call, as the text of a case file and its calls.

All values go through the reader of case files, so errors are the same as in a file.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable, Mapping
from typing import Any

from tf_conv_conformance import ConformanceError
from tf_conv_conformance.casefile.diagnostic import Diagnostic, UnreadableFileError, quote
from tf_conv_conformance.casefile.loading import load_text
from tf_conv_conformance.casefile.writer import WrittenCase, case_text, flow
from tf_conv_conformance.casefile.yaml_reader import read_source
from tf_conv_conformance.convolution.modes import can_be_made
from tf_conv_conformance.convolution.names import MODES, OPS

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
    "filter_dtype",
    "gradient",
    "through",
    "unknown",
    "upstream",
    "sizes",
    "before",
    "after",
    "data",
    "modes",
)
"""The keys of a case that are options, in the order in which they are written."""
OTHER_OPS = (
    "it may also be a call as Python code, such as "
    "'tf.nn.conv2d(x[1,24,24,3], w[3,3,3,8], 1, \"SAME\")', or, of probe, an existing model: "
    "a .keras or .h5 file, or the folder of a SavedModel"
)
ALL = "all"
"""The value of ``--modes`` for every mode in which the call can be made."""


class OptionError(ConformanceError):
    """An option is invalid; the message names it, and says how to write it."""


def read_case(options: Mapping[str, str | None]) -> WrittenCase:
    """Return the case that options describe, by key of the case; None if one is not given.

    Raises :class:`OptionError`.
    """
    if options.get("padding") is None:
        options = {**options, "padding": "VALID"}
    return written_case({"id": "tried", **option_values(options)})


def option_values(options: Mapping[str, str | None]) -> dict[str, Any]:
    """Return the values of the options that are given, by key of the case.

    Raises :class:`OptionError`.
    """
    given = {key: text for key in KEYS if (text := options.get(key)) is not None}
    return {key: _value(key, text) for key, text in given.items()}


def option(key: str) -> str:
    """Return the option for a key of the case."""
    return "OP" if key == "op" else "--" + key.replace("_", "-")


def written_case(case: Mapping[str, Any], place: Callable[[str], str] = option) -> WrittenCase:
    """Return a case with its calls; `all` of its modes are those in which it can be made.

    Raises :class:`OptionError`, which names the `place` of each key that is wrong.
    """
    if case.get("modes") != ALL:
        return _written_case(case, place)
    written = _written_case({key: case[key] for key in case if key != "modes"}, place)
    modes = [mode for mode in MODES if can_be_made(written.arguments, mode)]
    return _written_case({**case, "modes": modes}, place)


def _written_case(case: Mapping[str, Any], place: Callable[[str], str]) -> WrittenCase:
    """Return a case with its calls. Raises :class:`OptionError`."""
    missing = [option(key) for key in ("input", "filter") if key not in case]
    if missing and case["op"] in OPS:
        raise OptionError(f"give {' and '.join(missing)}: the shape, as in 1,24,24,3")
    loaded = load_text(case_text(case))
    if loaded.diagnostics:
        messages = (_about_options(diagnostic, place) for diagnostic in loaded.diagnostics)
        raise OptionError("\n".join(dict.fromkeys(messages)))
    return WrittenCase(case, loaded.calls)


def command(written: WrittenCase, name: str) -> str:
    """Return the command line of another command for the same call, in every mode."""
    words = [
        f"{option(key)}={_written(value)}"
        for key, value in written.case.items()
        if key not in ("id", "op", "modes")
    ]
    return shlex.join(["tf-conv-conformance", name, str(written.case["op"]), *words])


def _value(key: str, text: str) -> Any:
    """Return an option's text as a value of YAML, a list if commas separate items.

    Raises :class:`OptionError`.
    """
    text, name = _bracketed(text.strip()), option(key)
    if "," in text and not text.startswith(("[", "{")):
        if not all(item.strip() for item in text.split(",")):
            raise OptionError(
                f"{name}: {quote(text)} has an empty item; put one comma between two items, "
                "as in 1,24,24,3"
            )
        text = f"[{text}]"
    try:
        source = read_source(text)
    except UnreadableFileError as error:
        raise OptionError(
            f"{name}: {quote(text)} cannot be read: {error.diagnostic.message}"
        ) from error
    if source.faults:
        raise OptionError(f"{name}: {source.faults[0][1].message}")
    if source.value is None:
        raise OptionError(f"{name}: is empty; give a value, or leave the option out")
    return _pairs(source.value) if key == "padding" else source.value


def _bracketed(text: str) -> str:
    """Return a shape like (1, 24, 24, 3) or 1x24x24x3 as YAML."""
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
    """Return eight numbers as the pairs of four dimensions, and anything else as it is."""
    if (
        not isinstance(value, list)
        or len(value) != 8
        or any(isinstance(item, list | dict) for item in value)
    ):
        return value
    return [value[first : first + 2] for first in range(0, 8, 2)]


def _about_options(diagnostic: Diagnostic, place: Callable[[str], str]) -> str:
    """Return a diagnostic about the case as one about the option or code that gave it."""
    found = re.fullmatch(r"cases\[0\]\.(\w+)(.*)", diagnostic.key)
    if found is None:
        return diagnostic.message
    has_advice = found[1] != "op" or diagnostic.message.endswith("?")
    more = "" if has_advice else f"; {OTHER_OPS}"
    return f"{place(found[1])}{found[2]}: {diagnostic.message}{more}"


def _written(value: Any) -> str:
    """Return a value as an option takes it: a plain list as items with commas between them."""
    if (
        isinstance(value, list)
        and value
        and not any(isinstance(item, list | dict) for item in value)
    ):
        return ",".join(flow(item) for item in value)
    return flow(value)
