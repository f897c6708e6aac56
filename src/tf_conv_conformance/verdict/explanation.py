"""Why a result differs: which input elements feed an output element, and which model explains all of it."""

from __future__ import annotations

from collections.abc import Sequence

from tf_conv_conformance.casefile.call import Call
from tf_conv_conformance.convolution.arguments import Arguments
from tf_conv_conformance.convolution.geometry import Taps
from tf_conv_conformance.prediction.models import (
    DOCUMENTED,
    MODELS,
    Model,
    channels_out,
    interpretation_of,
    models_of,
)
from tf_conv_conformance.prediction.predict import Returns, predict
from tf_conv_conformance.subject.observation import Observation
from tf_conv_conformance.verdict import comparison
from tf_conv_conformance.verdict.judge import Verdict


def explaining_model(call: Call, observation: Observation) -> str | None:
    """The model, if any, that predicts this observation bit for bit where the documentation does not."""
    for model in models_of(call.arguments):
        if (
            predict(call.arguments).has_values(model)
            and model_difference(model, call, observation) is None
        ):
            return model.name
    return None


def model_difference(
    model: Model, call: Call, observation: Observation
) -> comparison.Difference | None:
    """Where an observation is not what a model with a result predicts."""
    outcome = predict(call.arguments).outcome(model)
    assert isinstance(outcome, Returns)
    names = predict(call.arguments).names
    values = predict(call.arguments).values(model)
    return comparison.from_values(outcome, values, names, observation)


def from_formula(
    call: Call, verdict: Verdict, observation: Observation
) -> comparison.Difference | None:
    """The verdict's difference; where a call was accepted against a rule, that from the documented formula."""
    difference = verdict.difference
    if (
        difference is not None
        and difference.aspect == "outcome"
        and predict(call.arguments).has_values(DOCUMENTED)
    ):
        return model_difference(DOCUMENTED, call, observation)
    return difference


def feeding(model: str, arguments: Arguments, index: Sequence[int]) -> str:
    """Which input elements a model sums into the output element at `index`, in the call's data format."""
    interpretation = interpretation_of(arguments)
    if interpretation.channels_first:
        *batch, channel, row, column = index
    else:
        *batch, row, column, channel = index
    rows, columns = (
        MODELS[model].taps(interpretation.height),
        MODELS[model].taps(interpretation.width),
    )
    axes = [*map(str, batch)]
    spatial = [f"rows {_reads(rows, row)}", f"columns {_reads(columns, column)}"]
    channels = f"channels {_channels(arguments, channel)}"
    return (
        "input["
        + ", ".join(
            [
                *axes,
                *([channels, *spatial] if interpretation.channels_first else [*spatial, channels]),
            ]
        )
        + "]"
    )


def _reads(taps: Taps, output: int) -> str:
    """The positions that one output position reads; ``0*`` marks a padded zero."""
    return (
        "{"
        + ", ".join("0*" if position < 0 else str(position) for position in taps[output].tolist())
        + "}"
    )


def _channels(arguments: Arguments, channel: int) -> str:
    interpretation = interpretation_of(arguments)
    if arguments.op == "depthwise_conv2d":
        return str(channel // max(interpretation.filter_out, 1))
    group = channel // (
        channels_out(arguments, interpretation)
        * interpretation.filter_in_channels
        // interpretation.in_channels
    )
    first = group * interpretation.filter_in_channels
    return f"{first}:{first + interpretation.filter_in_channels}"
