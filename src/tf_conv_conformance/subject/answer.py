"""Messages of the worker → plain values, checked: a worker gone wrong may send anything."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any

import numpy as np

from tf_conv_conformance import ConformanceError
from tf_conv_conformance.subject.observation import Answer, Observation, Warned

FACTS = (
    "tensorflow",
    "git_version",
    "python",
    "numpy",
    "keras",
    "platform",
    "machine",
    "cpu",
    "onednn",
    "device",
    "environment",
)
STORED_AS = {"bfloat16": "uint16", "string": None}
"""How NumPy names what holds a dtype, where that is another name; None where it is not known."""


class ProtocolError(ConformanceError):
    """A message that the protocol does not have; the text says what is wrong with it."""


def greeting(head: Any) -> tuple[dict[str, Any], dict[str, str]]:
    """The subject and the docstrings in a worker's first message. Raises :class:`ProtocolError`."""
    if (
        not isinstance(head, dict)
        or not isinstance(head.get("subject"), dict)
        or not isinstance(head.get("documentation"), dict)
    ):
        raise ProtocolError("the first message is no greeting")
    if lacking := [name for name in FACTS if name not in head["subject"]]:
        raise ProtocolError(f"the greeting lacks {lacking[0]}")
    return head["subject"], head["documentation"]


def observation_of(head: Any, arrays: Sequence[np.ndarray], count: int) -> Observation:
    """Return the observation in an answer of `count` arms, or in a fault of the worker. Raises :class:`ProtocolError`."""
    if isinstance(head, dict) and head.get("type") == "fault":
        return Observation("suite error", last_output=str(head.get("message")))
    return Observation("answered", arms_of(head, arrays, count), float(head["seconds"]))


def arms_of(head: Any, arrays: Sequence[np.ndarray], count: int) -> tuple[Answer, ...]:
    """The `count` arms in an answer, each value with its array. Raises :class:`ProtocolError`."""
    if (
        not isinstance(head, dict)
        or head.get("type") != "answer"
        or not isinstance(head.get("seconds"), int | float)
    ):
        raise ProtocolError("the message is no answer")
    told = head.get("arms")
    if (
        not isinstance(told, list)
        or len(told) != count
        or not all(isinstance(arm, dict) for arm in told)
    ):
        raise ProtocolError(f"the answer has not the {count} arms of the call")
    rest = list(arrays)
    arms = tuple(_arm(arm, rest) for arm in told)
    if rest:
        raise ProtocolError(f"{len(rest)} arrays belong to no arm")
    return arms


def printed_in(head: Mapping[str, Any]) -> int | None:
    """How many bytes the worker says it had printed when it sent this; None where it says nothing usable."""
    told = head.get("printed")
    return told if isinstance(told, int) and told >= 0 else None


@lru_cache(maxsize=64)
def _name(dtype: np.dtype[Any]) -> str:
    return dtype.name


def _arm(told: Mapping[str, Any], rest: list[np.ndarray]) -> Answer:
    try:
        warned = tuple(
            Warned(str(one["category"]), str(one["message"])) for one in told["warnings"]
        )
        if told["status"] != "value":
            return Answer(
                error=str(told["error"]),
                bases=tuple(map(str, told["bases"])),
                message=str(told["message"]),
                warnings=warned,
            )
        dtype, shape = str(told["dtype"]), list(told["shape"])
    except (KeyError, TypeError) as error:
        raise ProtocolError(f"an arm lacks {error}") from error
    if not rest:
        raise ProtocolError("an arm has no array")
    array = rest.pop(0)
    stored = STORED_AS.get(dtype, dtype)
    if list(array.shape) != shape or (stored is not None and _name(array.dtype) != stored):
        raise ProtocolError(
            f"an array is {array.dtype.name} of shape {list(array.shape)}, and was said to be {dtype} of shape {shape}"
        )
    return Answer(values=array, dtype=dtype, warnings=warned)
