"""Runs on the subject with faults."""

import subprocess
import sys
from pathlib import Path

import pytest

from support.faulty import FAULTS, fault

FAULTY = f"faulty = {sys.executable} {Path(__file__).parent / 'faulty.py'}"


WORKERS = [
    "-n0",
    pytest.param("-n2", marks=pytest.mark.slow),
]  # three processes start, where -n0 starts at most one


KINDS = {
    "hang": "timed out",
    "value": "violates",
    "flood": "conforms",
    "crash": "crashed",
}  # of the others the suite has no answer


def cases(batches=(1,), name="one", faults=FAULTS):
    """A hundred calls for each batch size, of all heights and widths up to ten, without those of
    other faults.
    """
    shapes = [
        [batch, height, width, 1]
        for batch in batches
        for height in range(1, 11)
        for width in range(1, 11)
    ]
    inputs = ", ".join(str(shape) for shape in shapes if fault(shape) in (None, *faults))
    return f"""
cases:
  - {{id: {name}, op: conv2d, filter: [1, 1, 1, 1], strides: 1, padding: VALID, modes: eager,
     sweep: {{input: [{inputs}]}}}}
"""


def shape_in(identifier):
    return [int(size) for size in identifier.partition("input")[2].partition("-")[0].split("x")]


def expected(identifier):
    wrong = fault(shape_in(identifier))
    return "conforms" if wrong is None else KINDS.get(wrong, "suite error")


def marked(folder):
    """The faulty subject, its processes marked with a folder in their environment."""
    return FAULTY.replace("faulty = ", f"faulty = FOLDER={folder} ")


def workers_of(folder):
    """The processes of the faulty subject that were marked with a folder and still run."""
    listed = subprocess.run(
        ["ps", "-eo", "pid,args", "-ww"], capture_output=True, text=True, check=True
    ).stdout.splitlines()
    return [
        int(line.split()[0])
        for line in listed
        if "faulty.py" in line and str(folder) in line and "-c import os" in line
    ]
