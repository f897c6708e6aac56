"""The kinds of verdicts, and which of them pass or fail."""

from __future__ import annotations

from typing import Literal

Kind = Literal[
    "conforms", "refused", "deviates", "violates", "unexpected", "resolved",
    "unmeasured", "crashed", "timed out", "vacuous", "flaky", "suite error", "missing",
    "unsupported",
]  # fmt: skip
HOLDS = "TensorFlow does what it documents"
KINDS: dict[Kind, str] = {
    "conforms": "TensorFlow returned the documented result: shape, dtype, values",
    "refused": "TensorFlow raised an exception, as documented or as the case expects",
    "deviates": "TensorFlow did exactly what a deviation declares",
    "violates": "TensorFlow did not do what it documents, and no deviation declares what it did",
    "unexpected": f"{HOLDS}, but the case's `expect` says otherwise",
    "resolved": "TensorFlow now does what it documents: delete the declared deviation",
    "unmeasured": "as documented, and no run on such a subject has measured the declared deviation",
    "crashed": "the process died by a signal",
    "timed out": "no answer within the time limit",
    "vacuous": "the check proves nothing: a wrong result would also pass",
    "flaky": "the same call gave two different answers",
    "suite error": "the suite itself failed, which says nothing about TensorFlow",
    "missing": "planned, but no result was recorded",
    "unsupported": "the subject lacks what the case requires",
}
PASSING: frozenset[Kind] = frozenset({"conforms", "refused"})
FAILING: frozenset[Kind] = frozenset(KINDS) - PASSING - {"deviates", "unmeasured", "unsupported"}
