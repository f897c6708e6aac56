"""Check that the sums of literal values can be judged: exactly, or within a bound."""

from __future__ import annotations

import math
from collections.abc import Sequence
from fractions import Fraction

from tf_conv_conformance import ConformanceError
from tf_conv_conformance.convolution.arguments import Arguments, TensorSpec
from tf_conv_conformance.convolution.company import listed
from tf_conv_conformance.convolution.dtypes import EXPONENTS, PRECISION, largest
from tf_conv_conformance.convolution.quantity import quantity
from tf_conv_conformance.prediction import company
from tf_conv_conformance.prediction.distributions import SMALL


class InexactDataError(ConformanceError):
    """Data cannot be summed exactly in the dtype; the message shows the arithmetic.

    `tensor` names the tensor with the value at fault, if there is one.
    """

    def __init__(self, message: str, tensor: str | None = None) -> None:
        super().__init__(message)
        self.tensor = tensor


def check_literals(arguments: Arguments, names: Sequence[str], summed: int, forward: int) -> None:
    """Raise :class:`InexactDataError` for literal values whose sums cannot be judged.

    An element of the result sums `summed` products; one of the convolution itself, `forward`.
    """
    dtype = arguments.precision
    _check_finite_literals(arguments)
    if "literal" in names and dtype in PRECISION:
        _check_exact_literals(arguments, 2 ** PRECISION[dtype] - 1, summed, forward)
    if "reals" not in names or dtype not in EXPONENTS:
        return
    tensors = (arguments.input, arguments.filter)
    # 1.0 is for drawn values.
    most = math.prod(Fraction(max([1.0, *_finite(spec)])) for spec in tensors)
    if summed * most > Fraction(largest(dtype)) / 2:
        raise InexactDataError(
            f"{quantity(summed, 'product')} of up to {_written(most)} may overflow {dtype}, "
            f"depending on their order: its largest number is {largest(dtype):.4g}; "
            "use smaller values or a wider dtype"
        )


def _check_finite_literals(arguments: Arguments) -> None:
    """Check that infinities and NaN are in dtypes that have them."""
    filter_dtype = arguments.filter_dtype or arguments.dtype
    tensors = {
        "input": (arguments.input, arguments.dtype),
        "filter": (arguments.filter, filter_dtype),
    }
    for name, (spec, dtype) in tensors.items():
        odd = [value for value in spec.values or () if not math.isfinite(value)]
        if odd and arguments.after:
            reason = f"nothing documents what {listed(arguments.after)} make of {odd[0]:g}"
            raise InexactDataError(f"{reason}; give `{name}` finite values", name)
        if odd and dtype not in (*EXPONENTS, "complex64"):
            message = (
                f"the value {odd[0]:g} of `{name}` is not finite, but all values of {dtype} are"
            )
            raise InexactDataError(message, name)


def _finite(spec: TensorSpec) -> list[float]:
    """Return the finite magnitudes. Infinities and NaN are exact by IEEE 754."""
    return [abs(value) for value in spec.values or () if math.isfinite(value)]


def _check_exact_literals(arguments: Arguments, top: int, summed: int, forward: int) -> None:
    """Check that the dtype holds the sums of literal values, as multiples of a power of two."""
    dtype = arguments.precision
    specs = {"input": arguments.input, "filter": arguments.filter}
    for name, spec in specs.items():
        for value in set(_finite(spec)):
            _check_exact_literal(Fraction(value), name, dtype, top)
    forward_product = _product(*specs.values())
    if arguments.gradient:  # the upstream gradient, which is drawn, takes the tensor's place
        specs[arguments.gradient] = TensorSpec(())
    most, step = _product(*specs.values())
    if summed * most / step > top:
        advice = "use smaller or rounder values"
        if "int" not in dtype:
            advice += ", or only `data: [reals]`, which compares the result within a rounding bound"
        raise InexactDataError(
            f"sums of {quantity(summed, 'product')} of up to {_written(most)}, "
            f"in steps of {float(step):g}, are not exact in {dtype} "
            f"({summed} * {_written(most)} / {float(step):g} > {top}); {advice}"
        )
    if arguments.after and arguments.gradient:
        factor, of_gradient = company.passed_back(arguments.after)
        if summed * most * factor > top * step * of_gradient:
            reason = f"are not exact in {dtype} in the gradient through {listed(arguments.after)}"
            raise InexactDataError(f"such values {reason}; use smaller or rounder values")
        summed, (most, step) = forward, forward_product
    if not company.is_exact(arguments, summed * most, step, top):
        sums = f"sums of up to {_written(summed * most)} in steps of {float(step):g}"
        after = f"not exact in {dtype} after {listed(arguments.after)}"
        raise InexactDataError(f"{sums} are {after}; use smaller or rounder values")


def _product(*specs: TensorSpec) -> tuple[Fraction, Fraction]:
    """Return the largest product of an element of each tensor, and a step of all products.

    Values that the case does not give are drawn as small integers.
    """
    most, step = Fraction(1), Fraction(1)
    for spec in specs:
        drawn = (1.0, float(SMALL))
        values = [
            Fraction(value) for value in (_finite(spec) if spec.values is not None else drawn)
        ]
        most *= max(values, default=Fraction(0))
        step *= min((_step(value) for value in values if value), default=Fraction(1))
    return most, step


def _check_exact_literal(value: Fraction, name: str, dtype: str, top: int) -> None:
    if "int" in dtype and value.denominator != 1:
        raise InexactDataError(
            f"the value {float(value):g} of `{name}` is not an integer, but {dtype} holds only "
            "integers",
            name,
        )
    if value and value / _step(value) > top:
        raise InexactDataError(
            f"the value {float(value):g} of `{name}` is not exact in {dtype}; write "
            "`data: [reals]` to compare the result within a rounding bound, or use multiples of a "
            "power of two, such as 0.25",
            name,
        )


def _written(value: Fraction | int) -> str:
    """Return a number in a few digits, even if it is huge."""
    return f"{float(value):g}" if value < 2**1023 else "1e308 and more"


def _step(value: Fraction) -> Fraction:
    """Return the largest power of two that divides a value."""
    return Fraction(value.numerator & -value.numerator, value.denominator)
