"""Explain why a result differs: the model that predicts it, and the input elements it sums."""

from __future__ import annotations

from collections.abc import Sequence

from tf_conv_conformance.convolution.arguments import Arguments, dimension_names
from tf_conv_conformance.convolution.geometry import Taps
from tf_conv_conformance.convolution.names import Mode
from tf_conv_conformance.prediction.converted_models import ALL_MODELS, models_in
from tf_conv_conformance.prediction.error_bounds import Values
from tf_conv_conformance.prediction.layout import channels_out, interpretation_of
from tf_conv_conformance.prediction.models import DOCUMENTED, Model
from tf_conv_conformance.prediction.predict import Prediction, Returns
from tf_conv_conformance.prediction.wrong_company import wrong_operations
from tf_conv_conformance.prediction.wrong_oracles import WrongOracle
from tf_conv_conformance.subject.observation import Observation
from tf_conv_conformance.verdict import comparison
from tf_conv_conformance.verdict.comparison import Difference
from tf_conv_conformance.verdict.verdict import Verdict


def explains(model: Model, prediction: Prediction, observation: Observation) -> bool:
    """Return whether a model predicts the shape, dtype and every value of an observation."""
    return prediction.has_values(model) and not model_difference(model, prediction, observation)


def explaining_model(
    prediction: Prediction, observation: Observation, mode: Mode = "eager"
) -> str | None:
    """Return the name of the first model that explains an observation in a mode, if any."""
    models = models_in(prediction.arguments, mode)
    return next((one.name for one in models if explains(one, prediction, observation)), None)


def explaining_error(prediction: Prediction, observation: Observation) -> str | None:
    """Return the error in the operations after the convolution that explains an observation."""
    arguments = prediction.arguments
    if not arguments.after or not prediction.has_values(DOCUMENTED):
        return None
    height, width = interpretation_of(arguments).axes
    for name, after in wrong_operations(arguments.after):
        wrong = WrongOracle(name, DOCUMENTED, height, width, after=after)
        values = [Values(wrong.values(arguments, tensors)) for tensors in prediction.tensors]
        expected = Returns(values[0].numbers.shape, arguments.dtype)
        if not comparison.from_values(expected, values, prediction.names, observation):
            return name
    return None


def model_difference(
    model: Model, prediction: Prediction, observation: Observation
) -> Difference | None:
    """Return the first difference of an observation from a model that has values."""
    outcome = prediction.outcome(model)
    assert isinstance(outcome, Returns)
    return comparison.from_values(outcome, prediction.values(model), prediction.names, observation)


def from_formula(
    prediction: Prediction, verdict: Verdict, observation: Observation
) -> Difference | None:
    """Return the verdict's difference, or for a wrongly accepted call that from the formula."""
    difference = verdict.difference
    if difference is None or difference.aspect != "outcome":
        return difference
    if not prediction.has_values(DOCUMENTED):
        return difference
    return model_difference(DOCUMENTED, prediction, observation)


def feeding(model: str, arguments: Arguments, index: Sequence[int]) -> str:
    """Return which input elements a model sums into an output element.

    `index` is the index of the output element in the call's data format.
    """
    meaning, taps = ALL_MODELS[model].interpretation(arguments), ALL_MODELS[model].taps
    axes = {"height": ("rows", meaning.height), "width": ("columns", meaning.width)}
    parts = []
    for name, place in zip(dimension_names(arguments, len(index)), index, strict=True):
        if name in axes:
            word, axis = axes[name]
            parts.append(f"{word} {_positions(taps(axis), place)}")
        else:
            channels = f"channels {_channels(arguments, place)}"
            parts.append(channels if name == "channels" else str(place))
    return f"input[{', '.join(parts)}]"


def _positions(taps: Taps, output: int) -> str:
    """Return the positions that an output reads. ``pad`` is a zero of the padding."""
    positions = ("pad" if one < 0 else str(one) for one in taps[output].tolist())
    return "{" + ", ".join(positions) + "}"


def _channels(arguments: Arguments, channel: int) -> str:
    meaning = interpretation_of(arguments)
    if arguments.op == "depthwise_conv2d":
        return str(channel // max(meaning.filter_out, 1))
    depth = meaning.filter_in_channels
    out_of_a_group = channels_out(arguments, meaning) * depth // meaning.in_channels
    first = channel // out_of_a_group * depth
    return f"{first}:{first + depth}"
