"""What several test modules share: the repository, a real TensorFlow, case files made on the spot,
and markers.
"""

import os
import sys
from pathlib import Path

import pytest

# each pytester run in this process would import these again
import tf_conv_conformance.plugin.collection
import tf_conv_conformance.plugin.recording  # noqa: F401
from tf_conv_conformance.casefile.loading import load_text
from tf_conv_conformance.prediction.rules.rule import DOCUMENTED_SYMBOLS
from tf_conv_conformance.subject.gateway import Gateway

SPARED = (
    "hypothesispytest",
    "randomly",
    "rerunfailures",
    "timeout",
    "pytest_cov",
    "html",
    "html_fixtures",
    "metadata",
    "pytest-split",
)
WITHOUT = Path(__file__).parent / "without"  # has a tensorflow that cannot be imported
MARKED_BY = {
    "tensorflow": ["tensorflow"],
    "chromium": ["browser", "slow"],
}  # fixtures, and the markers of the tests that use them

# Without bytecode, each of the hundreds of processes would compile the sources again.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)


def pytest_collection_modifyitems(items):
    """Mark the tests that use a fixture of `MARKED_BY`."""
    for item in items:
        for fixture in MARKED_BY.keys() & getattr(item, "fixturenames", ()):
            for name in MARKED_BY[fixture]:
                item.add_marker(name)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item):
    """Let only tests with the marker `tensorflow` import TensorFlow, in this process or in those
    that they start.

    Random calls are no tests of this project, but `pytest --tf-explore` finds them here.
    """
    with pytest.MonkeyPatch.context() as patch:
        if isinstance(item, pytest.Function) and not item.get_closest_marker("tensorflow"):
            patch.setenv("PYTHONPATH", str(WITHOUT), prepend=os.pathsep)
            patch.setattr(sys, "path", [str(WITHOUT), *sys.path])
            patch.delitem(sys.modules, "tensorflow", raising=False)
        return (yield)


@pytest.fixture
def pytester(pytester, monkeypatch):
    """Run pytest without the plugins that this project's tests need, and other projects may not
    have: they take time to import.
    """
    monkeypatch.setenv("PYTEST_ADDOPTS", " ".join(f"-p no:{name}" for name in SPARED))
    return pytester


@pytest.fixture(scope="session")
def repository():
    return Path(__file__).parent.parent


@pytest.fixture(scope="session")
def tensorflow():
    """A worker with the installed TensorFlow, one for all tests of this process."""
    gateway = Gateway(DOCUMENTED_SYMBOLS, time_limit=60)
    yield gateway
    gateway.close()


@pytest.fixture
def calls():
    """The calls in YAML text, by name. Fails on any diagnostic."""

    def read(text):
        loaded = load_text(text)
        assert [diagnostic.at("case") for diagnostic in loaded.diagnostics] == []
        return {call.name: call for call in loaded.calls}

    return read
