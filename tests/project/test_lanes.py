"""The markers by which a part of these tests is chosen: no test without the marker `tensorflow`
gets hold of TensorFlow.
"""

import importlib
import subprocess
import sys

import pytest

from tf_conv_conformance.subject.errors import SubjectUnavailableError
from tf_conv_conformance.subject.gateway import Gateway

REFUSED = "this test has no marker `tensorflow`"


def test_without_its_marker_tensorflow_cannot_be_imported():
    with pytest.raises(RuntimeError, match=REFUSED):
        importlib.import_module("tensorflow")
    program = subprocess.run(
        [sys.executable, "-c", "import tensorflow"], capture_output=True, text=True, check=False
    )
    assert REFUSED in program.stderr
    gateway = Gateway((), 60)
    with pytest.raises(SubjectUnavailableError, match=REFUSED):
        gateway.subject  # noqa: B018
    gateway.close()


@pytest.mark.parametrize(
    ("fixture", "marker"), [("tensorflow", "tensorflow"), ("visit", "browser")]
)
def test_a_fixture_marks_the_tests_that_use_it(request, fixture, marker):
    tests = [item for item in request.session.items if fixture in getattr(item, "fixturenames", ())]
    assert [item.nodeid for item in tests if item.get_closest_marker(marker) is None] == []
