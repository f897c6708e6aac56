"""What case files cost to read: ``python benchmarks/reading.py [PAGE]``. Needs the extra test.

The shipped cases, read, checked and expanded, against PyYAML's own loader with its parser in C, in
turns; then each file of ``tests/support/largest_files.py``, which needs as much as the bounds allow
or more, in a process of its own. The figures are seconds of the processor.
"""

import multiprocessing
import sys
import tempfile
import time
from pathlib import Path
from statistics import median

import yaml
from measure import peak
from section import parser, publish, table

from tf_conv_conformance.casefile.loading import load, load_text

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT / "tests"))
from support.largest_files import LARGEST  # noqa: E402

ROUNDS = 9


def read(path):
    """The cells of a file: seconds, megabytes more than before, calls, diagnostics."""
    before, began = peak(), time.process_time()
    loaded = load(path)
    seconds = time.process_time() - began
    return (
        f"{seconds:.2f}",
        f"{peak() - before:.0f}",
        f"{len(loaded.calls):,}",
        f"{len(loaded.diagnostics):,}",
    )


def shipped():
    """The cells of the shipped cases: seconds of this suite and of PyYAML, and the ratio."""
    texts = [path.read_text(encoding="utf-8") for path in sorted((ROOT / "cases").rglob("*.yaml"))]
    loaders = (load_text, lambda text: yaml.load(text, Loader=yaml.CSafeLoader))
    times = ([], [])
    for _ in range(ROUNDS):
        for loader, taken in zip(loaders, times, strict=True):
            began = time.process_time()
            for text in texts:
                loader(text)
            taken.append(time.process_time() - began)
    ours, theirs = map(median, times)
    return (
        f"the shipped cases, {len(texts)} files",
        f"{ours:.2f}",
        f"{theirs:.2f}",
        f"{ours / theirs:.1f}",
    )


def largest(context):
    """The cells of each file of tests/support/largest_files.py."""
    with tempfile.TemporaryDirectory() as folder:
        for name, text in LARGEST.items():
            path = Path(folder) / "f.yaml"
            path.write_text(text, encoding="utf-8")
            with context.Pool(1) as process:
                yield (name, f"{len(text) / 1024:,.0f}", *process.apply(read, [path]))


def main():
    given = parser(__doc__).parse_args()
    bounds = table(
        ("file of `largest_files.py`", "KiB", "seconds", "MB", "calls", "diagnostics"),
        largest(multiprocessing.get_context("spawn")),
    )
    ours = table((f"median of {ROUNDS} rounds", "seconds", "PyYAML", "ratio"), [shipped()])
    publish(__file__, [ours, bounds], given.page)


if __name__ == "__main__":
    main()
