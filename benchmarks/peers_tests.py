"""TensorFlow's own test of the depthwise convolution with a fault: ``python benchmarks/peers_tests.py FAULT``; exit status 1 where it fails.

The wheel has depthwise_conv_op_base.py, which is that test but for its main; conv_ops_test.py is not in it. The test runs on the CPU, as
TensorFlow 1 runs it, without the tests that ask for a GPU. Its calls get the fault of tests/faults/catalogue.py, forward and in gradients. The
last line names each of the faults that alters one of its calls. Needs the extra tensorflow.
"""

import os
import sys
import unittest
from pathlib import Path
from types import SimpleNamespace

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
sys.path.insert(0, str(Path(__file__).parents[1] / "tests" / "faults"))

import tensorflow as tf
from altering import Asked
from catalogue import CATALOGUE, NONE
from tensorflow.python.kernel_tests.nn_ops import depthwise_conv_op_base as peer

from tf_conv_conformance.subject.execution import with_gradient

ALTERED = set()


class Faulty:
    """A function of TensorFlow with a fault, and with the fault's gradients."""

    def __init__(self, fault, function, door):
        self.fault, self.function, self.door = fault, function, door

    def __call__(self, x, w, strides, padding, **keywords):
        """The call as the peer makes it."""
        given = {"strides": strides, "padding": padding, **{name: value for name, value in keywords.items() if value is not None}}
        if None in x.shape.as_list() or None in w.shape.as_list():
            return self.function(x, w, **given)
        pieces = {by: self._piece(x, w, given, by) for by in (None, "input", "filter")}

        @tf.custom_gradient
        def call(x, w):
            return pieces[None](x, w), lambda up: (pieces["input"](x, w, up), pieces["filter"](x, w, up))

        return call(x, w)

    def _piece(self, x, w, keywords, by):
        dtypes = [x.dtype.name] * (3 if by else 2)
        request = {"function": self.door, "keywords": keywords, "gradient": by, "dtypes": dtypes, "mode": "graph"}
        asked = Asked(tf, request, [x, w], self._true)
        ALTERED.update(name for name, fault in CATALOGUE.items() if fault.alteration.affects(asked))
        return self.fault.function(asked)

    def _true(self, request, tensors):
        def forward(x, w):
            return self.function(x, w, **request["keywords"])

        return with_gradient(tf, forward, request["gradient"]) if request["gradient"] else forward


class DepthwiseConv2DTest(peer.DepthwiseConv2DBase):
    """The peer's tests."""


def main():
    fault = CATALOGUE.get(sys.argv[1], NONE)
    tf.compat.v1.disable_v2_behavior()
    native, whole = peer.nn_ops.depthwise_conv2d_native, peer.nn_impl.depthwise_conv2d
    peer.nn_impl = SimpleNamespace(depthwise_conv2d=Faulty(fault, whole, "tf.nn.depthwise_conv2d"))
    peer.nn_ops = SimpleNamespace(depthwise_conv2d_native=Faulty(fault, native, "tf.nn.depthwise_conv2d"))
    tests = unittest.defaultTestLoader.loadTestsFromTestCase(DepthwiseConv2DTest)
    ended = unittest.TextTestRunner(failfast=fault is not NONE).run(tests)
    print(f"{ended.testsRun} tests, {len(ended.skipped)} skipped; altered: {' '.join(sorted(ALTERED))}")
    sys.exit(not ended.wasSuccessful())


if __name__ == "__main__":
    main()
