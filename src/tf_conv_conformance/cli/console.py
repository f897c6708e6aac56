"""How commands print: a heading, and below it lines that a terminal wraps and a pipe gets plain."""

from __future__ import annotations

import codecs
import sys
import textwrap

from rich.console import Console, RenderableType
from rich.padding import Padding
from rich.status import Status
from rich.table import Table
from rich.text import Text

WIDTH = 120  # where there is no terminal to ask
INDENT = 2
PLAIN = {
    "●": "#",
    "○": "o",
    "·": ".",
    "×": "x",
    "…": "...",
    "–": "-",
    "→": "->",
}  # where the encoding has no other
GAP = 4  # between things side by side


def console() -> Console:
    """Standard output: colours and the terminal's width on a terminal, plain text of 120 columns elsewhere. Never takes text for markup."""
    if hasattr(sys.stdout, "reconfigure"):
        codecs.register_error("tf-conv-conformance", _plainly)
        sys.stdout.reconfigure(errors="tf-conv-conformance")
    found = _Console(markup=False, highlight=False, emoji=False)
    return (
        found
        if found.is_terminal
        else _Console(markup=False, highlight=False, emoji=False, width=WIDTH)
    )


class _Console(Console):
    """A console that leaves a closed pipe to its caller."""

    def on_broken_pipe(self) -> None:
        """Raise the ``BrokenPipeError`` again."""
        raise


def _plainly(error: UnicodeError) -> tuple[str, int]:
    """Something like the character that an encoding lacks."""
    assert isinstance(error, UnicodeEncodeError)
    return "".join(
        PLAIN.get(letter, "?") for letter in error.object[error.start : error.end]
    ), error.end


def working(on: str) -> Status:
    """Says on a terminal, beside what is printed, what takes its time."""
    return Console(stderr=True).status(on)


def heading(to: Console, title: str) -> None:
    """Begin a part of the output."""
    to.print()
    to.print(Text(title, style="bold"))


def indented(to: Console, what: RenderableType) -> None:
    """Print below a heading; into a pipe without the spaces that fill lines up."""
    if to.is_terminal:
        to.print(Padding.indent(what, INDENT))
        return
    with to.capture() as captured:
        to.print(Padding.indent(what, INDENT))
    verbatim(to, "\n".join(line.rstrip() for line in captured.get().splitlines()))


def verbatim(to: Console, text: str, indent: int = 0) -> None:
    """Text to copy: nothing around it, nothing wrapped."""
    to.print(Text(textwrap.indent(text.rstrip("\n"), " " * indent)), soft_wrap=True)


def pairs(*rows: tuple[str, str]) -> Table:
    """Names, and beside each what there is to say, which is wrapped on its own."""
    table = Table.grid(padding=(0, 2))
    table.add_column(no_wrap=True)
    table.add_column(overflow="fold")
    for name, text in rows:
        table.add_row(Text(name, style="dim"), Text(text))
    return table


def beside(*columns: tuple[str, RenderableType]) -> Table:
    """Things side by side, each under its title."""
    table = Table.grid(padding=(0, GAP))
    if any(title for title, _ in columns):
        table.add_row(*(Text(title, style="bold") for title, _ in columns))
    table.add_row(*(what for _, what in columns))
    return table
