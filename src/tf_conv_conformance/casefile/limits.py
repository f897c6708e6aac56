"""The limits of a call's size, so that no case file takes time or memory without bounds."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence

import numpy as np

from tf_conv_conformance.casefile.diagnostic import CaseError
from tf_conv_conformance.convolution.arguments import Arguments, channel_place
from tf_conv_conformance.convolution.names import Mode
from tf_conv_conformance.prediction import company, data
from tf_conv_conformance.prediction.layout import interpretation_of
from tf_conv_conformance.prediction.models import MODELS
from tf_conv_conformance.prediction.predict import Returns, predict

ELEMENTS = 2**24
"""The elements of a tensor: 128 MiB in the oracle's float64."""
PRODUCTS = 2**31
"""The products of a call: some seconds of the oracle."""
LARGE_ELEMENTS = 3 * 2**27
"""The elements of all tensors of a large call: 3 GiB in float64, of which the oracle has copies."""
LARGE_PRODUCTS = 2**35
"""The products of a large call: some minutes of the oracle."""
LARGE_MEMORY = 8 * 2**30
"""The bytes that a worker may need for a large call: the default of ``--tf-memory``."""
COPIES = 4
"""How many times a worker may hold the tensors of one arm, beside those that it exchanges."""

Shapes = Mapping[str, Sequence[int]]


def check_size(arguments: Arguments, modes: Iterable[Mode], large: bool) -> None:
    """Raise :class:`CaseError` for a call beyond the limits."""
    tensors, results = _tensors(arguments), _results(arguments)
    if arguments.through is not None:
        tensors = {**tensors, **transformed(arguments)}
    elements = max(map(math.prod, results.values()), default=0)
    work = elements * (data.products(arguments) + company.products(arguments.after))
    if large:
        _check_large(arguments, tensors, results, work)
        _check_memory(arguments, modes)
        return
    advice = "with `large: true` in a case file"
    for name, shape in {**tensors, **results}.items():
        if math.prod(shape) > ELEMENTS:
            lifted = f"{LARGE_ELEMENTS:,} for all tensors of a call {advice}"
            limits = f"the limit is {ELEMENTS:,}, or {lifted}"
            counted = f"{_times(shape)} = {math.prod(shape):,} elements"
            raise CaseError((), f"the {name} has {counted}; {limits}")
    if work > PRODUCTS:
        limits = f"the limit is {PRODUCTS:,}, or {LARGE_PRODUCTS:,} {advice}"
        raise CaseError((), f"makes up to {work:,} products; {limits}")


def _check_large(arguments: Arguments, tensors: Shapes, results: Shapes, work: int) -> None:
    largest = max(results.values(), key=math.prod, default=())
    shapes = {**tensors, "result": largest} if results else tensors
    count = sum(map(math.prod, shapes.values()))
    if count > LARGE_ELEMENTS:
        parts = ", ".join(f"{name} {_times(shape)}" for name, shape in shapes.items())
        limit = f"the limit of a large call is {LARGE_ELEMENTS:,}, 3 GiB in the oracle's float64"
        raise CaseError((), f"its tensors have {count:,} elements ({parts}); {limit}")
    if work > LARGE_PRODUCTS:
        limit = f"the limit of a large call is {LARGE_PRODUCTS:,}, some minutes of the oracle"
        raise CaseError((), f"makes up to {work:,} products; {limit}")


def has_room(arguments: Arguments, mode: Mode) -> bool:
    """Return whether a worker has the memory for a large call in a mode."""
    return _needed(arguments, mode) <= LARGE_MEMORY


def _check_memory(arguments: Arguments, modes: Iterable[Mode]) -> None:
    """Refuse a large call that may need more memory in a worker than it has.

    Want of memory would look like a crash of TensorFlow.
    """
    arms = len(arguments.data)
    for mode in modes:
        if has_room(arguments, mode):
            continue
        limit = f"TensorFlow's process has {LARGE_MEMORY // 2**30} GiB by default"
        needed = _needed(arguments, mode) / 2**30
        fact = f"may need {needed:.1f} GiB in {mode} mode, and {limit}"
        if mode == "xla":
            advice = "XLA copies the input once for each element of the filter; leave xla out"
            raise CaseError(("modes",), f"{fact}; {advice}")
        advice = "make it smaller" if arms == 1 else "make it smaller, or name one arm of `data`"
        raise CaseError((), f"{fact}; {advice}")


def _needed(arguments: Arguments, mode: Mode) -> int:
    """Return how many bytes a worker may need for a call in a mode."""
    result = max(map(math.prod, _results(arguments).values()), default=0)
    elements = result + sum(map(math.prod, _tensors(arguments).values()))
    patches = _patches(arguments) if mode == "xla" else 0
    held = elements * (len(arguments.data) + COPIES)
    return (held + patches) * _item_size(arguments.dtype)


def _tensors(arguments: Arguments) -> Shapes:
    """Return the shapes of the tensors that a call takes, by their names."""
    shapes = {"input": arguments.input.shape, "filter": arguments.filter.shape}
    if arguments.before:
        shapes["padded input"] = arguments.convolved
    for shape in company.tensor_shapes(arguments, data.result_shape(arguments)):
        shapes[f"tensor {len(shapes) + 1}"] = shape
    if arguments.gradient is not None:
        shapes["upstream gradient"] = data.upstream_shape(arguments)
    return shapes


def transformed(arguments: Arguments) -> Shapes:
    """Return the shapes of what a transformation makes of a call's tensors."""
    if arguments.through in ("jacobian", "batch_jacobian"):
        by = arguments.filter if arguments.gradient == "filter" else arguments.input
        return {"Jacobian": (*data.result_shape(arguments), *by.shape)}
    return {"input of three calls": (3, *arguments.input.shape)}


def _results(arguments: Arguments) -> Shapes:
    """Return the shapes of the results that the models predict, by their names."""
    outcomes = {name: predict(arguments).outcome(model) for name, model in MODELS.items()}
    results = {
        f"{name.replace('_', '-')} result": outcome.shape
        for name, outcome in outcomes.items()
        if isinstance(outcome, Returns)
    }
    if arguments.after and (shape := data.result_shape(arguments)):
        stages = company.stages(arguments, shape)
        results |= {f"result {number}": shape for number, shape in enumerate(stages)}
    return results


def _patches(arguments: Arguments) -> int:
    """Return how many elements the patches have that a convolution's pixels are computed from."""
    shape = data.result_shape(arguments)
    if not shape:
        return 0
    interpretation = interpretation_of(arguments)
    pixels = math.prod(shape) // max(shape[channel_place(arguments)], 1)
    return pixels * math.prod(arguments.filter.shape[:-2]) * interpretation.in_channels


def _item_size(dtype: str) -> int:
    """Return the bytes of an element in a worker."""
    return {"bfloat16": 2, "string": 24}.get(dtype) or np.dtype(dtype).itemsize


def _times(shape: Sequence[int]) -> str:
    return " × ".join(map(str, shape))
