"""A call, its prediction and its verdict as the plain values of a record file."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict
from typing import Any

import numpy as np

from tf_conv_conformance.casefile.call import Call
from tf_conv_conformance.casefile.scope import problems
from tf_conv_conformance.convolution.arguments import to_record
from tf_conv_conformance.prediction.data import to_plain
from tf_conv_conformance.prediction.exclusions import codes
from tf_conv_conformance.prediction.models import DOCUMENTED
from tf_conv_conformance.prediction.predict import Outcome, Refuses, predict
from tf_conv_conformance.prediction.rules.catalogue import RULES, exercised
from tf_conv_conformance.prediction.rules.sentences import sentence
from tf_conv_conformance.records.heatmap import heat
from tf_conv_conformance.records.reader import Line, subject_key
from tf_conv_conformance.subject.observation import Observation
from tf_conv_conformance.verdict.explanation import explaining_model, from_formula
from tf_conv_conformance.verdict.judge import Verdict


def plan(calls: Iterable[tuple[str, str, Call]]) -> Iterator[Line]:
    """Return the lines of a plan, for (id, case file, call): each case once, before its first call."""
    seen: set[str] = set()
    for identifier, file, call in calls:
        key = f"{file}::{call.case.id}"
        if key not in seen:
            seen.add(key)
            yield case_line(key, file, call)
        yield call_line(identifier, key, call)


def case_line(key: str, file: str, call: Call) -> Line:
    """Return what a reader of the report wants to know of the case of a call."""
    case = call.case
    return {
        "type": "case",
        "key": key,
        "file": file,
        "line": call.line,
        "id": case.id,
        "yaml": call.text,
        "notes": case.notes,
        "references": case.references or [],
        "problems": len(problems(case.scope)) if case.scope else None,
        "expect": json_safe(case.plain_expect),
        "deviations": [
            deviation.model_dump(exclude_defaults=True) for deviation in case.deviations
        ],
    }


def call_line(identifier: str, case: str, call: Call) -> Line:
    """A planned call: all that it takes to make it again, and what the documentation predicts."""
    return {
        "type": "call",
        "id": identifier,
        "hash": call.content_hash,
        "case": case,
        "mode": call.mode,
        "relation": call.relation,
        "arguments": json_safe(to_record(call.arguments)),
        "rules": [rule.id for rule in exercised(call.arguments)],
        "predicted": predicted(call),
    }


def json_safe(value: Any) -> Any:
    """A value with infinities and NaN as text: JSON has no numbers for them."""
    if isinstance(value, dict):
        return {key: json_safe(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [json_safe(item) for item in value]
    return str(value) if isinstance(value, float) and not math.isfinite(value) else value


def predicted(call: Call) -> dict[str, Any]:
    """What the documentation says: the broken rules where it refuses, and the size that its formula gives in any case."""
    documented = predict(call.arguments).documented
    return {
        "refuses": list(documented.because) if isinstance(documented, Refuses) else None,
        "shape": _shape(predict(call.arguments).outcome(DOCUMENTED)),
    }


def _shape(outcome: Outcome) -> list[int] | None:
    return None if isinstance(outcome, Refuses) else list(outcome.shape)


def end_line(
    identifier: str,
    call: Call,
    verdict: Verdict,
    observation: Observation | None,
    subject: str | None,
) -> Line:
    """What became of a call. `observation` is None where the call was not made."""
    line: Line = {
        "type": "end",
        "id": identifier,
        "subject": subject,
        "verdict": verdict.kind,
        "reason": verdict.reason,
        "rules": list(verdict.rules),
        "data": [to_plain(arm) for arm in predict(call.arguments).arms],
    }
    if verdict.excluded is not None:
        line["excludes"] = codes(verdict.excluded)
    if verdict.by_expect:
        line["by_expect"] = True
    if observation is not None:
        line["observed"] = observed(observation)
        line["digest"] = digest(call, observation)
        line.update(differing(call, verdict, observation))
        line["warnings"] = [asdict(warned) for warned in observation.warnings]
        line["seconds"] = observation.seconds
    return line


def differing(call: Call, verdict: Verdict, observation: Observation) -> dict[str, Any]:
    """How the result differs, from the documented formula where it was accepted against a rule, and the model that explains it."""
    if verdict.difference is None or call.relation is not None:
        return {"difference": verdict.difference.text() if verdict.difference else None}
    if verdict.kind == "unexpected":  # how it differs from `expect`; from the formula it does not
        return {
            "difference": verdict.difference.text("expected"),
            "explained": explaining_model(call, observation),
        }
    difference = from_formula(call, verdict, observation)
    line: dict[str, Any] = {
        "difference": difference.text() if difference else None,
        "explained": explaining_model(call, observation),
    }
    if difference is not None and difference.distance is not None:
        line.update(
            largest=difference.largest, ulp=difference.ulp, largest_at=difference.largest_at
        )
        line["heat"] = heat(difference.distance, call.arguments)
    return line


def digest(call: Call, observation: Observation) -> str | None:
    """A hash of the bits of the exact arms, to hold against another run's; None for what nobody wrote or summed exactly."""
    unwritten = any(one.deviation.observed.values is not None for one in call.deviations)
    named = zip(predict(call.arguments).arms, observation.answers, strict=False)
    exact = [arm.values for data, arm in named if data.name != "reals" and arm.values is not None]
    if unwritten or not exact:
        return None
    return hashlib.sha256(
        b"".join(np.ascontiguousarray(values).tobytes() for values in exact)
    ).hexdigest()[:16]


def observed(observation: Observation) -> dict[str, Any]:
    """What the subject did, without the values."""
    if observation.kind != "answered":
        return {
            "ended": observation.kind,
            **observation.unanswered,
            "output": observation.last_output,
        }
    arm = observation.answers[0]
    if arm.error is not None:
        return {"error": arm.error, "message": arm.message}
    return {"shape": list(arm.shape or ()), "dtype": arm.dtype}


def subject_line(subject: Mapping[str, Any], documentation: Mapping[str, str]) -> Line:
    """The subject, and each rule's sentence as found in its docstrings (None where it is no longer there)."""
    sentences = {
        rule.id: sentence(documentation.get(rule.symbol, ""), rule.phrase)
        for rule in RULES.values()
    }
    return {
        "type": "subject",
        "key": subject_key(subject),
        "subject": dict(subject),
        "sentences": sentences,
    }
