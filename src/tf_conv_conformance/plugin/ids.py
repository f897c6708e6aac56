"""The ids of calls, and the names of their tests."""

from __future__ import annotations

from tf_conv_conformance.casefile.call import Call


def id_of(file: str, call: Call) -> str:
    """Return the id of a call, which is the same for every subject."""
    return f"{file}::{call.name}"


def test_name(name: str, subject: str) -> str:
    """Return the name of the test of a call: the call's own, with the subject's before what is in its brackets."""
    case, _, rest = name.partition("[")
    return f"{case}[{subject}-{rest}" if subject else name


def own_name(name: str, subject: str) -> str | None:
    """Return the name of the call whose test on this subject has this name; None if the test is of another subject."""
    case, _, rest = name.partition("[")
    if not subject:
        return name
    return f"{case}[{rest.removeprefix(subject + '-')}" if rest.startswith(subject + "-") else None
