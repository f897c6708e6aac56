"""Names of exceptions, warnings and signals that a case file may give without a module."""

from __future__ import annotations

import builtins
import signal
from collections.abc import Sequence

# The classes of tf.errors, unchanged since TensorFlow 1.15, the errors of AutoGraph,
# and that of TensorFlow Lite's converter.
_TENSORFLOW = """
    Aborted AlreadyExists AutoGraph Cancelled Conversion Converter DataLoss DeadlineExceeded
    FailedPrecondition InaccessibleTensor Internal InvalidArgument NotFound Op
    OperatorNotAllowedInGraph OutOfRange PermissionDenied ResourceExhausted Staging
    Unauthenticated Unavailable Unimplemented Unknown
"""
TENSORFLOW = tuple(f"{name}Error" for name in _TENSORFLOW.split())
_CLASSES = [value for value in vars(builtins).values() if isinstance(value, type)]
_PYTHON = [value for value in _CLASSES if issubclass(value, BaseException)]
WARNINGS = tuple(cls.__name__ for cls in _PYTHON if issubclass(cls, Warning))
ERRORS = (*TENSORFLOW, *(cls.__name__ for cls in _PYTHON if not issubclass(cls, Warning)))
SIGNALS = tuple(one.name for one in signal.Signals)
_OWN_MODULES = ("tf.errors.", "builtins.")


def own_name(name: str) -> str:
    """Return the name of a class without its module, as an observation has it."""
    return name.rpartition(".")[2]


def is_known(name: str, known: Sequence[str]) -> bool:
    """Return whether a name is known, or has a module, whose classes cannot be looked up."""
    if "." in name and not name.startswith(_OWN_MODULES):
        return True
    return own_name(name) in known


def written_name(name: str, known: Sequence[str]) -> str:
    """Return the name of an observed class for a case file.

    A class that is not known needs a module, but the observation does not have it.
    """
    return name if name in known else f"other.{name}"
