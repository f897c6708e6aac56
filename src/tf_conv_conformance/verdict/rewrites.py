"""Check that TensorFlow made the operations of a graph that a case is about."""

from __future__ import annotations

from dataclasses import replace

from tf_conv_conformance.casefile.call import Call
from tf_conv_conformance.convolution.arguments import CASTS
from tf_conv_conformance.convolution.names import GRAPH_MODES
from tf_conv_conformance.subject.observation import Observation
from tf_conv_conformance.verdict.verdict import Verdict

REWRITTEN = {**CASTS, "NCHW_TO_NHWC": "NHWC"}
"""What an optimizer makes of a convolution, by its name."""


def with_rewrites(verdict: Verdict, call: Call, observation: Observation) -> Verdict:
    """Return the verdict on a call, which is vacuous if the graph has none of what it claims."""
    answers = [answer for answer in observation.answers if answer.error is None]
    if call.mode not in GRAPH_MODES or call.relation is not None or not answers:
        return verdict
    operations = answers[0].operations
    wanted = _missing(call, operations or ())
    if wanted is None:
        return verdict
    reason = f"the case claims {wanted}, but {operations_text(operations)}"
    return replace(verdict, kind="vacuous", reason=reason)


def _missing(call: Call, operations: tuple[str, ...]) -> str | None:
    """Return what a case claims and a graph does not have; None if it has everything."""
    claimed, optimizer = call.case.rewrites, call.arguments.optimizer
    if claimed and not any(is_among(one, operations) for one in claimed):
        return " or ".join(claimed)
    if optimizer is None:
        return None
    form = f" in {REWRITTEN[optimizer]}"
    is_made = any("Conv" in one and one.endswith(form) for one in operations)
    return None if is_made else f"a convolution{form}"


def is_among(claimed: str, operations: tuple[str, ...]) -> bool:
    """Return whether a graph has an operation, with whatever is fused into it if that is open."""
    names = [one.partition(" in ")[0] for one in operations]
    names = names if "(" in claimed else [one.partition("(")[0] for one in names]
    return claimed.replace(" ", "") in [one.replace(" ", "") for one in names]


def operations_text(operations: tuple[str, ...] | None) -> str:
    """Return which operations the executed graph had, in a few words."""
    if not operations:
        return "this TensorFlow does not report the operations of the executed graph"
    return f"the executed graph has {', '.join(dict.fromkeys(operations))}"
