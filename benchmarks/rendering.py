"""What many records cost: ``python benchmarks/rendering.py [PAGE]``. Needs the extra tensorflow.

Takes the record file of a full run, reports/results.jsonl, and repeats its calls, to 5,000 and to
100,000. The peer is a plain ``json.loads`` of each line of the same file. Each command runs in a
process of its own; a ratio is of seconds of the processor, user and system.
"""

import json
import multiprocessing
import sys
import tempfile
from pathlib import Path

import measure
from section import parser, publish, table

from tf_conv_conformance.records.merge import lines
from tf_conv_conformance.records.reader import Records, read
from tf_conv_conformance.records.writer import encoded

RECORDS = Path(__file__).parent.parent / "reports/results.jsonl"
PEER = "import json, sys\nfor line in open(sys.argv[1], 'rb'): json.loads(line)"
COUNTS = (5_000, 100_000)
COMMANDS = {
    "report": ["report", "RESULTS", "-o", "PAGE"],
    "summary": ["summary", "RESULTS"],
    "compare": ["compare", "RESULTS", "RESULTS"],
    "merge": ["merge", "RESULTS", "-o", "PAGE"],
}


def repeated(records: Records, count: int) -> Records:
    """The records with `count` calls, each with arguments and data of its own as far as the batch
    size and the seed go.
    """
    many = Records(header=records.header, subjects=records.subjects, footer=records.footer)
    copy = 0
    while len(many.calls) < count:
        for key, case in records.cases.items():
            many.cases[f"{copy}/{key}"] = {
                **case,
                "key": f"{copy}/{key}",
                "file": f"{copy}/{case['file']}",
            }
        for key, end in list(records.ends.items())[: count - len(many.calls)]:
            call = json.loads(json.dumps(records.calls[key]))
            if call["arguments"]["input"]["shape"]:
                call["arguments"]["input"]["shape"][0] += 100 * copy
            changed = {
                "id": f"{copy}/{key}",
                "case": f"{copy}/{call['case']}",
                "hash": f"{copy}/{call['hash']}",
            }
            many.calls[f"{copy}/{key}"] = {**call, **changed}
            data = [{**arm, "seed": arm["seed"] + copy} for arm in end["data"]]
            many.ends[f"{copy}/{key}"] = {**end, "id": f"{copy}/{key}", "data": data}
        copy += 1
    return many


def make(source: Path, count: int, results: Path) -> None:
    """Write the record file that is measured."""
    with results.open("wb") as file:
        file.writelines(map(encoded, lines(repeated(read(source), count))))


def row(results: Path, page: Path) -> list[str]:
    """The row of a record file: what the peer takes, and each command."""
    peer = measure.run([sys.executable, "-c", PEER, str(results)])
    cells = [f"{peer.processor:.2f} s", f"{peer.memory:.0f} MB"]
    for command in COMMANDS.values():
        words = [{"RESULTS": str(results), "PAGE": str(page)}.get(word, word) for word in command]
        cost = measure.run([sys.executable, "-m", "tf_conv_conformance.cli", *words])
        ratio = cost.processor / peer.processor
        cells.append(f"{ratio:.1f} × ({cost.processor:.1f} s, {cost.memory:.0f} MB)")
    return cells


def main() -> None:
    given, rows = parser(__doc__).parse_args(), []
    with tempfile.TemporaryDirectory() as folder:
        results, page = Path(folder, "results.jsonl"), Path(folder, "page")
        for count in COUNTS:
            making = multiprocessing.Process(target=make, args=(RECORDS, count, results))
            # Apart: a process begins with the peak memory of the one that starts it.
            making.start()
            making.join()
            size = f"{results.stat().st_size / 1e6:.0f} MB"
            rows.append([f"{count:,} calls, {size}", *row(results, page)])
    head = ("record file", "`json.loads`", "its memory", *(f"`{name}`" for name in COMMANDS))
    publish(__file__, [table(head, rows)], given.page)


if __name__ == "__main__":
    main()
