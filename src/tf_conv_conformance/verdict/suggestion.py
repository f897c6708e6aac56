"""Suggest a case for a call that was made, if necessary with deviations that make it pass.

A suggestion has been read by the reader of case files and judged with the given observations.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tf_conv_conformance.casefile.call import Call, model_of
from tf_conv_conformance.casefile.expectations import Observed
from tf_conv_conformance.casefile.loading import load_text
from tf_conv_conformance.casefile.names import ERRORS, WARNINGS, written_name
from tf_conv_conformance.casefile.writer import WrittenCase, case_text
from tf_conv_conformance.convolution.arguments import Arguments
from tf_conv_conformance.convolution.modes import TENSORFLOW_MODES
from tf_conv_conformance.convolution.names import MODES, MODES_OF_SHAPES, Mode
from tf_conv_conformance.prediction.converted_models import models_in
from tf_conv_conformance.prediction.models import Model
from tf_conv_conformance.prediction.predict import predict
from tf_conv_conformance.prediction.rules.catalogue import RULES, broken, exercised
from tf_conv_conformance.subject.observation import Observation
from tf_conv_conformance.verdict.explanation import explains
from tf_conv_conformance.verdict.judge import judge
from tf_conv_conformance.verdict.perform import CallResult
from tf_conv_conformance.verdict.static_shapes import (
    declaration,
    finding,
    is_about_static_shape,
)

Results = Mapping[Mode, CallResult]
Plain = dict[str, Any]
"""What a deviation declares as `observed`, as plain values of a case file."""
DEPARTURES: tuple[Plain, ...] = (
    {},
    {"sizes": "truncated"},
    {"padding": "skipped"},
    {"subnormals": "flushed"},
    {"accumulator": "float32"},
    {"accumulator": "float16"},
    {"accumulator": "bfloat16"},
)
"""The departures of a model from the arithmetic of real numbers, starting with none."""
ACCEPT = "to accept any values, declare the shape with `values: unspecified`"
NO_DEVIATION = {
    "timed out": "a time-out depends on the time limit",
    "suite error": "the suite itself failed, which says nothing about TensorFlow",
    "vacuous": "a wrong result would also pass; use another size",
    "flaky": f"two runs of the same call gave two answers; {ACCEPT}",
}
"""Why no deviation can be declared, by the kind of verdict, in order of precedence."""


@dataclass(frozen=True)
class Suggestion:
    """The text of a case file, the outcome to expect from it, and the deviations in it."""

    text: str
    outlook: str
    deviations: tuple[Plain, ...] = ()


def suggest(
    written: WrittenCase,
    results: Results,
    subject: Mapping[str, Any],
    unexplained: Callable[[Call, CallResult], Plain | None] = lambda *_: None,
) -> Suggestion:
    """Return the case, with deviations that make it pass on this subject if they can be found.

    `unexplained` returns what to declare for a call that no model explains.
    """
    failing = {mode: one for mode, one in results.items() if one.verdict.failing}
    text = case_text(written.case)
    if not failing:
        return Suggestion(text, "this case passes as it is")
    calls = {call.mode: call for call in written.calls}
    # A call whose result is right may fail for its static shape, which is declared by itself.
    wrong = {mode: one for mode, one in failing.items() if not is_about_static_shape(one.verdict)}
    observed = {
        mode: _observed(calls[mode], one) or unexplained(calls[mode], one)
        for mode, one in wrong.items()
    }
    declared = _deviations(observed, wrong, written, len(results))
    if declared or not wrong:
        declared += _static_deviations(written, results)
        with_deviations = case_text(written.case, declared)
        if _passes(with_deviations, results, subject):
            outlook = "this case passes with the deviations that it declares, on this TensorFlow"
            return Suggestion(with_deviations, outlook, tuple(declared))
    return Suggestion(text, f"this case fails, and no deviation can describe it: {_why(failing)}")


def _why(failing: Results) -> str:
    kinds = {one.verdict.kind for one in failing.values()}
    reasons = (reason for kind, reason in NO_DEVIATION.items() if kind in kinds)
    return next(reasons, f"no model explains the result; {ACCEPT}")


def _passes(text: str, results: Results, subject: Mapping[str, Any]) -> bool:
    """Return whether the file is valid, and its calls pass with the given observations."""
    contents = load_text(text)
    if contents.diagnostics:
        return False
    return not any(
        judge(call, predict(call.arguments), observation, subject).failing
        for call in contents.calls
        if (observation := results[call.mode].observation) is not None
    )


def _deviations(
    observed: Mapping[Mode, Plain | None], failing: Results, written: WrittenCase, modes: int
) -> list[Plain]:
    """Return a deviation for each distinct observation, with its modes.

    Return an empty list if one of the observations cannot be declared.
    """
    groups: list[tuple[Plain, list[Mode]]] = []
    for mode, plain in _with_common_errors(observed, failing).items():
        if plain is None:
            return []
        same = next((known for one, known in groups if one == plain), None)
        if same is None:
            groups.append((plain, [mode]))
        else:
            same.append(mode)
    deviations = []
    for plain, group in groups:
        when = {}
        if len(group) < modes or not set(group) <= set(TENSORFLOW_MODES):
            when = {"when": {"modes": [mode for mode in MODES if mode in group]}}
        rule = _rule(failing[group[0]], written.arguments)
        deviations.append({"rule": rule, **when, "observed": plain, "reported": "unreported"})
    return deviations


def _static_deviations(written: WrittenCase, results: Results) -> list[Plain]:
    """Return a deviation for each static shape that differs, with its modes."""
    prediction = predict(written.arguments)
    groups: list[tuple[str, Plain, list[Mode]]] = []
    for knows, modes in MODES_OF_SHAPES.items():
        for mode in modes:
            observation = results[mode].observation if mode in results else None
            found = observation and finding(knows, prediction, observation)
            plain = observation and declaration(knows, prediction, observation)
            if not found or not plain:
                continue
            rule = found.rule
            same = next((own for one, it, own in groups if (one, it) == (rule, plain)), None)
            if same is None:
                groups.append((rule, plain, [mode]))
            else:
                same.append(mode)
    return [_static_deviation(rule, plain, modes, results) for rule, plain, modes in groups]


def _static_deviation(rule: str, plain: Plain, modes: list[Mode], results: Results) -> Plain:
    possible = MODES_OF_SHAPES[str(RULES[rule].knows)]
    in_all = modes == [mode for mode in possible if mode in results]
    when = {} if in_all else {"when": {"modes": modes}}
    return {"rule": rule, **when, "observed": plain, "reported": "unreported"}


def _rule(result: CallResult, arguments: Arguments) -> str:
    if result.verdict.rules:
        return result.verdict.rules[0]
    return (broken(arguments) or exercised(arguments))[0].id


def _with_common_errors(
    observed: Mapping[Mode, Plain | None], failing: Results
) -> Mapping[Mode, Plain | None]:
    """Return the observations with the same name for errors that share a base.

    While TensorFlow builds a graph, it re-raises its InvalidArgumentError as a ValueError.
    """
    own = {mode: one["error"] for mode, one in observed.items() if one and "error" in one}
    bases = [_bases(failing[mode].observation) for mode in own]
    common = next((name for name in own.values() if all(name in names for names in bases)), None)
    if common is None:
        return observed
    return {mode: {"error": common} if mode in own else one for mode, one in observed.items()}


def _bases(observation: Observation | None) -> set[str]:
    """Return the names under which a deviation may declare the exceptions of all arms."""
    if observation is None or not observation.answers:
        return set()
    return set.intersection(*(set(answer.bases) for answer in observation.answers))


def _observed(call: Call, result: CallResult) -> Plain | None:
    """Return what a deviation can declare about an observation, if anything."""
    observation = result.observation
    if observation is None or result.verdict.kind in NO_DEVIATION:
        return None
    if observation.kind == "crashed":
        return {"crash": observation.signal}
    answer = observation.answers[0]
    if answer.error is not None:
        return {"error": written_name(answer.error, ERRORS)}
    shape = list(answer.shape or ())
    plain = next(explaining(call, observation), None)
    if plain is None and 0 not in shape:  # an empty result has no values to explain
        return None
    warned = {}
    if observation.warnings:
        warned["warning"] = written_name(observation.warnings[0].category, WARNINGS)
    return {**(plain or {}), "shape": shape, **warned}


def explaining(call: Call, observation: Observation) -> Iterator[Plain]:
    """Yield the models that explain an observation, with and without a departure."""
    prediction = predict(call.arguments)
    for plain, model in departing(call.arguments, call.mode):
        if explains(model, prediction, observation):
            yield plain


def departing(
    arguments: Arguments, mode: Mode = "eager", departures: Sequence[Plain] = DEPARTURES
) -> Iterator[tuple[Plain, Model]]:
    """Yield the models of a call with each departure, as keys of `observed` and as models."""
    for departure in departures:
        if "accumulator" in departure and "reals" not in arguments.data:
            continue
        for named in models_in(arguments, mode):
            plain = {"model": named.name, **departure}
            model = model_of(Observed.model_validate(plain))
            assert model is not None  # it is named above
            yield plain, model
