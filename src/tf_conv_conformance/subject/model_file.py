"""The convolutions of a model file, as the worker read them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tf_conv_conformance import ConformanceError
from tf_conv_conformance.subject.errors import RECEIVING_ERRORS, NoAnswerError
from tf_conv_conformance.subject.gateway import Gateway

ARGUMENTS = ("input", "filter", "strides", "dilations", "padding", "data_format", "dtype")
TRANSPOSED = ("upstream", "output_padding")
"""What some convolutions have besides."""


class ModelFileError(ConformanceError):
    """A model file that cannot be read; the message says why, and what to do."""


@dataclass(frozen=True)
class Convolution:
    """A convolution of a model: its name, the type of its layer or operation, and its arguments.

    Unknown sizes are None. If there is a `problem`, the arguments are missing or incomplete.
    """

    name: str
    type: str
    op: str | None = None
    via: str | None = None
    arguments: Mapping[str, Any] | None = None
    problem: str | None = None


@dataclass(frozen=True)
class ModelFile:
    """A model: what kind of file it is, its inputs with their shapes, and its convolutions."""

    format: str
    inputs: Sequence[tuple[str, list[int]]]
    convolutions: Sequence[Convolution]


def read_model_file(gateway: Gateway, path: Path, shape: list[int] | None) -> ModelFile:
    """Have the worker read a model for an input of a shape, or for the shape that it knows.

    Raises :class:`ModelFileError`.
    """
    try:
        answer = gateway.ask({"type": "model", "path": str(path.resolve()), "input": shape})
    except NoAnswerError as error:
        raise ModelFileError(f"TensorFlow did not read it: {error}") from error
    if answer.get("type") == "unreadable":
        raise ModelFileError(str(answer.get("message")))
    if answer.get("type") != "model":  # a traceback of the worker's own fault
        last = str(answer.get("message")).strip().rpartition("\n")[2]
        raise ModelFileError(f"the suite itself failed while it read it: {last}")
    try:
        return ModelFile(
            format=str(answer["format"]),
            inputs=[(str(name), list(sizes)) for name, sizes in answer["inputs"]],
            convolutions=[_convolution(one) for one in answer["convolutions"]],
        )
    except RECEIVING_ERRORS as error:
        raise ModelFileError("the worker's answer about it is of another form") from error


def _convolution(read: Mapping[str, Any]) -> Convolution:
    name, kind = str(read["name"]), str(read["type"])
    if read.get("problem") is not None:
        return Convolution(name, kind, problem=str(read["problem"]))
    arguments = {key: read[key] for key in ARGUMENTS}
    arguments |= {key: read[key] for key in TRANSPOSED if read.get(key) is not None}
    return Convolution(name, kind, read["op"], read["via"], arguments)
