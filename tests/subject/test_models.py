"""What the worker reads in model files: the convolutions of graphs and layers, and refusals."""

import json
import sys
import zipfile
from pathlib import Path

import pytest

from tf_conv_conformance.subject.definition import Definition
from tf_conv_conformance.subject.gateway import Gateway
from tf_conv_conformance.subject.model_file import ModelFileError, read_model_file
from tf_conv_conformance.subject.model_graphs import UnreadableModelError
from tf_conv_conformance.subject.models import completed, read_model

FAULTY = str(Path(__file__).parents[1] / "support" / "faulty.py")


def keras_file(folder, config):
    """A Keras file with a configuration, and nothing else."""
    path = folder / "model.keras"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("config.json", config if isinstance(config, str) else json.dumps(config))
    return path


def with_layer(**layer):
    return {"module": "keras", "class_name": "Sequential", "config": {"layers": [layer]}}


@pytest.mark.parametrize(
    ("config", "said"),
    [
        (with_layer(module="keras.layers", class_name="Lambda"), "it has a Lambda layer, which is"),
        (
            with_layer(module="os", class_name="function", registered_name="system"),
            "it needs os.system, which is not Keras's; export it",
        ),
        (
            with_layer(module="keras.utils", class_name="function", registered_name="get_file"),
            "it needs keras.utils.get_file, which is not Keras's",
        ),
        (
            with_layer(module="own.layers", class_name="Mine", registered_name="own>Mine"),
            "it needs own.layers.own>Mine, which is not Keras's",
        ),
        (with_layer(config={"dtype": {"module": "subprocess"}}), "it needs subprocess."),
        ("[" * 100_000, "it is not a Keras model: maximum recursion depth exceeded"),
        ('{"a":' * 900 + "1" + "}" * 900, "its configuration is nested too deeply"),
        ("[1]", "its configuration is not that of a model"),
        ("{", "it is not a Keras model: Expecting property name"),
    ],
)  # fmt: skip
def test_a_configuration_is_refused_before_keras_sees_it(tmp_path, config, said):
    path = keras_file(tmp_path, config)
    answer = read_model(None, {"path": str(path), "input": None})  # without TensorFlow
    assert answer["type"] == "unreadable"
    assert answer["message"].startswith(said)


def test_a_file_without_configuration_is_refused(tmp_path):
    path = tmp_path / "weights.keras"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("weights", "")
    answer = read_model(None, {"path": str(path), "input": None})
    assert answer["message"].startswith("it has no configuration, only weights perhaps; save the")


@pytest.mark.parametrize(
    ("shapes", "given", "result"),
    [
        ([[None, 9, 9, 3]], None, [[1, 9, 9, 3]]),
        ([[None, 9, 9, 3]], [2, 9, 9, 3], [[2, 9, 9, 3]]),
        ([[None, 5], [None, None, None, 3]], [1, 8, 8, 3], [[1, 5], [1, 8, 8, 3]]),
        ([None], [1, 8, 8, 3], [[1, 8, 8, 3]]),
        ([[None, 9, 9, 3]], [1, 8, 8, 3], "--input [1, 8, 8, 3] does not fit its input [?, 9, 9, "),
        ([[None, None, 3]], None, "its input a has unknown sizes, [?, ?, 3]; give --input, as in "),
        ([None], None, "its input a has unknown sizes, of unknown rank; give --input"),
        ([[None, 3], [None, 4]], [1, 3], "--input is for one input, and it has several"),
    ],
)
def test_the_sizes_of_inputs_are_completed(shapes, given, result):
    names = list("ab")[: len(shapes)]
    if isinstance(result, list):
        assert completed(names, shapes, given) == result
        return
    with pytest.raises(UnreadableModelError) as error:
        completed(names, shapes, given)
    assert str(error.value).startswith(result)


@pytest.mark.tensorflow
def test_the_graph_of_a_saved_model_is_read(tmp_path):
    import tensorflow as tf

    class Module(tf.Module):
        @tf.function(input_signature=[tf.TensorSpec([None, None, None, 3])])
        def inner(self, x):
            return tf.nn.depthwise_conv2d(
                x, tf.ones([3, 3, 3, 2]), [1, 2, 2, 1], "SAME", dilations=[2, 3]
            )

        @tf.function(input_signature=[tf.TensorSpec([None, None, None, 3])])
        def __call__(self, x):
            y = self.inner(x)
            explicit = [[0, 0], [1, 2], [3, 0], [0, 0]]
            y = tf.nn.conv2d(y, tf.ones([3, 3, 3, 4]), 2, explicit, dilations=2)
            one, unit = tf.ones([3, 2, 4, 1]), [1, 1, 1, 1]
            padded = tf.nn.depthwise_conv2d(y, one, unit, explicit, dilations=[2, 2])
            raw = tf.nn.conv2d_transpose(padded, tf.ones([2, 2, 5, 4]), [1, 4, 5, 5], 1, "VALID")
            return tf.while_loop(
                lambda i, z: i < 2,
                lambda i, z: (i + 1, tf.nn.conv2d(z, tf.ones([1, 1, 5, 5]), 1, "SAME")),
                [0, raw],
            )[1]

    module = Module()
    tf.saved_model.save(module, str(tmp_path), signatures=module.__call__)
    answer = read_model(tf, {"path": str(tmp_path), "input": [1, 17, 16, 3]})
    assert (answer["type"], answer["inputs"]) == ("model", [("x", [1, 17, 16, 3])])
    names = ("name", "op", "input", "filter", "strides", "dilations", "padding")
    read = [one for one in answer["convolutions"] if "problem" not in one]
    assert [tuple(one[name] for name in names) for one in read] == [
        (
            "depthwise", "depthwise_conv2d", [1, 17, 16, 3], [3, 3, 3, 2], [1, 2, 2, 1], [2, 3],
            "SAME",
        ),
        (
            "Conv2D", "conv2d", [1, 9, 7, 6], [3, 3, 3, 4], [1, 2, 2, 1], [1, 2, 2, 1],
            [[0, 0], [1, 2], [3, 0], [0, 0]],
        ),
        (
            "depthwise", "depthwise_conv2d", [1, 4, 3, 4], [3, 2, 4, 1], [1, 1, 1, 1], [2, 2],
            [[0, 0], [1, 2], [3, 0], [0, 0]],
        ),
        (
            "conv2d_transpose", "conv2d", [1, 4, 5, 5], [2, 2, 5, 4], [1, 1, 1, 1], [1, 1, 1, 1],
            "VALID",
        ),
    ]  # fmt: skip
    assert [one.get("upstream") for one in read] == [None, None, None, [1, 3, 4, 4]]
    others = [(one["type"], one["problem"]) for one in answer["convolutions"] if "problem" in one]
    assert others == [("Conv2D", "it is inside of a loop or a branch")]
    broken = tmp_path / "broken"
    broken.mkdir()
    (broken / "saved_model.pb").write_bytes(b"no graph")
    answer = read_model(tf, {"path": str(broken), "input": None})
    assert answer["message"].startswith("saved_model.pb cannot be read: ")


@pytest.mark.tensorflow
def test_a_keras_file_of_the_older_format_is_read(tmp_path):
    """Keras 2 wrote no modules, and `groups` for a depthwise layer, which Keras 3 refuses."""
    import h5py
    import tensorflow as tf

    layers = [
        {"class_name": "InputLayer", "config": {"batch_input_shape": [None, 9, 8, 2], "name": "x"}},
        {
            "class_name": "DepthwiseConv2D",
            "config": {"name": "y", "kernel_size": [3, 2], "groups": 1},
        },
    ]
    config = {"class_name": "Sequential", "config": {"name": "old", "layers": layers}}
    with h5py.File(tmp_path / "old.h5", "w") as file:
        file.attrs["model_config"] = json.dumps(config)
    answer = read_model(tf, {"path": str(tmp_path / "old.h5"), "input": None})
    (read,) = answer["convolutions"]
    assert (read["name"], read["input"], read["filter"]) == ("y", [1, 9, 8, 2], [3, 2, 2, 1])


def test_a_worker_that_fails_is_no_traceback():
    gateway = Gateway((), 2, Definition("faulty", ("env", sys.executable, FAULTY)))
    said = {
        "crash": r"\ATensorFlow did not read it: the process died \(SIGSEGV\)",
        "hang": r"\ATensorFlow did not read it: no answer within 2 s\Z",
        "garbage": r"\ATensorFlow did not read it: ",
        "fault": r"\Athe suite itself failed while it read it: KeyError: 'x'\Z",
        "form": r"\Athe worker's answer about it is of another form\Z",
    }
    for name, text in said.items():
        with pytest.raises(ModelFileError, match=text):
            read_model_file(gateway, Path(name), None)
    gateway.close()
