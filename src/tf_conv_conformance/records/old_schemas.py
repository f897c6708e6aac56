"""Updates lines of record files that earlier versions of the suite wrote."""

from __future__ import annotations

import re

from tf_conv_conformance.records.schema import EndLine, ObservedRecord, SubjectLine
from tf_conv_conformance.subject import onednn

LEFT_OUT = "block"
"""A type of line in versions 2 and 3. It grouped calls that also have lines of their own."""
_TIME_LIMIT = re.compile(r"(\d{1,9}(?:\.\d{1,9})?) s")
_EXIT_STATUS = re.compile(r"exit status (-?\d{1,9})")
_PROTOCOL_ERROR = "ended for an answer that is none: "


def updated(line: EndLine) -> EndLine:
    """Return an end of version 2 or 3 as one of this version.

    In version 2, `signal` also held a time limit (``60 s``), an exit status (``exit status 3``) and
    a protocol error, and the verdict of the latter two was *crashed*. A call that was refused as
    documented was said to conform.
    """
    observed = line.get("observed", {})
    if "error" in observed and line["verdict"] == "conforms":
        return {**line, "verdict": "refused"}
    signal = observed.get("signal", "")
    rest: ObservedRecord = {**observed}
    rest.pop("signal", None)
    if limit := _TIME_LIMIT.fullmatch(signal):
        return {**line, "observed": {**rest, "time_limit": float(limit[1])}}
    if status := _EXIT_STATUS.fullmatch(signal):
        rest["exit_status"] = int(status[1])
    elif signal.startswith(_PROTOCOL_ERROR):
        rest["protocol_error"] = signal.removeprefix(_PROTOCOL_ERROR)
    else:
        return line
    verdict = "suite error" if line["verdict"] == "crashed" else line["verdict"]
    return {**line, "verdict": verdict, "observed": {**rest, "ended": "suite error"}}


def with_instruction_set(line: SubjectLine) -> SubjectLine:
    """Return a subject's line with the instruction set, which follows from the processor's flags.

    It does not if the environment limits oneDNN, or for SVE, whose flag does not say the size.
    """
    subject = line["subject"]
    limits = [name for name in onednn.LIMITS if name in subject["environment"]]
    if "isa" in subject or subject["tensorflow"] is None or limits:
        return line
    flags = subject["cpu"]["flags"]
    isa = None if "sve" in flags else onednn.of_flags(flags, subject["machine"])
    return {**line, "subject": {**subject, "isa": isa}}
