"""Record files → what the page shows, as plain values."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tf_conv_conformance.arguments import Arguments, from_record, read
from tf_conv_conformance.comparison import shape_text
from tf_conv_conformance.reproduction import from_record as reproduction
from tf_conv_conformance.results import Line, Records
from tf_conv_conformance.rules.catalogue import RULES
from tf_conv_conformance.verdict import FAILING, KINDS

ORDER = ("violates", "crashed", "timed out", "resolved", "flaky", "vacuous", "missing", "deviates", "unsupported", "conforms")
"""Verdicts as a reader wants them: what fails first."""


@dataclass(frozen=True)
class Shown:
    """A call with its end, its case, and its arguments read."""

    call: Line
    end: Line
    case: Line
    arguments: Arguments

    @property
    def verdict(self) -> str:
        """The verdict's name."""
        return str(self.end["verdict"])

    @property
    def observed_shape(self) -> list[int] | None:
        """The observed shape, if a value came out."""
        observed: list[int] | None = self.end.get("observed", {}).get("shape")
        return observed


def shown(records: Records) -> list[Shown]:
    """Every planned call; one without an end is missing, charged to itself if it had started."""
    found = []
    for identifier, call in records.calls.items():
        reason = "it had started when the run ended" if identifier in records.started else "the run ended before it"
        end = records.ends.get(identifier, {"verdict": "missing", "reason": reason, "rules": [], "data": []})
        found.append(Shown(call, end, records.cases[call["case"]], from_record(call["arguments"])))
    return found


def totals(calls: Sequence[Shown]) -> list[tuple[str, int, str]]:
    """Each verdict that occurred: its name, how often, what it means. Failing ones first."""
    counts = Counter(call.verdict for call in calls)
    return [(verdict, counts[verdict], KINDS[verdict]) for verdict in ORDER if counts[verdict]]  # type: ignore[index]


def coverage(calls: Sequence[Shown]) -> str | None:
    """How much of the exhaustive scopes was covered, in a sentence; None where there is none."""
    made: dict[str, set[Arguments]] = {}
    for call in calls:
        if call.case["problems"] and call.verdict not in ("missing", "unsupported"):
            made.setdefault(call.case["key"], set()).add(call.arguments)
    problems = {call.case["key"]: int(call.case["problems"]) for call in calls if call.case["problems"]}
    if not problems:
        return None
    covered = sum(min(2 * len(made.get(key, ())), count) for key, count in problems.items())
    return f"{covered:,} of the {sum(problems.values()):,} axis problems of the exhaustive scopes were covered."


def outcome(calls: Sequence[Shown]) -> str:
    """The outcome in one sentence."""
    counts = Counter(call.verdict for call in calls)
    failing = [f"{counts[verdict]} {verdict}" for verdict in ORDER if verdict in FAILING and counts[verdict]]
    parts = [f"{counts['conforms']:,} of {len(calls):,} calls do what TensorFlow documents"]
    if counts["deviates"]:
        parts.append(f"{counts['deviates']:,} deviate as declared")
    if counts["unsupported"]:
        parts.append(f"{counts['unsupported']:,} are unsupported here")
    parts.append("nothing new" if not failing else "to be looked at: " + ", ".join(failing))
    return "; ".join(parts) + "."


@dataclass(frozen=True)
class Cell:
    """A stride and a rate in a matrix: sizes, and how they compare over the modes."""

    look: str
    documented: str
    observed: str
    note: str
    calls: tuple[str, ...]


@dataclass(frozen=True)
class Matrix:
    """Strides against rates for one entry point, padding, input and filter."""

    door: str
    padding: str
    sizes: str
    rates: tuple[str, ...]
    rows: tuple[tuple[str, tuple[Cell | None, ...]], ...]

    @property
    def deviates(self) -> bool:
        """Whether any of its cells is not as documented."""
        return any(cell is not None and cell.look != "conforms" for _, cells in self.rows for cell in cells)


def matrices(calls: Sequence[Shown]) -> list[Matrix]:
    """A matrix for each group of calls with at least two strides and two rates."""
    groups: dict[tuple[str, str, str], dict[tuple[tuple[int, int], tuple[int, int]], list[Shown]]] = {}
    for call in calls:
        reading = read(call.arguments)
        if reading is None or call.call["relation"] or call.arguments.gradient:
            continue
        strides = (reading.height.stride, reading.width.stride)
        rates = (reading.height.rate, reading.width.rate)
        groups.setdefault(_group(call.arguments), {}).setdefault((strides, rates), []).append(call)
    made = [matrix for key, cells in groups.items() if (matrix := _matrix(key, cells)) is not None]
    return sorted(made, key=lambda matrix: (not matrix.deviates, -len(matrix.rows) * len(matrix.rates)))


def _group(arguments: Arguments) -> tuple[str, str, str]:
    padding = arguments.padding if isinstance(arguments.padding, str) else "padding " + str([list(pair) for pair in arguments.padding])
    sizes = f"input {shape_text(arguments.input.shape)}, filter {shape_text(arguments.filter.shape)}, {arguments.dtype}"
    return arguments.door, padding, sizes + (f", {arguments.data_format}" if arguments.data_format else "")


def _matrix(key: tuple[str, str, str], cells: Mapping[tuple[tuple[int, int], tuple[int, int]], list[Shown]]) -> Matrix | None:
    strides, rates = sorted({stride for stride, _ in cells}), sorted({rate for _, rate in cells})
    if len(strides) < 2 or len(rates) < 2 or len(cells) < 4:
        return None
    rows = tuple(
        (_pair(stride), tuple(_cell(cells[stride, rate]) if (stride, rate) in cells else None for rate in rates)) for stride in strides
    )
    return Matrix(*key, rates=tuple(map(_pair, rates)), rows=rows)


def _pair(pair: tuple[int, int]) -> str:
    return str(pair[0]) if pair[0] == pair[1] else f"{pair[0]},{pair[1]}"


def _cell(calls: Sequence[Shown]) -> Cell:
    worst = min(calls, key=lambda call: ORDER.index(call.verdict))
    first = worst.arguments.data_format == "NCHW"
    documented, observed = worst.call["predicted"]["shape"], worst.observed_shape
    look, note = worst.verdict, worst.verdict
    if worst.verdict not in ("conforms", "missing", "unsupported") and observed is not None and documented == observed:
        look, note = f"{look} hidden", f"{note}: same shape, other values"
    if worst.call["predicted"]["refuses"] and observed is not None:
        note += "; documented: must not be accepted"
    return Cell(
        look.replace("timed out", "timed-out"), _size(documented, first), _observed(worst, first), note, tuple(c.call["id"] for c in calls)
    )


def _size(shape: list[int] | None, first: bool) -> str:
    if shape is None:
        return "none"
    height, width = shape[-2:] if first else shape[-3:-1]
    return f"{height}×{width}"


def _observed(call: Shown, first: bool) -> str:
    if call.observed_shape is not None:
        return _size(call.observed_shape, first)
    observed = call.end.get("observed", {})
    return str(observed.get("signal") or observed.get("error") or "–")


def rules(calls: Sequence[Shown], sentences: Mapping[str, str | None]) -> Iterator[dict[str, Any]]:
    """Each rule with its sentence in the installed documentation, and how many calls support and contradict it."""
    supporting: Counter[str] = Counter()
    contradicting: Counter[str] = Counter()
    reported: dict[str, set[str]] = {}
    for call in calls:
        against = call.end["rules"]
        contradicting.update(against)
        if call.verdict == "conforms":
            supporting.update(call.call["rules"])
        for deviation in call.case["deviations"]:
            if deviation["rule"] in against and deviation["reported"] != "unreported":
                reported.setdefault(deviation["rule"], set()).add(deviation["reported"])
    for rule in RULES.values():
        yield {
            "id": rule.id,
            "symbol": rule.symbol,
            "phrase": rule.phrase,
            "sentence": sentences.get(rule.id),
            "supporting": supporting[rule.id],
            "contradicting": contradicting[rule.id],
            "reported": sorted(reported.get(rule.id, ())),
        }


def payload(calls: Sequence[Shown]) -> dict[str, Any]:
    """What the page's script draws the list and the details from."""
    cases: dict[str, int] = {}
    rows = []
    for call in sorted(calls, key=lambda one: ORDER.index(one.verdict)):
        number = cases.setdefault(call.case["key"], len(cases))
        rows.append(_row(call, number))
    keys = list(cases)
    known = {call.case["key"]: call.case for call in calls}
    kept = ("file", "line", "id", "notes", "references", "expect", "deviations")
    return {"cases": [{name: known[key][name] for name in kept} for key in keys], "calls": rows}


def _row(call: Shown, case: int) -> dict[str, Any]:
    end, predicted = call.end, call.call["predicted"]
    return {
        "id": call.call["id"],
        "case": case,
        "op": call.arguments.op,
        "mode": call.call["mode"],
        "dtype": call.arguments.dtype,
        "via": call.arguments.door,
        "relation": call.call["relation"],
        "verdict": call.verdict,
        "reason": end["reason"],
        "rules": call.call["rules"],
        "against": end["rules"],
        "refuses": predicted["refuses"],
        "formula": predicted["shape"],
        "observed": end.get("observed"),
        "difference": end.get("difference"),
        "warnings": end.get("warnings", []),
        "seconds": end.get("seconds"),
        "python": reproduction(call.arguments, call.call["mode"], end["data"][0]) if end["data"] else "",
    }
