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
from contextlib import suppress
from dataclasses import dataclass, replace
from fractions import Fraction

import numpy as np
from cachetools import LRUCache, cached

from tf_conv_conformance.convolution.arguments import (
    Arguments,
    TensorSpec,
    channel_place,
    with_height,
)
from tf_conv_conformance.convolution.company import listed
from tf_conv_conformance.convolution.dtypes import PRECISION
from tf_conv_conformance.convolution.quantity import quantity
from tf_conv_conformance.prediction import company, models
from tf_conv_conformance.prediction.correlation import Array
from tf_conv_conformance.prediction.distributions import SMALL, Drawn, Normal, Real, Signed
from tf_conv_conformance.prediction.layout import NoResultError
from tf_conv_conformance.prediction.literals import InexactDataError, check_literals
from tf_conv_conformance.prediction.rules.catalogue import broken

BEYOND = 8  # a magnitude beyond the limits of relu6
KEPT = 2**26  # bytes of arrays that are kept, since successive calls often have the same arguments
BESIDE = 2**12  # bytes that an entry counts in addition, so that tiny entries are limited, too


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
        forward = products(replace(arguments, gradient=None))
        check_literals(arguments, names, max(products(arguments), 1), forward)
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
            reason = "no bound is derived for a gradient of reals through"
            raise InexactDataError(f"{reason} {listed(arguments.after)}; leave out `reals`")
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
