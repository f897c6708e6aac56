"""The request for one call, as plain values."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np


@dataclass(frozen=True)
class Request:
    """One call: its head as in the protocol (see worker.py), and the tensors of each arm as bits.

    A request that is `alone` is never grouped with other calls.
    """

    head: Mapping[str, Any]
    arrays: Sequence[np.ndarray]
    alone: bool = False

    @cached_property  # summed over the calls ahead for each call
    def nbytes(self) -> int:
        """The size of its tensors in bytes."""
        return sum(array.nbytes for array in self.arrays)

    @property
    def arms(self) -> int:
        """The number of sets of tensors with which the call is made."""
        return len(self.arrays) // max(1, len(self.head["dtypes"]))

    @property
    def group(self) -> object:
        """The properties that calls must share to be made together; None for a call made alone.

        A Keras layer holds its filter, so it cannot be part of a function of several calls. Nor can
        a call with variables, in surroundings of its own, with an optimizer, or with operations
        around it: those of a group would be optimized together. XLA compiles them in groups, since
        nothing is observed.
        """
        head = self.head
        if self.alone or not {"variables", "how", "operations", "optimizer"}.isdisjoint(head):
            return None
        if "after" in head and head["mode"] != "xla":
            return None
        if head["mode"] == "eager" or ".keras." in head["function"]:
            return None
        return head["mode"], self.arms, "signature" in head
