"""Lists what is missing for the calls that were not made."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from tf_conv_conformance.records.reader import Records

NAMED = 4  # reasons


def unsupported_lines(runs: Iterable[Records]) -> list[str]:
    """Return a line, with the number of calls, for each frequent reason, and one for all others."""
    reasons = Counter(
        end["reason"]
        for records in runs
        for end in records.ends.values()
        if end["verdict"] == "unsupported"
    )
    shown = reasons.most_common(NAMED)
    lines = [f"unsupported ({count:,}): {reason}" for reason, count in shown]
    left = reasons.total() - sum(count for _, count in shown)
    if left:
        lines.append(f"unsupported ({left:,}): other reasons, which -rs shows")
    return lines
