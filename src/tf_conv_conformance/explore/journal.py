"""What exploring leaves: a line a block in `explored.jsonl`, the files of each cause, the coverage, and a summary in the terminal."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from tf_conv_conformance.explore.block import FOLDER
from tf_conv_conformance.explore.coverage import Coverage
from tf_conv_conformance.explore.found import Found, keep
from tf_conv_conformance.explore.judging import KINDS
from tf_conv_conformance.plugin import options

LINES, COVERAGE = "explored.jsonl", "coverage.json"
Line = Mapping[str, Any]


def done(reports: Path) -> list[dict[str, Any]]:
    """The blocks that were explored in earlier runs; a line that was cut off is none. Raises ``pytest.UsageError``."""
    path = reports / FOLDER / LINES
    found = []
    try:
        for text in path.read_text(encoding="utf-8").splitlines():
            try:
                found.append(json.loads(text))
            except ValueError:
                continue
    except FileNotFoundError:
        return []
    except OSError as error:
        raise pytest.UsageError(f"--tf-resume: cannot read {path}: {error.strerror}") from error
    return [line for line in found if isinstance(line, dict) and "codes" in line]


class Journal:
    """Gathers in the one process, or in xdist's controller, what the blocks came to."""

    def __init__(self, config: pytest.Config, carried: list[dict[str, Any]]) -> None:
        """Write nothing before a block has ended. Raises ``pytest.UsageError`` if the folder cannot be written."""
        self._config = config
        self._folder = options.reports(config) / FOLDER
        self._carried = carried
        self._begun = False
        self._lines: list[Line] = []
        self._coverage = Coverage()
        self._found: dict[str, tuple[Found, Path]] = {}
        self._seconds = 0.0
        self._skipped = 0
        options.check_reports_folder(self._folder, 0)
        for line in carried:
            self._count(line)

    def _begin(self) -> None:
        """Begin the file of lines, with those of an earlier run. Raises OSError."""
        if not self._begun:
            self._folder.mkdir(parents=True, exist_ok=True)
            (self._folder / LINES).write_text(
                "".join(json.dumps(line) + "\n" for line in self._carried), encoding="utf-8"
            )
            self._begun = True

    def _count(self, line: Line) -> None:
        self._lines.append(
            {key: line[key] for key in ("calls", "kinds", "known", "causes", "tensorflow")}
        )
        self._coverage.add(line["codes"])
        self._seconds += line["seconds"]

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """A block has ended."""
        if (
            report.skipped
            and report.nodeid.startswith("explore::")
            and "--tf-explore-minutes" in str(report.longrepr)
        ):
            self._skipped += 1
        explored = getattr(report, "tf_conv_explored", None)
        if explored is None:
            return
        del report.tf_conv_explored  # pytest keeps the reports of a run until its end
        try:
            self._begin()
            for one in explored["found"]:
                kept = Found(**one)
                self._found[kept.name] = kept, keep(self._folder, kept)
            with (self._folder / LINES).open("a", encoding="utf-8") as file:
                file.write(json.dumps(explored["line"]) + "\n")
        except OSError as error:
            pytest.exit(
                f"--tf-reports: cannot write {self._folder}: {error.strerror}",
                returncode=pytest.ExitCode.INTERNAL_ERROR,
            )
        self._count(explored["line"])

    @pytest.hookimpl(tryfirst=True)
    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        """Write the coverage. A resumed run fails if the blocks that it does not make again failed."""
        if self._carried:
            self._begin()  # perhaps nothing was left but to end the files
        if self._begun:
            (self._folder / COVERAGE).write_text(
                json.dumps(self._coverage.plain(), indent=1) + "\n", encoding="utf-8"
            )
        failing = any(line["causes"] or line["kinds"].get("unjudged") for line in self._carried)
        if failing and session.exitstatus in (
            pytest.ExitCode.OK,
            pytest.ExitCode.NO_TESTS_COLLECTED,
        ):
            session.exitstatus = pytest.ExitCode.TESTS_FAILED

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        """Say what the calls came to, what was found, and what was covered."""
        lines = list(self.summary()) if self._lines or self._skipped else []
        if lines:
            terminalreporter.section("exploration of TensorFlow's convolutions")
        for line in lines:
            terminalreporter.line(line)

    def summary(self) -> Iterator[str]:
        """The lines of the summary."""
        kinds = _summed(self._lines, "kinds")
        made = kinds.total() - kinds["spared"]
        yield f"{made:,} calls in {self._seconds:,.0f} s of blocks, {made / max(self._seconds, 1e-9):.0f} a second"
        if self._skipped:
            yield f"{self._skipped:,} blocks not made: the minutes of --tf-explore-minutes were over; --tf-resume goes on with them"
        yield from (
            f"  {kinds[kind]:>7,} {kind}: {words}" for kind, words in KINDS.items() if kinds[kind]
        )
        yield from self._of_known()
        yield from self._of_causes()
        yield from self._of_coverage()
        if self._begun:
            yield f"lines of blocks: {self._folder / LINES}"

    def _of_known(self) -> Iterator[str]:
        by_rule: Counter[str] = Counter()
        for known, count in _summed(self._lines, "known").items():
            by_rule[known.partition(" ")[0]] += count
        if by_rule:
            yield "known deviations, by rule:"
            yield from (f"  {count:>7,} {rule}" for rule, count in by_rule.most_common())

    def _of_causes(self) -> Iterator[str]:
        causes = _summed(self._lines, "causes")
        yield f"new causes: {len(causes)}"
        paths = {path.stem.rpartition("-")[2]: path for path in sorted(self._folder.glob("*.yaml"))}
        titles = {one.name.rpartition("-")[2]: one.title for one, _ in self._found.values()}
        for signature, count in causes.most_common():
            path = paths.get(signature)
            said = titles.get(signature) or (
                path.read_text(encoding="utf-8").splitlines()[0].removeprefix("# ")
                if path
                else signature
            )
            yield f"  {count:>7,} {said}"
            if path is not None:
                yield f"          {_call_of(path)}"
                yield f"          {path}"

    def _of_coverage(self) -> Iterator[str]:
        yield f"coverage of the argument space, calls a class ({self._folder / COVERAGE}):"
        for name, classes in self._coverage.classes().items():
            yield f"  {name + ':':<21} {', '.join(f'{one} {count:,}' for one, count in classes.items())}"
        never = {names: pairs for names, pairs in self._coverage.never().items() if pairs}
        count = sum(map(len, never.values()))
        yield f"  pairs of classes never met: {count:,} of {self._coverage.pairs():,}"
        for (one, other), pairs in sorted(never.items(), key=lambda item: -len(item[1]))[:5]:
            shown = ", ".join(f"{a} × {b}" for a, b in pairs[:4])
            yield f"    {one} × {other}: {len(pairs)}, such as {shown}"


def _call_of(path: Path) -> str:
    """The call of a kept case on one line."""
    lines = [
        line.strip(" -")
        for line in path.read_text(encoding="utf-8").splitlines()
        if not line.startswith("#")
    ]
    keys = lines[
        2 : next((number for number, line in enumerate(lines) if line == "deviations:"), len(lines))
    ]
    return ", ".join(keys)


def _summed(lines: list[Line], key: str) -> Counter[str]:
    found: Counter[str] = Counter()
    for line in lines:
        found.update(line[key])
    return found
