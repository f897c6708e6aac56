"""Draw operations around a convolution, and reduce them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from tf_conv_conformance.convolution.company import DTYPES
from tf_conv_conformance.convolution.dtypes import canonical
from tf_conv_conformance.convolution.names import OperationName
from tf_conv_conformance.explore.draft import AMOUNT, OUT, Draft, replaced

AFTER: dict[OperationName, int] = {
    "bias_add": 6,
    "relu": 4,
    "relu6": 2,
    "add": 3,
    "fused_batch_norm": 2,
    "conv2d": 2,
    "depthwise_conv2d": 1,
}
COUNT = {1: 3, 2: 4, 3: 2, 4: 1}
SIDE = {1: 5, 2: 2, 3: 2}


def draw_company(draft: Draft) -> None:
    """Put operations around the convolution of one case in four that may have any."""
    case, entry_point = draft.case, draft.entry_point
    is_alone = "through" in case or draft.is_keras or entry_point.computes
    if is_alone or entry_point.dimensions == 1:
        return
    if not draft.one_in(4):
        return
    if draft.one_in(3):
        case["before"] = {"pad": _amounts(draft)}
    # tf.nn.conv2d has as many result channels as its filter, depthwise_conv2d a multiple.
    channels = case["filter"][3] * (case["filter"][2] if draft.op == "depthwise_conv2d" else 1)
    dtype = canonical(case["dtype"])
    weights = {
        name: weight for name, weight in AFTER.items() if dtype in DTYPES.get(name, (dtype,))
    }
    case["after"] = []
    for _ in range(draft.weighted(COUNT)):
        name = draft.weighted(weights)
        if not name.endswith("conv2d"):
            case["after"].append(name)
            continue
        out = draft.weighted(OUT)
        sizes = [draft.weighted(SIDE), draft.weighted(SIDE), channels, out]
        padding = draft.choice(["SAME", "VALID"])
        case["after"].append({name: {"filter": sizes, "padding": padding}})
        channels = out if name == "conv2d" else channels * out


def _amounts(draft: Draft) -> list[list[int]]:
    height, width = ([draft.weighted(AMOUNT), draft.weighted(AMOUNT)] for _ in range(2))
    none = [0, 0]
    return [none, none, height, width] if draft.channels_first else [none, height, width, none]


def fewer_operations(plain: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Leave out all operations before or after the convolution, or one of them."""
    for key in ("before", "after"):
        if key not in plain:
            continue
        yield {name: value for name, value in plain.items() if name != key}
        value = plain[key]
        for place in range(len(value) if len(value) > 1 else 0):
            yield {**plain, key: [*value[:place], *value[place + 1 :]]}


def smaller_operations(plain: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Pad less, make the filter of another convolution smaller, or take channels from both."""
    if "before" in plain:
        pairs = plain["before"]["pad"]
        for place, pair in enumerate(pairs):
            for other in ([0, 0], [pair[0], 0], [0, pair[1]], [min(one, 1) for one in pair]):
                yield {**plain, "before": {"pad": replaced(pairs, place, other)}}
    after = plain.get("after", [])
    for place, one in enumerate(after):
        if isinstance(one, dict):
            ((name, another),) = one.items()
            for other in _smaller_filters(another["filter"]):
                made = {name: {**another, "filter": other}}
                yield {**plain, "after": replaced(after, place, made)}
                if other[2] != another["filter"][2]:  # the channels of what is before
                    sizes = plain["filter"]
                    fewer = replaced(sizes, 3, 1) if isinstance(sizes, list) else sizes
                    yield {**plain, "filter": fewer, "after": replaced(after, place, made)}


def _smaller_filters(sizes: list[int]) -> Iterator[list[int]]:
    for place, size in enumerate(sizes):
        if size > 1:
            yield replaced(sizes, place, 1)
