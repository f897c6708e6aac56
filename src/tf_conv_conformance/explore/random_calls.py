"""Draw blocks of random calls, which depend only on seed, number, modes and :data:`VERSION`."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from random import Random
from typing import Any

from pydantic import ValidationError

from tf_conv_conformance.casefile.call import Call
from tf_conv_conformance.casefile.checks import check_arguments
from tf_conv_conformance.casefile.diagnostic import CaseError
from tf_conv_conformance.casefile.expansion import expand
from tf_conv_conformance.casefile.limits import transformed
from tf_conv_conformance.casefile.model import Case, Defaults
from tf_conv_conformance.convolution.arguments import Arguments
from tf_conv_conformance.convolution.entry_points import DEFAULTS
from tf_conv_conformance.convolution.modes import can_be_made
from tf_conv_conformance.convolution.names import DEFAULT_MODES, Mode
from tf_conv_conformance.explore.company import draw_company
from tf_conv_conformance.explore.draft import draw_draft, drop_height
from tf_conv_conformance.explore.oddities import ODDITIES, literal_values
from tf_conv_conformance.prediction.models import MODELS
from tf_conv_conformance.prediction.predict import Returns, predict
from tf_conv_conformance.prediction.relations import obstacle

VERSION = 6
"""The version of what a seed draws. It must be raised whenever that changes."""
ELEMENTS = 2**16  # of a tensor, so that a call takes milliseconds
MORE_ELEMENTS = 2**22  # of the tensors of a call whose input exceeds that
ODDITY_COUNT = {0: 9, 1: 9, 2: 2}
# One case in 18 is made in all modes. XLA is rare, since it compiles each call.
MODE_WEIGHTS = {"eager": 10, "graph": 5, "xla": 2, "all": 1}
Plain = dict[str, Any]


@dataclass(frozen=True)
class RandomCall:
    """A call, and its case as plain values, with the keys of a YAML case except id and modes."""

    plain: Plain
    call: Call


def draw_block(
    seed: int, block: int, count: int, modes: Sequence[Mode] = DEFAULT_MODES
) -> list[RandomCall]:
    """Return the first `count` calls of a block, in these modes."""
    random = Random(f"{VERSION}:{seed}:{block}")
    calls: list[RandomCall] = []
    while len(calls) < count:
        plain = draw_case(random)
        (drawn,) = random.choices(list(MODE_WEIGHTS), list(MODE_WEIGHTS.values()))
        if "after" in plain and drawn == "eager":
            drawn = "graph"  # in which operations are fused
        chosen = [mode for mode in modes if drawn in (mode, "all")]
        calls += calls_of(plain, chosen or [modes[len(calls) % len(modes)]])
    return calls[:count]


def draw_case(random: Random) -> Plain:
    """Return a case with up to two oddities, without default values, id and modes."""
    draft = draw_draft(random)
    draw_company(draft)
    count = draft.weighted(ODDITY_COUNT)
    oddities = random.choices(list(ODDITIES), list(ODDITIES.values()), k=count)
    # Literal values must fill a shape, so they come after all that changes shapes.
    shaping = [oddity for oddity in oddities if oddity is not literal_values]
    for change in [*shaping, drop_height, *[literal_values] * (len(oddities) - len(shaping))]:
        change(draft)
    usual = {"via": DEFAULTS[draft.op].symbol, "dtype": "float32"}
    return {key: value for key, value in draft.case.items() if usual.get(key) != value}


def calls_of(plain: Plain, modes: Sequence[Mode]) -> list[RandomCall]:
    """Return the calls of a case in these modes; none if it is too large or invalid."""
    try:
        case = Case.model_validate({"id": "explored", **plain})
        expanded = next(iter(expand(case, Defaults())))
        arguments = expanded.arguments
        check_arguments(arguments)
    except (ValidationError, CaseError):
        return []
    if not _is_small(arguments):
        return []
    return [_in_mode(plain, case, arguments, one) for one in modes if can_be_made(arguments, one)]


def _in_mode(plain: Plain, case: Case, arguments: Arguments, mode: Mode) -> RandomCall:
    relation = _relation(case, arguments, mode)
    if relation is None:  # a case must not name one that does not apply
        plain = {key: value for key, value in plain.items() if key != "relations"}
    return RandomCall(plain, Call(f"explored[{mode}]", 1, case, arguments, mode, (), relation))


def _relation(case: Case, arguments: Arguments, mode: Mode) -> str | None:
    """Return the relation that a case names, if it applies to its call in a mode."""
    if not case.relations or not isinstance(predict(arguments).documented, Returns):
        return None
    name = case.relations[0]
    return None if obstacle(name, arguments, mode) else name


def _is_small(arguments: Arguments) -> bool:
    forward = replace(arguments, gradient=None, through=None)
    outcomes = (predict(forward).outcome(model) for model in MODELS.values())
    results = [outcome.shape for outcome in outcomes if isinstance(outcome, Returns)]
    shapes = [arguments.input.shape, arguments.convolved, arguments.filter.shape, *results]
    if arguments.through is not None:
        shapes += map(tuple, transformed(arguments).values())
    limit = ELEMENTS if math.prod(arguments.input.shape) <= ELEMENTS else MORE_ELEMENTS
    # An empty tensor may still have a huge size.
    return all(max(math.prod(shape), *shape, 0) <= limit for shape in shapes)
