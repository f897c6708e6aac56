"""The outcome of a call in words, from the end that a record file has of it."""

from __future__ import annotations

from tf_conv_conformance.records.schema import CallLine, EndLine
from tf_conv_conformance.verdict.comparison import value_text

ABSENT = {"missing": "no result", "unsupported": "unsupported", "suite error": "suite error"}
"""Why a call with such a verdict has no outcome, by its verdict."""
A_VALUE, AN_ERROR = "a value", "an error"
AS_DOCUMENTED, NOT_RUN = "as documented", "not run"


def absent(end: EndLine | None) -> str | None:
    """Return why a call has no outcome to compare; None if it has one."""
    return "no result" if end is None else ABSENT.get(end["verdict"])


def outcome(end: EndLine) -> str:
    """Return a value, an error, crashed, timed out or suite error; nothing if no call was made."""
    observed = end.get("observed", {})
    if "shape" in observed:
        return A_VALUE
    return AN_ERROR if "error" in observed else observed.get("ended", "nothing")


def outcome_text(end: EndLine) -> str:
    """Return the outcome in a few words, with the dtype and shape of a value."""
    observed, kind = end.get("observed", {}), outcome(end)
    if kind == A_VALUE:
        return value_text(observed["dtype"], observed["shape"])
    why = why_no_value(end) or kind
    return why if kind in (AN_ERROR, why) else f"{kind} ({why})"


def why_no_value(end: EndLine) -> str | None:
    """Return what there is instead of a value, in two or three words; None if there is a value."""
    observed = end.get("observed", {})
    if "error" in observed:
        return observed["error"]
    if "exit_status" in observed:
        return f"exit status {observed['exit_status']}"
    if "protocol_error" in observed:
        return "protocol error"
    return observed.get("signal") or observed.get("ended")


def compared(call: CallLine, end: EndLine | None) -> str:
    """Return in a word or two how an outcome compares with the documentation."""
    if end is None or end["verdict"] == "unsupported":
        return NOT_RUN
    if end["verdict"] in ("conforms", "refused", "resolved", "unmeasured"):
        return AS_DOCUMENTED
    observed, predicted = end.get("observed", {}), call["predicted"]
    if "ended" in observed:
        return observed["signal"] if observed["ended"] == "crashed" else "no answer"
    if "error" in observed:
        return observed["error"]
    if predicted["shape"] not in (None, observed["shape"]):
        return "another shape"
    return "accepted" if predicted["refuses"] is not None else "other values"
