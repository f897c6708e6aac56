"""What the subject did with one call, as plain values."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    import numpy as np


@dataclass(frozen=True)
class Warned:
    """A Python warning that the call issued: the name of its category, and its text."""

    category: str
    message: str


@dataclass(frozen=True)
class Answer:
    """One arm of data through the call: a value with its dtype and shape, or an exception.

    `values` holds the bits that came back, bfloat16 as uint16; :func:`tf_conv_conformance.convolution.dtypes.as_numbers` reads them.
    `bases` are the names of the exception's class, of its bases, and of the TensorFlow error that it replaces, so that a case may
    name any of them: while a graph is built, TensorFlow raises InvalidArgumentError anew as ValueError.
    """

    values: np.ndarray | None = None
    dtype: str | None = None
    error: str | None = None
    bases: tuple[str, ...] = ()
    message: str = ""
    warnings: tuple[Warned, ...] = ()

    @property
    def shape(self) -> tuple[int, ...] | None:
        """The shape of the value, or None for an exception."""
        return None if self.values is None else tuple(int(size) for size in self.values.shape)


@dataclass(frozen=True)
class Observation:
    """What the subject did with a call: it answered (an arm for each set of data), or it did not.

    Just one field says why there is no answer. A process that died by a `signal` has crashed, and one that
    exceeded its `time_limit` (in seconds) has timed out. A process that ended with an `exit_status` or broke
    the protocol is a ``suite error``: that is the fault of the worker or of what connects it, and says nothing
    about TensorFlow. So is a fault that the worker caught; it has none of these fields, and its traceback is
    the `last_output`. Else that is the beginning and the end of what the process printed.
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
        """The field that says why there is no answer, by its name; empty if there is one."""
        names = ("signal", "exit_status", "time_limit", "protocol_error")
        return {name: value for name in names if (value := getattr(self, name)) is not None}

    @property
    def warnings(self) -> tuple[Warned, ...]:
        """The distinct warnings of all arms, in the order in which they first came."""
        return tuple(dict.fromkeys(warned for arm in self.answers for warned in arm.warnings))
