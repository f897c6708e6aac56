"""The ids of calls and blocks, and the names of their tests."""

from __future__ import annotations

from tf_conv_conformance.call import Call
from tf_conv_conformance.casefile.calls import Block


def id_of(file: str, one: Call | Block) -> str:
    """The id of a call or of a block, whoever is asked."""
    return f"{file}::{one.name}"


def test_name(name: str, subject: str) -> str:
    """The name of the test of a call or a block: its own, with the subject's before what is in its brackets."""
    case, _, rest = name.partition("[")
    return f"{case}[{subject}-{rest}" if subject else name


def own_name(name: str, subject: str) -> str | None:
    """The name of the call or the block whose test on this subject has this name; None where the test is of another subject."""
    case, _, rest = name.partition("[")
    if not subject:
        return name
    return f"{case}[{rest.removeprefix(subject + '-')}" if rest.startswith(subject + "-") else None
