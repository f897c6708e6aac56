"""Parse and check the messages of a worker, which may send anything if it is faulty."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from tf_conv_conformance.subject.errors import ProtocolError, SettingRefusedError
from tf_conv_conformance.subject.observation import (
    KNOWN_SHAPES,
    Answer,
    KnownShape,
    Observation,
    Warned,
)

FACTS = (
    "tensorflow", "git_version", "python", "numpy", "keras", "tflite", "litert", "onnxruntime",
    "tf2onnx", "platform", "machine", "cpu", "onednn", "onednn_version", "isa", "device",
    "environment",
)  # fmt: skip
GREETING = ("subject", "documentation")
STORED_AS = {"bfloat16": "uint16", "string": None}
"""NumPy's dtype for the array of a TensorFlow dtype, if it differs; None if it is not known."""


def greeting(head: Any) -> tuple[dict[str, Any], dict[str, str]]:
    """Return the subject and the docstrings in a worker's first message.

    Raises :class:`ProtocolError`, and :class:`SettingRefusedError`.
    """
    if _is_dict(head) and head.get("type") == "failed":
        kind = SettingRefusedError if head.get("installed") else ProtocolError
        raise kind(str(head.get("message")))
    if not _is_dict(head) or not all(_is_dict(head.get(name)) for name in GREETING):
        raise ProtocolError("the first message is not a greeting")
    if missing := [name for name in FACTS if name not in head["subject"]]:
        raise ProtocolError(f"the greeting has no {missing[0]!r}")
    return head["subject"], head["documentation"]


def observation_of(head: Any, arrays: Sequence[np.ndarray], count: int) -> Observation:
    """Return the observation in an answer for `count` arms, or in a report of the worker's fault.

    Raises :class:`ProtocolError`.
    """
    if _is_dict(head) and head.get("type") == "fault":
        return Observation("suite error", last_output=str(head.get("message")))
    return Observation("answered", _answers(head, arrays, count), float(head["seconds"]))


def _is_dict(value: Any) -> bool:
    return isinstance(value, dict)


def _answers(head: Any, arrays: Sequence[np.ndarray], count: int) -> tuple[Answer, ...]:
    is_answer = _is_dict(head) and head.get("type") == "answer"
    if not is_answer or not isinstance(head.get("seconds"), int | float):
        raise ProtocolError("the message is not an answer")
    arms = head.get("arms")
    if not isinstance(arms, list) or len(arms) != count or not all(map(_is_dict, arms)):
        raise ProtocolError(f"the answer does not have the {count} arms of the call")
    rest = list(arrays)
    answers = tuple(_answer(arm, rest) for arm in arms)
    if rest:
        raise ProtocolError(f"{len(rest)} arrays belong to no arm")
    return answers


def _answer(arm: Mapping[str, Any], rest: list[np.ndarray]) -> Answer:
    """Return the answer for one arm, and take its array, if any, from the remaining arrays."""
    try:
        warned = tuple(Warned(str(one["category"]), str(one["message"])) for one in arm["warnings"])
        if arm["status"] != "value":
            return Answer(
                error=str(arm["error"]),
                bases=tuple(map(str, arm["bases"])),
                message=str(arm["message"]),
                warnings=warned,
            )
        dtype, shape = str(arm["dtype"]), list(arm["shape"])
    except (KeyError, TypeError) as error:
        raise ProtocolError(f"an arm lacks {error}") from error
    if not rest:
        raise ProtocolError("an arm has no array")
    array = rest.pop(0)
    stored = STORED_AS.get(dtype, dtype)
    if list(array.shape) != shape or (stored is not None and array.dtype.name != stored):
        announced = f"{dtype} of shape {shape}"
        received = f"{array.dtype.name} of shape {list(array.shape)}"
        raise ProtocolError(f"expected an array of {announced}, as announced; got {received}")
    known = {name: _known(arm[name]) for name in KNOWN_SHAPES if name in arm}
    return Answer(array, dtype, known, warnings=warned, operations=_operations(arm))


def _operations(arm: Mapping[str, Any]) -> tuple[str, ...] | None:
    """Return the operations in an arm, if it has any. Raises :class:`ProtocolError`."""
    named = arm.get("operations")
    if named is None:
        return None
    if not isinstance(named, list) or not all(isinstance(one, str) for one in named):
        raise ProtocolError(f"{named!r} are not names of operations")
    return tuple(named)


def _known(shape: Any) -> KnownShape:
    """Return a known shape in an arm. Raises :class:`ProtocolError`."""
    if shape is None or isinstance(shape, str):
        return shape
    if not isinstance(shape, list) or not all(map(_is_size_or_unknown, shape)):
        raise ProtocolError(f"{shape!r} is not a known shape")
    return tuple(shape)


def _is_size_or_unknown(size: Any) -> bool:
    return size is None or (type(size) is int and size >= 0)
