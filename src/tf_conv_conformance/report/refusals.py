"""Names the cases whose calls TensorFlow all refused: one may have been meant to compute."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from tf_conv_conformance.records.reader import Records

NAMED = 5  # cases; if there are more, they are probably meant
RULES_NAMED = 2  # that are named of a case


def refusal_lines(runs: Iterable[Records]) -> list[str]:
    """Return a line for each such case without an `expect`; one line if there are many.

    It has the place of the case and the rules that its calls break. If there are few, the last line
    says what to do.
    """
    found = list(dict.fromkeys(line for records in runs for line in _refused(records)))
    if len(found) > NAMED:
        found = [f"{len(found):,} cases without `expect`, such as {found[0]}"]
    elif found:
        found.append("if that is meant, add `expect: {error: Exception}`; if not, mend the case")
    return [f"all calls refused: {line}" for line in found]


def _refused(records: Records) -> Iterator[str]:
    rules: dict[str, dict[str, None]] = {}
    others: set[str] = set()
    for identifier, end in records.ends.items():
        call = records.calls[identifier]
        if end["verdict"] == "refused":
            broken = call["predicted"]["refuses"] or []
            rules.setdefault(call["case"], {}).update(dict.fromkeys(broken))
        elif end["verdict"] != "unsupported":
            others.add(call["case"])
    for key, names in rules.items():
        case = records.cases[key]
        if key not in others and not case["expect"]:
            more = [f"{len(names) - RULES_NAMED} more"] if len(names) > RULES_NAMED else []
            words = ", ".join([*list(names)[:RULES_NAMED], *more])
            yield f"{case['file']}:{case['line']} {case['id']} ({words})"
