"""The command ``tf-conv-conformance``: what can be done with case files and record files outside of pytest."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from tf_conv_conformance import __version__


def report(arguments: argparse.Namespace) -> int:
    """Render a record file; 1 where it cannot be read or written."""
    from tf_conv_conformance.merging import single
    from tf_conv_conformance.report.page import write
    from tf_conv_conformance.results import NotRecords, read

    try:
        write([single(str(arguments.records), read(arguments.records))], arguments.output)
    except NotRecords as error:
        print(f"tf-conv-conformance: {error}", file=sys.stderr)
        return 1
    except OSError as error:
        print(f"tf-conv-conformance: cannot write {arguments.output}: {error.strerror}", file=sys.stderr)
        return 1
    print(arguments.output)
    return 0


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


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line; its exit status."""
    parser = argparse.ArgumentParser(prog="tf-conv-conformance", description="What TensorFlow's 2-D convolutions compute and document.")
    parser.add_argument("--version", action="version", version=__version__)
    commands = parser.add_subparsers(dest="command", required=True)
    rendering = commands.add_parser("report", help="render a record file as HTML")
    rendering.add_argument("records", type=Path, metavar="RESULTS.jsonl")
    rendering.add_argument("-o", "--output", type=Path, default=Path("index.html"), help="default: index.html")
    rendering.set_defaults(run=report)
    commands.add_parser("schema", help="print the JSON Schema of a case file, for editors").set_defaults(run=schema)
    commands.add_parser("rules", help="print the rules that deviations name, as Markdown").set_defaults(run=rules)
    arguments = parser.parse_args(argv)
    status: int = arguments.run(arguments)
    return status


if __name__ == "__main__":
    raise SystemExit(main())
