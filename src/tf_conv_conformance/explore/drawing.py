"""The calls of a block: a pure function of the seed, the block's number, the modes and the strategies' version."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from random import Random
from typing import Any

from hypothesis import HealthCheck, Phase, given, settings
from hypothesis.internal.conjecture.providers import AVAILABLE_PROVIDERS, PrimitiveProvider
from pydantic import ValidationError

from tf_conv_conformance.casefile import checks
from tf_conv_conformance.casefile.call import Call
from tf_conv_conformance.casefile.expansion import CaseError, expand
from tf_conv_conformance.casefile.model import Case, Defaults
from tf_conv_conformance.convolution.arguments import Arguments
from tf_conv_conformance.convolution.names import MODES, Mode
from tf_conv_conformance.explore.strategies import VERSION, cases, weighted
from tf_conv_conformance.prediction import predict
from tf_conv_conformance.prediction.models import MODELS
from tf_conv_conformance.prediction.predict import Returns

ELEMENTS = 2**16  # of a tensor: a call takes milliseconds
MODE = weighted({"eager": 10, "graph": 5, "xla": 2, "all": 1})
"""The mode of a call; one in 18 is made in all of them. The dearer a mode, the rarer: under XLA each call is compiled."""
Plain = dict[str, Any]


class Evenly(PrimitiveProvider):
    """Hypothesis draws from our own seed, evenly. Its own way repeats examples, and mixes in the constants of whatever is loaded."""

    rng = Random()

    def draw_boolean(self, p: float = 0.5) -> bool:
        """True as often as asked."""
        return self.rng.random() < p

    def draw_integer(
        self, min_value: int | None = None, max_value: int | None = None, **_: Any
    ) -> int:
        """Any of the integers."""
        assert min_value is not None
        assert max_value is not None
        return self.rng.randint(min_value, max_value)

    def draw_float(self, **_: Any) -> float:
        """No strategy asks for it."""
        raise NotImplementedError

    def draw_string(self, *_: Any, **__: Any) -> str:
        """No strategy asks for it."""
        raise NotImplementedError

    def draw_bytes(self, *_: Any, **__: Any) -> bytes:
        """No strategy asks for it."""
        raise NotImplementedError


AVAILABLE_PROVIDERS["tf-conv-conformance"] = f"{__name__}.Evenly"


@dataclass(frozen=True)
class Drawn:
    """A call that was drawn: the case's keys with plain values, without id and modes, and what the reader of case files makes of it."""

    plain: Plain
    call: Call


def draw(seed: int, block: int, count: int, modes: Sequence[Mode] = MODES) -> list[Drawn]:
    """The calls of a block, counted from 0, in these modes."""
    found: list[Drawn] = []
    for plain, mode in _stream(seed, block, count):
        chosen = [one for one in modes if mode in (one, "all")]
        found += calls_of(plain, chosen or [modes[len(found) % len(modes)]])
        if len(found) >= count:
            break
    return found[:count]


def _stream(seed: int, block: int, count: int) -> Iterator[tuple[Plain, str]]:
    """As many cases as make so many calls, with their modes; without Hypothesis's first, which is always the plainest."""
    drawn: list[tuple[Plain, str]] = []
    digest = hashlib.sha256(f"{VERSION}:{seed}:{block}".encode()).digest()
    Evenly.rng = Random(int.from_bytes(digest[:8], "big"))

    @settings(
        max_examples=count + count // 2 + 2,
        database=None,
        phases=[Phase.generate],
        deadline=None,
        suppress_health_check=list(HealthCheck),
        backend="tf-conv-conformance",
    )
    @given(cases(), MODE)
    def collect(plain: Plain, mode: str) -> None:
        drawn.append((plain, mode))

    collect()
    return iter(drawn[1:])


def calls_of(plain: Plain, modes: Sequence[Mode]) -> list[Drawn]:
    """The calls of a case in these modes; none where the reader of case files refuses it, or it is too large."""
    try:
        case = Case.model_validate({"id": "explored", **plain})
        one = next(iter(expand(case, Defaults())))
        checks.check_entry_point(one.arguments)
        checks.check_size(one.arguments)
        checks.check_gradient(one.arguments)
        checks.check_exact(one.arguments)
    except (ValidationError, CaseError):
        return []
    if not _is_small(one.arguments):
        return []
    return [
        Drawn(plain, Call(f"explored[{mode}]", 1, case, one.arguments, mode, ())) for mode in modes
    ]


def _is_small(arguments: Arguments) -> bool:
    forward = replace(arguments, gradient=None)
    results = [
        outcome
        for model in MODELS.values()
        if isinstance(outcome := predict.outcome(model, forward), Returns)
    ]
    shapes = [
        arguments.input.shape,
        arguments.filter.shape,
        *(outcome.shape for outcome in results),
    ]
    return all(
        math.prod(shape) <= ELEMENTS and max(shape, default=0) <= ELEMENTS for shape in shapes
    )  # an empty one may be long
