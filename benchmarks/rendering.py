"""What many records cost, held against a plain ``json.loads`` of each line of the same file: ``python benchmarks/rendering.py [RESULTS]``.

Takes the record file of a full run (default: reports/results.jsonl) and repeats its calls, to 5,000 and to 100,000. Each command runs in
a process of its own; the table has its seconds of CPU, the ratio to the peer's, the smaller the better, and its peak memory.
"""

import json
import multiprocessing
import os
import subprocess
import sys
import tempfile
from pathlib import Path

from tf_conv_conformance.merging import lines
from tf_conv_conformance.recorder import written
from tf_conv_conformance.results import Records, read

RECORDS = Path(__file__).parent.parent / "reports/results.jsonl"
PEER = "import json, sys\nfor line in open(sys.argv[1], 'rb'): json.loads(line)"
COMMANDS = {
    "report": ["report", "RESULTS", "-o", "PAGE"],
    "summary": ["summary", "RESULTS"],
    "compare with itself": ["compare", "RESULTS", "RESULTS"],
    "merge": ["merge", "RESULTS", "-o", "PAGE"],
}


def repeated(records: Records, count: int) -> Records:
    """The records with `count` calls, each with arguments and data of its own as far as the batch size and the seed go."""
    many = Records(header=records.header, subjects=records.subjects, footer=records.footer)
    copy = 0
    while len(many.calls) < count:
        for key, case in records.cases.items():
            many.cases[f"{copy}/{key}"] = {**case, "key": f"{copy}/{key}", "file": f"{copy}/{case['file']}"}
        for key, end in list(records.ends.items())[: count - len(many.calls)]:
            call = json.loads(json.dumps(records.calls[key]))
            if call["arguments"]["input"]["shape"]:
                call["arguments"]["input"]["shape"][0] += 100 * copy
            changed = {"id": f"{copy}/{key}", "case": f"{copy}/{call['case']}", "hash": f"{copy}/{call['hash']}"}
            many.calls[f"{copy}/{key}"] = {name: value for name, value in {**call, **changed}.items() if name not in ("block", "number")}
            data = [{**arm, "seed": arm["seed"] + copy} for arm in end["data"]]
            many.ends[f"{copy}/{key}"] = {**end, "id": f"{copy}/{key}", "data": data}
        copy += 1
    return many


def make(source: Path, count: int, results: Path) -> None:
    """Write the record file that is measured."""
    with results.open("w", encoding="utf-8", newline="\n") as file:
        file.writelines(map(written, lines(repeated(read(source), count))))


def measured(command: list[str]) -> tuple[float, float]:
    """Seconds of CPU and megabytes of a process."""
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise SystemExit(f"{' '.join(command)} ended with {process.returncode}")
    return usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024


def main() -> None:
    source = Path(sys.argv[1]) if sys.argv[1:] else RECORDS
    with tempfile.TemporaryDirectory() as folder:
        results, page = Path(folder, "results.jsonl"), Path(folder, "page")
        for count in (5_000, 100_000):
            making = multiprocessing.Process(target=make, args=(source, count, results))
            making.start()  # apart, since a process begins with the peak memory of the one that starts it
            making.join()
            print(f"{count:,} calls, {results.stat().st_size / 1e6:.0f} MB        CPU       ratio   memory")
            peer, memory = measured([sys.executable, "-c", PEER, str(results)])
            print(f"  {'json.loads of each line':<25} {peer:6.2f} s         {memory:6.0f} MB")
            for name, command in COMMANDS.items():
                given = [{"RESULTS": str(results), "PAGE": str(page)}.get(word, word) for word in command]
                seconds, memory = measured([sys.executable, "-m", "tf_conv_conformance.cli", *given])
                print(f"  {name:<25} {seconds:6.2f} s {seconds / peer:6.1f}  {memory:6.0f} MB")


if __name__ == "__main__":
    main()
