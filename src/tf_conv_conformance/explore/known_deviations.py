"""Apply the deviations that case files declare to other calls.

A deviation covers another call that has enough in common with the deviation's own calls: the rule,
for any entry point; every edge that its own calls share; and the declared outcome, with the sizes
of the other call.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from tf_conv_conformance.casefile.call import AppliedDeviation, Call, model_of
from tf_conv_conformance.casefile.expectations import Deviation
from tf_conv_conformance.casefile.loading import load
from tf_conv_conformance.convolution.arguments import Arguments
from tf_conv_conformance.explore.as_if import AS_IF, alternatives
from tf_conv_conformance.explore.edges import FLOATS, edges
from tf_conv_conformance.explore.matching import broken_rules, named_shapes, predicts, short
from tf_conv_conformance.prediction.predict import Returns, predict
from tf_conv_conformance.prediction.rules.catalogue import RULES
from tf_conv_conformance.prediction.rules.conditions import CONDITIONS
from tf_conv_conformance.subject.observation import Observation
from tf_conv_conformance.verdict import comparison
from tf_conv_conformance.verdict.deviations import deviation_difference, unmet
from tf_conv_conformance.verdict.static_shapes import declaration, finding


@dataclass(frozen=True)
class KnownDeviation:
    """A declared deviation, and what the calls for which it is declared have in common.

    `as_if` names the changes to the arguments with which its model is evaluated. `shapes` has the
    names of the declared shapes. Either is empty if the deviation declares something else.
    """

    where: str
    deviation: Deviation
    op: str
    gradients: frozenset[str | None]
    through: frozenset[str | None]
    dtypes: frozenset[str]
    edges: frozenset[str]
    paddings: frozenset[str]
    as_if: tuple[str, ...]
    shapes: frozenset[str]
    entry_points: frozenset[str]
    is_dilated: bool

    def covers(self, call: Call, subject: Mapping[str, Any]) -> bool:
        """Return whether the call resembles the deviation's own calls, and concerns its rule."""
        return self.resembles(call, subject) and self.concerns_rule(call.arguments)

    def resembles(self, call: Call, subject: Mapping[str, Any]) -> bool:
        """Return whether the call resembles the deviation's own calls, ignoring rules."""
        arguments, when = call.arguments, self.deviation.when
        as_float32 = "float32" in self.dtypes and arguments.dtype in FLOATS
        return (
            arguments.op == self.op
            and call.mode in self.deviation.modes
            and self.edges <= edges(arguments)
            and bool(self.gradients & {None, arguments.gradient})
            and bool(self.through & {None, arguments.through})
            and (as_float32 or arguments.dtype in self.dtypes)
            and unmet(when, subject) is None
        )

    def concerns_rule(self, arguments: Arguments) -> bool:
        """Return whether the call concerns the deviation's rule.

        It must break the deviation's precondition; if the rule is about results, it must break no
        precondition. Some outcomes are specific enough without that: uninitialised memory, by its
        shape and the edge or dtype, and the end of the process, by its signal and the edge.
        """
        observed = self.deviation.observed
        if observed.values is not None:
            return bool(self.edges) or "float32" not in self.dtypes
        if self.edges and self.ends_process:
            return True
        rules = broken_rules(arguments)
        return short(self.deviation.rule) in rules if self.is_of_precondition else not rules

    def with_model(self, name: str | None) -> KnownDeviation:
        """Return the deviation with its arithmetic, such as its accumulator, in another model."""
        if name is None or self.deviation.observed.model is None:
            return self
        observed = self.deviation.observed.model_copy(update={"model": name})
        return replace(self, deviation=self.deviation.model_copy(update={"observed": observed}))

    @property
    def ends_process(self) -> bool:
        """Whether it declares a crash or a time-out."""
        return bool(self.deviation.observed.crash or self.deviation.observed.timeout)

    @property
    def is_of_precondition(self) -> bool:
        """Whether it is declared for calls that break a precondition.

        An exception is no deviation for them, but for calls that meet the precondition.
        """
        is_refused = self.deviation.observed.error is not None
        return RULES[self.deviation.rule].is_precondition and not is_refused

    def is_fatal(self, call: Call, subject: Mapping[str, Any]) -> bool:
        """Return whether it declares that a call with this kind of padding ends the process."""
        same_padding = _padding_kind(call.arguments) in self.paddings
        return self.ends_process and same_padding and self.covers(call, subject)

    def matches(self, call: Call, observation: Observation) -> bool:
        """Return whether the declared outcome, with this call's sizes, was observed."""
        observed = self.deviation.observed.model_copy(update={"warning": None})
        if (model := model_of(observed)) is not None:
            others = (AS_IF[name](call.arguments) for name in self.as_if)
            return any(predicts(model, other, call, observation) for other in others)
        if observed.shape is not None:
            return self._matches_shape(call, observation)
        deviation = self.deviation.model_copy(update={"observed": observed})
        applied = AppliedDeviation(deviation, call.arguments)
        return deviation_difference(applied, predict(call.arguments), observation) is None

    def matches_known_shape(self, call: Call, observation: Observation) -> bool:
        """Return whether a shape that was known differs as declared.

        The call must use an entry point of the deviation's calls, and be dilated if they all are.
        """
        rule, observed = RULES[self.deviation.rule], self.deviation.observed
        prediction, arguments = predict(call.arguments), call.arguments
        found = finding(rule.knows or "", prediction, observation)
        if found is None or found.rule != rule.id:
            return False
        if arguments.entry_point.symbol not in self.entry_points:
            return False
        if self.is_dilated and not CONDITIONS["atrous"](arguments):
            return False
        declared = declaration(found.knows, prediction, observation) or {}
        if observed.unknown is None or "unknown" not in declared:
            return observed.unknown is None and "unknown" not in declared
        return set(declared["unknown"]) <= {*observed.unknown, *arguments.unknown}

    def _matches_shape(self, call: Call, observation: Observation) -> bool:
        observed = self.deviation.observed
        shapes = dict(named_shapes(call.arguments))
        declared = [shapes[name] for name in self.shapes if name in shapes]
        if not self.shapes:
            if observed.values is not None:
                # The declared shape has no name, so every shape without a name matches.
                return observation.kind == "answered" and not any(
                    answer.error or answer.shape in shapes.values()
                    for answer in observation.answers
                )
            declared = [tuple(observed.shape or ())]
        names, dtype = predict(call.arguments).names, observed.dtype or call.arguments.dtype
        results = (Returns(shape, dtype) for shape in declared)
        return any(comparison.from_values(one, None, names, observation) is None for one in results)


def find_known(
    known: Sequence[KnownDeviation],
    call: Call,
    observation: Observation,
    subject: Mapping[str, Any],
) -> KnownDeviation | None:
    """Return the deviation that explains an observation.

    Deviations from rules of the call's own entry point come first. If for each rule that the call
    breaks, a deviation declares that TensorFlow accepts such calls, the call is expected to behave
    like one that breaks no rule. Then deviations about results may also explain it, with the model
    of one about acceptance.
    """
    like = [
        one
        for one in known
        if not one.deviation.observed.is_static and one.resembles(call, subject)
    ]
    covering = [one for one in like if one.concerns_rule(call.arguments)]
    entry_point = call.arguments.entry_point
    covering.sort(key=lambda one: entry_point not in RULES[one.deviation.rule].entry_points)
    rules = set(broken_rules(call.arguments))
    accepting = [
        one
        for one in like
        if one.is_of_precondition
        and one.deviation.observed.returns
        and short(one.deviation.rule) in rules
    ]
    if {short(one.deviation.rule) for one in accepting} == rules:
        models = {one.deviation.observed.model for one in accepting} or {None}
        of_results = [one for one in like if not one.is_of_precondition]
        covering += [one.with_model(model) for one in of_results for model in models]
    return next((one for one in covering if one.matches(call, observation)), None)


def find_known_shape(
    known: Sequence[KnownDeviation],
    call: Call,
    observation: Observation,
    subject: Mapping[str, Any],
) -> KnownDeviation | None:
    """Return the deviation that explains what was known of the shape of a right result."""
    declared = (one for one in known if one.deviation.observed.is_static)
    like = (one for one in declared if one.resembles(call, subject))
    return next((one for one in like if one.matches_known_shape(call, observation)), None)


def _padding_kind(arguments: Arguments) -> str:
    return arguments.padding if isinstance(arguments.padding, str) else "explicit"


def read_known(folders: Iterable[Path]) -> tuple[KnownDeviation, ...]:
    """Return the deviations in the case files of these folders. Invalid cases are skipped."""
    folder_of = {
        file.resolve(): folder
        for folder in folders
        for pattern in ("*.yaml", "*.yml")
        for file in sorted(folder.rglob(pattern))
    }
    contents = {file: load(file) for file in folder_of}
    groups: dict[tuple[int, str], list[tuple[str, Call, AppliedDeviation]]] = {}
    for file, folder in folder_of.items():
        name = f"{folder.name}/{file.relative_to(folder.resolve())}"
        for call in contents[file].calls:
            for applied in call.deviations:
                # Group by identity, which is valid since `contents` keeps all deviations alive.
                key = id(applied.deviation), call.arguments.op
                where = f"{name}:{call.line} {call.case.id}"
                groups.setdefault(key, []).append((where, call, applied))
    return tuple(map(_known, groups.values()))


def _known(group: Sequence[tuple[str, Call, AppliedDeviation]]) -> KnownDeviation:
    """Return what the calls of one deviation have in common."""
    where, first, applied = group[0]
    calls = [call.arguments for _, call, _ in group]
    observed = applied.deviation.observed
    as_if = {
        name
        for _, call, one in group
        for name, other in alternatives(call.arguments)
        if other == one.arguments
    }
    named = [
        {name for name, shape in named_shapes(arguments) if list(shape) == observed.shape}
        for arguments in calls
        if observed.shape and observed.model is None
    ]
    return KnownDeviation(
        where=where,
        deviation=applied.deviation,
        op=first.arguments.op,
        gradients=frozenset(arguments.gradient for arguments in calls),
        through=frozenset(arguments.through for arguments in calls),
        dtypes=frozenset(arguments.dtype for arguments in calls),
        edges=frozenset.intersection(*map(edges, calls)),
        paddings=frozenset(map(_padding_kind, calls)),
        as_if=tuple(name for name in AS_IF if name in as_if),
        shapes=frozenset(set.intersection(*named) if named else ()),
        entry_points=frozenset(arguments.entry_point.symbol for arguments in calls),
        is_dilated=all(map(CONDITIONS["atrous"], calls)),
    )
