"""An axis of a call → what the page needs to write its arithmetic and to draw which input elements feed an output element."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from tf_conv_conformance.convolution.geometry import Axis
from tf_conv_conformance.prediction.arithmetic import steps
from tf_conv_conformance.prediction.models import Model

DRAWN_LIMIT = 400  # elements of an input or an output on one axis; more of them are no picture
TAPS_LIMIT = 64


@lru_cache(maxsize=20_000)
def figure(axis: Axis, models: tuple[Model, ...]) -> dict[str, Any]:
    """The axis as JSON: its numbers, and for each of the models the padding, the size, the arithmetic, and where each output's reads begin.

    The reads of an output are `filter` of them, `rate` apart. `starts` is None where the axis is too long to draw.
    """
    return {
        "size": axis.size,
        "filter": axis.filter,
        "rate": axis.rate,
        "models": [_model(model, axis) for model in models],
    }


def _model(model: Model, axis: Axis) -> dict[str, Any]:
    size, (before, after) = model.size(axis), model.padding(axis)
    drawn = (
        0 < size <= DRAWN_LIMIT
        and axis.size + before + after + axis.rate <= DRAWN_LIMIT
        and 0 < axis.filter <= TAPS_LIMIT
    )
    return {
        "name": model.name,
        "before": before,
        "after": after,
        "out": size,
        "steps": steps(model, axis),
        "starts": model.indices(axis)[:, 0].tolist() if drawn else None,
    }
