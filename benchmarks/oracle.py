"""The oracle on the layers of cases/networks against TensorFlow and two slow peers, in five
minutes.

``python benchmarks/oracle.py [PAGE]`` prints a line a layer, then the table. Needs the extras
tensorflow, test and bench.

One thread a side, CPU time. A run takes each layer, the oracle and TensorFlow in turns, and the
median of its rounds; there are three runs. TensorFlow computes in float32, eagerly. The data is
that of the suite: of integers the oracle makes float32 sums where that is exact, which it is here,
and of reals float64 sums, twice the work. The peers take a second for many a layer, so they get a
few layers, a round each, and the oracle's float64:

- SciPy, where there is no stride and no rate: a correlation for each filter of conv2d and for each
channel of a depthwise layer, direct or by FFT, whichever takes less time;
- ONNX, where there is no rate, for which it takes all memory: its reference evaluator, in float64.
  A 1×1 layer is one product of matrices, for it as for the oracle.

Memory is what the oracle takes at its peak, its result included, and the bound is 2 × (input +
output) + 64 MiB, in float64.
"""

import os

os.environ.update(
    OPENBLAS_NUM_THREADS="1",
    OMP_NUM_THREADS="1",
    MKL_NUM_THREADS="1",
    TF_CPP_MIN_LOG_LEVEL="3",
    CUDA_VISIBLE_DEVICES="-1",
)

import time
import tracemalloc
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from statistics import geometric_mean, median

import numpy as np
import onnx
import tensorflow as tf
from onnx.reference import ReferenceEvaluator
from scipy.signal import correlate
from section import parser, publish, table

from tf_conv_conformance.casefile.loading import load_text
from tf_conv_conformance.convolution.arguments import Arguments, Interpretation, interpret
from tf_conv_conformance.convolution.geometry import documented_padding
from tf_conv_conformance.convolution.invocation import keywords
from tf_conv_conformance.prediction import data
from tf_conv_conformance.prediction.models import DOCUMENTED

NETWORKS = Path(__file__).parent.parent / "cases/networks"
OPS = {"conv2d": tf.nn.conv2d, "depthwise_conv2d": tf.nn.depthwise_conv2d}
KINDS = {"integers": "small_integers", "reals": "reals"}
EVERY = 6  # the slow peers get one layer in so many
RUNS = 3
ROUNDS = 3
MANY = 3  # times as long as TensorFlow


def layers() -> list[Arguments]:
    """Each distinct convolution."""
    calls = [
        call
        for path in sorted(NETWORKS.rglob("*.yaml"))
        for call in load_text(path.read_text(encoding="utf-8")).calls
    ]
    return list(
        dict.fromkeys(
            call.arguments
            for call in calls
            if call.relation is None and call.arguments.gradient is None
        )
    )


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
        return [
            correlate(x[0, ..., q], w[..., q, 0], mode="valid", method=method)
            for q in range(w.shape[2])
        ]
    return [correlate(x[0], w[..., k], mode="valid", method=method) for k in range(w.shape[3])]


def by_onnx(arguments: Arguments, x, w) -> Callable:
    """The same as a model of one node, in the layout that ONNX has."""
    depthwise = arguments.op == "depthwise_conv2d"
    tensors = {
        "x": np.moveaxis(x, 3, 1).copy(),
        "w": (w.transpose(2, 3, 0, 1) if depthwise else w.transpose(3, 2, 0, 1)).copy(),
    }
    axes = interpret(arguments).height, interpret(arguments).width
    group, strides = x.shape[3] if depthwise else 1, [axis.stride for axis in axes]
    node = onnx.helper.make_node("Conv", ["x", "w"], ["y"], group=group, strides=strides)
    double = onnx.TensorProto.DOUBLE
    inputs = [
        onnx.helper.make_tensor_value_info(name, double, tensor.shape)
        for name, tensor in tensors.items()
    ]
    graph = onnx.helper.make_graph(
        [node], "layer", inputs, [onnx.helper.make_tensor_value_info("y", double, None)]
    )
    evaluator = ReferenceEvaluator(
        onnx.helper.make_model(graph, opset_imports=[onnx.helper.make_opsetid("", 18)])
    )
    return lambda: evaluator.run(None, tensors)[0]


def text(arguments: Arguments, interpretation: Interpretation) -> str:
    height, width = interpretation.height, interpretation.width
    shapes = (
        "×".join(map(str, arguments.input.shape[1:])),
        "×".join(map(str, arguments.filter.shape)),
    )
    steps = f"/{height.stride}" * (height.stride > 1) + f" rate {height.rate}" * (
        height.rate > 1 or width.rate > 1
    )
    padding = arguments.padding if isinstance(arguments.padding, str) else "explicit"
    return (
        f"{arguments.op.removesuffix('_conv2d'):<9} {shapes[0]:>12} * {shapes[1]}{steps} {padding}"
    )


def tensors(arguments: Arguments, kind: str):
    """Input and filter as the suite draws them."""
    arguments = replace(arguments, data=(KINDS[kind],))
    return data.arms(arguments)[0].arrays(arguments)


def against_tensorflow(arguments: Arguments, kind: str) -> tuple[float, float]:
    """Seconds of the oracle, and of TensorFlow."""
    x, w = tensors(arguments, kind)
    narrow = tf.constant(x, tf.float32), tf.constant(w, tf.float32)
    functions = {
        "oracle": lambda: DOCUMENTED.values(arguments, x, w),
        "tensorflow": lambda: OPS[arguments.op](*narrow, **keywords(arguments)).numpy(),
    }
    if kind == "integers":  # speed of what is wrong is worth nothing
        assert np.array_equal(functions["tensorflow"](), functions["oracle"]()), (
            f"not the same: {arguments}"
        )
    took = seconds(functions, ROUNDS)
    return took["oracle"], took["tensorflow"]


def against_peers(arguments: Arguments) -> dict[str, float]:
    """How many times as long as the oracle each peer takes, in float64."""
    x, w = (tensor.astype(np.float64) for tensor in tensors(arguments, "integers"))
    interpretation = interpret(arguments)
    oracle = partial(DOCUMENTED.values, arguments, x, w)
    padded = np.pad(
        x,
        (
            (0, 0),
            documented_padding(interpretation.height),
            documented_padding(interpretation.width),
            (0, 0),
        ),
    )
    onnx_ = by_onnx(arguments, padded, w)
    assert np.array_equal(np.moveaxis(onnx_(), 1, 3), oracle())
    own, slower = seconds({"oracle": oracle}, ROUNDS)["oracle"], seconds({"onnx": onnx_}, 1)
    if interpretation.height.stride == interpretation.width.stride == 1:
        methods = {
            method: lambda method=method: by_scipy(arguments, padded, w, method)
            for method in ("direct", "fft")
        }
        slower["scipy"] = min(seconds(methods, 1).values())
    return {name: took / own for name, took in slower.items()}


def memory(arguments: Arguments, kind: str) -> float:
    """What the oracle takes at its peak, as a share of the bound."""
    x, w = tensors(arguments, kind)
    sizes = []
    taken = peak(lambda: sizes.append(DOCUMENTED.values(arguments, x, w).size))
    return taken / (2 * 8 * (x.size + sizes[0]) + 2**26)


def cells(ratios: dict[Arguments, float], text: Callable[[list[float]], str]) -> list[str]:
    """A text for the layers of each operator, and for all."""
    return [
        text([ratio for one, ratio in ratios.items() if op in (one.op, "all")])
        for op in (*OPS, "all")
    ]


def span(ratios: Sequence[float]) -> str:
    return f"{geometric_mean(ratios):.2f} ({min(ratios):.2f}, {max(ratios):.2f})"


def mean(ratios: Sequence[float]) -> str:
    return f"{geometric_mean(ratios):.2f}"


def many(ratios: Sequence[float]) -> str:
    return f"{sum(ratio > MANY for ratio in ratios)} of {len(ratios)}"


def rows_of(kind: str, runs: Sequence[dict[Arguments, float]]) -> list[list[str]]:
    """The rows of a kind of data: all runs, each run's mean, and the layers that take long."""
    typical = {one: median(run[one] for run in runs) for one in runs[0]}
    each = zip(*(cells(run, mean) for run in runs), strict=True)
    return [
        [f"the oracle's time / TensorFlow's, {kind}", *cells(typical, span)],
        [f"the same, in each of {len(runs)} runs", *(", ".join(means) for means in each)],
        [f"layers above {MANY} ×, {kind}", *cells(typical, many)],
    ]


def rows(
    runs: dict[str, list[dict[Arguments, float]]],
    peers: dict[Arguments, dict[str, float]],
) -> list[list[str]]:
    """What was measured."""
    found = [one for kind in KINDS for one in rows_of(kind, runs[kind])]
    for peer, name in (
        ("scipy", "SciPy's time (the faster of direct and FFT)"),
        ("onnx", "ONNX's reference"),
    ):
        ratios = {one: slower[peer] for one, slower in peers.items() if peer in slower}
        label = f"{name} / the oracle's in float64, {len(ratios)} layers"
        found.append([label, *cells(ratios, span)])
    return found


def main(page: Path | None) -> None:
    tf.config.threading.set_intra_op_parallelism_threads(1)
    tf.config.threading.set_inter_op_parallelism_threads(1)
    every = layers()
    runs = {kind: [{} for _ in range(RUNS)] for kind in KINDS}
    print(
        f"{'milliseconds of CPU':<50} {'run':>4} {'data':>9} {'oracle':>8} {'TF':>8} {'ratio':>8}"
    )
    for number in range(RUNS):
        for kind in KINDS:
            for one in every:
                oracle, tensorflow = against_tensorflow(one, kind)
                runs[kind][number][one] = oracle / tensorflow
                numbers = (1000 * oracle, 1000 * tensorflow, oracle / tensorflow)
                print(
                    f"{text(one, interpret(one)):<50} {number + 1:4} {kind:>9}",
                    *(f"{value:8.2f}" for value in numbers),
                    flush=True,
                )
    undilated = [
        one
        for one in every
        if all(axis.rate == 1 for axis in (interpret(one).height, interpret(one).width))
    ]
    peers = {one: against_peers(one) for one in undilated[::EVERY]}
    most = max(memory(one, kind) for one in every for kind in KINDS)
    found = table(("geometric mean (from, to)", "conv2d", "depthwise", "all"), rows(runs, peers))
    note = f"{len(every)} layers. Memory at its peak: at most {most:.0%} of the bound."
    publish(__file__, [found, note], page)


if __name__ == "__main__":
    main(parser(__doc__).parse_args().page)
