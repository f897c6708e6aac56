"""Write case files as text that the reader understands."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import yaml

from tf_conv_conformance.casefile.call import Call
from tf_conv_conformance.casefile.yaml_reader import scalar
from tf_conv_conformance.convolution.arguments import Arguments

ONE_LINE = 10**6


@dataclass(frozen=True)
class WrittenCase:
    """A case as plain values in the order of its keys, with its calls, one for each mode."""

    case: Mapping[str, Any]
    calls: tuple[Call, ...]

    @property
    def arguments(self) -> Arguments:
        """The arguments, which all modes share."""
        return self.calls[0].arguments


class _Dumper(yaml.SafeDumper):
    """A YAML dumper that quotes text which case files would read as something else.

    It writes equal lists in full, without anchors.
    """

    def ignore_aliases(self, data: Any) -> bool:
        """Return that nothing is written as an alias."""
        return True


def _represent_text(dumper: _Dumper, text: str) -> yaml.ScalarNode:
    try:
        plain = text.isprintable() and scalar(text) == text
    except ValueError:
        plain = False
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style=None if plain else '"')


_Dumper.add_representer(str, _represent_text)


def flow(value: Any) -> str:
    """Return a value as YAML on one line: ``[1, 24, 24, 3]``, ``{model: phase_strided}``."""
    text: str = yaml.dump(
        value,
        Dumper=_Dumper,
        default_flow_style=True,
        sort_keys=False,
        width=ONE_LINE,
        allow_unicode=True,
    )
    return text.removesuffix("...\n").strip()


def case_text(
    case: Mapping[str, Any],
    deviations: Sequence[Mapping[str, Any]] = (),
    defaults: Mapping[str, Any] | None = None,
) -> str:
    """Return the text of a case file with one case, its deviations and the defaults of its file."""
    first = [f"defaults: {flow(defaults)}"] if defaults else []
    return "\n".join([*first, "cases:", item_text(case, deviations)]) + "\n"


def item_text(case: Mapping[str, Any], deviations: Sequence[Mapping[str, Any]] = ()) -> str:
    """Return a case with its deviations as an item of the list of cases."""
    parts = [_item(case, 2)]
    if deviations:
        parts += ["    deviations:", *(_item(deviation, 6) for deviation in deviations)]
    return "\n".join(parts)


def _item(mapping: Mapping[str, Any], indent: int) -> str:
    """Return a mapping as an item of an indented list, with each key on its own line."""
    lines = "\n".join(f"{key}: {flow(value)}" for key, value in mapping.items())
    indented = textwrap.indent(lines, " " * (indent + 2))
    return f"{' ' * indent}- {indented.lstrip()}"
