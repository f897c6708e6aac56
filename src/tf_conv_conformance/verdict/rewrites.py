"""Check that TensorFlow made the operations of a graph that a case is about."""

from __future__ import annotations

from dataclasses import replace

from tf_conv_conformance.casefile.call import Call
from tf_conv_conformance.convolution.names import GRAPH_MODES
from tf_conv_conformance.subject.observation import Observation
from tf_conv_conformance.verdict.verdict import Verdict


def with_rewrites(verdict: Verdict, call: Call, observation: Observation) -> Verdict:
    """Return the verdict on a call, which is vacuous if the graph has none of what it claims."""
    claimed = call.case.rewrites
    if not claimed or call.mode not in GRAPH_MODES or call.relation is not None:
        return verdict
    answers = [answer for answer in observation.answers if answer.error is None]
    if not answers or any(is_among(one, answers[0].operations or ()) for one in claimed):
        return verdict
    wanted = f"the case claims {' or '.join(claimed)}"
    executed = operations_text(answers[0].operations)
    return replace(verdict, kind="vacuous", reason=f"{wanted}, but {executed}")


def is_among(claimed: str, operations: tuple[str, ...]) -> bool:
    """Return whether a graph has an operation, with whatever is fused into it if that is open."""
    names = operations if "(" in claimed else [one.partition("(")[0] for one in operations]
    return claimed.replace(" ", "") in [one.replace(" ", "") for one in names]


def operations_text(operations: tuple[str, ...] | None) -> str:
    """Return which operations the executed graph had, in a few words."""
    if not operations:
        return "this TensorFlow does not report the operations of the executed graph"
    return f"the executed graph has {', '.join(dict.fromkeys(operations))}"
