"""The kinds of verdicts."""

from __future__ import annotations

from typing import Literal

Kind = Literal[
    "conforms", "refused", "deviates", "violates", "unexpected", "resolved",
    "crashed", "timed out", "vacuous", "flaky", "suite error", "missing", "unsupported",
]  # fmt: skip
KINDS: dict[Kind, str] = {
    "conforms": "a result was computed, and it is as documented: shape, dtype, values",
    "refused": "TensorFlow raised an exception, as documented or as the case expects",
    "deviates": "a declared deviation was observed exactly",
    "violates": "a rule or the oracle is contradicted, and no deviation says so",
    "unexpected": "TensorFlow does what it documents, and the case's `expect` differs",
    "resolved": "a deviation is declared, and the documentation holds: delete it",
    "crashed": "the process died by a signal",
    "timed out": "no answer within the time limit",
    "vacuous": "the check proved nothing: a wrong oracle predicts the same on this data",
    "flaky": "the same call gave two different answers",
    "suite error": "the suite itself failed, which says nothing about TensorFlow",
    "missing": "planned, but no result was recorded",
    "unsupported": "the subject lacks what the case requires",
}
PASSING: frozenset[Kind] = frozenset({"conforms", "refused"})
FAILING: frozenset[Kind] = frozenset(
    {
        "violates",
        "unexpected",
        "resolved",
        "crashed",
        "timed out",
        "vacuous",
        "flaky",
        "suite error",
        "missing",
    }
)
