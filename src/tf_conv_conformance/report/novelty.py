"""Say that the cases were never measured on a kind of subject, and what differs there."""

from __future__ import annotations

from tf_conv_conformance.convolution.quantity import quantity
from tf_conv_conformance.records.measured import FILE, class_of
from tf_conv_conformance.records.reader import Records
from tf_conv_conformance.records.series import disagreement, library

HOW = "`tf-conv-conformance docs processors`"


def novelty(records: Records) -> str | None:
    """Return a sentence on a subject that is new to the cases; None if it is not."""
    new = [line["subject"] for line in records.subjects.values() if line.get("measured") is False]
    if not new:
        return None
    kind = class_of(new[0])
    count = sum(end["verdict"] == "unmeasured" for end in records.ends.values())
    if kind is None:
        why = disagreement(new[0]) or f"the instruction set of {library(new[0])} is unknown"
        sentences = [f"{FILE} cannot have a run on this subject: {why}"]
    else:
        sentences = [f"A new kind of subject: {kind.text}", f"{FILE} has no run on it"]
    if count:
        calls = f"{quantity(count, 'call')} passed as unmeasured"
        sentences.append(f"{calls}: a deviation is declared, but TensorFlow did as documented")
    if kind is not None:
        sentences.append(f"{HOW} says how to contribute the record file")
    return ". ".join(sentences)
