"""Stands in the way of the installed TensorFlow, for tests without the marker `tensorflow`: see
conftest.py.
"""

raise RuntimeError(
    "this test has no marker `tensorflow`, so TensorFlow cannot be imported; mark "
    "it, or use tests/faulty.py"
)
