"""Make a call with variables, after a call of other shapes, or in several threads at once.

Runs in the worker, on Python 3.7.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

from .exceptions import NotRetracedError
from .transformations import PLACES

THREADS = 4
CAPTURED = "captured_"


def with_variables(
    tf: Any,
    function: Callable[..., Any],
    names: list[str],
    in_mode: Callable[[Callable[..., Any]], Callable[..., Any]],
) -> Callable[..., Any]:
    """Return a function of tensors that holds some of them in variables, in its mode.

    `names` are those of the variables. A captured one is no argument of the function that
    `in_mode` traces. This function is called twice, first with other values in all variables.
    """
    places = {PLACES[name.replace(CAPTURED, "")]: name for name in names}
    variables: dict[int, Any] = {}

    def capturing(*passed: Any) -> Any:
        rest = list(passed)
        count = len(rest) + sum(name.startswith(CAPTURED) for name in names)
        is_captured = [places.get(place, "").startswith(CAPTURED) for place in range(count)]
        return function(
            *(variables[place] if own else rest.pop(0) for place, own in enumerate(is_captured))
        )

    traced = in_mode(capturing)

    def assigned(tensors: Any) -> Any:
        for place, variable in variables.items():
            variable.assign(tensors[place])
        return traced(
            *(
                variables.get(place, tensor)
                for place, tensor in enumerate(tensors)
                if not places.get(place, "").startswith(CAPTURED)
            )
        )

    def call(*tensors: Any) -> Any:
        if not variables:
            ones = [tf.ones_like(tensor) for tensor in tensors]
            variables.update({place: tf.Variable(ones[place]) for place in places})
            assigned(ones)
        return assigned(tensors)

    return call


def retraced(tf: Any, function: Callable[..., Any], request: Any) -> Callable[..., Any]:
    """Return a function that is called with tensors of other shapes before its first call.

    It raises :class:`NotRetracedError` if TensorFlow refuses that call.
    """
    called: list[bool] = []

    def call(*tensors: Any) -> Any:
        if not called:
            try:
                function(*larger(tf, tensors, request))
            except Exception as error:
                raise NotRetracedError(str(error)) from error
            called.append(True)
        return function(*tensors)

    return call


def larger(tf: Any, tensors: Any, request: Any) -> list[Any]:
    """Return tensors of a call with twice the batch.

    If nothing but the input has a batch, another axis is longer, too. It is the one before the
    last: the width, or the height of NCHW.
    """
    made, others = list(tensors), with_batch(request)
    for place in (0, *others):
        doubled = [2, *[1] * (len(made[place].shape) - 1)]
        if not others:
            doubled[-2] = 2
        made[place] = tf.tile(made[place], doubled)
    return made


def with_batch(request: Any) -> list[int]:
    """Return the places of the upstream gradient and of addends, which have the input's batch."""
    places = [] if request["gradient"] is None else [2]
    place = 2 + len(places)
    for symbol, count, _ in request.get("after", ()):
        if symbol == "tf.add":
            places.append(place)
        place += count
    return places


def in_threads(tf: Any, function: Callable[..., Any], request: Any) -> Callable[..., Any]:
    """Return a function that is called once, and then in several threads at once.

    It returns a result of a thread that differs from the first one, or else the first one.
    """

    def call(*tensors: Any) -> Any:
        alone, results = function(*tensors), [None] * THREADS
        errors: list[Exception] = []
        start = threading.Barrier(THREADS)

        def make(number: int) -> None:
            try:
                start.wait()
                with tf.device(tensors[0].device):  # which a thread does not inherit
                    results[number] = function(*tensors)
            except Exception as error:
                errors.append(error)

        threads = [threading.Thread(target=make, args=(number,)) for number in range(THREADS)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        if errors:
            raise errors[0]
        return next((one for one in results if unlike(one, alone)), alone)

    return call


def unlike(one: Any, other: Any) -> bool:
    """Return whether two results have different bits."""
    if one is None or other is None:
        return one is not other
    return bool(one.numpy().tobytes() != other.numpy().tobytes())


SURROUNDINGS = {"retraced": retraced, "threads": in_threads}
