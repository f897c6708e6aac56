"""What TensorFlow's own test of the depthwise convolution catches: ``python
benchmarks/peer_tests.py RECORDS.jsonl [FAULT ...]``.

The wheel has depthwise_conv_op_base.py, which is that test but for its main; conv_ops_test.py is
not in it. It runs on the CPU, in graphs as in TensorFlow 1, as its decorators ask, without the
tests that ask for a GPU. Its calls get each fault of tests/faults/catalogue.py that alters one of
them, forward and in gradients; those that end the process are left out. Needs the extra tensorflow;
takes some 20 minutes.
"""

import json
import os
import sys
import unittest
from pathlib import Path
from types import SimpleNamespace

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
sys.path.insert(0, str(Path(__file__).parents[1] / "tests" / "faults"))

import tensorflow as tf
from altering import Invocation
from catalogue import CATALOGUE, NONE
from tensorflow.python.kernel_tests.nn_ops import depthwise_conv_op_base as peer

from tf_conv_conformance.subject.transformations import with_gradient

ALTERED = set()
NATIVE, WHOLE = peer.nn_ops.depthwise_conv2d_native, peer.nn_impl.depthwise_conv2d


class Faulty:
    """A function of TensorFlow with a fault, and with the fault's gradients."""

    def __init__(self, fault, function, symbol):
        self.fault, self.function, self.symbol = fault, function, symbol

    def __call__(self, x, w, strides, padding, **keywords):
        """The call as the peer makes it."""
        given = {
            "strides": strides,
            "padding": padding,
            **{name: value for name, value in keywords.items() if value is not None},
        }
        if None in x.shape.as_list() or None in w.shape.as_list():
            return self.function(x, w, **given)
        pieces = {by: self._piece(x, w, given, by) for by in (None, "input", "filter")}

        @tf.custom_gradient
        def call(x, w):
            return pieces[None](x, w), lambda up: (
                pieces["input"](x, w, up),
                pieces["filter"](x, w, up),
            )

        return call(x, w)

    def _piece(self, x, w, keywords, by):
        dtypes = [x.dtype.name] * (3 if by else 2)
        request = {
            "function": self.symbol,
            "keywords": keywords,
            "gradient": by,
            "dtypes": dtypes,
            "mode": "graph",
        }
        invocation = Invocation(tf, request, [x, w], self._true)
        ALTERED.update(
            name for name, fault in CATALOGUE.items() if fault.alteration.affects(invocation)
        )
        return self.fault.function(invocation)

    def _true(self, request, tensors):
        def forward(x, w):
            return self.function(x, w, **request["keywords"])

        by = request["gradient"]
        return with_gradient(tf, forward, None, by) if by else forward


class DepthwiseConv2DTest(peer.DepthwiseConv2DBase):
    """The peer's tests."""


def tried(fault):
    """The peer's first test that fails with a fault, None where none does; and the faults that
    alter its calls.
    """
    ALTERED.clear()
    peer.nn_impl = SimpleNamespace(depthwise_conv2d=Faulty(fault, WHOLE, "tf.nn.depthwise_conv2d"))
    peer.nn_ops = SimpleNamespace(
        depthwise_conv2d_native=Faulty(fault, NATIVE, "tf.nn.depthwise_conv2d")
    )
    tests = unittest.defaultTestLoader.loadTestsFromTestCase(DepthwiseConv2DTest)
    with Path(os.devnull).open("w", encoding="utf-8") as nowhere:
        ended = unittest.TextTestRunner(nowhere, failfast=fault is not NONE).run(tests)
    bad = [*ended.failures, *ended.errors]
    run = ended.testsRun - len(ended.skipped)
    said = bad[0][1].strip().splitlines()[-1] if bad else None
    failed = bad[0][0]._testMethodName if bad else None
    return {
        "fault": fault.name,
        "run": run,
        "failed": failed,
        "said": said,
        "altered": sorted(ALTERED),
    }


def main():
    path, *names = sys.argv[1:]
    tf.compat.v1.disable_v2_behavior()
    tf.compat.v1.logging.set_verbosity(tf.compat.v1.logging.FATAL)
    first = tried(NONE)
    assert first["failed"] is None, first
    chosen = [name for name in names or first["altered"] if CATALOGUE[name].kind != "process"]
    with Path(path).open("w", encoding="utf-8") as file:
        print(json.dumps(first), file=file, flush=True)
        for name in chosen:
            record = tried(CATALOGUE[name])
            print(json.dumps({**record, "altered": []}), file=file, flush=True)
            print(f"{name}: {record['failed'] or 'survives'}", flush=True)


if __name__ == "__main__":
    main()
