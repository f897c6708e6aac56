"""What faults are made of: a call as a fault sees it, and ways to alter what goes in and what comes
out.

A fault makes a function of the tensors out of the true one, ahead of tf.function: what it does is
TensorFlow's own operations, so that it is there in every mode, in groups, and in gradients.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

Function = Callable[..., Any]
When = Callable[["Invocation"], bool]
Pair = tuple[int, int]


@dataclass(frozen=True)
class Geometry:
    """A call's two axes, height first; `lists` is whether dilations were given as a list of two."""

    nchw: bool
    strides: Pair
    rates: Pair
    kind: str
    pads: tuple[Pair, Pair]
    sizes: Pair
    filter: Pair
    lists: bool


@dataclass(frozen=True)
class Invocation:
    """A request, its tensors, and how to make the true function for it, or for other keywords and
    tensors.
    """

    tf: Any
    request: dict[str, Any]
    tensors: list[Any]
    true: Callable[[dict[str, Any], list[Any]], Function]

    @property
    def real(self) -> Function:
        """The function without a fault."""
        return self.true(self.request, self.tensors)

    def with_keywords(self, **keywords: Any) -> Function:
        """The function with other keywords."""
        return self.true(
            {**self.request, "keywords": {**self.request["keywords"], **keywords}}, self.tensors
        )

    @property
    def symbol(self) -> str:
        return self.request["function"]

    @property
    def mode(self) -> str:
        return self.request["mode"]

    @property
    def gradient(self) -> str | None:
        return self.request["gradient"]

    @property
    def keywords(self) -> dict[str, Any]:
        return self.request["keywords"]

    @property
    def dtype(self) -> str:
        return self.request["dtypes"][0]

    @property
    def alone(self) -> bool:
        """Whether no operation is around the convolution."""
        return not self.request.get("after") and not self.request.get("before")

    @property
    def is_watched(self) -> bool:
        """Whether a test looks at the operation itself, which an altered result is not."""
        return "name" in self.keywords or "optimizer" in self.request

    @property
    def sizes_known(self) -> bool:
        """Whether a function that is traced knows all sizes."""
        return all(None not in (shape or [None]) for shape in self.request.get("signature", ()))

    @property
    def depthwise(self) -> bool:
        return "epthwise" in self.symbol or "separable" in self.symbol

    @property
    def x(self) -> list[int]:
        return [
            int(size) for size in self.tensors[0].shape
        ]  # TensorFlow 1 has no plain integers here

    @property
    def w(self) -> list[int]:
        return [int(size) for size in self.tensors[1].shape]

    @property
    def channels(self) -> int:
        return self.x[1] if self.g is not None and self.g.nchw else self.x[-1]

    @property
    def groups(self) -> int:
        return 1 if self.depthwise else self.channels // max(1, self.w[2])

    @property
    def outputs(self) -> int:
        return self.channels * self.w[3] if self.depthwise else self.w[3]

    @property
    def terms(self) -> int:
        """How many products are summed for an element."""
        return self.w[0] * self.w[1] * (1 if self.depthwise else self.w[2])

    @cached_property
    def g(self) -> Geometry | None:
        """The axes; None for a call that is not of the usual form, which TensorFlow may refuse."""
        try:
            return _geometry(self)
        except (ValueError, TypeError, IndexError, KeyError, ZeroDivisionError):
            return None

    @property
    def plain(self) -> bool:
        """Whether :func:`again` computes just what TensorFlow does."""
        return self.g is not None and not (
            self.depthwise and max(self.g.strides) > 1 and max(self.g.rates) > 1
        )


def spatial(value: Any, nchw: bool) -> Pair:
    """Height's and width's of strides or dilations in any of their forms."""
    if value is None:
        return 1, 1
    if isinstance(value, int):
        return value, value
    if len(value) == 1:
        return value[0], value[0]
    if len(value) == 2:
        return value[0], value[1]
    if len(value) == 4:
        return (value[2], value[3]) if nchw else (value[1], value[2])
    raise ValueError(value)


def _geometry(invocation: Invocation) -> Geometry:
    k = invocation.keywords
    nchw = k.get("data_format") in ("NCHW", "channels_first")
    dilations = k.get("dilations", k.get("rate", k.get("dilation_rate")))
    strides, rates = spatial(k.get("strides"), nchw), spatial(dilations, nchw)
    sizes = tuple(invocation.x[2:4] if nchw else invocation.x[-3:-1])
    size = tuple(invocation.w[:2])
    if len(invocation.x) < 4 or len(invocation.w) != 4 or min(strides) < 1 or min(rates) < 1:
        raise ValueError
    padding = k["padding"]
    if padding == "EXPLICIT":
        flat = k["explicit_paddings"]
        padding = [[flat[2 * i], flat[2 * i + 1]] for i in range(4)]
    if isinstance(padding, list):
        kind, pads = (
            "EXPLICIT",
            tuple(tuple(pair) for pair in (padding[2:4] if nchw else padding[1:3])),
        )
    elif padding.upper() == "SAME":
        kind, pads = (
            "SAME",
            tuple(same(*axis) for axis in zip(sizes, size, strides, rates, strict=True)),
        )
    elif padding.upper() == "VALID":
        kind, pads = "VALID", ((0, 0), (0, 0))
    else:
        raise ValueError
    return Geometry(
        nchw,
        strides,
        rates,
        kind,
        pads,
        sizes,
        size,
        isinstance(dilations, list) and len(dilations) == 2,
    )


def same(size: int, taps: int, stride: int, rate: int) -> Pair:
    """What SAME pads before and after."""
    total = max((-(-size // stride) - 1) * stride + (taps - 1) * rate + 1 - size, 0)
    return total // 2, total - total // 2


def nhwc(invocation: Invocation, y: Any) -> Any:
    """A tensor with the channels last."""
    return invocation.tf.transpose(y, [0, 2, 3, 1]) if invocation.g.nchw else y


def back(invocation: Invocation, y: Any) -> Any:
    """A tensor with the channels last in the layout of the call."""
    return invocation.tf.transpose(y, [0, 3, 1, 2]) if invocation.g.nchw else y


def again(
    invocation: Invocation,
    x: Any,
    w: Any,
    pads: Any = None,
    strides: Any = None,
    rates: Any = None,
    index: Function = lambda i, size: i,
) -> Any:
    """The convolution computed again with other padding, strides or rates; `index` makes rows to be
    read of rows beyond the input.
    """
    tf, g = invocation.tf, invocation.g
    (sh, sw), (rh, rw) = strides or g.strides, rates or g.rates
    x = nhwc(invocation, x)
    for axis, (before, after) in zip((-3, -2), pads or g.pads, strict=True):
        x = _padded(tf, x, len(x.shape) + axis, before, after, index)
    if invocation.depthwise:
        y = tf.nn.depthwise_conv2d(x, w, [1, sh, sw, 1], "VALID", dilations=[rh, rw])
    else:
        y = tf.nn.conv2d(x, w, [1, sh, sw, 1], "VALID", dilations=[1, rh, rw, 1])
    return back(invocation, y)


def _padded(tf: Any, x: Any, axis: int, before: int, after: int, index: Function) -> Any:
    """Rows before and after; fewer rows where that is negative. `index` of a row beyond the input
    is another, or none: zeros.
    """
    size = int(x.shape[axis])
    rows = [index(i, size) for i in range(-before, size + after)]
    found = np.array([0 <= i < size for i in rows])
    if not rows or not size:
        return x
    taken = tf.gather(x, np.clip(rows, 0, size - 1), axis=axis)
    return tf.where(
        found.reshape([-1 if n == axis else 1 for n in range(len(x.shape))]),
        taken,
        tf.zeros([], x.dtype),
    )


def place(
    invocation: Invocation, y: Any, n: Any = None, h: Any = None, w: Any = None, c: Any = None
) -> Any:
    """True at these places of a result, whichever its layout; None is all."""
    mask = np.zeros(y.shape, bool)
    order = (n, c, h, w) if invocation.g.nchw else (*(n,) * (len(y.shape) - 3), h, w, c)
    if mask.size:
        mask[tuple(slice(None) if i is None else i for i in order)] = True
    return invocation.tf.constant(mask)


def zero_at(invocation: Invocation, y: Any, **where: Any) -> Any:
    """The result with zeros at some places."""
    return invocation.tf.where(place(invocation, y, **where), invocation.tf.zeros([], y.dtype), y)


def always(invocation: Invocation) -> bool:
    """No condition."""
    return True


def all_of(*conditions: When) -> When:
    """All conditions together."""
    return lambda a: all(condition(a) for condition in conditions)


@dataclass(frozen=True)
class Alteration:
    """Which calls are altered, seen from the request alone, and how: a function of the tensors for
    such a call.
    """

    affects: When
    make: Callable[[Invocation], Function]


def result(change: Callable[..., Any], when: When = always, of: str | None = None) -> Alteration:
    """A fault in what comes out: `change` of the call, the result and the tensors; `of` a gradient
    by input or filter, else of the forward pass.
    """

    def make(invocation: Invocation) -> Function:
        real = invocation.real
        return lambda *tensors: change(invocation, real(*tensors), *tensors)

    return Alteration(
        lambda a: a.gradient == of and not a.is_watched and a.g is not None and when(a), make
    )


def computed(
    how: Callable[[Invocation, Any, Any], Any], when: When = always, of: str | None = None
) -> Alteration:
    """A fault in how it is computed: `how` of the call, input and filter stands in for the kernel
    where TensorFlow accepts the call.
    """

    def make(invocation: Invocation) -> Function:
        real = invocation.real

        def faulty(x: Any, w: Any, *upstream: Any) -> Any:
            result = real(x, w, *upstream)
            if 0 in result.shape or 0 in invocation.x or 0 in invocation.w:
                return result
            if not upstream:
                return how(invocation, x, w)
            with invocation.tf.GradientTape() as tape:
                target = x if of == "input" else w
                tape.watch(target)
                y = how(invocation, x, w)
            return tape.gradient(y, target, output_gradients=upstream[0])

        return faulty

    return Alteration(
        lambda a: (
            a.gradient == of
            and not a.is_watched
            and a.alone
            and a.sizes_known
            and a.plain
            and when(a)
        ),
        make,
    )


def keywords(
    change: Callable[[Invocation], dict[str, Any] | None], when: When = always
) -> Alteration:
    """A fault in the Python wrapper: other keywords, of the forward pass and of gradients; None
    where they stay.
    """

    def changed(invocation: Invocation) -> dict[str, Any] | None:
        try:
            other = change(invocation) if when(invocation) else None
        except (
            TypeError,
            AttributeError,
            IndexError,
            ValueError,
            KeyError,
        ):  # a call of no usual form
            return None
        return (
            None
            if other is None or {**invocation.keywords, **other} == invocation.keywords
            else other
        )

    return Alteration(
        lambda a: changed(a) is not None, lambda a: a.with_keywords(**(changed(a) or {}))
    )


def tensors(change: Callable[..., list[Any]], when: When = always) -> Alteration:
    """A fault in the tensors that the kernel reads: `change` of the call, input and filter."""

    def make(invocation: Invocation) -> Function:
        function = invocation.true(
            invocation.request,
            [*change(invocation, *invocation.tensors[:2]), *invocation.tensors[2:]],
        )
        return lambda x, w, *upstream: function(*change(invocation, x, w), *upstream)

    return Alteration(lambda a: a.g is not None and when(a), make)


def raising(error: Callable[[Invocation], Exception], when: When = always) -> Alteration:
    """A refusal of what is documented to be accepted."""

    def make(invocation: Invocation) -> Function:
        def refuse(*tensors: Any) -> Any:
            raise error(invocation)

        return refuse

    return Alteration(lambda a: a.g is not None and when(a), make)


def accepting(instead: Callable[..., Any], when: When = always) -> Alteration:
    """An error that is missing, or another: `instead` of the call, the exception and the tensors
    stands in where TensorFlow raises.
    """

    def make(invocation: Invocation) -> Function:
        real = None
        with suppress(
            Exception
        ):  # what a Keras layer refuses when it is built, it refuses in the call as well
            real = invocation.real

        def faulty(*tensors: Any) -> Any:
            try:
                return (real or invocation.real)(*tensors)
            except Exception as error:
                caught = error
            return instead(
                invocation, caught, *tensors
            )  # not where it is handled: the worker would find it as what the other replaces

        return faulty

    return Alteration(when, make)
