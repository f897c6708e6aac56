"""What the lines of a record file hold: finds what is wrong with a line, and updates one of an older version."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from typing import Any, get_args

from tf_conv_conformance.convolution.names import (
    DTYPES,
    MODES,
    OPS,
    SYMBOLS,
    Gradient,
    RelationName,
)
from tf_conv_conformance.verdict.kinds import KINDS

SCHEMA = 4
READ = (2, 3, SCHEMA)
"""The versions that are read."""
SHOWN = 60  # characters of a value in a message
Line = dict[str, Any]
Spec = Any
"""What a value must be, as plain data:

    str, int, float, bool    a value of this type; an integer is also a float
    None, object             null; anything
    range(1, 65)             an integer of this range
    frozenset of strings     one of these words
    [spec]                   a list of such values
    {str: spec}              an object with any keys
    {"key": spec, "key?": spec}    an object with these keys, the second one optional; other keys are ignored
    (spec, spec, …)          one of these
"""
COUNT = range(2**53)
INT64 = range(-(2**63), 2**63)
SHAPE = [COUNT]
INTEGERS = (int, [int])
WORDS = [str]
TENSOR = {"shape": SHAPE, "values": ([(float, frozenset({"nan", "inf", "-inf"}))], None)}
ARGUMENTS = {
    "op": frozenset(OPS),
    "input": TENSOR,
    "filter": TENSOR,
    "strides": INTEGERS,
    "padding": (str, [[int]]),
    "dilations": (*INTEGERS, None),
    "data_format": (str, None),
    "dtype": frozenset(DTYPES),
    "data": WORDS,
    "filter_dtype": (frozenset(DTYPES), None),
    "via": (frozenset(SYMBOLS), None),
    "gradient": (frozenset(get_args(Gradient)), None),
}
DRAWN = ({"precision": range(1, 65)}, {"limit": COUNT, "odd": bool})
ARM = {
    "name": str,
    "seed": range(2**32),
    "input": DRAWN,
    "filter": DRAWN,
    "upstream?": (*DRAWN, None),
}
OBSERVED = (
    {"shape": SHAPE, "dtype": str},
    {"error": str, "message": str},
    {"ended": frozenset({"crashed"}), "signal": str, "output": str},
    {"ended": frozenset({"timed out"}), "time_limit": float, "output": str},
    {
        "ended": frozenset({"suite error"}),
        "exit_status?": int,
        "protocol_error?": str,
        "output": str,
    },
)
FACTS = {
    **dict.fromkeys(("tensorflow", "python", "numpy", "platform", "machine", "device"), str),
    **dict.fromkeys(("git_version", "keras"), (str, None)),
    "name?": (str, None),
    "threads?": (int, None),
    "onednn": (bool, None),
    "cpu": {"name": str, "flags": WORDS},
    "environment": {str: str},
}
LINES: dict[str, dict[Any, Spec]] = {
    "header": {"schema": int, "suite": str, "created": str, "shard?": str},
    "case": {
        "key": str,
        "file": str,
        "line": COUNT,
        "id": str,
        "yaml": str,
        "notes": (str, None),
        "references": WORDS,
        "problems": (COUNT, None),
        "expect": object,
        "deviations": [{"rule": str, "reported": str, "when?": {str: object}}],
    },
    "call": {
        "id": str,
        "hash": str,
        "case": str,
        "mode": frozenset(MODES),
        "relation": (frozenset(get_args(RelationName)), None),
        "arguments": ARGUMENTS,
        "rules": WORDS,
        "predicted": {"refuses": (WORDS, None), "shape": (SHAPE, None)},
    },
    "subject": {"key": str, "subject": FACTS, "sentences": {str: (str, None)}},
    "start": {"id": str},
    "end": {
        "id": str,
        "subject": (str, None),
        "verdict": frozenset(KINDS),
        "reason": str,
        "rules": WORDS,
        "data": [ARM],
        "excludes?": WORDS,
        "observed?": OBSERVED,
        "digest?": (str, None),
        "difference?": (str, None),
        "explained?": (str, None),
        "largest?": (float, None),
        "ulp?": (float, None),
        "largest_at?": (SHAPE, None),
        "heat?": ({"size": SHAPE, "block": SHAPE, "levels": WORDS}, None),
        "warnings?": [{"category": str, "message": str}],
        "seconds?": float,
        "known?": bool,
    },
    "footer": {"calls": COUNT, "ended": COUNT, "finished": str, "whole?": COUNT},
}
"""The keys of a line besides its type."""
FIELDS = {
    kind: [(str(key).rstrip("?"), str(key).endswith("?"), spec) for key, spec in keys.items()]
    for kind, keys in LINES.items()
}
"""The same as (name, whether it is optional, what it must be)."""


def kind_of(line: object) -> str:
    """Return the type of a line. Raises ``ValueError`` if it has none that is known."""
    kind = line.get("type") if isinstance(line, dict) else None
    if not isinstance(line, dict) or "type" not in line:
        raise ValueError(f"expected an object with a type, got {shown(line)}")
    if not isinstance(kind, str) or kind not in LINES:
        raise ValueError(f"expected a line of type {', '.join(LINES)}, got the type {shown(kind)}")
    return kind


def fault(value: object, spec: Spec, place: str) -> str | None:
    """Return what is wrong with a value, with its place in the line; None if it is as `spec` says."""
    if isinstance(spec, tuple):
        return _fault_of_any(value, spec, place)
    if isinstance(spec, dict) and isinstance(value, dict):
        return next(_faults_of_object(value, spec, place), None)
    if isinstance(spec, list) and isinstance(value, list):
        found = (fault(item, spec[0], f"{place}[{number}]") for number, item in enumerate(value))
        return next((one for one in found if one), None)
    return None if _is(value, spec) else f"{place}: expected {words(spec)}, got {shown(value)}"


def _faults_of_object(value: dict[str, Any], spec: dict[Any, Spec], place: str) -> Iterator[str]:
    if str in spec:
        found = (fault(item, spec[str], f"{place}.{key}") for key, item in value.items())
        yield from (one for one in found if one)
        return
    for key, inner in spec.items():
        name = key.rstrip("?")
        if name in value:
            if one := fault(value[name], inner, f"{place}.{name}"):
                yield one
        elif name == key:
            yield f"{place}.{name}: expected {words(inner)}, got nothing"


def _fault_of_any(value: object, specs: tuple[Spec, ...], place: str) -> str | None:
    """Return the fault in the alternative that was probably meant: of the same type, and with the same keys."""
    faults = []
    for spec in specs:
        found = fault(value, spec, place)
        if found is None:
            return None
        faults.append(found)
    for spec, found in zip(specs, faults, strict=True):
        if isinstance(spec, list) and isinstance(value, list):
            return found
        if (
            isinstance(spec, dict)
            and isinstance(value, dict)
            and (str in spec or spec.keys() <= value.keys())
        ):
            return found
    return f"{place}: expected {words(specs)}, got {shown(value)}"


def _is(value: object, spec: Spec) -> bool:
    """Whether a value that holds no others is as `spec` says."""
    if spec is object or (spec is None and value is None):
        return True
    if spec is float:
        return (
            isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
        )
    if isinstance(spec, frozenset):
        return isinstance(value, str) and value in spec
    if isinstance(spec, range) or spec is int:
        integers = spec if isinstance(spec, range) else INT64
        return isinstance(value, int) and not isinstance(value, bool) and value in integers
    return isinstance(spec, type) and isinstance(value, spec)


def words(spec: Spec) -> str:
    """Describe what is expected."""
    if isinstance(spec, tuple):
        return " or ".join(dict.fromkeys(words(one) for one in spec))
    if isinstance(spec, range):
        return (
            f"an integer from {spec.start} to {spec[-1]}" if spec.start else "an integer, 0 or more"
        )
    if isinstance(spec, frozenset):
        return ", ".join(sorted(spec))
    if isinstance(spec, dict):
        keys = [key for key in spec if isinstance(key, str) and not key.endswith("?")]
        return "an object" + (f" with {', '.join(keys)}" if keys else "")
    if isinstance(spec, list):
        return "a list"
    return {
        str: "a string",
        int: "an integer",
        float: "a number",
        bool: "true or false",
        None: "null",
        object: "a value",
    }[spec]


def shown(value: object) -> str:
    """Return a value as it stands in the file, shortened."""
    kinds: dict[type, str] = {str: "the string ", dict: "the object ", list: "the list "}
    text = json.dumps(value, ensure_ascii=False)
    return kinds.get(type(value), "") + (text if len(text) <= SHOWN else text[:SHOWN] + "…")


def is_left_out(line: object, schema: int) -> bool:
    """Return whether a line of an earlier version has no place in this one: a block, which stood for calls that have lines of their own."""
    return schema < SCHEMA and isinstance(line, dict) and line.get("type") == "block"


def updated(line: Line) -> Line:
    """Return a line of version 2 as one of this version.

    There, `signal` also held a time limit (``60 s``), an exit status (``exit status 3``) and what was wrong with an
    answer, and the verdict of the latter two was *crashed*. A call that was refused as documented was said to conform.
    """
    observed = line.get("observed")
    if isinstance(observed, dict) and "error" in observed and line.get("verdict") == "conforms":
        return {**line, "verdict": "refused"}
    if not isinstance(observed, dict) or not isinstance(text := observed.get("signal"), str):
        return line
    rest = {name: value for name, value in observed.items() if name != "signal"}
    if observed.get("ended") == "timed out":
        return {**line, "observed": {**rest, "time_limit": float(text.removesuffix(" s"))}}
    nonsense = text.removeprefix("ended for an answer that is none: ")
    if nonsense == text and not text.startswith("exit status "):
        return line
    why = (
        {"protocol_error": nonsense}
        if nonsense != text
        else {"exit_status": int(text.removeprefix("exit status "))}
    )
    verdict = "suite error" if line.get("verdict") == "crashed" else line.get("verdict")
    return {**line, "verdict": verdict, "observed": {**rest, "ended": "suite error", **why}}
