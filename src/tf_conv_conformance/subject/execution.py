"""The subject's side: carries out calls with the TensorFlow that it is given. Like the worker, it keeps to Python 3.7 and NumPy 1.14."""

from __future__ import annotations

import re
import time
import traceback
import warnings
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

MESSAGE_LIMIT = 4000  # characters of an exception's message that are kept
NO_GRADIENT = "tf.GradientTape.gradient returned None: the result does not depend on the tensor"

ADDRESS = re.compile(r"0x[0-9a-fA-F]{6,}")
_NOISE = [  # what names a node, an address or a place in a file, not the reason
    (re.compile(r"\x1b\[[0-9;]*m"), ""),
    (re.compile(r"^Exception encountered when calling [^\n]*\n+"), ""),  # Keras, around the reason
    (re.compile(r"\n+Arguments received by .*\Z", re.S), ""),
    (re.compile(r"^in user code:\n.*\n(?=\s*\w+(Error|Exception): )", re.S), ""),
    (re.compile(r"^\s*File \"[^\"\n]*\", line \d+, in .*\n", re.M), ""),
    (re.compile(r"\{\{(?:function_node|node) [^}]*\}\}\s*"), ""),
    (re.compile(r"Detected at node .*?(?=\n\n|\Z)", re.S), ""),
    (re.compile(r"\s*\[\[.*?\]\]", re.S), ""),
    (re.compile(r"\s*\[Op:[^\]]*\]"), ""),
    (re.compile(r"\s+name:\s*\w*\s*\Z"), ""),
    (re.compile(r"\s*Stack trace for op definition:.*\Z", re.S), ""),
    (re.compile(r"\s*;?\s*NodeDef: .*\Z", re.S), ""),
    (re.compile(r"\s*tf2xla conversion failed while converting .*\Z", re.S), ""),
    (re.compile(r"goo\.gle/debug(?:str|proto|only)\s*"), ""),
    (ADDRESS, "0x…"),
]


def clean_message(message: str, error: str) -> str:
    """The message of an exception of class `error` without node names, addresses and traces, so that two runs print the same."""
    for pattern, replacement in _NOISE:
        message = pattern.sub(replacement, message)
    lines = [line.strip() for line in message.strip().splitlines() if line.strip()]
    cleaned = "\n".join(lines)
    return (cleaned[len(error) + 2 :] if cleaned.startswith(error + ": ") else cleaned)[
        :MESSAGE_LIMIT
    ]


def class_names(tf: Any, error: BaseException) -> list[str]:
    """The names of an exception's class and of its bases, and of the TensorFlow error that it replaces.

    While a graph is built, TensorFlow raises InvalidArgumentError anew as ValueError, "for backwards compatibility".
    """
    names: list[str] = []
    link: BaseException | None = error
    while link is not None and len(names) < 50:
        if link is error or isinstance(link, tf.errors.OpError):
            names += [
                base.__name__
                for base in type(link).__mro__
                if base not in (object, BaseException, Exception)
            ]
        link = link.__cause__ or link.__context__
    return list(dict.fromkeys(names))


def resolve(tf: Any, symbol: str) -> Any:
    """The function or class of a TensorFlow symbol such as ``tf.nn.conv2d``."""
    target = tf
    for name in symbol.split(".")[1:]:
        target = getattr(target, name)
    return target


def to_tensor(tf: Any, array: Any, dtype: str) -> Any:
    """A TensorFlow constant with just these bits."""
    if dtype == "bfloat16":
        return tf.constant(array.view(tf.bfloat16.as_numpy_dtype))
    return tf.constant(array)


def portable(array: Any, dtype: str) -> Any:
    """An array in a form that crosses: bfloat16 as its bits, anything else as it is."""
    array = np.asarray(array)
    return array.view(np.uint16) if dtype == "bfloat16" else array


class RaisedError(Exception):
    """An exception that TensorFlow raised, which is an observation. Any other is a fault of the worker."""

    def __init__(self, error: Exception) -> None:
        super().__init__(str(error))
        self.error = error


def observed(function: Callable[..., Any], *arguments: Any, **keywords: Any) -> Any:
    """Call TensorFlow; raise :class:`RaisedError` for what it raises."""
    try:
        return function(*arguments, **keywords)
    except Exception as error:
        raise RaisedError(error) from error


def convolution(
    tf: Any, symbol: str, keywords: dict[str, Any], x: Any, w: Any
) -> tuple[Callable[..., Any], Any]:
    """Return the call as a function of input and filter, and the variable that it reads the filter from.

    That is None except for a Keras layer. It is built here, since a graph may not make its variables. Nothing is
    computed in the function itself, so that what it raises is TensorFlow's.
    """
    function = observed(resolve, tf, symbol)
    if ".raw_ops." in symbol:
        return lambda x, w: function(input=x, filter=w, **keywords), None
    if symbol == "tf.nn.separable_conv2d":
        pointwise = tf.eye(int(w.shape[2]) * int(w.shape[3]), dtype=w.dtype)[None, None]
        return lambda x, w: function(x, w, pointwise, **keywords), None
    if ".keras." not in symbol:
        return lambda x, w: function(x, w, **keywords), None
    layer = keras_layer(function, symbol, keywords, x, w)
    return lambda x, w: layer(x), layer.trainable_weights[0]


def keras_layer(function: Any, symbol: str, keywords: dict[str, Any], x: Any, w: Any) -> Any:
    """Return a Keras layer that holds the filter `w`."""
    sizes: dict[str, Any] = {"depth_multiplier": w.shape[3]}
    if symbol.endswith(".Conv2D"):
        sizes = {"filters": w.shape[3]}
        in_channels = x.shape[-3 if keywords.get("data_format") == "channels_first" else -1]
        if in_channels != w.shape[2]:
            sizes["groups"] = in_channels // w.shape[2]  # TensorFlow 1 has no such argument
    given = dict(sizes, **keywords)
    layer = observed(
        function, kernel_size=tuple(w.shape[:2]), use_bias=False, dtype=x.dtype.name, **given
    )
    observed(layer.build, x.shape)
    layer.set_weights([w.numpy()])
    return layer


def with_gradient(
    tf: Any, function: Callable[..., Any], variable: Any, by: str
) -> Callable[..., Any]:
    """Return the gradient by input or filter, as a function of both and of the upstream gradient.

    `variable` holds the filter if the function does not read its own.
    """

    def gradient(x: Any, w: Any, upstream: Any) -> Any:
        target = x if by == "input" else w if variable is None else variable
        with tf.GradientTape() as tape:
            if target is not variable:
                tape.watch(target)
            result = function(x, w)
        return tape.gradient(result, target, output_gradients=upstream)

    return gradient


def in_mode(
    tf: Any, function: Callable[..., Any], mode: str, autograph: bool = True
) -> Callable[..., Any]:
    """The function as `mode` runs it."""
    if mode == "eager":
        return function
    compiled: Callable[..., Any]
    try:
        compiled = tf.function(
            function, autograph=autograph, **({"jit_compile": True} if mode == "xla" else {})
        )
    except TypeError:  # before TensorFlow 2.5
        compiled = tf.function(function, autograph=autograph, experimental_compile=True)
    return compiled


def prepared(tf: Any, request: Any, tensors: list[Any]) -> Callable[..., Any]:
    """The call of a request as a function of its tensors, not yet in its mode."""
    function, variable = convolution(tf, request["function"], request["keywords"], *tensors[:2])
    by = request["gradient"]
    return with_gradient(tf, function, variable, by) if by else function


class Prepared:
    """The call of a request. What it compiles is kept for its other arms, but for a Keras layer, which holds its filter."""

    def __init__(self, tf: Any, request: Any) -> None:
        self.tf, self.request = tf, request
        self.function: Callable[..., Any] | None = None

    def __call__(self, tensors: list[Any]) -> Any:
        """Return the result for one arm's tensors. Raises :class:`RaisedError` for what TensorFlow raises."""
        function = self.function
        if function is None:
            function = in_mode(
                self.tf, prepared(self.tf, self.request, tensors), self.request["mode"]
            )
            if ".keras." not in self.request["function"]:
                self.function = function
        return observed(function, *tensors)


def told(caught: Any) -> list[dict[str, str]]:
    """Warnings that were caught, as they cross."""
    return [
        {"category": warned.category.__name__, "message": str(warned.message)[:MESSAGE_LIMIT]}
        for warned in caught
    ]


def value(result: Any) -> tuple[dict[str, Any], Any]:
    """An arm with a value, without its warnings, and its array. Raises :class:`RaisedError`."""
    array = portable(observed(result.numpy), result.dtype.name)
    return {"status": "value", "dtype": result.dtype.name, "shape": list(array.shape)}, array


def run_arm(tf: Any, call: Callable[..., Any], tensors: list[Any]) -> tuple[dict[str, Any], Any]:
    """Return one arm's observation and its array, if any. A fault of the worker is not caught."""
    arm: dict[str, Any]
    array = None
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            result = call(tensors)
            if result is None:
                arm = {
                    "status": "error",
                    "error": "NoGradient",
                    "bases": ["NoGradient"],
                    "message": NO_GRADIENT,
                }
            else:
                arm, array = value(result)
        except RaisedError as raised:
            arm = raised_arm(tf, raised.error)
    arm["warnings"] = told(caught)
    return arm, array


def raised_arm(tf: Any, error: Exception) -> dict[str, Any]:
    """Return an arm with the exception that TensorFlow raised, without its warnings."""
    name = type(error).__name__
    message = clean_message(str(error), name)
    return {"status": "error", "error": name, "bases": class_names(tf, error), "message": message}


def answer(arms: Any, seconds: float) -> tuple[dict[str, Any], list[Any]]:
    """The head of an answer, and its arrays."""
    head = {"type": "answer", "arms": [arm for arm, _ in arms], "seconds": round(seconds, 6)}
    return head, [array for _, array in arms if array is not None]


def execute(tf: Any, request: Any, arrays: list[Any]) -> tuple[dict[str, Any], list[Any]]:
    """Carry out one call; return the head of its answer and its arrays."""
    call = Prepared(tf, request)
    began = time.perf_counter()
    arms = [run_arm(tf, call, tensors) for tensors in tensors_of(tf, request, arrays)]
    return answer(arms, time.perf_counter() - began)


def attempt(tf: Any, request: Any, arrays: list[Any]) -> tuple[dict[str, Any], list[Any]]:
    """Do the same as :func:`execute`; a fault of the worker is told apart from an answer."""
    try:
        return execute(tf, request, arrays)
    except Exception:
        return {"type": "fault", "message": traceback.format_exc()[-MESSAGE_LIMIT:]}, []


def tensors_of(tf: Any, request: Any, arrays: list[Any]) -> Iterator[list[Any]]:
    """The tensors of each arm in turn."""
    count = len(request["dtypes"])
    for first in range(0, len(arrays), count):
        yield [
            to_tensor(tf, array, dtype)
            for array, dtype in zip(arrays[first : first + count], request["dtypes"])
        ]


def execute_all(
    tf: Any, requests: list[Any], arrays: list[Any], as_one: bool
) -> Iterator[tuple[dict[str, Any], list[Any]]]:
    """The answers to calls, in their order, each made when it is asked for; `as_one`, all that can be are made in one function before."""
    of_call, first = [], 0
    for request in requests:
        count = request["arms"] * len(request["dtypes"])
        of_call.append(arrays[first : first + count])
        first += count
    answers = {}
    if as_one:
        tensors = [list(tensors_of(tf, request, own)) for request, own in zip(requests, of_call)]
        answers = together(tf, requests, tensors, list(range(len(requests))))
    for number, request in enumerate(requests):
        yield answers.pop(number) if number in answers else attempt(tf, request, of_call[number])


def together(tf: Any, requests: list[Any], tensors: list[Any], chosen: list[int]) -> dict[int, Any]:
    """The answers to those of the chosen calls that can be made in one function; one that raises is left out, and made alone."""
    if len(chosen) < 2:
        return {}
    began = time.perf_counter()
    group = Group(tf, [requests[number] for number in chosen])
    try:
        arms = list(
            zip(
                *(
                    group.run([tensors[number][arm] for number in chosen])
                    for arm in range(requests[chosen[0]]["arms"])
                )
            )
        )
    except Exception:  # of which call, is not told
        half = len(chosen) // 2
        return {
            **together(tf, requests, tensors, chosen[:half]),
            **together(tf, requests, tensors, chosen[half:]),
        }
    seconds = (time.perf_counter() - began) / len(chosen)
    return {number: answer(own, seconds) for number, own in zip(chosen, arms) if None not in own}


class Group:
    """Several calls as one function, each in a part of its own with its own tensors, traced and compiled once for all arms."""

    def __init__(self, tf: Any, requests: list[Any]) -> None:
        self.tf, self.requests = tf, requests
        self.caught: dict[int, Any] = {}
        self.function = in_mode(tf, self._trace, requests[0]["mode"], autograph=False)

    def run(self, tensors: list[Any]) -> list[Any]:
        """What :func:`run_arm` gives, for one arm of each call; None for a call that raises."""
        self.caught.clear()
        results = self.function(*(tensor for own in tensors for tensor in own))
        return [
            None if result is None else self._arm(number, result)
            for number, result in enumerate(results)
        ]

    def _arm(self, number: int, result: Any) -> tuple[dict[str, Any], Any]:
        arm, array = value(result)
        arm["warnings"] = told(self.caught.get(number, ()))
        return arm, array

    def _trace(self, *tensors: Any) -> list[Any]:
        results, rest = [], list(tensors)
        for number, request in enumerate(self.requests):
            count = len(request["dtypes"])
            own, rest = rest[:count], rest[count:]
            with warnings.catch_warnings(record=True) as self.caught[number]:
                warnings.simplefilter("always")
                try:
                    results.append(prepared(self.tf, request, own)(*own))
                except Exception:
                    results.append(None)
        return results
