"""Make calls with a given TensorFlow. Runs in the worker, on Python 3.7."""

from __future__ import annotations

import re
import time
import traceback
import warnings
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import numpy as np

from .company import in_company
from .deployment import RUNTIMES, deployed
from .exceptions import MESSAGE_LIMIT, RaisedError, observed, raised_arm
from .optimization import executed, optimizing
from .state import SURROUNDINGS, with_variables
from .symbols import (
    convolution,
    gradient_operator,
    plain_sizes,
    resolve,
    symbolic_shapes,
)
from .transformations import transformed, with_gradient

NO_GRADIENT = "tf.GradientTape.gradient returned None: the result does not depend on the tensor"


def to_tensor(tf: Any, array: Any, dtype: str) -> Any:
    """Return a TensorFlow constant with the bits of an array."""
    if dtype == "bfloat16":
        return tf.constant(array.view(tf.bfloat16.as_numpy_dtype))
    return tf.constant(array)


def portable(array: Any, dtype: str) -> Any:
    """Return an array in the form in which it is sent: bfloat16 as its bits, others unchanged."""
    array = np.asarray(array)
    return array.view(np.uint16) if dtype == "bfloat16" else array


def specs_of(tf: Any, request: Any) -> list[Any] | None:
    """Return what a traced function knows of its tensors; None if it knows their shapes.

    The signature of a request has a shape for each tensor, and null for what is not known.
    """
    if "signature" not in request:
        return None
    pairs = zip(request["signature"], request["dtypes"])
    return [tf.TensorSpec(shape, dtype) for shape, dtype in pairs]


def in_mode(
    tf: Any,
    function: Callable[..., Any],
    mode: str,
    specs: list[Any] | None,
    autograph: bool = True,
    each: int = 2,
) -> Callable[..., Any]:
    """Return the function in an execution mode, traced with `specs` if there are any.

    `each` is how many tensors a call takes, of which a converted model has all but one.
    """
    if mode == "eager":
        return function
    if mode in RUNTIMES:
        return deployed(tf, mode, function, specs, each)
    compiled: Callable[..., Any]
    tracing = {"autograph": autograph, "input_signature": specs}
    compiling = {"jit_compile": True} if mode == "xla" else {}
    try:
        compiled = tf.function(function, **tracing, **compiling)
    except TypeError:  # before TensorFlow 2.5
        compiled = tf.function(function, **tracing, experimental_compile=True)
    return compiled


def prepare(tf: Any, request: Any, tensors: list[Any]) -> Callable[..., Any]:
    """Return the call of a request as a function of its tensors, without its mode."""
    if "tensors" in request:
        places = request["tensors"]
        return gradient_operator(tf, request["function"], request["keywords"], places, tensors)
    function, variable = convolution(tf, request["function"], request["keywords"], *tensors[:2])
    by = request["gradient"]
    if "through" in request:
        return transformed(tf, function, by, request["through"])
    if "after" in request:
        function = in_company(tf, request, function)
    return with_gradient(tf, function, variable, by) if by else function


def traces(mode: str) -> bool:
    """Return whether TensorFlow itself runs what it traces in a mode."""
    return mode in ("graph", "xla", "saved_model")


class ArmCall(ABC):
    """A call as a function of one arm's tensors, and what becomes known beside its result.

    `traced` is what was known of the last result of the function while it was traced. `operations`
    are those of the graph that TensorFlow executed, if the request wants to know them.
    """

    def __init__(self) -> None:
        self.traced: dict[str, Any] = {}
        self.operations: list[str] | None = None

    @abstractmethod
    def __call__(self, tensors: list[Any]) -> Any:
        """Return the result for one arm's tensors. Raises :class:`RaisedError`."""

    @abstractmethod
    def shapes(self, tensors: list[Any]) -> dict[str, Any]:
        """Return what a Keras layer knows of the result's shape without data."""


class PreparedCall(ArmCall):
    """The call of a request that TensorFlow makes.

    Code compiled for one arm is reused for the others, except for a Keras layer, which holds its
    filter.
    """

    def __init__(self, tf: Any, request: Any) -> None:
        super().__init__()
        self.tf, self.request = tf, request
        self.function: Callable[..., Any] | None = None
        self.known: dict[str, Any] | None = None

    def __call__(self, tensors: list[Any]) -> Any:
        """Return the result for one arm's tensors. Raises :class:`RaisedError`."""
        with optimizing(self.tf, self.request.get("optimizer")):
            return self._result(tensors)

    def _result(self, tensors: list[Any]) -> Any:
        function = self.function
        if function is None:
            prepared = self._kept(prepare(self.tf, self.request, tensors))
            function = self._in_mode(prepared)
            if ".keras." not in self.request["function"]:
                self.function = function
        if self.operations is None and self.request.get("operations"):
            with executed(self.tf, self.request) as self.operations:
                return observed(function, *tensors)
        return observed(function, *tensors)

    def _in_mode(self, prepared: Callable[..., Any]) -> Callable[..., Any]:
        """Return a function in the mode of the request, with its variables and surroundings."""
        tf, request = self.tf, self.request

        def moded(function: Callable[..., Any]) -> Callable[..., Any]:
            specs, each = specs_of(tf, request), len(request["dtypes"])
            return in_mode(tf, function, request["mode"], specs, each=each)

        variables = request.get("variables")
        made = with_variables(tf, prepared, variables, moded) if variables else moded(prepared)
        how = request.get("how")
        return SURROUNDINGS[how](tf, made, request) if how else made

    def shapes(self, tensors: list[Any]) -> dict[str, Any]:
        """Return what a Keras layer knows of the result's shape without data."""
        symbol, mode = self.request["function"], self.request["mode"]
        if ".keras.layers." not in symbol or mode not in ("eager", "graph"):
            return {}
        if self.known is None:  # all arms have the same shapes
            function, keras_input = resolve(self.tf, symbol), resolve(self.tf, "tf.keras.Input")
            self.known = symbolic_shapes(function, keras_input, self.request, tensors)
        return self.known

    def _kept(self, function: Callable[..., Any]) -> Callable[..., Any]:
        """Return a function that also keeps what is known of its result, if it is traced."""
        if not traces(self.request["mode"]):
            return function

        def kept(*tensors: Any) -> Any:
            result = function(*tensors)
            self.traced = known_of(result, self.request)
            return result

        return kept


def plain_warnings(caught: Any) -> list[dict[str, str]]:
    """Return caught warnings in the form in which they are sent."""
    return [
        {"category": warned.category.__name__, "message": str(warned.message)[:MESSAGE_LIMIT]}
        for warned in caught
    ]


def known_of(traced: Any, request: Any) -> dict[str, Any]:
    """Return what is known of the result of a function that is traced; nothing without a result.

    Its graph may be gone later, and with it the shape, and the name of its operation.
    """
    if traced is None:
        return {}
    known: dict[str, Any] = {"static": plain_sizes(traced.shape)}
    name = request["keywords"].get("name")
    if name is None or ".keras." in request["function"]:
        return known
    operation = traced.op.name
    if not re.match(re.escape(name) + r"(_\d+)?(/|$)", operation):
        known["misnamed"] = "its operation is {!r}, not {!r}".format(operation, name)
    return known


def value_arm(result: Any, known: dict[str, Any]) -> tuple[dict[str, Any], Any]:
    """Return the arm for a value, without warnings, and its array.

    `known` is what was known of its shape before the call. Raises :class:`RaisedError`.
    """
    if "misnamed" in known:
        arm = {"status": "error", "error": "Misnamed", "bases": ["Misnamed"]}
        return dict(arm, message=known["misnamed"]), None
    array = result if isinstance(result, np.ndarray) else observed(result.numpy)
    array = portable(array, result.dtype.name)
    arm = {"status": "value", "dtype": result.dtype.name, "shape": list(array.shape)}
    return dict(arm, **known), array


def run_arm(tf: Any, call: ArmCall, tensors: list[Any]) -> tuple[dict[str, Any], Any]:
    """Return the arm of an answer and its array, if any. Raises for faults of the worker.

    `tf` is None if the call is not made by TensorFlow.
    """
    arm: dict[str, Any]
    array = None
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            result = call(tensors)
            if result is None:
                arm = {"status": "error", "error": "NoGradient", "message": NO_GRADIENT}
                arm["bases"] = ["NoGradient"]
            else:
                arm, array = value_arm(result, call.traced)
                if call.operations is not None:
                    arm["operations"] = call.operations
        except RaisedError as raised:
            arm = raised_arm(tf, raised.error)
    arm["warnings"] = plain_warnings(caught)
    if array is not None:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            arm.update(call.shapes(tensors))
    return arm, array


def answer(arms: Any, seconds: float) -> tuple[dict[str, Any], list[Any]]:
    """Return the head of an answer, and its arrays."""
    head = {"type": "answer", "arms": [arm for arm, _ in arms], "seconds": round(seconds, 6)}
    return head, [array for _, array in arms if array is not None]


def attempt(tf: Any, request: Any, arrays: list[Any]) -> tuple[dict[str, Any], list[Any]]:
    """Make one call, and return its answer or a report of the worker's fault."""
    return attempted(tf, PreparedCall(tf, request), tensors_of(tf, request, arrays))


def attempted(
    tf: Any, call: ArmCall, arms: Iterable[list[Any]]
) -> tuple[dict[str, Any], list[Any]]:
    """Call a function of tensors for each arm, and return what :func:`attempt` does."""
    try:
        began = time.perf_counter()
        answers = [run_arm(tf, call, tensors) for tensors in arms]
        return answer(answers, time.perf_counter() - began)
    except Exception:
        return {"type": "fault", "message": traceback.format_exc()[-MESSAGE_LIMIT:]}, []


def tensors_of(tf: Any, request: Any, arrays: list[Any]) -> Iterator[list[Any]]:
    """Return the tensors of each arm in turn."""
    dtypes = request["dtypes"]
    for first in range(0, len(arrays), len(dtypes)):
        of_arm = zip(arrays[first : first + len(dtypes)], dtypes)
        yield [to_tensor(tf, array, dtype) for array, dtype in of_arm]


def execute_all(
    tf: Any, requests: list[Any], arrays: list[Any], together: bool
) -> Iterator[tuple[dict[str, Any], list[Any]]]:
    """Yield the answers to calls in order. Each call is made when its answer is drawn.

    With `together`, as many as possible are made in one function before the first answer.
    """
    of_call, answers = arrays_of(requests, arrays), {}
    if together:
        tensors = [list(tensors_of(tf, request, own)) for request, own in zip(requests, of_call)]
        answers = grouped_answers(tf, requests, tensors, list(range(len(requests))))
    for number, request in enumerate(requests):
        yield answers.pop(number) if number in answers else attempt(tf, request, of_call[number])


def arrays_of(requests: list[Any], arrays: list[Any]) -> list[list[Any]]:
    """Return the arrays of each call."""
    of_call, first = [], 0
    for request in requests:
        count = request["arms"] * len(request["dtypes"])
        of_call.append(arrays[first : first + count])
        first += count
    return of_call


def grouped_answers(
    tf: Any, requests: list[Any], tensors: list[Any], chosen: list[int]
) -> dict[int, Any]:
    """Return the answers to the chosen calls that one function can make, by number.

    A call that raises is left out, and must be made alone.
    """
    # Each tf.function costs a trace, and in xla mode a compilation: much more than the small calls
    # in it. One function of 64 calls makes a run in xla mode three to four times as fast. If it
    # fails, the error does not say which call caused it. Halving the group finds the call in a few
    # more functions, and leaves most calls in groups.
    if len(chosen) < 2:
        return {}
    began = time.perf_counter()
    group = Group(tf, [requests[number] for number in chosen])
    try:
        count = requests[chosen[0]]["arms"]
        by_arm = [group.run([tensors[number][arm] for number in chosen]) for arm in range(count)]
    except Exception:
        half = len(chosen) // 2
        answers = grouped_answers(tf, requests, tensors, chosen[:half])
        answers.update(grouped_answers(tf, requests, tensors, chosen[half:]))
        return answers
    seconds = (time.perf_counter() - began) / len(chosen)
    of_calls = zip(chosen, zip(*by_arm))
    return {number: answer(arms, seconds) for number, arms in of_calls if None not in arms}


class Group:
    """Several calls as one function of all their tensors, compiled once for all arms."""

    def __init__(self, tf: Any, requests: list[Any]) -> None:
        self.tf, self.requests = tf, requests
        self.caught: dict[int, Any] = {}
        self.traced: list[dict[str, Any]] = [{} for _ in requests]  # as in PreparedCall
        known = [specs_of(tf, request) for request in requests]
        specs = None if known[0] is None else [spec for own in known for spec in own or ()]
        self.function = in_mode(tf, self._trace, requests[0]["mode"], specs, autograph=False)

    def run(self, tensors: list[Any]) -> list[Any]:
        """Run one arm of each call as :func:`run_arm` does. Returns None for calls that raise."""
        self.caught.clear()
        results = self.function(*(tensor for own in tensors for tensor in own))
        arms = [
            None if result is None else value_arm(result, known)
            for result, known in zip(results, self.traced)
        ]
        for number, arm in enumerate(arms):
            if arm is not None:
                arm[0]["warnings"] = plain_warnings(self.caught.get(number, ()))
        return arms

    def _trace(self, *tensors: Any) -> list[Any]:
        results, rest = [], list(tensors)
        for number, request in enumerate(self.requests):
            count = len(request["dtypes"])
            own, rest = rest[:count], rest[count:]
            with warnings.catch_warnings(record=True) as self.caught[number]:
                warnings.simplefilter("always")
                try:
                    results.append(prepare(self.tf, request, own)(*own))
                except Exception:
                    results.append(None)
        if traces(self.requests[0]["mode"]):
            self.traced = list(map(known_of, results, self.requests))
        return results
