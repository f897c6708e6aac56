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
    name = kind.text if kind else disagreement(new[0]) or library(new[0])
    count = sum(end["verdict"] == "unmeasured" for end in records.ends.values())
    sentences = [
        f"A new kind of subject: {name}",
        f"{FILE} has no run on it",
        f"{HOW} says how to contribute the record file",
    ]
    if count:
        did = f"did as documented in {quantity(count, 'call')}, which passed as unmeasured"
        sentences.insert(2, f"It {did} although a deviation is declared")
    return ". ".join(sentences)
