"""The command ``probe``: make one call on TensorFlow in several modes, and explain the results."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Mapping
from contextlib import closing
from pathlib import Path
from typing import Any

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from tf_conv_conformance.casefile.call import Call
from tf_conv_conformance.casefile.writer import WrittenCase, flow
from tf_conv_conformance.cli.case_options import command
from tf_conv_conformance.cli.console import INDENT, heading, indented, pairs, verbatim, working
from tf_conv_conformance.cli.new_file import check_new, write_new
from tf_conv_conformance.cli.question import read_question
from tf_conv_conformance.cli.sections import documentation_rows, tensor_rows
from tf_conv_conformance.convolution.invocation import source, source_in_company
from tf_conv_conformance.convolution.quantity import quantity
from tf_conv_conformance.convolution.static_shape import StaticShape
from tf_conv_conformance.prediction.exclusions import listed
from tf_conv_conformance.prediction.models import DOCUMENTED
from tf_conv_conformance.prediction.predict import predict
from tf_conv_conformance.prediction.reproduction import python
from tf_conv_conformance.prediction.rules.rule import DOCUMENTED_SYMBOLS
from tf_conv_conformance.records.lines import end_line
from tf_conv_conformance.records.schema import EndLine
from tf_conv_conformance.records.series import subject_text
from tf_conv_conformance.report.agreement import agreement, likenesses
from tf_conv_conformance.subject.gateway import Gateway
from tf_conv_conformance.subject.interface import Subject
from tf_conv_conformance.subject.observation import Observation
from tf_conv_conformance.subject.output import without_stacks
from tf_conv_conformance.verdict.comparison import ending
from tf_conv_conformance.verdict.explanation import explaining_model, model_difference
from tf_conv_conformance.verdict.kinds import Kind
from tf_conv_conformance.verdict.message import arm_of, first_difference
from tf_conv_conformance.verdict.perform import CallResult, perform
from tf_conv_conformance.verdict.suggestion import Results, explaining, suggest

KEEP = "The case, to keep as cases/NAME.yaml"
MESSAGE_LINES = 12  # of what TensorFlow printed or raised
CELL = 90  # characters of an outcome in the table
SHOWN_FIRST: tuple[Kind, ...] = (
    "crashed",
    "timed out",
    "flaky",
    "violates",
    "vacuous",
    "suite error",
    "refused",
    "conforms",
    "unsupported",
)
"""The verdicts that a probed call can get, the one to reproduce first at the beginning."""
STYLES = {
    "conforms": "green",
    "refused": "cyan",
    "violates": "red",
    "crashed": "red",
    "timed out": "red",
}


def probe_call(
    to: Console, options: Mapping[str, str | None], output: Path | None, timeout: float
) -> bool:
    """Probe the call that the options describe. Return whether it fails in no mode.

    Raises ``OptionError``, and ``SubjectUnavailableError``.
    """
    check_new(output)
    case = read_question(to, options)
    with closing(Gateway(DOCUMENTED_SYMBOLS, timeout)) as subject:
        with working("Running TensorFlow …"):
            results = make_calls(case, subject)
        return print_results(to, case, results, subject, output)


def make_calls(case: WrittenCase, subject: Subject) -> Results:
    """Make the calls of a case.

    Raises ``SubjectUnavailableError`` if TensorFlow does not start again after a crash.
    """
    return {call.mode: perform(call, subject) for call in case.calls}


def print_results(
    to: Console,
    case: WrittenCase,
    results: Results,
    subject: Subject,
    output: Path | None = None,
) -> bool:
    """Print the results of the calls, and explain them. Write the case to a file, if there is one.

    Return whether no call fails and at least one was made.
    """
    program = source(case.arguments)
    if case.arguments.in_company:
        program += source_in_company(case.arguments)
    verbatim(to, "\n".join(program), indent=INDENT)
    indented(to, pairs(*tensor_rows(case.arguments), ("subject", subject_text(subject.subject))))
    heading(to, "What the documentation says")
    indented(to, pairs(*documentation_rows(case.arguments, subject.documentation)))
    heading(to, "What was observed")
    indented(to, _table(case, results))
    if executed := list(_executed(case, results)):
        heading(to, "What the graph was made into")
        indented(to, pairs(*executed))
    if agreeing := list(_agreement(case, results)):
        heading(to, "Who agrees with whom")
        indented(to, pairs(*agreeing))
    for call, modes in _alike(case, results):
        heading(to, f"Why: {', '.join(modes)}")
        indented(to, pairs(*_why(call, results[call.mode])))
    heading(to, "The arithmetic, and a picture of the input of an element")
    to.print()
    verbatim(to, command(case, "explain"))
    _to_keep(to, case, results, subject.subject, output)
    failing = any(result.verdict.failing for result in results.values())
    return not failing and any(result.observation is not None for result in results.values())


def _table(case: WrittenCase, results: Results) -> Table:
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False)
    for title in ("mode", "verdict", "observed", "off by at most", "warnings"):
        table.add_column(title, overflow="fold")
    for call in case.calls:
        kind, observation = results[call.mode].verdict.kind, results[call.mode].observation
        cells = ("–", "–", "–") if observation is None else _cells(call, observation)
        table.add_row(call.mode, Text(kind, STYLES.get(kind, "yellow")), *map(Text, cells))
    return table


def _executed(case: WrittenCase, results: Results) -> Iterator[tuple[str, str]]:
    """Yield the operations of the graph that was executed, by the mode."""
    for call in case.calls:
        observation = results[call.mode].observation
        for answer in observation.answers[:1] if observation is not None else ():
            if answer.operations:
                yield call.mode, ", ".join(answer.operations)


def _cells(call: Call, observation: Observation) -> tuple[str, str, str]:
    warned = ", ".join(dict.fromkeys(warned.category for warned in observation.warnings))
    observed = textwrap.shorten(ending(observation), CELL, placeholder=" …") + _static(observation)
    return observed, _largest(call, observation), warned or "none"


def _static(observation: Observation) -> str:
    """Return what was known of the shape before the call, if that is not the shape itself.

    A Keras layer does not know the batch.
    """
    texts = []
    for answer in observation.answers[:1]:
        for name, known in answer.known.items():
            usual = answer.shape if name == "static" else (None, *(answer.shape or ())[1:])
            if known != usual:
                text = known if isinstance(known, str) else StaticShape(known)
                texts.append(f", {name} shape {text}")
    return "".join(texts)


def _agreement(case: WrittenCase, results: Results) -> Iterator[tuple[str, str]]:
    """Yield each result with the modes that have it; nothing if all modes agree."""
    ends = [(call.mode, _end(call, results[call.mode])) for call in case.calls]
    groups = agreement(ends)
    if len(groups) < 2:
        return
    for group in groups:
        observed = results[group.modes[0]].observation
        assert observed is not None  # only calls that were made agree
        text = textwrap.shorten(ending(observed), CELL, placeholder=" …")
        yield group.result, f"{', '.join(group.modes)}: {text}"


def _end(call: Call, result: CallResult) -> EndLine:
    """Return the end of a call as a record file has it."""
    prediction = predict(call.arguments)
    return end_line(call.name, call, prediction, result.verdict, result.observation, None)


def _largest(call: Call, observation: Observation) -> str:
    """Return the largest distance from the values of the documented formula."""
    failed = any(answer.error is not None for answer in observation.answers)
    if observation.kind != "answered" or failed:
        return "–"
    if not predict(call.arguments).has_values(DOCUMENTED):
        return "no formula"
    difference = model_difference(DOCUMENTED, predict(call.arguments), observation)
    if difference is None:
        return "within the bound" if "reals" in call.arguments.data else "0"
    if difference.aspect != "values":
        return f"another {difference.aspect}"
    return "not finite" if difference.largest is None else f"{difference.largest:g}"


def _alike(case: WrittenCase, results: Results) -> list[tuple[Call, list[str]]]:
    """Return the first call with each verdict, reason and result, and the modes that share them."""
    groups: dict[tuple[object, ...], tuple[Call, list[str]]] = {}
    ends = [_end(call, results[call.mode]) for call in case.calls]
    alike = likenesses([(call.mode, end) for call, end in zip(case.calls, ends, strict=True)])
    for call, end, likeness in zip(case.calls, ends, alike, strict=True):
        key = (end["verdict"], end["reason"], *likeness)
        groups.setdefault(key, (call, []))[1].append(call.mode)
    return list(groups.values())


def _why(call: Call, result: CallResult) -> Iterator[tuple[str, str]]:
    verdict, observation = result.verdict, result.observation
    yield verdict.kind, verdict.reason
    if observation is None:
        return
    for answer in observation.answers[:1]:
        if answer.error is not None:
            yield answer.error, _shortened(answer.message) or "(no message)"
    yield from ((warned.category, _shortened(warned.message)) for warned in observation.warnings)
    if observation.kind == "crashed" and observation.last_output:
        yield "printed", _shortened(without_stacks(observation.last_output))
    if observation.kind == "suite error" and observation.last_output:
        yield "printed", observation.last_output  # the traceback shows where the suite failed
    if verdict.excluded:
        yield "excluded", listed(verdict.excluded)
    if not verdict.failing:
        return
    yield from first_difference(predict(call.arguments), verdict, observation, call.mode)
    explained = explaining_model(predict(call.arguments), observation, call.mode)
    if explained is None and (plain := next(explaining(call, observation), None)) is not None:
        yield "explained", "by " + ", ".join(f"{name} {flow(one)}" for name, one in plain.items())


def _shortened(text: str) -> str:
    lines = text.strip().splitlines()
    more = (
        [f"… and {quantity(left, 'more line')}"] if (left := len(lines) - MESSAGE_LINES) > 0 else []
    )
    return "\n".join([*lines[:MESSAGE_LINES], *more])


def _to_keep(
    to: Console,
    case: WrittenCase,
    results: Results,
    subject: Mapping[str, Any],
    output: Path | None,
) -> None:
    """Print the call as Python, and the case as YAML."""
    call = min(case.calls, key=lambda call: SHOWN_FIRST.index(results[call.mode].verdict.kind))
    prediction = predict(call.arguments)
    arm = prediction.arms[arm_of(prediction, results[call.mode].verdict)]
    heading(to, f"The call in Python ({call.mode}, {arm.name.replace('_', ' ')})")
    to.print()
    verbatim(to, python(call.arguments, call.mode, arm))
    suggestion = suggest(case, results, subject)
    if output is not None:
        write_new(output, suggestion.text)
    heading(to, f"The case, written to {output}" if output else KEEP)
    indented(to, Text(f"Run by pytest, {suggestion.outlook}."))
    to.print()
    verbatim(to, suggestion.text)
