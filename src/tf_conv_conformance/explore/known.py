"""The deviations that case files declare, and whether one of them foretells what was observed of another call.

A deviation is held against a call that is not its own by what it has in common with its own calls: the rule, whatever the entry point;
every edge that they all share; and what it says comes out, with the call's own sizes in place of theirs.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import product
from pathlib import Path
from typing import Any

from tf_conv_conformance.casefile.call import AppliedDeviation, Call, model_of
from tf_conv_conformance.casefile.expectations import Deviation
from tf_conv_conformance.casefile.loading import load
from tf_conv_conformance.convolution.arguments import Arguments, interpret
from tf_conv_conformance.convolution.geometry import documented_padding
from tf_conv_conformance.convolution.names import MODES
from tf_conv_conformance.explore.as_if import AS_IF, readings
from tf_conv_conformance.explore.edges import FLOATS, edges
from tf_conv_conformance.prediction import data
from tf_conv_conformance.prediction.models import MODELS, Model
from tf_conv_conformance.prediction.predict import Refuses, Returns, predict
from tf_conv_conformance.prediction.rules.catalogue import RULES, broken
from tf_conv_conformance.subject.observation import Observation
from tf_conv_conformance.verdict import comparison
from tf_conv_conformance.verdict.deviations import deviation_difference, unmet


def short(rule: str) -> str:
    """A rule's name without the entry point that documents it: many document the same."""
    return rule.partition(".")[2] if not rule.startswith(("padding.", "gradient.")) else rule


@dataclass(frozen=True)
class Known:
    """A declared deviation, and what the calls that it is declared for have in common.

    `as_if` names the readings of the arguments for which its model stands; `shapes` names what its shape is. Either is empty where it
    says something else.
    """

    where: str
    deviation: Deviation
    op: str
    gradients: frozenset[str | None]
    dtypes: frozenset[str]
    edges: frozenset[str]
    paddings: frozenset[str]
    as_if: tuple[str, ...]
    shapes: frozenset[str]

    def speaks_about(self, call: Call, subject: Mapping[str, Any]) -> bool:
        """Whether the call is one of a kind with those that it is declared for, and breaks the rule, or none."""
        return self.is_alike(call, subject) and self.is_about_its_rule(call.arguments)

    def is_alike(self, call: Call, subject: Mapping[str, Any]) -> bool:
        """Whether the call is one of a kind with those that it is declared for, whatever rules it breaks."""
        arguments, when = call.arguments, self.deviation.when
        if (
            arguments.op != self.op
            or call.mode not in (when.modes or MODES)
            or not self.edges <= edges(arguments)
        ):
            return False
        if not self.gradients & {None, arguments.gradient}:
            return False
        if arguments.dtype not in self.dtypes and not (
            "float32" in self.dtypes and arguments.dtype in FLOATS
        ):
            return False
        return unmet(when, subject) is None

    def kills(self, call: Call, subject: Mapping[str, Any]) -> bool:
        """Whether it says that a call like this, with a padding like those of its own calls, ends the process, or has no answer in time."""
        ends = self.deviation.observed.crash or self.deviation.observed.timeout
        return (
            bool(ends)
            and _padding(call.arguments) in self.paddings
            and self.speaks_about(call, subject)
        )

    def is_about_its_rule(self, arguments: Arguments) -> bool:
        """Whether the call breaks the rule, or breaks none.

        Memory that nobody wrote is told by its shape, and the edge or the dtype; the end of the process by its signal and the edge.
        """
        observed = self.deviation.observed
        if observed.values is not None:
            return bool(self.edges) or "float32" not in self.dtypes
        if self.edges and (observed.crash or observed.timeout):
            return True
        breaking = {short(rule.id) for rule in broken(arguments)}
        return short(self.deviation.rule) in breaking if self.is_of_precondition else not breaking

    @property
    def is_of_precondition(self) -> bool:
        """Whether it says what comes of a call that the documentation rules out."""
        return RULES[self.deviation.rule].is_precondition

    @property
    def accepts(self) -> bool:
        """Whether a call that the documentation rules out has an answer."""
        observed = self.deviation.observed
        return self.is_of_precondition and not (
            observed.error or observed.crash or observed.timeout
        )

    def foretells(self, call: Call, observation: Observation) -> bool:
        """Whether what it declares is what was observed, with this call's sizes."""
        observed = self.deviation.observed.model_copy(update={"warning": None})
        names = predict(call.arguments).names
        if observed.shape is not None and observed.model is None:
            return self._has_shape(call, observation, names)
        if observed.model is None:
            declared = AppliedDeviation(
                self.deviation.model_copy(update={"observed": observed}), call.arguments
            )
            return deviation_difference(declared, predict(call.arguments), observation) is None
        model = model_of(observed)
        assert model is not None
        return any(
            predicts(model, AS_IF[name](call.arguments), call, observation, names)
            for name in self.as_if
        )

    def _has_shape(self, call: Call, observation: Observation, names: list[str]) -> bool:
        dtype = self.deviation.observed.dtype or call.arguments.dtype
        shapes = dict(named_shapes(call.arguments))
        if (
            not self.shapes and self.deviation.observed.values is not None
        ):  # a shape that is nothing in particular, here as there
            return observation.kind == "answered" and not any(
                arm.error or arm.shape in shapes.values() for arm in observation.answers
            )
        declared = (
            [shapes[name] for name in self.shapes if name in shapes]
            if self.shapes
            else [tuple(self.deviation.observed.shape or ())]
        )
        return any(
            comparison.from_values(Returns(shape, dtype), None, names, observation) is None
            for shape in declared
        )


def foretelling(
    known: Sequence[Known], call: Call, observation: Observation, subject: Mapping[str, Any]
) -> Known | None:
    """The deviation that foretells an observation, one from a rule of the call's own entry point first; or one of some that do together.

    A call that breaks rules, each of which a deviation says is let pass, has the result of one that breaks none: then those that are
    about results may foretell it, and so may what a model is to leave out with what another is to read.
    """
    alike = [one for one in known if one.is_alike(call, subject)]
    speaking = [one for one in alike if one.is_about_its_rule(call.arguments)]
    speaking.sort(
        key=lambda one: call.arguments.entry_point not in RULES[one.deviation.rule].entry_points
    )
    if (
        found := next((one for one in speaking if one.foretells(call, observation)), None)
    ) is not None:
        return found
    passing = [one for one in alike if one.accepts]
    if not {short(rule.id) for rule in broken(call.arguments)} <= {
        short(one.deviation.rule) for one in passing
    }:
        return None
    results = [one for one in alike if not one.is_of_precondition]
    alone = next((one for one in results if one.foretells(call, observation)), None)
    return alone or _together([*passing, *results], call, observation)


def _together(known: Sequence[Known], call: Call, observation: Observation) -> Known | None:
    """The first of the deviations that declare arithmetic, where several in one model, for a reading of any, foretell an observation."""
    modelled = [
        (one, model) for one in known if (model := model_of(one.deviation.observed)) is not None
    ]
    names = predict(call.arguments).names
    readings_of_any = dict.fromkeys(
        ["as given", *(name for one, _ in modelled for name in one.as_if)]
    )
    for kind in dict.fromkeys(MODELS[model.name] for _, model in modelled):
        models = [model for _, model in modelled if model.name == kind.name]
        for model in _merged(kind, models):
            if any(
                predicts(model, AS_IF[name](call.arguments), call, observation, names)
                for name in readings_of_any
            ):
                return modelled[0][0]
    return None


def _merged(kind: Model, models: Sequence[Model]) -> Iterator[Model]:
    """A model with any of the departures of these."""
    skips = any(model.skips_padding for model in models)
    flushes = any(model.flushes_subnormals for model in models)
    accumulators = dict.fromkeys([None, *(model.accumulator for model in models)])
    for skip, flush, accumulator in product({False, skips}, {False, flushes}, accumulators):
        yield replace(kind, skips_padding=skip, flushes_subnormals=flush, accumulator=accumulator)


def _padding(arguments: Arguments) -> str:
    return arguments.padding if isinstance(arguments.padding, str) else "explicit"


def predicts(
    model: Model, other: Arguments, call: Call, observation: Observation, names: Sequence[str]
) -> bool:
    """Whether a model, for a reading of the call's arguments, predicts an observation. The shape is looked at first: values may not fit."""
    if not predict(other).has_values(model):
        return False
    said = predict(other).outcome(model)
    assert isinstance(said, Returns)  # it has values
    if comparison.from_values(said, None, names, observation) is not None or _upstream(
        other
    ) != _upstream(call.arguments):
        return False
    return (
        comparison.from_values(
            said, predict(call.arguments).values(model, other), names, observation
        )
        is None
    )


def _upstream(arguments: Arguments) -> tuple[int, ...] | None:
    """The shape of what comes from above into a gradient."""
    return data.result_shape(arguments) if arguments.gradient else None


def named_shapes(arguments: Arguments) -> Iterator[tuple[str, tuple[int, ...]]]:
    """Shapes that a result may have, and what they are."""
    for model in MODELS.values():
        if isinstance(outcome := predict(arguments).outcome(model), Returns):
            yield model.name, outcome.shape
    yield "the input's", arguments.input.shape
    yield "the filter's", arguments.filter.shape
    interpretation = interpret(arguments)
    if interpretation is not None:
        padded = [
            axis.size + sum(documented_padding(axis))
            for axis in (interpretation.height, interpretation.width)
        ]
        channels = arguments.filter.shape[3] * (
            arguments.filter.shape[2] if arguments.op == "depthwise_conv2d" else 1
        )
        sizes = {
            "input": [interpretation.height.size, interpretation.width.size],
            "padded input": padded,
        }
        for name, spatial in sizes.items():
            for of, count in (
                ("", interpretation.in_channels),
                (" with the result's channels", channels),
            ):
                inner = [count, *spatial] if interpretation.channels_first else [*spatial, count]
                yield f"the {name}'s{of}", (*interpretation.batch_shape, *inner)


def shipped() -> Path:
    """The folder of the cases that come with this package."""
    inside = Path(__file__).parent.parent / "cases"
    return inside if inside.is_dir() else Path(__file__).parents[3] / "cases"


def read_known(folders: Iterable[Path]) -> tuple[Known, ...]:
    """The deviations that the case files in these folders declare; of a file that cannot be read as it is, what can."""
    found: dict[tuple[int, str], tuple[str, list[tuple[Call, AppliedDeviation]]]] = {}
    files = {
        file.resolve(): folder
        for folder in folders
        for pattern in ("*.yaml", "*.yml")
        for file in sorted(folder.rglob(pattern))
    }
    kept = []  # deviations are told apart by identity, so none may go
    for file, folder in files.items():
        loaded = load(file)
        kept.append(loaded)
        for call in loaded.calls:
            for one in call.deviations:
                key = id(one.deviation), call.arguments.op
                where = (
                    f"{folder.name}/{file.relative_to(folder.resolve())}:{call.line} {call.case.id}"
                )
                found.setdefault(key, (where, []))[1].append((call, one))
    return tuple(_known(where, about) for where, about in found.values())


def _known(where: str, about: list[tuple[Call, AppliedDeviation]]) -> Known:
    calls = [call for call, _ in about]
    deviation = about[0][1].deviation
    as_if = [
        {name for name, other in readings(call.arguments) if other == one.arguments}
        for call, one in about
    ]
    shape = deviation.observed.shape if deviation.observed.model is None else None
    shapes = (
        [
            {name for name, other in named_shapes(call.arguments) if list(other) == shape}
            for call in calls
        ]
        if shape
        else [set()]
    )
    return Known(
        where=where,
        deviation=deviation,
        op=calls[0].arguments.op,
        gradients=frozenset(call.arguments.gradient for call in calls),
        dtypes=frozenset(call.arguments.dtype for call in calls),
        edges=frozenset.intersection(*(edges(call.arguments) for call in calls)),
        paddings=frozenset(_padding(call.arguments) for call in calls),
        as_if=tuple(name for name in AS_IF if any(name in names for names in as_if)),
        shapes=frozenset(set.intersection(*shapes)),
    )


def is_refused(call: Call) -> bool:
    """Whether the documentation says that the call is refused."""
    return isinstance(predict(call.arguments).documented, Refuses)
