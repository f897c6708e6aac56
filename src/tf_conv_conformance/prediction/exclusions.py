"""Short codes for wrong oracles, since a record file has thousands of calls with a dozen each."""

from __future__ import annotations

from collections.abc import Iterable

from tf_conv_conformance.convolution.company import AFTER

CODES = {
    "height padding shifted by one": "pad-h",
    "width padding shifted by one": "pad-w",
    "height and width swapped": "swap",
    "dilation ignored": "rate",
    "documented instead of phase_strided": "doc",
    "phase_strided instead of documented": "phase",
    "filter transposed": "turn",
    "last tap dropped": "last",
    "first tap dropped": "first",
    "filter flipped in height": "flip-h",
    "filter flipped in width": "flip-w",
    "filter flipped in height and width": "flip",
    "channels reversed": "in",
    "filters reversed": "out",
    **{f"{name} dropped": f"no-{name}" for name in AFTER},
    "relu6 without its lower limit": "low-relu6",
    "relu6 without its upper limit": "high-relu6",
    "order of operations swapped": "order",
    "sums of 8 bits": "8",
    "sums of 11 bits": "11",
    "sums of 24 bits": "24",
}
"""The code of each wrong oracle in :mod:`wrong_oracles` by its name, in reading order."""
NAMES = {code: name.replace("phase_strided", "phase-strided") for name, code in CODES.items()}


def codes(names: Iterable[str]) -> list[str]:
    """Return the codes of wrong oracles."""
    return [CODES[name] for name in names]


def in_order(found: Iterable[str]) -> list[str]:
    """Sort codes in reading order, with codes that this version does not know at the end."""
    places = {code: place for place, code in enumerate(NAMES)}
    return sorted(found, key=lambda code: (places.get(code, len(places)), code))


def word(code: str) -> str:
    """Return the name behind a code, or the code if this version does not know it."""
    return NAMES.get(code, code)


def listed(names: Iterable[str]) -> str:
    """Return the names of wrong oracles in a line of text, in reading order."""
    return ", ".join(word(code) for code in in_order(codes(names)))
