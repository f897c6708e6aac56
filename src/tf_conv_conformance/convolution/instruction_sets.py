"""Instruction sets in oneDNN's names and order, and ranges of them.

The names and their order are those of `dnnl_cpu_isa_t` in oneDNN's dnnl_types.h.
"""

from __future__ import annotations

import operator
import re
from collections.abc import Callable

_BELOW: dict[str, tuple[str, ...]] = {
    "sse41": (),
    "avx": ("sse41",),
    "avx2": ("avx",),
    "avx2_vnni": ("avx2",),
    "avx2_vnni_2": ("avx2_vnni",),
    "avx512_core": ("avx2",),
    "avx512_core_vnni": ("avx512_core",),
    "avx512_core_bf16": ("avx512_core_vnni",),
    "avx512_core_fp16": ("avx512_core_bf16", "avx2_vnni"),
    "avx512_core_amx": ("avx512_core_fp16",),
    "avx512_core_amx_fp16": ("avx512_core_amx",),
    "avx10_2": ("avx512_core_fp16", "avx2_vnni_2"),
    "avx10_2_amx_2": ("avx10_2", "avx512_core_amx_fp16"),
    "asimd": (),
    "sve_128": ("asimd",),
    "sve_256": ("sve_128",),
    "sve_512": ("sve_256",),
}
"""The next smaller instruction sets that each one includes. Arm's include none of x86's."""
INSTRUCTION_SETS = tuple(_BELOW)
_ARM = frozenset({"asimd", "sve_128", "sve_256", "sve_512"})
_TERM = re.compile(r"\s*(>=|<|==|!=)\s*(\w+)\s*")


def includes(one: str, other: str) -> bool:
    """Return whether an instruction set is another one or includes it."""
    return one == other or any(includes(below, other) for below in _BELOW.get(one, ()))


def _is_less(one: str, other: str) -> bool:
    """Return whether an instruction set of the same architecture does not include another."""
    return (one in _ARM) == (other in _ARM) and not includes(one, other)


_OPERATORS: dict[str, Callable[[str, str], bool]] = {
    ">=": includes,
    "<": _is_less,
    "==": operator.eq,
    "!=": operator.ne,
}


def terms(text: str) -> list[tuple[str, str]]:
    """Return the operators and names of a range, such as ``>=avx2,<avx512_core``.

    Raises ValueError with the part that is not valid.
    """
    found = []
    for part in text.split(","):
        term = _TERM.fullmatch(part)
        if term is None or term[2] not in _BELOW:
            raise ValueError(part.strip())
        found.append((term[1], term[2]))
    return found


def is_within(isa: str | None, text: str) -> bool:
    """Return whether an instruction set is in a range. An unknown one is in none."""
    if isa is None:
        return False
    return all(_OPERATORS[symbol](isa, name) for symbol, name in terms(text))
