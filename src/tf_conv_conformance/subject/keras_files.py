"""Build a Keras model from the configuration in a file, and read the calls of its layers.

What a file could have Python import or run is refused before Keras sees it, and weights are not
read. Runs on Python 3.7.
"""

from __future__ import annotations

import json
import re
import zipfile
from typing import Any

from .exceptions import clean_message
from .model_graphs import UnreadableModelError, uncovered
from .symbols import plain_sizes

CONFIGURATION_LIMIT = 2**26  # bytes
DEPTH_LIMIT = 200  # of a configuration
KERAS_MODULES = re.compile(r"(keras|tf_keras|tensorflow\.keras)(\.|$)|builtins$")
FUNCTION_MODULES = re.compile(
    r"(keras|tf_keras)(\.src)?\.(activations|constraints|initializers|regularizers)(\.|$)"
    r"|builtins$"
)
"""The modules whose functions a configuration may name; others of Keras read and write files."""
LAYERS = {
    "Conv1D": "conv2d",
    "Conv2D": "conv2d",
    "Conv2DTranspose": "conv2d",
    "DepthwiseConv1D": "depthwise_conv2d",
    "DepthwiseConv2D": "depthwise_conv2d",
    "SeparableConv2D": "depthwise_conv2d",
}
"""The layers that are read, with their operators. A separable one has a second convolution, which
is read as the operation that it is."""
EXPORT = "export it, with model.export(FOLDER): the graph of a SavedModel is read without its code"


def reason_of(error: Exception) -> str:
    """Return the last reason in the message of an exception, on one line."""
    message = clean_message(str(error), type(error).__name__)
    reason = message.rpartition("Exception encountered: ")[2].partition("Full object config")[0]
    return (reason.strip() or type(error).__name__).partition("\n")[0]


def built(tf: Any, config: Any) -> Any:
    """Return the model of a configuration, which has no modules in the older format."""
    if "module" in config:
        return tf.keras.models.model_from_json(json.dumps(config))
    for layer in config["config"]["layers"]:
        if layer["class_name"] == "DepthwiseConv2D":
            layer["config"].pop("groups", None)  # Keras 2 wrote it, and Keras 3 refuses it
    kind = tf.keras.Sequential if config["class_name"] == "Sequential" else tf.keras.Model
    return kind.from_config(config["config"])


def configuration(path: str) -> Any:
    """Return the configuration in a Keras file, of either format."""
    try:
        if zipfile.is_zipfile(path):
            with zipfile.ZipFile(path) as archive, archive.open("config.json") as file:
                text = file.read(CONFIGURATION_LIMIT + 1)
        else:
            import h5py

            with h5py.File(path, "r") as file:
                text = file.attrs["model_config"]
        if len(text) > CONFIGURATION_LIMIT:
            raise UnreadableModelError("its configuration is too large")
        return json.loads(text)
    except KeyError as error:
        advice = "save the whole model, with model.save(FILE.keras)"
        raise UnreadableModelError(
            "it has no configuration, only weights perhaps; " + advice
        ) from error
    except (OSError, ValueError, RuntimeError, RecursionError, zipfile.BadZipFile) as error:
        raise UnreadableModelError("it is not a Keras model: {}".format(error)) from error


def check(value: Any, depth: int) -> None:
    """Refuse a configuration for which Keras would import or run code that is not its own."""
    if depth > DEPTH_LIMIT:
        raise UnreadableModelError("its configuration is nested too deeply")
    if isinstance(value, list):
        for item in value:
            check(item, depth + 1)
    if not isinstance(value, dict):
        return
    name, module = value.get("class_name"), value.get("module")
    if name in ("Lambda", "__lambda__"):
        raise UnreadableModelError("it has a Lambda layer, which is Python code; " + EXPORT)
    allowed = FUNCTION_MODULES if name == "function" else KERAS_MODULES
    if isinstance(module, str) and not allowed.match(module):
        what = "{}.{}".format(module, value.get("registered_name") or name)
        raise UnreadableModelError("it needs {}, which is not Keras's; {}".format(what, EXPORT))
    for item in value.values():
        check(item, depth + 1)


def conv_layers(model: Any) -> list[Any]:
    """Return the layers of a model that convolve, inner ones included."""
    return [one for one in model._flatten_layers() if "Conv" in type(one).__name__]


def hook(tf: Any, layer: Any, found: list[dict[str, Any]], claimed: set[str]) -> None:
    """Have a layer record each of its calls, and the operations that the call adds."""
    original, kind = layer.call, type(layer).__name__

    def call(x: Any, *arguments: Any, **keywords: Any) -> Any:
        graph = tf.compat.v1.get_default_graph()
        before = {one.name for one in graph.get_operations()}
        found.append(of_layer(layer, kind, plain_sizes(x.shape), x.dtype.name))
        result = original(x, *arguments, **keywords)
        new = [one for one in graph.get_operations() if one.name not in before]
        claimed.update(one.name for one in new if (kind, one.type) != ("SeparableConv2D", "Conv2D"))
        return result

    layer.call = call


def of_layer(layer: Any, kind: str, shape: Any, dtype: str) -> dict[str, Any]:
    """Return what is known of a layer's convolution."""
    if kind not in LAYERS:
        return uncovered(layer.name, kind, "no case is made of this layer")
    channels_first, inner = layer.data_format == "channels_first", "W" if "1D" in kind else "HW"
    channels = None if shape is None else shape[1 if channels_first else -1]
    if kind == "Conv2DTranspose":
        sizes = [layer.filters, channels]
    elif LAYERS[kind] == "conv2d":
        sizes = [None if channels is None else channels // layer.groups, layer.filters]
    else:
        sizes = [channels, layer.depth_multiplier]
    padded = getattr(layer, "output_padding", None)
    return {
        "name": layer.name,
        "type": kind,
        "op": LAYERS[kind],
        "via": "tf.keras.layers." + kind,
        "input": shape,
        "filter": list(layer.kernel_size) + sizes,
        "strides": list(layer.strides),
        "dilations": list(layer.dilation_rate),
        "padding": layer.padding,
        "data_format": "NC" + inner if channels_first else "N" + inner + "C",
        "dtype": dtype,
        "output_padding": None if padded is None else list(padded),
    }
