"""A call: one case with every sweep resolved, in one mode. What a test runs, and what a record is about."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass
from typing import Any

from tf_conv_conformance.arguments import Arguments
from tf_conv_conformance.casefile.model import Case, Deviation
from tf_conv_conformance.vocabulary import Mode


@dataclass(frozen=True)
class Declared:
    """A deviation that speaks about a call, and the arguments for which its model stands."""

    deviation: Deviation
    arguments: Arguments


@dataclass(frozen=True)
class Call:
    """One invocation: `name` is unique in its file, `line` is where its case stands there, 1-based.

    `deviations` are those of the case that speak about this call on some subject; what they ask of the subject is seen when it runs.
    """

    name: str
    line: int
    case: Case
    arguments: Arguments
    mode: Mode
    deviations: tuple[Declared, ...]

    @property
    def content_hash(self) -> str:
        """A hash of all that the call claims. Editing another case, or a note, does not change it."""
        expect = self.case.expect.model_dump(exclude_none=True) if self.case.expect else None
        content: dict[str, Any] = {
            "arguments": asdict(self.arguments),
            "mode": self.mode,
            "expect": expect,
            "deviations": [declared.deviation.model_dump(exclude_none=True, exclude={"notes"}) for declared in self.deviations],
            "requires": self.case.requires.model_dump(exclude_none=True) if self.case.requires else None,
        }
        return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()[:16]
