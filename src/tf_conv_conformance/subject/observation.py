"""The observation of what a subject did with one call, as plain values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    import numpy as np

KnownShape = tuple[int | None, ...] | str | None
"""A shape with None for unknown sizes, None for an unknown rank, or the name of an exception."""
KNOWN_SHAPES = ("static", "symbolic", "computed")
"""Who knows the shape of a value before the call: a traced function, a layer that is called with
``keras.Input``, and its method ``compute_output_shape``."""


@dataclass(frozen=True)
class Warned:
    """A Python warning of a call: the name of its category, and its text."""

    category: str
    message: str


@dataclass(frozen=True)
class Answer:
    """What a call returned for one arm of data: a value with its dtype and shape, or an exception.

    `values` holds the bits of the value; bfloat16 is stored as uint16. `known` is what was known of
    its shape without it, by who knew it; see :data:`KNOWN_SHAPES`. `operations` are those of the
    graph that was executed, after TensorFlow's optimizations; None if they are not known. `bases`
    are the names of the exception's class, of its bases, and of the TensorFlow error that it
    replaces. A case may name any of them, since TensorFlow re-raises InvalidArgumentError as
    ValueError while it builds a graph.
    """

    values: np.ndarray | None = None
    dtype: str | None = None
    known: Mapping[str, KnownShape] = field(default_factory=dict)
    error: str | None = None
    bases: tuple[str, ...] = ()
    message: str = ""
    warnings: tuple[Warned, ...] = ()
    operations: tuple[str, ...] | None = None

    @property
    def shape(self) -> tuple[int, ...] | None:
        """The shape of the value, or None for an exception."""
        return None if self.values is None else tuple(int(size) for size in self.values.shape)


@dataclass(frozen=True)
class Observation:
    """What the subject did with a call: an answer for each arm of data, or why there is none.

    If there is no answer, one field says why. A process that died by a `signal` has crashed, and
    one that exceeded its `time_limit` (in seconds) has timed out. If a process ended with an
    `exit_status` or broke the protocol, this is a ``suite error``: the worker or its connection
    failed, which says nothing about TensorFlow. An exception in the worker is also a suite error.
    It has none of these fields, and its traceback is the `last_output`. In all other cases,
    `last_output` is the beginning and the end of what the process printed.
    """

    kind: Literal["answered", "crashed", "timed out", "suite error"]
    answers: tuple[Answer, ...] = ()
    seconds: float = 0.0
    signal: str | None = None
    exit_status: int | None = None
    time_limit: float | None = None
    protocol_error: str | None = None
    last_output: str = ""

    @property
    def unanswered(self) -> dict[str, str | int | float]:
        """The name of the field that says why there is no answer; empty if there is an answer."""
        names = ("signal", "exit_status", "time_limit", "protocol_error")
        return {name: value for name in names if (value := getattr(self, name)) is not None}

    @property
    def warnings(self) -> tuple[Warned, ...]:
        """The distinct warnings of all answers, in the order of their first occurrence."""
        return tuple(dict.fromkeys(one for answer in self.answers for one in answer.warnings))
