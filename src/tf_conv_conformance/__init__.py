"""A conformance test suite for the 2-D convolutions of TensorFlow, as a pytest plugin."""


class ConformanceError(Exception):
    """Base of the errors of this package."""
