"""A conformance test suite for the 2-D convolutions of TensorFlow, as a pytest plugin."""

__version__ = "0.1.0"


class ConformanceError(Exception):
    """Base of the errors of this package."""
