"""A subject with faults on purpose: stands in for an interpreter, follows the worker's protocol,
and needs no TensorFlow.

``--tf-subject 'faulty = python tests/faulty.py'``. It answers a convolution with a filter of one
element, and what is wrong with an answer depends on the input's shape alone, so that the same call
goes wrong in the same way again.

Variables of the environment: FAULTY_ISA is its instruction set; with FAULTY_THREAD it has a thread,
and so is not forked; with FAULTY_STARTS, which names a file, it leaves a byte there whenever it
starts, and dies before its greeting from the second time on; with FAULTY_ELEMENT the first element
of each result is off by one; TF_ENABLE_ONEDNN_OPTS=1 has it say
that oneDNN is on.
"""

import json
import os
import re
import signal
import sys
import threading
import time
from ast import literal_eval
from pathlib import Path

os.environ.setdefault(
    "OPENBLAS_NUM_THREADS", "1"
)  # as the worker's program does, before NumPy starts threads

import numpy as np

FAULTS = ("crash", "exit", "hang", "garbage", "shape", "dtype", "huge", "flood", "arms", "value")
WIDTH = 7  # inputs of this width in a batch of one go wrong
HALF, CHATTY, LONELY, TORN = (
    77,
    78,
    79,
    80,
)  # widths: half an answer comes, each call prints its height, a message of several calls is a
# crash, the worker is killed while it writes


def fault(shape):
    """What goes wrong with an input of this shape; None for most."""
    return FAULTS[shape[1] % len(FAULTS)] if (shape[0], shape[2]) == (1, WIDTH) else None


def worker():
    """The worker's own modules, from the source that the suite sends, in the environment that it
    sends.
    """
    os.environ.update(literal_eval(re.search(r"environ\.update\((\{.*\})\)", sys.argv[3])[1]))
    length = int(re.search(r"len\(program\) < (\d+)", sys.argv[3])[1])
    program = b""
    while len(program) < length:
        program += os.read(0, length - len(program))
    exec(compile(program, "worker", "exec"), {"__name__": "faulty"})
    return sys.modules["subject.worker"], sys.modules["subject.wire"]


def start():
    """Leave a trace of the start, and die if there is one of an earlier start."""
    if path := os.environ.get("FAULTY_STARTS"):
        with Path(path).open("ab") as trace:
            trace.write(b".")
        if Path(path).stat().st_size > 1:
            os.abort()


SUBJECT = {
    "tensorflow": "2.21.0",
    "git_version": "faulty",
    "python": "3",
    "numpy": np.__version__,
    "keras": None,
    "tflite": None,
    "litert": None,
    "onnxruntime": None,
    "tf2onnx": None,
    "platform": "linux",
    "machine": "x86_64",
    "cpu": {"name": "none", "flags": []},
    "onednn": False,
    "onednn_version": None,
    "isa": None,
    "device": "cpu",
    "threads": None,
    "environment": {},
}


def raw(data):
    """Write bytes in the place of a message."""
    while data:
        data = data[os.write(1, data) :]


def answer(pipe, wire, request, arrays, printed):
    """Answer one call: each input times the only element of its filter, or a wrong answer."""
    results = [x * w[0, 0, 0, 0] for x, w in zip(arrays[::2], arrays[1::2], strict=True)]
    arms = [
        {"status": "value", "dtype": request["dtypes"][0], "shape": list(y.shape), "warnings": []}
        for y in results
    ]
    if "FAULTY_ELEMENT" in os.environ:
        for y in results:
            y.flat[0] += 1
    wrong = fault(arrays[0].shape)
    if arrays[0].shape[2] == HALF:
        raw(wire.LENGTHS.pack(100, 0) + b"{")
        wrong = "hang"
    if arrays[0].shape[2] == CHATTY:
        os.write(2, b"height %d\n" % arrays[0].shape[1])
        wrong = "crash" if arrays[0].shape[1] == 5 else None
    if arrays[0].shape[2] == TORN:
        wire.write_some = lambda descriptor, parts: (
            os.write(descriptor, parts[0][:9]) and os.kill(os.getpid(), signal.SIGKILL)
        )
    if wrong == "crash":
        os.kill(os.getpid(), signal.SIGSEGV)
    elif wrong == "exit":
        os._exit(3)
    elif wrong == "hang":
        time.sleep(1000)
    elif wrong == "garbage":
        raw(wire.LENGTHS.pack(9, 0) + b"\x00 no JSON")
    elif wrong == "shape":
        arms[0]["shape"] = [1, 2, 3]
    elif wrong == "dtype":
        results[0] = results[0].astype(np.float64)
    elif wrong == "huge":
        raw(wire.LENGTHS.pack(2, 2**33) + b"{}")
    elif wrong == "flood":
        try:
            for _ in range(2000):
                os.write(2, b"x" * 2**20)
        except OSError:
            pass
    elif wrong == "arms":
        arms.append(arms[0])
    elif wrong == "value":
        results[1] = results[1] + 1
    pipe.send({"type": "answer", "arms": arms, "seconds": 0.0, "printed": printed()}, results)


def about_model(pipe, wire, wrong):
    """Go wrong as the name of a model file says."""
    if wrong == "crash":
        os.kill(os.getpid(), signal.SIGSEGV)
    elif wrong == "hang":
        time.sleep(1000)
    elif wrong == "garbage":
        raw(wire.LENGTHS.pack(9, 0) + b"\x00 no JSON")
    elif wrong == "fault":
        pipe.send({"type": "fault", "message": "Traceback:\n  line\nKeyError: 'x'\n"})
        return
    pipe.send({"type": "model", "format": "faulty", "inputs": [[]], "convolutions": [{}]})


def main():
    worker_module, wire = worker()
    pipe = wire.Pipe()
    worker_module.limit(json.loads(sys.argv[4]))
    if "FAULTY_THREAD" in os.environ:
        threading.Thread(target=time.sleep, args=(1000,), daemon=True).start()
    if worker_module.forkserver.possible():
        worker_module.forkserver.fork(pipe)
    start()
    onednn = os.environ.get("TF_ENABLE_ONEDNN_OPTS") == "1"
    pipe.send(
        {
            "type": "hello",
            "protocol": worker_module.PROTOCOL,
            "subject": SUBJECT | {"onednn": onednn, "isa": os.environ.get("FAULTY_ISA") or None},
            "documentation": {},
        }
    )
    while True:
        request, arrays = wire.receive(pipe)
        if request["type"] == "close":
            return
        if request["type"] == "model":
            about_model(pipe, wire, Path(request["path"]).name)
            continue
        if request["together"] and any(
            array.ndim == 4 and array.shape[2] == LONELY for array in arrays
        ):
            os.abort()
        for call in request["calls"]:
            count = 2 * call["arms"]
            if log := os.environ.get("RECEIVED"):  # the file where the shape of each input is noted
                with Path(log).open("a", encoding="utf-8") as file:
                    file.write(f"{list(arrays[0].shape)}\n")
            answer(pipe, wire, call, arrays[:count], worker_module.printed)
            arrays = arrays[count:]


if __name__ == "__main__":
    main()
