"""The parser of the command line."""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Callable, Mapping, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any, NoReturn

from tf_conv_conformance.convolution.names import DEFAULT_MODES, MODES, SYMBOLS

Command = Callable[[argparse.Namespace], int]
"""Carries a command out, and returns the exit status."""
PROGRAM = "tf-conv-conformance"
SCHEMA = "case-file.schema.json"
RAW = argparse.RawDescriptionHelpFormatter
STATUS = """\
exit status: 0 if nothing is wrong, 1 if probe or compare found a difference, 2 if the command
could not do its work; that of pytest for run
"""
RUN = """Run the shipped cases with pytest, and write reports/index.html.

Takes all options of pytest and of its plugins: -n 2, -k depthwise, --lf. An argument such as
cases/relations, or an id that a run printed, selects shipped cases. pytest's ini files are not
read. To run cases of your own: pytest cases."""
CASE_EPILOG = f"""\
A list is comma-separated, or YAML: 4,4,3,4 or [4, 4, 3, 4]; a shape may also be 4x4x3x4 or
'(4, 4, 3, 4)'. Quote what the shell would interpret: '$in_channels'. Write a value that starts
with a minus sign after an equals sign: --strides=-1.

Code is one call of an entry point, with the shape of each tensor in brackets after its name, or
after assignments of the tensors; the options complete it.

Examples:

  {PROGRAM} {{0}} depthwise_conv2d --input 1,24,24,3 --filter 4,4,3,4 --strides 4 --rate 3,3
  {PROGRAM} {{0}} 'tf.nn.conv2d(x[1,24,24,3], w[4,4,3,8], strides=2, padding="SAME")'
  {PROGRAM} {{0}} 'Conv2D(64, 3, padding="same")(x)' --input 1,24,24,3
"""
MODEL_EPILOG = f"""
A model is not run. Its convolutions are called one by one, with the --modes; --input is the shape
of its input, if it has unknown sizes. -o writes them as a case file:

  {PROGRAM} probe model.keras --input 1,224,224,3 -o cases/model.yaml
"""
PADDING = """\
SAME, VALID, or a pair for each dimension: [[0,0],[1,2],[3,0],[0,0]] or its 8 integers,
0,0,1,2,3,0,0,0 (default: VALID)
"""
COMPARE = """Print what changed from OLD to NEW, call by call: verdict, outcome, shape, dtype,
values, error, signal, warnings.

exit status:
  0  no change: every call that both runs planned was compared, with the same result
  1  a call has another result, for better or worse; or a call could not be compared,
     because one run has no result of it; or no call was compared
  2  a file cannot be read or written

Edited, added, removed and moved calls, and changes of the environment and the documentation
are listed, and do not change the status; nor do calls that are unsupported in both runs."""


class _Parser(argparse.ArgumentParser):
    """Reports errors in one line."""

    def _print_message(self, message: str, file: Any = None) -> None:
        """Print help and version; argparse itself ignores what cannot be written."""
        (file or sys.stderr).write(message)

    def error(self, message: str) -> NoReturn:
        """Exit with status 2."""
        if "expected one argument" in message:
            message += (
                "; write a value that starts with a minus sign after an equals sign, as in "
                "--strides=-1,-1"
            )
        self.exit(2, f"{self.prog}: {message}; see {self.prog} --help\n")


def position(text: str) -> tuple[int, int]:
    """Return the row and column in ``ROW,COLUMN``."""
    found = re.fullmatch(r"\s*(\d{1,9})\s*,\s*(\d{1,9})\s*", text)
    if found is None:
        raise argparse.ArgumentTypeError(
            f"{text!r} is not ROW,COLUMN, two integers from 0 as in 0,3"
        )
    return int(found[1]), int(found[2])


def seconds(text: str) -> float:
    """Return a time limit."""
    try:
        limit = float(text)
    except ValueError:
        limit = 0.0
    if not 0 < limit < float("inf"):
        raise argparse.ArgumentTypeError(f"{text!r} is not a number of seconds above 0")
    return limit


def parser(commands: Mapping[str, Command]) -> argparse.ArgumentParser:
    """Return the parser, which sets ``run`` to one of the commands."""
    made = _Parser(
        prog=PROGRAM,
        description="What TensorFlow's 2-D convolutions compute, and what they document.",
        epilog=STATUS,
    )
    made.add_argument("--version", action="version", version=version(PROGRAM))
    subparsers = made.add_subparsers(dest="command", required=True)

    def add(name: str, help: str, **settings: Any) -> argparse.ArgumentParser:  # noqa: A002
        settings = {"description": help, **settings}
        added: argparse.ArgumentParser = subparsers.add_parser(name, help=help, **settings)
        added.set_defaults(run=commands[name])
        return added

    add(
        "run",
        "run the shipped cases; takes the options of pytest",
        description=RUN,
        usage=f"{PROGRAM} run [OPTIONS OF PYTEST] [cases/FOLDER|cases/FILE|TEST ...]",
        formatter_class=argparse.RawTextHelpFormatter,
        allow_abbrev=False,
    )
    text = "make one call, or each convolution of a model, and compare it with the documentation"
    epilog = CASE_EPILOG.format("probe") + MODEL_EPILOG
    probe = add("probe", text, epilog=epilog, formatter_class=RAW)
    _add_case(probe, "OP|CODE|MODEL", "conv2d or depthwise_conv2d; or a call as Python code; or a "
              "model: a .keras or .h5 file, or the folder of a SavedModel")  # fmt: skip
    default = ",".join(DEFAULT_MODES)
    text = f"all, or some of {','.join(MODES)} (default: {default})"
    probe.add_argument("--modes", metavar="LIST", help=text)
    text = "the case file to write, such as cases/mine.yaml; it must not exist"
    probe.add_argument("-o", "--output", type=Path, metavar="FILE", help=text)
    text = "time limit of one call, or of reading a model (default: 60)"
    probe.add_argument("--timeout", metavar="SECONDS", type=seconds, default=60.0, help=text)

    text = "explain one call without making it: its rules, the arithmetic, and a picture"
    explain = add("explain", text, epilog=CASE_EPILOG.format("explain"), formatter_class=RAW)
    _add_case(explain, "OP|CODE", "conv2d or depthwise_conv2d; or a call as Python code")
    text = (
        "the element of the result to draw (default: the first in which the documented formula and "
        "space to batch differ, or 0,0)"
    )
    explain.add_argument("--at", metavar="ROW,COLUMN", type=position, help=text)

    report = add("report", "render record files as one HTML page")
    _add_output(report, "index.html", "the page to write")
    _add_records(report)
    merge = add("merge", "join the record files of one run, such as its shards, into one file")
    _add_output(merge, "results.jsonl", "the file to write")
    _add_records(merge)
    text = "print a summary of record files in Markdown, for $GITHUB_STEP_SUMMARY"
    summary = add("summary", text)
    _add_records(summary)
    text = "also report what changed since an earlier run: its record file or folder"
    for command in (report, summary):
        command.add_argument("--since", type=Path, metavar="OLD", help=text)

    compare = add(
        "compare",
        "print what changed between two runs",
        description=COMPARE,
        formatter_class=argparse.RawTextHelpFormatter,
    )
    text = "the record file of a run, or a folder of its shards"
    compare.add_argument("old", type=Path, metavar="OLD", help=text)
    compare.add_argument("new", type=Path, metavar="NEW", help="the same of a later run")
    text = "also render NEW as an HTML page that shows what changed"
    compare.add_argument("-o", "--output", type=Path, help=text)

    measured = add("measured", "add runs to the file that says where cases were measured")
    _add_output(measured, "tf-conv-measured.json", "the file, in the folder of the cases")
    text = "record files, or folders with results*.jsonl in them"
    measured.add_argument("records", type=Path, nargs="+", metavar="RESULTS", help=text)

    schema = add("schema", "print the JSON Schema of a case file, for editors")
    text = f"write it instead, and print the line for case files (default of FILE: {SCHEMA})"
    schema.add_argument(
        "--write", type=Path, metavar="FILE", nargs="?", const=Path(SCHEMA), help=text
    )
    add("rules", "print the rules that deviations name, as Markdown")
    docs = add("docs", "print a page of the documentation, as Markdown")
    text = "the page, as messages have it: docs/rules.md (default: list the pages)"
    docs.add_argument("page", metavar="PAGE", nargs="?", help=text)
    return made


def parsed(parser: argparse.ArgumentParser, argv: Sequence[str] | None) -> argparse.Namespace:
    """Return the parsed command line. `pytest` has what the command run passes on."""
    arguments, rest = parser.parse_known_args(argv)
    if rest and arguments.command != "run":
        parser.error(f"unrecognized arguments: {' '.join(rest)}")
    arguments.pytest = rest
    return arguments


def _add_case(command: argparse.ArgumentParser, metavar: str, text: str) -> None:
    """Add the options that describe a call: the keys of a case."""
    command.add_argument("op", metavar=metavar, help=text)

    def option(name: str, metavar: str | None, text: str, **settings: Any) -> None:
        command.add_argument(name, metavar=metavar, help=text, **settings)

    text = "[batch, height, width, channels] in NHWC: 1,24,24,3"
    option("--input", "SHAPE", text)
    text = "[height, width, in_channels, out_channels or multiplier]"
    option("--filter", "SHAPE", text)
    option("--strides", "N|LIST", "4 or 1,4,4,1 (default: 1)")
    option("--rate", "N|LIST", "the dilation: 3 or 3,3")
    option("--dilations", "N|LIST", "another name for --rate")
    option("--padding", None, PADDING)
    option("--dtype", None, "half, bfloat16, float32, float64 or int32 (default: float32)")
    option("--filter-dtype", "DTYPE", "the dtype of the filter, if it has another one")
    option("--data-format", "FORMAT", "NHWC or NCHW; not passed to TensorFlow unless given")
    option("--via", "NAME", f"the entry point (default: that of OP): {', '.join(SYMBOLS)}")
    text = "from small_integers,wide_integers,reals (default: the first two)"
    option("--data", "LIST", text)
    text = "differentiate the result with respect to this tensor: input or filter"
    option("--gradient", "TENSOR", text)
    text = "compute the same result by a transformation, such as vectorized_map"
    option("--through", "NAME", text)
    text = "sizes that a traced function does not know, from batch,height,width,rank,filter"
    option("--unknown", "LIST", text)
    text = "the shape of the upstream gradient, for an entry point that computes a gradient"
    option("--upstream", "SHAPE", text)
    text = "for such an entry point: what is passed in place of the shape of its result"
    option("--sizes", "LIST", text)
    text = "an operation on the input: '{pad: [[0,0],[1,1],[2,0],[0,0]]}'"
    option("--before", "YAML", text)
    text = (
        "operations on the result: bias_add,relu or '{conv2d: {filter: [1,1,8,2], padding: SAME}}'"
    )
    option("--after", "YAML", text)


def _add_output(command: argparse.ArgumentParser, default: str, text: str) -> None:
    text = f"{text} (default: {default})"
    command.add_argument("-o", "--output", type=Path, default=Path(default), help=text)


def _add_records(command: argparse.ArgumentParser) -> None:
    """Add the arguments of the commands that take any number of record files."""
    text = "record files, or folders with results*.jsonl in them: runs, or shards of runs"
    command.add_argument("records", type=Path, nargs="+", metavar="RESULTS", help=text)
    text = "accept missing shards and interrupted runs; calls without a result count as missing"
    command.add_argument("--partial", action="store_true", help=text)
