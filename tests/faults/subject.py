"""A TensorFlow with a fault: stands in for an interpreter, and serves as the worker that it is
handed, the fault built in.

``--tf-subject 'fault = python tests/faults/subject.py strides-swapped'``. The worker that is
shipped has no such hook.
"""

from __future__ import annotations

import sys

from altering import Invocation
from catalogue import CATALOGUE, NONE


def main() -> None:
    """Read the worker's program as an interpreter does, alter how it makes a call, and serve."""
    name = sys.argv[1]
    if name != "none" and name not in CATALOGUE:
        sys.exit(f"no fault is named {name!r}; the catalogue has {', '.join(CATALOGUE)}")
    fault = CATALOGUE.get(name, NONE)
    bootstrap, settings = sys.argv[-2:]
    exec(bootstrap.replace('"__main__"', '"faulty"'), {})
    execution = sys.modules["subject.execution"]
    true = execution.prepare

    def prepare(tf, request, tensors):
        return fault.function(
            Invocation(tf, request, tensors, lambda request, tensors: true(tf, request, tensors))
        )

    execution.prepare = prepare
    sys.argv[1:] = [settings]
    sys.modules["subject.worker"].main()


if __name__ == "__main__":
    main()
