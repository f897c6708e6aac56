"""A conformance test suite for TensorFlow's 2-D convolutions: what does it compute, and is that what it documents?"""

__version__ = "0.1.0"


class ConformanceError(Exception):
    """Base of the errors of this package."""
