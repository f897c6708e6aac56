"""The command ``tf-conv-conformance``: what can be done outside of pytest. Parses, and imports a command's module when it is asked for."""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NoReturn

from tf_conv_conformance import __version__
from tf_conv_conformance.vocabulary import DOORS, MODES

ASKING = """\
A list is numbers or words with commas between them, or any YAML: 4,4,3,4 or [4, 4, 3, 4]; a shape may also be
4x4x3x4 or '(4, 4, 3, 4)'. What means something to the shell stands in quotes: '$in_channels'. A value that starts
with a minus sign follows an equals sign: --strides=-1.
"""
EXAMPLE = "depthwise_conv2d --input 1,24,24,3 --filter 4,4,3,4 --strides 4 --rate 3,3 --padding VALID"


def complain(message: str) -> None:
    """Say what is wrong."""
    print(f"tf-conv-conformance: {message}", file=sys.stderr)


def report(arguments: argparse.Namespace) -> int:
    """Render record files as HTML."""
    from tf_conv_conformance.runs import report

    return report(arguments.records, arguments.output, arguments.since, arguments.partial)


def merge(arguments: argparse.Namespace) -> int:
    """Write several record files as one."""
    from tf_conv_conformance.runs import merged

    return merged(arguments.records, arguments.output, arguments.partial)


def summary(arguments: argparse.Namespace) -> int:
    """Sum record files up in Markdown."""
    from tf_conv_conformance.runs import summarise

    return summarise(arguments.records, arguments.since, arguments.partial)


def versions(arguments: argparse.Namespace) -> int:
    """Tell what changed with which version."""
    from tf_conv_conformance.runs import told

    return told(arguments.records, arguments.output, arguments.partial)


def compare(arguments: argparse.Namespace) -> int:
    """Tell what changed between two record files."""
    from tf_conv_conformance.runs import compared

    return compared(arguments.old, arguments.new, arguments.output)


COMPARE = """Tell what changed from OLD to NEW, call by call: verdict, outcome, shape, dtype, values, error, signal, warnings.

exit status:
  0  every call that both plan was compared, and came to the same
  1  a call came to something else, for better or worse; or could not be compared,
     having no end in a run or being unsupported in one of them; or none was compared
  2  a file cannot be read or written

Calls that were edited, added, removed or moved, another environment and other documentation
are told, and do not change the status; nor do calls that are unsupported in both runs."""


def schema(arguments: argparse.Namespace) -> int:
    """Print the JSON Schema of a case file."""
    from tf_conv_conformance.casefile.schema import schema_text

    print(schema_text(), end="")
    return 0


def rules(arguments: argparse.Namespace) -> int:
    """Print the rules as a Markdown page."""
    from tf_conv_conformance.rules.page import page

    print(page(), end="")
    return 0


def explain(arguments: argparse.Namespace) -> int:
    """Explain a call without TensorFlow; 2 for options that cannot be used."""
    from tf_conv_conformance.explain import explain as print_explanation
    from tf_conv_conformance.question import BadOption, read_question
    from tf_conv_conformance.terminal import console

    try:
        print_explanation(console(), read_question(vars(arguments)).arguments, arguments.at)
    except BadOption as error:
        complain(str(error))
        return 2
    return 0


def probe(arguments: argparse.Namespace) -> int:
    """Make a call on TensorFlow; 1 where it does not conform, 2 for options that cannot be used, 3 where TensorFlow does not start."""
    from tf_conv_conformance.probe import ask, tell
    from tf_conv_conformance.question import BadOption, read_question
    from tf_conv_conformance.session import Session
    from tf_conv_conformance.subject.gateway import SubjectUnavailable
    from tf_conv_conformance.terminal import console, working

    session = Session(arguments.timeout)
    try:
        question = read_question(vars(arguments))
        with working("TensorFlow is at it"):
            subject = session.running().subject
            answers = ask(question, subject)
        conforms = tell(console(), question, answers, subject)
    except BadOption as error:
        complain(str(error))
        return 2
    except SubjectUnavailable as error:
        complain(error.brief)
        return 3
    finally:
        session.close()
    return 0 if conforms else 1


def position(text: str) -> tuple[int, int]:
    """The row and column in ``ROW,COLUMN``."""
    found = re.fullmatch(r"\s*(\d{1,9})\s*,\s*(\d{1,9})\s*", text)
    if found is None:
        raise argparse.ArgumentTypeError(f"{text!r} is not ROW,COLUMN, two integers from 0 as in 0,3")
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

    def error(self, message: str) -> NoReturn:
        """End with status 2."""
        if "expected one argument" in message:
            message += ", and one that starts with a minus sign follows an equals sign, as in --strides=-1,-1"
        self.exit(2, f"{self.prog}: {message}; see {self.prog} --help\n")


def add_question(command: argparse.ArgumentParser) -> None:
    """The options that put a question: the keys of a case."""
    command.add_argument("op", metavar="OP", help="conv2d or depthwise_conv2d")
    command.add_argument("--input", metavar="SHAPE", required=True, help="[batch, height, width, channels] in NHWC: 1,24,24,3")
    command.add_argument("--filter", metavar="SHAPE", required=True, help="[height, width, in_channels, out_channels or multiplier]")
    command.add_argument("--strides", metavar="N|LIST", help="4 or 1,4,4,1 (default: 1)")
    command.add_argument("--rate", metavar="N|LIST", help="3 or 3,3")
    command.add_argument("--dilations", metavar="N|LIST", help="another name of --rate")
    command.add_argument(
        "--padding",
        default="VALID",
        help="SAME, VALID, or a pair for each dimension: [[0,0],[1,2],[3,0],[0,0]] or its 8 integers, 0,0,1,2,3,0,0,0 (default: VALID)",
    )
    command.add_argument("--dtype", help="half, bfloat16, float32, float64 or int32 (default: float32)")
    command.add_argument("--data-format", metavar="FORMAT", help="NHWC or NCHW; not passed to TensorFlow unless given")
    doors = ", ".join(door for doors in DOORS.values() for door in doors)
    command.add_argument("--via", metavar="NAME", help=f"the entry point, where it is not the operator's own: {doors}")
    command.add_argument("--data", metavar="LIST", help="of small_integers,wide_integers,reals (default: the first two)")
    command.add_argument("--gradient", metavar="TENSOR", help="input or filter: take the gradient of the result by it")


def _takes_records(parser: argparse.ArgumentParser, run: Callable[[argparse.Namespace], int]) -> None:
    """Add what the commands about any number of record files have in common."""
    parser.add_argument(
        "records", type=Path, nargs="+", metavar="RESULTS", help="record files of runs, or parts of runs, or folders of them"
    )
    parser.add_argument("--partial", action="store_true", help="take runs that did not come to their end; what is left counts as missing")
    parser.set_defaults(run=run)


def parser() -> argparse.ArgumentParser:
    """The parser of the command line."""
    made = _Parser(prog="tf-conv-conformance", description="What TensorFlow's 2-D convolutions compute and document.")
    made.add_argument("--version", action="version", version=__version__)
    commands = made.add_subparsers(dest="command", required=True)

    about = "ask TensorFlow one question: make a call in every mode and judge it"
    asking = commands.add_parser("probe", help=about, description=about, epilog=ASKING + f"\nExample: {made.prog} probe {EXAMPLE}")
    add_question(asking)
    asking.add_argument("--modes", metavar="LIST", help=f"of {','.join(MODES)} (default: all)")
    asking.add_argument("--timeout", metavar="SECONDS", type=seconds, default=60.0, help="time limit of one call (default: 60)")
    asking.set_defaults(run=probe)

    about = "explain one call without TensorFlow: rules, arithmetic, and a picture of what feeds an element"
    explaining = commands.add_parser("explain", help=about, description=about, epilog=ASKING + f"\nExample: {made.prog} explain {EXAMPLE}")
    add_question(explaining)
    explaining.add_argument(
        "--at",
        metavar="ROW,COLUMN",
        type=position,
        help="the element of the result to draw (default: 0,0, or the first that documentation and phases feed differently)",
    )
    explaining.set_defaults(run=explain)

    rendering = commands.add_parser("report", help="render record files as one HTML page")
    rendering.add_argument("-o", "--output", type=Path, default=Path("index.html"), help="default: index.html")
    _takes_records(rendering, report)
    about = "write the record files of one subject's shards, or other parts of a run, as one"
    merging = commands.add_parser("merge", help=about, description=about)
    merging.add_argument("-o", "--output", type=Path, default=Path("results.jsonl"), help="default: results.jsonl")
    _takes_records(merging, merge)
    summing = commands.add_parser("summary", help="sum record files up in Markdown, for $GITHUB_STEP_SUMMARY")
    _takes_records(summing, summary)
    for command in (rendering, summing):
        command.add_argument("--since", type=Path, metavar="OLD.jsonl", help="tell what changed since this earlier run")
    about = "tell what changed with which version, as README.md and outcomes.json"
    telling = commands.add_parser("versions", help=about, description=about)
    telling.add_argument("-o", "--output", type=Path, default=Path("versions"), metavar="FOLDER", help="default: versions")
    _takes_records(telling, versions)
    comparing = commands.add_parser(
        "compare", help="tell what changed between two record files", description=COMPARE, formatter_class=argparse.RawTextHelpFormatter
    )
    comparing.add_argument("old", type=Path, metavar="OLD.jsonl")
    comparing.add_argument("new", type=Path, metavar="NEW.jsonl")
    comparing.add_argument("-o", "--output", type=Path, help="also render NEW as HTML, with what changed")
    comparing.set_defaults(run=compare)
    commands.add_parser("schema", help="print the JSON Schema of a case file, for editors").set_defaults(run=schema)
    commands.add_parser("rules", help="print the rules that deviations name, as Markdown").set_defaults(run=rules)
    return made


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line; its exit status."""
    arguments = parser().parse_args(argv)
    try:
        status: int = arguments.run(arguments)
    except KeyboardInterrupt:
        return 130
    return status


if __name__ == "__main__":
    raise SystemExit(main())
