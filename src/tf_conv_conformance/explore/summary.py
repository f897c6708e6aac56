"""Summarize an exploration for the terminal."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import yaml

from tf_conv_conformance.casefile.writer import flow
from tf_conv_conformance.convolution.quantity import quantity
from tf_conv_conformance.explore import coverage
from tf_conv_conformance.explore.judgement import JUDGEMENT_KINDS
from tf_conv_conformance.explore.totals import Totals


def summary(totals: Totals, skipped: int, folder: Path) -> Iterator[str]:
    """Yield the lines of the summary. `folder` has the files of the causes."""
    made = totals.kinds.total() - totals.kinds["spared"]
    rate = made / max(totals.seconds, 1e-9)
    yield f"{quantity(made, 'call')} in {totals.seconds:,.0f} s of blocks, {rate:.0f} per second"
    if skipped:
        yield (
            f"blocks not run: {skipped:,}; the time of --tf-explore-minutes was up, and "
            "--tf-resume runs them"
        )
    for kind, words in JUDGEMENT_KINDS.items():
        if totals.kinds[kind]:
            yield f"  {totals.kinds[kind]:>7,} {kind}: {words}"
    yield from _known(totals.known)
    yield from _causes(totals.causes, folder)
    yield from _coverage(totals.codes)


def _known(known: Counter[str]) -> Iterator[str]:
    by_rule: Counter[str] = Counter()
    for deviation, count in known.items():
        by_rule[deviation.partition(" ")[0]] += count
    if by_rule:
        yield "known deviations, by rule:"
    for rule, count in by_rule.most_common():
        yield f"  {count:>7,} {rule}"


def _causes(causes: Counter[str], folder: Path) -> Iterator[str]:
    yield f"new causes: {len(causes)}"
    paths = {path.stem.rpartition("-")[2]: path for path in sorted(folder.glob("*.yaml"))}
    for signature, count in causes.most_common():
        path = paths.get(signature)
        if path is None:
            yield f"  {count:>7,} {signature}"
            continue
        text = path.read_text(encoding="utf-8")
        title = text.partition("\n")[0].removeprefix("# ")
        (case,) = yaml.safe_load(text)["cases"]
        call = {key: value for key, value in case.items() if key not in ("id", "deviations")}
        yield f"  {count:>7,} {title}"
        yield f"          {flow(call).strip('{}')}"
        yield f"          {path}"


def _coverage(codes: Counter[str]) -> Iterator[str]:
    yield "coverage of the argument space, calls per class (coverage.json):"
    for name, classes in coverage.counts(codes).items():
        counted = ", ".join(f"{one} {count:,}" for one, count in classes.items())
        yield f"  {name + ':':<21} {counted}"
    never = {names: pairs for names, pairs in coverage.never_met(codes).items() if pairs}
    count = sum(map(len, never.values()))
    yield f"  pairs of classes that never occurred: {count:,} of {coverage.pair_count():,}"
    for (one, other), pairs in sorted(never.items(), key=lambda item: -len(item[1]))[:5]:
        shown = ", ".join(f"{a} × {b}" for a, b in pairs[:4])
        yield f"    {one} × {other}: {len(pairs)}, such as {shown}"
