"""What the terminal shows of a run: what is tested at the beginning, failures that differ in
nothing but the mode once.
"""

import os
import pty
import subprocess
import sys
import xml.etree.ElementTree as ElementTree
from contextlib import suppress

import pytest

from support.faulty_runs import FAULTY, WORKERS
from tf_conv_conformance.records.series import heading, instruction_set

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
    monkeypatch.delenv("CI", raising=False)
    monkeypatch.delenv("BUILD_NUMBER", raising=False)
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


@pytest.mark.parametrize("workers", WORKERS)
def test_failures_are_wrapped_to_the_width_of_the_terminal(pytester, workers):
    pytester.mkdir("cases").joinpath("a.yaml").write_text(LONG, encoding="utf-8")
    terminal, standard_output = pty.openpty()
    command = [sys.executable, "-m", "pytest", "cases", "--tf-subject", FAULTY, workers]
    with subprocess.Popen(
        command, stdout=standard_output, env={**os.environ, "COLUMNS": "66"}
    ) as process:
        os.close(standard_output)
        text = b""
        with suppress(OSError):  # at the end of the process
            while read := os.read(terminal, 4096):
                text += read
    os.close(terminal)
    assert process.returncode == pytest.ExitCode.TESTS_FAILED
    shown = detail(text.decode())
    assert len(shown) > 4
    assert max(map(len, shown)) <= 66
