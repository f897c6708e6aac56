"""Definitions of subjects, and how subjects start."""

import os
import shlex
import sys
from pathlib import Path

import pytest

from support.requests import arrays, head
from tf_conv_conformance.subject.command_line import command, environment
from tf_conv_conformance.subject.definition import Definition, SubjectDefinitionError, define
from tf_conv_conformance.subject.errors import SubjectUnavailableError
from tf_conv_conformance.subject.gateway import Gateway

HERE = Path("/project")


@pytest.mark.parametrize(
    ("text", "defined"),
    [
        ("a = python3", Definition("a", ("python3",))),
        ("a=", Definition("a", (sys.executable,))),
        (
            "tf2.12 = .tox/tf2.12/bin/python",
            Definition("tf2.12", ("/project/.tox/tf2.12/bin/python",)),
        ),
        ("a = /usr/bin/python3", Definition("a", ("/usr/bin/python3",))),
        (
            "a = TF_ENABLE_ONEDNN_OPTS=0 TF_XLA_FLAGS='--x --y=1' python3",
            Definition(
                "a", ("python3",), (("TF_ENABLE_ONEDNN_OPTS", "0"), ("TF_XLA_FLAGS", "--x --y=1"))
            ),
        ),
        (
            "gpu = CUDA_VISIBLE_DEVICES=1 device=GPU:0 deterministic=true threads=2 ssh a python",
            Definition(
                "gpu", ("ssh", "a", "python"), (("CUDA_VISIBLE_DEVICES", "1"),), 2, "GPU:0", True
            ),
        ),
    ],
)
def test_a_valid_definition_is_parsed(text, defined):
    assert define(text, HERE) == defined


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("python3", "does not define a subject; expected NAME = "),
        (
            "TF_ENABLE_ONEDNN_OPTS=0",
            "has no name for the subject; write 'NAME = TF_ENABLE_ONEDNN_OPTS=0', "
            "with a NAME other",
        ),
        (" threads=2 python3", "write 'NAME = threads=2 python3'"),
        ("a-b = python3", "a NAME of letters"),
        ("[x] = python3", "a NAME of letters"),
        ("a = threads=0 python3", "'threads=0' is not a setting"),
        ("a = threads=many python3", "expected threads=N"),
        ("a = deterministic=yes python3", "expected threads=N with N of at least 1, det"),
        ("a = device=TPU python3", "expected .* device=CPU:0"),
        ("a = colour=red python3", "'colour=red' is not a setting"),
        ("a = 'python3", "No closing quotation"),
    ],
)
def test_an_invalid_definition_is_rejected(text, message):
    with pytest.raises(SubjectDefinitionError, match=message):
        define(text, HERE)


@pytest.mark.tensorflow
def test_a_subject_has_its_environment_threads_and_device():
    """A command may precede the interpreter."""
    settings = "TF_ENABLE_ONEDNN_OPTS=0 XLA_FLAGS= threads=1 deterministic=true device=CPU:0"
    command = f"nice env HOME=/tmp {sys.executable}"
    gateway = Gateway((), 60, define(f"a = {settings} {command}", HERE))
    subject = gateway.subject
    assert subject["deterministic"] is True
    assert (subject["onednn"], subject["threads"], subject["device"]) == (False, 1, "cpu")
    assert subject["environment"]["XLA_FLAGS"] == ""
    assert gateway.call(head(), arrays()).kind == "answered"
    assert gateway.call(head(mode="graph"), arrays()).kind == "answered"
    gateway.close()


def stand_in_for_ssh(folder):
    """A program that joins words with spaces and passes them to a new shell, as ssh does."""
    ssh = folder / "ssh"
    ssh.write_text(
        '#!/bin/sh\ntest "$1" = host || exit 2\nshift\ncd /\nexec env -i PATH="$PATH" sh -c "$*"\n'
    )
    ssh.chmod(0o755)
    return ssh


@pytest.fixture
def library(tmp_path):
    """A folder whose TensorFlow raises what it finds in the environment."""
    folder = tmp_path / "a folder"
    folder.mkdir()
    (folder / "tensorflow.py").write_text(
        "import os\nraise ImportError('here: ' + os.environ.get('SEEN', 'nothing'))\n"
    )
    return folder


def reason_of(line):
    with pytest.raises(SubjectUnavailableError) as caught:
        Gateway((), 60, define(line, HERE)).subject  # noqa: B018
    return str(caught.value).partition("\n")[0]


@pytest.mark.parametrize("before", ["", "PYTHONSAFEPATH=1 ", "nice ", "env -u TF_X nice -n 1 "])
def test_the_environment_is_there_when_the_interpreter_starts(library, before):
    line = f"a = PYTHONPATH={shlex.quote(str(library))} SEEN=1 {before}{sys.executable}"
    assert reason_of(line).endswith("ImportError: here: 1")


def test_the_environment_reaches_an_interpreter_over_ssh(library, tmp_path, monkeypatch):
    """Quoted for the shell on the host, whose environment is another one."""
    stand_in_for_ssh(tmp_path)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=os.pathsep)
    value = """it's "a" $HOME; b\\"""
    given = f"PYTHONPATH={shlex.quote(str(library))} SEEN={shlex.quote(value)}"
    reason = reason_of(f"far = {given} ssh host {sys.executable}")
    assert reason.endswith(f"ImportError: here: {value}")


def test_the_environment_is_also_set_after_the_start(library):
    """For commands that start their interpreter in an environment of their own."""
    line = f"a = PYTHONPATH={shlex.quote(str(library))} SEEN=1"
    clean = f"env -u SEEN {sys.executable}"
    assert reason_of(f"{line} {clean}").endswith("ImportError: here: 1")


@pytest.mark.parametrize(
    "before",
    [
        "ssh host",
        "ssh -p 22 host",
        "ssh -p22 -4C host -v",
        "ssh -Cp 22 -o StrictHostKeyChecking=no host -l user",
        "/usr/bin/ssh -- host",
    ],
)
def test_variables_stand_before_the_command_on_the_host(before):
    defined = define(f"a = TF_A='b c' TF_D=1 {before} nice python3 -X dev", HERE)
    words = command(defined, None, (), 0)
    expected = [*before.split(), "env", "'TF_A=b c'", "TF_D=1", "nice", "python3", "-X", "dev"]
    assert words[: len(expected)] == expected
    assert environment(defined) == os.environ
    expected = [*before.split(), "python3", "-u"]
    without = command(define(f"a = {before} python3", HERE), None, (), 0)
    assert without[: len(expected)] == expected


@pytest.mark.tensorflow
def test_a_subject_may_run_over_ssh(tmp_path):
    ssh = stand_in_for_ssh(tmp_path)
    gateway = Gateway(
        ("tf.nn.conv2d",),
        60,
        define(f"far = TF_ENABLE_ONEDNN_OPTS=0 {ssh} host {sys.executable}", HERE),
    )
    assert gateway.subject["environment"] == {"TF_ENABLE_ONEDNN_OPTS": "0"}
    assert "computes" in gateway.documentation["tf.nn.conv2d"].lower()
    assert gateway.call(head(), arrays()).kind == "answered"
    gateway.close()


@pytest.mark.parametrize(
    ("command", "said"),
    [
        ("no/such/python", "No such file"),
        ("nosuchpython", "No such file"),
        ("false", "exit status 1"),
        ("/", "Permission denied"),
    ],
)
def test_a_failed_start_names_the_subject_and_the_command(command, said):
    with pytest.raises(SubjectUnavailableError, match=f"(?s)did not start in subject a .*{said}"):
        Gateway((), 60, define(f"a = {command}", HERE)).subject  # noqa: B018


def test_the_message_says_that_an_interpreter_lacks_tensorflow(tmp_path):
    with pytest.raises(
        SubjectUnavailableError, match=r"(?s)subject a .*No module named .(tensorflow|numpy)"
    ):
        Gateway((), 60, define(f"a = {sys.executable} -S", HERE)).subject  # noqa: B018
