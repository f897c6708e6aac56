"""Makes the lines of a record file from calls, verdicts and observations."""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict
from typing import Any, cast

import numpy as np

from tf_conv_conformance.casefile.call import Call
from tf_conv_conformance.casefile.scope import problems
from tf_conv_conformance.casefile.writer import case_text
from tf_conv_conformance.convolution.arguments import to_record
from tf_conv_conformance.convolution.names import MODES_OF_SHAPES, RelationName
from tf_conv_conformance.prediction.exclusions import codes
from tf_conv_conformance.prediction.models import DOCUMENTED
from tf_conv_conformance.prediction.predict import Outcome, Prediction, Refuses, predict
from tf_conv_conformance.prediction.relations import is_across_subjects
from tf_conv_conformance.prediction.rules.catalogue import RULES, exercised
from tf_conv_conformance.prediction.rules.sentences import sentence
from tf_conv_conformance.records.heatmap import heat
from tf_conv_conformance.records.schema import (
    ArmRecord,
    CallLine,
    CaseLine,
    DeviationRecord,
    EndLine,
    ObservedRecord,
    PlanLine,
    PredictedRecord,
    SubjectLine,
    SubjectRecord,
    WarningRecord,
)
from tf_conv_conformance.subject.observation import Observation
from tf_conv_conformance.verdict.explanation import explaining_model, from_formula
from tf_conv_conformance.verdict.verdict import Verdict

YAML_LIMIT = 4000  # characters of a case that a record quotes


def plan(calls: Iterable[tuple[str, str, Call]]) -> Iterator[PlanLine]:
    """Yield the lines of a plan of (id, case file, call): each case once, before its first call."""
    seen: set[str] = set()
    for identifier, file, call in calls:
        key = f"{file}::{call.case.id}"
        if key not in seen:
            seen.add(key)
            yield case_line(key, file, call)
        yield call_line(identifier, key, call)


def case_line(key: str, file: str, call: Call) -> CaseLine:
    """Return the line of a call's case, with what readers of the report want to know of it."""
    case, (defaults, written) = call.case, call.written
    keys = {name: value for name, value in written.items() if name != "deviations"}
    deviations = [deviation.model_dump(exclude_defaults=True) for deviation in case.deviations]
    return {
        "type": "case",
        "key": key,
        "file": file,
        "line": call.line,
        "id": case.id,
        "yaml": case_text(keys, written.get("deviations", ()), defaults)[:YAML_LIMIT],
        "notes": case.notes,
        "references": cast(list[str], case.references or []),
        "problems": len(problems(case.scope)) if case.scope else None,
        "expect": json_safe(case.plain_expect),
        "deviations": cast(list[DeviationRecord], deviations),
    }


def call_line(identifier: str, case: str, call: Call) -> CallLine:
    """Return the line of a planned call: what it takes to repeat it, and what is predicted.

    Nothing is predicted if the suite fails to predict it. The test of the call reports why.
    """
    try:
        rules, prediction = _rules(call), predicted(call)
    except Exception:  # of one call, which must not end the run
        rules, prediction = [], {"refuses": None, "shape": None}
    return {
        "type": "call",
        "id": identifier,
        "hash": call.content_hash,
        "case": case,
        "mode": call.mode,
        "relation": cast(RelationName | None, call.relation),
        "arguments": json_safe(to_record(call.arguments)),
        "rules": rules,
        "predicted": prediction,
    }


def _rules(call: Call) -> list[str]:
    """Return the ids of the rules that a call exercises in its mode."""
    known = [knows for knows, modes in MODES_OF_SHAPES.items() if call.mode in modes]
    return [
        rule.id
        for rule in exercised(call.arguments)
        if rule.knows is None or (rule.knows in known and call.relation is None)
    ]


def json_safe(value: Any) -> Any:
    """Return a value with infinities and NaN as text, for which JSON has no numbers."""
    if isinstance(value, dict):
        return {key: json_safe(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [json_safe(item) for item in value]
    return str(value) if isinstance(value, float) and not math.isfinite(value) else value


def predicted(call: Call) -> PredictedRecord:
    """Return the rules that refuse the call, and the shape that the formula gives in any case."""
    prediction = predict(call.arguments)
    documented = prediction.documented
    return {
        "refuses": list(documented.because) if isinstance(documented, Refuses) else None,
        "shape": _shape(prediction.outcome(DOCUMENTED)),
    }


def _shape(outcome: Outcome) -> list[int] | None:
    return None if isinstance(outcome, Refuses) else list(outcome.shape)


def end_line(
    identifier: str,
    call: Call,
    prediction: Prediction,
    verdict: Verdict,
    observation: Observation | None,
    subject: str | None,
) -> EndLine:
    """Return the line of a call's end; without an `observation` the call was not made."""
    arms = [asdict(arm) for arm in prediction.arms]
    line: EndLine = {
        "type": "end",
        "id": identifier,
        "subject": subject,
        "verdict": verdict.kind,
        "reason": verdict.reason,
        "rules": list(verdict.rules),
        "data": cast(list[ArmRecord], arms),
    }
    if verdict.excluded is not None:
        line["excludes"] = codes(verdict.excluded)
    if verdict.by_expect:
        line["by_expect"] = True
    if observation is not None:
        line["observed"] = observed(observation)
        line["digest"] = digest(call, prediction, observation)
        _add_difference(line, call, prediction, verdict, observation)
        line["warnings"] = _warnings(observation)
        line["seconds"] = observation.seconds
    return line


def suite_error_line(
    identifier: str, verdict: Verdict, observation: Observation | None, subject: str | None
) -> EndLine:
    """Return the line of a call that the suite failed to judge, with what was observed."""
    line: EndLine = {
        "type": "end",
        "id": identifier,
        "subject": subject,
        "verdict": verdict.kind,
        "reason": verdict.reason,
        "rules": [],
        "data": [],
    }
    if observation is not None:
        line["observed"] = observed(observation)
        line["warnings"] = _warnings(observation)
        line["seconds"] = observation.seconds
    return line


def _warnings(observation: Observation) -> list[WarningRecord]:
    return [
        {"category": warning.category, "message": warning.message}
        for warning in observation.warnings
    ]


def _add_difference(
    line: EndLine,
    call: Call,
    prediction: Prediction,
    verdict: Verdict,
    observation: Observation,
) -> None:
    """Add how a result differs from the documented formula, and the model that explains it."""
    if verdict.difference is None or call.relation is not None:
        by = "in the other subject" if is_across_subjects(call.relation) else "stated"
        line["difference"] = verdict.difference.text(by) if verdict.difference else None
        return
    line["explained"] = explaining_model(prediction, observation, call.mode)
    if verdict.kind == "unexpected":  # TensorFlow follows the formula; the `expect` differs
        line["difference"] = verdict.difference.text("expected")
        return
    difference = from_formula(prediction, verdict, observation)
    line["difference"] = difference.text() if difference else None
    if difference is not None and difference.distance is not None:
        place = difference.largest_at
        line["largest"] = difference.largest
        line["ulp"] = difference.ulp
        line["largest_at"] = None if place is None else list(place)
        line["heat"] = heat(difference.distance, prediction.arguments)


def digest(call: Call, prediction: Prediction, observation: Observation) -> str | None:
    """Return a hash of the bits of the exact arms, to compare with another run's.

    None if the values are uninitialised memory or are not exact sums.
    """
    uninitialised = any(
        applied.deviation.observed.values is not None for applied in call.deviations
    )
    named = zip(prediction.arms, observation.answers, strict=False)
    exact = [arm.values for data, arm in named if data.name != "reals" and arm.values is not None]
    if uninitialised or not exact:
        return None
    content = b"".join(np.ascontiguousarray(values).tobytes() for values in exact)
    return hashlib.sha256(content).hexdigest()[:16]


def observed(observation: Observation) -> ObservedRecord:
    """Return what the subject did, without the values."""
    if observation.kind != "answered":
        record: ObservedRecord = {"ended": observation.kind, "output": observation.last_output}
        record.update(cast(ObservedRecord, observation.unanswered))
        return record
    first = observation.answers[0]
    if first.error is not None:
        return {"error": first.error, "message": first.message}
    value: ObservedRecord = {"shape": list(first.shape or ()), "dtype": str(first.dtype)}
    for name, shape in first.known.items():
        value[name] = list(shape) if isinstance(shape, tuple) else shape  # type: ignore[literal-required]
    if first.operations is not None:
        value["operations"] = list(first.operations)
    return value


def subject_line(subject: Mapping[str, Any], documentation: Mapping[str, str]) -> SubjectLine:
    """Return the line of a subject, with each rule's sentence in its docstrings if it is there."""
    sentences = {
        rule.id: sentence(documentation.get(rule.symbol, ""), rule.phrase)
        for rule in RULES.values()
    }
    return {
        "type": "subject",
        "key": subject_key(subject),
        "subject": cast(SubjectRecord, dict(subject)),
        "sentences": sentences,
    }


def subject_key(subject: Mapping[str, Any]) -> str:
    """Return a short name for a subject that is the same in every process that runs it."""
    return hashlib.sha256(json.dumps(subject, sort_keys=True).encode()).hexdigest()[:12]
