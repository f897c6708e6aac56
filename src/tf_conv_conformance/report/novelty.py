"""Say that the cases were never measured on a kind of subject, and what differs there."""

from __future__ import annotations

from tf_conv_conformance.convolution.quantity import quantity
from tf_conv_conformance.records.measured import FILE, class_of
from tf_conv_conformance.records.reader import Records
from tf_conv_conformance.records.series import disagreement, library

HOW = "docs/processors.md"


def novelty(records: Records) -> str | None:
    """Return a sentence on a subject that is new to the cases; None if it is not."""
    new = [line["subject"] for line in records.subjects.values() if line.get("measured") is False]
    if not new:
        return None
    kind = class_of(new[0])
    count = sum(end["verdict"] == "unmeasured" for end in records.ends.values())
    if kind is None:
        why = disagreement(new[0]) or f"the instruction set of {library(new[0])} is unknown"
        sentences = [f"A subject of no kind on which cases can be measured: {why}"]
    else:
        sentences = [f"A new kind of subject: {kind.text}", f"{FILE} has no run on it"]
    if count:
        did = f"did as documented in {quantity(count, 'call')}, which passed as unmeasured"
        sentences.append(f"It {did} although a deviation is declared")
    if kind is not None:
        sentences.append(f"{HOW} says how to contribute the record file")
    return ". ".join(sentences)
