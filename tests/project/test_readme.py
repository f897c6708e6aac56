"""What the README shows, run."""

import re
import shlex
from typing import ClassVar

import pytest

from tf_conv_conformance.records.reader import read


@pytest.fixture(scope="module")
def readme(repository):
    return (repository / "README.md").read_text(encoding="utf-8")


def blocks(text, language):
    return re.findall(rf"```{language}\n(.*?)```", text, re.DOTALL)


@pytest.mark.tensorflow
def test_your_own_case_behaves_as_shown(pytester, readme):
    """The example gives 24 calls and the message that is printed; with the deviation below it is
    green.
    """
    case, deviation = blocks(readme, "yaml")
    folder = pytester.mkdir("cases")
    (folder / "mine.yaml").write_text(case, encoding="utf-8")
    result = pytester.runpytest_subprocess("cases")
    result.assert_outcomes(passed=21, failed=3)
    for line in blocks(readme, "text")[0].splitlines():
        assert line in result.outlines
    (folder / "mine.yaml").write_text(case + deviation, encoding="utf-8")
    pytester.runpytest_subprocess("cases").assert_outcomes(passed=21, xfailed=3)


@pytest.mark.tensorflow
def test_the_id_to_paste_exists(pytester, repository, readme):
    (pasted,) = [
        shlex.split(line)
        for block in blocks(readme, "sh")
        for line in block.splitlines()
        if "::" in line
    ]
    result = pytester.runpytest_subprocess(f"--rootdir={repository}", str(repository / pasted[-1]))
    result.assert_outcomes(xfailed=1)
    assert [
        identifier.partition("::")[2]
        for identifier in read(pytester.path / "reports/results.jsonl").calls
    ] == ["depthwise-stride4-rate3[eager]"]


def test_the_two_commands_are_those_of_tox_and_ci(repository, readme):
    commands = [
        line
        for block in blocks(readme, "sh")
        for line in block.splitlines()
        if line.startswith("python3 -m venv")
    ]
    assert [command.rpartition("/")[2] for command in commands] == [
        "pytest cases -n 2",
        "pytest tests -n 2",
    ]
    tox = (repository / "tox.ini").read_text(encoding="utf-8")
    for command in commands:
        assert re.search(
            r"commands = " + command.rpartition("/")[2].replace("-n 2", r"\{posargs:-n 2\}"), tox
        )
    assert "readme cases" in (repository / ".ci/run").read_text(encoding="utf-8")


def test_every_option_is_in_the_table(readme, pytestconfig):
    from tf_conv_conformance.explore import hooks as explore_hooks
    from tf_conv_conformance.plugin import hooks

    class Group:
        options: ClassVar[list[str]] = []

        def addoption(self, *names, **_):
            self.options += names

        def addini(self, name, *_, **__):
            self.options.append(name)

        def getgroup(self, *_):
            return self

    hooks.pytest_addoption(Group())
    explore_hooks.pytest_addoption(Group(), pytestconfig.pluginmanager)
    assert Group.options
    assert [
        name for name in Group.options if f"`{name}" not in readme and f"{name}`" not in readme
    ] == []


def test_every_file_that_is_linked_exists(repository, readme):
    for target in re.findall(r"\]\(((?!http)[^)#]+)", readme):
        assert (repository / target).exists(), target
