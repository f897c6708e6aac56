"""What a large sweep costs: ``python benchmarks/sweep.py [CALLS]``. Needs the extras tensorflow and test.

The same small eager calls of tf.nn.conv2d, with two sets of data each, made three times: by this suite in blocks, by a bare loop that
draws data, calls TensorFlow and the oracle and compares, and by a test for each call, written by hand with ``pytest.mark.parametrize``.
The figures are seconds of the processor, user and system, of all processes, TensorFlow's import included. One thread for BLAS and for each
of TensorFlow's pools.
"""

import os
import resource
import subprocess
import sys
import tempfile
from pathlib import Path

SIZES = range(8, 72)
FILTERS = ((1, 1), (2, 2), (3, 3), (3, 2))
STRIDES = (1, 2, 3)
RATES = ((1, 1), (2, 2))
PADDINGS = ("SAME", "VALID")

PEER = """
import itertools
import numpy as np
import tensorflow as tf
from tf_conv_conformance.arguments import Arguments, TensorSpec
from tf_conv_conformance.oracle.models import DOCUMENTED, values

SHAPES = [(1, h, w, 3) for h in {heights!r} for w in range(8, 24)]
CALLS = list(itertools.product(SHAPES, {filters!r}, {strides!r}, {paddings!r}, {rates!r}))

def check(shape, size, stride, padding, rate):
    rng = np.random.default_rng(1)
    arguments = Arguments("conv2d", TensorSpec(shape), TensorSpec((*size, 3, 4)), stride, padding, rate)
    for limit in (4, 1000):
        x = rng.integers(-limit, limit + 1, size=shape).astype(np.float32)
        w = rng.integers(-1, 2, size=(*size, 3, 4)).astype(np.float32)
        y = tf.nn.conv2d(tf.constant(x), tf.constant(w), stride, padding, dilations=rate).numpy()
        assert np.array_equal(y, values(DOCUMENTED, arguments, x.astype(np.float64), w.astype(np.float64)))
"""
LOOP = PEER + "\nfor call in CALLS:\n    check(*call)\n"
TESTS = PEER + '\nimport pytest\n\n@pytest.mark.parametrize("call", CALLS)\ndef test_call(call):\n    check(*call)\n'
CASES = """
cases:
  - id: sweep
    op: conv2d
    modes: eager
    sweep:
      input: [{inputs}]
      filter: [{filters}]
      strides: {strides}
      padding: {paddings}
      rate: {rates}
"""


def seconds(command, folder):
    """Seconds of the processor that a command takes, with all the processes that it starts."""
    threads = dict.fromkeys(("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS"), "1")
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run(command, cwd=folder, env={**os.environ, **threads}, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime


def main(calls):
    heights = list(SIZES)[: -(-calls // (16 * len(FILTERS) * len(STRIDES) * len(RATES) * len(PADDINGS)))]
    inputs = [f"[1, {height}, {width}, 3]" for height in heights for width in range(8, 24)]
    count = len(inputs) * len(FILTERS) * len(STRIDES) * len(RATES) * len(PADDINGS)
    fields = {"heights": heights, "filters": FILTERS, "strides": STRIDES, "rates": RATES, "paddings": PADDINGS}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "loop.py").write_text(LOOP.format(**fields), encoding="utf-8")
        (folder / "test_peer.py").write_text(TESTS.format(**fields), encoding="utf-8")
        (folder / "cases").mkdir()
        text = CASES.format(
            inputs=", ".join(inputs),
            filters=", ".join(f"[{h}, {w}, 3, 4]" for h, w in FILTERS),
            strides=list(STRIDES),
            paddings=list(PADDINGS),
            rates=[list(rate) for rate in RATES],
        )
        (folder / "cases/sweep.yaml").write_text(text.replace("'", ""), encoding="utf-8")
        pytest = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider"]
        loop = seconds([sys.executable, "loop.py"], folder)
        print(f"{count} calls\n{'a bare loop':<40} {loop:7.1f} s   {1000 * loop / count:6.2f} ms a call")
        for label, command in (("this suite, in blocks", [*pytest, "cases"]), ("parametrized by hand", [*pytest, "test_peer.py"])):
            taken = seconds(command, folder)
            print(f"{label:<40} {taken:7.1f} s   {1000 * taken / count:6.2f} ms a call   {taken / loop:5.2f} × the loop", flush=True)


if __name__ == "__main__":
    main(int(sys.argv[1]) if sys.argv[1:] else 20_000)
