"""What docs/deploying.md states: its table against its data, and each function to write instead
against the documented formula, in every runtime that is installed.
"""

import json
import re
import runpy
from dataclasses import replace
from itertools import product

import numpy as np
import pytest

from support.browser_records import answer, run
from support.page_records import SUBJECT
from support.programs import printed
from tf_conv_conformance.casefile.loading import load
from tf_conv_conformance.convolution.arguments import Arguments, TensorSpec
from tf_conv_conformance.convolution.geometry import Axis, documented_padding
from tf_conv_conformance.convolution.invocation import keywords
from tf_conv_conformance.convolution.names import CONVERTED_MODES
from tf_conv_conformance.prediction.converted_models import CONVERTED
from tf_conv_conformance.prediction.deployment import IMPORTS, converted
from tf_conv_conformance.prediction.models import DOCUMENTED, PHASE_STRIDED, is_atrous_strided
from tf_conv_conformance.prediction.predict import predict

RUN_ALL = """
import importlib.util, json, sys
import numpy as np
import tensorflow as tf
needs = {"litert": ["ai_edge_litert"], "onnx": ["tf2onnx", "onnxruntime"]}
found = []
for source, tensors, programs in json.load(sys.stdin):
    x, w = (np.array(values, np.float32) for values in tensors)
    results = {}
    exec(source)
    for name in ("given", "instead"):
        convolve = globals().pop(name, None)
        if convolve is None:
            continue
        in_xla = tf.function(convolve, jit_compile=True)
        results[name + " tensorflow"] = in_xla(x, w).numpy().tolist()
        for mode, (imports, lines) in programs.items():
            if not all(importlib.util.find_spec(module) for module in needs.get(mode, [])):
                continue
            exec("\\n".join([*imports, *lines]))
            try:
                results[f"{name} {mode}"] = deployed(x, w).tolist()
            except Exception as error:
                results[f"{name} {mode}"] = type(error).__name__
    found.append(results)
print(json.dumps([tf.__version__, found]))
"""
WITHOUT_XNNPACK = """
import importlib.util, json, sys
import numpy as np
import tensorflow as tf
given, snippet, tensors, quantizing, calls = json.load(sys.stdin)
exec(given)
x, w = (np.array(values, np.float32) for values in tensors)
traced = tf.function(lambda x: given(x, w)).get_concrete_function(tf.TensorSpec(x.shape, x.dtype))
model = tf.lite.TFLiteConverter.from_concrete_functions([traced]).convert()
exec(snippet)
interpreter.allocate_tensors()
interpreter.set_tensor(interpreter.get_input_details()[0]["index"], x)
interpreter.invoke()
without = interpreter.get_tensor(interpreter.get_output_details()[0]["index"]).tolist()

exec(quantizing)
interpreters = [tf.lite.Interpreter]
if importlib.util.find_spec("ai_edge_litert"):
    from ai_edge_litert.interpreter import Interpreter
    interpreters.append(Interpreter)
results = []
for op, keywords, *tensors in calls:
    x, w = (np.array(values, np.float32) for values in tensors)
    function = lambda x: getattr(tf.nn, op)(x, w, **keywords)
    models = [quantized(function, x, int8) for int8 in (False, True)]
    for made in interpreters:
        results.append([])
        for model in models:
            interpreter = made(model_content=model)
            interpreter.allocate_tensors()
            interpreter.set_tensor(interpreter.get_input_details()[0]["index"], x)
            interpreter.invoke()
            output = interpreter.get_output_details()[0]["index"]
            results[-1].append(interpreter.get_tensor(output).tolist())
print(json.dumps([without, len(interpreters), results]))
"""
X, W = TensorSpec((1, 9, 8, 4)), TensorSpec((3, 3, 4, 2))
DEPTHWISE = Arguments("depthwise_conv2d", X, W, (1, 1, 1, 1), "SAME", (2, 2))
BEYOND = Arguments("conv2d", TensorSpec((1, 10, 12, 4)), W, 5, "SAME")
KERAS = "tf.keras.layers.Conv2D"
REMEDIES = [
    (replace(DEPTHWISE, strides=(1, 2, 2, 1)), DOCUMENTED),
    (replace(DEPTHWISE, strides=(1, 2, 2, 1), padding="VALID", dilations=(3, 3)), PHASE_STRIDED),
    (replace(DEPTHWISE, padding=((0, 0), (1, 2), (3, 0), (0, 0))), DOCUMENTED),
    (BEYOND, DOCUMENTED),
    (Arguments("conv2d", X, W, 1, "SAME", 2, unknown=("batch", "height", "width")), DOCUMENTED),
    (Arguments("conv2d", X, TensorSpec((3, 3, 2, 6)), 1, "same", via=KERAS), DOCUMENTED),
    (
        replace(DEPTHWISE, input=TensorSpec((1, 4, 9, 8)), dilations=None, data_format="NCHW"),
        DOCUMENTED,
    ),
]
"""What each pair on the page is about, in its order, and the model that `instead` follows."""


EXPLICIT = ((0, 0), (1, 2), (3, 0), (0, 0))
QUANTIZED = [
    Arguments(op, X, W, (1, stride, stride, 1), padding, (rate, rate))
    for op in ("conv2d", "depthwise_conv2d")
    for stride, rate, padding in ((1, 1, "SAME"), (2, 1, "VALID"), (1, 2, EXPLICIT), (2, 2, "SAME"))
]


@pytest.fixture(scope="module")
def page(repository):
    return (repository / "docs/deploying.md").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def blocks(page):
    """The Python on the page."""
    return re.findall(r"```python\n(.*?)```", page, re.DOTALL)


@pytest.fixture(scope="module")
def make(repository):
    return runpy.run_path(str(repository / "docs/deploying/make.py"))


@pytest.fixture(scope="module")
def outcomes(repository):
    return json.loads((repository / "docs/deploying/outcomes.json").read_text(encoding="utf-8"))


def tensors(arguments):
    return [one.tolist() for one in predict(arguments).arms[0].arrays(arguments)]


def numbers(arguments, model):
    return predict(arguments).values(model)[0].numbers


def test_the_page_is_made_from_its_data(page, make, outcomes):
    assert make["page"](outcomes) == page
    assert make["text_of"](outcomes) == make["OUTCOMES"].read_text(encoding="utf-8")


def test_the_data_has_each_call_of_the_case_file(repository, make, outcomes):
    calls = load(repository / "cases/deploying/calls.yaml").calls
    made = {(call.case.id, make["variant"](call.arguments)) for call in calls}
    assert {(one["case"], one["call"]) for one in outcomes} == made
    assert set(make["TITLES"]) == {case for case, _ in made}


def test_results_of_records_are_in_words(tmp_path, make):
    run(tmp_path, {**SUBJECT, "tensorflow": "2.8.4"}, answer, "a.jsonl")
    rows = list(make["rows_of"]([str(tmp_path / "a.jsonl")]))
    assert {make["word"](row) for row, _ in rows} >= {"as documented", "in phases"}
    (found, *_) = make["outcomes"](rows[:1])
    assert found["results"] == {"tensorflow": {"2.8.4": make["word"](rows[0][0])}}
    with pytest.raises(ValueError, match=r"two results with tensorflow 2\.8\.4"):
        make["outcomes"](rows)


def test_ranges_of_versions(make):
    one = {
        "results": {
            "tensorflow": {"2.22.0-rc0": "as documented", "2.8.4": "as documented"},
            "tflite": {"2.22.0-rc0": "as documented", "2.10.1": "zeros", "2.8.4": "zeros"},
            "litert": {"1.0.1": "as documented", "2.1.6": "zeros", "2.2.0": "as documented"},
        }
    }
    assert make["cell"](one, "tensorflow") == "as documented"
    assert make["cell"](one, "tflite") == "to 2.10: **zeros**<br>since 2.22: as documented"
    assert "<br>2.1: **zeros**<br>since 2.2: " in make["cell"](one, "litert")
    assert make["span"]([{**one, "case": "x"}], "x", "tflite", "zeros") == "2.8 to 2.10"


def test_the_padding_of_same(blocks):
    names = {}
    exec(next(text for text in blocks if text.startswith("def same")), names)
    for numbers in product(range(1, 21), range(1, 6), range(1, 6), range(1, 6)):
        assert tuple(names["same"](*numbers)) == documented_padding(Axis(*numbers, "SAME"))


@pytest.mark.tensorflow
def test_what_to_write_instead_is_the_same_in_every_runtime(blocks):
    pairs = [text for text in blocks if "def instead" in text]
    work = []
    for (arguments, _), text in zip(REMEDIES, pairs, strict=True):
        shape = "[None, None, None, 4]" if arguments.unknown else "x.shape"
        programs = {
            mode: (IMPORTS.get(mode, ()), converted(mode, shape)) for mode in CONVERTED_MODES
        }
        work.append(["\n".join([blocks[0], text]), tensors(arguments), programs])
    version, found = printed(RUN_ALL, work)
    for (arguments, model), results in zip(REMEDIES, found, strict=True):
        expected = numbers(arguments, model)
        alike = {name: np.array_equal(values, expected) for name, values in results.items()}
        assert all(same for name, same in alike.items() if name.startswith("instead")), alike
        if "given tensorflow" in results:
            own = PHASE_STRIDED if is_atrous_strided(arguments) else DOCUMENTED
            assert np.array_equal(results["given tensorflow"], numbers(arguments, own))
        if version.startswith("2.21.") and "given onnx" in results:
            assert not all(alike.values()), arguments


def eight_bits(seed):
    """Input and filter of integers that fill the range of int8, each filter as well."""
    random = np.random.default_rng(seed)
    x, w = random.integers(-128, 128, X.shape), random.integers(-127, 128, W.shape)
    x[0, 0, 0, :2], w[1, 1] = (-128, 127), 127
    return x.astype(np.float64), w.astype(np.float64)


@pytest.mark.tensorflow
def test_models_without_xnnpack_and_in_fewer_bits(blocks):
    (given,) = [text for text in blocks if "def given" in text and "strides=5" in text]
    (snippet,) = [text for text in blocks if "WITHOUT_DEFAULT_DELEGATES" in text]
    (quantizing,) = [text for text in blocks if "def quantized" in text]
    data = [eight_bits(seed) for seed in range(len(QUANTIZED))]
    calls = [
        [arguments.op, keywords(arguments), x.tolist(), w.tolist()]
        for arguments, (x, w) in zip(QUANTIZED, data, strict=True)
    ]
    work = [given, snippet, tensors(BEYOND), quantizing, calls]
    without, count, results = printed(WITHOUT_XNNPACK, work)
    assert np.array_equal(without, numbers(BEYOND, DOCUMENTED))
    for number, (half, int8) in enumerate(results):
        arguments, arrays = QUANTIZED[number // count], data[number // count]
        expected = CONVERTED.values(arguments, *arrays)
        step = (max(expected.max(), 0) - min(expected.min(), 0)) / 255
        assert np.array_equal(half, expected), arguments
        assert np.abs(np.array(int8) - expected).max() < 0.51 * step, arguments
