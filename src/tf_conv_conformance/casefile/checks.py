"""What must be right about a call before it may run: its size, its exactness, and what its case claims of it."""

from __future__ import annotations

import datetime
import math
from dataclasses import replace
from typing import Literal

import numpy as np

from tf_conv_conformance.casefile.advice import near
from tf_conv_conformance.casefile.call import model_of
from tf_conv_conformance.casefile.diagnostic import quote
from tf_conv_conformance.casefile.expansion import (
    CaseError,
    Expanded,
    Keys,
    as_if,
    is_among,
    literal,
)
from tf_conv_conformance.casefile.model import Deviation, Expect, Observed
from tf_conv_conformance.convolution.arguments import Arguments
from tf_conv_conformance.convolution.obstacles import obstacle
from tf_conv_conformance.prediction import data
from tf_conv_conformance.prediction.models import DOCUMENTED, MODELS, interpretation_of
from tf_conv_conformance.prediction.predict import Refuses, Returns, predict
from tf_conv_conformance.prediction.rules.catalogue import RULES, broken, exercised, refusal

ELEMENTS_LIMIT = 2**24  # of a tensor: 128 MiB in the oracle's float64
PRODUCTS_LIMIT = 2**31  # of one call: some seconds of the oracle


def check_size(arguments: Arguments) -> None:
    """Refuse, with the arithmetic, a call whose tensors or whose work would not fit. Raises :class:`CaseError`."""
    tensors = {"input": arguments.input.shape, "filter": arguments.filter.shape}
    results = [
        outcome
        for model in MODELS.values()
        if isinstance(outcome := predict(arguments).outcome(model), Returns)
    ]
    tensors |= {
        "documented result" if outcome is results[0] else "phase-strided result": outcome.shape
        for outcome in results
    }
    for name, shape in tensors.items():
        if math.prod(shape) > ELEMENTS_LIMIT:
            product = " × ".join(map(str, shape))
            raise CaseError(
                (),
                f"the {name} has {product} = {math.prod(shape)} elements; {ELEMENTS_LIMIT} is the limit",
            )
    work = max((math.prod(outcome.shape) for outcome in results), default=0) * data.products(
        arguments
    )
    if work > PRODUCTS_LIMIT:
        raise CaseError((), f"makes up to {work} products; {PRODUCTS_LIMIT} is the limit")


def check_exact(arguments: Arguments) -> None:
    """Refuse a call whose sums its dtype cannot hold. Raises :class:`CaseError`."""
    try:
        data.arms(arguments)
    except data.InexactDataError as error:
        raise CaseError(() if error.tensor is None else (error.tensor,), str(error)) from error


def check_entry_point(arguments: Arguments) -> None:
    """Refuse a call that the entry point has no way to take. Raises :class:`CaseError`."""
    if found := obstacle(arguments):
        key, reason = found
        raise CaseError((key,), reason)


def check_gradient(arguments: Arguments) -> None:
    """Refuse a gradient of integers, which have none. Raises :class:`CaseError`."""
    if arguments.gradient is not None and arguments.dtype.startswith(("int", "uint")):
        raise CaseError(
            ("gradient",), f"{arguments.dtype} has no gradient in TensorFlow; use a floating dtype"
        )


def check_expectation(expect: Expect) -> None:
    """Refuse literal values that are ragged, or that do not fill the shape. Raises :class:`CaseError`."""
    if expect.values is None:
        return
    shape, numbers = literal(expect.values, ("expect", "values"))
    if expect.shape is not None and math.prod(expect.shape) != len(numbers):
        raise CaseError(
            ("expect", "values"),
            f"has {len(numbers)} values; the shape {expect.shape} holds {math.prod(expect.shape)}",
        )
    if expect.shape is not None and len(shape) > 1 and list(shape) != expect.shape:
        raise CaseError(
            ("expect", "values"), f"has the shape {list(shape)}, and `shape` says {expect.shape}"
        )


def check_expected_reals(expect: Expect | Literal["result"] | None, arguments: Arguments) -> None:
    """Refuse literal results of reals that no model predicts: there is no bound to hold them to. Raises :class:`CaseError`."""
    if not isinstance(expect, Expect) or expect.values is None or "reals" not in arguments.data:
        return
    count = len(literal(expect.values, ("expect", "values"))[1])
    if predict(arguments).model_with(count) is None:
        message = f"no model predicts {count} values for this call, so reals have no bound here; expect the `shape` alone"
        raise CaseError(("expect", "values"), message)


def check_expected_count(expect: Expect | Literal["result"] | None, arguments: Arguments) -> None:
    """Refuse a flat list of values that does not fill the documented result. Raises :class:`CaseError`."""
    if not isinstance(expect, Expect) or expect.values is None or expect.shape is not None:
        return
    shape, numbers = literal(expect.values, ("expect", "values"))
    documented = predict(arguments).documented
    if (
        len(shape) > 1
        or not isinstance(documented, Returns)
        or len(numbers) == math.prod(documented.shape)
    ):
        return
    message = f"has {len(numbers)} values; the result has {math.prod(documented.shape)}, in the shape {list(documented.shape)}"
    raise CaseError(
        ("expect", "values"), f"{message}. If you mean another shape, give it as `shape`"
    )


def check_result(expanded: Expanded) -> None:
    """Refuse a call that must return a result if its documentation refuses it. Raises :class:`CaseError`."""
    documented = predict(expanded.arguments).documented
    if isinstance(documented, Refuses):
        why = "; ".join(refusal(reason, expanded.arguments) for reason in documented.because)
        which = f"{expanded.label}: " if expanded.label else ""
        raise CaseError(
            ("expect",),
            f"`expect: result` demands a result, but TensorFlow documents that it refuses this call: {which}{why}. Change the call, "
            "or write `expect: {error: Exception}` if it must be refused",
        )


def check_deviation(deviation: Deviation, keys: Keys) -> None:
    """Refuse a deviation from an unknown rule, or one whose time is over. Raises :class:`CaseError`."""
    if deviation.rule not in RULES:
        found = near(deviation.rule, list(RULES))
        hint = "docs/rules.md lists them" if found is None else f"did you mean {found!r}?"
        raise CaseError((*keys, "rule"), f"there is no rule {quote(deviation.rule)}; {hint}")
    if (
        deviation.expires is not None
        and datetime.date.fromisoformat(deviation.expires) < datetime.date.today()
    ):
        raise CaseError(
            (*keys, "expires"),
            f"expired on {deviation.expires}: look again, then move the day or delete the deviation",
        )


def speaks_about(deviation: Deviation, expanded: Expanded) -> bool:
    """Whether a deviation is about this call, on some subject and in some mode at least.

    It is where the call exercises its rule (or breaks it, where the documentation refuses the call), its conditions hold, and what
    it declares differs from what the documentation says anyway.
    """
    arguments = expanded.arguments
    breaking = broken(arguments)
    if deviation.rule not in [
        rule.id for rule in (breaking or exercised(arguments))
    ] or not is_among(expanded, deviation.where):
        return False
    return not says_the_same(
        deviation.observed, stands_for(deviation.observed, expanded), expanded.arguments
    )


def stands_for(observed: Observed, expanded: Expanded) -> Arguments:
    """The arguments for which a deviation's model stands."""
    return expanded.arguments if observed.as_if is None else as_if(expanded, observed.as_if)


def declared(observed: Observed, arguments: Arguments) -> Returns | Refuses | None:
    """What a deviation says comes out; None for a crash, a time-out, or a value without a model."""
    if observed.error is not None:
        return Refuses(tuple(observed.error))
    model = model_of(observed)
    return None if model is None else predict(arguments).outcome(model)


def says_the_same(observed: Observed, stands_for: Arguments, arguments: Arguments) -> bool:
    """Whether what a deviation declares is what the documentation says of the call anyway: both refuse, or both read the same."""
    documented, outcome = predict(arguments).documented, declared(observed, stands_for)
    if isinstance(documented, Refuses):
        return isinstance(outcome, Refuses)
    model = model_of(observed)
    if (
        model is None
        or replace(model, truncates_sizes=False) != MODELS[model.name]
        or outcome != documented
    ):
        return False
    ours, theirs = interpretation_of(arguments), interpretation_of(stands_for)
    axes = ((ours.height, theirs.height), (ours.width, theirs.width))
    return all(np.array_equal(DOCUMENTED.taps(our), model.taps(their)) for our, their in axes)


def check_observed(observed: Observed, arguments: Arguments, keys: Keys) -> None:
    """Refuse a deviation whose model has no result, or another shape than it says. Raises :class:`CaseError`."""
    outcome = declared(observed, arguments)
    if observed.model is not None and isinstance(outcome, Refuses):
        raise CaseError(
            (*keys, "model"), f"{observed.model} has no result for this call: {outcome.because[0]}"
        )
    if (
        observed.shape is not None
        and isinstance(outcome, Returns)
        and tuple(observed.shape) != outcome.shape
    ):
        raise CaseError(
            (*keys, "shape"),
            f"{observed.shape} is not what {observed.model} computes, which is {list(outcome.shape)}",
        )
