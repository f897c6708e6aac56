"""What the terminal shows of a run: what is tested at the beginning, failures that differ in
nothing but the mode once.
"""

import os
import pty
import re
import subprocess
import sys
import xml.etree.ElementTree as ElementTree
from collections import Counter
from contextlib import suppress

import pytest

from support.faulty_runs import FAULTY, WORKERS, cases
from tf_conv_conformance.records.series import heading, instruction_set

IN_CI = ("CI", "BUILD_NUMBER")
SUBJECT = "faulty: TensorFlow 2.21.0 (faulty), oneDNN off, x86_64, CPU"
CASES = """
defaults: {op: conv2d, filter: [1, 1, 1, 1], strides: 1, padding: SAME}
cases:
  - {id: value, input: [1, 9, 7, 1]}
  - {id: good, input: [1, 9, 6, 1]}
  - {id: crash, input: [1, 10, 7, 1], modes: [eager, xla]}
"""
VALUE = (
    "violates: 63 of 63 values differ by up to 1; first at [0, 0, 0, 0]: -9145690, not "
    "-9145691 as predicted (wide integers)"
)


@pytest.fixture
def run(pytester, monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")
    for name in IN_CI:
        monkeypatch.delenv(name, raising=False)
    (pytester.mkdir("cases") / "a.yaml").write_text(CASES, encoding="utf-8")

    def run(*options):
        return pytester.runpytest_inprocess("--tf-subject", FAULTY, *options)

    return run


def failures(result):
    """The lines of each failure, by the name of its test."""
    text = result.stdout.str().partition("= FAILURES =")[2].partition("= TensorFlow convolution")[0]
    found = {}
    for line in text.splitlines()[1:]:
        if line.startswith("___"):
            lines = found[line.strip("_ ").partition(" ")[0]] = []
        elif found and not line.startswith("[gw"):
            lines.append(line)
    return {
        name: lines[:-1] if lines and not lines[-1].strip("= ") else lines
        for name, lines in found.items()
    }


@pytest.mark.parametrize("workers", WORKERS)
def test_modes_that_fail_alike_are_shown_once(run, pytester, workers):
    result = run("cases", workers, "--junitxml=out.xml")
    result.assert_outcomes(passed=3, failed=5)
    shown = failures(result)
    for case in ("value", "crash"):
        whole, *others = [name for name in shown if name.startswith(case)]
        modes = "eager and xla" if case == "crash" else "eager, graph and xla"
        assert shown[whole][1] == f"  modes      {modes}"
        assert shown[whole][-1].strip() == "print(y.numpy())"
        assert [shown[name] for name in others] == [
            [shown[whole][0], f"  the same as {whole} above"]
        ] * len(others)
    failed = [line for line in result.outlines if line.startswith("FAILED")]
    assert len(failed) == 5
    assert sum("violates: 63 of 63 values differ " in line for line in failed) == 3
    assert all("crashed: the process died " in line for line in failed if "::crash" in line)
    texts = {
        case.get("name"): case.find("failure")
        for case in ElementTree.parse("out.xml").getroot().iter("testcase")
    }
    for mode in ("eager", "graph", "xla"):
        assert texts[f"value[faulty-{mode}]"].get("message") == VALUE
        assert texts[f"value[faulty-{mode}]"].text.rstrip().endswith("print(y.numpy())")
        assert "  modes " not in texts[f"value[faulty-{mode}]"].text
    assert result.outlines.count(SUBJECT) == 1
    collected = next(
        place
        for place, line in enumerate(result.outlines)
        if line.startswith(("collected", "2 workers"))
    )
    assert (result.outlines.index(SUBJECT) == collected + 1) == (workers == "-n0")


@pytest.mark.slow
def test_what_is_asked_for_of_a_failure_is_shown(run, pytester):
    """Each mode alone; a line of each; all but the program; nothing; and no terminal at all."""
    result = run("cases/a.yaml::value[faulty-graph]", "--tb=short", "-q")
    lines = failures(result)["value[faulty-graph]"]
    assert lines[:2] == [VALUE, "  case       cases/a.yaml:4 value[graph]"]
    assert not any("to paste and run" in line for line in lines)
    assert SUBJECT not in result.outlines, "with -q"
    result = run("cases", "-k", "value", "--tb=line", "-vv")
    assert result.outlines.count(f"cases/a.yaml:4: {VALUE}") == 3
    assert [line for line in result.outlines if line.startswith("FAILED")] == [
        f"FAILED cases/a.yaml::value[faulty-{mode}] - {VALUE}" for mode in ("eager", "graph", "xla")
    ]
    assert not any(line.startswith("  case ") for line in result.outlines)
    assert not any(
        line.startswith("  case ") for line in run("cases", "-k", "value", "--tb=no").outlines
    )
    assert run("cases", "-k", "value", "-p", "no:terminal").ret == 1
    result = run("cases", "-x")
    assert list(failures(result)) == ["value[faulty-eager]"]
    assert not any(line.startswith("  modes ") for line in result.outlines)


def test_a_run_without_calls_names_nothing(run, pytester):
    """No call is selected, none is made, none is there: no TensorFlow is waited for."""
    for options in (["cases", "-k", "nosuch"], ["cases", "--collect-only"]):
        assert SUBJECT not in run(*options).outlines
    pytester.makepyfile("def test_x(): pass")
    assert "TensorFlow" not in "\n".join(run("test_a_run_without_calls_names_nothing.py").outlines)


@pytest.mark.parametrize(
    ("flags", "said"),
    [
        ([], None),
        (["fma"], None),
        (["avx"], "AVX"),
        (["avx", "avx2", "fma"], "AVX2"),
        (["avx", "avx2", "avx512f"], "AVX-512"),
        (
            ["avx2", "avx512f", "avx512_bf16", "avx512_fp16", "amx_tile", "amx_int8"],
            "AVX-512 + BF16 + FP16 + AMX",
        ),
        (["asimd"], "NEON"),
        (["asimd", "sve"], "SVE"),
    ],
)
def test_the_instruction_set_in_words(flags, said):
    assert instruction_set(flags) == said


def test_a_subject_in_a_line():
    facts = {
        "tensorflow": "2.4.4",
        "git_version": "",
        "onednn": None,
        "cpu": {"flags": []},
        "machine": "arm64",
        "device": "gpu",
    }
    assert heading(facts) == "TensorFlow 2.4.4, oneDNN unknown, arm64, GPU"


LONG = """
cases:
  - id: a-case-with-an-id-that-is-long
    op: conv2d
    input: [1, 9, 7, 1]
    filter: [1, 1, 1, 1]
    strides: 1
    padding: SAME
    modes: eager
"""


def detail(text):
    """The lines of a failure's details, without the program below them."""
    return text.partition("  case       ")[2].partition("  the call, to paste")[0].splitlines()


def on_terminal(*options, **environment):
    """Runs pytest on a terminal, outside of CI; its exit status, and all that it wrote."""
    terminal, standard_output = pty.openpty()
    command = [sys.executable, "-m", "pytest", "--tf-subject", FAULTY, *options]
    outside = {name: text for name, text in os.environ.items() if name not in IN_CI}
    with subprocess.Popen(
        command, stdout=standard_output, env={**outside, "TERM": "xterm", **environment}
    ) as process:
        os.close(standard_output)
        text = b""
        with suppress(OSError):  # at the end of the process
            while read := os.read(terminal, 4096):
                text += read
    os.close(terminal)
    return process.returncode, text.decode()


def screen(text):
    """The lines that a terminal shows in the end."""
    lines, column = [""], 0
    for part in re.findall(r"\x1b\[[0-9;]*[A-Za-z]|.|\n", text):
        if part == "\n":
            lines.append("")
        elif part == "\r":
            column = 0
            continue
        elif part == "\x1b[2K":
            lines[-1] = ""
        elif not part.startswith("\x1b"):
            lines[-1] = lines[-1][:column].ljust(column) + part + lines[-1][column + 1 :]
        column = column + 1 if len(part) == 1 and part != "\n" else column * (part != "\n")
    return [line.rstrip() for line in lines]


@pytest.mark.parametrize("workers", WORKERS)
def test_failures_are_wrapped_to_the_width_of_the_terminal(pytester, workers):
    pytester.mkdir("cases").joinpath("a.yaml").write_text(LONG, encoding="utf-8")
    status, text = on_terminal("cases", workers, COLUMNS="66")
    assert status == pytest.ExitCode.TESTS_FAILED
    shown = detail(text)
    assert len(shown) > 4
    assert max(map(len, shown)) <= 66


@pytest.fixture
def neighbours(pytester):
    """Calls of which one fails, between tests of others."""
    pytester.mkdir("cases").joinpath("a.yaml").write_text(cases(faults=["value"]), encoding="utf-8")
    others = "import pytest\n@pytest.mark.parametrize('n', range(3))\ndef test_n(n): assert n < 2"
    pytester.makepyfile(test_before=others, test_after=others)
    return ["test_before.py", "cases", "test_after.py"]


REWRITTEN = "\r\x1b[2K["


@pytest.mark.parametrize("workers", WORKERS)
def test_a_terminal_has_one_live_line_in_place_of_letters(pytester, neighbours, workers):
    status, text = on_terminal(*neighbours, workers, "--junitxml=out.xml", COLUMNS="70")
    assert status == pytest.ExitCode.TESTS_FAILED
    drawn = [line.partition("\x1b")[0] for line in text.split(REWRITTEN)[1:]]
    assert re.match(r"  2%\] 2 of 91 calls: 2 conforms", drawn[0])
    assert all(len(line.splitlines()[0]) < 69 for line in drawn)
    shown = screen(text)
    assert not any("%] " in line for line in shown)
    letters = re.findall(r"^(?:test_\w+.py )?([.F]+)(?: |$)", "\n".join(shown), re.MULTILINE)
    assert Counter("".join(letters)) == {".": 4, "F": 2}
    assert not any(line.startswith("cases/a.yaml ") for line in shown)
    assert sum(line.startswith("FAILED cases/a.yaml::one[") for line in shown) == 1
    assert sum("test_n[2]" in line and line.startswith("FAILED") for line in shown) == 2
    suite = ElementTree.parse("out.xml").getroot().find("testsuite")
    assert suite.get("failures") == "3"
    assert int(suite.get("tests")) > 96


@pytest.mark.parametrize(
    ("options", "environment"),
    [(["-v"], {}), (["-s"], {}), ([], {"TERM": "dumb"}), ([], {"CI": "1"})],
)
def test_elsewhere_pytest_prints_what_it_does(neighbours, options, environment):
    _, text = on_terminal(*neighbours, *options, **environment)
    assert REWRITTEN not in text
    plain = re.sub(r"\x1b\[[0-9;]*m", "", text)
    assert plain.count("::one[" if "-v" in options else ".") > 90


@pytest.mark.parametrize("workers", WORKERS)
def test_quiet_prints_the_summary_alone(pytester, neighbours, workers):
    result = pytester.runpytest_subprocess(
        *neighbours, "--tf-subject", FAULTY, "--tf-quiet", workers
    )
    text = result.stdout.str()
    before, _, after = text.partition("= FAILURES =")
    assert SUBJECT not in before
    letters = re.findall(r"^(?:test_\w+.py )?([.F]+) ", before, re.MULTILINE)
    assert Counter("".join(letters)) == {".": 4, "F": 2}
    assert "cases/a.yaml" not in before
    assert SUBJECT in after
    assert REWRITTEN not in text
    result.stdout.re_match_lines([r"\d+ calls: \d+ conforms, 1 violates"])
