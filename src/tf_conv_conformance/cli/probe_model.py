"""Make the calls of a model's cases, and print them with what is known of each."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from tf_conv_conformance.casefile.writer import flow, item_text
from tf_conv_conformance.cli.case_options import command
from tf_conv_conformance.cli.console import heading, indented, pairs, verbatim
from tf_conv_conformance.cli.known import Explained, explained, shipped_deviations
from tf_conv_conformance.cli.model_cases import ModelCase, Uncovered
from tf_conv_conformance.cli.probe import STYLES, make_calls
from tf_conv_conformance.cli.sections import documentation_rows
from tf_conv_conformance.convolution.arguments import as_lists, in_channels_of, in_groups
from tf_conv_conformance.convolution.names import CONVERTED_MODES, Mode
from tf_conv_conformance.convolution.quantity import quantity
from tf_conv_conformance.prediction.conversion import conversion
from tf_conv_conformance.prediction.rules.catalogue import broken
from tf_conv_conformance.records.series import subject_text
from tf_conv_conformance.report.escape import plain
from tf_conv_conformance.subject.interface import Subject
from tf_conv_conformance.subject.model_file import ModelFile
from tf_conv_conformance.verdict.comparison import ending
from tf_conv_conformance.verdict.suggestion import Results

GROUPS = (
    "Keras's layer Conv2D documents them. The graph only has the operator Conv2D, and its "
    "documentation (tf.nn.conv2d) does not."
)


@dataclass(frozen=True)
class ModelResult:
    """The calls of a case, with the deviations that explain them; no results of a large case."""

    case: ModelCase
    results: Results
    explained: Explained

    @property
    def failing(self) -> bool:
        """Whether one of the calls fails."""
        return any(one.verdict.failing for one in self.results.values())

    @property
    def groups(self) -> int | None:
        """The groups of a convolution that has several."""
        arguments = self.case.written.arguments
        channels, (own, out) = in_channels_of(arguments), arguments.filter.shape[-2:]
        if arguments.op != "conv2d" or channels == own or not in_groups(channels, own, out):
            return None
        return channels // own

    @property
    def has_undocumented_groups(self) -> bool:
        """Whether the call has groups, which its rules refuse, unlike those of Keras's layer."""
        rules = [rule.id for rule in broken(self.case.written.arguments)]
        return self.groups is not None and rules == ["conv2d.in-channels"]

    @property
    def is_undocumented(self) -> bool:
        """Whether the call breaks a rule, or fails: its result is not the documented one."""
        return self.failing or bool(broken(self.case.written.arguments))

    @property
    def fails_in(self) -> tuple[Mode, ...]:
        """The modes of converted models in which alone a documented call fails."""
        modes = tuple(mode for mode, one in self.results.items() if one.verdict.failing)
        is_documented = not broken(self.case.written.arguments)
        return modes if is_documented and set(modes) <= set(CONVERTED_MODES) else ()


def make_all(cases: Sequence[ModelCase], subject: Subject) -> list[ModelResult]:
    """Make the calls of all cases, except of large ones."""
    results = [{} if case.is_large else make_calls(case.written, subject) for case in cases]
    any_fails = any(one.verdict.failing for each in results for one in each.values())
    known = shipped_deviations() if any_fails else ()
    return [
        ModelResult(case, each, explained(case.written, each, subject.subject, known))
        for case, each in zip(cases, results, strict=True)
    ]


def case_file(name: str, results: Sequence[ModelResult]) -> str:
    """Return the text of a case file with the convolutions of a model."""
    about = f"The convolutions of {name}, as `tf-conv-conformance probe` read them."
    items = [item_text(one.case.written.case, one.explained.deviations) for one in results]
    return f"about: {flow(about)}\ncases:\n" + "\n\n".join(items) + "\n"


def print_model(
    to: Console,
    model: ModelFile,
    results: Sequence[ModelResult],
    uncovered: Sequence[Uncovered],
    subject: Subject,
) -> bool:
    """Print the convolutions of a model. Return whether no call fails and one was made."""
    inputs = ", ".join(f"{plain(name)} {flow(shape)}" for name, shape in model.inputs)
    of = ("model", f"a {model.format} with the input {inputs}")
    modes = dict.fromkeys(mode for one in results for mode in one.results)
    made_in = [("modes", ", ".join(modes))] if modes else []
    indented(to, pairs(of, ("subject", subject_text(subject.subject)), *made_in))
    heading(to, _count(results))
    if results:
        indented(to, _table(results, modes))
    if lacking := list(_lacking(results)):
        indented(to, pairs(*lacking))
    for result in results:
        if result.is_undocumented or conversion(result.case.written.arguments) is not None:
            heading(to, ", ".join(map(plain, result.case.names)))
            indented(to, pairs(*_about(result, subject)))
            modes_all = " --modes all" if result.fails_in else ""
            verbatim(to, command(result.case.written, "probe") + modes_all, indent=2)
    if uncovered:
        heading(to, "Not covered")
        rows = [(plain(one.name), plain(f"{one.type}: {one.why}")) for one in uncovered]
        indented(to, pairs(*dict.fromkeys(rows)))
    made = any(one.results for one in results)
    return made and not any(result.failing for result in results)


def _count(results: Sequence[ModelResult]) -> str:
    """Return how many convolutions there are, and how many rest on what is not documented."""
    if not results:
        return "No convolution of which a case is made"
    count = sum(len(result.case.names) for result in results)
    converted = [one for one in results if one.fails_in]
    undocumented = sum(
        len(one.case.names) for one in results if one.is_undocumented and not one.fails_in
    )
    rest = "rest" if undocumented > 1 else "rests"
    number = f"{undocumented:,}" if undocumented else "none"
    text = f"{quantity(count, 'convolution')}, of which {number} {rest} on undocumented behaviour"
    grouped = sum(len(one.case.names) for one in results if one.has_undocumented_groups)
    only = f" ({grouped:,} only for groups, which Keras's layer documents)"
    if grouped:
        text += only
    if converted:
        failing = sum(len(one.case.names) for one in converted)
        modes = dict.fromkeys(mode for one in converted for mode in one.fails_in)
        text += f", and {failing:,} {'fail' if failing > 1 else 'fails'} only in {', '.join(modes)}"
    return text


def _lacking(results: Sequence[ModelResult]) -> Iterator[tuple[str, str]]:
    """Yield why calls are unsupported, and what to install, by mode."""
    reasons: dict[str, dict[str, None]] = {}
    for result in results:
        for mode, one in result.results.items():
            if one.verdict.kind == "unsupported":
                reasons.setdefault(one.verdict.reason, {})[mode] = None
    yield from ((", ".join(modes), reason) for reason, modes in reasons.items())


def _table(results: Sequence[ModelResult], modes: Collection[str]) -> Table:
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False)
    columns = [_cells(result, modes) for result in results]
    shown = [name for name in columns[0] if any(one[name] != "" for one in columns)]
    for title in shown:
        table.add_column(title, overflow="fold")
    for cells in columns:
        table.add_row(*(cells[title] for title in shown))
    return table


def _cells(result: ModelResult, modes: Collection[str]) -> dict[str, str | Text]:
    """Return the cells of a row by their titles; columns that are empty in all rows are left out.

    Groups are of a convolution alone.
    """
    arguments, verdict = result.case.written.arguments, _verdict(result, modes)
    padding, rate = arguments.padding, arguments.dilations
    transposed = arguments.upstream  # the input of the layer, whose output is the case's
    return {
        "name": ", ".join(map(plain, result.case.names)),
        "operator": f"{arguments.op}, transposed" if transposed else arguments.op,
        "input": _short(transposed or arguments.input.shape),
        "filter": _short(arguments.filter.shape),
        "groups": str(result.groups or ""),
        "strides": _short(arguments.strides),
        "rate": "" if rate is None else _short(rate),
        "padding": padding if isinstance(padding, str) else flow(as_lists(padding)),
        "verdict": Text(verdict, STYLES.get(verdict.removesuffix(", known"), "yellow")),
    }


def _short(numbers: Any) -> str:
    return ",".join(map(str, numbers)) if isinstance(numbers, tuple) else str(numbers)


def _verdict(result: ModelResult, modes: Collection[str]) -> str:
    """Return the verdicts in a few words; `modes` are those of all convolutions of the model."""
    if not result.results:
        return "not made, it is large"
    ended: dict[str, list[str]] = {}
    for mode, one in result.results.items():
        ended.setdefault(one.verdict.kind, []).append(mode)
    parts = [f"{kind} in {', '.join(own)}" for kind, own in ended.items()]
    missing = [mode for mode in modes if mode not in result.results]
    if len(parts) == 1 and not missing:
        parts = list(ended)
    if missing:  # a case of a transposed convolution has no converted modes
        parts.append(f"not called in {', '.join(missing)}")
    return "; ".join(parts) + (", known" if result.explained.deviations else "")


def _about(result: ModelResult, subject: Subject) -> Iterator[tuple[str, str]]:
    """Yield what the documentation says about a call, what was observed, and where it is known."""
    arguments = result.case.written.arguments
    yield from documentation_rows(arguments, subject.documentation)
    if result.has_undocumented_groups:
        yield "groups", GROUPS
    ends: dict[str, list[str]] = {}
    for mode, one in result.results.items():
        if one.observation is not None:
            # Why a call should be refused is said above.
            reason = "" if broken(arguments) else f": {one.verdict.reason}"
            text = f"{one.verdict.kind}, {ending(one.observation)}{reason}"
            ends.setdefault(text, []).append(mode)
    yield from (("observed", f"{', '.join(modes)}: {text}") for text, modes in ends.items())
    yield from _known_rows(result.explained.deviations, result)


def _known_rows(
    deviations: Sequence[Mapping[str, Any]], result: ModelResult
) -> Iterator[tuple[str, str]]:
    if deviations:
        reports = [str(one["reported"]) for one in deviations if one["reported"] != "unreported"]
        places = "; ".join(result.explained.where)
        yield "known", ", ".join(dict.fromkeys([places, *reports]))
    elif result.failing:
        yield "known", "no: no shipped deviation explains this, so the case fails in pytest"
