"""The command ``tf-conv-conformance``: what can be done outside of pytest. Parses, and imports a command's module when it is asked for."""

from __future__ import annotations

import argparse
import os
import re
import signal
import sys
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, NoReturn

from tf_conv_conformance import __version__
from tf_conv_conformance.convolution.names import MODES, SYMBOLS

ASKING = """\
A list is comma-separated, or YAML: 4,4,3,4 or [4, 4, 3, 4]; a shape may also be 4x4x3x4 or '(4, 4, 3, 4)'.
Quote what the shell would interpret: '$in_channels'. Write a value that starts with a minus sign after an equals
sign: --strides=-1.
"""
EXAMPLE = (
    "depthwise_conv2d --input 1,24,24,3 --filter 4,4,3,4 --strides 4 --rate 3,3 --padding VALID"
)


STATUS = """\
exit status: 0 if nothing is wrong, 1 if probe or compare found a difference, 2 if the command could not do its work
"""


def complain(message: str) -> None:
    """Say what is wrong."""
    print(f"tf-conv-conformance: {message}", file=sys.stderr)


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


COMPARE = """Print what changed from OLD to NEW, call by call: verdict, outcome, shape, dtype,
values, error, signal, warnings.

exit status:
  0  no change: every call that both runs planned was compared, with the same result
  1  a call has another result, for better or worse; or a call could not be compared,
     because one run has no result of it; or no call was compared
  2  a file cannot be read or written

Edited, added, removed and moved calls, and changes of the environment and the documentation
are listed, and do not change the status; nor do calls that are unsupported in both runs."""


def schema(arguments: argparse.Namespace) -> int:
    """Print the JSON Schema of a case file."""
    from tf_conv_conformance.casefile.schema import schema_text

    print(schema_text(), end="")
    return 0


def rules(arguments: argparse.Namespace) -> int:
    """Print the rules as a Markdown page."""
    from tf_conv_conformance.prediction.rules.page import page

    print(page(), end="")
    return 0


def explain(arguments: argparse.Namespace) -> int:
    """Explain a call without TensorFlow; return 2 if an option cannot be used."""
    from tf_conv_conformance.cli.console import console
    from tf_conv_conformance.cli.explain import explain as print_explanation
    from tf_conv_conformance.cli.question import OptionError, read_question

    try:
        print_explanation(console(), read_question(vars(arguments)).arguments, arguments.at)
    except OptionError as error:
        complain(str(error))
        return 2
    return 0


def probe(arguments: argparse.Namespace) -> int:
    """Make a call on TensorFlow; return 1 if it fails, 2 if an option cannot be used or TensorFlow does not start."""
    from tf_conv_conformance.cli.console import console, working
    from tf_conv_conformance.cli.probe import ask, tell
    from tf_conv_conformance.cli.question import OptionError, read_question
    from tf_conv_conformance.prediction.rules.rule import SYMBOLS
    from tf_conv_conformance.subject.errors import SubjectUnavailableError
    from tf_conv_conformance.subject.pool import SubjectPool

    pool = SubjectPool(SYMBOLS, arguments.timeout)
    try:
        question = read_question(vars(arguments))
        with working("Running TensorFlow …"):
            subject = pool.subject()
            answers = ask(question, subject)
        passes = tell(console(), question, answers, subject)
    except OptionError as error:
        complain(str(error))
        return 2
    except SubjectUnavailableError as error:
        complain(error.brief)
        return 2
    finally:
        pool.close()
    return 0 if passes else 1


def position(text: str) -> tuple[int, int]:
    """The row and column in ``ROW,COLUMN``."""
    found = re.fullmatch(r"\s*(\d{1,9})\s*,\s*(\d{1,9})\s*", text)
    if found is None:
        raise argparse.ArgumentTypeError(
            f"{text!r} is not ROW,COLUMN, two integers from 0 as in 0,3"
        )
    return int(found[1]), int(found[2])


def seconds(text: str) -> float:
    """A time limit."""
    try:
        limit = float(text)
    except ValueError:
        limit = 0.0
    if not 0 < limit < float("inf"):
        raise argparse.ArgumentTypeError(f"{text!r} is not a number of seconds above 0")
    return limit


class _Parser(argparse.ArgumentParser):
    """Says in one line what is wrong."""

    def _print_message(self, message: str, file: Any = None) -> None:
        """Print help and version; argparse itself ignores what cannot be written."""
        (file or sys.stderr).write(message)

    def error(self, message: str) -> NoReturn:
        """End with status 2."""
        if "expected one argument" in message:
            message += "; write a value that starts with a minus sign after an equals sign, as in --strides=-1,-1"
        self.exit(2, f"{self.prog}: {message}; see {self.prog} --help\n")


def add_question(command: argparse.ArgumentParser) -> None:
    """Add the options that describe a call: the keys of a case."""
    command.add_argument("op", metavar="OP", help="conv2d or depthwise_conv2d")
    command.add_argument(
        "--input",
        metavar="SHAPE",
        required=True,
        help="[batch, height, width, channels] in NHWC: 1,24,24,3",
    )
    command.add_argument(
        "--filter",
        metavar="SHAPE",
        required=True,
        help="[height, width, in_channels, out_channels or multiplier]",
    )
    command.add_argument("--strides", metavar="N|LIST", help="4 or 1,4,4,1 (default: 1)")
    command.add_argument("--rate", metavar="N|LIST", help="3 or 3,3")
    command.add_argument("--dilations", metavar="N|LIST", help="another name for --rate")
    command.add_argument(
        "--padding",
        default="VALID",
        help="SAME, VALID, or a pair for each dimension: [[0,0],[1,2],[3,0],[0,0]] or its 8 integers, 0,0,1,2,3,0,0,0 (default: VALID)",
    )
    command.add_argument(
        "--dtype", help="half, bfloat16, float32, float64 or int32 (default: float32)"
    )
    command.add_argument(
        "--data-format",
        metavar="FORMAT",
        help="NHWC or NCHW; not passed to TensorFlow unless given",
    )
    symbols = ", ".join(SYMBOLS)
    command.add_argument(
        "--via", metavar="NAME", help=f"the entry point (default: that of OP): {symbols}"
    )
    command.add_argument(
        "--data",
        metavar="LIST",
        help="any of small_integers,wide_integers,reals (default: the first two)",
    )
    command.add_argument(
        "--gradient",
        metavar="TENSOR",
        help="differentiate the result with respect to this tensor: input or filter",
    )


def _takes_records(
    parser: argparse.ArgumentParser, run: Callable[[argparse.Namespace], int]
) -> None:
    """Add the arguments of the commands that take any number of record files."""
    parser.add_argument(
        "records",
        type=Path,
        nargs="+",
        metavar="RESULTS",
        help="record files, or folders with results*.jsonl in them: runs, or shards of runs",
    )
    parser.add_argument(
        "--partial",
        action="store_true",
        help="accept missing shards and interrupted runs; calls without a result count as missing",
    )
    parser.set_defaults(run=run)


def parser() -> argparse.ArgumentParser:
    """The parser of the command line."""
    made = _Parser(
        prog="tf-conv-conformance",
        description="What TensorFlow's 2-D convolutions compute, and what they document.",
        epilog=STATUS,
    )
    made.add_argument("--version", action="version", version=__version__)
    commands = made.add_subparsers(dest="command", required=True)

    about = "make one call on TensorFlow in every mode, and judge it"
    asking = commands.add_parser(
        "probe",
        help=about,
        description=about,
        epilog=ASKING + f"\nExample: {made.prog} probe {EXAMPLE}",
    )
    add_question(asking)
    asking.add_argument("--modes", metavar="LIST", help=f"any of {','.join(MODES)} (default: all)")
    asking.add_argument(
        "--timeout",
        metavar="SECONDS",
        type=seconds,
        default=60.0,
        help="time limit of one call (default: 60)",
    )
    asking.set_defaults(run=probe)

    about = "explain one call without running it: its rules, the arithmetic, and a picture of what feeds an element"
    explaining = commands.add_parser(
        "explain",
        help=about,
        description=about,
        epilog=ASKING + f"\nExample: {made.prog} explain {EXAMPLE}",
    )
    add_question(explaining)
    explaining.add_argument(
        "--at",
        metavar="ROW,COLUMN",
        type=position,
        help="the element of the result to draw (default: the first that the two models feed differently, or 0,0)",
    )
    explaining.set_defaults(run=explain)

    rendering = commands.add_parser("report", help="render record files as one HTML page")
    rendering.add_argument(
        "-o",
        "--output",
        type=Path,
        default=Path("index.html"),
        help="the page to write (default: index.html)",
    )
    _takes_records(rendering, report)
    about = "join the record files of one run, such as its shards, into one file"
    merging = commands.add_parser("merge", help=about, description=about)
    merging.add_argument(
        "-o",
        "--output",
        type=Path,
        default=Path("results.jsonl"),
        help="the file to write (default: results.jsonl)",
    )
    _takes_records(merging, merge)
    summing = commands.add_parser(
        "summary", help="print a summary of record files in Markdown, for $GITHUB_STEP_SUMMARY"
    )
    _takes_records(summing, summary)
    for command in (rendering, summing):
        command.add_argument(
            "--since",
            type=Path,
            metavar="OLD",
            help="also say what changed since this earlier run: its record file or folder",
        )
    comparing = commands.add_parser(
        "compare",
        help="print what changed between two runs",
        description=COMPARE,
        formatter_class=argparse.RawTextHelpFormatter,
    )
    comparing.add_argument(
        "old", type=Path, metavar="OLD", help="the record file of a run, or a folder of its shards"
    )
    comparing.add_argument("new", type=Path, metavar="NEW", help="the same of a later run")
    comparing.add_argument(
        "-o", "--output", type=Path, help="also render NEW as an HTML page that shows what changed"
    )
    comparing.set_defaults(run=compare)
    commands.add_parser(
        "schema", help="print the JSON Schema of a case file, for editors"
    ).set_defaults(run=schema)
    commands.add_parser(
        "rules", help="print the rules that deviations name, as Markdown"
    ).set_defaults(run=rules)
    return made


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line; return its exit status."""
    try:
        try:
            arguments = parser().parse_args(argv)
            status: int = arguments.run(arguments)
        finally:
            if sys.stdout is not None:
                sys.stdout.flush()  # a full disk shows here, not when Python exits
    except KeyboardInterrupt:
        return 128 + signal.SIGINT
    except BrokenPipeError:  # the reader has all that it wants, as with `| head`
        _discard_output()
        return 128 + signal.SIGPIPE
    except OSError as error:
        _discard_output()
        complain(f"cannot write {error.filename or 'to standard output'}: {error.strerror}")
        return 2
    return status


def _discard_output() -> None:
    """Keep Python from writing at exit what could not be written."""
    with suppress(OSError, ValueError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
