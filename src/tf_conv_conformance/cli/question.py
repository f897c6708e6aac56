"""The call that a command is about: options, or Python code that is shown as it was read."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from rich.console import Console
from rich.text import Text

from tf_conv_conformance.casefile.writer import WrittenCase, flow
from tf_conv_conformance.cli.case_options import read_case
from tf_conv_conformance.cli.console import indented, pairs
from tf_conv_conformance.cli.pasted_case import PastedCase, read_pasted
from tf_conv_conformance.cli.python_call import is_code


def read_question(to: Console, options: Mapping[str, str | None]) -> WrittenCase:
    """Return the case that the options describe. Print it if it was read from code.

    Raises ``OptionError``.
    """
    if not is_code(options["op"] or ""):
        return read_case(options)
    pasted = read_pasted(options)
    to.print(Text("The call as it was read", style="bold"))
    indented(to, pairs(*_rows(pasted)))
    to.print()
    return pasted.written


def _rows(pasted: PastedCase) -> Iterator[tuple[str, str]]:
    """Yield the keys of the case, and the arguments of the code that it leaves out."""
    yield from ((key, flow(value)) for key, value in pasted.written.case.items() if key != "id")
    if pasted.assumed is not None:
        yield "assumed", pasted.assumed
    for reason in dict.fromkeys(pasted.left_out.values()):
        names = [name for name, why in pasted.left_out.items() if why == reason]
        yield "left out", f"{', '.join(names)}: {reason}"
