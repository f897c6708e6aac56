"""Who agrees with whom: the modes of a call, grouped by what they made of it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from tf_conv_conformance.convolution.names import CONVERTED_MODES, MODES, Mode
from tf_conv_conformance.records.outcome import A_VALUE, AN_ERROR, absent, outcome, why_no_value
from tf_conv_conformance.records.schema import EndLine

DOCUMENTED = "documented"
OTHER = "another result"
MODELS = {
    "documented": DOCUMENTED,
    "phase_strided": "in phases",
    "converted": "padded as SAME",
    "xnnpack": "only padding",
    "tf2onnx": "padded as the phases",
    "onnxruntime": "cropped",
}
"""The words for a result that a model explains."""
SAYS_LITTLE = ("vacuous", "flaky", "resolved")
"""The verdicts on a value that is as documented, or not, for a reason of its own."""


@dataclass(frozen=True)
class Group:
    """The modes that agree on a call, each with its end."""

    modes: tuple[Mode, ...]
    ends: tuple[EndLine, ...]

    @property
    def result(self) -> str:
        """What the modes made of the call, in a word or two."""
        return result(self.ends[0])


def result(end: EndLine) -> str:
    """Return what a call followed: the formula, a model, or something else; or its exception."""
    if outcome(end) != A_VALUE:
        return why_no_value(end) or end["verdict"]
    if end["verdict"] in SAYS_LITTLE:
        return end["verdict"]
    if end["verdict"] == "conforms":
        return "as expected" if end.get("by_expect") else DOCUMENTED
    explained = end.get("explained")
    return MODELS.get(explained, explained.replace("_", " ")) if explained else OTHER


def likenesses(made: Sequence[tuple[Mode, EndLine]]) -> list[tuple[object, ...]]:
    """Return, for each end, what is equal for ends that agree.

    If TensorFlow raises, all exceptions are alike: while a graph is built, it raises others than in
    eager mode. Otherwise those of converters and runtimes are alike by class and message.
    """
    found = [likeness(end) for _, end in made]
    if any(mode not in CONVERTED_MODES and outcome(end) == AN_ERROR for mode, end in made):
        return found
    observed = [end.get("observed", {}) for _, end in made]
    return [
        (*key, one["error"], one["message"]) if "error" in one else key
        for key, one in zip(found, observed, strict=True)
    ]


def likeness(end: EndLine) -> tuple[object, ...]:
    """Return what is equal for two ends that agree: values bit for bit unless they are explained.

    All exceptions are alike.
    """
    kind = outcome(end)
    if kind != A_VALUE:
        return (AN_ERROR,) if kind == AN_ERROR else (kind, why_no_value(end))
    shape, said = tuple(end["observed"]["shape"]), result(end)
    bits = None if said in MODELS.values() else end.get("digest")
    return kind, shape, said, bits


def agreement(made: Iterable[tuple[Mode, EndLine]]) -> list[Group]:
    """Return the groups of modes that agree, in the order of the modes.

    Modes without an outcome are left out.
    """
    groups: dict[tuple[object, ...], list[tuple[Mode, EndLine]]] = {}
    ordered = sorted(made, key=lambda one: MODES.index(one[0]))
    outcomes = [(mode, end) for mode, end in ordered if not absent(end)]
    for key, one in zip(likenesses(outcomes), outcomes, strict=True):
        groups.setdefault(key, []).append(one)
    return [
        Group(tuple(mode for mode, _ in group), tuple(end for _, end in group))
        for group in groups.values()
    ]


def modes_text(modes: Sequence[Mode], among: Sequence[Mode]) -> str:
    """Return modes in a few words: all that run TensorFlow, or all that are converted, are one."""
    words: list[str] = []
    for name, converted in (("TensorFlow", False), ("converted", True)):
        whole = [mode for mode in among if (mode in CONVERTED_MODES) == converted]
        own = [mode for mode in whole if mode in modes]
        words += [name] if len(own) > 1 and own == whole else own
    return ", ".join(words)
