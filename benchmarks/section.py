"""The section of a page in docs/ that a benchmark writes: tables, and what was measured on."""

import argparse
import os
import platform
from collections.abc import Iterable, Sequence
from datetime import date
from importlib.metadata import packages_distributions, version
from pathlib import Path
from statistics import mean

from tf_conv_conformance.subject.host import cpu


def parser(description: str) -> argparse.ArgumentParser:
    """Return a parser of command lines on which a page may be named."""
    made = argparse.ArgumentParser(description=description.partition("\n")[0].partition(":")[0])
    made.add_argument("page", type=Path, nargs="?", help="also write the section of this page")
    return made


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return a table in Markdown: its first column holds words, the others figures."""
    rule = ["---", *["---:"] * (len(head) - 1)]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in (head, rule, *rows))


def spread(values: Sequence[float], form: str = ".2f") -> str:
    """Return the mean, and the least and the most if there are several."""
    least, most = min(values), max(values)
    return f"{mean(values):{form}}" + f" ({least:{form}} to {most:{form}})" * (len(values) > 1)


def _version(module: str) -> str:
    return version(packages_distributions()[module][0])


def machine() -> str:
    """Return what was measured on, and when."""
    versions = f"NumPy {_version('numpy')}, TensorFlow {_version('tensorflow')}"
    processor = f"{cpu()['name']}, {os.cpu_count()} cores"
    python = f"Python {platform.python_version()}"
    return f"Measured on {processor}, with {python}, {versions}, {date.today()}."


def replaced(page: str, program: str, content: str) -> str:
    """Return the page with this as the section of a program."""
    begin, end = (f"<!-- {edge}: benchmarks/{program} -->" for edge in ("begin", "end"))
    head, rest = page.split(begin)
    _, tail = rest.split(end)
    return f"{head}{begin}\n\n{content}\n\n{end}{tail}"


def publish(program: str, parts: Iterable[str], page: Path | None) -> None:
    """Print the section of a program, and write it to the page if there is one."""
    content = "\n\n".join([*parts, machine()])
    print(f"\n{content}")
    if page is not None:
        text = replaced(page.read_text(encoding="utf-8"), Path(program).name, content)
        page.write_text(text, encoding="utf-8")
