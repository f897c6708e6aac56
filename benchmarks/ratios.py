"""Speed as ratios against a peer in the same run: ``python benchmarks/ratios.py``. Needs the extra tensorflow. The oracle's is oracle.py.

- a call through the worker against the same call in this process, where TensorFlow is imported too;
- reading the shipped cases against PyYAML's own loader.
"""

import time
from pathlib import Path
from statistics import median

import numpy as np
import yaml

from tf_conv_conformance.casefile.loading import load_text
from tf_conv_conformance.subject.gateway import Gateway, InProcess


def alternating(ours, theirs, rounds=15):
    """Median seconds of both, measured in turns so that the machine's mood meets both."""
    times = ([], [])
    for _ in range(rounds):
        for function, taken in zip((ours, theirs), times, strict=True):
            began = time.perf_counter()
            function()
            taken.append(time.perf_counter() - began)
    return [median(taken) for taken in times]


def row(name, peer, ours, theirs):
    ours, theirs = alternating(ours, theirs)
    print(f"{name:<42} {1000 * ours:8.2f} ms   {peer:<28} {1000 * theirs:8.2f} ms   ratio {ours / theirs:6.2f}")


def worker():
    arrays = [np.ones((1, 24, 24, 3), np.float32), np.ones((4, 4, 3, 4), np.float32)]
    gateway, here = Gateway((), 60), InProcess(())
    for mode in ("eager", "graph", "xla"):
        keywords = {"strides": [1, 1, 1, 1], "padding": "SAME"}
        head = {"function": "tf.nn.conv2d", "keywords": keywords, "gradient": None, "dtypes": ["float32"] * 2, "mode": mode, "type": "call"}
        row(f"worker, {mode}", "in this process", lambda head=head: gateway.call(head, arrays), lambda head=head: here.call(head, arrays))
    gateway.close()


def reading():
    texts = [path.read_text(encoding="utf-8") for path in sorted((Path(__file__).parent.parent / "cases").rglob("*.yaml"))]
    row(
        "cases read, checked and expanded",
        "yaml.load with its C loader",
        lambda: [load_text(text) for text in texts],
        lambda: [yaml.load(text, Loader=yaml.CSafeLoader) for text in texts],
    )


if __name__ == "__main__":
    reading()
    worker()
