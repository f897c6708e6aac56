"""The command ``tf-conv-conformance``. The modules of a command are imported when it runs."""

from __future__ import annotations

import argparse
import os
import signal
import sys
from collections.abc import Sequence
from contextlib import suppress

from tf_conv_conformance.cli.encoding import replace_unencodable
from tf_conv_conformance.cli.parser import PROGRAM, parsed, parser


def complain(message: str) -> None:
    """Print an error."""
    print(f"{PROGRAM}: {message}", file=sys.stderr)


def run(arguments: argparse.Namespace) -> int:
    """Run the shipped cases."""
    from tf_conv_conformance.cli.run import run

    return run(arguments.pytest)


def report(arguments: argparse.Namespace) -> int:
    """Render record files as HTML."""
    from tf_conv_conformance.cli.records import report

    return report(arguments.records, arguments.output, arguments.since, arguments.partial)


def merge(arguments: argparse.Namespace) -> int:
    """Write several record files as one."""
    from tf_conv_conformance.cli.records import merge

    return merge(arguments.records, arguments.output, arguments.partial)


def summary(arguments: argparse.Namespace) -> int:
    """Summarise record files in Markdown."""
    from tf_conv_conformance.cli.records import summarise

    return summarise(arguments.records, arguments.since, arguments.partial)


def compare(arguments: argparse.Namespace) -> int:
    """Print what changed between two runs."""
    from tf_conv_conformance.cli.records import compare

    return compare(arguments.old, arguments.new, arguments.output)


def measured(arguments: argparse.Namespace) -> int:
    """Say on which kinds of subjects cases were measured."""
    from tf_conv_conformance.cli.records import measure

    return measure(arguments.records, arguments.output)


def schema(arguments: argparse.Namespace) -> int:
    """Print or write the JSON Schema of a case file."""
    from tf_conv_conformance.casefile.schema import modeline, schema_text

    if arguments.write is None:
        print(schema_text(), end="")
    else:
        arguments.write.write_text(schema_text(), encoding="utf-8")
        print("Begin a case file in the same folder with this line:")
        print(modeline(arguments.write.name))
        print("and one in a folder below it, such as cases, with this line:")
        print(modeline(f"../{arguments.write.name}"))
    return 0


def docs(arguments: argparse.Namespace) -> int:
    """Print a page of the documentation, or list the pages."""
    from tf_conv_conformance.cli.documentation import page, pages

    if arguments.page is None:
        print("\n".join(f"{name:20}  {title}" for name, title in pages().items()))
        return 0
    text = page(arguments.page)
    if text is None:
        complain(f"no page {arguments.page!r}; the pages are {', '.join(pages())}")
        return 2
    print(text, end="")
    return 0


def rules(arguments: argparse.Namespace) -> int:
    """Print the rules as a Markdown page."""
    from tf_conv_conformance.prediction.rules.page import page

    print(page(), end="")
    return 0


def explain(arguments: argparse.Namespace) -> int:
    """Explain a call without TensorFlow; return 2 if an option is invalid."""
    from tf_conv_conformance.cli.case_options import OptionError
    from tf_conv_conformance.cli.console import console
    from tf_conv_conformance.cli.explain import explain as print_explanation
    from tf_conv_conformance.cli.question import read_question

    to = console()
    try:
        print_explanation(to, read_question(to, vars(arguments)).arguments, arguments.at)
    except OptionError as error:
        complain(str(error))
        return 2
    return 0


def probe(arguments: argparse.Namespace) -> int:
    """Make a call on TensorFlow, or those of a model.

    Return 1 if one fails, and 2 if an option is invalid or TensorFlow does not start.
    """
    from tf_conv_conformance.cli.case_options import OptionError
    from tf_conv_conformance.cli.console import console
    from tf_conv_conformance.cli.model_command import is_model, probe_model
    from tf_conv_conformance.cli.probe import probe_call
    from tf_conv_conformance.subject.errors import SubjectUnavailableError

    to, options = console(), vars(arguments)
    try:
        if is_model(arguments.op):
            passes = probe_model(to, options, arguments.output, arguments.timeout)
        else:
            passes = probe_call(to, options, arguments.output, arguments.timeout)
    except OptionError as error:
        complain(str(error))
        return 2
    except SubjectUnavailableError as error:
        complain(error.brief)
        return 2
    return 0 if passes else 1


COMMANDS = {
    command.__name__: command
    for command in (
        *(run, probe, explain, report, merge, summary, compare, measured),
        *(schema, rules, docs),
    )
}


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line; return its exit status."""
    replace_unencodable()
    try:
        try:
            arguments = parsed(parser(COMMANDS), argv)
            status: int = arguments.run(arguments)
        finally:
            if sys.stdout is not None:
                sys.stdout.flush()  # a full disk shows here, not when Python exits
    except KeyboardInterrupt:
        return 128 + signal.SIGINT
    except BrokenPipeError:  # as with `| head`
        _discard_output()
        return 128 + signal.SIGPIPE
    except OSError as error:
        _discard_output()
        complain(f"cannot write {error.filename or 'to standard output'}: {error.strerror}")
        return 2
    return status


def _discard_output() -> None:
    """Keep Python from trying again at exit to write what it could not."""
    with suppress(OSError, ValueError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
