"""Case files as text that the reader takes back."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import yaml

from tf_conv_conformance.casefile.call import Call
from tf_conv_conformance.casefile.yaml_reader import scalar
from tf_conv_conformance.convolution.arguments import Arguments

ONE_LINE = 10**6


@dataclass(frozen=True)
class WrittenCase:
    """A case as plain values in the order of its keys, and its calls, one for each mode."""

    case: Mapping[str, Any]
    calls: tuple[Call, ...]

    @property
    def arguments(self) -> Arguments:
        """Return the arguments, which all modes share."""
        return self.calls[0].arguments


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
