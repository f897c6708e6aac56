"""Define subjects: which interpreter runs TensorFlow, and in which environment."""

from __future__ import annotations

import os
import re
import shlex
import sys
from dataclasses import dataclass
from pathlib import Path

from tf_conv_conformance import ConformanceError

FORM = "NAME = [VARIABLE=value …] [threads=N] [deterministic=true] [device=CPU:0] COMMAND"
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._]*")
_GIVEN = re.compile(r"([A-Za-z_][A-Za-z0-9_]*)=(.*)", re.S)
_VARIABLE = re.compile(r"[A-Z_][A-Z0-9_]*")
_UNNAMED = re.compile(r"\s*([A-Z_][A-Z0-9_]*|threads|deterministic|device)=")
"""Matches a definition without a name. A name in capitals needs a space before its `=`."""
_DEVICE = re.compile(r"(CPU|GPU):[0-9]+")


class SubjectDefinitionError(ConformanceError):
    """A definition of a subject is invalid; the message says how to write it."""


@dataclass(frozen=True)
class Definition:
    """How to start a subject, by default the TensorFlow of this interpreter.

    If `threads` or `device` is None, TensorFlow chooses it. A `deterministic` subject has
    TensorFlow's op determinism enabled.
    """

    name: str = ""
    command: tuple[str, ...] = (sys.executable,)
    environment: tuple[tuple[str, str], ...] = ()
    threads: int | None = None
    device: str | None = None
    deterministic: bool = False

    @property
    def library(self) -> str:
        """The library under test, in words."""
        return f"Keras on {self._backend}" if self._backend else "TensorFlow"

    @property
    def packages(self) -> str:
        """The packages to install for the library under test."""
        if self._backend is None:
            return "tensorflow, or a build of your own"
        return f"keras {self._backend}" if self._backend in ("jax", "torch") else "keras"

    @property
    def _backend(self) -> str | None:
        """The backend of Keras if that is under test without TensorFlow; see keras_subject.py."""
        backend = {**os.environ, **dict(self.environment)}.get("KERAS_BACKEND", "")
        return backend if backend not in ("", "tensorflow") else None


DEFAULT = Definition()


def define(text: str, folder: Path) -> Definition:
    """Parse a line of the form :data:`FORM`.

    The command is an interpreter, which may follow other words (``nice python3``, ``ssh host
    python3``). Without a command, it is this interpreter. A relative path is relative to `folder`.
    Raises :class:`SubjectDefinitionError`.
    """
    if given := _UNNAMED.match(text):
        example = f"'NAME = {text.strip()}', with a NAME other than {given[1]}"
        raise SubjectDefinitionError(f"{text!r} has no name for the subject; write {example}")
    name, equals, rest = (part.strip() for part in text.partition("="))
    if not equals or not _NAME.fullmatch(name):
        form = f"expected {FORM}, with a NAME of letters, digits, '.' and '_'"
        raise SubjectDefinitionError(f"{text!r} does not define a subject; {form}")
    try:
        words = shlex.split(rest)
    except ValueError as error:
        raise SubjectDefinitionError(f"{name}: {error} in {rest!r}") from error
    environment = []
    threads, device, deterministic = None, None, False
    while words and (given := _GIVEN.fullmatch(words[0])):
        words.pop(0)
        if _VARIABLE.fullmatch(given[1]):
            environment.append((given[1], given[2]))
        elif given[1] == "threads" and given[2].isdecimal() and int(given[2]) > 0:
            threads = int(given[2])
        elif given[0] == "deterministic=true":
            deterministic = True
        elif given[1] == "device" and _DEVICE.fullmatch(given[2]):
            device = given[2]
        else:
            settings = "threads=N with N of at least 1, deterministic=true, device=CPU:0"
            form = f"expected {settings}, or VARIABLE=value"
            raise SubjectDefinitionError(f"{name}: {given[0]!r} is not a setting; {form}")
    command = tuple(located(words, folder))
    return Definition(name, command, tuple(environment), threads, device, deterministic)


def located(words: list[str], folder: Path) -> list[str]:
    """Make the path of a command's program absolute. An empty command is this interpreter."""
    if not words:
        return [sys.executable]
    program = Path(words[0]).expanduser()
    return [str(folder / program) if len(program.parts) > 1 else words[0], *words[1:]]
