"""Carry ``probe`` out for a model file: read it, make its calls, and write its cases."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import closing
from pathlib import Path

from rich.console import Console

from tf_conv_conformance.cli.case_options import KEYS, OptionError, option, option_values
from tf_conv_conformance.cli.console import heading, indented, working
from tf_conv_conformance.cli.model_cases import cases_of
from tf_conv_conformance.cli.new_file import check_new, write_new
from tf_conv_conformance.cli.probe_model import case_file, make_all, print_model
from tf_conv_conformance.cli.python_call import is_code
from tf_conv_conformance.convolution.names import OPS
from tf_conv_conformance.prediction.rules.rule import DOCUMENTED_SYMBOLS
from tf_conv_conformance.report.escape import plain
from tf_conv_conformance.subject.gateway import Gateway
from tf_conv_conformance.subject.model_file import ModelFileError, read_model_file

SUFFIXES = (".keras", ".h5", ".hdf5")
OTHERS = (".tflite", ".onnx", ".pb", ".pt", ".pth", ".weights")
OPTIONS = ("op", "input", "modes")
MEMORY = 8.0  # GiB that TensorFlow may use, as with pytest


def is_model(text: str) -> bool:
    """Return whether the text names a model, and not an operator or a call."""
    if text.endswith((*SUFFIXES, *OTHERS)):
        return True
    if not text.strip():
        return False  # and not the working directory
    # A folder may have the name of an operator, as in the shipped cases; code is no name at all.
    return text not in OPS and not is_code(text) and _is_there(Path(text), Path.is_dir)


def _is_there(path: Path, check: Callable[[Path], bool]) -> bool:
    """Return the result of a check, false for a name that no file can have."""
    try:
        return check(path)
    except (OSError, ValueError):
        return False


def probe_model(
    to: Console, options: Mapping[str, str | None], output: Path | None, timeout: float
) -> bool:
    """Probe the model that the option `op` names. Return whether no call fails.

    Raises :class:`OptionError`, and ``SubjectUnavailableError``.
    """
    path = Path(options["op"] or "")
    _check(path, options, output)
    given = option_values({key: options[key] for key in OPTIONS[1:]})
    shape = given.get("input")
    if shape is not None and not (isinstance(shape, list) and all(map(_is_size, shape))):
        raise OptionError("--input: expected the shape of the model's input, as in 1,224,224,3")
    with closing(Gateway(DOCUMENTED_SYMBOLS, timeout, memory=MEMORY)) as gateway:
        try:
            with working("Reading the model …"):
                model = read_model_file(gateway, path, shape)
        except ModelFileError as error:
            raise OptionError(f"{path}: {plain(error)}") from error
        cases, uncovered = cases_of(model.convolutions, given.get("modes"))
        with working("Running TensorFlow …"):
            results = make_all(cases, gateway)
        passes = print_model(to, model, results, uncovered, gateway)
    if not results:
        return passes
    heading(to, "The cases")
    if output is None:
        suggested = f"cases/{plain(path.stem or 'model')}.yaml"
        indented(to, f"Write them with -o {suggested}, and run them: pytest {suggested}")
    else:
        write_new(output, case_file(path.name, results))
        indented(to, f"{output} is written. Run it: pytest {output}")
    return passes


def _is_size(size: object) -> bool:
    return type(size) is int and size >= 0


def _check(path: Path, options: Mapping[str, str | None], output: Path | None) -> None:
    """Raise :class:`OptionError` before TensorFlow is started."""
    if path.name.endswith(OTHERS):
        advice = "give a .keras or .h5 file, or the folder of a SavedModel"
        raise OptionError(f"{path}: such a file is not read; {advice}")
    if not _is_there(path, Path.exists):
        raise OptionError(f"{path}: no such file")
    for key in KEYS:
        if key not in OPTIONS and options.get(key) is not None:
            raise OptionError(f"{option(key)}: a model has its own; leave the option out")
    check_new(output)
