"""What the subject is asked to do, as plain values."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np


@dataclass(frozen=True)
class Request:
    """One call: its head as the protocol has it (see worker.py), and the tensors of each arm, in the bits of their dtypes.

    One that is `alone` is in no group of calls.
    """

    head: Mapping[str, Any]
    arrays: Sequence[np.ndarray]
    alone: bool = False

    @property
    def nbytes(self) -> int:
        """How many bytes its tensors take."""
        return sum(array.nbytes for array in self.arrays)

    @property
    def arms(self) -> int:
        """How many sets of tensors go through the call."""
        return len(self.arrays) // max(1, len(self.head["dtypes"]))
