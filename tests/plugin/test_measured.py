"""Where a declared deviation was never measured, a call that does not show it passes visibly."""

import json
import xml.etree.ElementTree as ET

import pytest

from support.faulty_runs import FAULTY
from tf_conv_conformance.cli.main import main
from tf_conv_conformance.records.measured import FILE
from tf_conv_conformance.records.reader import read

COMMAND = FAULTY.partition(" = ")[2]
CASES = """
defaults: {op: conv2d, filter: [1, 1, 1, 1], strides: 1, padding: SAME, modes: eager}
cases:
  - id: declared
    input: [1, 2, 3, 1]
    deviations:
      - {rule: conv2d.values, when: {isa: "WHEN"}, observed: {crash: SIGSEGV}, reported: unreported}
  - {id: plain, input: [1, 2, 3, 1]}
"""


@pytest.fixture
def run_on(pytester, write, run):
    """Write the case with its condition and run it on a subject with an instruction set."""

    def run_it(isa, when, *options):
        write(cases__a=CASES.replace("WHEN", when))
        return run("cases", "--tf-subject", f"x = FAULTY_ISA={isa} {COMMAND}", *options)

    return run_it


@pytest.fixture
def measured(pytester, run_on):
    """Measure the cases on avx2."""
    run_on("avx2", ">=avx512_core").assert_outcomes(passed=2)
    path = pytester.path / "cases" / FILE
    assert main(["measured", "reports", "-o", str(path)]) == 0
    return path


def verdicts(pytester):
    ends = read(pytester.path / "reports/results-x.jsonl").ends
    return {name.rpartition("::")[2]: end["verdict"] for name, end in ends.items()}


def test_a_wrong_condition_fails_where_the_cases_were_measured(pytester, run_on, measured):
    result = run_on("avx2", ">=avx2")
    result.assert_outcomes(passed=1, failed=1)
    result.stdout.fnmatch_lines(["FAILED cases/a.yaml::declared* - resolved: *"])
    result.stdout.no_fnmatch_line("*A new kind of subject*")


@pytest.mark.parametrize("workers", [(), ("-n", "2")])
def test_it_passes_visibly_where_they_were_not(pytester, run_on, measured, workers):
    result = run_on("avx512_core", ">=avx2", "-rA", "--junitxml=junit.xml", *workers)
    result.assert_outcomes(passed=2)
    new = "A new kind of subject: TensorFlow 2.21 without oneDNN on avx512_core CPU. *"
    result.stdout.fnmatch_lines(
        [
            "2 calls: 1 conforms, 1 unmeasured",
            new,
            r"PASSED (unmeasured) cases/a.yaml::declared[[]x-eager[]]",
        ]
    )
    assert verdicts(pytester) == {"declared[eager]": "unmeasured", "plain[eager]": "conforms"}
    found = {one.get("value") for one in ET.parse(pytester.path / "junit.xml").iter("property")}
    assert "unmeasured" in found
    page = (pytester.path / "reports/index.html").read_text(encoding="utf-8")
    assert "A new kind of subject: TensorFlow 2.21 without oneDNN on avx512_core CPU" in page


def test_a_new_kind_of_subject_is_named_even_if_nothing_differs(run_on, measured):
    result = run_on("avx512_core", "<avx2")
    result.assert_outcomes(passed=2)
    result.stdout.fnmatch_lines([f"A new kind of subject: *. {FILE} has no run on it. *"])
    result.stdout.no_fnmatch_line("*unmeasured*")


def test_crashes_and_wrong_values_fail_everywhere(pytester, write, run, measured):
    text = CASES.replace("WHEN", ">=avx2").replace("[1, 2, 3, 1]", "[1, 9, 7, 1]")
    write(cases__a=text)
    result = run("cases", "--tf-subject", f"x = FAULTY_ISA=sse41 {COMMAND}")
    result.assert_outcomes(failed=2)
    assert set(verdicts(pytester).values()) == {"violates"}


def test_without_the_file_nothing_is_new(run_on):
    result = run_on("avx2", ">=avx2")
    result.assert_outcomes(passed=1, failed=1)
    result.stdout.no_fnmatch_line("*A new kind of subject*")


def test_a_file_outside_of_the_project_does_not_count(pytester, run_on, measured):
    measured.rename(pytester.path.parent / FILE)
    result = run_on("avx512_core", ">=avx2")
    (pytester.path.parent / FILE).unlink()
    result.assert_outcomes(passed=1, failed=1)


def test_a_mode_that_was_not_measured_is_new(pytester, run_on, measured):
    content = json.loads(measured.read_text(encoding="utf-8"))
    content["measurements"][0]["modes"] = ["xla"]
    measured.write_text(json.dumps(content), encoding="utf-8")
    run_on("avx2", ">=avx2").assert_outcomes(passed=2)
    assert verdicts(pytester)["declared[eager]"] == "unmeasured"


@pytest.mark.parametrize(
    "text", ["", "{", "[]", '{"schema": 2, "measurements": []}', '{"schema": 1, "a": 1}']
)
def test_an_invalid_file_fails_once_and_leaves_the_calls(run_on, measured, text):
    measured.write_text(text, encoding="utf-8")
    result = run_on("avx512_core", "<avx2")
    result.assert_outcomes(passed=2, failed=1)
    result.stdout.fnmatch_lines([f"*{FILE}: is not *; `tf-conv-conformance measured` writes one"])


def test_a_name_that_does_not_exist_is_refused(run_on, measured):
    text = measured.read_text(encoding="utf-8").replace('"avx2"', '"avx3"')
    measured.write_text(text, encoding="utf-8")
    result = run_on("avx512_core", "<avx2")
    result.assert_outcomes(passed=2, failed=1)
    result.stdout.fnmatch_lines(["*has no instruction set or mode of the name 'avx3'*"])


@pytest.mark.parametrize(
    ("isa", "when", "why"),
    [
        ("avx2", ">=avx2", "1 call, such as cases/a.yaml::declared[eager] is resolved"),
        ("sse41", "<avx2", "1 call, such as cases/a.yaml::declared[eager] is unmeasured"),
        ("", "<avx2", "what oneDNN uses is unknown"),
    ],
)
def test_a_run_that_is_not_as_declared_is_not_added(run_on, measured, capsys, isa, when, why):
    before = measured.read_bytes()
    run_on(isa, when)
    capsys.readouterr()
    assert main(["measured", "reports", "-o", str(measured)]) == 2
    assert why in capsys.readouterr().err
    assert measured.read_bytes() == before


def test_runs_on_one_kind_are_joined(run_on, measured, capsys):
    run_on("avx512_core", ">=avx512_core_vnni").assert_outcomes(passed=2)
    for added in ("new: ", ""):
        capsys.readouterr()
        assert main(["measured", "reports", "-o", str(measured)]) == 0
        text = f"{added}TensorFlow 2.21 without oneDNN on avx512_core CPU: eager\n"
        assert text in capsys.readouterr().out
    kinds = json.loads(measured.read_text(encoding="utf-8"))["measurements"]
    assert [one["subject"]["isa"] for one in kinds] == ["avx2", "avx512_core"]
