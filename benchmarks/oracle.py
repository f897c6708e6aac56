"""The oracle on the layers of cases/networks against TensorFlow and two slow peers: ``python benchmarks/oracle.py``, about two minutes.

Needs the extras tensorflow, test and bench. One thread each, CPU time, medians of rounds in turns. TensorFlow computes in float32,
eagerly; the oracle in float64, which is twice the work. The peers take a second for many a layer, so they get a few layers, a round each:

- SciPy, where there is no stride and no rate: a correlation for each filter of conv2d and for each channel of a depthwise layer, direct
  or by FFT, whichever takes less time;
- ONNX, where there is no rate, for which it takes all memory: its reference evaluator, in float64. A 1×1 layer is one product of
  matrices, for it as for the oracle.

Memory is what the oracle takes at its peak, its result included, and the bound is 2 × (input + output) + 64 MiB.
"""

import os

os.environ.update(OPENBLAS_NUM_THREADS="1", OMP_NUM_THREADS="1", MKL_NUM_THREADS="1", TF_CPP_MIN_LOG_LEVEL="3", CUDA_VISIBLE_DEVICES="-1")

import math
import time
import tracemalloc
from collections.abc import Callable
from pathlib import Path
from statistics import geometric_mean, median

import numpy as np
import onnx
import tensorflow as tf
from onnx.reference import ReferenceEvaluator
from scipy.signal import correlate

from tf_conv_conformance.arguments import Arguments, Reading, read
from tf_conv_conformance.casefile.loading import load_text
from tf_conv_conformance.doors import keywords
from tf_conv_conformance.geometry import documented_padding
from tf_conv_conformance.oracle.models import DOCUMENTED, values

NETWORKS = Path(__file__).parent.parent / "cases/networks"
OPS = {"conv2d": tf.nn.conv2d, "depthwise_conv2d": tf.nn.depthwise_conv2d}
EVERY = 6  # the slow peers get one layer in so many
ROUNDS = 5


def layers() -> list[Arguments]:
    """Each distinct convolution."""
    calls = [call for path in sorted(NETWORKS.rglob("*.yaml")) for call in load_text(path.read_text(encoding="utf-8")).calls]
    return list(dict.fromkeys(call.arguments for call in calls if call.relation is None and call.arguments.gradient is None))


def seconds(functions: dict[str, Callable], rounds: int) -> dict[str, float]:
    """Median CPU seconds of each, measured in turns."""
    taken = {name: [] for name in functions}
    for _ in range(rounds):
        for name, function in functions.items():
            began = time.process_time()
            function()
            taken[name].append(time.process_time() - began)
    return {name: median(times) for name, times in taken.items()}


def peak(function: Callable) -> int:
    """The most bytes that the call takes at any time."""
    tracemalloc.start()
    try:
        function()
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def by_scipy(arguments: Arguments, x, w, method: str):
    """A layer without stride and rate, its padding made before."""
    if arguments.op == "depthwise_conv2d":
        return [correlate(x[0, ..., q], w[..., q, 0], mode="valid", method=method) for q in range(w.shape[2])]
    return [correlate(x[0], w[..., k], mode="valid", method=method) for k in range(w.shape[3])]


def by_onnx(arguments: Arguments, x, w) -> Callable:
    """The same as a model of one node, in the layout that ONNX has."""
    depthwise = arguments.op == "depthwise_conv2d"
    tensors = {"x": np.moveaxis(x, 3, 1).copy(), "w": (w.transpose(2, 3, 0, 1) if depthwise else w.transpose(3, 2, 0, 1)).copy()}
    axes = read(arguments).height, read(arguments).width
    group, strides = x.shape[3] if depthwise else 1, [axis.stride for axis in axes]
    node = onnx.helper.make_node("Conv", ["x", "w"], ["y"], group=group, strides=strides)
    double = onnx.TensorProto.DOUBLE
    inputs = [onnx.helper.make_tensor_value_info(name, double, tensor.shape) for name, tensor in tensors.items()]
    graph = onnx.helper.make_graph([node], "layer", inputs, [onnx.helper.make_tensor_value_info("y", double, None)])
    evaluator = ReferenceEvaluator(onnx.helper.make_model(graph, opset_imports=[onnx.helper.make_opsetid("", 18)]))
    return lambda: evaluator.run(None, tensors)[0]


def text(arguments: Arguments, reading: Reading) -> str:
    height, width = reading.height, reading.width
    shapes = "×".join(map(str, arguments.input.shape[1:])), "×".join(map(str, arguments.filter.shape))
    steps = f"/{height.stride}" * (height.stride > 1) + f" rate {height.rate}" * (height.rate > 1 or width.rate > 1)
    padding = arguments.padding if isinstance(arguments.padding, str) else "explicit"
    return f"{arguments.op.removesuffix('_conv2d'):<9} {shapes[0]:>12} * {shapes[1]}{steps} {padding}"


def row(arguments: Arguments, slow: bool) -> dict[str, float]:
    """Print a layer's row; how many times as long as the oracle, or the oracle as TensorFlow, each takes."""
    reading, random = read(arguments), np.random.RandomState(0)
    x, w = (random.randint(-4, 5, size=shape).astype(np.float64) for shape in (arguments.input.shape, arguments.filter.shape))
    narrow = tf.constant(x, tf.float32), tf.constant(w, tf.float32)
    functions = {
        "oracle": lambda: values(DOCUMENTED, arguments, x, w),
        "tensorflow": lambda: OPS[arguments.op](*narrow, **keywords(arguments)).numpy(),
    }
    result = functions["oracle"]()
    assert np.array_equal(functions["tensorflow"](), result), f"not the same: {arguments}"  # speed of what is wrong is worth nothing
    took = seconds(functions, ROUNDS)
    bytes_, bound = peak(functions["oracle"]), 2 * 8 * (math.prod(arguments.input.shape) + result.size) + 2**26
    ratios = {"tensorflow": took["oracle"] / took["tensorflow"], "memory": bytes_ / bound}
    numbers = [1000 * took["oracle"], 1000 * took["tensorflow"], ratios["tensorflow"], bytes_ / 2**20, bound / 2**20]
    if slow:
        padded = np.pad(x, ((0, 0), documented_padding(reading.height), documented_padding(reading.width), (0, 0)))
        peers = {"onnx": by_onnx(arguments, padded, w)}
        assert np.array_equal(np.moveaxis(peers["onnx"](), 1, 3), result)
        if reading.height.stride == reading.width.stride == 1:
            peers |= {method: lambda method=method: by_scipy(arguments, padded, w, method) for method in ("direct", "fft")}
        slower = seconds(peers, 1)
        ratios["onnx"] = slower["onnx"] / took["oracle"]
        numbers += [1000 * slower["onnx"], ratios["onnx"]]
        if "fft" in slower:
            ratios["scipy"] = min(slower["direct"], slower["fft"]) / took["oracle"]
            numbers += [1000 * slower["direct"], 1000 * slower["fft"], ratios["scipy"]]
    print(f"{text(arguments, reading):<50}", *(f"{number:8.2f}" for number in numbers), flush=True)
    return ratios


def main() -> None:
    tf.config.threading.set_intra_op_parallelism_threads(1)
    tf.config.threading.set_inter_op_parallelism_threads(1)
    heads = ("oracle", "TF", "ratio", "MiB", "bound", "ONNX", "ratio", "direct", "FFT", "ratio")
    print(f"{'milliseconds of CPU':<50}", *(f"{head:>8}" for head in heads))
    every = layers()
    undilated = [one for one in every if all(axis.rate == 1 for axis in (read(one).height, read(one).width))]
    found = {one: row(one, one in undilated[::EVERY]) for one in every}
    questions = {"tensorflow": "the oracle's time / TensorFlow's", "onnx": "ONNX's / the oracle's", "scipy": "SciPy's / the oracle's"}
    for peer, question in questions.items():
        for op in (*OPS, "all"):
            them = [ratios[peer] for one, ratios in found.items() if peer in ratios and op in (one.op, "all")]
            print(f"{question}, {op}, {len(them)} layers: {geometric_mean(them):.2f}, from {min(them):.2f} to {max(them):.2f}")
    print(f"memory at its peak, of the bound: at most {max(ratios['memory'] for ratios in found.values()):.0%}")


if __name__ == "__main__":
    main()
