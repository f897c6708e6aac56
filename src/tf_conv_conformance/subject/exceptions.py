"""Convert exceptions from TensorFlow to plain values. Runs in the worker, on Python 3.7."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

MESSAGE_LIMIT = 4000  # characters of a message that are kept
ADDRESS = re.compile(r"0x[0-9a-fA-F]{6,}")
_CARET = r"(?:.*\n[ \t]*\^[ \t]*(?:\n|\Z))?"
# Parts of a message that name a node, an address or a place in a file, but not the reason.
_NOISE = [
    (re.compile(r"\x1b\[[0-9;]*m"), ""),
    (re.compile(r"^Exception encountered when calling [^\n]*\n+"), ""),  # Keras, around the reason
    (re.compile(r"\n+Arguments received by .*\Z", re.S), ""),
    (re.compile(r"^in user code:\n.*\n(?=\s*\w+(Error|Exception): )", re.S), ""),
    (re.compile(r"^\s*File \"[^\"\n]*\", line \d+, in .*\n", re.M), ""),
    # Of a converter's messages: where a call comes from, each with the source and a caret below.
    (re.compile(r"^\S+:\d+:\d+: note: called from.*\n?" + _CARET, re.M), ""),
    (re.compile(r"^\S+:\d+(?::\d+)?: ((?:error|note): .*\n?)" + _CARET, re.M), r"\1"),
    (re.compile(r"\{\{(?:function_node|node) [^}]*\}\}\s*"), ""),
    (re.compile(r"Detected at node .*?(?:\n(?=\n)|(?:\nNode: [^\n]*)+|\Z)", re.S), ""),
    (re.compile(r"\s*\[\[.*?\]\]", re.S), ""),
    (re.compile(r"\s*\[Op:[^\]]*\]"), ""),
    (re.compile(r"\s+name:\s*\w*\s*\Z"), ""),
    (re.compile(r"\s*Stack trace for op definition:.*\Z", re.S), ""),
    (re.compile(r"\s*;?\s*NodeDef: .*\Z", re.S), ""),
    (re.compile(r"\s*tf2xla conversion failed while converting .*\Z", re.S), ""),
    (re.compile(r"goo\.gle/debug(?:str|proto|only)\s*"), ""),
    (ADDRESS, "0x…"),
]


class RaisedError(Exception):
    """TensorFlow raised an exception. Any other exception is a fault of the worker."""

    def __init__(self, error: Exception) -> None:
        super().__init__(str(error))
        self.error = error


class NotRetracedError(Exception):
    """A function cannot be called with tensors of other shapes; the message says why."""


class WorkerError(Exception):
    """The worker cannot make a call; the message says why. Says nothing about TensorFlow."""


class SettingError(Exception):
    """The subject cannot have a setting of its definition; the message says why."""


def check_device(device: str, there: list[str]) -> None:
    """Raise :class:`SettingError` for a device that is not there.

    Libraries may place calls elsewhere without a word: TensorFlow's soft placement does.
    """
    if device not in there:
        message = "there is no device {}; its devices are: {}".format(device, ", ".join(there))
        raise SettingError(message)


def observed(function: Callable[..., Any], *arguments: Any, **keywords: Any) -> Any:
    """Call TensorFlow. Raises :class:`RaisedError` for any exception from it."""
    try:
        return function(*arguments, **keywords)
    except WorkerError:
        raise
    except Exception as error:
        raise RaisedError(error) from error


def clean_message(message: str, error: str) -> str:
    """Return the message of an exception of class `error` in a form that every run has in common.

    Names of nodes, addresses and traces are removed.
    """
    for pattern, replacement in _NOISE:
        message = pattern.sub(replacement, message)
    lines = [line.strip() for line in message.strip().splitlines() if line.strip()]
    cleaned = "\n".join(lines)
    if cleaned.startswith(error + ": "):
        cleaned = cleaned[len(error) + 2 :]
    return cleaned[:MESSAGE_LIMIT]


def class_names(tf: Any, error: BaseException) -> list[str]:
    """Return the names of an exception's classes, and of the TensorFlow error that it replaces.

    While TensorFlow builds a graph, it re-raises InvalidArgumentError as ValueError. `tf` is None
    if the exception is not from TensorFlow.
    """
    names: list[str] = []
    replaced = tf.errors.OpError if tf is not None else ()
    link: BaseException | None = error
    while link is not None and len(names) < 50:
        if link is error or isinstance(link, replaced):
            bases = (base for base in type(link).__mro__ if base not in _GENERAL)
            names += [base.__name__ for base in bases]
        link = link.__cause__ or link.__context__
    return list(dict.fromkeys(names))


_GENERAL = (object, BaseException, Exception)


def raised_arm(tf: Any, error: Exception) -> dict[str, Any]:
    """Return an arm of an answer for an exception from TensorFlow, without warnings."""
    name = type(error).__name__
    message = clean_message(str(error), name)
    return {"status": "error", "error": name, "bases": class_names(tf, error), "message": message}
