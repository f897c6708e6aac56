"""Subjects by name: which interpreter, with which environment, runs the TensorFlow under test."""

from __future__ import annotations

import re
import shlex
import sys
from dataclasses import dataclass
from pathlib import Path

from tf_conv_conformance import ConformanceError

FORM = "NAME = [VARIABLE=value …] [threads=N] [device=CPU:0] COMMAND"
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._]*")
_GIVEN = re.compile(r"([A-Za-z_][A-Za-z0-9_]*)=(.*)", re.S)
_VARIABLE = re.compile(r"[A-Z_][A-Z0-9_]*")
_UNNAMED = re.compile(r"\s*([A-Z_][A-Z0-9_]*|threads|device)=")
"""How a definition begins whose name was forgotten. A name in capitals needs a space before its `=`."""
_DEVICE = re.compile(r"(CPU|GPU):[0-9]+")


class SubjectDefinitionError(ConformanceError):
    """Text that defines no subject; the message says what would."""


@dataclass(frozen=True)
class Definition:
    """How a subject is started. The one without a name is that of this interpreter; `threads` and `device` are TensorFlow's own if None."""

    name: str = ""
    command: tuple[str, ...] = (sys.executable,)
    environment: tuple[tuple[str, str], ...] = ()
    threads: int | None = None
    device: str | None = None


DEFAULT = Definition()


def define(text: str, folder: Path) -> Definition:
    """The subject in a line of the form :data:`FORM`; a relative path to an interpreter is relative to `folder`. Raises :class:`SubjectDefinitionError`.

    The command is an interpreter, with a command before it where there is one (``nice python3``, ``ssh host python3``), and this
    interpreter where none is given.
    """
    if given := _UNNAMED.match(text):
        raise SubjectDefinitionError(
            f"{text!r} lacks the subject's name; write 'NAME = {text.strip()}', with a NAME other than {given[1]}"
        )
    name, equals, rest = (part.strip() for part in text.partition("="))
    if not equals or not _NAME.fullmatch(name):
        raise SubjectDefinitionError(
            f"{text!r} defines no subject; the form is {FORM}, the name of letters, digits, '.' and '_'"
        )
    try:
        words = shlex.split(rest)
    except ValueError as error:
        raise SubjectDefinitionError(f"{name}: {error} in {rest!r}") from error
    environment = []
    threads, device = None, None
    while words and (given := _GIVEN.fullmatch(words[0])):
        words.pop(0)
        if _VARIABLE.fullmatch(given[1]):
            environment.append((given[1], given[2]))
        elif given[1] == "threads" and given[2].isdecimal() and int(given[2]) > 0:
            threads = int(given[2])
        elif given[1] == "device" and _DEVICE.fullmatch(given[2]):
            device = given[2]
        else:
            raise SubjectDefinitionError(
                f"{name}: {given[0]!r} is neither threads=N, of 1 and more, nor device=CPU:0 or GPU:0, nor a VARIABLE=value"
            )
    return Definition(name, tuple(located(words, folder)), tuple(environment), threads, device)


def located(words: list[str], folder: Path) -> list[str]:
    """A command with the path of its program made absolute; this interpreter for none."""
    if not words:
        return [sys.executable]
    program = Path(words[0]).expanduser()
    return [str(folder / program) if len(program.parts) > 1 else words[0], *words[1:]]
