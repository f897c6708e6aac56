"""What it costs that TensorFlow runs in a worker: ``python benchmarks/transport.py [PAGE]``.

Eager calls through the worker are measured against the same calls in this process, also while the
caller does half a millisecond of work of its own for each call, as the oracle does; graph and xla
calls in groups against one tf.function a call. The processor's time is that of all processes.

Each row has the best of a few rounds in one run. The calls are small, two arms each. Needs the
extra tensorflow.
"""

import os
import time
from contextlib import suppress
from functools import partial
from itertools import product
from pathlib import Path

import numpy as np
from section import parser, publish, table

from tf_conv_conformance.subject.gateway import Gateway
from tf_conv_conformance.subject.in_process import InProcess
from tf_conv_conformance.subject.request import Request

ROUNDS = 3


def sweep():
    """A few hundred small calls, all different."""
    rng = np.random.RandomState(0)
    for height, width, size, stride, padding, channels in product(
        (7, 9, 12), (8, 11), (1, 2, 3), (1, 2, 3), ("SAME", "VALID"), (1, 2, 3)
    ):
        keywords = {"strides": [1, stride, stride, 1], "padding": padding}
        shapes = ((1, height, width, channels), (size, size, channels, 2))
        head = {
            "function": "tf.nn.conv2d",
            "keywords": keywords,
            "gradient": None,
            "dtypes": ["float32"] * 2,
        }
        yield (
            head,
            [
                rng.randint(-4, 5, size=shape).astype(np.float32)
                for _ in range(2)
                for shape in shapes
            ],
        )


def requests(mode, times=1):
    return [Request({**head, "mode": mode}, arrays) for head, arrays in list(sweep()) * times]


def cpu(subject):
    """Seconds of CPU time that this process, the worker and what forked it have taken."""
    seconds = time.process_time()
    if isinstance(subject, Gateway):
        for stat in Path("/proc").glob("[0-9]*/stat"):
            with suppress(OSError):  # it has ended meanwhile
                fields = stat.read_text(encoding="utf-8").rpartition(")")[2].split()
                if int(fields[2]) == subject.pid:  # of the same process group
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


def again(subject, make, prepared, given):
    return measured(subject, make, prepared(given))


def at_once(subject, given):
    return subject.calls(given)


def one_by_one(subject, given):
    return [one for request in given for one in subject.calls([request])]


def rows(name, ours, theirs, count):
    """The processor's row and the wall clock's. The two sides take turns, on the same machine."""
    rounds = [(ours(), theirs()) for _ in range(ROUNDS)]
    for what, index in (("processor", 0), ("wall clock", 1)):
        best, of_peer = (
            min(pair[side][index] for pair in rounds) * 1000 / count for side in (0, 1)
        )
        print(f"{name}, {what}: {best:.3f} ms, {of_peer:.3f} ms", flush=True)
        yield f"{name}, {what}", f"{best:.2f}", f"{of_peer:.2f}", f"{best / of_peer:.2f}"


def eager(gateway):
    """The worker against the calls in this process."""
    here, given = InProcess(()), requests("eager", 10)
    for subject in (gateway, here):
        measured(subject, at_once, given[:300])
    for name, prepared in (("eager", list), ("eager, the caller at work for 0.5 ms a call", busy)):
        for how, make in ((name, at_once), (f"{name}, one by one", one_by_one)):
            sides = [partial(again, to, make, prepared, given) for to in (gateway, here)]
            yield from rows(how, *sides, len(given))


def in_groups(gateway, mode):
    """Calls in groups against a function for each."""
    given = requests(mode)
    measured(gateway, at_once, given[:64])
    sides = [partial(measured, gateway, make, given) for make in (at_once, one_by_one)]
    return rows(mode, *sides, len(given))


def main():
    given = parser(__doc__).parse_args()
    gateway = Gateway((), 60)
    alone = table(("milliseconds a call", "the worker", "in this process", "ratio"), eager(gateway))
    groups = [row for mode in ("graph", "xla") for row in in_groups(gateway, mode)]
    gateway.close()
    grouped = table(("milliseconds a call", "in groups", "a function for each", "ratio"), groups)
    publish(__file__, [alone, grouped], given.page)


if __name__ == "__main__":
    main()
