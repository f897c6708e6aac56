"""The case to keep of a question that has been asked: as it is, or with the deviations that make it green.

What is suggested has been read by the reader of case files and judged on what was observed, so that it holds when it is run again.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tf_conv_conformance.casefile.call import Call, model_of
from tf_conv_conformance.casefile.loading import load_text
from tf_conv_conformance.casefile.model import Observed
from tf_conv_conformance.casefile.names import ERRORS, WARNINGS, written_name
from tf_conv_conformance.casefile.writer import WrittenCase, case_text
from tf_conv_conformance.convolution.arguments import Arguments
from tf_conv_conformance.convolution.names import MODES, Mode
from tf_conv_conformance.prediction.models import Model, models_of
from tf_conv_conformance.prediction.predict import predict
from tf_conv_conformance.prediction.rules.catalogue import broken, exercised
from tf_conv_conformance.subject.observation import Observation
from tf_conv_conformance.verdict.explanation import model_difference
from tf_conv_conformance.verdict.judge import judge
from tf_conv_conformance.verdict.perform import Performed

Answers = Mapping[Mode, Performed]
Plain = dict[str, Any]
Seen = Mapping[Mode, Plain | None]
"""What a deviation can say of each mode; None where that is nothing."""
Otherwise = Callable[[Call, Performed], Plain | None]
DEPARTURES: tuple[Plain, ...] = (
    {},
    {"sizes": "truncated"},
    {"padding": "skipped"},
    {"subnormals": "flushed"},
    {"accumulator": "float32"},
    {"accumulator": "float16"},
    {"accumulator": "bfloat16"},
)
"""How a model may depart from the arithmetic of real numbers, the plain one first."""


@dataclass(frozen=True)
class Suggestion:
    """A case file's text, and what will become of it when it is run."""

    text: str
    outlook: str


def suggest(
    written: WrittenCase,
    performed: Answers,
    subject: Mapping[str, Any],
    otherwise: Otherwise = lambda *_: None,
) -> Suggestion:
    """The case with what it takes to make it green on this subject; without, where nothing can be declared.

    `otherwise` says what to declare where no model explains a call.
    """
    failing = {mode: one for mode, one in performed.items() if one.verdict.failing}
    text = case_text(written.case)
    if not failing:
        return Suggestion(text, "it is green as it is")
    calls = {call.mode: call for call in written.calls}
    observed: Seen = {
        mode: _observed(calls[mode], one) or otherwise(calls[mode], one)
        for mode, one in failing.items()
    }
    declared = _declared(observed, failing, written, len(performed))
    if declared:
        with_deviations = case_text(written.case, declared)
        if _is_green(with_deviations, performed, subject):
            return Suggestion(
                with_deviations, "it is green with what it declares, on this TensorFlow"
            )
    return Suggestion(
        text, f"it fails as it is, and there is nothing to declare: {_why_not(failing)}"
    )


def _why_not(failing: Answers) -> str:
    kinds = {one.verdict.kind for one in failing.values()}
    if "timed out" in kinds:
        return "no answer within this time limit says nothing about another"
    if "suite error" in kinds:
        return "the suite itself failed, which says nothing about TensorFlow"
    if "vacuous" in kinds:
        return "the data cannot tell a wrong result from the right one; ask for another size"
    why = (
        "the same call gave two answers" if "flaky" in kinds else "no model explains what came out"
    )
    return (
        f"{why}; to accept whatever values come out, declare the shape with `values: unspecified`"
    )


def _is_green(text: str, performed: Answers, subject: Mapping[str, Any]) -> bool:
    """Whether the file is read without diagnostic, and its verdicts on what was observed pass."""
    loaded = load_text(text)
    if loaded.diagnostics:
        return False
    verdicts = (
        judge(call, observation, subject)
        for call in loaded.calls
        if (observation := performed[call.mode].observation) is not None
    )
    return not any(verdict.failing for verdict in verdicts)


def _declared(observed: Seen, failing: Answers, written: WrittenCase, modes: int) -> list[Plain]:
    """A deviation for each different thing that was observed, with the modes in which it was; empty where one cannot be declared."""
    groups: list[tuple[Plain, list[Mode]]] = []
    for mode, plain in _with_common_errors(observed, failing).items():
        if plain is None:
            return []
        same = next((known for one, known in groups if one == plain), None)
        if same is None:
            groups.append((plain, [mode]))
        else:
            same.append(mode)
    arguments = written.arguments
    found = []
    for plain, of in groups:
        rules = failing[of[0]].verdict.rules or tuple(
            rule.id for rule in (broken(arguments) or exercised(arguments))
        )
        when = (
            {} if len(of) == modes else {"when": {"modes": [mode for mode in MODES if mode in of]}}
        )
        found.append({"rule": rules[0], **when, "observed": plain, "reported": "unreported"})
    return found


def _with_common_errors(observed: Seen, failing: Answers) -> Seen:
    """The same with one name for errors that have one in common: TensorFlow raises its own anew as ValueError while it builds a graph."""
    erring = [mode for mode, plain in observed.items() if plain is not None and "error" in plain]
    own = [plain["error"] for plain in observed.values() if plain is not None and "error" in plain]
    bases = [_bases(failing[mode].observation) for mode in erring]
    common = next((name for name in own if all(name in names for names in bases)), None)
    return {
        mode: {"error": common} if common is not None and mode in erring else plain
        for mode, plain in observed.items()
    }


def _bases(observation: Observation | None) -> set[str]:
    """The names by which the exceptions of all arms may be called."""
    return (
        set.intersection(*(set(arm.bases) for arm in observation.answers))
        if observation is not None and observation.answers
        else set()
    )


def _observed(call: Call, performed: Performed) -> Plain | None:
    """What a deviation can say of an observation; None where that is nothing."""
    observation = performed.observation
    if observation is None or performed.verdict.kind in (
        "flaky",
        "timed out",
        "vacuous",
        "suite error",
    ):
        return None
    if observation.kind == "crashed":
        return {"crash": observation.signal}
    if observation.answers[0].error is not None:
        return {"error": written_name(observation.answers[0].error, ERRORS)}
    plain = next(explaining(call, observation), None)
    shape = observation.answers[0].shape or ()
    if plain is None and 0 in shape:
        plain = {}  # no values that a model would have to explain
    if plain is None:
        return None
    warned = (
        {"warning": written_name(observation.warnings[0].category, WARNINGS)}
        if observation.warnings
        else {}
    )
    return {**plain, "shape": list(shape), **warned}


def explaining(call: Call, observation: Observation) -> Iterator[Plain]:
    """The models, plain or with a departure, that predict an observation, as a deviation says them."""
    for plain, model in departing(call.arguments):
        if (
            predict(call.arguments).has_values(model)
            and model_difference(model, call, observation) is None
        ):
            yield plain


def departing(
    arguments: Arguments, departures: Sequence[Plain] = DEPARTURES
) -> Iterator[tuple[Plain, Model]]:
    """The models that speak about a call with each departure, as a deviation says them and as they compute."""
    for departure in departures:
        if "accumulator" in departure and "reals" not in arguments.data:
            continue
        for named in models_of(arguments):
            plain = {"model": named.name, **departure}
            model = model_of(Observed.model_validate(plain))
            assert model is not None  # named above
            yield plain, model
