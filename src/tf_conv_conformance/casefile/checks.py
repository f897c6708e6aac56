"""Checks of a call before it may run. Each of them raises :class:`CaseError`."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Literal

from tf_conv_conformance.casefile.diagnostic import CaseError
from tf_conv_conformance.casefile.expansion import Expanded
from tf_conv_conformance.casefile.expectations import Expect
from tf_conv_conformance.casefile.limits import check_size
from tf_conv_conformance.casefile.resolution import flatten
from tf_conv_conformance.convolution.arguments import Arguments
from tf_conv_conformance.convolution.names import Mode
from tf_conv_conformance.convolution.obstacles import obstacle
from tf_conv_conformance.convolution.quantity import quantity
from tf_conv_conformance.prediction import company, data
from tf_conv_conformance.prediction.layout import NoResultError
from tf_conv_conformance.prediction.literals import InexactDataError
from tf_conv_conformance.prediction.models import is_atrous_strided
from tf_conv_conformance.prediction.predict import Refuses, Returns, predict
from tf_conv_conformance.prediction.rules.catalogue import broken, refusal

_VALUES = ("expect", "values")
_NEEDS_RESULT = {
    "expect": (
        "`expect: result` requires a result",
        "Change the call, or write `expect: {error: Exception}` if it must be refused",
    ),
    "rewrites": (
        "`rewrites` claims what the executed graph has",
        "Change the call, or leave out `rewrites`",
    ),
}
"""Why a key needs a result, and what to do about a call without one."""


def check_arguments(arguments: Arguments, modes: Iterable[Mode] = (), large: bool = False) -> None:
    """Refuse a call that the entry point cannot take, is too large, or has no exact data."""
    if found := obstacle(arguments):
        key, reason = found
        raise CaseError((key,), reason)
    if arguments.after:
        _check_after(arguments)
    check_size(arguments, modes, large)
    is_taped = arguments.gradient is not None and arguments.entry_point.computes is None
    if is_taped and arguments.dtype.startswith(("int", "uint")):
        message = f"{arguments.dtype} has no gradient in TensorFlow; use a floating dtype"
        raise CaseError(("gradient",), message)
    try:
        data.arms(arguments)
    except InexactDataError as error:
        raise CaseError(() if error.tensor is None else (error.tensor,), str(error)) from error


def _check_after(arguments: Arguments) -> None:
    """Refuse operations after the convolution that have no documented result."""
    if "add" in {one.name for one in arguments.after} and is_atrous_strided(arguments):
        reason = "`add` needs the shape of the result, and with strides and a rate above 1"
        raise CaseError(("after",), f"{reason} TensorFlow's is not the documented one")
    shape = data.result_shape(arguments)
    for operation in arguments.after:
        if operation.filter is None or not shape:
            continue
        another = company.second(operation, shape, arguments)
        if reasons := [refusal(rule.id, another) for rule in broken(another)]:
            raise CaseError(("after",), f"{operation.text} is refused: {'; '.join(reasons)}")
        try:
            shape = company.after_second(another)
        except NoResultError as error:
            raise CaseError(("after",), f"{operation.text} has no result: {error}") from error
        if 0 in shape:
            reason = f"{operation.text} has an empty result, of shape {list(shape)}"
            raise CaseError(("after",), f"{reason}, which shows nothing; use a smaller filter")


def check_expected_values(expect: Expect) -> None:
    """Refuse literal values that are ragged, or that do not fill the shape."""
    if expect.values is None:
        return
    shape, numbers = flatten(expect.values, _VALUES)
    if expect.shape is None:
        return
    count = math.prod(expect.shape)
    if count != len(numbers):
        message = (
            f"has {quantity(len(numbers), 'value')}, but the shape {expect.shape} needs {count:,}"
        )
        raise CaseError(_VALUES, message)
    if len(shape) > 1 and list(shape) != expect.shape:
        raise CaseError(_VALUES, f"has the shape {list(shape)}, but `shape` is {expect.shape}")


def check_claim(expect: Expect, arguments: Arguments) -> None:
    """Refuse literal values without a bound, or flat values that do not fill the result."""
    if expect.values is None:
        return
    shape, numbers = flatten(expect.values, _VALUES)
    odd = [number for number in numbers if number % 1 != 0]  # infinities and NaN, too
    if odd and "int" in arguments.dtype:
        message = (
            f"the value {odd[0]:g} is not an integer, but {arguments.dtype} holds only integers"
        )
        raise CaseError(_VALUES, message)
    prediction, count = predict(arguments), len(numbers)
    given = quantity(count, "value")
    if "reals" in arguments.data and prediction.model_with(count) is None:
        reason = f"no model predicts {given} for this call, so there is no bound for reals"
        raise CaseError(_VALUES, f"{reason}; expect only the `shape`")
    documented = prediction.documented
    if expect.shape is not None or len(shape) > 1 or not isinstance(documented, Returns):
        return
    if count != math.prod(documented.shape):
        result = f"{math.prod(documented.shape)}, in the shape {list(documented.shape)}"
        advice = "If you mean another shape, give it as `shape`"
        raise CaseError(_VALUES, f"has {given}, but the result has {result}. {advice}")


def check_result(expanded: Expanded, key: Literal["expect", "rewrites"]) -> None:
    """Refuse a call that must return a result, by this key, if its documentation refuses it."""
    documented = predict(expanded.arguments).documented
    if isinstance(documented, Refuses):
        why = "; ".join(refusal(reason, expanded.arguments) for reason in documented.because)
        which = f"{expanded.label}: " if expanded.label else ""
        fact, advice = _NEEDS_RESULT[key]
        fact = f"{fact}, but TensorFlow documents that it refuses this call"
        raise CaseError((key,), f"{fact}: {which}{why}. {advice}")


def check_rewrites(claim: Expect | None, expanded: Expanded) -> None:
    """Refuse a claim of what the executed graph has, if nothing must be executed."""
    if claim is None:
        check_result(expanded, "rewrites")
    elif claim.error is not None:
        fact, advice = _NEEDS_RESULT["rewrites"]
        raised = " or ".join(claim.error)
        raise CaseError(
            ("rewrites",), f"{fact}, but `expect` says that the call raises {raised}. {advice}"
        )
