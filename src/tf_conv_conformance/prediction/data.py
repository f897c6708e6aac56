"""Draw the data of a call, so that its sums can be judged and one line of NumPy draws each tensor.

Two arms are exact. ``small_integers`` detects wrong indices. ``wide_integers`` (odd values as large
as the sums allow, with a filter of 1 and -1) detects arithmetic in less precision than the dtype's.
Neither has zeros, which would hide the elements that they multiply. ``reals`` have all significant
bits of the dtype and an a-priori bound (:mod:`error_bounds`). Literal values are exact (the arm
``literal``), or reals if the case says so.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from fractions import Fraction

import numpy as np
from cachetools import LRUCache, cached

from tf_conv_conformance import ConformanceError
from tf_conv_conformance.convolution.arguments import (
    Arguments,
    TensorSpec,
    channel_place,
    with_height,
)
from tf_conv_conformance.convolution.company import listed
from tf_conv_conformance.convolution.dtypes import EXPONENTS, PRECISION, largest
from tf_conv_conformance.convolution.quantity import quantity
from tf_conv_conformance.prediction import company, models
from tf_conv_conformance.prediction.correlation import Array
from tf_conv_conformance.prediction.distributions import Drawn, Normal, Real, Signed
from tf_conv_conformance.prediction.layout import NoResultError
from tf_conv_conformance.prediction.rules.catalogue import broken

BEYOND = 8  # a magnitude beyond the limits of relu6
SMALL = 4  # the largest magnitude of `small_integers`
KEPT = 2**26  # bytes of arrays that are kept, since successive calls often have the same arguments
BESIDE = 2**12  # bytes that an entry counts in addition, so that tiny entries are limited, too


class InexactDataError(ConformanceError):
    """Data cannot be summed exactly in the dtype; the message shows the arithmetic.

    `tensor` names the tensor with the value at fault, if there is one.
    """

    def __init__(self, message: str, tensor: str | None = None) -> None:
        super().__init__(message)
        self.tensor = tensor


@dataclass(frozen=True)
class Arm:
    """One set of data: its name, the seed of NumPy's ``RandomState``, and the kinds of its tensors.

    Literal tensors are not drawn. For a gradient, `upstream` is the kind of its upstream gradient.
    """

    name: str
    seed: int
    input: Drawn
    filter: Drawn
    upstream: Drawn | None = None

    def arrays(self, arguments: Arguments) -> tuple[Array, ...]:
        """Return input, filter and, for a gradient, the upstream gradient, drawn in this order.

        Then come the tensors of the operations after the convolution, in their order. The arrays
        are shared, so they are read-only.
        """
        return _arrays(self, arguments)


_RNG = np.random.RandomState()  # seeded before each use, since creating one takes 100 times longer


def _size(tensors: tuple[Array, ...]) -> int:
    return BESIDE + sum(tensor.nbytes for tensor in tensors)


@cached(LRUCache(KEPT, getsizeof=_size))
def _arrays(arm: Arm, arguments: Arguments) -> tuple[Array, ...]:
    _RNG.seed(arm.seed)
    tensors = [_tensor(arguments.input, arm.input), _tensor(arguments.filter, arm.filter)]
    if arm.upstream is not None:
        tensors.append(arm.upstream.draw(_RNG, upstream_shape(arguments)))
    shapes = company.tensor_shapes(arguments, result_shape(arguments))
    beside = zip(company.drawn(arguments), shapes, strict=True)
    tensors += [drawn.draw(_RNG, shape) for drawn, shape in beside]
    for tensor in tensors:
        tensor.flags.writeable = False
    return tuple(tensors)


def _tensor(spec: TensorSpec, drawn: Drawn) -> Array:
    if spec.values is not None:
        return np.array(spec.values, dtype=np.float64).reshape(spec.shape)
    return drawn.draw(_RNG, spec.shape)


def computed_model(arguments: Arguments) -> models.Model:
    """Return the model of what TensorFlow computes.

    The documentation refuses a depthwise call with strides and a rate, but TensorFlow may still
    compute it phase-strided. It computes all other calls as documented.
    """
    in_phases = models.is_atrous_strided(arguments) and broken(arguments)
    return models.PHASE_STRIDED if in_phases else models.DOCUMENTED


def result_shape(arguments: Arguments) -> tuple[int, ...]:
    """Return the shape of the convolution that TensorFlow computes; () if there is no result.

    The upstream gradient has this shape, unless the call gives another one for it.
    """
    if arguments.upstream is not None:
        return arguments.upstream
    try:
        return computed_model(arguments).forward_shape(arguments)
    except NoResultError:
        return ()


def upstream_shape(arguments: Arguments) -> tuple[int, ...]:
    """Return the shape of the upstream gradient: that of the result after all operations."""
    shape = result_shape(arguments)
    with suppress(NoResultError):  # a record may have any operations
        shape = company.stages(arguments, shape)[-1] if shape else ()
    return shape


def products(arguments: Arguments) -> int:
    """Return how many products an element of the result sums.

    For a convolution it is filter height × width × in_channels, without the channels if depthwise.
    For a gradient with respect to the input it is at most filter height × width × out_channels;
    with respect to the filter, batch × height × width of the upstream gradient.
    """
    if arguments.gradient == "filter":
        shape = result_shape(arguments)
        channels = shape[channel_place(arguments)] if shape else 1
        return math.prod(shape) // max(channels, 1)
    sizes = with_height(arguments)
    if arguments.gradient == "input":
        return math.prod((*sizes[:2], *sizes[3:]))
    return math.prod(sizes[: 2 if arguments.op == "depthwise_conv2d" else 3])


def arms(arguments: Arguments, salt: int = 0) -> tuple[Arm, ...]:
    """Return the arms of data of a call. A different `salt` draws other numbers of the same kinds.

    Raises :class:`InexactDataError` if the dtype cannot hold every partial sum.
    """
    names = arguments.data
    if arguments.input.values is not None or arguments.filter.values is not None:
        names = tuple(dict.fromkeys("reals" if name == "reals" else "literal" for name in names))
        _check_literals(arguments, names, max(products(arguments), 1))
    count = 3 if arguments.gradient else 2
    return tuple(
        Arm(name, seed(arguments, name, salt), *_kinds(arguments, name)[:count]) for name in names
    )


def _kinds(arguments: Arguments, name: str) -> tuple[Drawn, Drawn, Drawn]:
    dtype = arguments.precision
    if dtype not in PRECISION:  # the call must be refused, so its sums do not matter
        return Signed(1), Signed(1), Signed(1)
    if name == "reals":
        if arguments.after and arguments.gradient:
            reason = f"no bound is derived for their gradients after {listed(arguments.after)}"
            raise InexactDataError(f"{reason}; leave out `reals`")
        if "int" in dtype:
            raise InexactDataError(f"{dtype} holds only integers; leave out `reals`")
        real = (Normal if dtype == "float16" else Real)(PRECISION[dtype])
        return real, real, real
    top, summed = 2 ** PRECISION[dtype] - 1, max(products(arguments), 1)
    sums = f"sums of {quantity(summed, 'product')}"
    if summed > top:
        raise InexactDataError(
            f"{sums} are not exact in {dtype}: even with data of 1 and -1 "
            f"they reach {summed}, and it holds only integers up to {top}; use a smaller filter, "
            "fewer channels or a wider dtype"
        )
    if arguments.after and arguments.gradient:
        return _kinds_of_gradient(arguments, name, summed, top)
    if arguments.after:
        top = _left_for_sums(arguments, summed, top)
    if name in ("small_integers", "literal"):
        small = Signed(max(1, min(SMALL, math.isqrt(top // summed))))
        if any(operation.name == "relu6" for operation in arguments.after):
            small = Signed(1)  # else it would leave few sums as they are
        return small, small, small
    wide = Signed(max(1, top // summed - (top // summed + 1) % 2), odd=True)
    if arguments.gradient == "input":
        return Signed(1), Signed(1), wide
    return wide, Signed(1), Signed(1)


def _kinds_of_gradient(
    arguments: Arguments, name: str, summed: int, top: int
) -> tuple[Drawn, Drawn, Drawn]:
    """Return the kinds of tensors for a gradient through operations after the convolution.

    Both its own sums must be exact and those of the result, which determine what an activation
    passes on. `summed` is how many products an element of the gradient sums.
    """
    forward = replace(arguments, gradient=None)
    results = max(products(forward), 1)
    most = _left_for_sums(forward, results, top) // results  # of a product of input and filter
    factor, step = company.passed_back(arguments.after)
    largest = math.floor(top * step / (summed * factor))
    if largest < 1:
        after = listed(arguments.after)
        raise InexactDataError(
            f"sums of {quantity(summed, 'product')} are not exact in {arguments.precision} in the "
            f"gradient through {after}, even with data of 1 and -1; use a smaller filter, fewer "
            "channels or a wider dtype"
        )
    if name == "wide_integers":
        beyond = min(BEYOND, most, largest)  # sums beyond a limit, which small ones may not reach
        upstream = largest // (beyond if arguments.gradient == "filter" else 1)
        return Signed(beyond), Signed(1), Signed(upstream - (upstream + 1) % 2, odd=True)
    small = max(1, min(SMALL, math.isqrt(most), math.isqrt(largest)))
    if any(operation.name == "relu6" for operation in arguments.after):
        small = 1
    return Signed(small), Signed(small), Signed(small)


def _left_for_sums(arguments: Arguments, summed: int, top: int) -> int:
    """Return how large the convolution's sums may be, if what is after it is to be exact.

    Raises :class:`InexactDataError` if nothing is exact.
    """
    least, most = 0, top // summed  # the largest products of an input and a filter element
    while least < most:
        middle = (least + most + 1) // 2
        if company.is_exact(arguments, Fraction(summed * middle), Fraction(1), top):
            least = middle
        else:
            most = middle - 1
    if least == 0:
        raise InexactDataError(
            f"sums of {quantity(summed, 'product')} are not exact in {arguments.precision} after "
            f"{listed(arguments.after)}, even with data of 1 and -1: it holds only integers "
            f"up to {top}; use a smaller filter, fewer channels or a wider dtype"
        )
    return summed * least


def seed(arguments: Arguments, arm: str, salt: int) -> int:
    """Return a seed that depends only on the arguments, not on the mode or the order of a run."""
    text = repr((arguments, arm, salt))
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:4], "big")


def _check_literals(arguments: Arguments, names: Sequence[str], summed: int) -> None:
    """Raise :class:`InexactDataError` for literal values whose sums cannot be judged."""
    dtype = arguments.precision
    _check_finite_literals(arguments)
    if "literal" in names and dtype in PRECISION:
        _check_exact_literals(arguments, 2 ** PRECISION[dtype] - 1, summed)
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


def _check_exact_literals(arguments: Arguments, top: int, summed: int) -> None:
    """Check that the dtype holds the sums of literal values, as multiples of a power of two."""
    dtype, most, step = arguments.precision, Fraction(1), Fraction(1)
    for name, spec in (("input", arguments.input), ("filter", arguments.filter)):
        finite = [Fraction(value) for value in _finite(spec)]
        for value in set(finite):
            _check_exact_literal(value, name, dtype, top)
        values = finite if spec.values is not None else [Fraction(1), Fraction(SMALL)]
        most *= max(values, default=Fraction(0))
        step *= min((_step(value) for value in values if value), default=Fraction(1))
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
        summed = products(replace(arguments, gradient=None))
    if not company.is_exact(arguments, summed * most, step, top):
        sums = f"sums of up to {_written(summed * most)} in steps of {float(step):g}"
        after = f"not exact in {dtype} after {listed(arguments.after)}"
        raise InexactDataError(f"{sums} are {after}; use smaller or rounder values")


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
