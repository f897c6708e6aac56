"""Find the instruction set that oneDNN uses, in oneDNN's own names. Runs on Python 3.7.

oneDNN prints it once in a process, before its first kernel, and only if a variable of the
environment says so. A fork of the process that has imported TensorFlow is made to print it.
"""

from __future__ import annotations

import ctypes
import os
import re
import signal
import tempfile
from typing import Any

VARIABLES = ("ONEDNN_VERBOSE", "DNNL_VERBOSE", "MKLDNN_VERBOSE")  # newest first
LIMITS = ("ONEDNN_MAX_CPU_ISA", "DNNL_MAX_CPU_ISA")
TIME_LIMIT = 60  # seconds; an emulator takes some
_PR_SVE_GET_VL = 51
_ISA = re.compile(r"_verbose,.*(?:cpu,isa:|Detected ISA is )(.*)")
_VERSION = re.compile(r"_verbose,.*DNN\w* v(\d+(?:\.\d+)+)")
_BY_FLAGS = (  # the flags of a processor that oneDNN requires for an instruction set, widest first
    ("avx512_core_amx_fp16", ("avx512_fp16", "amx_int8", "amx_bf16", "amx_fp16")),
    ("avx512_core_amx", ("avx512_fp16", "amx_int8", "amx_bf16")),
    ("avx512_core_fp16", ("avx512_fp16",)),
    ("avx512_core_bf16", ("avx512_bf16",)),
    ("avx512_core_vnni", ("avx512_vnni",)),
    ("avx512_core", ("avx512f",)),
    ("avx2_vnni_2", ("avx_vnni", "avx_vnni_int8", "avx_ne_convert")),
    ("avx2_vnni", ("avx_vnni",)),
    ("avx2", ("avx2",)),
    ("avx", ("avx",)),
)

_ON_BY_DEFAULT = {  # the flags with which TensorFlow 2.9 and later prefer oneDNN
    "avx512_vnni",
    "avx512_bf16",
    "avx_vnni",
    "amx_tile",
    "amx_int8",
    "amx_bf16",
}


def preferred(version: Any, flags: Any, setting: str) -> bool:
    """Return whether TensorFlow 2.5 to 2.10 uses oneDNN's kernels, which it does not say.

    `setting` is the value of TF_ENABLE_ONEDNN_OPTS; others than these leave the default.
    """
    chosen = {"1": True, "true": True, "0": False, "false": False}.get(setting.lower())
    if chosen is None:
        return version >= (2, 9) and bool(_ON_BY_DEFAULT.intersection(flags))
    return chosen


def ask(tf: Any) -> dict[str, str]:
    """Return the `isa` and the `onednn_version` that oneDNN prints; without those it does not.

    This process is forked, so it must have no other thread and have made no tensor.
    """
    with tempfile.TemporaryFile() as output:
        fork = os.fork()
        if fork == 0:
            try:
                _print(tf, output.fileno())
            finally:
                os._exit(0)
        os.waitpid(fork, 0)
        output.seek(0)
        return printed(output.read().decode(errors="replace"))


def _print(tf: Any, output: int) -> None:
    """Make a call that runs a kernel of oneDNN, whether or not TensorFlow prefers them."""
    signal.signal(signal.SIGALRM, signal.SIG_DFL)
    signal.alarm(TIME_LIMIT)
    os.environ.update(dict.fromkeys(VARIABLES, "1"))
    os.dup2(output, 1)
    tf.nn.conv2d(tf.ones([1, 8, 8, 8]), tf.ones([3, 3, 8, 8]), 1, "VALID")
    ctypes.CDLL(None).fflush(None)


def printed(text: str) -> dict[str, str]:
    """Return the `isa` and the `onednn_version` in what oneDNN has printed."""
    found = {}
    described, version = _ISA.search(text), _VERSION.search(text)
    isa = named(described.group(1)) if described else None
    if isa is not None:
        found["isa"] = isa
    if version is not None:
        found["onednn_version"] = version.group(1)
    return found


def named(description: str) -> str | None:
    """Return oneDNN's name of an instruction set that it describes; None if it is unknown.

    The descriptions are those of get_isa_info() in oneDNN's cpu_isa_traits.cpp.
    """
    if description.startswith("AArch64"):
        vector = re.search(r"SVE \((\d+) bits\)", description)
        return "sve_" + vector.group(1) if vector else "asimd"
    core, amx = (set(re.findall(r"[\w.-]+", part)) for part in _around_amx(description))
    if "AVX10.2" in core:
        return "avx10_2_amx_2" if amx else "avx10_2"
    if "AVX-512" in core:
        if {"bfloat16", "8-bit"} <= amx:
            return "avx512_core_amx_fp16" if "float16" in amx else "avx512_core_amx"
        for word, suffix in (("float16", "_fp16"), ("bfloat16", "_bf16"), ("Boost", "_vnni")):
            if word in core:
                return "avx512_core" + suffix
        return "avx512_core" if "AVX512BW" in core else "avx2"
    if "AVX2" in core:
        return "avx2" + ("_vnni_2" if "float16" in core else "_vnni" if "Boost" in core else "")
    return {"AVX": "avx", "SSE4.1": "sse41"}.get(description.strip().rpartition(" ")[2])


def _around_amx(description: str) -> tuple[str, str]:
    """Return what a description says of the processor, and of its AMX."""
    core, _, amx = description.partition(" Intel AMX ")
    return core, amx


def of_flags(flags: Any, machine: str) -> str | None:
    """Return the instruction set that oneDNN has for a processor with flags as in /proc/cpuinfo."""
    if machine in ("x86_64", "AMD64"):
        fitting = (isa for isa, wanted in _BY_FLAGS if all(flag in flags for flag in wanted))
        return next(fitting, "sse41")
    if machine not in ("aarch64", "arm64"):
        return None
    if "sve" not in flags:
        return "asimd"
    bits = 8 * (ctypes.CDLL(None).prctl(_PR_SVE_GET_VL) & 0xFFFF)
    return next("sve_%d" % size for size in (512, 256, 128) if bits >= size)


def limited() -> bool:
    """Return whether the environment keeps oneDNN from using all of the processor."""
    return any(os.environ.get(name) for name in LIMITS)
