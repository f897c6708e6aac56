"""The catalogue: faults that a TensorFlow build could have. Except for those of static shapes, it
was written before the cases were looked at, and knows nothing of them.
"""

from __future__ import annotations

from dataclasses import dataclass

from altering import Alteration, Function, Invocation
from calls import (
    ENTRY_POINTS,
    GRADIENTS,
    MODES,
    OPERATORS,
    PROCESS,
    STATE,
    TRANSFORMATIONS,
)
from checks import ERRORS, WARNINGS
from company import COMPANY
from geometry import GEOMETRY, LAYOUT
from numbers_and_channels import CHANNELS, FORM, GROUPS, PRECISION, SPECIAL
from static_shapes import STATIC_SHAPES
from without_height import WITHOUT_HEIGHT


@dataclass(frozen=True)
class Fault:
    """A fault by name: its class, what is wrong in a sentence, which calls it alters and how."""

    name: str
    kind: str
    says: str
    alteration: Alteration

    def function(self, invocation: Invocation) -> Function:
        """The function that stands in for TensorFlow's."""
        return (
            self.alteration.make(invocation)
            if self.alteration.affects(invocation)
            else invocation.real
        )


_CLASSES = {
    "geometry": GEOMETRY,
    "layout": LAYOUT,
    "channels": CHANNELS,
    "groups": GROUPS,
    "precision": PRECISION,
    "special values": SPECIAL,
    "dtype and shape": FORM,
    "static shapes": STATIC_SHAPES,
    "errors": ERRORS,
    "warnings": WARNINGS,
    "gradients": GRADIENTS,
    "entry points": ENTRY_POINTS,
    "without height": WITHOUT_HEIGHT,
    "gradient operators": OPERATORS,
    "transformations": TRANSFORMATIONS,
    "company": COMPANY,
    "one mode": MODES,
    "state": STATE,
    "process": PROCESS,
}
NONE = Fault(
    "none",
    "none",
    "nothing is wrong",
    Alteration(lambda invocation: False, lambda invocation: invocation.real),
)
CATALOGUE: dict[str, Fault] = {
    name: Fault(name, kind, says, alteration)
    for kind, faults in _CLASSES.items()
    for name, (says, alteration) in faults.items()
}
