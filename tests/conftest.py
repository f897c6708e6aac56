"""What several test modules share: the repository, a real TensorFlow, and case files made on the spot."""

from pathlib import Path

import pytest

from tf_conv_conformance.casefile.loading import load_text
from tf_conv_conformance.rules.rule import SYMBOLS
from tf_conv_conformance.subject.gateway import Gateway

SPARED = ("hypothesispytest", "randomly", "rerunfailures", "timeout", "pytest_cov", "html", "html_fixtures", "metadata", "pytest-split")


@pytest.fixture
def pytester(pytester, monkeypatch):
    """Run pytest without the plugins that this project's tests need, and other projects may not have: they take time to import."""
    monkeypatch.setenv("PYTEST_ADDOPTS", " ".join(f"-p no:{name}" for name in SPARED))
    return pytester


@pytest.fixture(scope="session")
def repository():
    return Path(__file__).parent.parent


@pytest.fixture(scope="session")
def tensorflow():
    """A worker with the installed TensorFlow, one for all tests of this process."""
    gateway = Gateway(SYMBOLS, time_limit=60)
    yield gateway
    gateway.close()


@pytest.fixture
def calls():
    """The calls in YAML text, by name. Fails on any complaint."""

    def read(text):
        loaded = load_text(text)
        assert [complaint.at("case") for complaint in loaded.complaints] == []
        return {call.name: call for call in loaded.calls}

    return read
