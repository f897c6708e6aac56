"""One run of the plugin on a real TensorFlow: what it prints, and what it records."""

import json
import os
import subprocess
import sys
import textwrap
import xml.etree.ElementTree as ElementTree

import pytest

from support.plugin_cases import DECLARED, LARGER, REFUSED, WRONG
from tf_conv_conformance.records.reader import read

pytestmark = pytest.mark.tensorflow

CRASHING = """
defaults: {op: depthwise_conv2d, strides: 1, padding: SAME, modes: xla}
cases:
  - {id: before, input: [1, 4, 4, 1], filter: [3, 3, 1, 2]}
  - {id: zero-channels, input: [1, 4, 4, 0], filter: [3, 3, 0, 2]}
  - {id: after, input: [1, 5, 4, 1], filter: [3, 3, 1, 2]}
  - {id: long-after, input: [1, 6, 4, 1], filter: [3, 3, 1, 2]}
"""
FILES = {
    "crashing": CRASHING,
    "declared": f"defaults: {{modes: eager}}{DECLARED}",
    "folder/good": LARGER,
    "refused": REFUSED.replace("defaults: {", "defaults: {modes: eager, "),
    "wrong": f"defaults: {{modes: eager}}{WRONG.replace('atrous', 'wrong')}",
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """The folder of a run of pytest that is over."""
    folder = tmp_path_factory.mktemp("run")
    for name, text in FILES.items():
        path = folder / f"cases/{name}.yaml"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    command = [sys.executable, "-m", "pytest", "cases", "-v", "-rA", "--junitxml=out.xml"]
    with (folder / "stdout").open("w") as out, (folder / "stderr").open("w") as err:
        ended = subprocess.run(
            [*command, "--tf-reports=out/put", "-pno:randomly"],
            cwd=folder,
            stdout=out,
            stderr=err,
            env={**os.environ, "COLUMNS": "100"},
            timeout=300,
        )
    assert ended.returncode == pytest.ExitCode.TESTS_FAILED
    return folder


@pytest.fixture
def stdout(folder):
    return pytest.LineMatcher((folder / "stdout").read_text().splitlines())


@pytest.fixture
def records(folder):
    return read(folder / "out/put/results.jsonl")


def test_each_call_and_mode_is_a_test(folder, stdout, records):
    stdout.fnmatch_lines(
        [
            "cases/folder/good.yaml::plain[[]eager[]] PASSED*",
            "cases/folder/good.yaml::plain[[]graph[]] PASSED*",
            "cases/folder/good.yaml::plain[[]xla[]] PASSED*",
            "cases/folder/good.yaml::double[[]eager[]] PASSED*",
            "cases/folder/good.yaml::double[[]xla[]] PASSED*",
            ("13 calls: 8 conforms, 1 crashed, 1 deviates, 1 refused, 1 unsupported, 1 violates"),
            "unsupported (1): requires *, but the subject has *",
            f"records: {folder}/out/put/results.jsonl",
            f"report:  {folder}/out/put/index.html",
        ]
    )
    assert records.complete
    errors = (folder / "stderr").read_text()
    assert "oneDNN" not in errors, "TensorFlow's chatter stays out of the terminal"
    assert "cpu_feature" not in stdout.str()
    assert "<h1>" in (folder / "out/put/index.html").read_text(encoding="utf-8")


def test_a_crash_costs_one_test(stdout, records):
    """The crashes of the other subject, in test_faults.py, are with workers as well."""
    stdout.fnmatch_lines(["crashed: *the process died (SIGFPE)*", "*Floating point exception*"])
    of_file = [one for one in records.ends.items() if "crashing.yaml" in one[0]]
    assert {identifier.partition("::")[2]: end["verdict"] for identifier, end in of_file} == {
        "before[xla]": "conforms",
        "zero-channels[xla]": "crashed",
        "after[xla]": "conforms",
        "long-after[xla]": "conforms",
    }


def test_a_failure_prints_what_a_person_needs(stdout):
    stdout.fnmatch_lines(
        [
            (
                "violates: should be refused: strides [[]1,2,2,1[]] with dilations [[]2,2[]] "
                "(depthwise.unit-strides-when-atrous)"
            ),
            "  case *cases/wrong.yaml:3 wrong[[]eager[]]",
            "  values *first at [[]0, *, 0[]]: *, not * as the formula*",
            "  sum of *input[[]0, rows {*}, columns {*}, channels 0[]], as documented",
            "  *, phase-strided",
            "  explained *phase_strided*",
            "  rule *: If any value in*",
            "  predicted *an exception*the formula*",
            "  *would give [[]1, 5, 5,*",
            "  observed *float32 of shape [[]1, 5, 5, 1[]]",
            "  instead *y[[]:, ::2, ::2[]] of the same call with strides of 1; or tf.nn.conv2d(x*",
            "    import tensorflow as tf",
            (
                "    convolve = *tf.nn.depthwise_conv2d(x, w, strides=[[]1, 2, 2, 1[]], "
                "padding='SAME', dilations=[[]2, 2[]])"
            ),
        ]
    )
    printed = stdout.str().partition("violates: should be refused")[2].partition("PASSES")[0]
    assert "Traceback" not in printed
    assert "site-packages" not in printed.partition("the call, to paste and run")[0].replace(
        "tensorflow/python", ""
    )
    program = printed.partition("to paste and run:\n")[2].partition("print(y.numpy())")[0]
    ended = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(program)],
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert "(1, 5, 5, 1)" in ended.stdout


REFUSED_CALL = "cases/refused.yaml::no-strides[[]eager[]]"


def check_what_passes_visibly(stdout, path):
    """What is printed of refused and deviating calls, and the properties in JUnit's XML."""
    stdout.fnmatch_lines(
        [
            (
                "refused: TensorFlow raised an exception, as its documentation or the "
                "case's `expect` requires"
            ),
            "all calls refused: cases/refused.yaml:4 no-strides (conv2d.strides-positive)",
            f"PASSED (refused) {REFUSED_CALL}",
        ]
    )
    stdout.fnmatch_lines(
        ["XFAIL *atrous[[]eager[]]*depthwise.unit-strides-when-atrous (phase_strided; unreported)"]
    )
    found = {
        case.get("name"): [(one.get("name"), one.get("value")) for one in case.iter("property")]
        for case in ElementTree.parse(path).getroot().iter("testcase")
    }
    assert found["atrous[eager]"] == [
        ("verdict", "deviates"),
        ("rule", "depthwise.unit-strides-when-atrous"),
        ("documented", "an exception"),
        ("observed", "float32 of shape [1, 5, 5, 1]"),
    ]
    shape = "float32 of shape [1, 4, 3, 3]"
    assert found["plain[eager]"] == [
        ("verdict", "conforms"),
        ("documented", shape),
        ("observed", shape),
    ]
    (verdict, documented, observed) = found["no-strides[eager]"]
    assert (verdict, documented) == (("verdict", "refused"), ("documented", "an exception"))
    assert observed[0] == "observed"
    assert "Error: " in observed[1]
    assert found["lacking[eager]"] == [("verdict", "unsupported"), ("documented", shape)]


def test_junit_xml_carries_verdict_rule_and_what_came_out(folder, stdout):
    stdout.fnmatch_lines([f"{REFUSED_CALL} PASSED (refused)*"])
    check_what_passes_visibly(stdout, folder / "out.xml")


def test_junit_xml_of_a_worker_carries_the_same(pytester, write, run):
    write(cases__declared=DECLARED, cases__good=LARGER, cases__refused=REFUSED)
    result = run("cases", "--tf-modes", "eager", "--junitxml", "out.xml", "-v", "-rA", "-n", "1")
    result.assert_outcomes(passed=3, xfailed=1, skipped=1)
    result.stdout.fnmatch_lines([f"*PASSED (refused) {REFUSED_CALL}*"])
    result.stdout.fnmatch_lines(["5 calls: 2 conforms, *1 refused*"])
    check_what_passes_visibly(result.stdout, pytester.path / "out.xml")


def test_a_call_is_recorded_with_all_it_takes_to_make_it_again(folder):
    lines = [json.loads(line) for line in (folder / "out/put/results.jsonl").open(encoding="utf-8")]
    types = [line["type"] for line in lines]
    assert (types[0], types[-1]) == ("header", "footer")
    (subject,) = [line for line in lines if line["type"] == "subject"]
    of_call = [line for line in lines if line.get("id") == "cases/declared.yaml::atrous[eager]"]
    assert [line["type"] for line in of_call] == ["call", "start", "end"]
    call, _, end = of_call
    assert call["arguments"]["strides"] == [1, 2, 2, 1]
    assert call["predicted"] == {
        "refuses": ["depthwise.unit-strides-when-atrous"],
        "shape": [1, 5, 5, 1],
    }
    assert end["observed"] == {"shape": [1, 5, 5, 1], "dtype": "float32"}
    assert [arm["name"] for arm in end["data"]] == ["small_integers", "wide_integers"]
    assert subject["sentences"]["depthwise.unit-strides-when-atrous"].startswith(
        "If any value in `dilations`"
    )
