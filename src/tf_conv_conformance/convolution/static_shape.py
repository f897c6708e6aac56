"""The static shape of a tensor: what is known of its shape before the graph runs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class StaticShape:
    """A shape whose unknown sizes are None. `sizes` is None if the rank is unknown."""

    sizes: tuple[int | None, ...] | None

    @classmethod
    def of(cls, sizes: Sequence[int | None] | None) -> StaticShape:
        """Return the static shape with these sizes, as JSON has them."""
        return cls(None if sizes is None else tuple(sizes))

    def __str__(self) -> str:
        """Return the shape as Python prints a list, or ``unknown rank``."""
        return "unknown rank" if self.sizes is None else str(list(self.sizes))

    def contradicts(self, shape: Sequence[int]) -> bool:
        """Return whether no tensor with the static shape can have this shape."""
        return not self.knows_all_of(StaticShape(tuple(shape)), strict=False)

    def limited_to(self, other: StaticShape) -> StaticShape:
        """Return it without the sizes that another static shape does not know."""
        if other.sizes is None or self.sizes is None or len(self.sizes) != len(other.sizes):
            return StaticShape(None) if other.sizes is None else self
        pairs = zip(self.sizes, other.sizes, strict=True)
        return StaticShape(tuple(None if known is None else size for size, known in pairs))

    def knows_all_of(self, other: StaticShape, strict: bool = True) -> bool:
        """Return whether it has the rank and each known size of another static shape.

        If not `strict`, what it does not know counts as equal.
        """
        if self.sizes is None or other.sizes is None:
            return other.sizes is None or not strict
        return len(self.sizes) == len(other.sizes) and all(
            size == known or known is None or (size is None and not strict)
            for size, known in zip(self.sizes, other.sizes, strict=True)
        )
