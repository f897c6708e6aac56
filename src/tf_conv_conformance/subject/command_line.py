"""Write the command line and the environment with which a worker's interpreter starts."""

from __future__ import annotations

import json
import os
import shlex
from collections.abc import Sequence
from pathlib import Path

from tf_conv_conformance.subject.definition import Definition

# The environment is set here as well, since a command may start its interpreter in another one, as
# `docker exec` does. A worker has a TMPDIR of its own.
BOOTSTRAP = """import os
os.environ.update({environment!r})
program = b""
while len(program) < {length}:
    program += os.read(0, {length} - len(program)) or exit("the pipe ended")
exec(compile(program, "worker", "exec"), {{"__name__": "__main__"}})"""
_VALUED = "BbcDEeFIiJLlmOoPpQRSWw"
"""The options of ssh that have a value."""


def command(
    definition: Definition, memory: float | None, symbols: Sequence[str], length: int
) -> list[str]:
    """Return the command line that starts a worker, whose program has `length` bytes."""
    later = {name: value for name, value in definition.environment if name != "TMPDIR"}
    bootstrap = BOOTSTRAP.format(length=length, environment=later)
    names = ("threads", "device", "deterministic")
    settings = {**{name: getattr(definition, name) for name in names}, "memory": memory}
    added = ["-u", "-c", bootstrap, json.dumps({**settings, "symbols": list(symbols)})]
    words = list(definition.command)
    if not _is_remote(definition):
        return [*words, *added]
    # ssh passes the words after its host to a shell there
    first = _remote_command(words)
    variables = [shlex.quote(f"{name}={value}") for name, value in definition.environment]
    setting = ["env", *variables] if variables else []
    return [*words[:first], *setting, *words[first:], *map(shlex.quote, added)]


def environment(definition: Definition) -> dict[str, str]:
    """Return the environment in which that command line is started."""
    return {**os.environ, **({} if _is_remote(definition) else dict(definition.environment))}


def _is_remote(definition: Definition) -> bool:
    return Path(definition.command[0]).name == "ssh"


def _remote_command(words: Sequence[str]) -> int:
    """Return the number of the first word that ssh passes to the host.

    Options may precede and follow the host.
    """
    number = _without_options(words, 1)
    return _without_options(words, number + 1)


def _without_options(words: Sequence[str], number: int) -> int:
    """Return the number of the first word, from `number` on, that is no option of ssh."""
    while number < len(words) and words[number].startswith("-"):
        option = words[number][1:]
        number += 1
        if option == "-":
            break
        valued = next((at for at, letter in enumerate(option) if letter in _VALUED), None)
        if valued == len(option) - 1:  # the value is a word of its own
            number += 1
    return min(number, len(words))
