"""Match models and shapes with an observation, independent of the sizes of the call."""

from __future__ import annotations

from collections.abc import Iterator

from tf_conv_conformance.casefile.call import Call
from tf_conv_conformance.convolution.arguments import Arguments, interpret
from tf_conv_conformance.convolution.geometry import documented_padding
from tf_conv_conformance.prediction import data
from tf_conv_conformance.prediction.models import MODELS, Model
from tf_conv_conformance.prediction.predict import Returns, predict
from tf_conv_conformance.prediction.rules.catalogue import broken
from tf_conv_conformance.subject.observation import Observation
from tf_conv_conformance.verdict import comparison

Shape = tuple[int, ...]


def short(rule: str) -> str:
    """Return a rule's name without its entry point, since several entry points share rules."""
    return rule if rule.startswith(("padding.", "gradient.")) else rule.partition(".")[2]


def broken_rules(arguments: Arguments) -> tuple[str, ...]:
    """Return the short names of the preconditions that a call breaks."""
    return tuple(short(rule.id) for rule in broken(arguments))


def predicts(model: Model, other: Arguments, call: Call, observation: Observation) -> bool:
    """Return whether a model, given the arguments of `other`, predicts an observation."""
    prediction = predict(other)
    if not prediction.has_values(model):
        return False
    outcome = prediction.outcome(model)
    assert isinstance(outcome, Returns)  # the model has values
    names = predict(call.arguments).names
    # The values of a model cannot be computed from the call's data unless the shapes fit.
    if comparison.from_values(outcome, None, names, observation) is not None:
        return False
    if _upstream_shape(other) != _upstream_shape(call.arguments):
        return False
    values = predict(call.arguments).values(model, other)
    return comparison.from_values(outcome, values, names, observation) is None


def _upstream_shape(arguments: Arguments) -> Shape | None:
    is_drawn = arguments.gradient or arguments.after  # for this shape
    return data.result_shape(arguments) if is_drawn else None


def named_shapes(arguments: Arguments) -> Iterator[tuple[str, Shape]]:
    """Return shapes that a result may have, each with a name in terms of the call."""
    for model in MODELS.values():
        if isinstance(outcome := predict(arguments).outcome(model), Returns):
            yield model.name, outcome.shape
    yield "the input's", arguments.input.shape
    yield "the filter's", arguments.filter.shape
    meaning = interpret(arguments)
    if meaning is None:
        return
    sizes = [axis.size for axis in meaning.axes]
    pads = [sum(documented_padding(axis)) for axis in meaning.axes]
    padded = [size + pad for size, pad in zip(sizes, pads, strict=True)]
    *_, filter_in, filter_out = arguments.filter.shape
    results = filter_out * (filter_in if arguments.op == "depthwise_conv2d" else 1)
    channels = {"": meaning.in_channels, " with the result's channels": results}
    for name, spatial in (("input", sizes), ("padded input", padded)):
        for of, count in channels.items():
            inner = spatial[-meaning.dimensions :]
            inner = [count, *inner] if meaning.channels_first else [*inner, count]
            yield f"the {name}'s{of}", (*meaning.batch_shape, *inner)
