"""Make the operations around a convolution.

Runs in the worker, on Python 3.7.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from .symbols import resolve


def in_company(tf: Any, request: Any, function: Callable[..., Any]) -> Callable[..., Any]:
    """Return `function` with the operations of a request around it.

    It takes input and filter, then the tensors of the operations after the convolution.
    """

    def call(x: Any, w: Any, *others: Any) -> Any:
        for symbol, _, keywords in request["before"]:
            x = resolve(tf, symbol)(x, **keywords)
        y, rest = function(x, w), list(others)
        for symbol, count, keywords in request["after"]:
            y = resolve(tf, symbol)(y, *rest[:count], **keywords)
            y = y[0] if isinstance(y, (tuple, list)) else y
            del rest[:count]
        return y

    return call
