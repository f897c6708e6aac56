"""What the page needs to write down the arithmetic of an axis and to draw it."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from tf_conv_conformance.convolution.geometry import Axis
from tf_conv_conformance.prediction.arithmetic import steps
from tf_conv_conformance.prediction.models import Model

DRAWN_LIMIT = 400  # elements of an input or an output on one axis; a picture of more is unreadable
TAPS_LIMIT = 64


@lru_cache(maxsize=20_000)
def figure(axes: tuple[Axis, ...], models: tuple[Model, ...]) -> dict[str, Any]:
    """Return an axis as plain values: its numbers, and the padding, size and steps of each model.

    `axes` has the axis as each model reads it.

    An output reads `filter` elements, `rate` apart, from its entry in `starts` on; that is None if
    the axis is too long to draw.
    """
    axis = axes[0]
    return {
        "size": axis.size,
        "filter": axis.filter,
        "rate": axis.rate,
        "models": [_model(*one) for one in zip(models, axes, strict=True)],
    }


def _model(model: Model, axis: Axis) -> dict[str, Any]:
    size, (before, after) = model.size(axis), model.padding(axis)
    drawn = (
        0 < size <= DRAWN_LIMIT
        and axis.size + before + after + axis.rate <= DRAWN_LIMIT
        and 0 < axis.filter <= TAPS_LIMIT
    )
    starts = model.indices(axis)[:, 0].tolist() if drawn else []
    return {
        "name": model.name,
        "before": before,
        "after": after,
        "out": size,
        "steps": steps(model, axis),
        "starts": starts if starts and min(starts) >= -DRAWN_LIMIT else None,
    }
