"""Expand a case and its file's defaults to the arguments of each call, with labels."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from tf_conv_conformance.casefile import company_fields
from tf_conv_conformance.casefile.argument_fields import (
    Alternatives,
    ArgumentFields,
    Scope,
    Tensor,
    VerbatimInts,
    VerbatimText,
)
from tf_conv_conformance.casefile.diagnostic import CaseError, Keys, quote
from tf_conv_conformance.casefile.model import Case, Defaults
from tf_conv_conformance.casefile.resolution import arguments_of, flatten
from tf_conv_conformance.casefile.scope import pairs
from tf_conv_conformance.convolution.arguments import Arguments
from tf_conv_conformance.convolution.entry_points import ENTRY_POINTS

# In the order of labels. The alternatives of the last name vary fastest.
NAMES = (
    "op", "via", "input", "filter", "strides", "padding", "dilations", "data_format", "dtype",
    "filter_dtype", "gradient", "through", "op_name", "optimizer", "variables", "unknown",
    "upstream", "sizes", "before", "after",
)  # fmt: skip
REQUIRED = {
    "op": "conv2d or depthwise_conv2d",
    "input": "a shape such as [1, 24, 24, 3]",
    "filter": "a shape such as [3, 3, $in_channels, 8]",
    "padding": "SAME, VALID or a pair for each dimension",
}
DEFAULT_DATA = ("small_integers", "wide_integers")
Choice = tuple[str, Mapping[str, Any]]
"""The label of a combination, and the arguments in which it differs from others."""


@dataclass(frozen=True)
class Expanded:
    """The arguments of a call, its label within the case, and the values that the case gives.

    The label is empty without a sweep.
    """

    label: str
    arguments: Arguments
    given: Mapping[str, Any]

    def as_if(self, changes: ArgumentFields) -> Arguments:
        """Return the arguments with these changes."""
        return arguments_of({**self.given, **_given(changes, ("as_if",))})

    def is_among(self, where: Alternatives) -> bool:
        """Return whether every argument in `where` has one of the alternatives given there."""
        return all(
            any(arguments_of({**self.given, name: value}) == self.arguments for value in values)
            for name, values in _given(where, ("where",)).items()
        )


@dataclass(frozen=True)
class Expansion:
    """The combinations of a case: `count` choices, and the arguments that are `fixed`.

    It can be iterated once.
    """

    count: int
    choices: Iterable[Choice]
    fixed: Mapping[str, Any]
    swept: frozenset[str] = frozenset()

    def __iter__(self) -> Iterator[Expanded]:
        """Yield the combinations. Raises :class:`CaseError`."""
        for label, chosen in self.choices:
            given = {**self.fixed, **chosen}
            yield Expanded(label, arguments_of(given), given)


def expand(case: Case, defaults: Defaults, whole: bool = False) -> Expansion:
    """Return the combinations of a case; for a scope, a sample or the `whole`.

    Raises :class:`CaseError`.
    """
    own = _given(case, ())
    data = case.data or defaults.data or DEFAULT_DATA
    fixed = {**_given(defaults, ("defaults",)), **own, "data": data}
    if case.scope is not None:
        return _expand_scope(case, case.scope, fixed, whole)
    swept = _given(case.sweep, ("sweep",))
    for name in own.keys() & swept.keys():
        key = _written_name(case.sweep, name)
        message = f"`{name}` is given both in the case and in its sweep; keep one"
        raise CaseError(("sweep", key), message)
    missing = [f"`{name}` ({form})" for name, form in REQUIRED.items() if name not in fixed | swept]
    if missing:
        advice = "give each in the case, in its sweep or in the file's `defaults`"
        raise CaseError((), f"missing: {', '.join(missing)}; {advice}")
    labelled = [
        [(name, label, value) for label, value in _labelled(case, name, swept[name])]
        for name in NAMES
        if name in swept
    ]
    count = math.prod(map(len, labelled))
    choices = (
        ("-".join(label for _, label, _ in parts), {name: value for name, _, value in parts})
        for parts in itertools.product(*labelled)
    )
    return Expansion(count, choices, fixed, frozenset(swept))


def _expand_scope(case: Case, scope: Scope, fixed: Mapping[str, Any], whole: bool) -> Expansion:
    if "op" not in fixed:
        raise CaseError((), "`op` is missing; give it in the case or in the file's defaults")
    if fixed.get("via") and ENTRY_POINTS[fixed["via"]].dimensions == 1:
        reason = f"a scope has problems of height and width, and {fixed['via']} has no height"
        raise CaseError(("scope",), f"{reason}; use a sweep")
    for name in _given(case, ()).keys() & {"input", "filter", "strides", "dilations", "padding"}:
        message = f"the scope gives `{name}`; leave it out"
        raise CaseError((_written_name(case, name),), message)
    chosen = pairs(scope, whole)
    return Expansion(len(chosen), ((pair.label, pair.given()) for pair in chosen), fixed)


def _given(fields: ArgumentFields | Alternatives, keys: Keys) -> dict[str, Any]:
    """Return the arguments that are given, with `rate` under the name `dilations`."""
    given = {name: getattr(fields, name) for name in (*NAMES, "rate")}
    given = {name: value for name, value in given.items() if value is not None}
    if "rate" in given and "dilations" in given:
        message = "`rate` and `dilations` are two names for the same argument; keep one"
        raise CaseError((*keys, "rate"), message)
    if "rate" in given:
        given["dilations"] = given.pop("rate")
    return given


def _written_name(fields: ArgumentFields | Alternatives, name: str) -> str:
    return "rate" if name == "dilations" and fields.rate is not None else name


def _labelled(case: Case, name: str, alternatives: list[Any]) -> list[tuple[str, Any]]:
    """Return the alternatives of an argument with their labels, which must differ."""
    key = _written_name(case.sweep, name)
    labels: dict[str, Any] = {}
    for index, value in enumerate(alternatives):
        label = _label(key, value)
        if label in labels:
            advice = f"write one alternative that is a list as {quote([alternatives])}"
            message = f"the same alternative is listed twice; {advice}"
            raise CaseError(("sweep", key, index), message)
        labels[label] = value
    return list(labels.items())


def _label(name: str, value: Any) -> str:
    """Return an argument as part of a call's name: ``rate3x2``, ``SAME``, ``padding0:0x1:2``."""
    if isinstance(value, VerbatimInts | VerbatimText):
        return f"{name}={_label('', value.verbatim)}"
    if isinstance(value, Tensor):
        return name + "literal" + "_".join(map(str, flatten(value.values)[1][:8]))
    if name in ("before", "after"):
        return company_fields.label(value)
    if name in ("unknown", "variables"):
        return "_".join([name, *value]) if value else {"unknown": "known"}.get(name, "constants")
    if isinstance(value, list):
        if len(value) == 1:
            return f"{name}{value[0]}x"  # must differ from the label of an integer
        return name + "x".join(map(_label_part, value))
    if isinstance(value, str):
        named = name in ("filter_dtype", "gradient")
        return f"{name}_{value}" if named else value.removeprefix("tf.")
    return f"{name}{value}"


def _label_part(item: Any) -> str:
    return ":".join(map(str, item)) if isinstance(item, list) else str(item)
