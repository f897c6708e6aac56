"""Find the smallest call with the same cause by simplifying one argument after another."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterator
from itertools import combinations
from typing import Any

from tf_conv_conformance.convolution.entry_points import DEFAULTS
from tf_conv_conformance.explore.company import fewer_operations, smaller_operations
from tf_conv_conformance.explore.draft import replaced

Plain = dict[str, Any]
Step = Callable[[Plain], Iterator[Plain]]
CAPPED = 2**12  # larger numbers weigh this plus their logarithm
USUAL_KEYS = {"op", "dtype", "via", "input", "filter", "strides", "padding", "modes"}
UNUSUAL_KEY, ENTRY_POINT, DTYPE, OPERATION = 12, 15, 10, 8  # weights
REMOVABLE = (
    "relations", "through", "variables", "gradient", "data", "filter_dtype", "dilations", "dtype",
)  # fmt: skip
PADDING = {"VALID": 0, "SAME": 1}
OTHER_PADDING = 8


def weight(plain: Plain) -> float:
    """Return the weight of a call: its numbers, and everything about it that is not plain."""
    keys = UNUSUAL_KEY * len(plain.keys() - USUAL_KEYS)
    entry_point = ENTRY_POINT * (plain.get("via") not in (None, DEFAULTS[plain["op"]].symbol))
    dtype = DTYPE * (plain.get("dtype", "float32") != "float32")
    padding = plain["padding"]
    operations = OPERATION * len([*plain.get("before", ()), *plain.get("after", ())])
    kind = PADDING.get(padding, OTHER_PADDING) if isinstance(padding, str) else OTHER_PADDING
    others = keys + entry_point + dtype + kind + operations
    return float(others + sum(map(_weight, plain.values())))


def _weight(value: Any) -> float:
    if isinstance(value, dict):
        return 6.0 + sum(map(_weight, value.values()))
    if isinstance(value, list):
        return 0.2 + sum(map(_weight, value))
    if not isinstance(value, int | float):
        return 0.0
    if not math.isfinite(value):
        return 5.0
    size = float(abs(value))
    large = math.log2(size) if size > CAPPED else 0.0
    return min(size, CAPPED) + large + 0.5 * (value < 0) or 0.9  # a 1 is plainer than a 0


def reduced(plain: Plain, has_cause: Callable[[Plain], bool], tries: int) -> Plain:
    """Return the lightest call with the same cause found within a number of tries."""
    tried = {_key(plain)}
    left = tries

    def lighter(step: Step) -> Plain | None:
        nonlocal left
        for candidate in step(plain):
            if left <= 0:
                return None
            if weight(candidate) >= weight(plain) or _key(candidate) in tried:
                continue
            tried.add(_key(candidate))
            left -= 1
            if has_cause(candidate):
                return candidate
        return None

    is_lighter = True
    while is_lighter:
        is_lighter = False
        for step in STEPS:
            while (found := lighter(step)) is not None:
                plain, is_lighter = found, True
    return plain


def _key(plain: Plain) -> str:
    return json.dumps(plain, sort_keys=True)


def _without(*keys: str) -> Step:
    def step(plain: Plain) -> Iterator[Plain]:
        for key in keys:
            if key in plain:
                yield {name: value for name, value in plain.items() if name != key}

    return step


def _is_channels_first(plain: Plain) -> bool:
    return bool(plain.get("data_format") == "NCHW")


def _leaps(plain: Plain) -> Iterator[Plain]:
    """Make everything plain at once, except one or two arguments."""
    shape = [1, 1, 2, 2] if _is_channels_first(plain) else [1, 2, 2, 1]
    base: Plain = {"op": plain["op"], "input": shape, "filter": [1, 1, 1, 1]}
    base |= {"strides": 1, "padding": "VALID"}
    names = [name for name in plain if name != "op" and plain[name] != base.get(name)]
    for kept in (*combinations(names, 1), *combinations(names, 2)):
        yield {**base, **{name: plain[name] for name in kept}}


def _default_entry_point(plain: Plain) -> Iterator[Plain]:
    """Use the operator's own entry point, which takes lists of other lengths."""
    if "via" not in plain:
        return
    own = {name: value for name, value in plain.items() if name != "via"}
    yield own
    if plain["op"] != "depthwise_conv2d":
        return
    first, strides, rates = _is_channels_first(plain), plain["strides"], plain.get("dilations")
    if isinstance(strides, list) and len(strides) == 2:
        own = {**own, "strides": [1, 1, *strides] if first else [1, *strides, 1]}
    if isinstance(rates, list) and len(rates) == 4:
        own = {**own, "dilations": rates[2:] if first else rates[1:3]}
    yield own


def _channels_last(plain: Plain) -> Iterator[Plain]:
    if not _is_channels_first(plain):
        return
    last = {name: value for name, value in plain.items() if name != "data_format"}
    for name in ("strides", "dilations", "padding"):
        value = plain.get(name)
        if isinstance(value, list) and len(value) == 4:
            last[name] = [value[0], value[2], value[3], value[1]]
    if "before" in plain:
        batch, channels, *sizes = plain["before"]["pad"]
        last["before"] = {"pad": [batch, *sizes, channels]}
    tensor = plain["input"]
    shape = tensor["shape"] if isinstance(tensor, dict) else tensor
    if len(shape) >= 4:
        moved = [*shape[:-3], *shape[-2:], shape[-3]]
        last["input"] = {**tensor, "shape": moved} if isinstance(tensor, dict) else moved
    yield last


def _no_values(plain: Plain) -> Iterator[Plain]:
    for name in ("input", "filter"):
        if isinstance(plain[name], dict):
            yield {**plain, name: plain[name]["shape"]}


def _equal_numbers(plain: Plain) -> Iterator[Plain]:
    """Set strides and dilations to 1, or all to the same number."""
    for key in ("strides", "dilations"):
        value = plain.get(key)
        if value is not None:
            yield {**plain, key: 1}
        if isinstance(value, dict):
            yield {**plain, key: value["verbatim"]}
        numbers = value if isinstance(value, list) else []
        for number in sorted(set(numbers)):
            yield {**plain, key: number}
            yield {**plain, key: [number] * len(numbers)}


def _fewer_channels(plain: Plain) -> Iterator[Plain]:
    """Reduce the channels of input and filter together, or remove an outer batch dimension."""
    shape, sizes = plain["input"], plain["filter"]
    if isinstance(shape, dict) or isinstance(sizes, dict):
        return
    if len(shape) == len(sizes) == 4:
        place = 1 if _is_channels_first(plain) else 3
        for channels in _plainer(shape[place], 1):
            fewer = {**plain, "input": replaced(shape, place, channels)}
            filter_in = min(channels, sizes[2]) if sizes[2] else 0
            yield {**fewer, "filter": [*sizes[:2], filter_in, sizes[3]]}
            yield {**fewer, "filter": [*sizes[:2], filter_in, channels]}
    if len(shape) > 4:
        yield {**plain, "input": shape[1:]}


def _plainer_values(plain: Plain) -> Iterator[Plain]:
    for key in ("strides", "dilations", "padding", "input", "filter"):
        least = 0 if key == "padding" else 1
        for other in _plainer(plain.get(key), least):
            yield {**plain, key: other}


def _plainer(value: Any, least: int) -> Iterator[Any]:
    """Yield values in which one number is plainer, starting with the plainest."""
    if isinstance(value, list):
        for place, item in enumerate(value):
            yield from (replaced(value, place, other) for other in _plainer(item, least))
    elif isinstance(value, dict) and "values" in value:
        yield from _fewer_values(value)
        yield from ({**value, "values": other} for other in _plainer(value["values"], least))
    elif isinstance(value, float) and value != 1.0:
        yield 1.0
    elif isinstance(value, int):
        yield from _plainer_integers(value, least)


def _plainer_integers(number: int, least: int) -> Iterator[int]:
    if number < 0:
        yield from (0, -1, -2) if number < -2 else (0, -1)
        return
    small = (least, 1, 2, number // 2, number - 1)
    yield from (other for other in small if least <= other < number)
    yield from (other for other in (2**15, 2**16, 2**30, 2**31 - 1, 2**31) if other < number)


def _fewer_values(tensor: Plain) -> Iterator[Plain]:
    """Reduce one size of a literal tensor, and drop its last or first values."""
    for shape in _plainer(tensor["shape"], 1):
        count = math.prod(shape)
        yield {"shape": shape, "values": tensor["values"][:count]}
        yield {"shape": shape, "values": tensor["values"][-count:]}


STEPS: tuple[Step, ...] = (
    _leaps,
    fewer_operations,
    _without(*REMOVABLE),
    _default_entry_point,
    lambda plain: ({**plain, "padding": word} for word in ("VALID", "SAME")),
    _channels_last,
    _without("data_format"),
    _no_values,
    _equal_numbers,
    _fewer_channels,
    smaller_operations,
    _plainer_values,
)
