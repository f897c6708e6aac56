"""The cases of which TensorFlow refused every call: a case that was to compute something may be among them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from tf_conv_conformance.records.reader import Records

SHOWN = 5  # cases that the terminal names; where there are more, they are probably meant
RULES = 2  # that it names of a case


def lines(runs: Iterable[Records]) -> list[str]:
    """Return a line for each such case without an `expect`, with its place and the rules that its calls break; of many, one line."""
    found = list(dict.fromkeys(line for records in runs for line in _refused(records)))
    if len(found) > SHOWN:
        return [f"all calls refused: {len(found):,} cases without `expect`, such as {found[0]}"]
    return [f"all calls refused: {line}" for line in found]


def _refused(records: Records) -> Iterator[str]:
    rules: dict[str, dict[str, None]] = {}
    others: set[str] = set()
    for identifier, end in records.ends.items():
        call = records.calls[identifier]
        if end["verdict"] == "refused":
            rules.setdefault(call["case"], {}).update(
                dict.fromkeys(call["predicted"]["refuses"] or ())
            )
        elif end["verdict"] != "unsupported":
            others.add(call["case"])
    for key, broken in rules.items():
        case = records.cases[key]
        if key not in others and not case.get("expect"):
            more = [f"{len(broken) - RULES} more"] if len(broken) > RULES else []
            yield f"{case['file']}:{case['line']} {case['id']} ({', '.join([*list(broken)[:RULES], *more])})"
