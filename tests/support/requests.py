"""Requests to a worker, and its processes."""

import os
import select
from contextlib import suppress
from pathlib import Path

import numpy as np

from tf_conv_conformance.convolution.dtypes import encode

ONES = {"strides": [1, 1, 1, 1], "padding": "VALID"}


def head(op="conv2d", mode="eager", dtype="float32", **keywords):
    return {
        "type": "call",
        "function": f"tf.nn.{op}",
        "keywords": {**ONES, **keywords},
        "gradient": None,
        "dtypes": [dtype, dtype],
        "mode": mode,
    }


def arrays(x=(1, 3, 3, 1), w=(2, 2, 1, 1), dtype="float32"):
    rng = np.random.RandomState(0)
    return [encode(rng.randint(-4, 5, size=shape).astype(float), dtype) for shape in (x, w)]


def children(parent):
    """The processes that a process has started and that are there."""
    found = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):  # it has ended meanwhile
            if int(stat.read_text().rpartition(")")[2].split()[1]) == parent:
                found.append(int(stat.parent.name))
    return found


def await_end(pid):
    """Wait for the end of a process, which need not be a child of this one; fail if it runs on."""
    try:
        its_end = os.pidfd_open(pid)
    except ProcessLookupError:
        return
    assert select.select([its_end], [], [], 60)[0], "the process lives on"
    os.close(its_end)
