"""The worker with real TensorFlow: values, exceptions, warnings, crashes and time-outs."""

import os
import shutil
import signal
import subprocess
import sys
from ast import literal_eval
from pathlib import Path
from typing import get_args

import numpy as np
import pytest

from support.requests import arrays, await_end, children, head
from tf_conv_conformance.convolution.dtypes import as_numbers
from tf_conv_conformance.convolution.names import CpuFlag
from tf_conv_conformance.prediction.rules.rule import DOCUMENTED_SYMBOLS
from tf_conv_conformance.subject import (
    exceptions,
    host,
    process,
)
from tf_conv_conformance.subject.definition import Definition
from tf_conv_conformance.subject.errors import SubjectUnavailableError
from tf_conv_conformance.subject.gateway import Gateway
from tf_conv_conformance.subject.in_process import InProcess
from tf_conv_conformance.subject.request import Request


def test_the_subject_identifies_itself(tensorflow):
    subject = tensorflow.subject
    assert subject["tensorflow"].startswith("2.")
    assert subject["onednn"] in (True, False)
    assert subject["numpy"] == np.__version__
    assert subject["cpu"]["name"]
    assert set(tensorflow.documentation) == set(DOCUMENTED_SYMBOLS)
    assert "Notes on padding" in tensorflow.documentation["tf.nn"]


def test_case_files_and_the_worker_know_the_same_processor_flags():
    assert get_args(CpuFlag) == host.CPU_FLAGS


@pytest.mark.parametrize(
    ("listed", "detected", "flags"),
    [
        ([], {}, []),
        (["avx2", "amx_tile"], {}, ["avx2", "amx_tile"]),
        (["avx2", "amx_tile"], {"avx2": True, "amx_fp16": True}, ["avx2", "amx_tile", "amx_fp16"]),
        (["avx2"], {"avx2": True, "avx512f": True}, ["avx2", "avx512f"]),
        (["avx2", "avx512f", "amx_tile"], {"avx2": True, "avx512f": False}, ["avx2"]),
        (["avx2", "avx512f"], {"avx2": False, "avx512f": False, "asimd": True}, ["asimd"]),
    ],
)
def test_flags_of_an_emulators_host_do_not_count(listed, detected, flags):
    assert host.seen(listed, detected) == flags


@pytest.mark.skipif(not shutil.which("qemu-x86_64"), reason="needs qemu-user")
@pytest.mark.slow
def test_an_emulated_processor_is_not_the_hosts():
    emulated = ["qemu-x86_64", "-cpu", "Haswell", sys.executable]
    program = "from tf_conv_conformance.subject import host; print(host.cpu())"
    ran = subprocess.run([*emulated, "-c", program], capture_output=True, text=True, check=True)
    assert literal_eval(ran.stdout) == {
        "name": "x86_64",
        "flags": ["avx", "avx2", "fma"],
        "isa": "avx2",
    }


@pytest.mark.parametrize("mode", ["eager", "graph", "xla"])
@pytest.mark.parametrize("dtype", ["float16", "bfloat16", "float32", "float64"])
def test_values_are_exchanged_bit_for_bit(tensorflow, mode, dtype):
    x, w = arrays(dtype=dtype)
    observation = tensorflow.call(head(mode=mode, dtype=dtype), [x, w])
    (arm,) = observation.answers
    expected = sum(
        as_numbers(x, dtype)[0, i : i + 2, j : j + 2, 0] * as_numbers(w, dtype)[i, j, 0, 0]
        for i in range(2)
        for j in range(2)
    )
    assert (arm.dtype, arm.shape) == (dtype, (1, 2, 2, 1))
    assert np.array_equal(as_numbers(arm.values, dtype)[0, :, :, 0], expected)


def test_each_arm_has_its_own_answer(tensorflow):
    first, second = arrays(), [2 * array for array in arrays()]
    observation = tensorflow.call(head(mode="graph"), [*first, *second])
    assert len(observation.answers) == 2
    assert np.array_equal(observation.answers[1].values, 4 * observation.answers[0].values)


@pytest.mark.parametrize("mode", ["eager", "graph", "xla"])
def test_an_exception_is_named_with_its_bases_and_without_nodes(tensorflow, mode):
    (arm,) = tensorflow.call(head(mode=mode, strides=[1, 0, 0, 1]), arrays()).answers
    assert arm.values is None
    assert arm.error in arm.bases
    assert {"InvalidArgumentError", "OpError"} <= set(arm.bases), (
        "a graph's ValueError replaces one"
    )
    assert "tride" in arm.message
    for noise in ("{{", "[Op:", "0x", "node ", "in user code", 'File "', "__wrapped__"):
        assert noise not in arm.message


def test_an_observation_has_only_the_warnings_of_its_call(tensorflow):
    atrous = head("depthwise_conv2d", strides=[1, 2, 2, 1], dilations=[2, 2])
    plain = head("depthwise_conv2d")
    warned = [
        tensorflow.call(request, arrays((1, 9, 9, 1))).warnings
        for request in (atrous, plain, atrous)
    ]
    assert warned[1] == ()
    assert warned[0] == warned[2]
    if tuple(map(int, tensorflow.subject["tensorflow"].split(".")[:2])) >= (2, 21):
        assert [one.category for one in warned[0]] == ["UserWarning"]


@pytest.mark.parametrize(
    ("raw", "clean"),
    [
        ("{{function_node __wrapped__Conv2D_device_/job:x}} Bad. [Op:Conv2D] name: ", "Bad."),
        ("ValueError: Bad\n", "Bad"),
        (
            'in user code:\n\n    File "/x.py", line 3, in f\n\n    ValueError: Bad '
            "at 0x7fc99cef7a60",
            "Bad at 0x…",
        ),
        (  # TensorFlow 2.8 to 2.11
            "Graph execution error:\n\nDetected at node 'a' defined at (most recent call last):\n"
            "    File \"x.py\", line 1, in y\nNode: 'a'\nMissing output [Op:__inference_f_1]",
            "Graph execution error:\nMissing output",
        ),
        (
            "Graph execution error:\n\nDetected at node a defined at:\n  File x\n\n"
            "Bad\n\t [[{{node a}}]]",
            "Graph execution error:\nBad",
        ),
        ("Bad window.\n\nStack trace for op definition: \nFile", "Bad window."),
        (
            "Exception encountered when calling Conv2D.call().\n\n\x1b[1mBad\x1b[0m\n"
            "\nArguments received by Conv2D.call():\n  • x=1",
            "Bad",
        ),
        (
            'Graph execution error:\nFile "worker", line 8, in main\nBad',
            "Graph execution error:\nBad",
        ),
        (
            "/x/nn_ops.py:2163:0: error: 'tf.Conv2D' op is neither\n"
            "/x/y.py:6:1: note: called from\n      function(x, w)\n      ^\n"
            "/x/z.py:7:0: note: called from\n/x/z.py:8:0: note: Error code: 1\n"
            "<unknown>:0: error: failed: \nBad",
            "error: 'tf.Conv2D' op is neither\nnote: Error code: 1\nerror: failed:\nBad",
        ),
        (
            "/x.py:6:1: error: Bad\n  function(x)\n  ^\n/x.py:7:1: error: Worse",
            "error: Bad\nerror: Worse",
        ),
        ("x" * 10_000, "x" * exceptions.MESSAGE_LIMIT),
    ],
)
def test_messages_are_cleaned(raw, clean):
    assert exceptions.clean_message(raw, "ValueError") == clean


def test_a_crash_reports_its_signal_and_costs_one_call(tensorflow):
    gateway = tensorflow
    greeting = gateway.subject, gateway.documentation
    process = gateway.pid
    (worker,) = children(process)
    for _ in range(2):
        died = gateway.call(
            head("depthwise_conv2d", "xla", padding="SAME"), arrays((1, 4, 4, 0), (3, 3, 0, 2))
        )
        assert (died.kind, died.signal) == ("crashed", "SIGFPE")
        assert died.last_output.startswith("Fatal Python error: Floating point exception")
        assert gateway.call(head(), arrays()).kind == "answered"
    assert (gateway.subject, gateway.documentation) == greeting
    assert gateway.pid == process, "TensorFlow was imported again"
    assert children(process) != [worker]


@pytest.mark.tensorflow
def test_a_worker_that_is_killed_costs_one_call_and_leaves_no_temporary_file(tmp_path):
    """It dies, and then it takes too long. AutoGraph writes the source of functions to files."""
    gateway = Gateway((), 60, Definition(environment=(("TMPDIR", str(tmp_path)),)))
    assert gateway.call(head(mode="graph"), arrays()).kind == "answered"
    (folder,) = tmp_path.iterdir()
    assert list(folder.rglob("__autograph_generated_file*"))
    (worker,) = children(gateway.pid)
    os.kill(worker, signal.SIGKILL)
    assert gateway.call(head(mode="graph"), arrays()).signal == "SIGKILL"
    gateway.time_limit = 0.001  # the first XLA compilation takes more
    late = gateway.call(head(mode="xla"), arrays())
    assert (late.kind, late.unanswered) == ("timed out", {"time_limit": 0.001})
    gateway.time_limit = 60
    assert gateway.call(head(mode="xla"), arrays()).kind == "answered"
    process = gateway.pid
    gateway.close()
    await_end(process)
    assert list(tmp_path.iterdir()) == []


def test_a_command_that_does_not_start_leaves_no_folder(tmp_path):
    definition = Definition("a", ("/no/such/python",), (("TMPDIR", str(tmp_path)),))
    with pytest.raises(SubjectUnavailableError, match="No such file"):
        Gateway((), 60, definition).subject  # noqa: B018
    assert list(tmp_path.iterdir()) == []


@pytest.mark.tensorflow
def test_the_worker_ends_with_its_suite():
    """If the suite is killed, the pipe ends, and the worker ends, too."""
    source = (
        "from tf_conv_conformance.subject.gateway import Gateway; import os; g = "
        "Gateway((), 60); g.subject; print(g.pid, flush=True); os._exit(9)"
    )
    done = subprocess.run(
        [sys.executable, "-c", source], capture_output=True, text=True, check=False
    )
    assert done.returncode == 9
    await_end(int(done.stdout))


def test_a_failed_start_says_what_was_tried(tmp_path, monkeypatch):
    (tmp_path / "tensorflow.py").write_text("raise ImportError('no such library: libtensorflow')")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    with pytest.raises(
        SubjectUnavailableError,
        match=r"(?s)did not start in .*ImportError: no such library.*pip install",
    ):
        Gateway((), 60).subject  # noqa: B018


def test_a_failed_start_reports_the_exit_status(tmp_path):
    with pytest.raises(SubjectUnavailableError, match="exit status 0"):
        Gateway((), 60, Definition(command=("true",))).subject  # noqa: B018


@pytest.mark.tensorflow
def test_in_process_runs_the_same_code(monkeypatch):
    pytest.importorskip("tensorflow")
    subject = InProcess(DOCUMENTED_SYMBOLS)
    (observation,) = subject.calls([Request(head(), arrays())])
    assert observation.kind == "answered"
    assert observation.answers[0].shape == (1, 2, 2, 1)
    requests = [Request(head(mode=mode), arrays()) for mode in ("eager", "graph")]
    assert [one.answers[0].values.tolist() for one in subject.calls(requests)] == [
        observation.answers[0].values.tolist()
    ] * 2
    subject.close()


def test_the_worker_imports_nothing_of_the_package():
    """It runs on interpreters that the package does not support, so it may import only the standard
    library and NumPy.
    """
    for module in process._MODULES:
        source = Path(module.__file__).read_text(encoding="utf-8")
        assert "tf_conv_conformance" not in source
        for too_new in (":=", "match ", "removeprefix", "removesuffix", "zip(strict"):
            assert too_new not in source
