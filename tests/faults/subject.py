"""A TensorFlow with a fault: stands in for an interpreter, and serves as the worker that it is
handed, the fault built in.

``--tf-subject 'fault = python tests/faults/subject.py strides-swapped'``. Of several faults, with
commas between them, the first one that alters a call is built in. The worker that is
shipped has no such hook.
"""

from __future__ import annotations

import sys

from altering import Invocation
from catalogue import CATALOGUE, NONE


def main() -> None:
    """Read the worker's program as an interpreter does, alter how it makes a call, and serve."""
    names = sys.argv[1].split(",")
    for name in names:
        if name != "none" and name not in CATALOGUE:
            sys.exit(f"no fault is named {name!r}; the catalogue has {', '.join(CATALOGUE)}")
    faults = [CATALOGUE.get(name, NONE) for name in names]
    bootstrap, settings = sys.argv[-2:]
    exec(bootstrap.replace('"__main__"', '"faulty"'), {})
    execution = sys.modules["subject.execution"]
    true = execution.prepare

    def prepare(tf, request, tensors):
        call = Invocation(tf, request, tensors, lambda *changed: true(tf, *changed))
        altering = (fault for fault in faults if fault.alteration.affects(call))
        return next(altering, NONE).function(call)

    execution.prepare = prepare
    sys.argv[1:] = [settings]
    sys.modules["subject.worker"].main()


if __name__ == "__main__":
    main()
