"""The smallest call with the same cause: simplify one thing after the other, and keep what still shows it."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterator
from itertools import combinations
from typing import Any

from tf_conv_conformance.convolution.entry_points import DEFAULTS

Plain = dict[str, Any]
Shows = Callable[[Plain], bool]
CAPPED = 2**12  # numbers above weigh their logarithm more


def weight(plain: Plain) -> float:
    """How large a call is: its numbers, and all that is not the plainest."""
    found = 0.0
    for key, value in plain.items():
        found += {
            "op": 0,
            "dtype": 0,
            "via": 0,
            "input": 0,
            "filter": 0,
            "strides": 0,
            "padding": 0,
            "modes": 0,
        }.get(key, 12)
        found += _numbers(value)
    found += 15 * (plain.get("via") not in (None, DEFAULTS[plain["op"]].symbol)) + 10 * (
        plain.get("dtype", "float32") != "float32"
    )
    return float(
        found + (0 if plain["padding"] == "VALID" else 1 if plain["padding"] == "SAME" else 8)
    )


def _numbers(value: Any) -> float:
    if isinstance(value, dict):
        return 6.0 + sum(map(_numbers, value.values()))
    if isinstance(value, list):
        return 0.2 + sum(map(_numbers, value))
    if not isinstance(value, int | float):
        return 0.0
    if not math.isfinite(value):
        return 5.0
    size = float(abs(value))
    return (
        min(size, CAPPED) + (math.log2(size) if size > CAPPED else 0) + (0.5 if value < 0 else 0)
    ) or 0.9  # a 1 is plainer than a 0


def reduce(plain: Plain, shows: Shows, budget: int) -> Plain:
    """The lightest call that was found to show the same within so many tries; `shows` says whether one does."""
    tried = {_key(plain)}
    left, better = budget, True
    while better and left > 0:
        better = False
        for step in STEPS:
            went_on = True
            while went_on and left > 0:
                went_on = False
                for candidate in step(plain):
                    if weight(candidate) >= weight(plain) or _key(candidate) in tried:
                        continue
                    tried.add(_key(candidate))
                    left -= 1
                    if shows(candidate):
                        plain, better, went_on = candidate, True, True
                        break
                    if left <= 0:
                        break
    return plain


def _key(plain: Plain) -> str:
    return json.dumps(plain, sort_keys=True)


Step = Callable[[Plain], Iterator[Plain]]


def _without(*keys: str) -> Step:
    def step(plain: Plain) -> Iterator[Plain]:
        for key in keys:
            if key in plain:
                yield {name: value for name, value in plain.items() if name != key}

    return step


def _plainest(plain: Plain) -> Iterator[Plain]:
    """The plainest paddings."""
    yield {**plain, "padding": "VALID"}
    yield {**plain, "padding": "SAME"}


def _leaps(plain: Plain) -> Iterator[Plain]:
    """Everything plain at once but for one argument, or two."""
    first = plain.get("data_format") == "NCHW"
    shape = [1, 1, 2, 2] if first else [1, 2, 2, 1]
    base: Plain = {
        "op": plain["op"],
        "input": shape,
        "filter": [1, 1, 1, 1],
        "strides": 1,
        "padding": "VALID",
    }
    names = [name for name in plain if name != "op" and plain[name] != base.get(name)]
    for kept in (*combinations(names, 1), *combinations(names, 2)):
        yield {**base, **{name: plain[name] for name in kept}}


def _own_door(plain: Plain) -> Iterator[Plain]:
    """The operator's own entry point, which takes lists of other lengths."""
    if "via" not in plain:
        return
    own = {name: value for name, value in plain.items() if name != "via"}
    yield own
    if plain["op"] == "depthwise_conv2d":
        first, strides, rates = (
            plain.get("data_format") == "NCHW",
            plain["strides"],
            plain.get("dilations"),
        )
        if isinstance(strides, list) and len(strides) == 2:
            own = {**own, "strides": [1, 1, *strides] if first else [1, *strides, 1]}
        if isinstance(rates, list) and len(rates) == 4:
            own = {**own, "dilations": rates[2:] if first else rates[1:3]}
        yield own


def _channels_last(plain: Plain) -> Iterator[Plain]:
    if plain.get("data_format") == "NCHW":
        last = {
            name: _moved(value) if name in ("strides", "dilations", "padding") else value
            for name, value in plain.items()
        }
        shape = plain["input"]["shape"] if isinstance(plain["input"], dict) else plain["input"]
        if len(shape) >= 4:
            moved = [*shape[:-3], *shape[-2:], shape[-3]]
            last["input"] = (
                {**plain["input"], "shape": moved} if isinstance(plain["input"], dict) else moved
            )
        del last["data_format"]
        yield last


def _moved(value: Any) -> Any:
    return (
        [value[0], value[2], value[3], value[1]]
        if isinstance(value, list) and len(value) == 4
        else value
    )


def _no_literals(plain: Plain) -> Iterator[Plain]:
    for name in ("input", "filter"):
        if isinstance(plain[name], dict):
            yield {**plain, name: plain[name]["shape"]}


def _plainer_values(plain: Plain) -> Iterator[Plain]:
    for name in ("input", "filter"):
        if isinstance(plain[name], dict):
            values = plain[name]["values"]
            for place, value in enumerate(values):
                if value != 1.0:
                    yield {
                        **plain,
                        name: {
                            **plain[name],
                            "values": [*values[:place], 1.0, *values[place + 1 :]],
                        },
                    }


def _plain_numbers(key: str) -> Step:
    """Strides or dilations: 1, then one number for all, then each number smaller."""

    def step(plain: Plain) -> Iterator[Plain]:
        value = plain.get(key)
        if value is None:
            return
        yield {**plain, key: 1}
        if isinstance(value, dict):
            yield {**plain, key: value["verbatim"]}
            return
        for number in sorted(set(value)) if isinstance(value, list) else []:
            yield {**plain, key: number}
            yield {**plain, key: [number] * len(value)}
        for one in _lesser_list(value) if isinstance(value, list) else _lesser(value):
            yield {**plain, key: one}

    return step


def _lesser(number: int) -> Iterator[int]:
    """Numbers that are plainer than one, the plainest first."""
    if number < 0:
        yield from (0, -1, -2) if number < -2 else (0, -1)
        return
    yield from (other for other in (1, 2, number // 2, number - 1) if 0 < other < number)
    yield from (other for other in (2**15, 2**16, 2**30, 2**31 - 1, 2**31) if other < number)


def _lesser_list(numbers: list[int]) -> Iterator[list[int]]:
    for place, number in enumerate(numbers):
        yield from ([*numbers[:place], other, *numbers[place + 1 :]] for other in _lesser(number))


def _less_padding(plain: Plain) -> Iterator[Plain]:
    padding = plain["padding"]
    if not isinstance(padding, list):
        return
    for place, pair in enumerate(padding):
        if any(pair):
            yield {**plain, "padding": [*padding[:place], [0] * len(pair), *padding[place + 1 :]]}
        for other in _lesser_list(pair):
            yield {**plain, "padding": [*padding[:place], other, *padding[place + 1 :]]}
        for side, amount in enumerate(pair):
            if amount:
                other = [0 if at == side else it for at, it in enumerate(pair)]
                yield {**plain, "padding": [*padding[:place], other, *padding[place + 1 :]]}


def _smaller_shapes(plain: Plain) -> Iterator[Plain]:
    """Smaller tensors: both channels and both axes together where they go together, then each size, and those of literal tensors."""
    shape, sizes = plain["input"], plain["filter"]
    if isinstance(shape, list) and isinstance(sizes, list):
        place = 1 if plain.get("data_format") == "NCHW" else len(shape) - 1
        if len(shape) == len(sizes) == 4:
            for channels in _lesser(shape[place]):
                fewer = [*shape[:place], channels, *shape[place + 1 :]]
                yield {
                    **plain,
                    "input": fewer,
                    "filter": [*sizes[:2], min(channels, sizes[2]) if sizes[2] else 0, sizes[3]],
                }
                yield {
                    **plain,
                    "input": fewer,
                    "filter": [*sizes[:2], min(channels, sizes[2]), channels],
                }
        if len(shape) > 4:
            yield {**plain, "input": shape[1:]}
    for name in ("input", "filter"):
        if isinstance(plain[name], list):
            yield from ({**plain, name: fewer} for fewer in _lesser_list(plain[name]))
        else:
            yield from ({**plain, name: fewer} for fewer in _fewer_values(plain[name]))


def _fewer_values(tensor: Plain) -> Iterator[Plain]:
    """A literal tensor with one size less, without its last values or without its first."""
    for shape in _lesser_list(tensor["shape"]):
        count = math.prod(shape)
        yield {"shape": shape, "values": tensor["values"][:count]}
        yield {"shape": shape, "values": tensor["values"][-count:]}


STEPS: tuple[Step, ...] = (
    _leaps,
    _without("gradient", "data", "filter_dtype", "dilations", "dtype"),
    _own_door,
    _plainest,
    _channels_last,
    _without("data_format"),
    _no_literals,
    _plain_numbers("strides"),
    _plain_numbers("dilations"),
    _less_padding,
    _smaller_shapes,
    _plainer_values,
)
