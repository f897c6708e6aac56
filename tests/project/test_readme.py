"""What the README and the first pages of the documentation show, run."""

import re
import shlex
from typing import ClassVar

import pytest

from support.performing import perform_all
from tf_conv_conformance.cli.main import main
from tf_conv_conformance.records.reader import read
from tf_conv_conformance.verdict.kinds import PASSING


@pytest.fixture(scope="module")
def readme(repository):
    return (repository / "README.md").read_text(encoding="utf-8")


def blocks(text, language):
    return re.findall(rf"```{language}\n(.*?)```", text, re.DOTALL)


@pytest.fixture(scope="module")
def first_case(repository):
    return (repository / "docs/first-case.md").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def options_page(repository):
    return (repository / "docs/options.md").read_text(encoding="utf-8")


def test_your_own_case_behaves_as_shown(pytester, readme, first_case, calls, tensorflow):
    """The example gives 24 calls and the message that is printed; with the deviation below it is
    green.
    """
    case, deviation, _ = blocks(readme, "yaml")
    assert blocks(first_case, "yaml")[:2] == [case, deviation]
    folder = pytester.mkdir("cases")
    (folder / "mine.yaml").write_text(case, encoding="utf-8")
    result = pytester.runpytest_subprocess("cases")
    result.assert_outcomes(passed=21, failed=3)
    for line in (blocks(readme, "text")[0] + blocks(first_case, "text")[0]).splitlines():
        assert line in result.outlines
    performed = perform_all(list(calls(case + deviation).values()), tensorflow)
    kinds = [one.verdict.kind for one in performed]
    assert (sum(kind in PASSING for kind in kinds), kinds.count("deviates")) == (21, 3)


def probes(*pages):
    return {
        tuple(shlex.split(line)[1:])
        for page in pages
        for block in blocks(page, "sh")
        for line in block.splitlines()
        if " probe " in line
    }


@pytest.mark.tensorflow
def test_the_calls_to_probe_are_made(readme, first_case, capsys):
    shown = probes(readme, first_case)
    assert len(shown) == 2
    for arguments in shown:
        assert main(arguments) == 1  # TensorFlow accepts what it documents to refuse
        assert "depthwise.unit-strides-when-atrous" in capsys.readouterr().out


@pytest.mark.tensorflow
def test_the_id_to_paste_exists(pytester, repository, options_page):
    (pasted,) = [
        shlex.split(line)
        for block in blocks(options_page, "sh")
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


def test_every_option_is_in_the_table(options_page, pytestconfig):
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
        name
        for name in Group.options
        if f"`{name}" not in options_page and f"{name}`" not in options_page
    ] == []


def test_every_file_that_is_linked_exists(repository, readme):
    for target in re.findall(r"\]\(((?!http)[^)#]+)", readme):
        assert (repository / target).exists(), target


def test_every_page_is_on_the_site_and_led_to(repository):
    """Each page is in a table of contents, and the documentation's first page links all of them
    but the findings, which have a table of their own.
    """
    docs = repository / "docs"
    pages = {path.relative_to(docs).as_posix() for path in docs.rglob("*.md")} - {"index.md"}
    index = (docs / "index.md").read_text(encoding="utf-8")
    linked = set(re.findall(r"\]\(((?!http|\.\.)[^)#]+)", index))
    findings = {page for page in pages if page.startswith("findings/")} - {"findings/README.md"}
    assert pages - findings == linked
    contents = "\n".join(re.findall(r"```{toctree}\n(.*?)```", index, re.DOTALL))
    listed = {f"{line}.md" for line in contents.splitlines() if line and line[0] != ":"}
    assert linked | {"findings/*.md"} == listed
