"""`probe` of a model file: its convolutions, which of them are not as documented, and its cases."""

import json
import zipfile

import pytest

from tf_conv_conformance.cli.case_options import OTHER_OPS
from tf_conv_conformance.cli.known import Explained
from tf_conv_conformance.cli.main import main
from tf_conv_conformance.cli.model_cases import Uncovered, cases_of
from tf_conv_conformance.cli.probe_model import ModelResult, _cells, _count, _lacking
from tf_conv_conformance.subject.model_file import Convolution
from tf_conv_conformance.verdict.perform import CallResult
from tf_conv_conformance.verdict.verdict import Verdict

PLAIN = {
    "input": [1, 9, 9, 4],
    "filter": [3, 3, 4, 8],
    "strides": [1, 2, 2, 1],
    "dilations": [1, 1, 1, 1],
    "padding": "SAME",
    "data_format": "NHWC",
    "dtype": "float32",
}


def layer(kind, **config):
    return {"module": "keras.layers", "class_name": kind, "config": config, "registered_name": None}


def three_layers(path):
    """A Keras model without weights: six layers, with seven convolutions, and one not covered."""
    layers = [
        layer("InputLayer", batch_shape=[None, 13, 12, 3], dtype="float32", name="image"),
        layer("Conv2D", name="stem", filters=4, kernel_size=[3, 3], padding="same"),
        layer("DepthwiseConv2D", name="both", kernel_size=[3, 3], strides=[2, 2],
              dilation_rate=[2, 2], padding="same"),
        layer("SeparableConv2D", name="apart", filters=4, kernel_size=[3, 1], padding="same"),
        layer("TimeDistributed", name="rows",
              layer=layer("Conv1D", name="row", filters=4, kernel_size=[2], padding="causal")),
        layer("Conv2D", name="head", filters=6, kernel_size=[1, 1], groups=2, activation="relu"),
        layer("Conv2DTranspose", name="up", filters=2, kernel_size=[2, 2], strides=[3, 3],
              output_padding=[0, 1]),
        layer("Reshape", name="flat", target_shape=[20, 36]),
        layer("Conv1DTranspose", name="rest", filters=2, kernel_size=[2]),
    ]  # fmt: skip
    config = {"module": "keras", "class_name": "Sequential", "registered_name": None}
    config["config"] = {"name": "three", "layers": layers}
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("config.json", json.dumps(config))


def test_what_fails_in_a_converted_model_alone_is_counted_apart():
    cases, _ = cases_of(
        [convolution("a/Conv2D"), convolution("b/Conv2D", padding="VALID")], "eager"
    )
    ends = {kind: CallResult(Verdict(kind, ""), None) for kind in ("conforms", "violates")}
    here = {"eager": ends["violates"], "onnx": ends["violates"]}
    there = {"eager": ends["conforms"], "tflite": ends["conforms"], "onnx": ends["violates"]}
    results = [
        ModelResult(case, own, Explained()) for case, own in zip(cases, (here, there), strict=True)
    ]
    assert [one.fails_in for one in results] == [(), ("onnx",)]
    assert _count(results) == (
        "2 convolutions, of which 1 rests on undocumented behaviour, and 1 fails only in onnx"
    )


@pytest.mark.tensorflow
def test_the_layers_of_a_keras_model(pytester, capsys):
    three_layers(pytester.path / "three.keras")
    assert main(["probe", "three.keras", "-o", "cases/three.yaml"]) == 1
    out, err = capsys.readouterr()
    lines = out.splitlines()
    assert err == ""
    assert lines[0] == "  model    a Keras model with the input image [1, 13, 12, 3]"
    assert "7 convolutions, of which 1 rests on undocumented behaviour" in lines
    table = [" ".join(line.split()) for line in lines]
    assert "stem conv2d 1,13,12,3 3,3,3,4 1,1 same conforms" in table
    assert "both depthwise_conv2d 1,13,12,4 3,3,4,1 2,2 2,2 same violates, known" in table
    assert "head conv2d 1,7,6,4 1,1,2,6 2 1,1 valid conforms" in table
    assert "apart depthwise_conv2d 1,7,6,4 3,1,4,1 1,1 same conforms" in table
    assert "row conv2d 1,6,4 2,4,4 1 causal conforms" in table
    assert any(line.endswith("conv2d 1,7,6,4 1,1,4,4 1,1,1,1 VALID conforms") for line in table)
    assert "because strides [2,2] with dilations [2,2]" in table
    assert any(line.startswith("known cases/") for line in table)
    assert "up conv2d, transposed 1,7,6,6 2,2,2,6 3,3 valid conforms" in table
    assert "rest Conv1DTranspose: no case is made of this layer" in table
    assert "cases/three.yaml is written. Run it: pytest cases/three.yaml" in table
    written = (pytester.path / "cases/three.yaml").read_text(encoding="utf-8")
    assert written.startswith(
        "about: The convolutions of three.keras, as `tf-conv-conformance probe` read them.\n"
        "cases:\n"
        "  - id: stem\n"
        "    op: conv2d\n"
        "    via: tf.keras.layers.Conv2D\n"
        "    input: [1, 13, 12, 3]\n"
        "    filter: [3, 3, 3, 4]\n"
        "    strides: [1, 1]\n"
        "    padding: same\n"
    )
    assert "      - rule: keras-depthwise.unit-strides-when-atrous\n" in written
    assert "unreported" not in written
    result = pytester.runpytest_subprocess("cases")
    result.assert_outcomes(passed=18, xfailed=3)
    assert main(["probe", "three.keras", "-o", "cases/three.yaml"]) == 2
    said = "cases/three.yaml exists; name a new file, or remove it first"
    assert capsys.readouterr().err == f"tf-conv-conformance: {said}\n"


def test_a_mode_in_which_a_convolution_was_not_called_is_named():
    """The case of a transposed convolution has no converted modes."""
    (case,), _ = cases_of([Convolution("a", "Conv2D", "conv2d", None, PLAIN)], None)
    conforms = CallResult(Verdict("conforms", ""), None)
    lacking = CallResult(Verdict("unsupported", "requires litert"), None)

    def verdict(**results):
        cells = _cells(ModelResult(case, results, Explained()), ["eager", "graph", "litert"])
        return str(cells["verdict"])

    assert verdict(eager=conforms, graph=conforms, litert=conforms) == "conforms"
    short = verdict(eager=conforms, graph=conforms)
    assert short == "conforms in eager, graph; not called in litert"
    some = verdict(eager=conforms, graph=conforms, litert=lacking)
    assert some == "conforms in eager, graph; unsupported in litert"
    made = ModelResult(case, {"eager": conforms, "litert": lacking}, Explained())
    assert list(_lacking([made, made])) == [("litert", "requires litert")]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["missing.keras"], "missing.keras: no such file"),
        (["n" * 300 + ".keras"], "n" * 300 + ".keras: no such file"),
        (
            ["models"],
            f"OP: 'models' is not one of 'conv2d' or 'depthwise_conv2d'; {OTHER_OPS}",
        ),
        (["conv2d"], "give --input and --filter: the shape, as in 1,24,24,3"),
        (
            ["model.tflite"],
            "model.tflite: such a file is not read; give a .keras or .h5 file, or the folder of a "
            "SavedModel",
        ),
        ([".", "--filter", "3,3,3,3"], "--filter: a model has its own; leave the option out"),
        (
            [".", "--input", "1,x,3"],
            "--input: expected the shape of the model's input, as in 1,224,224,3",
        ),
        (
            ["three.keras", "--padding", "SAME", "-o", "x.yaml"],
            "three.keras: no such file",
        ),
    ],
)
def test_what_is_wrong_is_one_line(tmp_path, monkeypatch, capsys, words, said):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "conv2d").mkdir()
    assert main(["probe", *words]) == 2
    assert capsys.readouterr() == ("", f"tf-conv-conformance: {said}\n")


def convolution(name, op="conv2d", **changes):
    return Convolution(name, "Conv2D", op, None, {**PLAIN, **changes})


def test_equal_convolutions_are_one_case():
    cases, uncovered = cases_of(
        [
            convolution("model/a/Conv2D"),
            convolution("model/b/Conv2D"),
            convolution("model_a:Conv2D", dilations=[1, 2, 2, 1], dtype="float16"),
            convolution("model/a/Conv2D", padding="VALID"),
        ],
        "eager",
    )
    assert uncovered == []
    assert [dict(one.written.case) for one in cases] == [
        {
            "id": "model-a-Conv2D",
            "notes": "The same convolution: model/a/Conv2D, model/b/Conv2D",
            "op": "conv2d",
            "input": [1, 9, 9, 4],
            "filter": [3, 3, 4, 8],
            "strides": [1, 2, 2, 1],
            "padding": "SAME",
            "modes": "eager",
        },
        {
            "id": "model_a-Conv2D",
            "op": "conv2d",
            "input": [1, 9, 9, 4],
            "filter": [3, 3, 4, 8],
            "strides": [1, 2, 2, 1],
            "dilations": [1, 2, 2, 1],
            "padding": "SAME",
            "dtype": "float16",
            "modes": "eager",
        },
        {
            "id": "model-a-Conv2D-2",
            "op": "conv2d",
            "input": [1, 9, 9, 4],
            "filter": [3, 3, 4, 8],
            "strides": [1, 2, 2, 1],
            "padding": "VALID",
            "modes": "eager",
        },
    ]


def without_height(name, filters):
    """A Conv1D on 4 channels with 2 filters in one group, or with another number in two."""
    depth = 4 if filters == 2 else 2
    sizes = {"input": [1, 9, 4], "filter": [3, depth, filters], "strides": [1], "dilations": [1]}
    given = {**PLAIN, **sizes, "padding": "same", "data_format": "NWC"}
    return Convolution(name, "Conv1D", "conv2d", "tf.keras.layers.Conv1D", given)


def test_groups_are_documented_for_the_layer_and_not_for_the_operator():
    grouped = {**PLAIN, "filter": [3, 3, 2, 8]}
    both = {**grouped, "strides": [2, 2], "dilations": [1, 1], "padding": "same"}
    layer_symbol = "tf.keras.layers.Conv2D"
    cases, uncovered = cases_of(
        [
            Convolution("operator", "Conv2D", "conv2d", None, grouped),
            Convolution("layer", "Conv2D", "conv2d", layer_symbol, both),
            convolution("one_group"),
            convolution("mismatch", filter=[3, 3, 3, 8]),
            *(without_height(name, filters) for name, filters in (("one", 2), ("two", 8))),
        ],
        None,
    )
    results = [ModelResult(case, {}, Explained()) for case in cases]
    assert uncovered == []
    assert [one.groups for one in results] == [2, 2, None, None, None, 2]
    assert [one.has_undocumented_groups for one in results] == [True, *[False] * 5]


def test_what_no_case_is_made_of_is_listed():
    cases, uncovered = cases_of(
        [
            Convolution("up", "Conv2DTranspose", problem="no case is made of this layer"),
            convolution("free", input=[1, None, 9, 4]),
            convolution("rankless", filter=None),
            convolution("circular", padding="circular"),
            convolution("huge", input=[1, 40_000, 40_000, 4]),
            convolution("large", input=[1, 1500, 1500, 16], filter=[1, 1, 16, 8]),
        ],
        None,
    )
    assert [(one.id, one.is_large) for one in cases] == [("large", True)]
    assert uncovered[:3] == [
        Uncovered("up", "Conv2DTranspose", "no case is made of this layer"),
        Uncovered("free", "Conv2D", "its input is [1, ?, 9, 4], and a call needs every size"),
        Uncovered("rankless", "Conv2D", "its filter is of unknown rank, and a call needs every "
                  "size"),
    ]  # fmt: skip
    assert [one.name for one in uncovered[3:]] == ["circular", "huge"]
    assert uncovered[3].why.startswith("its padding: expected SAME, VALID or a pair")
    assert "9,600,000,288 elements" in uncovered[4].why
