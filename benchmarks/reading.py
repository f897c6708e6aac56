"""What case files cost to read: ``python benchmarks/reading.py``. Needs the extra test.

The shipped cases, read, checked and expanded, against PyYAML's own loader with its parser in C, in turns; then each file of
``tests/largest.py``, which asks for as much as the bounds allow or for more, in a process of its own.
"""

import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import median

sys.path.insert(0, str(Path(__file__).parent.parent / "tests"))
from largest import LARGEST


def read(path):
    """Seconds of the processor and MiB of memory that reading takes, and what came of it."""
    from tf_conv_conformance.casefile.loading import load

    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    began = time.process_time()
    loaded = load(Path(path))
    seconds = time.process_time() - began
    memory = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024
    print(f"{seconds:6.2f} s {memory:6.0f} MiB {len(loaded.calls):7} calls {len(loaded.sweeps):4} sweeps", end=" ")
    print(f"{len(loaded.complaints):6} complaints")


def shipped(rounds=9):
    import yaml

    from tf_conv_conformance.casefile.loading import load_text

    texts = [path.read_text(encoding="utf-8") for path in sorted((Path(__file__).parent.parent / "cases").rglob("*.yaml"))]
    times = ([], [])
    for _ in range(rounds):
        for function, taken in zip((load_text, lambda text: yaml.load(text, Loader=yaml.CSafeLoader)), times, strict=True):
            began = time.process_time()
            for text in texts:
                function(text)
            taken.append(time.process_time() - began)
    ours, theirs = map(median, times)
    print(f"the shipped cases: {ours:.2f} s, PyYAML {theirs:.2f} s, ratio {ours / theirs:.1f}")


if __name__ == "__main__":
    if sys.argv[1:]:
        read(sys.argv[1])
    else:
        shipped()
        with tempfile.TemporaryDirectory() as folder:
            for name, text in LARGEST.items():
                path = Path(folder) / "f.yaml"
                path.write_text(text, encoding="utf-8")
                print(f"{name:<16} {len(text) / 1024:6.0f} KiB", end=" ", flush=True)
                subprocess.run([sys.executable, __file__, str(path)], check=True)
