"""A TensorFlow with a fault: stands in for an interpreter, and serves as the worker that it is
handed, the fault built in.

``--tf-subject 'fault = python tests/faults/subject.py strides-swapped'``. Of several faults, with
commas between them, the first one that alters a call is built in. ``@FILE`` names a file that has
the faults, and is read before each call. The worker that is shipped has no such hook.
"""

from __future__ import annotations

import sys
from pathlib import Path

from altering import Invocation
from catalogue import CATALOGUE, NONE, Fault


def main() -> None:
    """Read the worker's program as an interpreter does, alter how it makes a call, and serve."""
    given = sys.argv[1]
    fixed = None if given.startswith("@") else faults_of(given)
    bootstrap, settings = sys.argv[-2:]
    exec(bootstrap.replace('"__main__"', '"faulty"'), {})
    execution = sys.modules["subject.execution"]
    true = execution.prepare

    def prepare(tf, request, tensors):
        call = Invocation(tf, request, tensors, lambda *changed: true(tf, *changed))
        faults = fixed or faults_of(Path(given[1:]).read_text(encoding="utf-8"))
        altering = (fault for fault in faults if fault.alteration.affects(call))
        return next(altering, NONE).function(call)

    execution.prepare = prepare
    sys.argv[1:] = [settings]
    sys.modules["subject.worker"].main()


def faults_of(names: str) -> list[Fault]:
    """Return faults by name."""
    for name in names.split(","):
        if name != "none" and name not in CATALOGUE:
            sys.exit(f"no fault is named {name!r}; the catalogue has {', '.join(CATALOGUE)}")
    return [CATALOGUE.get(name, NONE) for name in names.split(",")]


if __name__ == "__main__":
    main()
