"""Fork a worker from the process that imported TensorFlow, and another one when it has died.

An import of TensorFlow takes seconds, a fork milliseconds. The process that imported it, the fork
server, never calls TensorFlow. It makes no tensor, opens no device and starts no thread, since its
forks would then be broken. Like the worker, this file keeps to Python 3.7.
"""

from __future__ import annotations

import ctypes
import faulthandler
import os
import resource
import signal
import stat
import sys
from contextlib import suppress
from typing import Any

DEVICES = ("/dev/nvidia", "/dev/kfd", "/dev/dri", "/dev/accel")
"""Files that a driver of accelerators keeps open; they do not work in a forked process."""
TOKEN_LENGTH = 16  # bytes
_PR_SET_PDEATHSIG = 1


def possible() -> bool:
    """Return whether it is safe to fork this process, and standard error is a file.

    Only a file has all output of a dead worker by the time its end is reported.
    """
    if not sys.platform.startswith("linux") or not stat.S_ISREG(os.fstat(2).st_mode):
        return False
    try:
        has_device = any(map(_is_device, os.listdir("/proc/self/fd")))
        return len(os.listdir("/proc/self/task")) == 1 + _emulated() and not has_device
    except OSError:  # no /proc
        return False


def _is_device(descriptor: str) -> bool:
    try:
        return os.readlink("/proc/self/fd/" + descriptor).startswith(DEVICES)
    except OSError:  # the descriptor of the folder itself, which is closed again
        return False


def _emulated() -> bool:
    """Return whether this is QEMU's user mode, whose one thread of its own survives a fork."""
    with open("/proc/self/comm") as name:  # kept from the emulator, unlike the rest of /proc/self
        return name.read().startswith("qemu-")


def fork(pipe: Any) -> None:
    """Fork a worker, in which this function returns. The fork server ends with the last worker.

    The server reports each death on the pipe, and forks again when the suite has sent the token of
    that report. Bytes in the pipe before the token were meant for the dead worker. If the worker
    died while writing a message, part of it may have been sent, so the server ends in the same way.
    """
    while True:
        server = os.getpid()
        worker = os.fork()
        if worker == 0:
            _end_with(server)
            return
        code = _ending(os.waitpid(worker, 0)[1])
        if code == 0 or pipe.writing:
            _end_like(code)
        token = os.urandom(TOKEN_LENGTH)
        try:
            pipe.send({"type": "ended", "code": code, "token": token.hex()})
            pipe.skip_past(token)
        except (OSError, EOFError):  # the suite is gone
            os._exit(1)


def _end_with(server: int) -> None:
    """Have this process killed when the fork server ends."""
    with suppress(OSError, AttributeError):
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, ctypes.c_ulong(signal.SIGKILL))
    if os.getppid() != server:  # it has ended already
        os._exit(1)


def _ending(status: int) -> int:
    """Return the exit status, or the negative number of the signal."""
    return -os.WTERMSIG(status) if os.WIFSIGNALED(status) else os.WEXITSTATUS(status)


def _end_like(code: int) -> None:
    """End this process with an exit status, or by a signal without a second report or core file."""
    if code < 0:
        faulthandler.disable()
        resource.setrlimit(resource.RLIMIT_CORE, (0, resource.getrlimit(resource.RLIMIT_CORE)[1]))
        with suppress(OSError, ValueError):  # SIGKILL has no other effect
            signal.signal(-code, signal.SIG_DFL)
        os.kill(os.getpid(), -code)
    os._exit(abs(code))
