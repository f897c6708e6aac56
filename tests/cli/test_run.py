"""The command that runs the shipped cases, from any folder."""

import subprocess
import sys

import pytest

from tf_conv_conformance.casefile.shipped import shipped

pytestmark = pytest.mark.slow
CASE = "cases/stride_and_rate/blog.yaml::depthwise-stride4-rate3[eager]"


@pytest.fixture
def run(tmp_path):
    """Run the command in an empty folder, and return the lines that it prints."""

    def run(*arguments):
        command = [sys.executable, "-m", "tf_conv_conformance.cli", "run", *arguments]
        done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=120)
        return done.returncode, (done.stdout + done.stderr).splitlines()

    return run


def test_a_path_selects_shipped_cases(run, tmp_path):
    status, lines = run("-q", "--collect-only", "-k", "stride4", "cases/stride_and_rate/blog.yaml")
    assert status == 0
    assert CASE in [line[line.find("cases/") :] for line in lines]
    assert not any("numerics" in line for line in lines)
    assert not any("Warning" in line for line in lines)
    assert list(tmp_path.iterdir()) in ([], [tmp_path / ".pytest_cache"])


def test_the_id_of_a_test_elsewhere_is_a_path_to_it(run):
    status, lines = run("-q", "--collect-only", CASE.replace("cases", str(shipped("cases"))))
    assert status == 0
    assert len([line for line in lines if "::" in line]) == 1


def test_without_a_path_all_cases_are_selected(run):
    status, lines = run("-q", "--collect-only", "-k", "blog or reals")
    assert status == 0
    assert any("blog.yaml" in line for line in lines)
    assert any("reals.yaml" in line for line in lines)


def test_ini_files_of_other_projects_are_not_read(run, tmp_path):
    (tmp_path / "pytest.ini").write_text("[pytest]\naddopts = --nonsense\n", encoding="utf-8")
    assert run("-q", "--collect-only", CASE)[0] == 0
    status, lines = run("-q", "--collect-only", "-c", "pytest.ini", CASE)
    assert status == 4
    assert any("--nonsense" in line for line in lines)


def test_a_path_that_is_not_there_is_an_error(run):
    status, lines = run("cases/nosuch")
    assert status == 4
    assert "ERROR: file or directory not found: cases/nosuch" in lines


@pytest.mark.tensorflow
def test_a_call_is_made_and_its_report_is_written_here(run, tmp_path):
    status, lines = run("-q", CASE)
    assert status == 0
    assert "1 call: 1 deviates" in lines
    assert (tmp_path / "reports/index.html").is_file()
