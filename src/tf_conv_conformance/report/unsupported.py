"""Lists what is missing for the calls that were not made."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from tf_conv_conformance.records.reader import Records

NAMED = 4  # reasons


def reasons(runs: Iterable[Records]) -> list[tuple[str, int]]:
    """Return why calls are unsupported, each reason with its calls, the most frequent first."""
    ends = (end for records in runs for end in records.ends.values())
    return Counter(end["reason"] for end in ends if end["verdict"] == "unsupported").most_common()


def unsupported_lines(runs: Iterable[Records]) -> list[str]:
    """Return a line, with the number of calls, for each frequent reason, and one for all others."""
    counted = reasons(runs)
    lines = [f"unsupported ({count:,}): {reason}" for reason, count in counted[:NAMED]]
    if left := sum(count for _, count in counted[NAMED:]):
        lines.append(f"unsupported ({left:,}): other reasons, which -rs shows")
    return lines
