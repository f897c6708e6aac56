"""Print headings, and below them lines that wrap on a terminal and are plain in a pipe."""

from __future__ import annotations

import textwrap

from rich.console import Console, RenderableType
from rich.padding import Padding
from rich.status import Status
from rich.table import Table
from rich.text import Text

WIDTH = 120  # columns, if standard output is no terminal
INDENT = 2
GAP = 4  # columns between things side by side


class _Console(Console):
    """A console that leaves a closed pipe to its caller."""

    def on_broken_pipe(self) -> None:
        """Raise the ``BrokenPipeError`` again."""
        raise


def console() -> Console:
    """Return standard output, with colours and wrapped on a terminal; it interprets no markup."""
    made = _Console(markup=False, highlight=False, emoji=False)
    if not made.is_terminal:
        made.width = WIDTH
    return made


def working(text: str) -> Status:
    """Return a spinner with a text, which a terminal shows beside standard output."""
    return Console(stderr=True).status(text)


def heading(to: Console, title: str) -> None:
    """Print the heading of a part."""
    to.print()
    to.print(Text(title, style="bold"))


def indented(to: Console, content: RenderableType) -> None:
    """Print below a heading; into a pipe without spaces at the ends of lines."""
    if to.is_terminal:
        to.print(Padding.indent(content, INDENT))
        return
    with to.capture() as captured:
        to.print(Padding.indent(content, INDENT))
    verbatim(to, "\n".join(line.rstrip() for line in captured.get().splitlines()))


def verbatim(to: Console, text: str, indent: int = 0) -> None:
    """Print text to copy: unwrapped, with nothing around it."""
    to.print(Text(textwrap.indent(text.rstrip("\n"), " " * indent)), soft_wrap=True)


def pairs(*rows: tuple[str, str]) -> Table:
    """Return names with a text beside each, which wraps in its own column."""
    table = Table.grid(padding=(0, 2))
    table.add_column(no_wrap=True)
    table.add_column(overflow="fold")
    for name, text in rows:
        table.add_row(Text(name, style="dim"), Text(text))
    return table


def beside(*columns: tuple[str, RenderableType]) -> Table:
    """Return columns side by side, each under its title."""
    table = Table.grid(padding=(0, GAP))
    if any(title for title, _ in columns):
        table.add_row(*(Text(title, style="bold") for title, _ in columns))
    table.add_row(*(content for _, content in columns))
    return table
