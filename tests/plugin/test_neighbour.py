"""Beside other people's tests and plugins: their runs are as they were without this plugin, and its
own are right beside theirs.
"""

import subprocess
import sys
from functools import partial

import pytest

from support.faulty_runs import FAULTY, WORKERS, cases, expected
from tf_conv_conformance.casefile.sniffing import is_case_file
from tf_conv_conformance.records.reader import read

OURS = (
    "cases:\n  - {id: x, op: conv2d, input: [1, 9, 3, 1], filter: [1, 1, 1, 1], strides: "
    "1, padding: VALID, modes: eager}\n"
)
RECORDS = "reports/results-faulty.jsonl"


@pytest.mark.parametrize("workers", WORKERS)
def test_a_foreign_project_is_left_alone(pytester, workers, monkeypatch):
    """With our options' old names, our markers' names, YAML files in a folder `cases` and a folder
    `reports`, all of its own.
    """
    monkeypatch.delenv("OPENBLAS_NUM_THREADS", raising=False)
    for name, text in {
        "cases/list.yaml": "- {name: add, op: plus}\n",
        "cases/named.yaml": "cases:\n  - {name: conv2d, filter: [1, 2]}\n",
        "cases/other.yml": "cases:\n  add: {op: plus}\n",
        "cases/empty.yaml": "",
        "cases/broken.yaml": "[",
        "reports/results.jsonl": "ours\n",
        "test_it.py": """
import os, sys, pytest

@pytest.mark.large
@pytest.mark.string
def test_it(pytestconfig, request):
    assert pytestconfig.getoption("resume") == "5"
    assert "OPENBLAS_NUM_THREADS" not in os.environ
    assert {"numpy", "pydantic", "tf_conv_conformance.plugin.items"}.isdisjoint(sys.modules)
    request.node.subject = 5

def test_yaml(): pass
""",
        "conftest.py": """
import pytest, sys

def pytest_addoption(parser):
    names = "modes baseline update-baseline resume explore explore-seed explore-minutes"
    for name in names.split():
        parser.addoption("--" + name)

def pytest_configure(config):
    for name in ("large", "string"):
        config.addinivalue_line("markers", name + ": one of this project's own")

def pytest_collection_modifyitems(items):
    items[1]._nodeid = "cases/list.yaml::add"  # as of a plugin for YAML files

def pytest_unconfigure(config):
    assert "numpy" not in sys.modules
""",
    }.items():
        (pytester.path / name).parent.mkdir(exist_ok=True)
        (pytester.path / name).write_text(text, encoding="utf-8")
    options = (
        "--resume",
        "5",
        "--baseline",
        "x",
        "--strict-markers",
        "-p",
        "no:cacheprovider",
        workers,
    )
    result = pytester.runpytest_subprocess(*options)
    result.assert_outcomes(passed=2)
    assert "conformance =" not in result.stdout.str()
    assert [path.name for path in (pytester.path / "reports").iterdir()] == ["results.jsonl"]
    assert (pytester.path / "reports/results.jsonl").read_text() == "ours\n"


def test_the_plugin_can_be_switched_off(pytester):
    pytester.mkdir("cases").joinpath("a.yaml").write_text(OURS, encoding="utf-8")
    result = pytester.runpytest_subprocess(
        "-p", "no:tf_conv_conformance", "cases/a.yaml", "--collect-only"
    )
    result.stdout.no_fnmatch_line("*CaseFile*")
    result = pytester.runpytest_subprocess("-p", "no:tf_conv_conformance", "--tf-resume")
    result.stderr.fnmatch_lines(["*unrecognized arguments: --tf-resume*"])


@pytest.mark.parametrize(
    ("text", "ours"),
    [
        (OURS, True),
        ("cases: [{id: x, sweep: {op: [conv2d]}}]", True),
        ("defaults: {op: conv2d}\ncases: [{id: x}]", True),
        ('{"defaults": {}, "cases": [{"op": "convtwod"}]}', True),
        ("# yaml-language-server: $schema=../schema/case-file.schema.json\n", True),
        (
            "about: x\n# yaml-language-server: "
            "$schema=https://example.org/case-file.schema.json\ncase: []",
            True,
        ),
        ("cases:\n  id: x\n  op: conv2d\n", True),
        ("cases:\n  - {id: x, op: conv2d, when: [}\n", True),
        ("cases:\n  - id: x\n\top: conv2d\n", True),
        ("cases: &a [*a, op: 1]", True),
        ("cases: [op: ", True),
        ("cases: [{op: 1}]\n" + "#" * 5 * 2**20, True),
        ("", False),
        ("[", False),
        ("# a comment\n", False),
        ("- {op: plus}\n", False),
        ("cases:\n  add: {op: plus}\n", False),
        ("cases: [{name: conv2d}]\n", False),
        ("test: [{op: plus}]\nabout: 'cases: none'\n", False),
        ("more:\n  cases: [{op: plus}]\n", False),
        ("testcases: [{op: plus}]\n", False),
        ("cases: [{drop: plus, crop: 1}]\n", False),
        ("# yaml-language-server: $schema=https://example.org/other.schema.json\n", False),
        ("x" * 5 * 2**20, False),
        ("&a [*a]", False),
        ("[" * 100_000, False),
    ],
)
def test_a_case_file_is_told_from_other_yaml(tmp_path, text, ours):
    path = tmp_path / "a.yaml"
    path.write_text(text, encoding="utf-8")
    assert is_case_file(path) is ours


@pytest.mark.parametrize(
    "data",
    [
        b"\xff\xfe\x00cases:\x00op:",
        bytes(range(256)) * 99,
        b"cases:\n - op: \xff\n",
        b"cases: [{op: !!python/name:os.system }]",
    ],
)
def test_no_bytes_are_too_odd_to_tell(tmp_path, data):
    path = tmp_path / "a.yaml"
    path.write_bytes(data)
    assert is_case_file(path) in (True, False)
    assert not is_case_file(tmp_path / "none.yaml")
    assert not is_case_file(tmp_path)


@pytest.fixture
def run(pytester):
    """Run 9 calls, of which one fails, and a call that is skipped."""
    lacking = OURS.removeprefix("cases:\n").replace(
        "id: x", 'id: lacking, requires: {tensorflow: ">=99"}'
    )
    text = cases(faults=("value",)).partition("sweep")[0] + "sweep: {input: ["
    text += ", ".join(f"[1, 9, {width}, 1]" for width in range(1, 10)) + "]}}\n" + lacking
    pytester.mkdir("cases").joinpath("a.yaml").write_text(text, encoding="utf-8")
    pytester.makepyfile(test_other="def test_other(): pass")

    def run(*options, runpytest=pytester.runpytest_inprocess):
        return runpytest("--tf-subject", FAULTY, "--tb=no", "-rs", *options)

    return run


@pytest.mark.slow
def test_a_run_without_a_call_leaves_the_last_ones_files(run, pytester):
    first = run("cases")
    first.stdout.fnmatch_lines(
        [
            (
                "SKIPPED ?1? cases/a.yaml:5: requires tensorflow >=99, but the subject "
                "has tensorflow 2.21.0"
            )
        ]
    )
    before = {path.name: path.read_bytes() for path in (pytester.path / "reports").iterdir()}
    assert before.keys() == {"results-faulty.jsonl", "index.html"}
    for options in (
        ["-k", "nosuch"],
        ["-k", "nosuch", "-n1"],
        ["-k", "other"],
        ["cases/a.yaml::nosuch"],
        ["--setup-plan"],
        ["--setup-only", "-n1"],
        ["--fixtures-per-test"],
        ["--collect-only"],
    ):
        result = run(*options)
        assert {
            path.name: path.read_bytes() for path in (pytester.path / "reports").iterdir()
        } == before, options
        assert "TensorFlow convolution conformance" not in result.stdout.str()


@pytest.mark.slow
def test_the_terminal_says_what_the_page_covers(run, pytester):
    run("cases").stdout.fnmatch_lines([f"report:  {pytester.path}/reports/index.html"])
    run("cases", "--lf").stdout.fnmatch_lines(
        ["report:  */index.html (1 of 10 collected calls: --lf)"]
    )
    run("-k", "9x2 or lacking", "-n1").stdout.fnmatch_lines(
        ["report:  */index.html (2 of 10 collected calls: -k '9x2 or lacking')"]
    )
    assert len(read(pytester.path / RECORDS).ends) == 2


PLUGINS = ("-p", "randomly", "--timeout=50", "--cov=cases", "--cov-report=", "--html=out.html")


@pytest.fixture
def beside(run, pytester, monkeypatch):
    """Run with the plugins that conftest.py leaves out, in a process of its own."""
    for name in ("randomly", "rerunfailures", "timeout", "cov", "html", "split"):
        pytest.importorskip(f"pytest_{name}", reason="is in the extra `test`")
    monkeypatch.setenv("PYTEST_ADDOPTS", "-p no:hypothesispytest")
    return partial(run, runpytest=pytester.runpytest_subprocess)


@pytest.mark.parametrize(
    "workers", [["-n0"], pytest.param(["-n2", "--dist=worksteal"], marks=pytest.mark.slow)]
)
def test_a_call_that_is_run_again_counts_once(beside, pytester, workers):
    """The record file keeps each try."""
    result = beside("cases", "--reruns=2", "--junitxml=out.xml", *workers)
    result.stdout.re_match_lines(
        ["10 calls: 8 conforms, 1 (violates, 1 unsupported|unsupported, 1 violates)$"]
    )
    assert result.parseoutcomes() == {"failed": 1, "passed": 8, "skipped": 1, "rerun": 2}
    records = read(pytester.path / RECORDS)
    assert records.complete
    assert records.footer["ended"] == records.footer["calls"] == len(records.ends) == 10
    tries = [end["verdict"] for end in records.every_end if end["verdict"] != "conforms"]
    assert sorted(tries) == ["unsupported", "violates", "violates", "violates"]
    assert len(records.every_end) == 12
    junit = (pytester.path / "out.xml").read_text(encoding="utf-8")
    assert junit.count('name="verdict" value="violates"') == 3, "pytest writes those of each try"
    assert junit.count('name="verdict" value="conforms"') == 8


def test_a_call_that_passes_when_it_is_run_again_conforms(beside, pytester):
    pytester.makeconftest(
        """
        from tf_conv_conformance.plugin import items
        make, tries = items.perform, []

        def perform(call, *arguments):
            tries.append(call)
            if len(tries) == 1:
                raise items.CallFailedError("a fault of no call")
            return make(call, *arguments)

        items.perform = perform
        """
    )
    result = beside("cases", "--reruns=1", "-p", "no:randomly", "-k", "9x2 or 9x7")
    result.stdout.fnmatch_lines(["2 calls: 1 conforms, 1 violates"])
    assert read(pytester.path / RECORDS).complete


GROUPED = """
import pytest

@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items):
    for item in items:
        item.add_marker(pytest.mark.xdist_group("one"))
"""


@pytest.mark.parametrize(
    "dist",
    [
        "no",
        *(
            pytest.param(dist, marks=pytest.mark.slow)
            for dist in ("load", "loadscope", "loadgroup")
        ),
    ],
)
def test_beside_other_plugins_the_records_are_the_same(beside, pytester, dist):
    pytester.makeconftest(GROUPED)
    workers = ["--splits=1", "--group=1"]
    if dist != "no":
        workers = ["-n2" if dist == "load" else "-n1", f"--dist={dist}"]
    result = beside(*PLUGINS, *workers)
    assert result.parseoutcomes() == {"failed": 1, "passed": 9, "skipped": 1}
    records = read(pytester.path / RECORDS)
    assert records.complete
    assert {one: end["verdict"] for one, end in records.ends.items() if "lacking" not in one} == {
        one: expected(one) for one in records.calls if "lacking" not in one
    }
    assert len(records.every_end) == 10
    assert (pytester.path / "out.html").exists()


def test_python_m_is_the_command():
    command = [sys.executable, "-m", "tf_conv_conformance.cli"]
    assert subprocess.run(
        [*command, "rules"], capture_output=True, text=True, check=True
    ).stdout.startswith("#")
    assert subprocess.run([*command, "nosuch"], capture_output=True, check=False).returncode == 2
