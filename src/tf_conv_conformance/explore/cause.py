"""What is behind an observation that nothing foretells: words that stay the same when sizes change."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from typing import Any

from tf_conv_conformance.casefile.call import Call
from tf_conv_conformance.convolution.names import Mode
from tf_conv_conformance.explore.as_if import changes, readings
from tf_conv_conformance.explore.known import is_refused, named_shapes, predicts, short
from tf_conv_conformance.prediction.predict import predict
from tf_conv_conformance.prediction.rules.catalogue import broken
from tf_conv_conformance.subject.observation import Answer, Observation
from tf_conv_conformance.verdict.perform import CallResult
from tf_conv_conformance.verdict.suggestion import DEPARTURES, departing

Plain = dict[str, Any]
Outcome = tuple[str, ...]
MESSAGE = 100  # characters of a message that tell causes apart
_NUMBER = re.compile(r"-?\d+(\.\d+)?(e[+-]?\d+)?")
_LIST = re.compile(r"(N(,\s*|x|\s+))+N")
_COLOUR = re.compile(r"\x1b\[[0-9;]*m")
_FATAL = re.compile(r"^.*(?:Check failed|F\d{4}|LLVM ERROR|terminate called).*$", re.MULTILINE)
_PLACE = re.compile(r"^.*?\]\s+")


def outcome(call: Call, performed: CallResult) -> Outcome:
    """What came out, in words without sizes."""
    observation, verdict = performed.observation, performed.verdict
    assert observation is not None  # nothing is required of the subject
    if verdict.kind == "flaky":
        return ("flaky", verdict.difference.aspect if verdict.difference else "")
    if observation.kind == "timed out":
        return ("timed out",)
    if observation.kind == "crashed":
        return "crashed", str(observation.signal), fatal(observation.last_output)
    arm = next(
        (arm for arm in observation.answers if arm.error is not None), observation.answers[0]
    )
    if arm.error is not None:
        return "refused", error_name(arm), pattern(arm.message)
    kind = (
        "accepted"
        if is_refused(call)
        else verdict.difference.aspect
        if verdict.difference
        else "values"
    )
    explained = explanation(call, observation)
    if explained is not None:
        return kind, "as if", str(explained[0])
    shapes = [
        name
        for name, shape in named_shapes(call.arguments)
        if shape == observation.answers[0].shape
    ]
    return kind, "unexplained", shapes[0] if shapes else "another shape"


def error_name(arm: Answer) -> str:
    """The TensorFlow error behind an exception, where there is one: a graph raises it anew as ValueError."""
    own = [
        name
        for name in arm.bases
        if name.endswith("Error")
        and name not in ("ValueError", "OpError", "TypeError", "RuntimeError")
    ]
    return own[0] if own else str(arm.error)


def pattern(message: str) -> str:
    """A message without what changes with the sizes."""
    lines = [line for line in message.splitlines() if line.strip()] or [""]
    line = lines[
        -1 if lines[0].startswith("Graph execution error") else 0
    ]  # there a trace comes first
    if line.startswith("Exception encountered when calling") and len(lines) > 1:  # so Keras begins
        line = lines[1]
    line = _COLOUR.sub("", line)
    line = re.sub(r"'[^']*'|\"[^\"]*\"|`[^`]*`", "…", line)
    return _LIST.sub("N…", _NUMBER.sub("N", line))[:MESSAGE]


def fatal(printed: str) -> str:
    """What a process said when it died, without its place in the source and the sizes."""
    found = _FATAL.search(printed)
    return pattern(_PLACE.sub("", found[0])) if found else ""


def explanation(call: Call, observation: Observation) -> tuple[str, Plain] | None:
    """The first model, and reading of the arguments, that predicts an observation: in words, and as a deviation says it."""
    names = predict(call.arguments).names
    for reading, other in readings(call.arguments):
        for plain, model in departing(
            other, DEPARTURES if reading == "as given" else DEPARTURES[:1]
        ):
            if predicts(model, other, call, observation, names):
                words = ", ".join([*plain.values(), *([reading] if reading != "as given" else [])])
                given = {"as_if": changes(call.arguments, other)} if reading != "as given" else {}
                return words, {**plain, **given}
    return None


def rules_of(call: Call) -> tuple[str, ...]:
    """The rules that the call breaks, without the entry point. Which others are contradicted depends on sizes."""
    return tuple(short(rule.id) for rule in broken(call.arguments))


def signature(call: Call, by_mode: Mapping[Mode, Outcome | None], rules: tuple[str, ...]) -> str:
    """A hash of a cause: what is asked, but for sizes, and what comes out in each mode where nothing foretells it."""
    arguments = call.arguments
    dtype = "" if arguments.dtype == "float32" else arguments.dtype
    content = (
        arguments.op,
        arguments.entry_point.symbol,
        arguments.gradient,
        dtype,
        arguments.filter_dtype,
        rules,
        sorted(by_mode.items(), key=str),
    )
    return hashlib.sha256(repr(content).encode()).hexdigest()[:10]
