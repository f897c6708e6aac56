"""The names of exceptions, warnings and signals that a case file may give without their module."""

from __future__ import annotations

import builtins
import signal
from collections.abc import Sequence

TENSORFLOW = (
    "AbortedError", "AlreadyExistsError", "CancelledError", "DataLossError", "DeadlineExceededError", "FailedPreconditionError",
    "InaccessibleTensorError", "InternalError", "InvalidArgumentError", "NotFoundError", "OpError", "OperatorNotAllowedInGraphError",
    "OutOfRangeError", "PermissionDeniedError", "ResourceExhaustedError", "UnauthenticatedError", "UnavailableError",
    "UnimplementedError", "UnknownError", "AutoGraphError", "ConversionError", "StagingError",
)  # fmt: skip
"""Those of ``tf.errors``, which have been the same since TensorFlow 1.15, and AutoGraph's, which it raises in graph and xla."""
_PYTHON = [
    one
    for one in vars(builtins).values()
    if isinstance(one, type) and issubclass(one, BaseException)
]
WARNINGS = tuple(one.__name__ for one in _PYTHON if issubclass(one, Warning))
ERRORS = (*TENSORFLOW, *(one.__name__ for one in _PYTHON if not issubclass(one, Warning)))
SIGNALS = tuple(one.name for one in signal.Signals)
_OWN = ("tf.errors.", "builtins.")


def own_name(name: str) -> str:
    """Return the name of a class without its module, which an observation does not have."""
    return name.rpartition(".")[2]


def is_known(name: str, known: Sequence[str]) -> bool:
    """Whether a name is one of those that are known, or a class of another module, which cannot be looked up."""
    return own_name(name) in known if name.startswith(_OWN) or "." not in name else True


def written_name(name: str, known: Sequence[str]) -> str:
    """Return the name of a class as a case file gives it; an observation has no module for one that is not known."""
    return name if name in known else f"other.{name}"
