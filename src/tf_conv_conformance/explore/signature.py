"""Describe an unexplained observation, and its call, in terms that do not depend on sizes."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from typing import Any

from tf_conv_conformance.casefile.call import Call
from tf_conv_conformance.convolution.names import Mode
from tf_conv_conformance.explore.as_if import alternatives, as_if_keys
from tf_conv_conformance.explore.matching import named_shapes, predicts
from tf_conv_conformance.prediction.predict import Refuses, predict
from tf_conv_conformance.subject.observation import Observation
from tf_conv_conformance.verdict.perform import CallResult
from tf_conv_conformance.verdict.static_shapes import is_about_static_shape
from tf_conv_conformance.verdict.suggestion import DEPARTURES, departing

Plain = dict[str, Any]
ObservedOutcome = tuple[str, ...]
MESSAGE = 100  # the first characters of a message, which distinguish causes
GENERAL_ERRORS = ("ValueError", "OpError", "TypeError", "RuntimeError")
_NUMBER = re.compile(r"-?\d+(\.\d+)?(e[+-]?\d+)?")
_LIST = re.compile(r"(N(,\s*|x|\s+))+N")
_COLOUR = re.compile(r"\x1b\[[0-9;]*m")
_QUOTED = re.compile(r"'[^']*'|\"[^\"]*\"|`[^`]*`")
_FATAL = re.compile(r"^.*(?:Check failed|F\d{4}|LLVM ERROR|terminate called).*$", re.MULTILINE)
_PLACE = re.compile(r"^.*?\]\s+")


def outcome_of(call: Call, result: CallResult) -> ObservedOutcome:
    """Describe what was observed in words without sizes."""
    observation, verdict = result.observation, result.verdict
    assert observation is not None  # a random call requires nothing of the subject
    aspect = verdict.difference.aspect if verdict.difference else None
    if verdict.kind == "flaky":
        return ("flaky", aspect or "")
    if observation.kind == "timed out":
        return ("timed out",)
    if observation.kind == "crashed":
        printed = _FATAL.search(observation.last_output)
        fatal = _pattern(_PLACE.sub("", printed[0])) if printed else ""
        return "crashed", str(observation.signal), fatal
    for answer in observation.answers:
        if answer.error is not None:
            # A graph re-raises a TensorFlow error as ValueError.
            errors = (name for name in answer.bases if name.endswith("Error"))
            specific = (name for name in errors if name not in GENERAL_ERRORS)
            return "refused", next(specific, answer.error), _pattern(answer.message)
    if is_about_static_shape(verdict):
        return (aspect or "",)
    is_refused = isinstance(predict(call.arguments).documented, Refuses)
    kind = "accepted" if is_refused else aspect or "values"
    if (explained := explanation(call, observation)) is not None:
        return kind, "as if", explained[0]
    shape = observation.answers[0].shape
    named = (name for name, other in named_shapes(call.arguments) if other == shape)
    return kind, "unexplained", next(named, "another shape")


def _pattern(message: str) -> str:
    """Return a message without the parts that depend on sizes."""
    first, *rest = [line for line in message.splitlines() if line.strip()] or [""]
    if rest and first.startswith("Graph execution error"):  # a trace follows, then the reason
        first = rest[-1]
    if rest and first.startswith("Exception encountered when calling"):  # Keras, before the reason
        first = rest[0]
    line = _QUOTED.sub("…", _COLOUR.sub("", first))
    return _LIST.sub("N…", _NUMBER.sub("N", line))[:MESSAGE]


def explanation(call: Call, observation: Observation) -> tuple[str, Plain] | None:
    """Return the first model that predicts an observation, perhaps with other arguments.

    The result is a description, and the keys of a deviation's `observed`.
    """
    for name, other in alternatives(call.arguments):
        as_given = name == "as given"
        for plain, model in departing(other, call.mode, DEPARTURES if as_given else DEPARTURES[:1]):
            if predicts(model, other, call, observation):
                words = ", ".join([*plain.values(), *([] if as_given else [name])])
                changed = {} if as_given else {"as_if": as_if_keys(call.arguments, other)}
                return words, {**plain, **changed}
    return None


def signature(
    call: Call, by_mode: Mapping[Mode, ObservedOutcome | None], rules: tuple[str, ...]
) -> str:
    """Return a hash of a cause: the call without its sizes, and the outcome in each mode.

    The outcome is None for modes in which it is explained.
    """
    arguments = call.arguments
    content = (
        arguments.op,
        arguments.entry_point.symbol,
        arguments.gradient,
        *([arguments.through] if arguments.through else []),
        *arguments.variables,
        *(operation.name for operation in (*arguments.before, *arguments.after)),
        "" if arguments.dtype == "float32" else arguments.dtype,
        arguments.filter_dtype,
        rules,
        sorted(by_mode.items(), key=str),
    )
    return hashlib.sha256(repr(content).encode()).hexdigest()[:10]
