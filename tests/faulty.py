"""A subject with faults on purpose: stands in for an interpreter, speaks the worker's protocol, and needs no TensorFlow.

``--tf-subject 'faulty = python tests/faulty.py'``. It answers a convolution with a filter of one element, and what is wrong with an answer
depends on the input's shape alone, so that the same call goes wrong in the same way again.
"""

import json
import os
import re
import signal
import sys
import time

import numpy as np

FAULTS = ("crash", "exit", "hang", "garbage", "shape", "dtype", "huge", "flood", "arms", "value")
WIDTH = 7  # inputs of this width in a batch of one go wrong


def fault(shape):
    """What goes wrong with an input of this shape; None for most."""
    return FAULTS[shape[1] % len(FAULTS)] if (shape[0], shape[2]) == (1, WIDTH) else None


def worker():
    """The worker's own functions, from the source that the suite sends."""
    length = int(re.search(r"len\(program\) < (\d+)", sys.argv[3])[1])
    program = b""
    while len(program) < length:
        program += os.read(0, length - len(program))
    names = {"__name__": "worker"}
    exec(compile(program, "worker.py", "exec"), names)
    return names


class Pipes:
    def __init__(self):
        from multiprocessing.connection import Connection

        self.reader, self.writer = Connection(os.dup(0), writable=False), Connection(os.dup(1), readable=False)
        self.recv_bytes, self.send_bytes = self.reader.recv_bytes, self.writer.send_bytes


SUBJECT = {
    "tensorflow": "2.21.0", "git_version": "faulty", "python": "3", "numpy": np.__version__, "keras": None, "platform": "linux",
    "machine": "x86_64", "cpu": {"name": "none", "flags": []}, "onednn": False, "device": "cpu", "threads": None, "environment": {},
}  # fmt: skip


def main():
    pipes, names = Pipes(), worker()
    send, receive = names["send"], names["receive"]
    names["limit"](json.loads(sys.argv[4]))
    send(pipes, {"type": "hello", "protocol": 1, "subject": SUBJECT, "documentation": {}})
    while True:
        request, arrays = receive(pipes)
        if request["type"] == "close":
            return
        results = [x * w[0, 0, 0, 0] for x, w in zip(arrays[::2], arrays[1::2], strict=True)]
        arms = [{"status": "value", "dtype": "float32", "shape": list(y.shape), "warnings": []} for y in results]
        wrong = fault(arrays[0].shape)
        if wrong == "crash":
            os.kill(os.getpid(), signal.SIGSEGV)
        elif wrong == "exit":
            os._exit(3)
        elif wrong == "hang":
            time.sleep(1000)
        elif wrong == "garbage":
            pipes.send_bytes(b"\x00 no JSON")
        elif wrong == "shape":
            arms[0]["shape"] = [1, 2, 3]
        elif wrong == "dtype":
            results[0] = results[0].astype(np.float64)
        elif wrong == "huge":
            os.write(pipes.writer.fileno(), b"\xff\xff\xff\xff" + b"\x7f" * 8)
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
        send(pipes, {"type": "answer", "arms": arms, "seconds": 0.0}, results)


if __name__ == "__main__":
    main()
