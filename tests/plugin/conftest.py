"""Ways to write case files, and to run pytest on them."""

import textwrap

import pytest

from support.faulty_runs import FAULTY


@pytest.fixture
def write(pytester):
    """Write case files, by path and text."""

    def files(**texts):
        for name, text in texts.items():
            path = pytester.path / name.replace("__", "/")
            path = path.with_suffix(".yaml")
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(textwrap.dedent(text), encoding="utf-8")

    return files


@pytest.fixture
def run(pytester):
    """Run pytest in this process, without this project's configuration."""
    return lambda *arguments: pytester.runpytest_inprocess("-p", "no:cacheprovider", *arguments)


@pytest.fixture
def run_apart(pytester):
    """Run pytest in a process of its own, where something stays behind: TensorFlow, a changed
    module.
    """
    return lambda *arguments: pytester.runpytest_subprocess("-p", "no:cacheprovider", *arguments)


@pytest.fixture
def run_faulty(run):
    """Run it with the subject that starts at once, which has the name `faulty`."""
    return lambda *arguments: run("--tf-subject", FAULTY, *arguments)
