"""What a large sweep costs: ``python benchmarks/sweep.py [PAGE] [--runs 3]``.

The same 20,736 small eager calls of tf.nn.conv2d, with two sets of data each, made three times: by
a bare loop that draws data, calls TensorFlow and the oracle and compares; by this suite, a test for
each call; and by a test for each call, written by hand with ``pytest.mark.parametrize``. The three
take turns. The figures are seconds of the processor, user and system, of all processes,
TensorFlow's import included, with one thread for BLAS and for each of TensorFlow's pools.

Then 100,000 calls are collected and none is made, by this suite and by ``pytest.mark.parametrize``
on a function that does nothing. Needs the extra tensorflow.
"""

import math
import sys
import tempfile
from pathlib import Path

import measure
from section import parser, publish, spread, table

ONE_THREAD = dict.fromkeys(
    ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS"),
    "1",
)
FILTERS = [[1, 1, 3, 4], [2, 2, 3, 4], [3, 3, 3, 4], [3, 2, 3, 4]]


def inputs(heights, widths):
    return [[1, height, width, 3] for height in heights for width in widths]


MADE = {
    "input": inputs(range(8, 35), range(8, 24)),
    "filter": FILTERS,
    "strides": [1, 2, 3],
    "padding": ["SAME", "VALID"],
    "rate": [[1, 1], [2, 2]],
}
COLLECTED = {
    **MADE,
    "input": inputs(range(8, 258), range(8, 33)),
    "strides": [1, 2],
    "rate": [[1, 1]],
}

PEER = """
import itertools
import numpy as np
import tensorflow as tf
from tf_conv_conformance.convolution.arguments import Arguments, TensorSpec
from tf_conv_conformance.prediction.models import DOCUMENTED

def check(shape, size, stride, padding, rate):
    rng = np.random.default_rng(1)
    specs = TensorSpec(tuple(shape)), TensorSpec(tuple(size))
    arguments = Arguments("conv2d", *specs, stride, padding, tuple(rate))
    for limit in (4, 1000):
        x = rng.integers(-limit, limit + 1, size=shape).astype(np.float32)
        w = rng.integers(-1, 2, size=size).astype(np.float32)
        y = tf.nn.conv2d(tf.constant(x), tf.constant(w), stride, padding, dilations=rate).numpy()
        double = x.astype(np.float64), w.astype(np.float64)
        assert np.array_equal(y, DOCUMENTED.values(arguments, *double))
"""
NOTHING = "import itertools\n\ndef check(*call):\n    pass\n"
LOOP = "\nfor call in itertools.product(*{sweep!r}.values()):\n    check(*call)\n"
TESTS = """
import pytest

@pytest.mark.parametrize("call", itertools.product(*{sweep!r}.values()))
def test_call(call):
    check(*call)
"""
CASE = "cases:\n  - {{id: sweep, op: conv2d, modes: eager, sweep: {sweep}}}\n"


LABELS = (
    "a bare loop: draw, TensorFlow, the oracle, compare",
    "this suite, a test each",
    "`pytest.mark.parametrize`, a test each",
)
NOTHING_DONE = "`pytest.mark.parametrize`, a function that does nothing"


def count(sweep):
    return math.prod(map(len, sweep.values()))


def written(folder, sweep, peer):
    """The commands that make the calls of a sweep: a loop, this suite, and tests by hand."""
    keys = ", ".join(f"{key}: {values}".replace("'", "") for key, values in sweep.items())
    texts = {
        "loop.py": peer + LOOP.format(sweep=sweep),
        "test_peer.py": peer + TESTS.format(sweep=sweep),
        "cases/sweep.yaml": CASE.format(sweep=f"{{{keys}}}"),
    }
    (folder / "cases").mkdir()
    for name, text in texts.items():
        (folder / name).write_text(text, encoding="utf-8")
    return [sys.executable, "loop.py"], [*measure.SUITE, "cases"], [*measure.PYTEST, "test_peer.py"]


def made(runs):
    """The table of calls that are made."""
    with tempfile.TemporaryDirectory() as folder:
        commands, environment = written(Path(folder), MADE, PEER), {**measure.ALONE, **ONE_THREAD}
        costs = []
        for _ in range(runs):
            costs.append([measure.run(one, folder, environment).processor for one in commands])
            print("seconds:", *(f"{seconds:.1f}" for seconds in costs[-1]), flush=True)
    calls, rows = count(MADE), []
    for label, seconds in zip(LABELS, zip(*costs, strict=True), strict=True):
        ratios = [own / loop for own, (loop, *_) in zip(seconds, costs, strict=True)]
        each = [1000 * one / calls for one in seconds]
        rows.append((label, spread(seconds, ".1f"), spread(each), spread(ratios)))
    runs_of = f"{calls:,} calls, mean (least to most) of {runs} runs"
    return table((runs_of, "processor, s", "a call, ms", "to the loop"), rows)


def collected():
    """The table of calls that are collected."""
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        _, *commands = written(Path(folder), COLLECTED, NOTHING)
        for label, command in zip(("this suite", NOTHING_DONE), commands, strict=True):
            cost = measure.run([*command, "--collect-only"], folder, measure.ALONE)
            rows.append((label, f"{cost.processor:.1f}", f"{cost.memory:.0f}"))
    return table((f"{count(COLLECTED):,} calls, collected", "processor, s", "memory, MB"), rows)


def main():
    options = parser(__doc__)
    options.add_argument("--runs", type=int, default=3)
    given = options.parse_args()
    publish(__file__, [made(given.runs), collected()], given.page)


if __name__ == "__main__":
    main()
