"""A worker that tests Keras alone, on the backend that the environment names, which may be
TensorFlow: CI has no other.

Stands in for an interpreter: ``--tf-subject 'keras = python tests/support/keras_alone.py'``. The
worker that is shipped tests TensorFlow itself where TensorFlow is the backend.
"""

import sys


def main():
    """Read the worker's program as an interpreter does, select Keras, and serve."""
    bootstrap, settings = sys.argv[-2:]
    exec(bootstrap.replace('"__main__"', '"keras alone"'), {})
    sys.modules["subject.keras_subject"].selected = lambda: True
    sys.argv[1:] = [settings]
    sys.modules["subject.worker"].main()


if __name__ == "__main__":
    main()
