"""The options of a question asked on the command line → a case file's text → its calls.

Everything goes through the reader of case files, so that what is wrong with an option is what would be wrong in a file.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import yaml

from tf_conv_conformance.casefile.call import Call
from tf_conv_conformance.casefile.diagnostic import Complaint, shown
from tf_conv_conformance.casefile.loading import load_text
from tf_conv_conformance.casefile.yaml_reader import Unreadable, read_source, scalar
from tf_conv_conformance.convolution.arguments import Arguments

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
ONE_LINE = 10**6


class BadOption(Exception):
    """An option cannot be used; the message names it, and says what would be right."""


@dataclass(frozen=True)
class Question:
    """One case as the options give it: its keys with plain values, and its calls, one for each mode."""

    case: Mapping[str, Any]
    calls: tuple[Call, ...]

    @property
    def arguments(self) -> Arguments:
        """The arguments, which all modes share."""
        return self.calls[0].arguments

    def command(self, name: str) -> str:
        """The command line that asks the same of another command, which knows no modes."""
        words = [
            f"--{key.replace('_', '-')}={_written(value)}"
            for key, value in self.case.items()
            if key not in ("id", "op", "modes")
        ]
        return shlex.join(["tf-conv-conformance", name, str(self.case["op"]), *words])


def read_question(options: Mapping[str, str | None]) -> Question:
    """The question that options put, by key of the case; None where one is not given. Raises :class:`BadOption`."""
    given = {key: text for key in KEYS if (text := options.get(key)) is not None}
    case: dict[str, Any] = {
        "id": "asked",
        **{key: _value(key, text) for key, text in given.items()},
    }
    loaded = load_text(case_text(case))
    if loaded.complaints:
        raise BadOption(
            "\n".join(dict.fromkeys(_about_options(complaint) for complaint in loaded.complaints))
        )
    return Question(case, loaded.calls)


def option(key: str) -> str:
    """The option that gives a key of the case."""
    return "OP" if key == "op" else "--" + key.replace("_", "-")


def _value(key: str, text: str) -> Any:
    """An option's text as a value of YAML; numbers or words with commas between them are a list. Raises :class:`BadOption`."""
    text = _bracketed(text.strip())
    if "," in text and not text.startswith(("[", "{")):
        if not all(item.strip() for item in text.split(",")):
            raise BadOption(
                f"{option(key)}: {shown(text)} has an empty item; put one comma between two items, as in 1,24,24,3"
            )
        text = f"[{text}]"
    try:
        source = read_source(text)
    except Unreadable as error:
        raise BadOption(
            f"{option(key)}: {shown(text)} cannot be read: {error.complaint.message}"
        ) from error
    if source.faults:
        raise BadOption(f"{option(key)}: {source.faults[0].message}")
    if source.value is None:
        raise BadOption(f"{option(key)}: is empty; give a value, or leave the option out")
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


def _about_options(complaint: Complaint) -> str:
    """A complaint about the case as one about the option that gave it."""
    found = re.fullmatch(r"cases\[0\]\.(\w+)(.*)", complaint.key)
    return f"{option(found[1])}{found[2]}: {complaint.message}" if found else complaint.message


class _Dumper(yaml.SafeDumper):
    """Writes on one line, and quotes text that the reader of case files would take for something else."""


def _represent_text(dumper: _Dumper, text: str) -> yaml.ScalarNode:
    try:
        plain = text.isprintable() and scalar(text) == text
    except ValueError:
        plain = False
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style=None if plain else '"')


_Dumper.add_representer(str, _represent_text)


def flow(value: Any) -> str:
    """A value as YAML on one line: ``[1, 24, 24, 3]``, ``{model: phase_strided}``."""
    text: str = yaml.dump(
        value,
        Dumper=_Dumper,
        default_flow_style=True,
        sort_keys=False,
        width=ONE_LINE,
        allow_unicode=True,
    )
    return text.removesuffix("...\n").strip()


def _written(value: Any) -> str:
    """A value as an option takes it: items of a plain list with commas between them."""
    if (
        isinstance(value, list)
        and value
        and not any(isinstance(item, list | dict) for item in value)
    ):
        return ",".join(flow(item) for item in value)
    return flow(value)


def case_text(case: Mapping[str, Any], deviations: Sequence[Mapping[str, Any]] = ()) -> str:
    """A case file with this one case, and deviations that it declares."""
    return "\n".join(_lines(case, deviations)) + "\n"


def _lines(case: Mapping[str, Any], deviations: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    yield "cases:"
    lead = "  - "
    for key, value in case.items():
        yield f"{lead}{key}: {flow(value)}"
        lead = "    "
    if deviations:
        yield "    deviations:"
    for deviation in deviations:
        lead = "      - "
        for key, value in deviation.items():
            yield f"{lead}{key}: {flow(value)}"
            lead = "        "
