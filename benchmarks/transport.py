"""What it costs that TensorFlow runs in a worker: ``python benchmarks/transport.py [eager graph xla]``. Needs the extra tensorflow.

- eager calls through the worker against the same calls in this process: CPU time of both processes together, and wall time, while the
  caller does half a millisecond of work of its own for each call, as the oracle does;
- graph and xla calls in groups against one tf.function a call: CPU time of both processes together.

Each row is a ratio of the best of a few rounds in one run. The sweeps are small calls, two arms each.
"""

import os
import sys
import time
from contextlib import suppress
from itertools import product
from pathlib import Path

import numpy as np

from tf_conv_conformance.subject.gateway import Gateway, InProcess
from tf_conv_conformance.subject.request import Request

ROUNDS = 3


def sweep():
    """A few hundred small calls, all different."""
    rng = np.random.RandomState(0)
    for height, width, size, stride, padding, channels in product((7, 9, 12), (8, 11), (1, 2, 3), (1, 2, 3), ("SAME", "VALID"), (1, 2, 3)):
        keywords = {"strides": [1, stride, stride, 1], "padding": padding}
        shapes = ((1, height, width, channels), (size, size, channels, 2))
        head = {"function": "tf.nn.conv2d", "keywords": keywords, "gradient": None, "dtypes": ["float32"] * 2}
        yield head, [rng.randint(-4, 5, size=shape).astype(np.float32) for _ in range(2) for shape in shapes]


def requests(mode, times=1):
    return [Request({**head, "mode": mode}, arrays) for head, arrays in list(sweep()) * times]


def cpu(subject):
    """Seconds of CPU time that this process, the worker and what forked it have taken."""
    seconds = time.process_time()
    if isinstance(subject, Gateway):
        for stat in Path("/proc").glob("[0-9]*/stat"):
            with suppress(OSError):  # it has ended meanwhile
                fields = stat.read_text(encoding="utf-8").rpartition(")")[2].split()
                if int(fields[2]) == subject._process.pid:  # of the same process group
                    seconds += (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
    return seconds


def busy(given):
    """The requests, each after some work."""
    for request in given:
        until = time.thread_time() + 0.0005
        while time.thread_time() < until:
            pass
        yield request


def measured(subject, make, given):
    """CPU and wall seconds for the calls."""
    began, wall = cpu(subject), time.perf_counter()
    assert all(observation.kind == "answered" for observation in make(subject, given))
    return cpu(subject) - began, time.perf_counter() - wall


def at_once(subject, given):
    return subject.calls(given)


def one_by_one(subject, given):
    return [subject.call(request.head, request.arrays) for request in given]


def row(name, peer, ours, theirs, count):
    """`ours` and `theirs` give CPU and wall seconds; they take turns, so that the machine's mood meets both."""
    rounds = [(ours(), theirs()) for _ in range(ROUNDS)]
    for what, index in (("CPU", 0), ("wall", 1)):
        best, of_peer = (min(pair[side][index] for pair in rounds) * 1000 / count for side in (0, 1))
        print(f"{name:<32} {what:<5} {best:7.3f} ms a call   {peer:<22} {of_peer:7.3f} ms   ratio {best / of_peer:5.2f}")


def eager(gateway):
    here, given = InProcess(()), requests("eager", 10)
    for subject in (gateway, here):
        measured(subject, at_once, given[:300])
    for name, prepared in (("eager, worker", list), ("eager, worker, caller at work", busy)):
        row(
            name,
            "in this process",
            lambda prepared=prepared: measured(gateway, at_once, prepared(given)),
            lambda prepared=prepared: measured(here, at_once, prepared(given)),
            len(given),
        )
        row(
            name + ", one by one",
            "in this process",
            lambda prepared=prepared: measured(gateway, one_by_one, prepared(given)),
            lambda prepared=prepared: measured(here, one_by_one, prepared(given)),
            len(given),
        )


def grouped(gateway, mode):
    given = requests(mode)
    measured(gateway, at_once, given[:64])
    row(
        f"{mode}, in groups",
        "a function a call",
        lambda: measured(gateway, at_once, given),
        lambda: measured(gateway, one_by_one, given),
        len(given),
    )


def main():
    gateway = Gateway((), 60)
    for mode in sys.argv[1:] or ["eager", "graph", "xla"]:
        eager(gateway) if mode == "eager" else grouped(gateway, mode)
    gateway.close()


if __name__ == "__main__":
    main()
