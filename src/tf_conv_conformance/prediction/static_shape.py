"""Predict the static shape of a result: each size that follows from what a traced function knows.

A size can be known if it is the same whatever the sizes are that are unknown. So the batch follows
from the input's, the channels from the filter, and height and width from the input's and, unless
the padding is SAME, from the filter's.
"""

from __future__ import annotations

from collections.abc import Container

from tf_conv_conformance.convolution.arguments import Arguments, dimension_names, padding_of
from tf_conv_conformance.convolution.invocation import signature
from tf_conv_conformance.convolution.names import Lost
from tf_conv_conformance.convolution.static_shape import StaticShape
from tf_conv_conformance.prediction.models import DOCUMENTED
from tf_conv_conformance.prediction.rules.catalogue import exercised
from tf_conv_conformance.prediction.rules.preconditions import PRECONDITIONS


def static_shape(arguments: Arguments, lost: Container[str] = ()) -> StaticShape:
    """Return what can be known of the shape of the documented result before its call.

    What is `lost` is unknown, too. Raises
    :class:`tf_conv_conformance.prediction.models.NoResultError`.
    """
    shape = DOCUMENTED.shape(arguments)
    if arguments.gradient is None:
        unknown = _unknown(arguments)
        known = None if "rank" in unknown else _without(arguments, shape, unknown)
    else:
        known = _of_gradient(arguments, shape)
    if known is None or "rank" in lost:
        return StaticShape(None)
    return StaticShape(_without(arguments, known, lost))


def _of_gradient(arguments: Arguments, shape: tuple[int, ...]) -> tuple[int | None, ...] | None:
    """Return what is known of the tensor by which the call differentiates."""
    shapes = signature(arguments)
    if shapes is None:
        return shape
    known = shapes[0 if arguments.gradient == "input" else 1]
    return None if known is None else tuple(known)


def _unknown(arguments: Arguments) -> set[Lost]:
    """Return what cannot be known of the result."""
    given, unknown = set(arguments.unknown), set[Lost]()
    if "rank" in given:
        unknown |= {"batch", "height", "width"} if _has_rank_4(arguments) else {"rank"}
    if "filter" in given:
        unknown |= (
            {"channels"} if padding_of(arguments) == "SAME" else {"channels", "height", "width"}
        )
    names: tuple[Lost, ...] = ("batch", "height", "width")
    return unknown | {name for name in names if name in given}


def _has_rank_4(arguments: Arguments) -> bool:
    """Return whether the documentation accepts no input of another rank."""
    return any(rule.precondition is PRECONDITIONS["rank_4"] for rule in exercised(arguments))


def _without(
    arguments: Arguments, sizes: tuple[int | None, ...], unknown: Container[str]
) -> tuple[int | None, ...]:
    """Return the sizes of a result with those that are unknown as None."""
    names = dimension_names(arguments, len(sizes))
    if arguments.gradient == "filter":
        of_filter: tuple[Lost, ...] = ("height", "width", "channels", "channels")
        names = of_filter[-len(sizes) :]
    return tuple(None if name in unknown else size for name, size in zip(names, sizes, strict=True))
